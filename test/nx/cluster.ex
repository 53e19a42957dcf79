defmodule NxCluster do
  # The BEAM nodes that Nx's distributed tests talk to, by the names they have there. They take tensors of this VM's GPU node as they come.

  @names [:"secondary@127.0.0.1", :"tertiary@127.0.0.1"]

  def start_distribution do
    System.cmd("epmd", ["-daemon"])
    match?({:ok, _}, Node.start(:"primary@127.0.0.1", :longnames))
  end

  # |modules| are those of the tests that lie in no file: {name, code}.
  def start_peers(modules) do
    for name <- @names do
      hidden = if name == List.last(@names), do: [~c"-hidden"], else: []
      {:ok, _pid, node} = :peer.start(%{name: name, args: [~c"-setcookie", Atom.to_charlist(Node.get_cookie()) | hidden]})
      true = :erpc.call(node, :code, :set_path, [:code.get_path()])
      {:ok, _} = :erpc.call(node, :application, :ensure_all_started, [:nx_vulkan])
      for {module, code} <- modules, do: {:module, _} = :erpc.call(node, :code, :load_binary, [module, ~c"nofile", code])
    end
  end
end

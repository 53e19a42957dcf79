defmodule GpuNode.DistributionTest do
  # VMs that are no node, that have short names, that find no epmd.
  use GpuNode.NodeCase, async: false

  # Where no epmd listens and none of the machine's own does.
  @epmd_port 24_369

  defp start_vm(options) do
    paths = Enum.filter(:code.get_path(), &(&1 != ~c"."))
    defaults = %{connection: :standard_io, args: [~c"-pa" | paths]}
    {:ok, peer, _node} = :peer.start_link(Map.merge(defaults, options))
    {:ok, _} = :peer.call(peer, :application, :ensure_all_started, [:gpu_node])
    peer
  end

  test "a VM that is no node, without epmd: the node starts both" do
    System.find_executable("epmd") || flunk("epmd is not in the PATH")
    peer = start_vm(%{env: [{~c"ERL_EPMD_PORT", ~c"#{@epmd_port}"}]})
    refute :peer.call(peer, Node, :alive?, [])

    assert {:error, %Error{code: :distribution, message: text}} =
             :peer.call(peer, GpuNode, :start_link, [[name: unique(), distribution: false]])

    assert text =~ "--name"
    name = unique()
    assert {:ok, _} = :peer.call(peer, GpuNode.NodeCase, :attach, [[name: name] ++ device()], 60_000)
    assert :peer.call(peer, Node, :self, []) |> Atom.to_string() |> String.ends_with?("@127.0.0.1")
    assert :peer.call(peer, GpuNode.NodeCase, :compute, [name], 60_000) == [2.0, 4.0]
    :peer.call(peer, GpuNode, :stop, [name], 60_000)
    :peer.stop(peer)
  after
    System.cmd("epmd", ["-port", "#{@epmd_port}", "-relaxed_command_check", "-kill"], stderr_to_stdout: true)
  end

  test "a VM with a short name: the node takes its style and host" do
    peer = start_vm(%{name: unique("peer"), host: ~c"localhost", longnames: false})
    name = unique()
    assert {:ok, _} = :peer.call(peer, GpuNode.NodeCase, :attach, [[name: name] ++ device()], 60_000)
    {:ok, %{node: node}} = :peer.call(peer, GpuNode, :status, [name])
    assert Atom.to_string(node) =~ ~r/^#{name}-[a-z2-7]{6}@localhost$/
    assert :peer.call(peer, GpuNode.NodeCase, :compute, [name], 60_000) == [2.0, 4.0]

    assert {:error, %Error{code: :distribution, message: text}} =
             :peer.call(peer, GpuNode, :start_link, [[node: :"gpu0@127.0.0.1"]], 60_000)

    assert text =~ "long name"
    :peer.stop(peer)
  end
end

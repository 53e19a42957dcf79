# The GPU host of rel/demo: a BEAM node that supervises the GPU process. Writes "ready" when it can be called and serves
# until it is stopped.
folder = System.fetch_env!("DEMO_FOLDER")
{:ok, _} = Node.start(:"demo_host@127.0.0.1", :longnames)
Node.set_cookie(folder |> Path.join("cookie") |> File.read!() |> String.trim() |> String.to_atom())

{:ok, _} = Application.ensure_all_started(:gpu_node)
options = if device = System.get_env("GPU_NODE_DEVICE"), do: [device: device], else: []

case GpuNode.start_link([name: :gpu0, shared: true, cookie: Node.get_cookie()] ++ options) do
  {:ok, _supervisor} ->
    {:ok, status} = GpuNode.status(:gpu0)
    File.write!(Path.join(folder, "ready"), "#{Node.self()} supervises #{status.node} on #{status.device.name}")
    Process.sleep(:infinity)

  {:error, error} ->
    IO.puts(Exception.message(error))
    System.halt(70)
end

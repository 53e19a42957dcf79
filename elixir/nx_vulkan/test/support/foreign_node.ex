defmodule Nx.Vulkan.ForeignNode do
  @moduledoc false
  # A GPU node that this VM did not start through GpuNode: it has a cookie of its own, and ends when the port is closed.

  @spec start() :: {port, node, cookie :: atom}
  def start do
    {:ok, binary} = GpuNode.Worker.Command.binary(nil)
    node = :"foreign_#{GpuNode.Distribution.random(5)}@127.0.0.1"
    cookie = GpuNode.Distribution.random(24)
    path = Path.join(System.tmp_dir!(), "#{node}.cookie")
    File.write!(path, "")
    File.chmod!(path, 0o600)
    File.write!(path, cookie)

    device = if name = System.get_env("GPU_NODE_TEST_DEVICE"), do: ["--device", name], else: []
    arguments = ~w(run --name #{node} --cookie-file #{path} --listen 127.0.0.1 --exit-on-stdin-eof) ++ device
    port = Port.open({:spawn_executable, binary}, [:binary, :stderr_to_stdout, :hide, {:line, 4096}, args: arguments])
    await(port)
    File.rm!(path)
    {port, node, String.to_atom(cookie)}
  end

  defp await(port) do
    receive do
      {^port, {:data, {_, "gpu_node ready" <> _}}} -> :ok
      {^port, {:data, _}} -> await(port)
    after
      20_000 -> raise "the foreign node did not become ready"
    end
  end
end

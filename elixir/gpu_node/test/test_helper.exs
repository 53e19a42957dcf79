# Tests tagged :node need the gpu_node binary; without it they do not run, and that is said.
{available, why} =
  case GpuNode.Worker.Command.binary(nil) do
    {:ok, path} -> {true, path}
    {:error, error} -> {false, error.message}
  end

unless available, do: IO.puts("NOT RUN: the tests that need a node (tag :node), because #{why}")
ExUnit.start(exclude: if(available, do: [], else: [:node]), capture_log: true)

# System tests: the real binary, real BEAM nodes, real faults. test/run builds what they need and starts this file with
# GPU_NODE_BINARY set and the client's compiled modules on the code path. `--only TAG` and `--exclude TAG` choose.
{choice, []} = OptionParser.parse!(System.argv(), strict: [only: :string, exclude: :string])

filter =
  case choice do
    [only: tag] -> [include: [String.to_atom(tag)], exclude: [:test]]
    [exclude: tag] -> [exclude: [String.to_atom(tag)]]
    [] -> []
  end

for {GpuNode.SystemCase.Remote = module, binary} <- Code.require_file("support.exs", __DIR__),
    do: :persistent_term.put(GpuNode.SystemCase, {module, binary, ~c"support.exs"})

GpuNode.SystemCase.start_distribution()
{:ok, _} = Application.ensure_all_started(:gpu_node)
ExUnit.start([timeout: 180_000, seed: 0, max_cases: 1, slowest: 5] ++ filter)
ExUnit.after_suite(fn _result -> GpuNode.SystemCase.remove_cookie_files() end)
for file <- Path.wildcard(Path.join(__DIR__, "*_test.exs")) |> Enum.sort(), do: Code.require_file(file)

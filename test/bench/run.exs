# Speed of the whole line, from an Elixir process to the device and back. Prints figures; asserts counters and the bounds
# that the project promises on a machine of two cores with a software driver.
for {GpuNode.SystemCase.Remote = module, binary} <- Code.require_file("../system/support.exs", __DIR__),
    do: :persistent_term.put(GpuNode.SystemCase, {module, binary, ~c"support.exs"})

GpuNode.SystemCase.start_distribution()
{:ok, _} = Application.ensure_all_started(:gpu_node)
ExUnit.start(timeout: 300_000, seed: 0, max_cases: 1)
ExUnit.after_suite(fn _result -> GpuNode.SystemCase.remove_cookie_files() end)
Code.require_file("line_test.exs", __DIR__)
Code.require_file("baseline_test.exs", __DIR__)

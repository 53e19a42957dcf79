# The functions that Nx's own tests of gradients and of defn compile, warm, with Nx.Vulkan and with Nx.Defn.Evaluator on
# Nx.BinaryBackend: each with the arguments of its test, which lie on the host, and all of its results read. In elixir/nx_vulkan, with
# Nx from NX_PATH:
#
#     MIX_ENV=prod mix run --no-start ../../test/bench/small_nx.exs [EVERY] [FILE ...]
#
# Of the tests every EVERYth is taken (1); files are those of Nx whose names contain one of FILE (grad_test and defn_test). The two take
# turns, and each one's shortest time counts, so that what else the machine does is in neither. Beside the slowest stands what a call of
# theirs came to on the node.
defmodule Bench.Noting do
  # A compiler that has the evaluator compute, and keeps what it was asked for.
  @behaviour Nx.Defn.Compiler
  alias Nx.Defn.Evaluator

  @table __MODULE__
  def init, do: :ets.new(@table, [:named_table, :public, :ordered_set])

  # What was compiled since the last call: {key, vars, fun, parameters}.
  def take do
    noted = for {_number, call} <- :ets.tab2list(@table), do: call
    :ets.delete_all_objects(@table)
    noted
  end

  @impl true
  def __partitions_options__(options), do: Evaluator.__partitions_options__(options)
  @impl true
  def __to_backend__(options), do: Evaluator.__to_backend__(options)

  @impl true
  def __jit__(key, vars, fun, args_list, options), do: __compile__(key, vars, fun, options).(args_list)

  @impl true
  def __compile__(key, vars, fun, options) do
    evaluated = Evaluator.__compile__(key, vars, fun, Keyword.take(options, [:hooks]))

    fn args_list ->
      # Hooks are functions of the test.
      if options[:hooks] in [nil, %{}] do
        for args <- args_list do
          args = for arg <- args, do: arg.()
          call = {key, vars, fun, for(arg <- args, do: fn -> arg end)}
          :ets.insert(@table, {System.unique_integer([:monotonic]), call})
        end
      end

      evaluated.(args_list)
    end
  end

  @impl true
  def __shard_jit__(_key, _mesh, _vars, _fun, _args_list, _options), do: raise("not in these tests")
end

Code.require_file("../nx/suite.ex", __DIR__)
Logger.configure(level: :none)
Code.compiler_options(ignore_module_conflict: true, docs: false)
ExUnit.start(autorun: false)

{every, files} =
  case System.argv() do
    [every | files] -> {String.to_integer(every), files}
    [] -> {1, []}
  end

files = if files == [], do: ["defn/grad_test.exs", "nx/defn_test.exs"], else: files
{:ok, _} = Application.ensure_all_started(:nx_vulkan)
device = System.get_env("GPU_NODE_TEST_DEVICE")
{:ok, _} = GpuNode.start_link([name: :bench] ++ if(device, do: [device: device], else: []))
nx = Nx.module_info(:compile)[:source] |> Path.dirname() |> Path.dirname()
tests = Path.join(nx, "test")
File.dir?(tests) || raise "#{nx} is a package without Nx's tests: NX_PATH names a checkout"

# What the compiler says of files that are not ours is no matter here.
quietly = fn fun ->
  ExUnit.CaptureIO.capture_io(:stderr, fn -> send(self(), {:loaded, fun.()}) end) && receive(do: ({:loaded, it} -> it))
end

modules =
  quietly.(fn ->
    NxSuite.load(Path.wildcard(Path.join(tests, "support/*.ex")))
    File.cd!(nx)

    Path.join(tests, "**/*_test.exs")
    |> Path.wildcard()
    |> Enum.filter(fn file -> Enum.any?(files, &String.contains?(file, &1)) end)
    |> NxSuite.load()
  end)

suites =
  for {module, _code} <- modules, function_exported?(module, :__ex_unit__, 0) do
    {module, Enum.take_every(module.__ex_unit__().tests, every)}
  end

Bench.Noting.init()

# What a test compiles; nothing of one that does not pass.
noted = fn module, name ->
  task =
    Task.async(fn ->
      Nx.default_backend(Nx.BinaryBackend)
      Nx.Defn.default_options(compiler: Bench.Noting)

      ExUnit.CaptureIO.capture_io(fn ->
        try do
          apply(module, name, [%{}])
        rescue
          _ -> :failed
        catch
          _, _ -> :failed
        end
      end)
    end)

  Task.yield(task, 60_000) || Task.shutdown(task, :brutal_kill)
  Bench.Noting.take()
end

read = fn [outputs] ->
  Nx.Defn.Composite.traverse(outputs, nil, fn tensor, nil -> {Nx.backend_copy(tensor, Nx.BinaryBackend), nil} end)
end

with_binary = fn {key, vars, fun, parameters} ->
  Nx.Defn.Evaluator.__jit__(key, vars, fun, [parameters], []) |> read.()
end

with_ours = fn {key, vars, fun, parameters} ->
  Nx.Vulkan.__jit__(key, vars, fun, [parameters], node: :bench) |> read.()
end

kind = fn {key, vars, _fun, _parameters} ->
  {key, for(tensor <- Nx.Defn.Composite.flatten_list(vars), do: {tensor.type, tensor.shape, tensor.vectorized_axes})}
end

timed = fn run ->
  started = System.monotonic_time(:nanosecond)
  run.()
  (System.monotonic_time(:nanosecond) - started) / 1000
end

counted = [:messages_in, :submits, :dispatches, :instructions, :barriers, :copies, :shader_compiles, :pipelines_created]

counters = fn ->
  {:ok, %{counters: counters}} = GpuNode.stats(:bench)
  counters
end

compiles = :counters.new(1, [])
:telemetry.attach(:bench, [:nx_vulkan, :compile, :stop], fn _, _, _, _ -> :counters.add(compiles, 1, 1) end, nil)

# Runs until both have been taken ten times, and at most a second.
measure = fn call ->
  for run <- [with_ours, with_ours, with_binary], do: run.(call)
  until = System.monotonic_time(:millisecond) + 1000

  {ours, binary} =
    Enum.reduce_while(1..10, {[], []}, fn round, {ours, binary} ->
      taken = {[timed.(fn -> with_ours.(call) end) | ours], [timed.(fn -> with_binary.(call) end) | binary]}
      over? = round >= 3 and System.monotonic_time(:millisecond) > until
      {if(over?, do: :halt, else: :cont), taken}
    end)

  {before, compiled} = {counters.(), :counters.get(compiles, 1)}
  with_ours.(call)
  now = counters.()
  # The question itself is a message.
  came_to = for key <- counted, do: {key, now[key] - before[key] - if(key == :messages_in, do: 1, else: 0)}
  came_to = [{:traced, :counters.get(compiles, 1) - compiled} | came_to]
  {Enum.min(ours), Enum.min(binary), for({key, count} <- came_to, count > 0, do: {key, count})}
end

left_out = :counters.new(1, [])

rows =
  for {module, tests} <- suites, reduce: [] do
    rows ->
      IO.write("#{inspect(module)}, #{length(tests)} tests ")

      rows =
        for {test, number} <- Enum.with_index(tests, 1), reduce: rows do
          rows ->
            if rem(number, 10) == 0, do: IO.write(".")

            # Of functions that are called in a loop the first will do.
            calls = noted.(module, test.name) |> Enum.uniq_by(kind)

            for {call, index} <- Enum.with_index(calls, 1), reduce: rows do
              rows ->
                try do
                  {ours, binary, came_to} = measure.(call)
                  name = String.replace_prefix(to_string(test.name), "test ", "")
                  [{ours / binary, ours, binary, came_to, "#{name} (#{index})"} | rows]
                rescue
                  # What its test expects to raise, or the node lacks.
                  _ -> tap(rows, fn _ -> :counters.add(left_out, 1, 1) end)
                end
            end
        end

      IO.puts(" #{length(rows)} functions so far")
      rows
  end

rows = Enum.sort(rows, :desc)
count = length(rows)
count > 0 || raise "no function was measured"
ratios = Enum.map(rows, &elem(&1, 0))
shown = fn number -> :erlang.float_to_binary(number * 1.0, decimals: 2) end
sum = fn place -> rows |> Enum.map(&elem(&1, place)) |> Enum.sum() |> Kernel./(1000) |> shown.() end
quantile = fn part -> ratios |> Enum.at(min(count - 1, trunc((1 - part) * count))) |> shown.() end

there = Nx.backend_copy(Nx.tensor([1.0]), {Nx.Vulkan.Backend, node: :bench})
a_read = for(_ <- 1..200, do: timed.(fn -> Nx.to_binary(there) end)) |> Enum.min()
IO.puts("\na read of what is there, the least of any call: #{shown.(a_read)} us")
IO.puts("#{count} functions, and #{:counters.get(left_out, 1)} that raise")
IO.puts("all of them once: ours #{sum.(1)} ms, binary #{sum.(2)} ms; above 3: #{Enum.count(ratios, &(&1 > 3))}")

for part <- [0.1, 0.25, 0.5, 0.75, 0.9, 0.99],
    do: IO.puts("  #{shown.(part)} of them take at most #{quantile.(part)} times as long")

IO.puts("\n   ratio   ours us binary us  of a test of Nx, and what its call came to")

for {ratio, ours, binary, came_to, name} <- Enum.take(rows, 10) do
  figures = for figure <- [ratio, ours, binary], do: figure |> shown.() |> String.pad_leading(9)
  came_to = Enum.map_join(came_to, ", ", fn {what, count} -> "#{what} #{count}" end)
  IO.puts("#{Enum.join(figures, " ")}  #{name}: #{came_to}")
end

System.halt(0)

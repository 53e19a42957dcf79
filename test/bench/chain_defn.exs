# What a leapfrog step costs of a log density in defn, beside the same as a family by hand: processor time of the node, so that who
# else is busy counts for little, the least of ten rounds of each in turn.
#
#     cd elixir/nx_vulkan && MIX_ENV=test mix run --no-start ../../test/bench/chain_defn.exs
alias GpuNode.Chain
alias Nx.Vulkan.Test.{Case, Densities}

{:ok, _} = Application.ensure_all_started(:nx_vulkan)
gpu = Case.start_gpu()
{:ok, %{os_pid: pid}} = GpuNode.status(gpu)

# Of all threads, in ticks of 10 ms, or nil where the system does not say.
ticks = fn ->
  with {:ok, text} <- File.read("/proc/#{pid}/stat") do
    [user, system] = text |> String.split(") ") |> List.last() |> String.split() |> Enum.slice(11, 2)
    String.to_integer(user) + String.to_integer(system)
  end
end

step = fn model, chains, steps ->
  zeros = :binary.copy(<<0::size(elem(model.type, 1))>>, model.coordinates * chains)
  before = ticks.()
  Chain.run!(model, position: zeros, momentum: zeros, step_size: 1.0e-3, steps: steps, rows: :last, timeout: 600_000)
  (ticks.() - before) * 10_000 / steps
end

round = &:erlang.float_to_binary(&1, decimals: 1)

schools =
  for which <- [:centered, :noncentered] do
    {fun, variables, family} = Densities.schools(which)
    {"eight schools, #{which}", fun, variables, Densities.schools_data(), family, [], 400_000}
  end

data = Densities.grouped_data()

groups =
  {"100 groups", &Densities.grouped/2, Densities.grouped_variables(), data, Densities.grouped_family(),
   [data: Map.delete(data, :scale)], 100}

for {name, fun, variables, data, family, inputs, steps} <- schools ++ [groups], type <- [:f64, :f32], chains <- [64, 512] do
  common = [type: type, chains: chains]
  ours = Nx.Vulkan.Chain.from_defn!(fun, [variables: variables, data: data, node: gpu] ++ common)
  theirs = Chain.compile!(gpu, family, inputs ++ common)
  steps = div(steps * 64, chains)
  pairs = for _ <- 1..10, do: {step.(ours, chains, steps), step.(theirs, chains, steps)}
  {own, by_hand} = {pairs |> Enum.map(&elem(&1, 0)) |> Enum.min(), pairs |> Enum.map(&elem(&1, 1)) |> Enum.min()}

  IO.puts(
    "#{name}, #{type}, #{chains} chains: #{round.(own)} us a step, by hand #{round.(by_hand)}, " <>
      "ratio #{Float.round(own / by_hand, 2)}"
  )
end

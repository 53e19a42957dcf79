defmodule GpuNode.ChainWarningsTest do
  @moduledoc "What samples are warned of, on the node's own draws."
  use GpuNode.NodeCase, async: false
  alias GpuNode.{Chain, Diagnostics}
  alias GpuNode.Chain.Samples

  @moduletag :truth

  defp normal(node), do: Chain.compile!(node, :normal, dimensions: [d: 2], chains: 64)
  defp codes(samples), do: samples |> Samples.warnings!() |> Enum.map(& &1.code) |> Enum.uniq()

  test "a good run has none", %{gpu: node} do
    assert codes(Chain.sample!(normal(node), 400, chains: 64, warmup: 300, seed: 1)) == []
  end

  test "the first run that the page shows has none, whatever the seed", %{gpu: node} do
    [call] =
      Regex.run(~r/Chain\.sample!\(model, 50, (.*), seed: 1\)/, File.read!("../../README.md"), capture: :all_but_first)

    {options, _} = Code.eval_string("[#{call}]")
    eight = Chain.compile!(node, :eight_schools_noncentered, chains: 1024)
    for seed <- 1..5, do: assert(codes(Chain.sample!(eight, 50, [seed: seed] ++ options)) == [])
  end

  test "a funnel has divergences, and draws that are not to be trusted, in words under its table", %{gpu: node} do
    model = Chain.compile!(node, :eight_schools_centered, chains: 256)
    samples = Chain.sample!(model, 100, chains: 256, warmup: 300, thin: 2, seed: 1)
    assert {:ok, warnings} = Samples.warnings(samples)
    assert %{value: count, chains: chains} = divergences = Enum.find(warnings, &(&1.code == :divergences))
    assert count == samples.divergent
    assert chains == for({n, c} <- Enum.with_index(Tensor.to_list!(samples.divergences)), n > 0, do: c)
    assert divergences.message =~ "#{count} of 51200 iterations diverged"
    assert %{variable: "tau"} = Enum.find(warnings, &(&1.code == :rhat and &1.variable == "tau"))

    summary = Samples.summary!(samples)
    assert summary.warnings == warnings
    assert Enum.map(summary, & &1.name) == Enum.map(0..7, &"theta[#{&1}]") ++ ["mu", "tau"]
    table = Diagnostics.Plot.table(summary)
    assert table =~ "\n" <> Diagnostics.Plot.warnings([divergences]) <> "\n"
  end

  test "few chains, few draws, one chain without an R-hat", %{gpu: node} do
    summary = Samples.summary!(Chain.sample!(normal(node), 40, chains: 1, warmup: 100))
    assert Enum.all?(summary, &(&1.rhat == nil))
    assert [:ess_bulk, :ess_tail, :few_chains] -- Enum.map(summary.warnings, & &1.code) == []
  end

  test "chains that never moved", %{gpu: node} do
    # With such steps no path has an energy that is taken.
    options = [chains: 8, warmup: 0, step_size: 1.0e3, path_length: 1.0e4, inverse_mass: [1.0, 1.0]]
    samples = Chain.sample!(normal(node), 200, options)
    assert %{chains: chains, value: 8} = samples |> Samples.warnings!() |> Enum.find(&(&1.code == :never_moved))
    assert chains == Enum.to_list(0..7)
  end

  test "a chain that never moved is left out, of draws, of all that is known, and of the warnings", %{gpu: node} do
    # Two begin where no step is taken.
    position = for chain <- 0..15, do: if(chain in [3, 9], do: [1.0e9, 1.0e9], else: [0.1 * chain, 0.0])
    options = [chains: 16, warmup: 0, step_size: 0.9, path_length: 2.0, inverse_mass: [1.0, 1.0], position: position]

    model =
      Chain.compile!(
        node,
        """
        {"name": "walls", "description": "", "dimensions": [], "variables": [{"name": "a"}, {"name": "b"}], "data": [],
         "terms": [{"expression": "-0.5 * a^2 - 0.5 * b^2 - 1e-9 * a^4"}],
         "example": {"unconstrained": {"a": 0, "b": 0}, "logp": 0, "gradient": {"a": 0, "b": 0}}}
        """,
        chains: 16
      )

    samples = Chain.sample!(model, 300, options)
    assert %{chains: [3, 9], message: text} = samples |> Samples.warnings!() |> Enum.find(&(&1.code == :never_moved))
    assert text =~ "GpuNode.Chain.Samples.without_chains(samples, [3, 9])"

    left = Samples.without_chains!(samples, [9, 3])
    assert left.chains == 14 and left.unmoved == 0
    assert left.draws["a"].shape == {14, 300}

    rows = fn tensor ->
      tensor
      |> Tensor.to_list!()
      |> Enum.with_index()
      |> Enum.reject(&(elem(&1, 1) in [3, 9]))
      |> Enum.map(&elem(&1, 0))
    end

    for field <- [:logp, :energy, :diverged, :acceptance, :divergences, :never_moved, :position],
        do: assert(Tensor.to_list!(Map.fetch!(left, field)) == rows.(Map.fetch!(samples, field)))

    for name <- ["a", "b"], do: assert(Tensor.to_list!(left.draws[name]) == rows.(samples.draws[name]))

    for field <- [:mean, :m2],
        half <- [0, 1],
        do:
          assert(Tensor.to_list!(elem(Map.fetch!(left, field), half)) == rows.(elem(Map.fetch!(samples, field), half)))

    assert left.divergent == Enum.sum(rows.(samples.divergences))
    assert_in_delta left.mean_acceptance, Enum.sum(rows.(samples.acceptance)) / 14, 1.0e-12
    refute Enum.any?(Samples.warnings!(left), &(&1.code in [:never_moved, :rhat]))
    # The others are as they were.
    assert samples.chains == 16 and samples.draws["a"].shape == {16, 300}

    assert {:error, %{code: :invalid_argument, message: text}} = Samples.without_chains(samples, [16])
    assert text == "there is no chain 16: the samples have 16, numbered from 0 to 15"
    assert {:error, %{message: "no chain of the 16 would stay"}} = Samples.without_chains(samples, Enum.to_list(0..15))
    assert {:error, %{message: text}} = Samples.without_chains(samples, 3)
    assert text =~ "the argument chains is a list, each of it an integer of at least 0, got 3"
    short = Samples.without_chains!(Chain.sample!(normal(node), 50, chains: 8, warmup: 50, keep_draws: false), [0])
    assert {short.chains, short.draws, short.logp} == {7, %{}, nil}
  end

  test "paths that max_steps cuts are said, with their share and what to do", %{gpu: node} do
    options = [chains: 8, warmup: 0, step_size: 0.1, inverse_mass: [1.0, 1.0], seed: 3]
    cut = fn samples -> samples |> Samples.warnings!() |> Enum.find(&(&1.code == :max_steps)) end
    # Paths of 10 to 100 steps, of which those above 40 are cut.
    samples = Chain.sample!(normal(node), 1000, [path_length: 10.0, max_steps: 40, jitter: 0.9] ++ options)
    assert %{value: share, message: text} = cut.(samples)
    assert_in_delta share, 60 / 90, 1.0e-8
    assert text =~ "67 % of the paths were cut at max_steps, 40, as the path length takes 100: "
    # The node's own count of steps is that of paths cut so: 1/3 of them from 10 to 40 steps, all others 40.
    assert_in_delta samples.leapfrog_steps / 1000, 1 / 3 * 25.5 + 2 / 3 * 40, 0.5

    assert %{value: 1.0} =
             cut.(Chain.sample!(normal(node), 50, [path_length: 10.0, max_steps: 40, jitter: 0] ++ options))

    assert cut.(Chain.sample!(normal(node), 50, [path_length: 10.0, max_steps: 100, jitter: 0] ++ options)) == nil
    # A length that was learned stops at what is allowed.
    learned = Chain.compile!(node, :normal, dimensions: [d: 2], parameters: [mu: 0, sigma: 1], chains: 64)
    given = [chains: 64, warmup: 300, step_size: 0.01, inverse_mass: [1.0, 1.0], seed: 1]
    assert %{message: text} = cut.(Chain.sample!(learned, 50, [max_steps: 20] ++ given))
    assert text =~ "max_steps, 20"
    assert cut.(Chain.sample!(learned, 50, given)) == nil
  end

  test "of a run without draws moments that are no numbers are said", %{gpu: node} do
    # The coordinate is a number, what it stands for is above all doubles.
    family = """
    {"name": "huge", "description": "", "dimensions": [], "variables": [{"name": "m"}, {"name": "s", "support": "positive", "transform": "exp"}], "data": [],
     "terms": [{"expression": "-0.5 * m^2"}],
     "example": {"unconstrained": {"m": 0, "s": 0}, "logp": 0, "gradient": {"m": 0, "s": 1}}}
    """

    model = Chain.compile!(node, family, chains: 4)
    position = for _ <- 1..4, do: [0.0, 800.0]
    options = [chains: 4, warmup: 0, step_size: 0.1, path_length: 0.1, inverse_mass: [1.0, 1.0], position: position]

    for keep? <- [true, false] do
      warnings = Samples.warnings!(Chain.sample!(model, 50, [keep_draws: keep?] ++ options))
      assert ["s"] == for(%{code: :not_finite, variable: name} <- warnings, do: name)
    end
  end

  test "coordinates are named in the order that positions have", %{gpu: node} do
    model = Chain.compile!(node, :eight_schools_noncentered, chains: 1)
    names = Chain.coordinates(model)
    assert length(names) == model.coordinates
    # Where a chain begins, and ends as it does not move, is what its draws are.
    position = Enum.map(1..10, &(&1 / 10))
    still = [chains: 1, warmup: 0, step_size: 1.0e-9, path_length: 1.0e-9, inverse_mass: List.duplicate(1.0, 10)]
    samples = Chain.sample!(model, 1, [position: [position], constrained: false] ++ still)
    rows = samples |> Samples.summary!() |> Map.new(&{&1.name, &1.mean})
    for {name, at} <- Enum.zip(names, position), do: assert_in_delta(rows[name], at, 1.0e-6)

    assert_in_delta Samples.summary!(Chain.sample!(model, 1, [position: [position]] ++ still))
                    |> Enum.find(&(&1.name == "tau"))
                    |> Map.fetch!(:mean),
                    :math.exp(Enum.at(position, Enum.find_index(names, &(&1 == "tau")))),
                    1.0e-6
  end

  test "samples are taken wherever draws are, and what is made of them is what their own functions say", %{gpu: node} do
    model = Chain.compile!(node, :eight_schools_noncentered, chains: 4)
    samples = Chain.sample!(model, 40, chains: 4, warmup: 100, thin: 2, seed: 5)
    summary = Samples.summary!(samples)
    assert Diagnostics.summary(samples) == summary.rows
    assert Diagnostics.warnings(samples) == summary.warnings
    assert Diagnostics.Plot.table(samples) == Diagnostics.Plot.table(summary)
    assert Diagnostics.mean(samples, "eta[3]") == Diagnostics.mean(Samples.fetch!(samples, "eta"), "eta[3]")
    tau = Samples.fetch!(samples, "tau")
    assert Diagnostics.Plot.density(samples, "tau") == Diagnostics.Plot.density(tau)
    assert Diagnostics.Plot.table(tau) == Diagnostics.Plot.table(Diagnostics.summary(tau))
    energies = Diagnostics.Draws.new!(Tensor.to_list!(samples.energy))
    assert Diagnostics.ebfmi(samples) == Diagnostics.ebfmi(energies)

    without = Chain.sample!(model, 5, chains: 4, warmup: 20, keep_draws: false)

    assert_raise Error, ~r/the samples have no draws, as keep_draws: false has it/, fn ->
      Diagnostics.summary(without)
    end

    assert_raise Error, ~r/no energies/, fn -> Diagnostics.ebfmi(without) end
    assert_raise Error, ~r/probability is a number from 0 to 1, got 2/, fn -> Diagnostics.quantile(tau, 2) end
    assert {:error, %{message: text}} = Samples.summary(tau)
    assert text =~ "the argument samples is a GpuNode.Chain.Samples, got %GpuNode.Diagnostics.Draws{"
    assert text =~ "GpuNode.Chain.sample!(model, draws) gives samples"
  end

  test "a density without a finite integral", %{gpu: node} do
    flat = """
    {"name": "flat", "description": "", "dimensions": [], "variables": [{"name": "m"}, {"name": "s"}], "data": [],
     "terms": [{"expression": "-0.5 * s^2 + 0 * m"}],
     "example": {"unconstrained": {"m": 1, "s": 0}, "logp": 0, "gradient": {"m": 0, "s": 0}}}
    """

    samples = Chain.sample!(Chain.compile!(node, flat, chains: 64), 500, chains: 64, warmup: 300, seed: 2)
    walking = samples |> Samples.warnings!() |> Enum.filter(&(&1.code == :improper))
    assert Enum.map(walking, & &1.variable) == ["m"]
  end

  test "of a run without draws what is known of the run is looked at", %{gpu: node} do
    samples = Chain.sample!(normal(node), 200, chains: 2, warmup: 100, keep_draws: false)
    assert {:ok, %{rows: [], warnings: [%{code: :few_chains}]}} = Samples.summary(samples)
    assert codes(Chain.sample!(normal(node), 400, chains: 64, warmup: 300, keep_draws: false)) == []
  end

  test "of a run without draws the halves of chains are held against each other", %{gpu: node} do
    # Chains that begin apart and hardly move.
    position = for chain <- 1..8, do: [0.1 * chain, 0.0]

    options = [
      chains: 8,
      warmup: 0,
      step_size: 1.0e-4,
      path_length: 1.0e-4,
      inverse_mass: [1.0, 1.0],
      position: position
    ]

    samples = Chain.sample!(normal(node), 200, [keep_draws: false] ++ options)
    assert %{variable: "x[0]", value: rhat} = samples |> Samples.warnings!() |> Enum.find(&(&1.code == :rhat))
    # The same draws, kept: split R-hat of the draws themselves, by the formula.
    [x, _] =
      Chain.sample!(normal(node), 200, options).draws["x"]
      |> Tensor.to_list!()
      |> Enum.map(&Enum.zip_with(&1, fn all -> all end))
      |> Enum.zip_with(& &1)

    known = x |> GpuNode.Test.SlowDiagnostics.split() |> GpuNode.Test.SlowDiagnostics.rhat_of()
    assert_in_delta rhat / known, 1.0, 1.0e-6
  end
end

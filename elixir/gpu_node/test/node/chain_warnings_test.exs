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
    eight = Chain.compile!(node, :eight_schools_noncentered, chains: 1024)
    assert codes(Chain.sample!(eight, 50, chains: 1024, warmup: 300, thin: 5, seed: 1)) -- [:divergences] == []
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
    assert table =~ "\nwarning: #{divergences.message}\n"
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

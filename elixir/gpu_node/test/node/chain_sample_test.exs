defmodule GpuNode.ChainSampleTest do
  @moduledoc "Draws through the wire: known posteriors, seeds, reports, cancellation."
  use GpuNode.NodeCase, async: false
  alias GpuNode.{Chain, Diagnostics}
  alias GpuNode.Chain.Samples

  defp normal(node),
    do: Chain.compile!(node, :normal, parameters: [mu: 1.5, sigma: 2.0], dimensions: [d: 2], chains: 64)

  test "a normal has its mean and spread", %{gpu: node} do
    model = normal(node)
    assert {:ok, samples} = Chain.sample(model, 400, chains: 64, warmup: 200, seed: 7)
    assert samples.draws["x"].shape == {64, 400, 2}
    assert samples.logp.shape == {64, 400}
    assert samples.divergent == 0
    assert samples.mean_acceptance > 0.5

    for row <- Samples.summary!(samples) do
      assert_in_delta row.mean, 1.5, 5 * row.mcse_mean
      assert_in_delta row.sd, 2.0, 0.1
      assert row.rhat < 1.01
      assert row.ess_bulk > 2000
    end

    assert Enum.map(Samples.summary!(samples), & &1.name) == ["x[0]", "x[1]"]
    {first, second} = samples.mean
    means = Enum.zip_with(List.flatten(Tensor.to_list!(first)), List.flatten(Tensor.to_list!(second)), &((&1 + &2) / 2))
    assert_in_delta Enum.sum(means) / length(means), 1.5, 0.1
    assert samples.divergences |> Tensor.to_list!() |> Enum.sum() == 0
  end

  test "eight schools, non-centred, against its integral", %{gpu: node} do
    model = Chain.compile!(node, :eight_schools_noncentered, chains: 256)
    samples = Chain.sample!(model, 200, chains: 256, warmup: 300, thin: 3, seed: 3)
    rows = Map.new(Samples.summary!(samples), &{&1.name, &1})
    exact = GpuNode.EightSchools.exact()

    for name <- ["mu", "tau"] do
      {mean, sd} = exact[name]
      row = rows[name]
      assert_in_delta row.mean, mean, 4 * row.mcse_mean
      assert_in_delta row.sd, sd, 0.06 * sd
      assert row.rhat < 1.01
    end
  end

  test "the same seed gives the same draws, another one others", %{gpu: node} do
    model = normal(node)
    bytes = fn seed -> Tensor.to_binary!(Chain.sample!(model, 5, chains: 3, warmup: 20, seed: seed).draws["x"]) end
    assert bytes.(1) == bytes.(1)
    refute bytes.(1) == bytes.(2)
  end

  test "moments alone, a start of one's own, given scales, f32", %{gpu: node} do
    model = Chain.compile!(node, :normal, dimensions: [d: 2], type: :f32)

    options = [
      chains: 2,
      warmup: 0,
      step_size: 0.5,
      path_length: 1.5,
      inverse_mass: [1.0, 1.0],
      position: [[0.1, 0.2], [0.3, 0.4]],
      keep_draws: false
    ]

    samples = Chain.sample!(model, 200, options)
    assert samples.draws == %{} and samples.logp == nil
    assert samples.step_size == 0.5 and samples.inverse_mass == [1.0, 1.0]
    assert samples.half == 100
    assert {:error, %{code: :invalid_argument}} = Samples.fetch(samples, "x")
    again = Chain.sample!(model, 10, Keyword.put(options, :position, samples.position))
    assert again.position.shape == {2, 2}
  end

  test "reports come, and one of them ends the run", %{gpu: node} do
    model = normal(node)
    test = self()
    hear = fn report -> send(test, {:report, report}) end
    Chain.sample!(model, 300, chains: 64, warmup: 300, progress: hear, progress_ms: 1)
    assert_received {:report, %{phase: phase, iteration: _, iterations: _, step_size: _, divergences: _}}
    assert phase in [:warmup, :draw]

    assert {:error, %{code: :cancelled}} =
             Chain.sample(model, 10_000_000,
               chains: 1,
               warmup: 10,
               keep_draws: false,
               progress: fn _ -> :cancel end,
               progress_ms: 1
             )

    assert Chain.sample!(model, 5, chains: 1, warmup: 5).count == 5
    {:messages, left} = Process.info(self(), :messages)
    assert Enum.all?(left, &match?({:report, _}, &1))
  end

  @endless [chains: 64, warmup: 10, keep_draws: false, progress_ms: 1]

  @tag :truth
  test "a function for reports that raises, throws or exits ends the run, goes on to the caller and leaves nothing", %{
    gpu: node
  } do
    model = normal(node)
    :erlang.garbage_collect()
    GpuNode.sync(node)
    eventually(fn -> GpuNode.stats(node) |> elem(1) |> get_in([:queue, :depth]) == 0 end)
    before = live_bytes(node)
    sample = fn hear -> Chain.sample(model, 1_000_000_000, [progress: hear] ++ @endless) end

    error = assert_raise RuntimeError, fn -> sample.(fn _ -> raise "from the function" end) end
    assert error.message == "from the function"

    trace =
      try do
        sample.(fn _ -> raise "again" end)
      rescue
        RuntimeError -> __STACKTRACE__
      end

    assert {__MODULE__, _, _, _} = hd(trace)
    assert catch_throw(sample.(fn _ -> throw(:enough) end)) == :enough
    assert catch_exit(sample.(fn _ -> exit(:enough) end)) == :enough

    assert Process.info(self(), :messages) == {:messages, []}
    assert Process.info(self(), :monitors) == {:monitors, []}
    eventually(fn -> live_bytes(node) <= before end)
    assert Chain.sample!(model, 5, chains: 1, warmup: 5).count == 5
  end

  @tag :truth
  test "the last report is of the phase done; those of the search have attempts", %{gpu: node} do
    test = self()
    hear = fn report -> send(test, {:report, report}) end
    samples = Chain.sample!(normal(node), 50, chains: 64, warmup: 50, thin: 2, progress: hear, progress_ms: 1)
    {:messages, messages} = Process.info(self(), :messages)
    reports = for {:report, report} <- messages, do: report
    assert %{phase: :done, iterations: 100, step_size: step, divergences: divergences} = List.last(reports)
    assert {step, divergences} == {samples.step_size, samples.divergent}
    assert Enum.count(reports, &(&1.phase == :done)) == 1

    for report <- reports do
      if report.phase == :search,
        do:
          assert(report |> Map.keys() |> Enum.sort() == [:acceptance, :attempts, :leapfrog_steps, :phase, :step_size]),
        else: assert(%{iteration: _, iterations: _, path_length: _, acceptance: _} = report)
    end
  end

  @tag :truth
  test "a line shows how far a run is", %{gpu: node} do
    text =
      ExUnit.CaptureIO.capture_io(fn ->
        Chain.sample!(normal(node), 100, chains: 64, warmup: 100, progress: true, progress_ms: 1)
      end)

    assert text =~ ~r/\r(search|warmup|draw) /
    assert text =~ ~r/\rdone    █+  100 %  200 iterations in .*divergences? *\n\z/u
  end

  test "a caller that dies takes its run with it, and the memory comes back", %{gpu: node} do
    model = normal(node)
    :erlang.garbage_collect()
    GpuNode.sync(node)
    eventually(fn -> GpuNode.stats(node) |> elem(1) |> get_in([:queue, :depth]) == 0 end)
    before = live_bytes(node)

    pid =
      spawn(fn -> Chain.sample(model, 50_000_000, chains: 64, warmup: 10, keep_draws: false) end)

    Process.sleep(500)
    assert live_bytes(node) > before
    Process.exit(pid, :kill)
    eventually(fn -> live_bytes(node) <= before end)
  end

  test "options that make no sense are refused", %{gpu: node} do
    model = normal(node)
    refused = fn draws, options -> model |> Chain.sample(draws, options) |> elem(1) |> Map.fetch!(:code) end
    assert refused.(0, []) == :invalid_argument
    assert refused.(10, chains: 0) == :invalid_argument
    assert refused.(10, step_size: -1.0) == :invalid_argument
    assert refused.(10, target_accept: 1.5) == :invalid_argument
    assert refused.(10, inverse_mass: [1.0]) == :invalid_argument
    assert refused.(10, position: [1.0]) == :invalid_argument
    assert refused.(10, speed: 1) == :invalid_argument
    assert refused.(10, mapping: :galaxy) == :invalid_argument
    assert GpuNode.alive?(node)
  end

  test "draws are ready for what is computed elsewhere", %{gpu: node} do
    samples = Chain.sample!(normal(node), 50, chains: 64, warmup: 100)
    assert {:ok, draws} = Samples.fetch(samples, :x)
    assert_in_delta Diagnostics.mean(draws, "x[1]"), 1.5, 0.5
    shifted = Ops.add(samples.draws["x"], 1.0)
    assert shifted.shape == {64, 50, 2}
  end
end

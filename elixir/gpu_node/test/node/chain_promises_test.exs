defmodule GpuNode.ChainPromisesTest do
  @moduledoc "What sample/3 says is what it does: starts, stuck chains, energies, reports, chains by default."
  use GpuNode.NodeCase, async: false
  alias GpuNode.Chain
  @moduletag :truth

  # y is normal; x has a density above 10 alone.
  @nowhere ~s|{"name": "nowhere", "description": "No start in [-2, 2) has a density.",
    "variables": [{"name": "x", "description": "odd", "support": "real"}, {"name": "y", "description": "normal", "support": "real"}],
    "terms": [{"expression": "-0.5 * y^2"}, {"expression": "log(x - 10)"}],
    "example": {"unconstrained": {"x": 11, "y": 0}, "logp": 0, "gradient": {"x": 1, "y": 0}}}|

  defp message({:error, %{code: :invalid_argument, message: message}}), do: message

  test "a model without a finite density in reach is an error that names chain, coordinates and term", %{gpu: node} do
    message = node |> Chain.compile!(@nowhere) |> Chain.sample(100) |> message()
    assert message =~ ~r/chain 0, as 3 more of 4, has no finite log density and gradient at any of 100 random starts/
    assert message =~ ~r/x = -?[0-9.]+, y = -?[0-9.]+/
    assert message =~ "term 1, 'log(x - 10)', is nan"
  end

  test "a given start that is not a number, or too far out, is an error that names chain and coordinate or term", %{
    gpu: node
  } do
    model = Chain.compile!(node, :normal, dimensions: [d: 2])
    start = fn position -> message(Chain.sample(model, 10, position: position, chains: 2)) end
    assert start.([[0.0, 1.0], [2.0, :nan]]) =~ "chain 1 cannot start where it is given: coordinate x[1] is nan"
    assert start.([[0.0, 1.0e300], [2.0, 3.0]]) =~ "chain 0"
    assert start.([[0.0, 1.0e300], [2.0, 3.0]]) =~ "term 0"
  end

  test "one chain of four that cannot move leaves the others their steps, and the result names it", %{gpu: node} do
    model = Chain.compile!(node, :gamma, parameters: [alpha: 3.0, beta: 2.0], dimensions: [d: 1])
    samples = Chain.sample!(model, 200, warmup: 300, position: [[0.1], [600.0], [0.2], [0.3]])
    assert samples.unmoved == 1
    assert Tensor.to_list!(samples.never_moved) == [0, 1, 0, 0]
    assert samples.step_size > 0.1 and samples.step_size < 10
    assert [_, acceptance, _, _] = Tensor.to_list!(samples.acceptance)
    assert acceptance == 0.0
    assert samples.mean_acceptance > 0.5
  end

  test "each draw has its energy and whether its path diverged", %{gpu: node} do
    model = Chain.compile!(node, :eight_schools_centered, chains: 16)
    options = [warmup: 0, step_size: 1.4, path_length: 4.0, seed: 3]
    samples = Chain.sample!(model, 50, options)
    assert {samples.energy.shape, samples.energy.type} == {{16, 50}, model.type}
    assert {samples.diverged.shape, samples.diverged.type} == {{16, 50}, {:u, 8}}
    diverged = Tensor.to_list!(samples.diverged)
    assert Enum.map(diverged, &Enum.sum/1) == Tensor.to_list!(samples.divergences)
    assert samples.divergent > 0 and samples.divergent < 16 * 50
    # An energy is that of the draw's position and a momentum's, which is not negative.
    kinetic =
      Enum.zip_with(List.flatten(Tensor.to_list!(samples.energy)), List.flatten(Tensor.to_list!(samples.logp)), &+/2)

    assert Enum.all?(kinetic, &(&1 > 0))

    # Of every two iterations, whether any diverged.
    thinned = Chain.sample!(model, 25, [thin: 2] ++ options)
    pairs = Enum.map(diverged, fn chain -> chain |> Enum.chunk_every(2) |> Enum.map(&Enum.max/1) end)
    assert Tensor.to_list!(thinned.diverged) == pairs

    assert %{energy: nil, diverged: nil, never_moved: %Tensor{}} =
             Chain.sample!(model, 5, [keep_draws: false] ++ options)
  end

  test "a model runs as many chains as it was compiled for, and four where nobody said", %{gpu: node} do
    many = Chain.compile!(node, :normal, dimensions: [d: 1], chains: 1024)
    assert many.chains == 1024
    assert Chain.sample!(many, 2, warmup: 5).chains == 1024
    assert Chain.sample!(many, 2, warmup: 5, chains: 3).draws["x"].shape == {3, 2, 1}
    few = Chain.compile!(node, :normal, dimensions: [d: 1])
    assert few.chains == 4
    assert Chain.sample!(few, 2, warmup: 5).draws["x"].shape == {4, 2, 1}
  end

  test "numbers out of their bounds are refused with key, bounds and value", %{gpu: node} do
    model = Chain.compile!(node, :normal, dimensions: [d: 2])
    said = fn options -> message(Chain.sample(model, 5, options)) end
    assert said.(step_size: 1.0e308) =~ "step_size is 1e+308; 1e-200 to 1e+200 is possible in f64"
    assert said.(step_size: 1.0e-300) =~ "step_size is 1e-300; 1e-200 to 1e+200"
    assert said.(step_size: 0) =~ "the option :step_size is a number above 0, got 0"
    assert said.(path_length: -1.5) =~ "the option :path_length is a number above 0, got -1.5"
    assert said.(step_size: :nan) =~ "step_size"
    assert said.(jitter: 1.5) =~ "the option :jitter is a number from 0 to 1, got 1.5"
    assert said.(target_accept: 1.0) =~ "the option :target_accept is a number between 0 and 1, got 1.0"
    assert said.(inverse_mass: [1.0, 0.0]) =~ "number 1 of inverse_mass is 0; 1e-200 to 1e+200"
    assert said.(inverse_mass: [:infinity, 1.0]) =~ "number 0 of inverse_mass is inf"
  end

  test "positions and data in lists or tensors of another shape are refused, with both shapes", %{gpu: node} do
    model = Chain.compile!(node, :normal, dimensions: [d: 3])
    pairs = [[1, 10], [2, 20], [3, 30]]
    zeros = [0.0, 0.0, 0.0]
    run = fn position -> message(Chain.run(model, position: position, momentum: zeros, step_size: 1.0e-30)) end
    assert run.(pairs) =~ "position is of shape {3, 2}, not {chains, 3}: the model has 3 coordinates"
    assert run.(Tensor.from_list!(node, pairs, :f64)) =~ "position is of shape {3, 2}, not {chains, 3}"
    assert run.([[1], [2, 20], [3, 30, 4]]) =~ "position: the lists in"
    assert message(Chain.sample(model, 5, position: [1, [2, 20], [3]])) =~ "not of one shape"
    assert message(Chain.sample(model, 5, inverse_mass: [[1], [2, 3]])) =~ "inverse_mass: the lists in"

    ragged = [X: [[1, 2], [3], [4, 5, 6]], y: [1, 2, 3]]
    assert message(Chain.compile(node, :linear_regression, data: ragged)) =~ "data X: the lists in"

    assert message(Chain.compile(node, <<"{\"name\":\"", 233, "\"}">>)) |> String.valid?()

    assert message(Chain.compile(node, "/nowhere/p.json")) =~
             ~s("/nowhere/p.json" is no JSON text of a family; a file is {:file, path})
  end

  test "who hears slowly hears the latest, and neither the end nor the deadline waits for him", %{gpu: node} do
    model = Chain.compile!(node, :normal, dimensions: [d: 2])
    slow = fn _report -> Process.sleep(300) end
    options = [chains: 64, warmup: 300, progress_ms: 1, progress: slow]
    {us, {:ok, _samples}} = :timer.tc(fn -> Chain.sample(model, 2000, options) end)
    %{timing: %{execute_us: took}} = Chain.sample!(model, 2000, chains: 64, warmup: 300)
    # The end is heard too.
    assert us < took + 4 * 300_000
  end

  test "the last report is done, and says what the result says", %{gpu: node} do
    model = Chain.compile!(node, :eight_schools_centered, chains: 16)
    test = self()
    hear = fn report -> send(test, {:report, report}) end
    # Even of a run that is over before the first report is due.
    samples = Chain.sample!(model, 200, warmup: 50, seed: 2, target_accept: 0.6, progress: hear, progress_ms: 60_000)
    assert_received {:report, %{phase: :done} = last}
    assert last.divergences == samples.divergent
    assert last.divergences == samples.divergences |> Tensor.to_list!() |> Enum.sum()
    assert last.acceptance == samples.mean_acceptance
    assert last.iteration == 200 and last.iterations == 200
    assert last.leapfrog_steps == samples.leapfrog_steps
    refute_received {:report, _}
  end
end

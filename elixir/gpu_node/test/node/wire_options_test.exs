defmodule GpuNode.WireOptionsTest do
  # That the node refuses what it does not know too: other clients speak to it.
  use ExUnit.Case, async: true
  use GpuNode.NodeCase
  alias GpuNode.{Chain, Client, Link, Protocol}

  @moduletag :truth

  defp asked(name, request) do
    {:ok, link} = Link.fetch(name)
    {:ok, session} = Client.session(link)

    assert {:error, %Error{code: :invalid_argument} = error} =
             Client.request(link, session, Client.deadline(link, []), request)

    error.message
  end

  test "options of requests, inputs of a model and operands of a run", %{gpu: name} do
    of_all = "deadline_ms, ref"
    model = Chain.compile!(name, :normal, parameters: [mu: 0.3, sigma: 1.7], dimensions: [d: 2])

    operands =
      for key <- [:position, :momentum, :inverse_mass, :step_size], into: %{}, do: {key, <<0.5::float-little-64>>}

    assert asked(name, Protocol.sample(model.id, [], %{bogus: 1})) =~
             "sample: unknown option bogus; the options are chains, warmup, draws, "

    assert asked(name, Protocol.chain(model.id, operands, [], %{bogus: 1})) ==
             "chain: unknown option bogus; the options are steps, rows, mapping, #{of_all}"

    assert asked(name, Protocol.chain(model.id, Map.put(operands, :speed, <<>>), [], %{})) ==
             "chain: unknown operand speed; the operands are position, momentum, inverse_mass, step_size"

    assert asked(name, Protocol.compile_family(1, :normal, %{params: %{}}, %{})) ==
             "compile_family: unknown input params; the inputs are parameters, dimensions, data"

    assert asked(name, Protocol.compile_family(1, :normal, %{}, %{bogus: 1})) ==
             "compile_family: unknown option bogus; the options are type, file, chains, #{of_all}"

    assert asked(name, Protocol.sample(model.id, [], %{seed: -1})) ==
             "sample: the option seed is an integer from 0 to 18446744073709551615, got the integer -1"

    # 0, -0.5, NaN, infinity, in f64.
    for {bytes, text} <- [
          {<<0::64>>, "0"},
          {<<-0.5::float-little-64>>, "-0.5"},
          {<<0, 0, 0, 0, 0, 0, 0xF8, 0x7F>>, "nan"},
          {<<0, 0, 0, 0, 0, 0, 0xF0, 0x7F>>, "inf"}
        ],
        operand <- [:step_size, :inverse_mass],
        operand == :inverse_mass or text in ["nan", "inf"] do
      what = if operand == :inverse_mass, do: "above 0 and finite", else: "finite"
      wrong = Map.put(operands, operand, <<0.5::float-little-64>> <> bytes)

      assert asked(name, Protocol.chain(model.id, wrong, [], %{})) ==
               "number 1 of chain: #{operand} is #{text}; what is #{what} is possible"
    end

    assert asked(name, Protocol.chain(model.id, operands, [], %{mapping: :galaxy})) ==
             "chain: the option mapping is thread, subgroup or workgroup, got the atom galaxy"
  end

  test "attributes of an op: whoever reads its result hears of it", %{gpu: name} do
    x = Tensor.from_list!(name, [1, 2], :f32)

    for {attributes, message} <- [
          {%{axis: 0}, "sum: unknown attribute axis; it takes axes, keep_axes"},
          {%{keep_axes: 1}, "sum: the attribute keep_axes is true or false, got the integer 1"}
        ] do
      {:ok, [sum]} = Ops.issue(name, :sum, [x], [{{:f, 32}, {}}], attributes)
      assert {:error, %Error{code: :invalid_argument, message: ^message}} = Tensor.to_number(sum)
    end
  end

  test "a parameter that the family does not have is refused, and a misspelt option is no default", %{gpu: name} do
    numbers = [dimensions: [d: 2]]

    assert {:error, %Error{code: :invalid_argument, message: message}} =
             Chain.compile(name, :normal, numbers ++ [parameters: [mu: 0, sigma: 1, nu: 3]])

    assert message =~ "there is no parameter 'nu'; there are mu, sigma"

    assert_raise Error, ~r/unknown option :params; the options are :parameters, /, fn ->
      Chain.compile!(name, :normal, numbers ++ [params: [mu: 300]])
    end

    model = Chain.compile!(name, :normal, numbers)
    assert {:error, %Error{message: message}} = Chain.sample(model, 5, chain: 2)
    assert message =~ "unknown option :chain; the options are :chains, "
  end

  test "what a client sends is known to the node", %{gpu: name} do
    assert {:ok, _} = GpuNode.ping(name, timeout: 5000)
    assert {:ok, _} = GpuNode.sync(name, [], timeout: 5000)
    x = Tensor.from_list!(name, [1, 2], :f32, timeout: 5000)
    assert {:ok, [1.0]} = Tensor.to_list(x, limit: 1, timeout: 5000)
    model = Chain.compile!(name, :normal, dimensions: [d: 2], type: :f32, chains: 4, timeout: 60_000)

    options = [
      chains: 4,
      warmup: 5,
      thin: 1,
      seed: 3,
      target_accept: 0.8,
      step_size: 0.1,
      path_length: 1,
      jitter: 1,
      max_steps: 10
    ]

    options = options ++ [inverse_mass: [1.0, 1.0], position: List.duplicate([0.0, 0.0], 4), mapping: :thread]
    hear = fn _report -> :ok end
    options = options ++ [constrained: false, keep_draws: true, progress: hear, progress_ms: 1]
    assert {:ok, samples} = Chain.sample(model, 5, options)
    assert samples.chains == 4

    run = [position: [0.0, 0.0], momentum: [0.1, 0.1], step_size: 0.1, inverse_mass: [1.0, 1.0], steps: 2]
    run = run ++ [rows: :last, mapping: :thread, results: :binaries]
    assert {:ok, %{rows: 1}} = Chain.run(model, run)
  end
end

defmodule GpuNode.WrongArgumentsTest do
  # That whatever a public function is given, what comes of it is a result or an error in words: each is called with every one of its
  # arguments in turn replaced by what it does not take.
  use GpuNode.NodeCase
  alias GpuNode.{Chain, Diagnostics, Op, Shape, Telemetry, Type}

  @moduletag :truth

  @modules [GpuNode, Ops, Program, Tensor, Chain, Chain.Samples, Diagnostics, Diagnostics.Draws, Diagnostics.Plot] ++
             [Shape, Type, Telemetry, Error, Op, Chain.InferenceData]

  # A node is started and stopped elsewhere; what is no name is passed to these by hand below.
  @others [{GpuNode, :start_link}, {GpuNode, :with_node}]

  setup_all %{gpu: gpu} do
    tensor = Tensor.from_list!(gpu, [[1, 2], [3, 4]], :f32)
    model = Chain.compile!(gpu, :normal, parameters: [mu: 0, sigma: 1], dimensions: [d: 2], chains: 4)
    samples = Chain.sample!(model, 10, warmup: 10, chains: 4)
    draws = Diagnostics.Draws.new!([[1.0, 2.0, 4.0], [2.0, 3.0, 1.0]])
    {program, value} = Program.input(Program.new(), :f32, {2, 2})
    program = Program.output(program, [value])
    {:ok, %{tensor: tensor, model: model, samples: samples, draws: draws, program: program, value: value}}
  end

  defp wrong(c) do
    [
      nil,
      :nope,
      -1,
      2,
      0.5,
      "no_such_folder/text",
      <<1::3>>,
      [],
      [:a],
      [1 | 2],
      [[]],
      [nil],
      %{},
      %{a: 1},
      {},
      {1, :b},
      {:file, nil}
    ] ++
      [{:f, 32}, self(), make_ref(), &is_nil/1, 1.0e308, 2 ** 70, :nan] ++
      [c.tensor, c.model, c.samples, c.draws, c.program, c.value, %URI{}, [c.samples], [c.tensor], 1..3, {2, 2}]
  end

  # What is right, by the name of the argument.
  defp right(c, module, function, argument) do
    case {module, function, argument} do
      {Program, :op, :operands} ->
        [c.value, 1]

      {Program, :op!, :operands} ->
        [c.value, 1]

      {Program, :commands, :inputs} ->
        [1]

      {Program, :kept, :messages} ->
        []

      {Program, _, :operands} ->
        [c.value, c.value]

      {Program, _, :attributes} ->
        []

      {Ops, :issue, :operands} ->
        [c.tensor]

      {Ops, :issue, :attributes} ->
        %{}

      {Ops, :op, :name} ->
        :add

      {Op, _, :name} ->
        :add

      {Program, op, :name} when op in [:op, :op!] ->
        :add

      {GpuNode, _, :op} ->
        :add

      {GpuNode, run, :inputs} when run in [:run, :run!] ->
        [c.tensor]

      {Ops, _, :operands} ->
        [c.tensor, c.tensor]

      {_, _, :operands} ->
        [c.tensor, 1]

      {Chain.Samples, _, :variable} ->
        "x"

      {Shape, _, :axes} ->
        [0]

      {Diagnostics.Plot, :warnings, _} ->
        []

      {Type, _, :number} ->
        1

      {Error, _, :code} ->
        :internal

      {Tensor, _, :list} ->
        [[1, 2], [3, 4]]

      {Program, _, name} ->
        right_of(c, name) || c.value

      {Ops, op, name} when op in [:iota, :eye, :constant] and name == :attributes ->
        [shape: {2, 2}, value: 1, type: :f32]

      {Ops, _, name} ->
        right_of(c, name) || c.tensor

      {_, _, name} ->
        right_of(c, name)
    end
  end

  defp right_of(c, name) do
    case name do
      name when name in [:name, :node] -> c.gpu
      name when name in [:tensor, :tensors] -> if name == :tensor, do: c.tensor, else: [c.tensor]
      name when name in [:options, :attributes] -> []
      :model -> c.model
      :draws -> 5
      :samples -> c.samples
      name when name in [:input, :data, :energies] -> c.draws
      :parameter -> 0
      :probability -> 0.5
      :type -> {:f, 32}
      :shape -> {2, 2}
      name when name in [:left, :right, :target, :from] -> {2, 2}
      :binary -> <<0::128>>
      :program -> c.program
      :values -> [c.value]
      :family -> :normal
      :path -> Path.join(System.tmp_dir!(), "wrong_arguments_#{System.pid()}.json")
      :message -> "text"
      :keep? -> true
      :rows -> Diagnostics.summary(c.draws)
      :results -> [{{:f, 32}, {2, 2}}]
      :limit -> 100
      :fresh -> fn -> 7 end
      :count -> 1
      :error -> Error.new(:internal, "text")
      _ -> nil
    end
  end

  defp functions(module) do
    {:docs_v1, _, _, _, _, _, docs} = Code.fetch_docs(module)

    for {{:function, name, arity}, _, signature, text, meta} <- docs,
        text != :hidden,
        {module, name} not in @others,
        # Where all has a default, that much may be left out.
        used <- (arity - Map.get(meta, :defaults, 0))..arity//1,
        used > 0,
        do: {name, arguments(signature, used), used}
  end

  defp arguments([signature], used) do
    {:ok, {_name, _, arguments}} = Code.string_to_quoted(signature)

    names =
      for argument <- arguments do
        case argument do
          {:\\, _, [{name, _, _}, _]} -> {name, :default}
          {name, _, _} -> {name, :needed}
        end
      end

    optional = length(names) - used
    drop_defaults(names, optional)
  end

  defp drop_defaults(names, 0), do: Enum.map(names, &elem(&1, 0))

  defp drop_defaults(names, count) do
    {_, at} = names |> Enum.with_index() |> Enum.filter(&match?({{_, :default}, _}, &1)) |> List.last()
    names |> List.delete_at(at) |> drop_defaults(count - 1)
  end

  defp outcome(module, function, arguments) do
    result = apply(module, function, arguments)
    # Nor does it end inside the node, or as what no caller can tell.
    code = with {:error, %Error{code: code}} <- result, do: code
    # A stream is read when somebody does.
    if is_struct(result, Stream) or is_function(result, 2), do: Enum.take(result, 1)
    if code == :internal, do: {:bad, "internal"}, else: :ok
  rescue
    error in Error ->
      said(error.message)

    error in ArgumentError ->
      said(error.message)

    error ->
      {:bad, error |> Exception.message() |> String.split("\n") |> hd() |> then(&"#{inspect(error.__struct__)}: #{&1}")}
  catch
    kind, reason -> {:bad, inspect({kind, reason})}
  end

  # Erlang's own says neither what was given nor what is taken.
  defp said(text) do
    if text =~ ~r/^argument error|errors were found at the given arguments|^out of range/ or text == "",
      do: {:bad, text},
      else: :ok
  end

  for module <- @modules do
    test "no function of #{inspect(module)} ends in an error of its inside, whatever it is given", c do
      module = unquote(module)

      bad =
        for {function, names, arity} <- functions(module),
            right = Enum.map(names, &right(c, module, function, &1)),
            at <- 0..(arity - 1),
            value <- wrong(c),
            {:bad, text} <- [outcome(module, function, List.replace_at(right, at, value))],
            do:
              "#{function}/#{arity}, #{Enum.at(names, at)} = #{inspect(value, limit: 3, printable_limit: 30)}: #{text}"

      assert bad == [], "#{length(bad)}\n" <> Enum.join(bad, "\n")
    end
  end

  # Values of options and attributes that are not looked at by a schema alone.
  defp values(c) do
    run = [position: [0.1, 0.2], momentum: [0.1, 0.2], step_size: 0.1, inverse_mass: [1, 1]]
    sum = fn attributes -> GpuNode.op(c.gpu, :sum, [c.tensor], attributes) end

    %{
      "compile, data" => &Chain.compile(c.gpu, :eight_schools, data: [y: &1]),
      "compile, parameters" => &Chain.compile(c.gpu, :normal, parameters: [mu: &1, sigma: 1], dimensions: [d: 2]),
      "compile, dimensions" => &Chain.compile(c.gpu, :normal, parameters: [mu: 0, sigma: 1], dimensions: [d: &1]),
      "run, position" => &Chain.run(c.model, Keyword.put(run, :position, &1)),
      "run, momentum" => &Chain.run(c.model, Keyword.put(run, :momentum, &1)),
      "run, step_size" => &Chain.run(c.model, Keyword.put(run, :step_size, &1)),
      "run, inverse_mass" => &Chain.run(c.model, Keyword.put(run, :inverse_mass, &1)),
      "sample, position" => &Chain.sample(c.model, 2, warmup: 2, position: &1),
      "sample, inverse_mass" => &Chain.sample(c.model, 2, warmup: 2, inverse_mass: &1),
      "with_node, fun" => &GpuNode.with_node([name: :never], if(is_function(&1), do: nil, else: &1)),
      "with_node, options" => &GpuNode.with_node(if(&1 == [], do: nil, else: &1), fn _ -> :ok end),
      "start_link, options" => &GpuNode.start_link(if(&1 == [], do: nil, else: &1)),
      "warnings, energies" => &Diagnostics.warnings([[1, 2, 3], [2, 3, 4]], energies: &1),
      "observed data" => &Chain.Samples.write_inference_data(c.samples, right_of(c, :path), observed_data: [y: &1]),
      "attributes" => sum,
      "axes" => &sum.(axes: &1),
      "keep_axes" => &sum.(keep_axes: &1),
      "type" => &sum.(type: &1),
      "shape" => &GpuNode.op(c.gpu, :reshape, [c.tensor], shape: &1),
      "broadcast, axes" => &GpuNode.op(c.gpu, :broadcast, [c.tensor], shape: {2, 2}, axes: &1),
      "argmax, axis" => &GpuNode.op(c.gpu, :argmax, [c.tensor], axis: &1),
      "argmax, tie_break" => &GpuNode.op(c.gpu, :argmax, [c.tensor], tie_break: &1),
      "top_k, k" => &GpuNode.op(c.gpu, :top_k, [c.tensor], k: &1),
      "dot, contract_left" => &GpuNode.op(c.gpu, :dot, [c.tensor, c.tensor], contract_left: &1),
      "dot, batch_left" => &GpuNode.op(c.gpu, :dot, [c.tensor, c.tensor], batch_left: &1),
      "concatenate, axis" => &GpuNode.op(c.gpu, :concatenate, [[c.tensor, c.tensor]], axis: &1),
      "iota, axis" => &GpuNode.op(c.gpu, :iota, [], shape: {2}, axis: &1),
      "constant, value" => &GpuNode.op(c.gpu, :constant, [], shape: {2}, value: &1),
      "squeeze, axes" => &GpuNode.op(c.gpu, :squeeze, [c.tensor], axes: &1),
      "transpose, axes" => &GpuNode.op(c.gpu, :transpose, [c.tensor], axes: &1)
    }
  end

  test "nor does a value of an option or an attribute", c do
    bad =
      for {what, call} <- values(c),
          value <- wrong(c),
          {:bad, text} <- [outcome(Kernel, :apply, [call, [value]])],
          do: "#{what} = #{inspect(value, limit: 3, printable_limit: 30)}: #{text}"

    assert bad == [], "#{length(bad)}\n" <> Enum.join(bad, "\n")
  end
end

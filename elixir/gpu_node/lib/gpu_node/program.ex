defmodule GpuNode.Program do
  @moduledoc """
  A tensor program: built once, run as one message as often as wanted.

      alias GpuNode.Program, as: P

      p = P.new()
      {p, x} = P.input(p, :f32, {3})
      {p, y} = P.multiply(p, x, 2)
      {p, z} = P.sum(p, y)
      p = P.output(p, [y, z])

      {:ok, [doubled, total]} = GpuNode.run(:gpu0, p, [tensor])

  Its first run is sent whole. When it is run again it is compiled on the node, and stays there: from then on a run is one command of a
  few bytes, however long the program is. `new(compile: :first)` has it compiled at once.

  Every op of `GpuNode.Op` is a function here: the program, the operands (values or numbers), and attributes for those that
  take any. Types and shapes are inferred as the program is built. Building raises `GpuNode.Error` for a wrong call; `op/4` is the
  twin that returns it.
  """

  alias GpuNode.{Argument, Error, Op, Options, Protocol, Shape, Type}
  alias GpuNode.Program.Loop
  require Type

  defmodule Value do
    @moduledoc "A value of a program: its local name (negative; inputs count from 0), its type and shape."
    @enforce_keys [:program, :name, :type, :shape]
    defstruct @enforce_keys
    @type t :: %__MODULE__{program: reference, name: integer, type: GpuNode.Type.t(), shape: tuple}
  end

  @enforce_keys [:ref, :stamp]
  # As many inputs as a program of a node may have.
  @max_inputs 4096
  # Heavier ones are sent as messages.
  @max_weight 16_384

  defstruct [
    :ref,
    :stamp,
    compile: :again,
    fuse: true,
    inputs: [],
    input_count: 0,
    commands: [],
    count: 0,
    outputs: [],
    bodies: []
  ]

  @typedoc "`inputs`, `commands` and `bodies` are in reverse order. The `stamp` changes with everything that is added: equal stamps, equal programs."
  @type t :: %__MODULE__{
          ref: reference,
          stamp: reference,
          compile: :first | :again,
          fuse: boolean,
          inputs: [Value.t()],
          input_count: non_neg_integer,
          commands: [Protocol.command()],
          count: non_neg_integer,
          outputs: [Value.t()],
          bodies: [t]
        }

  @typedoc "A value of the program, a number, or a number of a type."
  @type operand :: Value.t() | Op.literal()

  @new [
    compile: [
      type: {:in, [:first, :again]},
      default: :again,
      doc:
        "at which run it is compiled on the node: a program that is run once is cheaper as a message, one that is run often is not"
    ],
    fuse: [
      type: :boolean,
      default: true,
      doc: "whether the node carries out ops together where it can; the results' bits are the same"
    ]
  ]

  @doc """
  An empty program. Options:

  #{Options.docs(@new)}
  """
  @spec new(keyword) :: t
  def new(options \\ []) do
    options = Options.check!(options, @new, "GpuNode.Program.new/1")
    compile = Keyword.get(options, :compile, :again)
    %__MODULE__{ref: make_ref(), stamp: make_ref(), compile: compile, fuse: Keyword.get(options, :fuse, true)}
  end

  @doc "Declares the next input."
  @spec input(t, Type.t() | atom, tuple) :: {t, Value.t()}
  def input(program, type, shape) do
    with :ok <- own(program, "GpuNode.Program.input/3"),
         {:ok, type} <- Type.normalize(type),
         :ok <- Shape.check(shape) do
      value = %Value{program: program.ref, name: program.input_count, type: type, shape: shape}
      {%{program | stamp: make_ref(), inputs: [value | program.inputs], input_count: program.input_count + 1}, value}
    else
      :error -> Error.raise!(invalid("#{inspect(type)} is not a type"))
      {:error, %Error{} = error} -> Error.raise!(error)
      {:error, text} -> Error.raise!(invalid(text))
    end
  end

  @doc "Appends an op; of one with several results the values are a list. Errors: `:invalid_argument`."
  @spec op(t, atom, [operand], keyword | map) :: {:ok, {t, Value.t() | [Value.t()]}} | {:error, Error.t()}
  def op(program, name, operands, attributes \\ []) do
    {operands, attributes} = Op.spread(name, operands, attributes)

    with :ok <- own(program, "GpuNode.Program.op/4"),
         {:ok, result} <- Op.infer(name, operands, attributes),
         :ok <- check_values(program, operands) do
      operands = Enum.map(operands, &typed(&1, result.literal))
      {program, values} = append(program, name, operands, result.results, result.attributes)
      {:ok, {program, if(match?([_], values), do: hd(values), else: values)}}
    end
  end

  @doc "As `op/4`, raising `GpuNode.Error`."
  @spec op!(t, atom, [operand], keyword | map) :: {t, Value.t() | [Value.t()]}
  def op!(program, name, operands, attributes \\ []), do: program |> op(name, operands, attributes) |> Error.unwrap!()

  for {name, %{operands: count, list: list?, doc: doc} = row} <- Op.table() do
    arguments = if list?, do: [Macro.var(:operands, __MODULE__)], else: Macro.generate_arguments(count, __MODULE__)
    types = if list?, do: [quote(do: [operand])], else: List.duplicate(quote(do: operand), count)
    made = if row.results == 1, do: quote(do: Value.t()), else: quote(do: [Value.t()])

    @doc "Appends `#{name}`: #{doc}. Types, shapes and attributes are those of `GpuNode.Ops.#{name}/#{if(row.operands == 0, do: 2, else: if(list?, do: 2, else: count + 1))}`."
    @spec unquote(name)(t, unquote_splicing(types), keyword | map) :: {t, unquote(made)}
    def unquote(name)(program, unquote_splicing(arguments), attributes \\ []),
      do: op!(program, unquote(name), unquote(if(list?, do: hd(arguments), else: arguments)), attributes)
  end

  @doc false
  # Appends op `name` for callers that know what it gives: `results` are the types and shapes of its results, `attributes` a map as the
  # wire has it, numbers among `operands` have a type. Only the node checks them.
  @spec append(t, atom, [Value.t() | {Type.t(), term}], [{Type.t(), tuple}], map) :: {t, [Value.t()]}
  def append(program, name, operands, results, attributes) do
    values =
      for {{type, shape}, index} <- Enum.with_index(results, 1),
          do: %Value{program: program.ref, name: -(program.count + index), type: type, shape: shape}

    results = Enum.map(values, &{&1.name, &1.type, &1.shape})
    command = Protocol.instruction(name, results, Enum.map(operands, &operand/1), attributes)
    count = program.count + length(values)
    {%{program | stamp: make_ref(), commands: [command | program.commands], count: count}, values}
  end

  @doc """
  Appends a loop, which runs on the node: `body` again and again, as long as `condition` gives a `u8` that is not 0.

      {p, [n, power]} =
        P.while(
          p,
          [n, power],
          fn p, [n, _power] -> P.greater(p, n, 0) end,
          fn p, [n, power] ->
            {p, n} = P.subtract(p, n, 1)
            {p, power} = P.multiply(p, power, 2)
            {p, [n, power]}
          end
        )

  Both are given a program of their own and the state, values of it, and return that program with the condition, of shape `{}`, or with the state
  that the next round begins with. They see nothing else: what they need of the values around goes behind the state, in `state`, and may be
  left out of what `body` returns. A program with a loop is compiled at its first run.

  A loop that never ends goes on until nobody has its results any more: then the node gives it up.
  """
  @spec while(
          t,
          [Value.t(), ...],
          (t, [Value.t()] -> {t, Value.t()}),
          (t, [Value.t()] -> {t, [Value.t()]})
        ) :: {t, [Value.t()]}
  def while(program, state, condition, body) do
    name = "GpuNode.Program.while/4"

    with :ok <- own(program, name),
         :ok <- Argument.check(state, {:list, {:struct, Value}}, "state", name),
         :ok <- Argument.check(condition, {:fun, 2}, "condition", name),
         :ok <- Argument.check(body, {:fun, 2}, "body", name),
         :ok <- check_values(program, state),
         {:ok, condition} <- Loop.condition(condition, state),
         {:ok, body} <- Loop.body(body, state) do
      append_while(program, state, condition, body)
    else
      {:error, %Error{} = error} -> Error.raise!(error)
      {:error, text} -> Error.raise!(invalid("while: " <> text))
    end
  end

  @doc false
  # As while/4 of bodies that were built: programs of all of `state`, whose outputs may be inputs.
  @spec append_while(t, [Value.t()], t, t) :: {t, [Value.t()]}
  def append_while(program, state, condition, body) do
    place = length(program.bodies)
    program = %{program | bodies: [body, condition | program.bodies]}
    results = Enum.map(body.outputs, &{&1.type, &1.shape})
    append(program, :while, state, results, %{condition: place, body: place + 1})
  end

  defimpl Inspect do
    def inspect(program, _options) do
      "#GpuNode.Program<#{GpuNode.Text.count(program.input_count, "input")}, " <>
        "#{GpuNode.Text.count(length(program.commands), "instruction")}, #{GpuNode.Text.count(length(program.outputs), "output")}>"
    end
  end

  @doc "Declares what `GpuNode.run/4` returns, in order. Replaces an earlier declaration."
  @spec output(t, [Value.t()]) :: t
  def output(program, values) do
    with :ok <- own(program, "GpuNode.Program.output/2"),
         :ok <- Argument.check(values, {:list, {:struct, Value}}, "values", "GpuNode.Program.output/2"),
         :ok <- check_values(program, values) do
      %{program | stamp: make_ref(), outputs: values}
    else
      {:error, error} -> Error.raise!(error)
    end
  end

  @doc false
  # Whether the node takes it as a whole.
  @spec compilable?(t, pos_integer) :: boolean
  def compilable?(program, limit) do
    made(program) != [] and instructions(program) <= limit and inputs(program) <= @max_inputs and
      weight(program) <= @max_weight
  end

  # With those of bodies, each of which counts as an instruction.
  defp instructions(program), do: length(program.commands) + total(program.bodies, &(1 + instructions(&1)))
  defp inputs(program), do: program.input_count + total(program.bodies, &inputs/1)
  defp total(bodies, fun), do: bodies |> Enum.map(fun) |> Enum.sum()

  @doc false
  # What it takes of the node's memory, in instructions of few operands: a dozen operands more weigh as much as another, as do
  # three steps of a function.
  @spec weight(t) :: non_neg_integer
  def weight(program) do
    Enum.reduce(program.commands, total(program.bodies, &(1 + weight(&1))), fn {_op, _results, operands, attributes},
                                                                               sum ->
      sum + 1 + div(length(operands), 12) + div(length(Map.get(attributes, :function, [])), 3)
    end)
  end

  @doc false
  # What makes it program `id` of the node, and about how many bytes that is.
  @spec compile_command(t, Protocol.id()) :: {non_neg_integer, Protocol.command()}
  def compile_command(program, id) do
    inputs = for value <- Enum.reverse(program.inputs), do: {value.type, value.shape}
    options = if program.fuse, do: %{}, else: %{fuse: false}
    bodies = program.bodies |> Enum.reverse() |> Enum.map(&wire_body/1)
    command = Protocol.compile_program(id, inputs, Enum.reverse(program.commands), made(program), bodies, options)
    {bytes(program), command}
  end

  defp wire_body(body) do
    inputs = for value <- Enum.reverse(body.inputs), do: {value.type, value.shape}
    bodies = body.bodies |> Enum.reverse() |> Enum.map(&wire_body/1)
    Protocol.body(inputs, Enum.reverse(body.commands), Enum.map(body.outputs, & &1.name), bodies)
  end

  defp bytes(program) do
    operands = for {_op, _results, operands, _} <- program.commands, do: Protocol.operand_bytes(operands)
    64 * length(program.commands) + Enum.sum(operands) + total(program.bodies, &bytes/1)
  end

  @doc false
  # Runs it as program `id` of the node: `inputs` and `fresh` as in commands/4, whose outputs these are.
  @spec run_command(t, Protocol.id(), [Protocol.id() | Protocol.literal()], (-> Protocol.id())) ::
          {Protocol.command(), [Protocol.id() | Protocol.literal()]}
  def run_command(program, id, inputs, fresh) do
    made = made(program)
    ids = for _ <- made, do: fresh.()
    names = inputs |> Enum.with_index(&{&2, &1}) |> Map.new() |> Map.merge(made |> Enum.zip(ids) |> Map.new())
    {Protocol.run_program(id, inputs, ids), Enum.map(program.outputs, &Map.fetch!(names, &1.name))}
  end

  @doc false
  # What the node tells of its steps, with the names of the ops.
  @spec with_ops(t, [map]) :: [map]
  def with_ops(program, steps) do
    names = program.commands |> Enum.reverse() |> Enum.map(&elem(&1, 0)) |> List.to_tuple()

    Enum.map(steps, fn %{instructions: instructions} = step ->
      step
      |> Map.put(:ops, Enum.map(instructions, &elem(names, &1)))
      |> Map.update!(:gives, fn gives ->
        for {name, type, shape} <- gives, {:ok, type} = Type.normalize(type), do: {name, type, shape}
      end)
    end)
  end

  # The outputs that it makes, each once.
  defp made(program), do: for(%{name: name} when name < 0 <- program.outputs, uniq: true, do: name)

  @doc false
  # The commands of one run, in messages of at most `limit`. `inputs` are ids and literals in input order; `fresh` gives an id that
  # was never used. Returns the messages and the ids of the outputs.
  #
  # Local names live in one message only, so a value that a later message needs gets an id, freed at the end.
  @spec commands(t, [Protocol.id() | Protocol.literal()], pos_integer, (-> Protocol.id())) ::
          {[[Protocol.command()]], [Protocol.id() | Protocol.literal()]}
  def commands(program, inputs, limit, fresh) do
    inputs = inputs |> Enum.with_index(&{&2, &1}) |> Map.new()
    outputs = Map.new(made(program), &{&1, fresh.()})
    messages = program.commands |> Enum.reverse() |> chunk(max(limit - 1, 1))
    crossing = if match?([_, _ | _], messages), do: crossing(messages), else: []
    kept = for name <- crossing, not is_map_key(outputs, name), into: %{}, do: {name, fresh.()}
    names = inputs |> Map.merge(outputs) |> Map.merge(kept)
    messages = Enum.map(messages, fn commands -> Enum.map(commands, &rename(&1, names)) end)
    messages = if kept == %{}, do: messages, else: free_last(messages, Map.values(kept))
    {messages, Enum.map(program.outputs, &Map.fetch!(names, &1.name))}
  end

  @doc false
  # What the first `count` of the messages of a run make for a later one: ids that the last message would free.
  @spec kept([[Protocol.command()]], non_neg_integer) :: [Protocol.id()]
  def kept(messages, count) do
    for {:free, ids} <- List.last(messages, []),
        commands <- Enum.take(messages, count),
        {_op, results, _operands, _attributes} <- commands,
        {id, _, _} <- results,
        id in ids,
        do: id
  end

  # By number, and by what long lists of operands take: a node drops a message that is too large.
  @max_message_bytes 2 * 1024 * 1024

  defp chunk(commands, limit) do
    commands
    |> Enum.chunk_while(
      {[], 0, 0},
      fn {_op, _results, operands, _} = command, {chunk, count, bytes} ->
        own = Protocol.operand_bytes(operands)

        if count == limit or (count > 0 and bytes + own > @max_message_bytes),
          do: {:cont, Enum.reverse(chunk), {[command], 1, own}},
          else: {:cont, {[command | chunk], count + 1, bytes + own}}
      end,
      fn {chunk, _count, _bytes} -> {:cont, Enum.reverse(chunk), nil} end
    )
    |> Enum.reject(&(&1 == []))
  end

  defp crossing(messages) do
    {needed, _} =
      Enum.reduce(messages, {MapSet.new(), MapSet.new()}, fn commands, {needed, before} ->
        used = for {_op, _results, operands, _} <- commands, name when is_integer(name) <- operands, name < 0, do: name
        made = for {_op, results, _, _} <- commands, {name, _, _} <- results, do: name
        needed = used |> Enum.filter(&MapSet.member?(before, &1)) |> MapSet.new() |> MapSet.union(needed)
        {needed, MapSet.union(before, MapSet.new(made))}
      end)

    MapSet.to_list(needed)
  end

  defp free_last(messages, ids), do: List.update_at(messages, -1, &(&1 ++ [Protocol.free(ids)]))

  defp rename({op, results, operands, attributes}, names) do
    results = for {name, type, shape} <- results, do: {Map.get(names, name, name), type, shape}
    {op, results, Enum.map(operands, &rename_operand(&1, names)), attributes}
  end

  defp rename_operand(name, names) when is_integer(name), do: Map.get(names, name, name)
  defp rename_operand(literal, _names), do: literal

  defp typed(number, type) when Type.is_literal(number), do: {Type.of_number(type, number), number}
  defp typed(operand, _type), do: operand

  defp operand(%Value{name: name}), do: name
  defp operand({type, number}), do: Protocol.literal(type, number)

  defp own(program, function), do: Argument.check(program, {:struct, __MODULE__}, "program", function)

  defp check_values(program, operands) do
    foreign = Enum.find(operands, &(is_struct(&1, Value) and &1.program != program.ref))
    other = Enum.find(operands, &(is_struct(&1) and not is_struct(&1, Value)))

    cond do
      foreign -> {:error, invalid("#{Type.text(foreign.type, foreign.shape)} is a value of another program")}
      other -> {:error, invalid("#{inspect(other)} is no value of the program: declare an input for it")}
      true -> :ok
    end
  end

  defp invalid(text), do: Error.new(:invalid_argument, text)
end

defmodule GpuNode.Op do
  @moduledoc """
  The op table of this side: one row per op, spelled as on the wire, made from the project's `specs/ops.json` as the node's is.

  Adding an op is a row there; `GpuNode.Ops`, `GpuNode.Program` and the check against the node's `describe` follow from it.

  Operands are anything with a `type` and a `shape` (tensors, program values), numbers, `:nan`, `:infinity`, `:neg_infinity`, or
  `{type, number}`. Attributes are a keyword list or a map: those of the row, and

    * `type` - the result's type, where the row's rule leaves a choice (a wider one, an integer type, any)
    * `shape` - the result's shape, where it is not the operands' (`iota`, `eye`, `constant`, `reshape`, `broadcast`)

  Another key is an error that names those there are. An attribute that is nil is an error that says what it takes, but for `axis` and `axes` whose
  default is nil, as in Nx: there nil is as if it were not given.

  `dot` without `contract_left` and `contract_right` contracts as `Nx.dot/2` does: the last axis of the left with the last but one
  of the right, or with its only one; with a scalar nothing is contracted. `[]` for both contracts nothing. The default is of this
  side, which sends the axes: on the wire they are `[]` where nothing is said.

  | op | attributes | result type | |
  | --- | --- | --- | --- |
  #{Enum.map_join(GpuNode.Op.Table.rows(), "\n", fn row ->
    keys = for {key, _} <- Enum.sort(row.attributes), do: "`#{key}`"
    arguments = Enum.map_join(row.operand_names, ", ", &to_string/1) <> if(row.list, do: ", ...", else: "")
    "  | `#{row.name}(#{arguments})` | #{Enum.join(keys, ", ")} | #{row.type} | #{row.doc} |"
  end)}
  """

  alias GpuNode.{Error, Options, Text, Type}
  alias GpuNode.Op.{Rule, Table}
  require Type

  @type row :: %{
          name: atom,
          family: atom,
          operands: non_neg_integer,
          operand_names: [atom],
          list: boolean,
          starts: boolean,
          results: non_neg_integer,
          takes: :any | :integer | :ordered,
          type: atom,
          shape: atom,
          attributes: %{atom => %{kind: atom | [atom], default: {:ok, term} | :required}},
          density: boolean,
          doc: String.t(),
          formula: String.t(),
          example: map | nil
        }
  @typedoc "A number, which widens no type that it meets and is computed with as it is, or a number of a type."
  @type literal :: number | Type.special() | {Type.t(), number | Type.special()}
  @type operand :: %{required(:type) => Type.t(), required(:shape) => tuple, optional(atom) => term} | literal
  @typedoc """
  What an op makes: types and shapes of its results, the type that number operands merge to, and the attributes as the wire has them.
  """
  @type result :: %{results: [{Type.t(), tuple}], literal: Type.t(), attributes: map}

  # Those with bodies are no ops of tensors: GpuNode.Program has a function for each.
  @table Table.rows() |> Enum.reject(&(&1.family == :loop)) |> Map.new(&{&1.name, &1})
  # Of one instruction, as a node has it.
  @max_operands 65_536

  @doc "Every row of an op of tensors, by name."
  @spec table() :: %{atom => row}
  def table, do: @table

  @doc "What a node's `describe` says of every op when it has the same table."
  @spec description() :: %{atom => map}
  def description, do: Map.new(Table.rows(), fn row -> {row.name, describe(row)} end)

  defp describe(row) do
    attributes =
      Map.new(row.attributes, fn
        {key, %{kind: kind, default: {:ok, default}}} -> {key, %{kind: kind, default: default}}
        {key, %{kind: kind, default: :required}} -> {key, %{kind: kind}}
      end)

    row
    |> Map.take([:family, :list, :results, :takes, :type, :shape, :density, :doc])
    |> Map.merge(%{operands: row.operand_names, attributes: attributes})
  end

  @doc "The row of `name`."
  @spec fetch(atom) :: {:ok, row} | {:error, Error.t()}
  for {name, row} <- @table do
    def fetch(unquote(name)), do: {:ok, unquote(Macro.escape(row))}
  end

  def fetch(name), do: {:error, Error.new(:invalid_argument, "there is no op #{inspect(name)}")}

  @doc """
  What op `name` gives for `operands`: types and shapes of its results, its attributes for the wire.

  Errors are `:invalid_argument` and name op, types and shapes.
  """
  @spec infer(atom, [operand], keyword | map) :: {:ok, result} | {:error, Error.t()}
  def infer(name, operands, attributes \\ []) do
    with {:ok, row} <- fetch(name),
         :ok <- check_operands(row, operands) do
      case Rule.apply(row, operands, attributes) do
        {:ok, _result} = ok -> ok
        {:error, text} -> {:error, Error.new(:invalid_argument, "#{text(name, operands)}: #{text}")}
      end
    end
  end

  @doc false
  # Operands and attributes as the wire has them: tensors among the starts of slice and put_slice become operands behind the others.
  @spec spread(atom, [operand], keyword | map) :: {[operand], keyword | map}
  for {name, %{starts: true}} <- @table do
    def spread(unquote(name), operands, attributes) do
      with true <- proper_list?(operands) and attributes?(attributes),
           starts when starts != nil <- Access.get(attributes, :starts),
           true <- proper_list?(starts),
           [_ | _] = tensors <- Enum.filter(starts, &tensor?/1) do
        numbers = Enum.map(starts, &if(tensor?(&1), do: :operand, else: &1))

        {operands ++ tensors,
         Enum.map(attributes, fn {key, value} -> {key, if(key == :starts, do: numbers, else: value)} end)}
      else
        _ -> {operands, attributes}
      end
    end
  end

  def spread(_name, operands, attributes), do: {operands, attributes}

  @doc false
  # "add(f32{2, 3}, 1)", as messages have it.
  @spec text(atom, [operand]) :: String.t()
  def text(name, []), do: to_string(name)
  def text(name, operands), do: "#{name}(#{Enum.map_join(operands, ", ", &text/1)})"

  @doc false
  # "f32{2, 3}" of a tensor, "1" of a number, as messages have them.
  @spec text(operand | term) :: String.t()
  def text(%{type: type, shape: shape} = operand),
    do: if(operand?(operand), do: Type.text(type, shape), else: Options.show(operand))

  def text(other), do: Options.show(other)

  @doc false
  # The number and kinds of operands, whatever their types and shapes.
  @spec check_operands(row, [operand]) :: :ok | {:error, Error.t()}
  def check_operands(%{name: name, operands: arity, list: list?, starts: starts?}, operands) do
    cond do
      list? and not proper_list?(operands) ->
        {:error, Error.new(:invalid_argument, "#{name} takes a list of tensors, got #{text(operands)}")}

      list? and length(operands) < arity ->
        least = if arity == 1, do: "one tensor", else: "#{arity} tensors"
        {:error, Error.new(:invalid_argument, "#{name} takes at least #{least}, got #{inspect(operands)}")}

      proper_list?(operands) and length(operands) > @max_operands ->
        {:error, Error.new(:invalid_argument, "#{name} of #{length(operands)} operands, the limit is #{@max_operands}")}

      not proper_list?(operands) or length(operands) < arity or
          (not list? and not starts? and length(operands) != arity) ->
        takes = Text.count(arity, "operand")
        {:error, Error.new(:invalid_argument, "#{name} takes #{takes}, got #{inspect(operands)}")}

      # By its place: nil and false are no operands either.
      bad = Enum.find_index(operands, &(not operand?(&1))) ->
        got = operands |> Enum.at(bad) |> Options.show()
        {:error, Error.new(:invalid_argument, "#{name} takes tensors and numbers, got #{got}")}

      true ->
        :ok
    end
  end

  defp proper_list?(operands), do: is_list(operands) and not List.improper?(operands)

  # A tensor of Nx has these fields too, and belongs to its backend.
  defp attributes?(attributes) when is_map(attributes), do: not is_struct(attributes)
  defp attributes?(attributes), do: Keyword.keyword?(attributes)

  defp tensor?(operand), do: match?(%{type: _, shape: _}, operand) and operand?(operand)

  defp operand?(%{type: type, shape: shape} = operand),
    do: is_tuple(shape) and Type.normalize(type) == {:ok, type} and not is_struct(operand, Nx.Tensor)

  defp operand?({type, number}), do: Type.holds?(type, number)
  defp operand?(number), do: Type.is_literal(number)
end

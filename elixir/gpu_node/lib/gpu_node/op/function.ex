defmodule GpuNode.Op.Function do
  @moduledoc false
  # The function of a reduction as the wire has it: steps {Op, Type, Operands} of two numbers of one type, 0, the element, and 1,
  # what came of those before it.

  alias GpuNode.{Error, Op, Options, Program, Type}

  @typedoc "An operand is 0, 1, -k for what the k-th step gave, or a literal."
  @type steps :: [{atom, atom, [integer | GpuNode.Protocol.literal()]}]

  # As a node has it.
  @max_steps 1024

  @doc "The most steps that a node takes."
  @spec max_steps() :: pos_integer
  def max_steps, do: @max_steps

  @doc "The steps of `fun` for numbers of `type`."
  @spec steps(term, Type.t()) :: {:ok, steps} | {:error, String.t()}
  def steps(fun, type) when is_function(fun, 3) do
    {program, element} = Program.input(Program.new(), type, {})
    {program, acc} = Program.input(program, type, {})

    case fun.(program, element, acc) do
      {%Program{ref: ref} = made, %Program.Value{program: ref} = value} when ref == program.ref ->
        taken(made, value, type)

      other ->
        {:error, "function gives {program, value}, got #{Options.show(other)}"}
    end
  end

  def steps(other, _type),
    do: {:error, "function is a function of program, element and what came before, got #{Options.show(other)}"}

  # The last step gives the value, of the type.
  defp taken(program, value, type) do
    steps = for {op, [{_, step, _}], operands, _} <- Enum.reverse(program.commands), do: {op, step, operands}
    last? = value.name == -length(steps) and value.name < 0 and value.type == type
    steps = if last?, do: steps, else: steps ++ [{:as_type, Type.name(type), [value.name]}]

    cond do
      other = Enum.find(program.commands, &(not elementwise?(&1))) ->
        {:error, "function has #{elem(other, 0)}, which is not computed element by element"}

      length(steps) > @max_steps ->
        {:error, "function has #{length(steps)} steps, the limit is #{@max_steps}"}

      true ->
        {:ok, steps}
    end
  end

  defp elementwise?({op, _results, _operands, _attributes}), do: op?(op)

  @doc "Whether a step can be `op`."
  @spec op?(atom) :: boolean
  def op?(op) do
    case Op.fetch(op) do
      {:ok, %{family: family, type: rule}} -> family in [:unary, :binary, :ternary, :cast] and rule != :same_width
      {:error, %Error{}} -> false
    end
  end
end

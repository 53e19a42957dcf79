defmodule GpuNode.Op do
  @moduledoc """
  The op table of this side: one row per op, spelled as on the wire, with the rules that give its result's type and shape.

  Adding an op of a present kind is a row in `@rows`; `GpuNode.Ops`, `GpuNode.Program` and the check against the node's
  `describe` follow from it.

  Operands are anything with a `type` and a `shape` (tensors, program values), or numbers, `:nan`, `:infinity`,
  `:neg_infinity`: alone, where they take the type of what they meet, or as `{type, number}`. Attributes are a keyword list or a map.

  | kind | attributes |
  | --- | --- |
  | `:unary`, `:binary`, `:select`, `:clip` | `type`: a wider result type than the rule gives |
  | `:cast` | `type` |
  | `:create` | `shape`, `type`, and `axis` (iota) or `value` (constant) |
  | `:reshape` | `shape` |
  | `:squeeze`, `:transpose` | `axes` |
  | `:broadcast` | `shape`, `axes` |
  | `:reduce` | `axes`, `keep_axes`, `type` |
  | `:arg_reduce` | `axis`, `keep_axis`, `tie_break`, `type` |
  | `:dot` | `contract_left`, `batch_left`, `contract_right`, `batch_right`, `type` |
  """

  alias GpuNode.{Error, Type}
  require Type

  @typedoc "A type rule: see `GpuNode.Op.Rule.type/3`."
  @type rule :: atom
  @type row :: %{name: atom, kind: atom, operands: 0..3, rule: rule}
  @type operand :: %{required(:type) => Type.t(), required(:shape) => tuple, optional(atom) => term} | literal
  @typedoc "A number that takes the type of what it meets, or a number of a type."
  @type literal :: number | Type.special() | {Type.t(), number | Type.special()}
  @typedoc """
  What an op makes: type and shape of its result, the type that number operands take, and the attributes as the wire has them.
  """
  @type result :: %{type: Type.t(), shape: tuple, literal: Type.t(), attributes: map}

  @rows [
    {~w(exp expm1 log log1p sigmoid cos sin tan cosh sinh tanh acos asin atan acosh asinh atanh sqrt rsqrt cbrt erf erfc
        erf_inv lgamma digamma softplus log_sigmoid)a, :unary, 1, :floating},
    {~w(negate sign ceil floor round)a, :unary, 1, :same},
    {~w(abs)a, :unary, 1, :magnitude},
    {~w(bitwise_not count_leading_zeros population_count)a, :unary, 1, :integer},
    {~w(conjugate)a, :unary, 1, :complex},
    {~w(real imag)a, :unary, 1, :real},
    {~w(is_nan is_infinity logical_not)a, :unary, 1, :predicate},
    {~w(add subtract multiply pow)a, :binary, 2, :merge},
    {~w(remainder min max)a, :binary, 2, :ordered},
    {~w(quotient bitwise_and bitwise_or bitwise_xor left_shift right_shift)a, :binary, 2, :integer},
    {~w(divide atan2)a, :binary, 2, :floating},
    {~w(equal not_equal logical_and logical_or logical_xor)a, :binary, 2, :predicate},
    {~w(greater less greater_equal less_equal)a, :binary, 2, :comparison},
    {~w(select)a, :select, 3, :merge},
    {~w(clip)a, :clip, 3, :ordered},
    {~w(as_type bitcast)a, :cast, 1, :declared},
    {~w(iota eye constant)a, :create, 0, :declared},
    {~w(reshape)a, :reshape, 1, :same},
    {~w(squeeze)a, :squeeze, 1, :same},
    {~w(transpose)a, :transpose, 1, :same},
    {~w(broadcast)a, :broadcast, 1, :same},
    {~w(sum product)a, :reduce, 1, :aggregate},
    {~w(reduce_max reduce_min)a, :reduce, 1, :ordered},
    {~w(all any)a, :reduce, 1, :predicate},
    {~w(argmax argmin)a, :arg_reduce, 1, :declared},
    {~w(dot)a, :dot, 2, :merge}
  ]

  @table for {names, kind, operands, rule} <- @rows,
             name <- names,
             into: %{},
             do: {name, %{name: name, kind: kind, operands: operands, rule: rule}}

  @doc "Every row, by name."
  @spec table() :: %{atom => row}
  def table, do: @table

  @doc "The row of `name`."
  @spec fetch(atom) :: {:ok, row} | {:error, Error.t()}
  for {name, row} <- @table do
    def fetch(unquote(name)), do: {:ok, unquote(Macro.escape(row))}
  end

  def fetch(name), do: {:error, Error.new(:invalid_argument, "there is no op #{inspect(name)}")}

  @doc """
  The result of op `name` over `operands`: its type, its shape, its attributes for the wire.

  Errors are `:invalid_argument` and name op, types and shapes.
  """
  @spec infer(atom, [operand], keyword | map) :: {:ok, result} | {:error, Error.t()}
  def infer(name, operands, attributes \\ []) do
    with {:ok, row} <- fetch(name),
         :ok <- check_operands(row, operands) do
      case GpuNode.Op.Rule.apply(row, operands, attributes) do
        {:ok, _result} = ok -> ok
        {:error, text} -> {:error, Error.new(:invalid_argument, "#{text(name, operands)}: #{text}")}
      end
    end
  end

  @doc "\"add(f32{2, 3}, 1)\", as messages have it."
  @spec text(atom, [operand]) :: String.t()
  def text(name, operands) do
    "#{name}(#{Enum.map_join(operands, ", ", fn
      %{type: type, shape: shape} -> Type.text(type, shape)
      other -> inspect(other)
    end)})"
  end

  defp check_operands(%{name: name, operands: arity}, operands) do
    cond do
      not is_list(operands) or length(operands) != arity ->
        {:error, Error.new(:invalid_argument, "#{name} takes #{arity} operands, got #{inspect(operands)}")}

      bad = Enum.find(operands, &(not operand?(&1))) ->
        {:error, Error.new(:invalid_argument, "#{name} takes tensors and numbers, got #{inspect(bad)}")}

      true ->
        :ok
    end
  end

  defp operand?(%{type: _, shape: _}), do: true
  defp operand?({type, number}), do: Type.holds?(type, number)
  defp operand?(number), do: Type.is_literal(number)
end

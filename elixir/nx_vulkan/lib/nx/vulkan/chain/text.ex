defmodule Nx.Vulkan.Chain.Text do
  @moduledoc false
  # Expressions of the language of families (specs/README.md), with no more parentheses than it needs: it bounds how deep they nest.

  @enforce_keys [:text, :strength, :depth]
  defstruct @enforce_keys ++ [:loop]

  @typedoc "`loop`: of a sum its index, the dimension that this goes over, and what is summed."
  @type t :: %__MODULE__{
          text: String.t(),
          strength: 0..5,
          depth: pos_integer,
          loop: {String.t(), String.t(), t} | nil
        }

  # From weak to strong: comparisons, + and -, * and /, unary -, ^, what stands by itself.
  @sum 1
  @product 2
  @negation 3
  @power 4
  @primary 5

  @infix %{
    less: {"<", 0},
    less_equal: {"<=", 0},
    greater: {">", 0},
    greater_equal: {">=", 0},
    equal: {"==", 0},
    not_equal: {"!=", 0},
    add: {"+", @sum},
    subtract: {"-", @sum},
    multiply: {"*", @product},
    divide: {"/", @product}
  }

  @doc "Whether the language takes it for a name."
  @spec name?(String.t()) :: boolean
  def name?(text), do: text =~ ~r/\A[A-Za-z][A-Za-z0-9_]{0,63}\z/ and text not in ["sum", "in", "pi"]

  @doc "What a name is, for messages."
  @spec names() :: String.t()
  def names, do: "a name is a letter, then letters, digits and underscores, 64 at most, and none of sum, in and pi"

  @doc "A number, exactly; the language has no words for what is none."
  @spec number(number | :infinity | :neg_infinity | :nan) :: t
  def number(:infinity), do: call(:divide, [number(1), number(0)])
  def number(:neg_infinity), do: call(:divide, [number(-1), number(0)])
  def number(:nan), do: call(:divide, [number(0), number(0)])
  def number(x) when is_float(x) and (x < 0 or x === -0.0), do: call(:negate, [number(-x)])
  def number(x) when x < 0, do: call(:negate, [number(-x)])
  def number(x) when is_integer(x) and x <= 9_007_199_254_740_992, do: primary(Integer.to_string(x))
  def number(x), do: primary(:erlang.float_to_binary(x * 1.0, [:short]))

  @doc "A name, with places in brackets."
  @spec reference(String.t(), [String.t()]) :: t
  def reference(name, []), do: primary(name)
  def reference(name, places), do: primary("#{name}[#{Enum.join(places, ", ")}]")

  @spec sum(String.t(), String.t(), t) :: t
  def sum(index, dimension, body) do
    text = above([body], "sum(#{index} in #{dimension}, #{body.text})", @primary)
    %{text | loop: {index, dimension, body}}
  end

  @doc "An op of the language by its name."
  @spec call(atom, [t]) :: t
  def call(:negate, [x]), do: above([x], "-" <> within(x, @negation), @negation)
  def call(:pow, [x, y]), do: above([x, y], within(x, @primary) <> "^" <> within(y, @negation), @power)

  def call(op, [x, y]) when is_map_key(@infix, op) do
    {symbol, strength} = @infix[op]
    # A line of + and -, or of * and /, is one level.
    left = if strength > 0, do: strength, else: @sum
    text = "#{within(x, left)} #{symbol} #{within(y, strength + 1)}"
    depth = if x.strength == strength, do: max(x.depth, y.depth + 1), else: max(x.depth, y.depth) + 1
    %__MODULE__{text: text, strength: strength, depth: depth}
  end

  def call(op, arguments), do: above(arguments, "#{op}(#{Enum.map_join(arguments, ", ", & &1.text)})", @primary)

  defp within(%{strength: own, text: text}, least), do: if(own >= least, do: text, else: "(#{text})")
  defp primary(text), do: %__MODULE__{text: text, strength: @primary, depth: 1}

  defp above(parts, text, strength),
    do: %__MODULE__{text: text, strength: strength, depth: 1 + (parts |> Enum.map(& &1.depth) |> Enum.max())}
end

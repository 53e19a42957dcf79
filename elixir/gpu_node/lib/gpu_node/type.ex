defmodule GpuNode.Type do
  @moduledoc """
  The twenty element types of Nx, as `{kind, bits}`, and Nx's rules for merging them.

  On the node and on the wire an element takes `wire_bytes/1`; `s2 s4 u2 u4` take one byte there and are packed bitstrings
  on this side, as in Nx.
  """

  alias GpuNode.{Error, Options}

  @type t :: {:s | :u | :f | :bf | :c | :f8_e4m3fn, pos_integer}
  @type special :: :nan | :infinity | :neg_infinity

  @all for(k <- [:s, :u], b <- [2, 4, 8, 16, 32, 64], do: {k, b}) ++
         [{:f, 8}, {:f8_e4m3fn, 8}, {:f, 16}, {:bf, 16}, {:f, 32}, {:f, 64}, {:c, 64}, {:c, 128}]

  @names Map.new(@all, fn
           {:f8_e4m3fn, 8} = type -> {type, :f8_e4m3fn}
           {kind, bits} = type -> {type, :"#{kind}#{bits}"}
         end)

  defguardp special?(number) when number in [:nan, :infinity, :neg_infinity]

  @doc "Whether `value` can stand where a number is taken."
  defguard is_literal(value) when is_number(value) or value in [:nan, :infinity, :neg_infinity]

  @doc "Whether `value` can stand where a number is taken, or is `{real, imaginary}` of two such."
  defguard is_literal_or_pair(value)
           when is_literal(value) or
                  (is_tuple(value) and tuple_size(value) == 2 and is_literal(elem(value, 0)) and
                     is_literal(elem(value, 1)))

  @doc """
  Whether `type` is one and `number` can be an element of it: an integer of any, other numbers of those that are not integer,
  `{real, imaginary}` of complex ones.
  """
  @spec holds?(term, term) :: boolean
  def holds?({:c, _} = type, {_, _} = number), do: normalize(type) == {:ok, type} and is_literal_or_pair(number)

  def holds?(type, number) do
    normalize(type) == {:ok, type} and (is_integer(number) or (is_literal(number) and not integer?(type)))
  end

  @doc "Whether a result of `type` may be computed from elements of the other, as the node has it (cnode/ir/infer_types.cpp)."
  @spec carries?(t, t) :: boolean
  def carries?(type, type), do: true
  def carries?({:c, _}, _other), do: true
  def carries?(_type, {:c, _}), do: false

  def carries?({kind, size}, {other, bits}) when kind in [:f, :bf, :f8_e4m3fn],
    do: other in [:s, :u, :bf] or size >= bits

  def carries?({kind, size}, {kind, bits}), do: size >= bits
  def carries?({:s, size}, {:u, bits}), do: size > bits or size == 64
  def carries?(_type, _other), do: false

  @doc "All twenty types."
  @spec all() :: [t]
  def all, do: @all

  @doc "The short name, as the wire has it: `{:f, 32}` is `:f32`."
  @spec name(t) :: atom
  def name(type)
  for {type, name} <- @names, do: def(name(unquote(type)), do: unquote(name))
  def name(other), do: no_type(other)

  @doc "The type of a tuple or of a short name; `:error` when there is none."
  @spec normalize(t | atom) :: {:ok, t} | :error
  def normalize(type)

  for {type, name} <- @names do
    def normalize(unquote(type)), do: {:ok, unquote(type)}
    def normalize(unquote(name)), do: {:ok, unquote(type)}
  end

  def normalize(_type), do: :error

  @doc "Bytes of an element on the node and on the wire."
  @spec wire_bytes(t) :: pos_integer
  def wire_bytes({_kind, bits}) when is_integer(bits), do: div(bits + 7, 8)
  def wire_bytes(other), do: no_type(other)

  @doc "Whether elements are packed on this side (fewer than 8 bits)."
  @spec packed?(t) :: boolean
  def packed?({_kind, bits}), do: bits < 8
  def packed?(other), do: no_type(other)

  @spec integer?(t) :: boolean
  def integer?({kind, _bits}), do: kind in [:s, :u]
  def integer?(other), do: no_type(other)

  @spec complex?(t) :: boolean
  def complex?({kind, _bits}), do: kind == :c
  def complex?(other), do: no_type(other)

  @doc "The type of a number that stands alone: s32 (s64 or u64 when it needs them) or f32."
  @spec infer(number | special) :: t
  def infer(number) when is_integer(number) do
    cond do
      number in -0x80000000..0x7FFFFFFF -> {:s, 32}
      number in -0x8000000000000000..0x7FFFFFFFFFFFFFFF -> {:s, 64}
      true -> {:u, 64}
    end
  end

  def infer(number) when is_float(number) or special?(number), do: {:f, 32}
  def infer(other), do: no_number(other)

  @doc """
  The type in which `number` is sent where an op merges it to `type`: one that holds it, since ops compute with what their
  operands are. 70,000 is none of f16, and 0.1 is f32's 0.1 beside smaller floats.
  """
  @spec of_number(t, number | special) :: t
  def of_number({kind, bits}, number) when kind in [:f, :bf, :f8_e4m3fn] and bits < 64 do
    cond do
      not is_integer(number) or abs(number) <= 0x1000000 -> {:f, 32}
      number in -0x8000000000000000..0xFFFFFFFFFFFFFFFF -> infer(number)
      true -> {:f, 64}
    end
  end

  def of_number(type, _number), do: type

  @doc "Nx's merge: c > f > bf > s > u; of two f8 formats the left one wins."
  @spec merge(t, t) :: t
  def merge(type, type), do: type
  def merge({kind, left}, {kind, right}) when is_integer(left) and is_integer(right), do: {kind, max(left, right)}

  def merge(left, right) do
    {low, high} = if rank(left) < rank(right), do: {left, right}, else: {right, left}

    case {low, high} do
      {{:u, a}, {:s, b}} -> {:s, max(min(a * 2, 64), b)}
      {{:f, a}, {:c, b}} -> {:c, max(a * 2, b)}
      {_, high} -> high
    end
  end

  defp rank({:u, _}), do: 0
  defp rank({:s, _}), do: 1
  defp rank({:bf, _}), do: 2
  defp rank({:f, _}), do: 3
  defp rank({:f8_e4m3fn, _}), do: 3
  defp rank({:c, _}), do: 4
  defp rank(other), do: no_type(other)

  @doc "Merges a type with that of a number, keeping the type where the number fits it."
  @spec merge_number(t, number | special) :: t
  def merge_number(type, number) when special?(number), do: merge(type, {:f, 32})

  def merge_number({:u, size}, number) when is_integer(number) and number >= 0,
    do: {:u, max(bits_for(number, 0), size)}

  def merge_number({:u, size}, number) when is_integer(number), do: merge_number({:s, min(size * 2, 64)}, number)

  def merge_number({:s, size}, number) when is_integer(number) do
    magnitude = if number < 0, do: -number - 1, else: number
    {:s, max(bits_for(magnitude, 1), size)}
  end

  def merge_number({kind, size}, number) when kind in [:bf, :f, :c] and is_number(number), do: {kind, size}
  def merge_number({_kind, _size}, number) when is_number(number), do: {:f, 32}
  def merge_number({_kind, _size}, other), do: no_number(other)
  def merge_number(other, _number), do: no_type(other)

  # The smallest whole integer type, of 8 bits or more, whose magnitude bits hold |number|. 0 and 1 fit every type.
  defp bits_for(number, _sign_bits) when number <= 1, do: 1

  defp bits_for(number, sign_bits) do
    Enum.find([8, 16, 32], 64, fn bits -> number < Bitwise.bsl(1, bits - sign_bits) end)
  end

  @doc "Nx's to_floating: integers become f32."
  @spec to_floating(t) :: t
  def to_floating({kind, _} = type) when kind in [:s, :u], do: merge(type, {:f, 32})
  def to_floating(type), do: type

  @doc "Nx's to_aggregate, of sum and product."
  @spec to_aggregate(t) :: t
  def to_aggregate({:u, 64}), do: {:s, 64}
  def to_aggregate({:u, _}), do: {:u, 32}
  def to_aggregate({:s, 64}), do: {:s, 64}
  def to_aggregate({:s, _}), do: {:s, 32}
  def to_aggregate(type), do: type

  @doc "The real type of a component: c64 gives f32; integers f32."
  @spec to_real(t) :: t
  def to_real({:c, bits}), do: {:f, div(bits, 2)}
  def to_real({kind, _}) when kind in [:s, :u], do: {:f, 32}
  def to_real(type), do: type

  @doc "The complex type that holds a real one."
  @spec to_complex(t) :: t
  def to_complex({:c, bits}), do: {:c, bits}
  def to_complex({:f, 64}), do: {:c, 128}
  def to_complex(_type), do: {:c, 64}

  @doc "\"f32{2, 3}\", as messages have it."
  @spec text(t, tuple) :: String.t()
  def text(type, shape), do: "#{name(type)}#{inspect(shape)}"

  defp no_type(other) do
    types = Enum.map_join(@all, ", ", &inspect(name(&1)))
    refuse("#{Options.show(other)} is not a type, as {:f, 32} is the one named :f32; there are #{types}")
  end

  defp no_number(other), do: refuse("#{Options.show(other)} is not a number, :nan, :infinity or :neg_infinity")

  defp refuse(text), do: Error.raise!(Error.new(:invalid_argument, text))
end

defmodule Nx.Vulkan.Test.Numbers do
  @moduledoc false
  # Elements of the twenty types for tests: values worth trying, exact rounding to a type, distance in units in the last place.
  #
  # The rounding is written here from the definition of each format, so that it shares nothing with what is tested.

  import Bitwise

  @types [
    s: 2,
    s: 4,
    s: 8,
    s: 16,
    s: 32,
    s: 64,
    u: 2,
    u: 4,
    u: 8,
    u: 16,
    u: 32,
    u: 64,
    f: 8,
    f8_e4m3fn: 8,
    f: 16,
    bf: 16,
    f: 32,
    f: 64,
    c: 64,
    c: 128
  ]

  # {bits, significant bits, exponent of the smallest normal number, the largest finite number's pattern, what is above it, a NaN}
  @formats %{
    {:f, 8} => {8, 3, -14, 0x7B, 0x7C, 0x7E},
    {:f8_e4m3fn, 8} => {8, 4, -6, 0x7E, 0x7E, 0x7F},
    {:f, 16} => {16, 11, -14, 0x7BFF, 0x7C00, 0x7E00},
    {:bf, 16} => {16, 8, -126, 0x7F7F, 0x7F80, 0x7FC0},
    {:f, 32} => {32, 24, -126, 0x7F7FFFFF, 0x7F800000, 0x7FC00000},
    {:f, 64} => {64, 53, -1022, 0x7FEFFFFFFFFFFFFF, 0x7FF0000000000000, 0x7FF8000000000000}
  }

  @type value :: integer | float | :nan | :infinity | :neg_infinity

  def types, do: @types
  def real_types, do: Enum.reject(@types, &match?({:c, _}, &1))
  def float?(type), do: is_map_key(@formats, type)

  @doc "The pattern of `value`, exact, rounded to nearest even once, in the float type."
  @spec round_to(value, Nx.Type.t()) :: non_neg_integer
  def round_to(value, type) do
    {bits, precision, least, largest, above, nan} = Map.fetch!(@formats, type)
    sign = 1 <<< (bits - 1)

    case value do
      :nan ->
        nan

      :infinity ->
        above

      :neg_infinity ->
        sign ||| above

      integer when is_integer(integer) ->
        pattern(integer < 0, abs(integer), 0, {sign, precision, least, largest, above})

      float ->
        float |> exact() |> then(fn {s, m, e} -> pattern(s, m, e, {sign, precision, least, largest, above}) end)
    end
  end

  # A float as {negative?, m, e} with the value m * 2^e.
  defp exact(float) do
    case <<float::float-64>> do
      <<s::1, 0::11, m::52>> -> {s == 1, m, -1074}
      <<s::1, e::11, m::52>> -> {s == 1, m ||| 1 <<< 52, e - 1075}
    end
  end

  defp pattern(negative?, m, e, {sign, precision, least, largest, above}) do
    finest = least - precision + 1
    quantum = max(e + bit_length(m) - precision, finest)
    n = if e >= quantum, do: m <<< (e - quantum), else: half_even(m, quantum - e)
    magnitude = if n == 0, do: 0, else: ((quantum - finest) <<< (precision - 1)) + n
    magnitude = if magnitude > largest, do: above, else: magnitude
    if negative?, do: sign ||| magnitude, else: magnitude
  end

  defp half_even(m, shift) do
    down = m >>> shift
    rest = m - (down <<< shift)
    half = 1 <<< (shift - 1)
    if rest > half or (rest == half and (down &&& 1) == 1), do: down + 1, else: down
  end

  defp bit_length(0), do: 0
  defp bit_length(n), do: n |> Integer.digits(2) |> length()

  @doc "What the pattern is in the float type."
  @spec value(non_neg_integer, Nx.Type.t()) :: value
  def value(pattern, type) do
    {bits, precision, least, largest, above, _nan} = Map.fetch!(@formats, type)
    magnitude = pattern &&& (1 <<< (bits - 1)) - 1
    negative? = magnitude != pattern

    cond do
      magnitude <= largest ->
        field = magnitude >>> (precision - 1)
        m = magnitude &&& (1 <<< (precision - 1)) - 1
        m = if field == 0, do: m, else: m ||| 1 <<< (precision - 1)
        number = m * :math.pow(2.0, max(field, 1) - 1 + least - precision + 1)
        if negative?, do: -number, else: number

      magnitude > above or type == {:f8_e4m3fn, 8} ->
        :nan

      negative? ->
        :neg_infinity

      true ->
        :infinity
    end
  end

  @doc "The pattern that stands for all of the same value."
  @spec canonical(non_neg_integer, Nx.Type.t()) :: non_neg_integer
  def canonical(pattern, {:c, size}) do
    half = div(size, 2)
    part = {:f, half}
    canonical(pattern &&& (1 <<< half) - 1, part) ||| canonical(pattern >>> half, part) <<< half
  end

  def canonical(pattern, type), do: if(float?(type), do: pattern |> value(type) |> round_to(type), else: pattern)

  @doc "How many numbers of the type lie between two patterns; `:apart` for a NaN beside a number, and for two signs of zero."
  @spec distance(non_neg_integer, non_neg_integer, Nx.Type.t()) :: non_neg_integer | :apart
  def distance(same, same, _type), do: 0

  def distance(a, b, type) do
    case {value(a, type), value(b, type)} do
      {:nan, :nan} -> 0
      {:nan, _} -> :apart
      {_, :nan} -> :apart
      {x, y} when x == 0 and y == 0 -> :apart
      _ -> abs(ordered(a, type) - ordered(b, type))
    end
  end

  defp ordered(pattern, type) do
    sign = 1 <<< (elem(@formats[type], 0) - 1)
    if (pattern &&& sign) == 0, do: pattern, else: sign - pattern
  end

  @doc "The value with what a device may take for zero made zero."
  @spec flushed(value) :: value
  def flushed(value) when is_float(value) and abs(value) < 1.1754943508222875e-38, do: value * 0.0
  def flushed(value), do: value

  ## Patterns worth trying

  @doc """
  `count` patterns of the type, special ones among them. `style` is :any, or :exact for numbers whose sums and products round
  nowhere in the type, :small where they do not in f32 either, :moderate for numbers near 1.
  """
  @spec patterns(Nx.Type.t(), pos_integer, :any | :exact | :small | :moderate) :: [non_neg_integer]
  def patterns(type, count, style), do: for(_ <- 1..count, do: pick(type, style))

  defp pick({:c, size}, style) do
    part = {:f, div(size, 2)}
    {re, im} = {pick(part, style), pick(part, style)}
    re ||| im <<< div(size, 2)
  end

  defp pick({kind, _size}, :moderate) when kind in [:s, :u], do: 1
  defp pick(type, :moderate), do: round_to(Enum.random([-1, 1]) * (0.25 + 2.75 * :rand.uniform()), type)

  defp pick({kind, size}, style) when kind in [:s, :u] do
    mask = (1 <<< size) - 1
    low = if kind == :s, do: 1 <<< (size - 1), else: 0
    high = if kind == :s, do: low - 1, else: mask

    value =
      case {style, :rand.uniform(4)} do
        {:small, _} -> Enum.random([0, 1, 1])
        {:exact, _} -> Enum.random([0, 1, 1, 2, 3, high, low])
        {_, 1} -> Enum.random([0, 1, 2, high, high - 1, low, low + 1, mask])
        {_, 2} -> Enum.random(0..12) - if(kind == :s, do: 6, else: 0)
        _ -> Enum.random(0..mask)
      end

    value &&& mask
  end

  defp pick(type, style) when style in [:exact, :small] do
    round_to(Enum.random([0.0, 1.0, -1.0, 0.5, -2.0, 2.0, 1.5, 1.0, -0.5, 3.0]), type)
  end

  defp pick(type, :any) do
    {bits, precision, _least, largest, above, nan} = @formats[type]
    sign = 1 <<< (bits - 1)

    case :rand.uniform(4) do
      1 ->
        Enum.random([
          0,
          sign,
          above,
          sign ||| above,
          nan,
          largest,
          sign ||| largest,
          1,
          sign ||| 1,
          1 <<< (precision - 1)
        ])

      2 ->
        Enum.random(0..((1 <<< bits) - 1))

      3 ->
        round_to(:rand.uniform() * 2 - 1, type)

      4 ->
        round_to(Enum.random([:rand.normal() * 4, :rand.normal() * 60, 1.0 * Enum.random(-4..4)]), type)
    end
  end

  @doc "The patterns as Nx lays them out."
  @spec bits([non_neg_integer], Nx.Type.t()) :: bitstring
  def bits(patterns, {_, size}), do: for(p <- patterns, into: <<>>, do: <<p::little-size(size)>>)

  @doc "The patterns as a tensor of BinaryBackend."
  @spec tensor([non_neg_integer], Nx.Type.t(), tuple) :: Nx.Tensor.t()
  def tensor(patterns, type, shape),
    do: Nx.BinaryBackend.from_binary(Nx.template(shape, type), bits(patterns, type), [])

  @doc "The patterns of a tensor's elements, vectorized axes first."
  @spec patterns_of(Nx.Tensor.t()) :: [non_neg_integer]
  def patterns_of(tensor), do: tensor |> Nx.Vulkan.Eager.devectorized() |> Nx.to_binary() |> from_bits(tensor.type)

  @doc "The values of a tensor's elements. BinaryBackend reads subnormal numbers of f8 as others, so they are read here."
  @spec values(Nx.Tensor.t()) :: [value]
  def values(tensor), do: tensor |> patterns_of() |> Enum.map(&decoded(&1, tensor.type))

  @doc "What the pattern is in a type without parts."
  @spec decoded(non_neg_integer, Nx.Type.t()) :: value
  def decoded(pattern, {:u, _}), do: pattern
  def decoded(pattern, {:s, size}), do: if(pattern >>> (size - 1) == 1, do: pattern - (1 <<< size), else: pattern)

  def decoded(pattern, {:c, size}) do
    half = div(size, 2)
    Complex.new(value(pattern &&& (1 <<< half) - 1, {:f, half}), value(pattern >>> half, {:f, half}))
  end

  def decoded(pattern, type), do: value(pattern, type)

  @doc "The tensor with other elements."
  @spec rebuilt(Nx.Tensor.t(), [non_neg_integer], Nx.Type.t()) :: Nx.Tensor.t()
  def rebuilt(like, patterns, type) do
    %{like | type: type, data: tensor(patterns, type, Nx.Vulkan.Eager.devectorized(like).shape).data}
  end

  @spec from_bits(bitstring, Nx.Type.t()) :: [non_neg_integer]
  def from_bits(bits, {_, size}), do: for(<<p::little-size(size) <- bits>>, do: p)
end

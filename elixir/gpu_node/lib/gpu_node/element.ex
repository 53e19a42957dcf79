defmodule GpuNode.Element do
  @moduledoc """
  Elements as bytes: numbers to the wire and back, and the packing of types below a byte.

  Wire bytes are little-endian, one or more whole bytes per element. Non-finite floats are `:nan`, `:infinity`, `:neg_infinity`;
  complex numbers are `{real, imaginary}`.
  """

  import Bitwise
  alias GpuNode.Type

  @type value :: number | Type.special() | {value, value}

  # What is halfway from the largest double to 2^1024, or more, rounds to infinity.
  @infinite 2 ** 1024 - 2 ** 970

  @doc "From Nx's binary (packed bitstring below 8 bits) to wire bytes."
  @spec unpack(bitstring, Type.t()) :: binary
  def unpack(bits, {:s, size}) when size < 8, do: for(<<x::signed-size(size) <- bits>>, into: <<>>, do: <<x::8>>)
  def unpack(bits, {:u, size}) when size < 8, do: for(<<x::size(size) <- bits>>, into: <<>>, do: <<x::8>>)
  def unpack(binary, _type), do: binary

  @doc "From wire bytes to Nx's binary."
  @spec pack(binary, Type.t()) :: bitstring
  def pack(bytes, {_kind, size}) when size < 8, do: for(<<x::8 <- bytes>>, into: <<>>, do: <<x::size(size)>>)
  def pack(binary, _type), do: binary

  @doc "A number as wire bytes. Out of range floats become infinities; integers wrap. Error: the number is none of the type."
  @spec encode(value, Type.t()) :: {:ok, binary} | :error
  def encode(value, {kind, size}) when kind in [:s, :u] and is_integer(value),
    do: {:ok, <<wrap(value, kind, size)::little-size(max(size, 8))>>}

  def encode({re, im}, {:c, size}) do
    with {:ok, re} <- encode(re, {:f, div(size, 2)}), {:ok, im} <- encode(im, {:f, div(size, 2)}), do: {:ok, re <> im}
  end

  def encode(value, {:c, _} = type), do: encode({value, 0.0}, type)

  # Integers have no largest one, and doubles do.
  def encode(value, {kind, _} = type) when kind not in [:s, :u] and is_integer(value) and abs(value) >= @infinite,
    do: {:ok, float(if(value > 0, do: :infinity, else: :neg_infinity), type)}

  def encode(value, {kind, _} = type)
      when kind not in [:s, :u] and (is_number(value) or value in [:nan, :infinity, :neg_infinity]),
      do: {:ok, float(value, type)}

  def encode(_value, _type), do: :error

  @doc "A number, or nested lists of them, as wire bytes. `{:error, value}`: that one is none of the type."
  @spec encode_all(value | list, Type.t()) :: {:ok, binary} | {:error, term}
  def encode_all(values, type) do
    values
    |> List.wrap()
    |> List.flatten()
    |> Enum.reduce_while([], fn value, bytes ->
      case encode(value, type) do
        {:ok, binary} -> {:cont, [bytes, binary]}
        :error -> {:halt, {:error, value}}
      end
    end)
    |> case do
      {:error, _value} = error -> error
      bytes -> {:ok, IO.iodata_to_binary(bytes)}
    end
  end

  defp wrap(value, :s, size) do
    <<wrapped::signed-size(size)>> = <<value::size(size)>>
    wrapped
  end

  defp wrap(value, :u, size) do
    <<wrapped::size(size)>> = <<value::size(size)>>
    wrapped
  end

  defp float(:nan, {:f, 64}), do: <<0x7FF8000000000000::little-64>>
  defp float(:infinity, {:f, 64}), do: <<0x7FF0000000000000::little-64>>
  defp float(:neg_infinity, {:f, 64}), do: <<0xFFF0000000000000::little-64>>
  defp float(value, {:f, 64}), do: <<value::little-float-64>>
  defp float(value, {:f, 32}), do: <<small(value, 8, 23)::little-32>>
  defp float(value, {:bf, 16}), do: <<small(value, 8, 7)::little-16>>
  defp float(value, {:f, 16}), do: <<small(value, 5, 10)::little-16>>
  defp float(value, {:f, 8}), do: <<small(value, 5, 2)>>
  defp float(value, {:f8_e4m3fn, 8}), do: <<e4m3fn(value)>>

  # No infinities: the largest exponent holds numbers up to 448, and only all ones is NaN.
  defp e4m3fn(:nan), do: 0x7F
  defp e4m3fn(:infinity), do: 0x7E
  defp e4m3fn(:neg_infinity), do: 0xFE

  defp e4m3fn(value) do
    {sign, bits} = round_bits(value, 4, 3)
    sign <<< 7 ||| min(bits, 0x7E)
  end

  defp small(:nan, exponent, mantissa), do: infinity(exponent, mantissa) ||| 1 <<< (mantissa - 1)
  defp small(:infinity, exponent, mantissa), do: infinity(exponent, mantissa)
  defp small(:neg_infinity, exponent, mantissa), do: infinity(exponent, mantissa) ||| 1 <<< (exponent + mantissa)

  defp small(value, exponent, mantissa) do
    {sign, bits} = round_bits(value, exponent, mantissa)
    sign <<< (exponent + mantissa) ||| min(bits, infinity(exponent, mantissa))
  end

  defp infinity(exponent, mantissa), do: ((1 <<< exponent) - 1) <<< mantissa

  # |value| rounded to nearest, ties to even, as {sign, exponent and mantissa bits}; too large ones run over into the bits above.
  defp round_bits(value, exponent, mantissa) do
    <<sign::1, e64::11, m64::52>> = <<value::float-64>>
    bias = (1 <<< (exponent - 1)) - 1
    e = e64 - 1023 + bias

    cond do
      e64 == 0 -> {sign, 0}
      e > 0 -> {sign, (e <<< mantissa) + round_shift(m64, 52 - mantissa)}
      e < -mantissa - 1 -> {sign, 0}
      true -> {sign, round_shift(m64 ||| 1 <<< 52, 52 - mantissa + 1 - e)}
    end
  end

  defp round_shift(bits, shift) do
    rest = bits &&& (1 <<< shift) - 1
    half = 1 <<< (shift - 1)
    kept = bits >>> shift
    if rest > half or (rest == half and (kept &&& 1) == 1), do: kept + 1, else: kept
  end

  @doc "The numbers of wire bytes."
  @spec decode_all(binary, Type.t()) :: [value]
  def decode_all(bytes, {:s, size}) when size < 8, do: for(<<x::signed-8 <- bytes>>, do: x)
  def decode_all(bytes, {:u, size}) when size < 8, do: for(<<x::8 <- bytes>>, do: x)
  def decode_all(bytes, {:s, size}), do: for(<<x::signed-little-size(size) <- bytes>>, do: x)
  def decode_all(bytes, {:u, size}), do: for(<<x::little-size(size) <- bytes>>, do: x)

  def decode_all(bytes, {:c, size}) do
    bytes |> decode_all({:f, div(size, 2)}) |> Enum.chunk_every(2) |> Enum.map(&List.to_tuple/1)
  end

  def decode_all(bytes, {_kind, size} = type), do: for(<<x::binary-size(div(size, 8)) <- bytes>>, do: decode(x, type))

  defp decode(<<x::float-little-64>>, {:f, 64}), do: x
  defp decode(<<x::float-little-32>>, {:f, 32}), do: x
  defp decode(<<x::float-little-16>>, {:f, 16}), do: x
  defp decode(<<bits::little-64>>, {:f, 64}), do: special(bits, 11, 52)
  defp decode(<<bits::little-32>>, {:f, 32}), do: special(bits, 8, 23)
  defp decode(<<bits::little-16>>, {:f, 16}), do: special(bits, 5, 10)
  defp decode(<<bits::little-16>>, {:bf, 16}), do: decode(<<bits <<< 16::little-32>>, {:f, 32})
  # E5M2 is the upper half of f16.
  defp decode(<<bits>>, {:f, 8}), do: decode(<<bits <<< 8::little-16>>, {:f, 16})
  defp decode(<<_sign::1, 0x7F::7>>, {:f8_e4m3fn, 8}), do: :nan

  defp decode(<<sign::1, exponent::4, mantissa::3>>, {:f8_e4m3fn, 8}) do
    magnitude =
      if exponent == 0,
        do: mantissa / 8 * :math.pow(2, -6),
        else: (1 + mantissa / 8) * :math.pow(2, exponent - 7)

    if sign == 1, do: -magnitude, else: magnitude
  end

  defp special(bits, exponent, mantissa) do
    cond do
      (bits &&& (1 <<< mantissa) - 1) != 0 -> :nan
      bits >>> (exponent + mantissa) == 1 -> :neg_infinity
      true -> :infinity
    end
  end
end

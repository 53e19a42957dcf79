defmodule GpuNode.Diagnostics.Order do
  @moduledoc """
  The order of many values: order statistics, quantiles, ranks and their normal scores.

  Sorting is by small integers, some thirty leading bits of the value and below them its place: five times faster than sorting pairs. Values that agree
  in these bits are then compared whole. Places and ranks lie outside of the heap (`:atomics`), where tasks read them
  without a copy. O(S log S) time, 16 bytes a value beside the sort.
  """

  import Bitwise
  alias GpuNode.Diagnostics.Parallel
  alias GpuNode.Special

  @enforce_keys [:values, :size, :places, :ranks]
  defstruct [:values, :size, :places, :ranks]

  @type t :: %__MODULE__{
          values: binary,
          size: pos_integer,
          places: :atomics.atomics_ref(),
          ranks: :atomics.atomics_ref()
        }

  # Values that one task scores.
  @block 32_768

  # Values that one task sorts.
  @sorted 262_144

  @doc "Sorts f64 values."
  @spec new(binary) :: t
  def new(values) do
    size = div(byte_size(values), 8)
    order = %__MODULE__{values: values, size: size, places: :atomics.new(size, []), ranks: :atomics.new(size, [])}
    index_bits = length(Integer.digits(size, 2))
    # Below 2^59, where integers are not boxed.
    key_bits = 59 - index_bits

    Parallel.run(fn ->
      # Room for the sorted list, so that the collector does not copy it time and again.
      Process.flag(:min_heap_size, 8 * size + 1000)

      0..div(size - 1, @sorted)
      |> Parallel.map(fn block -> sort(values, block * @sorted, size, key_bits, index_bits) end)
      |> :lists.merge()
      |> place(order, index_bits, (1 <<< index_bits) - 1, 1)
    end)

    order
  end

  defp sort(values, first, size, key_bits, index_bits) do
    count = min(@sorted, size - first)
    Process.flag(:min_heap_size, 8 * count + 1000)
    values |> binary_part(first * 8, count * 8) |> keys(key_bits, index_bits, first, []) |> :lists.sort()
  end

  # The bits of a double order like the double once the sign is turned around, and all bits of negative ones.
  defp keys(<<low::little-32, high::little-32, rest::binary>>, key_bits, index_bits, index, acc) do
    {high, low} =
      cond do
        high < 0x80000000 -> {high + 0x80000000, low}
        # Minus zero equals zero.
        high == 0x80000000 and low == 0 -> {high, low}
        true -> {bxor(high, 0xFFFFFFFF), bxor(low, 0xFFFFFFFF)}
      end

    key = bsl(high, key_bits - 32) + bsr(low, 64 - key_bits)
    keys(rest, key_bits, index_bits, index + 1, [key <<< index_bits ||| index | acc])
  end

  defp keys(<<>>, _key_bits, _index_bits, _index, acc), do: acc

  defp place([one, next | rest], order, bits, mask, at) when one >>> bits != next >>> bits do
    single(order, one &&& mask, at)
    place([next | rest], order, bits, mask, at + 1)
  end

  defp place([one], order, _bits, mask, at), do: single(order, one &&& mask, at)
  defp place([], _order, _bits, _mask, _at), do: :ok

  defp place([one | _] = keys, order, bits, mask, at) do
    {places, rest} = same(keys, one >>> bits, bits, mask, [])
    first = value(order.values, hd(places))

    if Enum.all?(places, &(value(order.values, &1) == first)) do
      place(rest, order, bits, mask, tied(places, order, at))
    else
      places
      |> Enum.sort_by(&value(order.values, &1))
      |> Enum.chunk_by(&(value(order.values, &1) + 0.0))
      |> Enum.reduce(at, &tied(&1, order, &2))
      |> then(&place(rest, order, bits, mask, &1))
    end
  end

  defp same([one | rest], key, bits, mask, acc) when one >>> bits == key,
    do: same(rest, key, bits, mask, [one &&& mask | acc])

  defp same(rest, _key, _bits, _mask, acc), do: {acc, rest}

  defp single(order, index, at) do
    :atomics.put(order.places, at, index)
    :atomics.put(order.ranks, index + 1, 2 * at)
  end

  defp tied(places, order, at) do
    last = at + length(places) - 1
    tie(places, order, at, at + last)
    last + 1
  end

  defp tie([index | rest], order, at, double_rank) do
    :atomics.put(order.places, at, index)
    :atomics.put(order.ranks, index + 1, double_rank)
    tie(rest, order, at + 1, double_rank)
  end

  defp tie([], _order, _at, _double_rank), do: :ok

  @compile {:inline, value: 2}
  defp value(values, index) do
    offset = index * 8
    <<_::binary-size(offset), x::float-little-64, _::binary>> = values
    x
  end

  @doc "The k-th smallest value, counted from 1."
  @spec statistic(t, pos_integer) :: float
  def statistic(order, k), do: value(order.values, :atomics.get(order.places, k))

  @doc "The quantile by linear interpolation between order statistics (type 7 of Hyndman and Fan, the one of R and NumPy)."
  @spec quantile(t, number) :: float
  def quantile(order, probability) do
    h = (order.size - 1) * probability
    k = min(trunc(h), order.size - 1)
    low = statistic(order, k + 1)
    if k == h, do: low, else: between(low, statistic(order, k + 2), h - k)
  end

  # The distance of two doubles may be no double.
  defp between(low, high, share) when low > -8.0e307 and high < 8.0e307, do: low + share * (high - low)
  defp between(low, high, share), do: (low / 2 + share * (high / 2 - low / 2)) * 2

  @doc "The rank of each value, twice: ties have the mean of theirs, which may end on a half."
  @spec double_ranks(t) :: [pos_integer]
  def double_ranks(order), do: Enum.map(1..order.size, &:atomics.get(order.ranks, &1))

  @doc "The normal scores `Phi^-1((rank - 3/8) / (size + 1/4))` (Blom), as f64 values in the place of what they score."
  @spec scores(t) :: binary
  def scores(%{size: size, ranks: ranks}) do
    0..div(size - 1, @block)
    |> Parallel.map(fn block ->
      first = block * @block + 1
      score(ranks, first, min(first + @block - 1, size), 1.0 / (size + 0.25), <<>>)
    end)
    |> IO.iodata_to_binary()
  end

  defp score(_ranks, at, last, _unit, acc) when at > last, do: acc

  defp score(ranks, at, last, unit, acc) do
    z = Special.normal_quantile((:atomics.get(ranks, at) * 0.5 - 0.375) * unit)
    score(ranks, at + 1, last, unit, <<acc::binary, z::float-little-64>>)
  end
end

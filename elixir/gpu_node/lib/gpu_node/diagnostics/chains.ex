defmodule GpuNode.Diagnostics.Chains do
  @moduledoc """
  Values of several chains of one length, f64, one chain after the other, and what is computed over them in parallel.

  Work is cut into blocks of whole chains, whose sizes do not depend on the machine: results are the same on any number of cores.

  Squares of doubles leave the range of doubles long before they do. So whatever is summed is summed over values divided by a power of two
  (`exponent`), by which the largest of them is between 1 and 2: that costs no digit. Moments and autocovariances are those of the divided
  values; ratios of them need nothing, and what has the values' unit is multiplied back by `unscale/2`.
  """

  import Bitwise
  alias GpuNode.Diagnostics.{Fourier, Parallel}

  @enforce_keys [:values, :count, :length, :exponent]
  defstruct [:values, :count, :length, :exponent]

  @type t :: %__MODULE__{values: binary, count: pos_integer, length: pos_integer, exponent: integer}
  @type moments :: %{mean: float, within: float, between: float}

  @block 32_768
  @heap_words 1_000_000

  @spec new(binary, pos_integer, pos_integer) :: t
  def new(values, count, length) when byte_size(values) == count * length * 8,
    do: %__MODULE__{values: values, count: count, length: length, exponent: exponent(values)}

  @doc "The binary exponent of the largest magnitude of f64 values, -1022 where all are below."
  @spec exponent(binary) :: integer
  def exponent(values), do: (((values |> largest(0)) >>> 4) |> max(1)) - 1023

  # Sign, exponent and four bits more are the last two bytes.
  defp largest(<<_::48, high::little-16, rest::binary>>, most), do: largest(rest, max(most, high &&& 0x7FFF))
  defp largest(<<>>, most), do: most

  @doc "What a value is multiplied by before it is summed."
  @spec scale(integer) :: float
  def scale(exponent), do: power_of_two(-exponent)

  defp power_of_two(n) when n >= -1022 do
    <<power::float-64>> = <<0::1, n + 1023::11, 0::52>>
    power
  end

  defp power_of_two(n), do: power_of_two(-1022) * power_of_two(n + 1022)

  @doc "A result in the unit of the divided values, in that of the values; `:infinity` where it is above all doubles."
  @spec unscale(float | :nan | :infinity, integer) :: float | :nan | :infinity
  def unscale(x, _exponent) when is_atom(x), do: x

  def unscale(x, exponent) do
    x * power_of_two(exponent)
  rescue
    ArithmeticError -> :infinity
  end

  @doc "Every chain as two: its halves, without the draw in the middle where the length is odd. Needs two draws a chain."
  @spec split(t) :: t
  def split(%{length: length, count: count} = chains) when rem(length, 2) == 0,
    do: %{chains | count: 2 * count, length: div(length, 2)}

  def split(%{length: length, count: count, values: values}) do
    half = div(length, 2)
    bytes = half * 8

    kept =
      for <<first::binary-size(bytes), _middle::64, second::binary-size(bytes) <- values>>,
        into: <<>>,
        do: <<first::binary, second::binary>>

    new(kept, 2 * count, half)
  end

  @doc "The chains with every value mapped."
  @spec map(t, (float -> float)) :: t
  def map(chains, fun) do
    mapped =
      blocks(chains, fn bytes, _ ->
        for <<x::float-little-64 <- bytes>>, into: <<>>, do: <<fun.(x)::float-little-64>>
      end)

    with_values(chains, IO.iodata_to_binary(mapped))
  end

  @doc "The chains with other values in the places of theirs."
  @spec with_values(t, binary) :: t
  def with_values(%{count: count, length: length}, values), do: new(values, count, length)

  @doc "Whether all values are one."
  @spec constant?(t) :: boolean
  def constant?(%{values: <<first::binary-size(8), _::binary>> = values}),
    do: values == :binary.copy(first, div(byte_size(values), 8))

  @doc "The mean of all; the mean of the chains' variances (over length - 1); the variance of the chains' means (0 for one chain)."
  @spec moments(t) :: moments
  def moments(%{count: count, length: length} = chains) do
    scale = scale(chains.exponent)
    per_chain = chains |> blocks(&moments_of(&1, &2, scale)) |> Enum.concat()
    means = Enum.map(per_chain, &elem(&1, 0))
    mean = mean(means)
    squares = means |> Enum.map(&((&1 - mean) * (&1 - mean))) |> Enum.sum()

    %{
      mean: mean,
      within: Enum.sum(Enum.map(per_chain, &elem(&1, 1))) / (count * max(length - 1, 1)),
      between: if(count > 1, do: squares / (count - 1), else: 0.0)
    }
  end

  @doc "The standard deviation of all values as one sample, in the unit of the moments."
  @spec sd(t, moments) :: float
  def sd(%{count: count, length: length}, moments) do
    squares = moments.within * count * (length - 1) + moments.between * (count - 1) * length
    :math.sqrt(squares / max(count * length - 1, 1))
  end

  # From the first element on: so a constant chain has no variance at all, and an offset costs no digits.
  defp mean([first | _] = values), do: first + sum_from(values, first, 0.0) / length(values)

  defp sum_from([x | rest], origin, sum), do: sum_from(rest, origin, sum + (x - origin))
  defp sum_from([], _origin, sum), do: sum

  defp moments_of(bytes, chain_bytes, scale) do
    for <<chain::binary-size(chain_bytes) <- bytes>> do
      values = decode(chain, scale)
      mean = mean(values)
      {mean, squares(values, mean, 0.0)}
    end
  end

  defp squares([x | rest], mean, sum), do: squares(rest, mean, sum + (x - mean) * (x - mean))
  defp squares([], _mean, sum), do: sum

  defp decode(bytes, scale), do: for(<<x::float-little-64 <- bytes>>, do: x * scale)

  defp centred(bytes, scale) do
    values = decode(bytes, scale)
    mean = mean(values)
    Enum.map(values, &(&1 - mean))
  end

  @doc """
  The autocovariances at these lags, over the length, averaged over the chains; each chain about its own mean.

  A direct sum: one multiplication for each value and lag.
  """
  @spec autocovariances(t, Range.t()) :: [float]
  def autocovariances(%{count: count, length: length} = chains, first..last//1) do
    scale = scale(chains.exponent)

    chains
    |> blocks(fn bytes, chain_bytes ->
      for <<chain::binary-size(chain_bytes) <- bytes>>, reduce: List.duplicate(0.0, last - first + 1) do
        sums ->
          values = centred(chain, scale)
          lags(values, Enum.drop(values, first), sums)
      end
    end)
    |> add(count * length)
  end

  defp lags(values, later, [sum | sums]), do: [dot(values, later, sum) | lags(values, Enum.drop(later, 1), sums)]
  defp lags(_values, _later, []), do: []

  defp dot([x | xs], [y | ys], sum), do: dot(xs, ys, sum + x * y)
  defp dot(_xs, [], sum), do: sum

  @doc "The autocovariances at every lag, as `autocovariances/2`, by Fourier transforms: O(log length) for each value."
  @spec autocovariances(t) :: [float]
  def autocovariances(%{count: count, length: length} = chains) do
    plan = Fourier.plan(length)
    scale = scale(chains.exponent)

    # Two chains are one complex sequence: the real part of its autocovariance is the sum of theirs.
    chains
    |> blocks(fn bytes, chain_bytes ->
      spectra =
        for(<<chain::binary-size(chain_bytes) <- bytes>>, do: chain)
        |> Enum.chunk_every(2)
        |> Enum.map(fn
          [one, other] -> Fourier.power(plan, centred(one, scale), centred(other, scale))
          [one] -> Fourier.power(plan, centred(one, scale), List.duplicate(0.0, length))
        end)

      Enum.zip_with(spectra, &Enum.sum/1)
    end)
    |> add(1)
    |> then(&Fourier.autocovariance(plan, &1))
    |> Enum.take(length)
    |> Enum.map(&(&1 / (count * length)))
  end

  defp add(lists, divisor), do: Enum.zip_with(lists, &(Enum.sum(&1) / divisor))

  # fun gets the bytes of a block and the bytes of a chain.
  defp blocks(%{values: values, count: count, length: length}, fun) do
    chain_bytes = length * 8
    # Even, as transforms take chains in pairs.
    per_block = 2 * max(div(@block, 2 * length), 1)

    Parallel.map(0..div(count - 1, per_block), fn block ->
      # Room for a block's lists, so that the collector does not copy them time and again.
      Process.flag(:min_heap_size, @heap_words)
      chains = min(per_block, count - block * per_block)
      fun.(binary_part(values, block * per_block * chain_bytes, chains * chain_bytes), chain_bytes)
    end)
  end
end

defmodule GpuNode.Diagnostics.Chains do
  @moduledoc """
  Values of several chains of one length, f64, one chain after the other, and what is computed over them in parallel.

  Work is cut into blocks of whole chains, whose sizes do not depend on the machine: results are the same on any number of cores.
  """

  alias GpuNode.Diagnostics.Fourier

  @enforce_keys [:values, :count, :length]
  defstruct [:values, :count, :length]

  @type t :: %__MODULE__{values: binary, count: pos_integer, length: pos_integer}
  @type moments :: %{mean: float, within: float, between: float}

  @block 32_768
  @heap_words 1_000_000

  @spec new(binary, pos_integer, pos_integer) :: t
  def new(values, count, length) when byte_size(values) == count * length * 8,
    do: %__MODULE__{values: values, count: count, length: length}

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

    %{chains | values: IO.iodata_to_binary(mapped)}
  end

  @doc "Whether all values are one."
  @spec constant?(t) :: boolean
  def constant?(%{values: <<first::binary-size(8), _::binary>> = values}),
    do: values == :binary.copy(first, div(byte_size(values), 8))

  @doc "The mean of all; the mean of the chains' variances (over length - 1); the variance of the chains' means (0 for one chain)."
  @spec moments(t) :: moments
  def moments(%{count: count, length: length} = chains) do
    per_chain = chains |> blocks(&moments_of/2) |> Enum.concat()
    means = Enum.map(per_chain, &elem(&1, 0))
    mean = mean(means)
    squares = means |> Enum.map(&((&1 - mean) * (&1 - mean))) |> Enum.sum()

    %{
      mean: mean,
      within: Enum.sum(Enum.map(per_chain, &elem(&1, 1))) / (count * max(length - 1, 1)),
      between: if(count > 1, do: squares / (count - 1), else: 0.0)
    }
  end

  @doc "The standard deviation of all values as one sample."
  @spec sd(t, moments) :: float
  def sd(%{count: count, length: length}, moments) do
    squares = moments.within * count * (length - 1) + moments.between * (count - 1) * length
    :math.sqrt(squares / max(count * length - 1, 1))
  end

  # From the first element on: so a constant chain has no variance at all, and an offset costs no digits.
  defp mean([first | _] = values), do: first + sum_from(values, first, 0.0) / length(values)

  defp sum_from([x | rest], origin, sum), do: sum_from(rest, origin, sum + (x - origin))
  defp sum_from([], _origin, sum), do: sum

  defp moments_of(bytes, chain_bytes) do
    for <<chain::binary-size(chain_bytes) <- bytes>> do
      values = decode(chain)
      mean = mean(values)
      {mean, squares(values, mean, 0.0)}
    end
  end

  defp squares([x | rest], mean, sum), do: squares(rest, mean, sum + (x - mean) * (x - mean))
  defp squares([], _mean, sum), do: sum

  defp decode(bytes), do: for(<<x::float-little-64 <- bytes>>, do: x)

  defp centred(bytes) do
    values = decode(bytes)
    mean = mean(values)
    Enum.map(values, &(&1 - mean))
  end

  @doc """
  The autocovariances at these lags, over the length, averaged over the chains; each chain about its own mean.

  A direct sum: one multiplication for each value and lag.
  """
  @spec autocovariances(t, Range.t()) :: [float]
  def autocovariances(%{count: count, length: length} = chains, first..last//1) do
    chains
    |> blocks(fn bytes, chain_bytes ->
      for <<chain::binary-size(chain_bytes) <- bytes>>, reduce: List.duplicate(0.0, last - first + 1) do
        sums ->
          values = centred(chain)
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

    # Two chains are one complex sequence: the real part of its autocovariance is the sum of theirs.
    chains
    |> blocks(fn bytes, chain_bytes ->
      spectra =
        for(<<chain::binary-size(chain_bytes) <- bytes>>, do: chain)
        |> Enum.chunk_every(2)
        |> Enum.map(fn
          [one, other] -> Fourier.power(plan, centred(one), centred(other))
          [one] -> Fourier.power(plan, centred(one), List.duplicate(0.0, length))
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

    0..div(count - 1, per_block)
    |> Task.async_stream(
      fn block ->
        # Room for a block's lists, so that the collector does not copy them time and again.
        Process.flag(:min_heap_size, @heap_words)
        chains = min(per_block, count - block * per_block)
        fun.(binary_part(values, block * per_block * chain_bytes, chains * chain_bytes), chain_bytes)
      end,
      timeout: :infinity
    )
    |> Enum.map(fn {:ok, result} -> result end)
  end
end

defmodule GpuNode.Diagnostics.Convergence do
  @moduledoc """
  The two estimates that everything in `GpuNode.Diagnostics` is made of, for chains that are split and transformed already.
  """

  alias GpuNode.Diagnostics.Chains

  @type estimate :: float | :nan | :infinity

  # Up to so many lags the direct sum is cheaper than transforms; chains that mix well are done within the first few.
  @first_lags 4
  @direct_lags 16

  @doc """
  R-hat of chains of two draws or more: `sqrt((n - 1) / n + between / within)`.

  `:nan` when all values are one; `:infinity` when each chain stays at one value and they differ.
  """
  @spec rhat(Chains.t(), Chains.moments()) :: estimate
  def rhat(%{length: n}, _moments) when n < 2, do: :nan
  def rhat(_chains, %{within: +0.0, between: +0.0}), do: :nan
  def rhat(_chains, %{within: +0.0}), do: :infinity
  def rhat(%{length: n}, moments), do: :math.sqrt((n - 1) / n + moments.between / moments.within)

  @doc "R-hat of chains of which the means and the sums of squares around them are known, of `n` draws each."
  @spec rhat_of([float | atom], [float | atom], pos_integer) :: estimate
  def rhat_of(means, squares, n) do
    if Enum.all?(means ++ squares, &is_number/1) do
      # In units of the spread within, as squares of large means are no numbers.
      within = :math.sqrt(Enum.sum(squares) / (length(squares) * (n - 1)))
      [first | _] = means
      between = for mean <- means, do: ratio(mean - first, within)
      ratio_of_variances(between, n)
    else
      :nan
    end
  rescue
    # Too far apart for a double.
    ArithmeticError -> :infinity
  end

  defp ratio(+0.0, _within), do: 0.0
  defp ratio(distance, within), do: distance / within

  defp ratio_of_variances(means, n) do
    mean = Enum.sum(means) / length(means)
    :math.sqrt((n - 1) / n + Enum.sum(Enum.map(means, &((&1 - mean) * (&1 - mean)))) / (length(means) - 1))
  end

  @doc """
  The effective sample size of the mean, of chains of three draws or more: `:nan` for shorter ones and when all values are one.

  The autocorrelation at lag t is `1 - (within - c(t)) / var`, with c(t) the mean of the chains' autocovariances and var the variance
  that R-hat estimates. It is summed in pairs of lags while these are positive (Geyer's initial positive sequence), none counted above the one before it
  (initial monotone sequence). The result is at most S log10(S) for S draws.
  """
  @spec ess(Chains.t(), Chains.moments()) :: estimate
  def ess(%{length: n} = chains, moments) do
    variance = moments.within * (n - 1) / n + moments.between

    if n < 3 or variance == 0.0 or Chains.constant?(chains) do
      :nan
    else
      total = chains.count * n
      rho = fn covariance -> 1.0 - (moments.within - covariance) / variance end
      tau = chains |> autocovariances(min(@first_lags, n), []) |> time(chains, rho)
      total / max(tau, 1.0 / :math.log10(total))
    end
  end

  # The integrated autocorrelation time; more lags are computed when these do not show where to stop.
  defp time(covariances, %{length: n} = chains, rho) do
    [first | rest] = covariances |> Enum.drop(1) |> Enum.map(rho)

    case sum(1.0 + first, 1.0, rest, 1.0 + first, 0.0, 0, n) do
      :more ->
        next = if length(covariances) < @direct_lags, do: min(@direct_lags, n), else: n
        chains |> autocovariances(next, covariances) |> time(chains, rho)

      {pairs, last} ->
        2.0 * pairs + last - 1.0
    end
  end

  # `pair` is that of lags t and t + 1, `even` the first of the two, `least` the smallest so far, `total` the sum of those before it.
  # Positions near the end rest on too few products, so the sequence ends five lags earlier.
  defp sum(pair, even, rest, least, total, t, n) do
    cond do
      pair <= 0.0 and t > 0 -> {total, max(even, 0.0)}
      pair <= 0.0 or t >= n - 5 -> {total, even}
      true -> next(rest, least, total + min(pair, least), t + 2, n)
    end
  end

  defp next([even, odd | rest], least, total, t, n),
    do: sum(even + odd, even, rest, min(least, even + odd), total, t, n)

  defp next(_rest, _least, _total, _t, _n), do: :more

  defp autocovariances(chains, count, known) do
    from = length(known)

    if count > @direct_lags,
      do: Chains.autocovariances(chains),
      else: known ++ Chains.autocovariances(chains, from..(count - 1)//1)
  end
end

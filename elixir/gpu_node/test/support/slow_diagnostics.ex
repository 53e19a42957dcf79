defmodule GpuNode.Test.SlowDiagnostics do
  @moduledoc """
  The formulas of Vehtari and others (2021), written down one by one over lists, quadratic where they are: what the fast ones are held
  against. Equation numbers are the paper's.
  """

  @doc "Halves of chains, without a middle draw."
  def split(chains) do
    Enum.flat_map(chains, fn chain ->
      half = div(length(chain), 2)
      [Enum.take(chain, half), Enum.take(chain, -half)]
    end)
  end

  def mean(list), do: Enum.sum(list) / length(list)

  def variance(list) do
    m = mean(list)
    Enum.sum(Enum.map(list, &((&1 - m) ** 2))) / (length(list) - 1)
  end

  def map(chains, fun), do: Enum.map(chains, fn chain -> Enum.map(chain, fun) end)

  @doc "(14): ranks by counting, ties with the mean of theirs, to normal scores."
  def scores(chains) do
    all = List.flatten(chains)

    map(chains, fn x ->
      below = Enum.count(all, &(&1 < x))
      same = Enum.count(all, &(&1 == x))
      quantile_of_normal((below + (same + 1) / 2 - 3 / 8) / (length(all) + 1 / 4))
    end)
  end

  # By bisection of the distribution function.
  def quantile_of_normal(p) do
    {low, _high} =
      Enum.reduce(1..80, {-40.0, 40.0}, fn _, {low, high} ->
        middle = (low + high) / 2
        if 0.5 * :math.erfc(-middle / :math.sqrt(2)) < p, do: {middle, high}, else: {low, middle}
      end)

    low
  end

  def quantile(chains, p) do
    sorted = chains |> List.flatten() |> Enum.sort()
    h = (length(sorted) - 1) * p
    low = Enum.at(sorted, floor(h))
    low + (h - floor(h)) * ((Enum.at(sorted, floor(h) + 1) || low) - low)
  end

  @doc "(1) to (4)."
  def rhat_of(chains) do
    n = length(hd(chains))
    b = n * variance(Enum.map(chains, &mean/1))
    w = mean(Enum.map(chains, &variance/1))
    :math.sqrt(((n - 1) / n * w + b / n) / w)
  end

  def rhat(chains) do
    median = quantile(chains, 0.5)
    max(rhat_of(scores(split(chains))), rhat_of(scores(split(map(chains, &abs(&1 - median))))))
  end

  @doc "(10) to (13), over split chains."
  def ess_of(chains) do
    m = length(chains)
    n = length(hd(chains))
    w = mean(Enum.map(chains, &variance/1))
    var = (n - 1) / n * w + variance(Enum.map(chains, &mean/1))
    rho = fn t -> if t == 0, do: 1.0, else: 1 - (w - mean(Enum.map(chains, &autocovariance(&1, t)))) / var end

    pairs =
      0..(n - 1)//2
      |> Enum.filter(&(&1 == 0 or &1 - 2 < n - 5))
      |> Enum.map(fn t -> {rho.(t), rho.(t + 1)} end)

    positive = Enum.take_while(pairs, fn {even, odd} -> even + odd > 0 end)
    # The last pair of all serves as the one that ends the sequence.
    kept = if length(positive) == length(pairs), do: Enum.drop(positive, -1), else: positive
    {even, _odd} = Enum.at(pairs, length(kept))
    last = if length(positive) == length(pairs), do: even, else: max(even, 0.0)

    {sums, _} =
      Enum.map_reduce(kept, :infinity, fn {even, odd}, least -> {min(even + odd, least), min(even + odd, least)} end)

    m * n / max(-1 + 2 * Enum.sum(sums) + last, 1 / :math.log10(m * n))
  end

  defp autocovariance(chain, t) do
    m = mean(chain)
    pairs = Enum.zip(chain, Enum.drop(chain, t))
    Enum.sum(Enum.map(pairs, fn {x, y} -> (x - m) * (y - m) end)) / length(chain)
  end

  def ess_bulk(chains), do: chains |> split() |> scores() |> ess_of()
  def ess_mean(chains), do: chains |> split() |> ess_of()
  def ess_tail(chains), do: min(ess_quantile(chains, 0.05), ess_quantile(chains, 0.95))

  def ess_quantile(chains, p) do
    q = quantile(chains, p)
    chains |> map(&if(&1 <= q, do: 1.0, else: 0.0)) |> split() |> ess_of()
  end

  def ess_sd(chains) do
    m = mean(List.flatten(chains))
    chains |> map(&((&1 - m) ** 2)) |> split() |> ess_of()
  end
end

defmodule GpuNode.Special.Beta do
  @moduledoc """
  The distribution function of the beta distribution and its inverse, for intervals of quantile estimates.

  The continued fraction of Abramowitz and Stegun 26.5.8, evaluated from the front (Lentz). It takes some `sqrt(max(a, b))` steps; the
  inverse some sixty evaluations. Absolute error is about 1e-15 times the larger parameter.
  """

  alias GpuNode.Special

  @tiny 1.0e-300

  @doc "The regularised incomplete beta function: the probability below `x` under Beta(a, b), with `a` and `b` positive."
  @spec cdf(number, number, number) :: float
  def cdf(x, a, b) when x <= 0 and a > 0 and b > 0, do: 0.0
  def cdf(x, a, b) when x >= 1 and a > 0 and b > 0, do: 1.0

  def cdf(x, a, b) when a > 0 and b > 0 do
    # The fraction converges fast below the mean only.
    if x * (a + b + 2) < a + 1, do: below(x, a, b), else: 1.0 - below(1.0 - x, b, a)
  end

  defp below(x, a, b) do
    log_scale =
      a * :math.log(x) + b * :math.log(1.0 - x) - Special.lgamma(a) - Special.lgamma(b) + Special.lgamma(a + b)

    d = 1.0 / away(1.0 - (a + b) * x / (a + 1.0))
    :math.exp(log_scale) / a * fraction(1, x, a, b, 1.0, d, d)
  end

  defp fraction(m, _x, _a, _b, _c, _d, h) when m > 100_000, do: h

  defp fraction(m, x, a, b, c, d, h) do
    even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m))
    d = 1.0 / away(1.0 + even * d)
    c = away(1.0 + even / c)
    h = h * c * d
    odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0))
    d = 1.0 / away(1.0 + odd * d)
    c = away(1.0 + odd / c)
    step = c * d
    if abs(step - 1.0) < 1.0e-16, do: h * step, else: fraction(m + 1, x, a, b, c, d, h * step)
  end

  defp away(x) when abs(x) < @tiny, do: @tiny
  defp away(x), do: x

  @doc "The `x` below which Beta(a, b) has the probability `p`, by bisection."
  @spec quantile(number, number, number) :: float
  def quantile(p, _a, _b) when p <= 0, do: 0.0
  def quantile(p, _a, _b) when p >= 1, do: 1.0
  def quantile(p, a, b), do: bisect(p, a, b, 0.0, 1.0, 0)

  defp bisect(p, a, b, low, high, steps) do
    middle = 0.5 * (low + high)

    cond do
      middle == low or middle == high or steps == 100 -> middle
      cdf(middle, a, b) < p -> bisect(p, a, b, middle, high, steps + 1)
      true -> bisect(p, a, b, low, middle, steps + 1)
    end
  end
end

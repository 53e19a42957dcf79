defmodule GpuNode.EightSchools do
  @moduledoc false
  # The posterior of the eight schools by quadrature: given tau, mu is normal, so that two integrals over tau are left.
  # mu ~ normal(0, 5), tau ~ half-Cauchy(0, 5), y_j ~ normal(mu, sqrt(sigma_j^2 + tau^2)).

  @y [28, 8, -3, 7, -1, 1, 18, 12]
  @sigma [15, 10, 16, 11, 9, 11, 10, 18]

  @doc "`{{mean, sd} of mu, {mean, sd} of tau}`"
  def moments do
    # tau = 5 tan(pi/2 u) maps the half-Cauchy to the uniform, so that the prior is the measure.
    n = 20_000
    points = for i <- 0..(n - 1), do: at(5 * :math.tan(:math.pi() / 2 * (i + 0.5) / n))
    most = points |> Enum.map(&elem(&1, 0)) |> Enum.max()
    weighed = for {log, tau, mean, variance} <- points, do: {:math.exp(log - most), tau, mean, variance}
    total = sum(weighed, fn _tau, _mean, _variance -> 1 end)
    average = fn f -> sum(weighed, f) / total end
    mu = average.(fn _tau, mean, _ -> mean end)
    mu2 = average.(fn _tau, mean, variance -> mean * mean + variance end)
    tau = average.(fn tau, _, _ -> tau end)
    tau2 = average.(fn tau, _, _ -> tau * tau end)
    {{mu, :math.sqrt(mu2 - mu * mu)}, {tau, :math.sqrt(tau2 - tau * tau)}}
  end

  defp sum(weighed, f), do: Enum.reduce(weighed, 0.0, fn {w, tau, mean, v}, sum -> sum + w * f.(tau, mean, v) end)

  # The log of the likelihood with mu integrated out, and the normal that mu then is.
  defp at(tau) do
    parts = for {y, s} <- Enum.zip(@y, @sigma), do: {y, s * s + tau * tau}
    precision = 1 / 25 + Enum.sum(for {_, v} <- parts, do: 1 / v)
    mean = Enum.sum(for {y, v} <- parts, do: y / v) / precision
    logs = Enum.sum(for {y, v} <- parts, do: -0.5 * :math.log(v) - 0.5 * y * y / v)
    {logs - 0.5 * :math.log(precision) + 0.5 * precision * mean * mean, tau, mean, 1 / precision}
  end
end

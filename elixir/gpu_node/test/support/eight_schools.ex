defmodule GpuNode.EightSchools do
  @moduledoc """
  The posterior of the eight schools without any sampling: by quadrature, and as published.

  mu ~ normal(0, 5), tau ~ half-Cauchy(0, 5), theta_j ~ normal(mu, tau), y_j ~ normal(theta_j, sigma_j), with the data of D. B. Rubin,
  Estimation in parallel randomized experiments, Journal of Educational Statistics 6(4), 377-401, 1981. Given tau everything is
  normal, so that integrals over tau alone are left.
  """

  @y [28, 8, -3, 7, -1, 1, 18, 12]
  @sigma [15, 10, 16, 11, 9, 11, 10, 18]

  # posteriordb, eight_schools-eight_schools_noncentered: means of 10,000 reference draws, and the standard errors of these means.
  @published %{
    "theta[0]" => {6.15050229334425, 0.0557375282295219},
    "theta[1]" => {4.9395811407422, 0.0462293788624847},
    "theta[2]" => {3.90590609001582, 0.0542313705632124},
    "theta[3]" => {4.79601675138494, 0.0474935816762281},
    "theta[4]" => {3.6144363246799, 0.0461450610244603},
    "theta[5]" => {4.0511475789675, 0.0485195392528031},
    "theta[6]" => {6.31716975886893, 0.0498766794075794},
    "theta[7]" => {4.88399694353288, 0.0542511606560972},
    "mu" => {4.41051833695493, 0.0330374705950917},
    "tau" => {3.60205952364059, 0.0318615135640706}
  }

  @type moments :: %{String.t() => {mean :: float, float}}

  @doc "What posteriordb publishes: mean and its standard error, by name (`theta[0]` to `theta[7]`, `mu`, `tau`)."
  @spec published() :: moments
  def published, do: @published

  @doc "Mean and standard deviation by quadrature, by name."
  @spec exact() :: moments
  def exact do
    # tau = 5 tan(pi/2 u) maps the half-Cauchy to the uniform, so that the prior is the measure.
    n = 20_000
    points = for i <- 0..(n - 1), do: at(5 * :math.tan(:math.pi() / 2 * (i + 0.5) / n))
    most = points |> Enum.map(&elem(&1, 0)) |> Enum.max()
    weighed = for {log, tau, mean, variance} <- points, do: {:math.exp(log - most), tau, mean, variance}
    thetas = for {{y, s}, j} <- Enum.with_index(data()), do: {"theta[#{j}]", moments(weighed, &theta(&1, &2, &3, y, s))}

    Map.new(thetas)
    |> Map.put("mu", moments(weighed, fn _tau, mean, variance -> {mean, variance} end))
    |> Map.put("tau", moments(weighed, fn tau, _, _ -> {tau, 0.0} end))
  end

  defp data, do: Enum.zip(@y, @sigma)

  # Mean and variance of an effect given tau, and mu being normal(mean, variance).
  defp theta(tau, mean, variance, y, s) do
    pooled = s * s / (s * s + tau * tau)
    {pooled * mean + (1 - pooled) * y, pooled * tau * tau + pooled * pooled * variance}
  end

  defp moments(weighed, given) do
    {total, first, second} =
      Enum.reduce(weighed, {0.0, 0.0, 0.0}, fn {w, tau, mean, variance}, {total, first, second} ->
        {m, v} = given.(tau, mean, variance)
        {total + w, first + w * m, second + w * (m * m + v)}
      end)

    {first / total, :math.sqrt(second / total - first / total * (first / total))}
  end

  # The log of the likelihood with mu integrated out, and the normal that mu then is.
  defp at(tau) do
    parts = for {y, s} <- data(), do: {y, s * s + tau * tau}
    precision = 1 / 25 + Enum.sum(for {_, v} <- parts, do: 1 / v)
    mean = Enum.sum(for {y, v} <- parts, do: y / v) / precision
    logs = Enum.sum(for {y, v} <- parts, do: -0.5 * :math.log(v) - 0.5 * y * y / v)
    {logs - 0.5 * :math.log(precision) + 0.5 * precision * mean * mean, tau, mean, 1 / precision}
  end
end

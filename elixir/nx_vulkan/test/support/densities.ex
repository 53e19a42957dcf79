defmodule Nx.Vulkan.Test.Densities do
  @moduledoc false
  # Log densities in defn, and what Nx itself makes of such a function: density and gradient in f64, on the host.

  import Nx.Defn
  alias GpuNode.{Chain, Element, Tensor}

  @half_log_two_pi 0.5 * :math.log(2 * :math.pi())
  @log_two_over_pi :math.log(2 / :math.pi())

  defn normal(x, mean, deviation), do: -0.5 * ((x - mean) / deviation) ** 2 - Nx.log(deviation) - @half_log_two_pi

  defn half_cauchy(x, scale),
    do: @log_two_over_pi - Nx.log(scale) - Nx.log1p(Nx.exp(2 * (Nx.log(x) - Nx.log(scale))))

  defn schools_centered(%{theta: theta, mu: mu, tau: tau}, %{y: y, sigma: sigma, scale: scale}) do
    normal(mu, 0, scale) + half_cauchy(tau, scale) + Nx.sum(normal(theta, mu, tau)) + Nx.sum(normal(y, theta, sigma))
  end

  defn schools_noncentered(%{eta: eta, mu: mu, tau: tau}, %{y: y, sigma: sigma, scale: scale}) do
    normal(mu, 0, scale) + half_cauchy(tau, scale) + Nx.sum(normal(eta, 0, 1.0)) +
      Nx.sum(normal(y, mu + tau * eta, sigma))
  end

  @doc "What is around the eight schools: `{function, variables, family}` by parametrisation."
  def schools(:centered),
    do: {&schools_centered/2, [theta: [shape: {8}], mu: :real, tau: :positive], :eight_schools_centered}

  def schools(:noncentered),
    do: {&schools_noncentered/2, [eta: [shape: {8}], mu: :real, tau: :positive], :eight_schools_noncentered}

  # Not whole numbers, of which Nx computes logarithms in f32.
  def schools_data,
    do: %{
      y: [28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0],
      sigma: [15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0],
      scale: 5.0
    }

  @doc "A regression whose intercept is one of a hundred groups."
  defn grouped(%{a: a, beta: beta, mu: mu, tau: tau, sigma: sigma}, %{x: x, y: y, group: group, scale: scale}) do
    eta = Nx.take(a, group) + Nx.dot(x, beta)

    normal(mu, 0, scale) + Nx.sum(normal(beta, 0, scale)) + half_cauchy(tau, scale) + half_cauchy(sigma, scale) +
      Nx.sum(normal(a, mu, tau)) + Nx.sum(normal(y, eta, sigma))
  end

  def grouped_variables, do: [a: [shape: {100}], beta: [shape: {2}], mu: :real, tau: :positive, sigma: :positive]

  def grouped_data(n \\ 400) do
    group = for i <- 0..(n - 1), do: rem(i * 37, 100)
    x = for i <- 0..(n - 1), do: [:math.sin(i), :math.cos(3 * i)]

    y =
      for {g, [a, b]} <- Enum.zip(group, x),
          do: 1.0 + 0.7 * :math.sin(g) + 0.5 * a - 0.25 * b + 0.4 * :math.sin(g * 7 + 31 * a)

    %{x: x, y: y, group: group, scale: 5.0}
  end

  @doc "The same by hand, with the predictors, group and response as data."
  def grouped_family do
    """
    {"name": "grouped", "dimensions": [{"name": "n"}, {"name": "k", "size": 2}, {"name": "groups", "size": 100}],
     "parameters": [{"name": "scale", "support": "positive", "default": 5}],
     "variables": [{"name": "a", "shape": ["groups"]}, {"name": "beta", "shape": ["k"]}, {"name": "mu"},
       {"name": "tau", "support": "positive"}, {"name": "sigma", "support": "positive"}],
     "data": [{"name": "x", "shape": ["n", "k"]}, {"name": "y", "shape": ["n"]},
       {"name": "group", "shape": ["n"], "indexes_into": "groups"}],
     "definitions": [{"name": "eta", "index": "i", "over": "n", "expression": "a[group[i]] + sum(j, x[i, j] * beta[j])"}],
     "terms": [{"expression": "-0.5 * (mu / scale)^2 - log(scale) - 0.5 * log(2 * pi)"},
       {"index": "j", "over": "k", "expression": "-0.5 * (beta[j] / scale)^2 - log(scale) - 0.5 * log(2 * pi)"},
       {"expression": "log(2 / pi) - log(scale) - softplus(2 * (log(tau) - log(scale)))"},
       {"expression": "log(2 / pi) - log(scale) - softplus(2 * (log(sigma) - log(scale)))"},
       {"index": "j", "over": "groups", "expression": "-0.5 * ((a[j] - mu) / tau)^2 - log(tau) - 0.5 * log(2 * pi)"},
       {"index": "i", "over": "n", "expression": "-0.5 * ((y[i] - eta[i]) / sigma)^2 - log(sigma) - 0.5 * log(2 * pi)"}]}
    """
  end

  ## Density and gradient at a point of coordinates

  @doc "On the node: `{density, gradient}`."
  def on_node(model, point) do
    zeros = Enum.map(point, fn _ -> 0.0 end)
    run = Chain.run!(model, position: point, momentum: zeros, step_size: 0)
    {[[density]], [[gradient]]} = {Tensor.to_list!(run.logp), Tensor.to_list!(run.gradients)}
    {density, gradient}
  end

  @doc "By `Nx.Defn.grad` on the host."
  def on_host(fun, variables, data, point) do
    Nx.with_default_backend(Nx.BinaryBackend, fn ->
      variables = Enum.map(variables, &variable/1)
      coordinates = split(variables, point)
      given = Map.new(data || [], fn {name, value} -> {name, number(value)} end)

      both = fn coordinates, given ->
        Nx.Defn.value_and_grad(coordinates, &unconstrained(fun, variables, &1, data && given))
      end

      {value, gradient} = Nx.Defn.jit_apply(both, [coordinates, given], compiler: Nx.Defn.Evaluator)
      {Nx.to_number(value), Enum.flat_map(variables, fn {name, _, _, _} -> Nx.to_flat_list(gradient[name]) end)}
    end)
  end

  defp variable({name, support}) when is_atom(support), do: variable({name, support: support})

  defp variable({name, options}) do
    support = Keyword.get(options, :support, :real)
    {name, Keyword.get(options, :shape, {}), support, options[:transform] || usual(support)}
  end

  defp usual(:real), do: :identity
  defp usual(:positive), do: :exp
  defp usual(:unit_interval), do: :sigmoid

  defp split(variables, point) do
    {pairs, []} =
      Enum.map_reduce(variables, point, fn {name, shape, _, _}, rest ->
        {own, rest} = Enum.split(rest, Tuple.product(shape))
        {{name, own |> Nx.tensor(type: :f64) |> Nx.reshape(shape)}, rest}
      end)

    Map.new(pairs)
  end

  defp number(%Nx.Tensor{} = tensor), do: Nx.Vulkan.Chain.Known.double(tensor)

  defp number(value) do
    whole? = [value] |> List.flatten() |> Enum.all?(&is_integer/1)
    Nx.tensor(value, type: if(whole?, do: :s64, else: :f64))
  end

  defp unconstrained(fun, variables, coordinates, data) do
    {values, jacobians} =
      variables
      |> Enum.map(fn {name, _, _, transform} ->
        {value, jacobian} = constrained(transform, coordinates[name])
        {{name, value}, Nx.sum(jacobian)}
      end)
      |> Enum.unzip()

    values = Map.new(values)
    density = if data, do: fun.(values, data), else: fun.(values)
    Enum.reduce(jacobians, density, &Nx.add/2)
  end

  defp constrained(:identity, u), do: {u, Nx.multiply(u, 0)}
  defp constrained(:exp, u), do: {Nx.exp(u), u}
  defp constrained(:softplus, u), do: {Nx.log1p(Nx.exp(u)), Nx.negate(Nx.log1p(Nx.exp(Nx.negate(u))))}

  defp constrained(:sigmoid, u) do
    {Nx.sigmoid(u), Nx.negate(Nx.add(Nx.log1p(Nx.exp(Nx.negate(u))), Nx.log1p(Nx.exp(u))))}
  end

  @doc "`count` points of `d` coordinates, the same in every run."
  def points(count, d, seed \\ 7) do
    state = :rand.seed_s(:exsss, seed)

    {points, _} =
      Enum.map_reduce(1..count, state, fn _, state ->
        Enum.map_reduce(1..d, state, fn _, state ->
          {x, state} = :rand.uniform_s(state)
          {3 * x - 1.5, state}
        end)
      end)

    points
  end

  @doc "The greatest difference between two, relative to the greater of 1 and what is expected."
  def difference({density, gradient}, {wanted, wanted_gradient}) do
    Enum.zip_with([density | gradient], [wanted | wanted_gradient], fn
      x, y when is_number(x) and is_number(y) -> abs(x - y) / max(1, abs(y))
      x, x -> 0.0
      _, _ -> :infinity
    end)
    |> Enum.max()
  end

  @doc "Bytes as numbers."
  def decode(binary, type), do: Element.decode_all(binary, type)
end

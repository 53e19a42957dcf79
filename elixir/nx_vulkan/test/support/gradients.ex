defmodule Nx.Vulkan.Test.Gradients do
  @moduledoc false
  # Gradients on the node against BinaryBackend's, and against what the node itself computes a little further on.

  import ExUnit.Assertions
  import Nx.Vulkan.Test.Case
  alias Nx.Vulkan.Test.Cases

  @doc "A tensor on the host without two equal elements, so that maxima and sorting have one gradient."
  def tensor(shape, seed, type \\ :f32) do
    values = for i <- 1..Tuple.product(shape), do: :math.sin(i * 1.7 + seed) * 2 + i * 0.001
    Nx.tensor(values, type: type, backend: Nx.BinaryBackend) |> Nx.reshape(shape)
  end

  @doc "A square matrix, or a batch of them, far from singular."
  def square(n, seed, options \\ []) do
    shape = List.to_tuple(Keyword.get(options, :batch, []) ++ [n, n])
    type = Keyword.get(options, :type, :f32)
    eye = Nx.eye(n, type: type, backend: Nx.BinaryBackend)
    Nx.add(Nx.multiply(tensor(shape, seed, type), 0.3), Nx.multiply(eye, n))
  end

  @doc """
  The gradient of `fun`'s result by each of `inputs` is that of BinaryBackend, and nothing of it was computed on the host.

  `fun` takes the inputs as a tuple and gives a tensor or a tuple of them; weights that differ make every element count.
  """
  def assert_gradients(inputs, fun, tolerance \\ 2.0e-5) do
    # Arithmetic with a number puts a tensor where new ones are made.
    host = copies(inputs, Nx.BinaryBackend)
    expected = on_host(fn -> gradients(host, fun) end)
    for e <- expected, do: assert(is_struct(e.data, Nx.BinaryBackend))
    ours = copies(inputs, Nx.Vulkan.Backend)
    {:node, got} = Cases.watch(fn -> gradients(ours, fun) end)

    for {g, e} <- Enum.zip(got, expected) do
      assert is_struct(g.data, Nx.Vulkan.Backend)
      assert {g.type, g.shape} == {e.type, e.shape}
      largest = e |> Nx.abs() |> Nx.reduce_max() |> Nx.to_number()
      # What does not depend on the input tests nothing.
      assert largest > 0
      scale = max(largest, 1.0)

      for {x, y} <- Enum.zip(Nx.to_flat_list(g), Nx.to_flat_list(e)),
          do: assert(near?(x, y, tolerance * scale), "got #{inspect(x)}, expected #{inspect(y)} of scale #{scale}")
    end
  end

  @doc """
  The gradient of `fun`'s result by `input` (f64), on the node, is the slope of what the node computes: along some directions the
  product with them is a difference of values on both sides.
  """
  def assert_slopes(input, fun, tolerance \\ 1.0e-6) do
    loss = loss(fn {x} -> fun.(x) end)
    ours = Nx.backend_copy(input, Nx.Vulkan.Backend)
    {:node, [gradient]} = Cases.watch(fn -> gradients({ours}, fn {x} -> fun.(x) end) end)
    step = 1.0e-5

    for seed <- 1..3 do
      direction = input.shape |> tensor(seed + 20, :f64) |> Nx.backend_copy(Nx.Vulkan.Backend)
      value = fn t -> Nx.to_number(loss.({Nx.add(ours, Nx.multiply(direction, t))})) end
      slope = (value.(step) - value.(-step)) / (2 * step)
      product = Nx.to_number(Nx.sum(Nx.multiply(gradient, direction)))

      assert abs(slope - product) <= tolerance * max(1.0, abs(slope)),
             "the slope is #{slope}, by the gradient #{product}"
    end
  end

  defp gradients(inputs, fun), do: inputs |> Nx.Defn.grad(loss(fun)) |> Tuple.to_list()

  # A sum of all elements, each with a weight of its own; of complex ones both parts.
  defp loss(fun) do
    fn inputs ->
      results = fun.(inputs)
      results = if is_tuple(results), do: Tuple.to_list(results), else: [results]
      results |> Enum.map(&weighted/1) |> Enum.reduce(&Nx.add/2)
    end
  end

  defp weighted(%{type: {:c, _}} = tensor), do: Nx.add(weighted(Nx.real(tensor)), weighted(Nx.imag(tensor)))

  defp weighted(tensor) do
    weights = tensor |> Nx.shape() |> Nx.iota(type: tensor.type) |> Nx.multiply(0.37) |> Nx.cos()
    Nx.sum(Nx.multiply(tensor, weights))
  end

  defp copies(inputs, backend) do
    inputs |> Tuple.to_list() |> Enum.map(&Nx.backend_copy(&1, backend)) |> List.to_tuple()
  end

  defp near?(x, y, tolerance) when is_number(x) and is_number(y), do: abs(x - y) <= tolerance
  defp near?(x, y, _tolerance), do: x == y
end

defmodule Nx.Vulkan.Chain.LogGamma do
  @moduledoc false
  # The logarithm of the gamma function as a block, for which the language of families has a word. Where no chain shader is made it is
  # Stirling's series, beyond 10, and the recurrence below that; the reflection formula for what is below 1/2.

  defstruct []

  @pi :math.pi()
  @half_log_two_pi 0.5 * :math.log(2 * :math.pi())
  # B(2k) / (2k (2k - 1))
  @series [1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360_360, 1 / 156, -3617 / 122_400]
  @steps 10

  @spec of(Nx.Tensor.t() | number) :: Nx.Tensor.t()
  def of(x) do
    x = Nx.to_tensor(x)
    out = %{x | type: Nx.Type.to_floating(x.type)}
    Nx.block(%__MODULE__{}, [Nx.as_type(x, out.type)], out, fn %__MODULE__{}, x -> everywhere(x) end)
  end

  defp everywhere(x) do
    low = Nx.less(x, 0.5)
    above = positive(Nx.select(low, Nx.subtract(1, x), x))
    sine = x |> Nx.multiply(number(@pi, x)) |> Nx.sin() |> Nx.abs() |> Nx.log()
    Nx.select(low, Nx.subtract(number(:math.log(@pi), x), Nx.add(sine, above)), above)
  end

  # From 1/2 on.
  defp positive(x) do
    small = Nx.less(x, @steps)
    # Of others the product would overflow.
    few = Nx.select(small, x, 1)
    product = Enum.reduce(1..(@steps - 1), few, &Nx.multiply(&2, Nx.add(few, &1)))
    x = Nx.select(small, Nx.add(x, @steps), x)
    y = Nx.divide(1, Nx.multiply(x, x))
    [last | series] = @series |> Enum.reverse() |> Enum.map(&number(&1, x))
    series = series |> Enum.reduce(last, &Nx.add(Nx.multiply(&2, y), &1)) |> Nx.divide(x)
    stirling = x |> Nx.subtract(0.5) |> Nx.multiply(Nx.log(x)) |> Nx.subtract(x)
    large = stirling |> Nx.add(number(@half_log_two_pi, x)) |> Nx.add(series)
    Nx.subtract(large, Nx.select(small, Nx.log(product), 0))
  end

  # Beside a tensor a float is one of f32.
  defp number(float, x), do: Nx.tensor(float, type: x.type)
end

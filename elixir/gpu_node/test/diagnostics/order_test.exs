defmodule GpuNode.Diagnostics.OrderTest do
  use ExUnit.Case, async: true
  alias GpuNode.Diagnostics.Order
  alias GpuNode.Special

  defp order(values), do: Order.new(for(x <- values, into: <<>>, do: <<x::float-little-64>>))

  # Twice the mean of the ranks that equal values share.
  defp slow(values) do
    for x <- values, do: 2 * Enum.count(values, &(&1 < x)) + Enum.count(values, &(&1 == x)) + 1
  end

  test "ranks of values of every sign and size, with ties and both zeros" do
    values = [3.0, -1.0, 0.0, -0.0, 1.0e300, -1.0e-300, 5.0e-324, -1.0, -2.5, 3.0, 3.0, -1.7e308, 1.0]
    assert Order.double_ranks(order(values)) == slow(values)
    assert Order.double_ranks(order([7.0])) == [2]
  end

  test "values that differ in their last bits alone" do
    :rand.seed(:exsss, {1, 2, 3})
    values = for _ <- 1..300, do: 1.0 + :rand.uniform(80) * :math.pow(2, -52)
    values = values ++ Enum.map(values, &(-&1))
    assert Order.double_ranks(order(values)) == slow(values)
  end

  test "more values than one task sorts: order statistics, quantiles, scores" do
    :rand.seed(:exsss, {1, 2, 3})
    values = for _ <- 1..300_000, do: Float.round(:rand.normal(), 5)
    order = order(values)
    sorted = Enum.sort(values)
    assert Enum.map(1..300_000//1, &Order.statistic(order, &1)) == sorted
    assert Order.quantile(order, 0.5) == (Enum.at(sorted, 149_999) + Enum.at(sorted, 150_000)) / 2

    scores = for <<z::float-little-64 <- Order.scores(order)>>, do: z
    assert Enum.sort_by(Enum.zip(values, scores), &elem(&1, 0)) |> Enum.map(&elem(&1, 1)) == Enum.sort(scores)
    first = Enum.count(values, &(&1 == hd(sorted)))
    assert_in_delta Enum.min(scores), Special.normal_quantile(((first + 1) / 2 - 3 / 8) / 300_000.25), 1.0e-12
  end
end

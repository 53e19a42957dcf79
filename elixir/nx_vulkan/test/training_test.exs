defmodule Nx.Vulkan.TrainingTest do
  # What a training loop issues, by hand, with nothing computed on the host.
  use Nx.Vulkan.Test.Case

  import Nx.Defn

  defn predict({w1, b1, w2, b2}, x) do
    x |> Nx.dot(w1) |> Nx.add(b1) |> Nx.sigmoid() |> Nx.dot(w2) |> Nx.add(b2)
  end

  defn(squared_error(parameters, x, y), do: Nx.mean(Nx.pow(predict(parameters, x) - y, 2)))

  defn step({w1, b1, w2, b2} = parameters, x, y, rate) do
    {loss, {dw1, db1, dw2, db2}} = value_and_grad(parameters, &squared_error(&1, x, y))
    {loss, {w1 - rate * dw1, b1 - rate * db1, w2 - rate * dw2, b2 - rate * db2}}
  end

  defn logistic_loss({w, b}, x, y) do
    p = Nx.sigmoid(Nx.dot(x, w) + b)
    -Nx.mean(y * Nx.log(p) + (1 - y) * Nx.log(1 - p))
  end

  defn logistic_step({w, b} = parameters, x, y) do
    {loss, {dw, db}} = value_and_grad(parameters, &logistic_loss(&1, x, y))
    {loss, {w - 0.5 * dw, b - 0.5 * db}}
  end

  defp data(shape, seed) do
    values = for i <- 1..Tuple.product(shape), do: :math.sin(i * 12.9898 + seed * 78.233)
    Nx.tensor(values, type: :f32, backend: Nx.BinaryBackend) |> Nx.reshape(shape)
  end

  # The same on both backends; on the node, without the host.
  defp both(inputs, fun) do
    expected = on_host(fn -> fun.(inputs) end)
    Nx.Vulkan.reset_fallbacks()

    got =
      with_env(:fallback, :raise, fn ->
        inputs |> Enum.map(&on_node/1) |> fun.()
      end)

    assert Nx.Vulkan.fallbacks() == %{}
    {got, expected}
  end

  defp on_node(inputs) when is_tuple(inputs), do: inputs |> Tuple.to_list() |> Enum.map(&on_node/1) |> List.to_tuple()
  defp on_node(input), do: Nx.backend_copy(input, Nx.Vulkan.Backend)

  defp assert_near(got, expected, tolerance) do
    assert is_struct(got.data, Nx.Vulkan.Backend)

    for {x, y} <- Enum.zip(Nx.to_flat_list(got), Nx.to_flat_list(expected)),
        do: assert(abs(x - y) <= tolerance * max(1.0, abs(y)), "got #{x}, expected #{y}")
  end

  test "a step of two dense layers: loss and parameters to 1e-6" do
    parameters = {data({8, 16}, 1), data({16}, 2), data({16, 2}, 3), data({2}, 4)}

    {{loss, got}, {expected_loss, expected}} =
      both([parameters, data({32, 8}, 5), data({32, 2}, 6)], fn [p, x, y] -> step(p, x, y, 0.1) end)

    assert_near(loss, expected_loss, 1.0e-6)
    for {g, e} <- Enum.zip(Tuple.to_list(got), Tuple.to_list(expected)), do: assert_near(g, e, 1.0e-6)
  end

  test "a logistic regression trains to the same loss" do
    x = data({64, 4}, 7)
    y = on_host(fn -> x |> Nx.dot(Nx.tensor([1.5, -2.0, 0.5, 1.0])) |> Nx.greater(0.1) |> Nx.as_type(:f32) end)
    start = {Nx.broadcast(Nx.tensor(0.0, backend: Nx.BinaryBackend), {4}), Nx.tensor(0.0, backend: Nx.BinaryBackend)}

    train = fn [parameters, x, y] ->
      Enum.reduce(1..50, {nil, parameters}, fn _, {_, parameters} -> logistic_step(parameters, x, y) end)
    end

    {{loss, {w, b}}, {expected_loss, {expected_w, expected_b}}} = both([start, x, y], train)
    assert_near(loss, expected_loss, 1.0e-5)
    assert_near(w, expected_w, 1.0e-4)
    assert_near(b, expected_b, 1.0e-4)
    assert Nx.to_number(loss) < 0.35
  end
end

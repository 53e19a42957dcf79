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

  # Two convolutions with pools behind them and two dense layers: logits of four classes.
  defn classify({k1, b1, k2, b2, w1, c1, w2, c2}, images) do
    hidden =
      images
      |> Nx.conv(k1, padding: :same)
      |> Nx.add(Nx.reshape(b1, {1, :auto, 1, 1}))
      |> Nx.max(0)
      |> Nx.window_max({1, 1, 2, 2}, strides: [1, 1, 2, 2])
      |> Nx.conv(k2, padding: :valid)
      |> Nx.add(Nx.reshape(b2, {1, :auto, 1, 1}))
      |> Nx.max(0)
      |> Nx.window_max({1, 1, 2, 2}, strides: [1, 1, 2, 2])

    hidden
    |> Nx.reshape({Nx.axis_size(images, 0), :auto})
    |> Nx.dot(w1)
    |> Nx.add(c1)
    |> Nx.max(0)
    |> Nx.dot(w2)
    |> Nx.add(c2)
  end

  defn cross_entropy(parameters, images, classes) do
    logits = classify(parameters, images)
    Nx.mean(Nx.logsumexp(logits, axes: [1]) - Nx.sum(logits * classes, axes: [1]))
  end

  defn descend(parameters, images, classes) do
    {loss, {dk1, db1, dk2, db2, dw1, dc1, dw2, dc2}} =
      value_and_grad(parameters, &cross_entropy(&1, images, classes))

    {k1, b1, k2, b2, w1, c1, w2, c2} = parameters

    {loss,
     {k1 - 0.1 * dk1, b1 - 0.1 * db1, k2 - 0.1 * dk2, b2 - 0.1 * db2, w1 - 0.1 * dw1, c1 - 0.1 * dc1, w2 - 0.1 * dw2,
      c2 - 0.1 * dc2}}
  end

  # Images of 12 x 12 that have lines across, lines down, squares or rings, shifted and with something added to each pixel; their
  # classes as rows of 0 and 1.
  defp pictures(count) do
    shape = fn
      0, i, _ -> :math.sin(1.6 * i)
      1, _, j -> :math.sin(1.6 * j)
      2, i, j -> :math.sin(1.1 * i) * :math.sin(1.1 * j)
      3, i, j -> :math.cos(0.9 * :math.sqrt((i - 6) ** 2 + (j - 6) ** 2))
    end

    pixels =
      for n <- 0..(count - 1), i <- 0..11, j <- 0..11 do
        shape.(rem(n, 4), i + rem(n, 3), j + rem(n, 5)) + 0.3 * :math.sin(n * 7.1 + i * 12.9898 + j * 78.233)
      end

    on_host(fn ->
      {Nx.tensor(pixels, type: :f32) |> Nx.reshape({count, 1, 12, 12}),
       Nx.equal(Nx.remainder(Nx.iota({count, 1}), 4), Nx.iota({1, 4})) |> Nx.as_type(:f32)}
    end)
  end

  # Weights by the number that goes into each unit, offsets of 0.
  defp first_parameters do
    on_host(fn ->
      [{4, 1, 3, 3}, {4}, {8, 4, 3, 3}, {8}, {32, 16}, {16}, {16, 4}, {4}]
      |> Enum.map_reduce(Nx.Random.key(42), fn
        {n}, key ->
          {Nx.broadcast(Nx.tensor(0.0), {n}), key}

        shape, key ->
          inputs = if tuple_size(shape) == 2, do: elem(shape, 0), else: div(Tuple.product(shape), elem(shape, 0))
          Nx.Random.normal(key, 0.0, :math.sqrt(2 / inputs), shape: shape)
      end)
      |> elem(0)
      |> List.to_tuple()
    end)
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

  # The losses differ by the last digits of f32 in the first step, and by what twenty steps make of those in the last.
  @tag timeout: 120_000
  test "a convolutional network trains to the same losses, each to 1e-4, and learns" do
    {images, classes} = pictures(16)

    train = fn [parameters, images, classes] ->
      {losses, parameters} =
        Enum.map_reduce(1..20, parameters, fn _, parameters -> descend(parameters, images, classes) end)

      {losses, Tuple.to_list(parameters), classify(parameters, images)}
    end

    {{losses, parameters, logits}, {expected_losses, expected, expected_logits}} =
      both([first_parameters(), images, classes], train)

    differences =
      for {loss, expected} <- Enum.zip(losses, expected_losses) do
        assert is_struct(loss.data, Nx.Vulkan.Backend)
        abs(Nx.to_number(loss) - Nx.to_number(expected)) / Nx.to_number(expected)
      end

    assert Enum.max(differences) <= 1.0e-4, "relative differences by step: #{inspect(differences)}"
    for {g, e} <- Enum.zip(parameters, expected), do: assert_near(g, e, 1.0e-4)
    assert_near(logits, expected_logits, 1.0e-3)

    assert Nx.to_number(List.last(losses)) < Nx.to_number(hd(losses)) / 2
    classes_of = &Nx.to_flat_list(Nx.argmax(&1, axis: 1))
    right = Enum.zip_with(classes_of.(logits), classes_of.(classes), &if(&1 == &2, do: 1, else: 0)) |> Enum.sum()
    assert right >= 14
  end
end

defmodule Nx.Vulkan.CompilerDispatchesTest do
  # How few messages and dispatches a call of a compiled function is.
  use Nx.Vulkan.Test.Case, async: false
  import Nx.Defn
  import Nx.Vulkan.Test.Compiled

  defn(softmax(t),
    do:
      Nx.exp(t - Nx.reduce_max(t, axes: [-1], keep_axes: true)) |> then(&(&1 / Nx.sum(&1, axes: [-1], keep_axes: true)))
  )

  test "a call is one message, and few dispatches" do
    key = Nx.Random.key(1)

    assert %{dispatches: dispatches} =
             counted(fn -> compiled(&Nx.Random.normal(&1, shape: {1000}), [key]) |> elem(0) |> Nx.to_binary() end)

    assert dispatches <= 4
    x = Nx.iota({1000}, type: :f32)
    chain = fn x -> Enum.reduce(1..10, x, fn i, x -> x |> Nx.multiply(0.5) |> Nx.add(i) end) end
    assert %{dispatches: 1} = counted(fn -> compiled(chain, [x]) |> Nx.to_binary() end)
  end

  defn loss({w1, b1, w2, b2}, x, y) do
    hidden = Nx.max(Nx.dot(x, w1) + b1, 0)
    logits = Nx.dot(hidden, w2) + b2
    logits = logits - stop_grad(Nx.reduce_max(logits, axes: [1], keep_axes: true))
    logs = logits - Nx.log(Nx.sum(Nx.exp(logits), axes: [1], keep_axes: true))
    -Nx.mean(Nx.sum(logs * y, axes: [1]))
  end

  defn training({w1, b1, w2, b2} = params, x, y) do
    {loss, {d1, e1, d2, e2}} = value_and_grad(params, &loss(&1, x, y))
    {loss, {w1 - 0.1 * d1, b1 - 0.1 * e1, w2 - 0.1 * d2, b2 - 0.1 * e2}}
  end

  test "a step of training is ten dispatches: five products, of which one is split, and the sums of rows" do
    numbers = fn shape -> Nx.iota(shape, type: :f32) |> Nx.multiply(0.7) |> Nx.sin() |> Nx.multiply(0.05) end
    params = {numbers.({784, 128}), numbers.({128}), numbers.({128, 10}), numbers.({10})}
    labels = Nx.equal(Nx.iota({32, 10}, axis: 1), Nx.remainder(Nx.iota({32, 1}), 10))
    arguments = [params, numbers.({32, 784}), labels]
    check(&training/3, arguments)
    run = fn -> compiled(&training/3, arguments) |> elem(0) |> Nx.to_number() end
    assert %{dispatches: 10} = counted(run)
  end

  test "a convolution with a bias and a threshold is one dispatch, filters first or last" do
    layer = fn x, kernel, bias, options -> x |> Nx.conv(kernel, options) |> Nx.add(bias) |> Nx.max(0) end
    numbers = fn shape -> Nx.iota(shape, type: :f32) |> Nx.multiply(0.7) |> Nx.sin() end

    last = [
      input_permutation: [0, 3, 1, 2],
      kernel_permutation: [3, 2, 0, 1],
      output_permutation: [0, 3, 1, 2]
    ]

    for {x, kernel, bias, options} <- [
          {{2, 3, 20, 20}, {16, 3, 3, 3}, {16, 1, 1}, []},
          {{2, 20, 20, 3}, {3, 3, 3, 16}, {16}, last}
        ] do
      arguments = [numbers.(x), numbers.(kernel), numbers.(bias)]
      fun = &layer.(&1, &2, &3, options)
      check(fun, arguments)
      assert %{dispatches: 1} = counted(fn -> compiled(fun, arguments) |> Nx.to_binary() end)
    end
  end

  test "normalisations and statistics of rows are one dispatch" do
    x = Nx.iota({64, 100}, type: :f32)

    for {name, fun} <- [
          softmax: &softmax/1,
          variance: &Nx.variance(&1, axes: [-1]),
          standard_deviation: &Nx.standard_deviation(&1, axes: [-1]),
          mean: &Nx.mean(&1, axes: [1]),
          norm: &Nx.divide(&1, Nx.sqrt(Nx.sum(Nx.multiply(&1, &1), axes: [1], keep_axes: true)))
        ] do
      check(fun, [x])
      assert {^name, %{dispatches: 1}} = {name, counted(fn -> compiled(fun, [x]) |> Nx.to_binary() end)}
    end
  end
end

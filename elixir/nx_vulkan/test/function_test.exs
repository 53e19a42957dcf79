defmodule Nx.Vulkan.FunctionTest do
  # reduce and window_reduce with functions of Elixir: as Nx.BinaryBackend has them, on the node where its ops can say them.
  use Nx.Vulkan.Test.Case, async: false
  import Nx.Defn

  defp host(tensor), do: Nx.backend_copy(tensor, Nx.BinaryBackend)

  # On the node, and nothing of it on the host; the same as BinaryBackend does.
  defp check(fun, tensors) do
    Nx.Vulkan.Fallback.reset()
    got = apply(fun, tensors)
    assert Nx.Vulkan.fallbacks() == %{}
    expected = Nx.with_default_backend(Nx.BinaryBackend, fn -> apply(fun, Enum.map(tensors, &host/1)) end)
    assert Nx.type(got) == Nx.type(expected)
    assert host(got) == expected
  end

  test "functions that are neither associative nor commutative, along every axis" do
    x = Nx.iota({3, 4, 2}, type: :f32)

    for axes <- [[0], [1], [2], [0, 2], nil], keep? <- [false, true] do
      check(fn x -> Nx.reduce(x, 1, [axes: axes, keep_axes: keep?], &Nx.subtract(&1, Nx.multiply(&2, 0.5))) end, [x])
    end

    check(fn x -> Nx.reduce(x, 7, &Nx.remainder(Nx.add(Nx.multiply(&2, 3), &1), 1000)) end, [Nx.iota({500})])
  end

  test "choices, comparisons, numbers of other types, a step that is used twice, none at all" do
    x = Nx.tensor([3.0, -1.0, 4.0, 1.0, -5.0])
    check(fn x -> Nx.reduce(x, 0.0, &Nx.select(Nx.greater(&1, &2), &1, Nx.multiply(&2, &2))) end, [x])
    check(fn x -> Nx.reduce(x, 0.0, &Nx.add(Nx.clip(&1, -2, 2), &2)) end, [x])
    check(fn x -> Nx.reduce(x, 0.0, fn _x, _acc -> 5 end) end, [x])
    check(fn x -> Nx.reduce(x, 0.0, fn x, _acc -> x end) end, [x])
    check(fn x -> Nx.reduce(x, 2.0, fn _x, acc -> acc end) end, [x])
    # BinaryBackend wants the function to give the result's type by itself.
    sum = Nx.reduce(Nx.iota({5}, type: :u8), Nx.tensor(1, type: :s64), [type: :f64], &Nx.add/2)
    assert {Nx.type(sum), Nx.to_number(sum)} == {{:f, 64}, 11.0}
    check(fn x -> Nx.reduce(x, 0, &Nx.logical_or(&1, &2)) end, [Nx.tensor([0, 0, 7], type: :u8)])
  end

  test "window_reduce: padding with what comes first, strides, dilations" do
    x = Nx.iota({5, 6}, type: :s32)
    fun = &Nx.subtract(Nx.multiply(&1, 2), &2)

    for options <- [[], [padding: :same], [strides: [2, 1]], [window_dilations: [1, 2]], [padding: [{1, 2}, {0, 1}]]] do
      check(fn x -> Nx.window_reduce(x, 3, {2, 3}, options, fun) end, [x])
    end
  end

  defn(halved(x), do: Nx.reduce(x, 1.0, [axes: [1]], fn x, acc -> acc / 2 - x end))
  defn(pooled(x), do: Nx.window_reduce(x, 0, {2, 2}, [strides: [2, 2]], fn x, acc -> Nx.max(x, acc) + 1 end))

  test "functions of defn" do
    check(&halved/1, [Nx.iota({4, 9}, type: :f64)])
    check(&pooled/1, [Nx.iota({4, 6}, type: :s32)])
  end

  test "what is no line of ops of numbers is computed on the host, counted" do
    captured = Nx.iota({2})
    x = Nx.tensor([1, 2, 3])

    for fun <- [
          fn x, acc -> Nx.add(Nx.sum(Nx.stack([x, x])), acc) end,
          fn x, acc -> Nx.add(Nx.add(x, acc), captured[1]) end,
          fn x, acc -> if Nx.to_number(x) > 1, do: x, else: acc end
        ] do
      Nx.Vulkan.Fallback.reset()
      got = Nx.reduce(x, 0, fun)
      assert %{reduce: 1} = Nx.Vulkan.fallbacks()
      expected = Nx.with_default_backend(Nx.BinaryBackend, fn -> Nx.reduce(host(x), 0, &host(fun.(&1, &2))) end)
      assert host(got) == expected
    end
  end
end

defmodule Nx.Vulkan.GradientTest do
  # Gradients by Nx.Defn.grad on the node against the same on BinaryBackend. The rewrite makes permuted and grouped convolutions,
  # scatters, negative padding and reversals, which no forward test sees.
  use Nx.Vulkan.Test.Case, async: true

  alias Nx.Vulkan.Test.Cases

  @moduletag timeout: 120_000

  defp tensor(shape, seed, type \\ :f32) do
    size = Tuple.product(shape)
    # No two elements are equal, so that maxima and sorting have one gradient.
    values = for i <- 1..size, do: :math.sin(i * 1.7 + seed) * 2 + i * 0.001
    Nx.tensor(values, type: type, backend: Nx.BinaryBackend) |> Nx.reshape(shape)
  end

  # |fun| gives any tensor; weights that differ make every element of it count.
  defp assert_gradients(inputs, fun, tolerance \\ 2.0e-5) do
    loss = fn inputs ->
      result = fun.(inputs)
      weights = result |> Nx.shape() |> Nx.iota(type: :f32) |> Nx.multiply(0.37) |> Nx.cos()
      result |> Nx.multiply(weights) |> Nx.sum()
    end

    expected = on_host(fn -> inputs |> Nx.Defn.grad(loss) |> Tuple.to_list() end)
    ours = inputs |> Tuple.to_list() |> Enum.map(&Nx.backend_copy(&1, Nx.Vulkan.Backend)) |> List.to_tuple()
    got = ours |> Nx.Defn.grad(loss) |> Tuple.to_list()

    for {g, e} <- Enum.zip(got, expected) do
      assert is_struct(g.data, Nx.Vulkan.Backend)
      assert {g.type, g.shape} == {e.type, e.shape}
      scale = e |> Nx.abs() |> Nx.reduce_max() |> Nx.to_number() |> max(1.0)

      for {x, y} <- Enum.zip(Nx.to_flat_list(g), Nx.to_flat_list(e)),
          do: assert(abs(x - y) <= tolerance * scale, "got #{x}, expected #{y} of scale #{scale}")

      # What does not depend on the input tests nothing.
      assert scale == 1.0 or Enum.any?(Nx.to_flat_list(e), &(&1 != 0))
    end
  end

  describe "conv" do
    for {name, input, kernel, options} <- [
          {"plain", {1, 2, 5, 5}, {3, 2, 3, 3}, []},
          {"one axis", {2, 2, 7}, {3, 2, 3}, [padding: :same]},
          {"three axes", {1, 1, 3, 4, 3}, {2, 1, 2, 2, 2}, []},
          {"strides", {1, 2, 6, 7}, {2, 2, 2, 3}, [strides: [2, 3]]},
          {"strides and padding", {2, 1, 5, 5}, {2, 1, 3, 3}, [strides: [2, 2], padding: [{1, 2}, {0, 1}]]},
          {"negative padding", {1, 1, 6, 6}, {1, 1, 2, 2}, [padding: [{-1, 0}, {1, -2}]]},
          {"kernel dilation", {1, 1, 7, 7}, {2, 1, 2, 2}, [kernel_dilation: [2, 3]]},
          {"input dilation", {1, 1, 4, 4}, {2, 1, 3, 3}, [input_dilation: [2, 1], padding: [{1, 1}, {1, 1}]]},
          {"feature groups", {1, 4, 4, 4}, {6, 2, 2, 2}, [feature_group_size: 2]},
          {"depthwise", {1, 3, 4, 4}, {3, 1, 3, 3}, [feature_group_size: 3, padding: :same]},
          {"batch groups", {4, 2, 4, 4}, {4, 2, 2, 2}, [batch_group_size: 2]},
          {"channels last", {1, 5, 5, 2}, {3, 3, 2, 4},
           [
             input_permutation: [0, 3, 1, 2],
             kernel_permutation: [3, 2, 0, 1],
             output_permutation: [0, 3, 1, 2],
             padding: :same
           ]}
        ] do
      test name do
        {input, kernel, options} = unquote(Macro.escape({input, kernel, options}))
        assert_gradients({tensor(input, 1), tensor(kernel, 2)}, fn {x, k} -> Nx.conv(x, k, options) end)
      end
    end
  end

  describe "pooling" do
    for op <- [:window_max, :window_min, :window_sum, :window_mean],
        {name, window, options} <- [
          {"plain", {1, 2, 2}, [strides: [1, 2, 2]]},
          {"overlapping", {1, 3, 2}, [padding: :same]},
          {"padded", {1, 2, 2}, [padding: [{0, 0}, {1, 0}, {0, 1}], strides: [1, 2, 1]]}
        ] do
      test "#{op}, #{name}" do
        {window, options} = unquote(Macro.escape({window, options}))
        assert_gradients({tensor({2, 4, 6}, 1)}, fn {x} -> apply(Nx, unquote(op), [x, window, options]) end)
      end
    end

    test "window_sum with dilation" do
      assert_gradients({tensor({5, 6}, 1)}, fn {x} -> Nx.window_sum(x, {2, 2}, window_dilations: [2, 1]) end)
    end
  end

  describe "indexing" do
    test "gather, rows that repeat" do
      indices = Nx.tensor([[0, 1], [2, 0], [0, 1]], backend: Nx.BinaryBackend)
      assert_gradients({tensor({3, 4}, 1)}, fn {x} -> Nx.gather(x, indices) end)
      assert_gradients({tensor({3, 4}, 1)}, fn {x} -> Nx.gather(x, Nx.new_axis(indices[[.., 0]], 1), axes: [1]) end)
    end

    test "take and take_along_axis" do
      # 0, 2, 1, 0: a tensor from outside cannot be an argument of a block.
      indices = fn -> Nx.remainder(Nx.multiply(Nx.iota({4}), 2), 3) end
      assert_gradients({tensor({3, 4}, 1)}, fn {x} -> Nx.take(x, indices.()) end)
      assert_gradients({tensor({3, 4}, 1)}, fn {x} -> Nx.take(x, indices.(), axis: 1) end)
      along = fn -> Nx.remainder(Nx.multiply(Nx.iota({2, 4}), 3), 4) end
      assert_gradients({tensor({2, 4}, 1)}, fn {x} -> Nx.take_along_axis(x, along.(), axis: 1) end)
    end

    test "indexed_add and indexed_put, of target and updates" do
      indices = Nx.tensor([[0, 1], [2, 0], [1, 3]], backend: Nx.BinaryBackend)
      inputs = {tensor({3, 4}, 1), tensor({3}, 2)}
      assert_gradients(inputs, fn {x, u} -> Nx.indexed_add(x, indices, Nx.multiply(u, u)) end)
      assert_gradients(inputs, fn {x, u} -> Nx.indexed_put(Nx.sin(x), indices, u) end)
      twice = Nx.tensor([[0, 1], [2, 0], [0, 1]], backend: Nx.BinaryBackend)
      assert_gradients(inputs, fn {x, u} -> Nx.indexed_add(Nx.sin(x), twice, Nx.multiply(u, u)) end)
    end

    test "slices, steps, starts that are tensors" do
      assert_gradients({tensor({4, 5}, 1)}, fn {x} -> Nx.slice(x, [1, 0], [3, 5], strides: [2, 3]) end)
      assert_gradients({tensor({4, 5}, 1)}, fn {x} -> Nx.slice(x, [Nx.tensor(9), 1], [2, 2]) end)
      assert_gradients({tensor({4, 5}, 1)}, fn {x} -> Nx.multiply(x[1], x[[.., 2..2]]) end)
    end

    test "put_slice, pad, concatenate, stack, reverse" do
      pair = {tensor({3, 4}, 1), tensor({2, 2}, 2)}
      assert_gradients(pair, fn {x, y} -> Nx.put_slice(x, [1, 3], Nx.exp(y)) end)
      assert_gradients({tensor({3, 4}, 1), tensor({}, 2)}, fn {x, v} -> Nx.pad(x, v, [{1, 2, 1}, {-1, 0, 0}]) end)
      assert_gradients(pair, fn {x, y} -> Nx.concatenate([x, Nx.pad(y, 0.0, [{1, 0, 0}, {0, 0, 0}]), x], axis: 1) end)
      assert_gradients(pair, fn {x, y} -> Nx.stack([Nx.slice(x, [0, 1], [2, 2]), Nx.sin(y)], axis: 1) end)
      assert_gradients(pair, fn {x, y} -> Nx.dot(Nx.slice(Nx.reverse(x, axes: [0]), [0, 0], [2, 4]), [0], y, [1]) end)
    end
  end

  describe "order and running sums" do
    test "sort" do
      assert_gradients({tensor({4, 3}, 1)}, fn {x} -> Nx.sort(x, axis: 0) end)
      assert_gradients({tensor({4, 3}, 1)}, fn {x} -> Nx.sort(x, axis: 1, direction: :desc) end)
    end

    for op <- [:cumulative_sum, :cumulative_product, :cumulative_min, :cumulative_max], reverse <- [false, true] do
      test "#{op}, reverse: #{reverse}" do
        assert_gradients({tensor({3, 5}, 1)}, fn {x} ->
          apply(Nx, unquote(op), [x, [axis: 1, reverse: unquote(reverse)]])
        end)
      end
    end

    test "reductions" do
      for op <- [:sum, :mean, :product, :reduce_max, :reduce_min, :logsumexp, :standard_deviation],
          do: assert_gradients({tensor({3, 4}, 1)}, fn {x} -> apply(Nx, op, [x, [axes: [1]]]) end)
    end
  end

  describe "products and linear algebra" do
    # Far from singular, symmetric positive definite where that matters.
    defp square(seed),
      do: Nx.add(Nx.multiply(tensor({3, 3}, seed), 0.3), Nx.multiply(3, Nx.eye(3, backend: Nx.BinaryBackend)))

    test "dot, batched and of any axes" do
      assert_gradients({tensor({2, 3}, 1), tensor({3, 4}, 2)}, fn {a, b} -> Nx.dot(a, b) end)
      assert_gradients({tensor({2, 3, 4}, 1), tensor({2, 4, 2}, 2)}, fn {a, b} -> Nx.dot(a, [2], [0], b, [1], [0]) end)
      assert_gradients({tensor({3, 2, 4}, 1), tensor({4, 3}, 2)}, fn {a, b} -> Nx.dot(a, [2, 0], b, [0, 1]) end)
      assert_gradients({tensor({4}, 1), tensor({4}, 2)}, fn {a, b} -> Nx.dot(a, b) end)
    end

    test "solve, triangular_solve, invert, determinant" do
      assert_gradients({square(1), tensor({3, 2}, 2)}, fn {a, b} -> Nx.LinAlg.solve(a, b) end, 1.0e-4)
      assert_gradients({square(1), tensor({3}, 2)}, fn {a, b} -> Nx.LinAlg.triangular_solve(Nx.tril(a), b) end, 1.0e-4)
      assert_gradients({square(1)}, fn {a} -> Nx.LinAlg.invert(a) end, 1.0e-4)
      assert_gradients({square(1)}, fn {a} -> Nx.LinAlg.determinant(a) end, 1.0e-4)
    end

    # The gradient of singular values with weights w is u diagonal(w) vt.
    test "svd" do
      ours = Nx.backend_copy(square(1), Nx.Vulkan.Backend)
      weights = Nx.iota({3}, type: :f32) |> Nx.add(1)
      {u, _s, vt} = Nx.LinAlg.svd(ours)
      expected = u |> Nx.multiply(weights) |> Nx.dot(vt) |> Nx.to_flat_list()

      got =
        Nx.Defn.grad({ours, weights}, fn {a, w} ->
          {u, s, vt} = Nx.LinAlg.svd(a)
          Nx.sum(Nx.multiply(s, w)) |> Nx.add(Nx.multiply(0, Nx.add(Nx.sum(u), Nx.sum(vt))))
        end)

      for {x, y} <- Enum.zip(Nx.to_flat_list(elem(got, 0)), expected), do: assert_in_delta(x, y, 1.0e-4)
    end

    test "nothing of decompositions or their gradients runs on the host" do
      ours = Nx.backend_copy(square(1), Nx.Vulkan.Backend)

      for fun <- [
            fn a -> Nx.LinAlg.solve(a, a) end,
            fn a -> Nx.LinAlg.cholesky(Nx.dot(a, Nx.transpose(a))) end,
            fn a -> a |> Nx.LinAlg.qr() |> then(fn {q, r} -> Nx.add(q, r) end) end,
            fn a -> a |> Nx.LinAlg.svd() |> then(fn {u, s, vt} -> Nx.add(Nx.dot(u, vt), s) end) end
          ] do
        {:node, got} = Cases.watch(fn -> Nx.Defn.grad(ours, fn a -> a |> fun.() |> Nx.sum() end) end)
        assert is_struct(got.data, Nx.Vulkan.Backend)
      end

      {:node, _} = Cases.watch(fn -> {Nx.LinAlg.lu(ours), Nx.LinAlg.eigh(Nx.add(ours, Nx.transpose(ours)))} end)
    end

    test "cholesky and qr" do
      assert_gradients({square(1)}, fn {a} -> Nx.LinAlg.cholesky(Nx.dot(a, Nx.transpose(a))) end, 1.0e-4)
      assert_gradients({square(1)}, fn {a} -> a |> Nx.LinAlg.qr() |> then(fn {q, r} -> Nx.add(q, r) end) end, 1.0e-4)
    end
  end
end

defmodule Nx.Vulkan.GradientTest do
  # Gradients by Nx.Defn.grad on the node against the same on BinaryBackend. The rewrite makes permuted and grouped convolutions,
  # scatters, negative padding and reversals, which no forward test sees. Those of linear algebra are in gradient_linalg_test.exs.
  use Nx.Vulkan.Test.Case, async: true

  import Nx.Vulkan.Test.Gradients

  @moduletag timeout: 120_000

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

    test "window_mean with dilation, steps and padding" do
      options = [window_dilations: [2, 1], strides: [1, 2], padding: [{1, 0}, {0, 1}]]
      assert_gradients({tensor({5, 6}, 1)}, fn {x} -> Nx.window_mean(x, {2, 3}, options) end)
    end

    test "equal elements: one of each window has the gradient, the same as on the host" do
      x = Nx.tensor([[1, 1, 2, 2], [1, 1, 2, 2], [0, 3, 3, 0]], type: :f32, backend: Nx.BinaryBackend)

      for op <- [:window_max, :window_min],
          do: assert_gradients({x}, fn {x} -> apply(Nx, op, [x, {2, 2}, [strides: [1, 1]]]) end)
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

    test "top_k, argsort's order, median" do
      assert_gradients({tensor({3, 5}, 1)}, fn {x} -> x |> Nx.top_k(k: 2) |> elem(0) end)

      assert_gradients({tensor({3, 5}, 1)}, fn {x} -> Nx.take_along_axis(Nx.sin(x), Nx.argsort(x, axis: 1), axis: 1) end)

      assert_gradients({tensor({3, 5}, 1)}, fn {x} -> Nx.median(x, axis: 1) end)
      assert_gradients({tensor({3, 4}, 1)}, fn {x} -> Nx.median(x, axis: 1) end)
    end
  end

  describe "reductions" do
    for op <- [:sum, :mean, :product, :reduce_max, :reduce_min, :logsumexp, :standard_deviation, :variance] do
      test "#{op} along one axis, two, all, and kept" do
        for options <- [[axes: [1]], [axes: [0, 2]], [], [axes: [0, 1], keep_axes: true]],
            do: assert_gradients({tensor({3, 4, 2}, 1)}, fn {x} -> apply(Nx, unquote(op), [x, options]) end)
      end
    end

    test "equal elements share the gradient of an extreme" do
      x = Nx.tensor([[1, 3, 3], [2, 2, 2], [0, -1, -1]], type: :f32, backend: Nx.BinaryBackend)
      for op <- [:reduce_max, :reduce_min], do: assert_gradients({x}, fn {x} -> apply(Nx, op, [x, [axes: [1]]]) end)
    end

    test "a product with one zero and with two" do
      x = Nx.tensor([[1, 2, 3], [2, 0, 5], [0, 4, 0]], type: :f32, backend: Nx.BinaryBackend)
      assert_gradients({x}, fn {x} -> Nx.product(x, axes: [1]) end)
    end

    test "weighted mean, covariance, a norm" do
      assert_gradients({tensor({4, 3}, 1), Nx.abs(tensor({4, 3}, 2))}, fn {x, w} ->
        Nx.weighted_mean(x, w, axes: [0])
      end)

      assert_gradients({tensor({4, 3}, 1)}, fn {x} -> Nx.covariance(x) end)

      for order <- [1, 2, 3], do: assert_gradients({tensor({5}, 1)}, fn {x} -> Nx.LinAlg.norm(x, ord: order) end)
      assert_gradients({tensor({4, 3}, 1)}, fn {x} -> Nx.LinAlg.norm(x) end)
    end
  end

  describe "element by element" do
    for {domain, ops} <- [
          everywhere: ~w(exp expm1 sigmoid cos sin tan cosh sinh tanh atan asinh erf erfc cbrt negate abs real)a,
          above_zero: ~w(log log1p sqrt rsqrt)a,
          above_one: ~w(acosh)a,
          within_one: ~w(acos asin atanh erf_inv)a
        ],
        op <- ops do
      test "#{op}" do
        x = tensor({3, 5}, 1)

        x =
          case unquote(domain) do
            :everywhere -> x
            :above_zero -> Nx.add(Nx.abs(x), 0.1)
            :above_one -> Nx.add(Nx.abs(x), 1.5)
            :within_one -> Nx.multiply(x, 0.4)
          end

        assert_gradients({x}, fn {x} -> apply(Nx, unquote(op), [x]) end)
      end
    end

    test "two operands, one of them stretched" do
      pair = {Nx.add(Nx.abs(tensor({3, 4}, 1)), 0.2), tensor({4}, 2)}

      for op <- ~w(add subtract multiply divide pow remainder atan2 min max)a,
          do: assert_gradients(pair, fn {x, y} -> apply(Nx, op, [x, y]) end)
    end

    test "select, clip, casts there and back" do
      pair = {tensor({3, 4}, 1), tensor({3, 4}, 2)}
      assert_gradients(pair, fn {x, y} -> Nx.select(Nx.greater(x, 0.3), Nx.sin(x), Nx.exp(y)) end)
      assert_gradients({tensor({3, 4}, 1)}, fn {x} -> Nx.clip(x, -1.0, 1.0) end)
      assert_gradients({tensor({3, 4}, 1)}, fn {x} -> x |> Nx.as_type(:f64) |> Nx.sin() |> Nx.as_type(:f32) end)
    end

    test "views: reshape, transpose, squeeze, broadcast, tile, diagonals" do
      assert_gradients({tensor({3, 4}, 1)}, fn {x} -> x |> Nx.transpose() |> Nx.reshape({2, 6}) |> Nx.exp() end)
      assert_gradients({tensor({3, 1}, 1)}, fn {x} -> x |> Nx.squeeze() |> Nx.sin() |> Nx.broadcast({2, 3}) end)
      assert_gradients({tensor({3, 1}, 1)}, fn {x} -> x |> Nx.broadcast({2, 3, 4}, axes: [1, 2]) |> Nx.cos() end)
      assert_gradients({tensor({2, 3}, 1)}, fn {x} -> Nx.tile(Nx.sin(x), [2, 2]) end)
      assert_gradients({tensor({3, 3}, 1)}, fn {x} -> Nx.put_diagonal(x, Nx.exp(Nx.take_diagonal(x))) end)
    end
  end

  describe "complex numbers on the way" do
    for op <- [:fft, :ifft], length <- [4, 6] do
      test "#{op} of #{length}" do
        assert_gradients({tensor({2, unquote(length)}, 1)}, fn {x} -> apply(Nx, unquote(op), [Nx.sin(x)]) end)
      end
    end

    test "phase and magnitude" do
      assert_gradients({tensor({2, 3}, 1), tensor({2, 3}, 2)}, fn {re, im} -> Nx.abs(Nx.complex(re, im)) end)
    end
  end
end

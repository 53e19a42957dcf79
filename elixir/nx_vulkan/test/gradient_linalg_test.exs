defmodule Nx.Vulkan.GradientLinalgTest do
  # Gradients of products and decompositions, on the node, against BinaryBackend's. Nx derives those of a block from the block's
  # default function, while its values are the node's own: where a decomposition leaves a choice (signs, order) both must choose
  # alike, and that is what the slopes say.
  use Nx.Vulkan.Test.Case, async: true

  import Nx.Vulkan.Test.Gradients

  @moduletag timeout: 120_000

  # Digits that are lost with each step of a decomposition in f32.
  @near 1.0e-4

  defp symmetric(a), do: Nx.add(a, Nx.transpose(a, axes: transposed(a)))
  defp gram(a), do: Nx.dot(a, [-1], batch(a), Nx.transpose(a, axes: transposed(a)), [-2], batch(a))
  defp batch(a), do: Enum.drop(Nx.axes(a), -2)

  defp transposed(a) do
    rank = Nx.rank(a)
    batch(a) ++ [rank - 1, rank - 2]
  end

  # One of several results, with the others in it and without effect.
  defp values(results, which) do
    others = results |> Tuple.delete_at(which) |> Tuple.to_list() |> Enum.map(&Nx.sum/1) |> Enum.reduce(&Nx.add/2)
    Nx.add(elem(results, which), Nx.multiply(0, others))
  end

  describe "products" do
    test "dot, batched and of any axes" do
      assert_gradients({tensor({2, 3}, 1), tensor({3, 4}, 2)}, fn {a, b} -> Nx.dot(a, b) end)
      assert_gradients({tensor({2, 3, 4}, 1), tensor({2, 4, 2}, 2)}, fn {a, b} -> Nx.dot(a, [2], [0], b, [1], [0]) end)
      assert_gradients({tensor({3, 2, 4}, 1), tensor({4, 3}, 2)}, fn {a, b} -> Nx.dot(a, [2, 0], b, [0, 1]) end)
      assert_gradients({tensor({4}, 1), tensor({4}, 2)}, fn {a, b} -> Nx.dot(a, b) end)
    end

    test "outer, matrix_power, adjoint" do
      assert_gradients({tensor({3}, 1), tensor({2}, 2)}, fn {a, b} -> Nx.outer(a, b) end)
      assert_gradients({square(3, 1)}, fn {a} -> Nx.LinAlg.matrix_power(a, 3) end)
      assert_gradients({tensor({2, 3}, 1)}, fn {a} -> Nx.LinAlg.adjoint(Nx.sin(a)) end)
    end
  end

  describe "equations" do
    test "solve of a vector, of several, in batches" do
      assert_gradients({square(3, 1), tensor({3}, 2)}, fn {a, b} -> Nx.LinAlg.solve(a, b) end, @near)
      assert_gradients({square(3, 1), tensor({3, 2}, 2)}, fn {a, b} -> Nx.LinAlg.solve(a, b) end, @near)

      inputs = {square(3, 1, batch: [2]), tensor({2, 3, 2}, 2)}
      assert_gradients(inputs, fn {a, b} -> Nx.LinAlg.solve(a, b) end, @near)
    end

    for lower <- [true, false], transform <- [:none, :transpose] do
      test "triangular_solve, lower: #{lower}, transform_a: #{transform}, on both sides" do
        options = [lower: unquote(lower), transform_a: unquote(transform)]
        part = if unquote(lower), do: &Nx.tril/1, else: &Nx.triu/1
        solve = &Nx.LinAlg.triangular_solve(part.(&1), &2, options ++ &3)
        assert_gradients({square(3, 1), tensor({3}, 2)}, fn {a, b} -> solve.(a, b, []) end, @near)
        assert_gradients({square(3, 1), tensor({3, 2}, 2)}, fn {a, b} -> solve.(a, b, []) end, @near)
        assert_gradients({square(3, 1), tensor({2, 3}, 2)}, fn {a, b} -> solve.(a, b, left_side: false) end, @near)
      end
    end

    test "invert, pinv" do
      assert_gradients({square(3, 1)}, fn {a} -> Nx.LinAlg.invert(a) end, @near)
      assert_gradients({square(3, 1)}, fn {a} -> Nx.LinAlg.pinv(a) end, 1.0e-3)
    end
  end

  # Of two and three rows by their diagonals, of more by lu.
  describe "determinant" do
    for n <- 1..6 do
      test "of #{n} rows" do
        assert_gradients({square(unquote(n), 1)}, fn {a} -> Nx.LinAlg.determinant(a) end, @near)
      end
    end

    test "where rows change places" do
      a = Nx.reverse(square(4, 1), axes: [0])
      assert_gradients({a}, fn {a} -> Nx.LinAlg.determinant(a) end, @near)
      assert_slopes(Nx.as_type(a, :f64), fn a -> Nx.LinAlg.determinant(a) end)
    end

    test "of batches" do
      for n <- [2, 3, 4],
          do: assert_gradients({square(n, 1, batch: [2])}, fn {a} -> Nx.LinAlg.determinant(a) end, @near)
    end

    # The derivative by a matrix is the determinant times the inverse, transposed.
    test "is Jacobi's formula" do
      a = Nx.backend_copy(square(5, 1, type: :f64), Nx.Vulkan.Backend)
      got = Nx.Defn.grad(a, &Nx.LinAlg.determinant/1)
      expected = Nx.multiply(Nx.LinAlg.determinant(a), Nx.transpose(Nx.LinAlg.invert(a)))

      for {x, y} <- Enum.zip(Nx.to_flat_list(got), Nx.to_flat_list(expected)),
          do: assert_in_delta(x, y, 1.0e-9 * abs(y) + 1.0e-9)
    end
  end

  describe "decompositions" do
    test "cholesky, in batches too" do
      assert_gradients({square(3, 1)}, fn {a} -> Nx.LinAlg.cholesky(gram(a)) end, @near)
      assert_gradients({square(3, 1, batch: [2])}, fn {a} -> Nx.LinAlg.cholesky(gram(a)) end, @near)
    end

    test "qr: square, of more rows than columns, complete" do
      assert_gradients({square(3, 1)}, fn {a} -> Nx.LinAlg.qr(a) end, @near)
      assert_gradients({tensor({4, 3}, 1)}, fn {a} -> Nx.LinAlg.qr(a) end, @near)
    end

    test "lu" do
      assert_gradients({square(4, 1)}, fn {a} -> a |> Nx.LinAlg.lu() |> Tuple.delete_at(0) end, @near)
      turned = Nx.reverse(square(4, 1), axes: [0])
      assert_gradients({turned}, fn {a} -> a |> Nx.LinAlg.lu() |> Tuple.delete_at(0) end, @near)
    end

    # Nx has a gradient only where all results are used.
    test "svd: singular values" do
      for a <- [square(3, 1), tensor({4, 3}, 1)],
          do: assert_gradients({a}, fn {a} -> a |> Nx.LinAlg.svd() |> values(1) end, @near)
    end

    # The gradient of singular values with weights w is u diagonal(w) vt.
    test "svd: with weights" do
      ours = Nx.backend_copy(square(3, 1), Nx.Vulkan.Backend)
      weights = Nx.iota({3}, type: :f32) |> Nx.add(1)
      {u, _s, vt} = Nx.LinAlg.svd(ours)
      expected = u |> Nx.multiply(weights) |> Nx.dot(vt) |> Nx.to_flat_list()
      {got, _} = Nx.Defn.grad({ours, weights}, fn {a, w} -> Nx.sum(Nx.multiply(values(Nx.LinAlg.svd(a), 1), w)) end)
      for {x, y} <- Enum.zip(Nx.to_flat_list(got), expected), do: assert_in_delta(x, y, 1.0e-4)
    end

    # Nx derives it from the iterations of its own function, and that is no slope: only that both have the same.
    test "eigh" do
      for n <- 2..4 do
        assert_gradients({square(n, 1)}, fn {a} -> a |> symmetric() |> Nx.LinAlg.eigh() |> values(0) end, 1.0e-3)
        assert_gradients({square(n, 1)}, fn {a} -> a |> symmetric() |> Nx.LinAlg.eigh() end, 1.0e-3)
      end
    end
  end

  describe "slopes" do
    test "cholesky" do
      assert_slopes(square(4, 1, type: :f64), fn a -> Nx.LinAlg.cholesky(gram(a)) end)
    end

    test "qr" do
      assert_slopes(square(4, 1, type: :f64), &Nx.LinAlg.qr/1)
      assert_slopes(tensor({5, 3}, 1, :f64), &Nx.LinAlg.qr/1)
      assert_slopes(Nx.negate(square(4, 1, type: :f64)), &Nx.LinAlg.qr/1)
    end

    test "lu" do
      assert_slopes(Nx.reverse(square(4, 1, type: :f64), axes: [0]), fn a ->
        a |> Nx.LinAlg.lu() |> Tuple.delete_at(0)
      end)
    end

    test "svd" do
      assert_slopes(square(4, 1, type: :f64), fn a -> a |> Nx.LinAlg.svd() |> values(1) end)
      assert_slopes(square(4, 1, type: :f64), &Nx.LinAlg.svd/1, 1.0e-5)
    end
  end
end

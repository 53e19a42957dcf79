defmodule Nx.Vulkan.CompatTest do
  # The names of earlier versions: Nx.Vulkan, Nx.Vulkan.Native, Nx.Vulkan.VulkanoBackend.
  use ExUnit.Case, async: true
  import ExUnit.CaptureLog
  alias Nx.Vulkan.{Native, VulkanoBackend}

  @moduletag capture_log: true

  defp up(list), do: with({:ok, tensor} <- Nx.Vulkan.upload_f32(list), do: tensor)

  defp down({:ok, tensor}) do
    {:ok, list} = Nx.Vulkan.download_f32(tensor, div(Nx.Vulkan.byte_size(tensor), 4))
    list
  end

  defp f64(list), do: for(x <- list, into: <<>>, do: <<x::float-64-little>>)

  describe "device" do
    test "init, name, f64" do
      assert Nx.Vulkan.init() == :ok
      assert Native.init() == :ok
      gpu = Nx.Vulkan.Test.Case.gpu_node()
      assert {:ok, %{name: name, node: ^gpu}} = Nx.Vulkan.device()
      assert Nx.Vulkan.device_name() == name
      assert Native.device_name() == name
      assert Nx.Vulkan.has_f64?() == true
      assert Native.has_f64() == true
    end

    test "pool" do
      assert {:ok, %{hits: hits, misses: misses}} = Nx.Vulkan.pool_stats()
      assert is_integer(hits) and is_integer(misses)
      assert Nx.Vulkan.pool_clear() == :ok
    end
  end

  describe "round trips" do
    test "numbers, special ones too" do
      assert down({:ok, up([1.0, -2.5, :infinity, :neg_infinity, :nan])}) == [1.0, -2.5, :infinity, :neg_infinity, :nan]
    end

    test "bytes of any number" do
      for size <- [1, 3, 4, 255, 1024, 100_001] do
        bytes = :crypto.strong_rand_bytes(size)
        {:ok, tensor} = Nx.Vulkan.upload_binary(bytes)
        assert Nx.Vulkan.byte_size(tensor) == size
        assert Nx.Vulkan.download_binary(tensor, size) == {:ok, bytes}
      end
    end

    test "a size that is not the tensor's" do
      assert Nx.Vulkan.download_binary(up([1.0, 2.0]), 4) == {:error, :size_mismatch}
      assert Nx.Vulkan.download_f32(up([1.0, 2.0]), 3) == {:error, :size_mismatch}
    end

    test "no bytes" do
      assert Nx.Vulkan.upload_binary(<<>>) == {:error, :bad_input}
    end
  end

  describe "elementwise" do
    test "binary ops by name" do
      a = up([4.0, 3.0, -2.0])
      b = up([2.0, 3.0, 4.0])

      for {name, want} <- [
            add: [6.0, 6.0, 2.0],
            multiply: [8.0, 9.0, -8.0],
            subtract: [2.0, 0.0, -6.0],
            divide: [2.0, 1.0, -0.5],
            pow: [16.0, 27.0, 16.0],
            max: [4.0, 3.0, 4.0],
            min: [2.0, 3.0, -2.0],
            equal: [0.0, 1.0, 0.0],
            less: [0.0, 0.0, 1.0],
            greater: [1.0, 0.0, 0.0]
          ],
          do: assert({name, down(apply(Nx.Vulkan, name, [a, b]))} == {name, want})
    end

    test "unary ops by name" do
      a = up([-4.0, 0.25, 2.0])

      for {name, want} <- [
            abs: [4.0, 0.25, 2.0],
            negate: [4.0, -0.25, -2.0],
            relu: [0.0, 0.25, 2.0],
            ceil: [-4.0, 1.0, 2.0],
            floor: [-4.0, 0.0, 2.0],
            sign: [-1.0, 1.0, 1.0],
            reciprocal: [-0.25, 4.0, 0.5],
            square: [16.0, 0.0625, 4.0],
            sqrt: [:nan, 0.5, 1.4142135381698608]
          ],
          do: assert({name, down(apply(Nx.Vulkan, name, [a]))} == {name, want})

      for {name, fun} <- [exp: &:math.exp/1, tanh: &:math.tanh/1, erf: &:math.erf/1, expm1: &(:math.exp(&1) - 1)],
          {got, x} <- Enum.zip(down(apply(Nx.Vulkan, name, [a])), [-4.0, 0.25, 2.0]),
          do: assert_in_delta(got, fun.(x), 1.0e-6)
    end

    test "x / 0 and log of a negative number" do
      assert down(Nx.Vulkan.divide(up([1.0]), up([0.0]))) == [:infinity]
      assert down(Nx.Vulkan.log(up([-1.0]))) == [:nan]
    end

    test "tensors of different size, unknown codes" do
      assert Nx.Vulkan.add(up([1.0]), up([1.0, 2.0])) == {:error, :size_mismatch}
      assert Native.apply_binary(up([1.0]), up([1.0]), 10, "x.spv") == {:error, :bad_op}
      assert Native.apply_unary(up([1.0]), 15, "x.spv") == {:error, :bad_op}
      assert Native.reduce_scalar(up([1.0]), 3, "x.spv") == {:error, :bad_op}
      assert Native.reduce_axis(up([1.0]), 1, 1, 1, 3, "x.spv") == {:error, :bad_op}
    end

    test "the shader's path is not read" do
      assert down(Native.apply_unary(up([1.0]), 4, "/no/such/file.spv")) == [-1.0]
    end

    test "broadcast by strides" do
      {:ok, tensor} =
        Native.apply_binary_broadcast(
          up([1.0, 2.0]),
          up([10.0, 20.0, 30.0]),
          0,
          2,
          [2, 3, 0, 0],
          [1, 0, 0, 0],
          [0, 1, 0, 0],
          nil
        )

      assert down({:ok, tensor}) == [11.0, 21.0, 31.0, 12.0, 22.0, 32.0]

      assert Native.apply_binary_broadcast(
               up([1.0, 2.0]),
               up([1.0, 2.0]),
               0,
               1,
               [2, 0, 0, 0],
               [2, 0, 0, 0],
               [1, 0, 0, 0],
               nil
             ) ==
               {:error, :bad_op}
    end

    test "select and clip" do
      assert down(Nx.Vulkan.select(up([1.0, 0.0]), up([5.0, 6.0]), up([7.0, 8.0]))) == [5.0, 8.0]
      assert Nx.Vulkan.select(up([1.0]), up([5.0, 6.0]), up([7.0, 8.0])) == {:error, :size_mismatch}
      assert down(Nx.Vulkan.clip(up([-5.0, 0.5, 5.0]), -1, 1)) == [-1.0, 0.5, 1.0]
    end

    test "chains" do
      a = up([1.0, 2.0])
      b = up([0.5, 0.25])
      assert down(Nx.Vulkan.fused_chain(a, b, [:multiply, :add, :negate])) == [-1.0, -0.75]

      assert down(Nx.Vulkan.fused_chain_4(a, b, up([3.0, 3.0]), a, [{:add, 1}, {:multiply, 2}, :square])) == [
               20.25,
               45.5625
             ]

      assert Native.fused_chain(a, b, [], nil) == {:error, :bad_op}
      assert Native.fused_chain(a, b, List.duplicate(0, 9), nil) == {:error, :bad_op}
      assert Native.fused_chain(a, up([1.0]), [0], nil) == {:error, :size_mismatch}
      assert_raise ArgumentError, ~r/:nonsense/, fn -> Nx.Vulkan.fused_chain(a, b, [:nonsense]) end
    end
  end

  describe "reductions, products, others" do
    test "to a number" do
      a = up([3.0, -1.0, 4.0])
      assert Nx.Vulkan.sum(a) == {:ok, 6.0}
      assert Nx.Vulkan.reduce_min(a) == {:ok, -1.0}
      assert Nx.Vulkan.reduce_max(a) == {:ok, 4.0}
      assert Nx.Vulkan.mean(a) == {:ok, 2.0}
      assert Nx.Vulkan.mean(up([:nan])) == {:ok, :nan}
    end

    test "over an axis" do
      a = up(Enum.map(1..12, &(&1 * 1.0)))
      assert down(Nx.Vulkan.reduce_axis(a, 2, 3, 2, 0)) == [9.0, 12.0, 27.0, 30.0]
      assert down(Nx.Vulkan.reduce_axis(a, 2, 3, 2, 1)) == [5.0, 6.0, 11.0, 12.0]
      assert down(Nx.Vulkan.reduce_axis(a, 2, 3, 2, 2)) == [1.0, 2.0, 7.0, 8.0]
      assert Nx.Vulkan.reduce_axis(a, 2, 3, 3, 0) == {:error, :size_mismatch}
      [got] = down(Nx.Vulkan.logsumexp(up([1000.0, 1000.0]), 1, 2, 1))
      assert_in_delta got, 1000 + :math.log(2), 1.0e-3
    end

    test "matmul checks the shapes that it is told" do
      a = up([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
      assert down(Nx.Vulkan.matmul(a, a, 2, 2, 3)) == [22.0, 28.0, 49.0, 64.0]
      assert down(Native.matmul_v(a, a, 2, 2, 3, 16, 16, nil)) == [22.0, 28.0, 49.0, 64.0]
      assert Nx.Vulkan.matmul(a, a, 1000, 1000, 1000) == {:error, :size_mismatch}
      assert down(Nx.Vulkan.transpose_2d(a, 2, 3)) == [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]
    end

    test "f64: bytes are what the call says they are, whatever they were uploaded as" do
      {:ok, a} = Native.upload_binary(f64([1.0e-300, 2.0]))
      {:ok, b} = Native.upload_binary(f64([1.0e300, 0.1]))
      {:ok, product} = Native.apply_binary_f64(a, b, 1, nil)
      assert Native.download_binary(product, 16) == {:ok, f64([1.0e-300 * 1.0e300, 0.2])}

      assert Nx.Vulkan.apply_binary_f64(a, b, :multiply) |> elem(1) |> Native.download_binary(16) ==
               {:ok, f64([1.0e-300 * 1.0e300, 0.2])}

      assert Nx.Vulkan.apply_unary_f64(b, :negate) |> elem(1) |> Native.download_binary(16) ==
               {:ok, f64([-1.0e300, -0.1])}

      {:ok, sum} = Nx.Vulkan.reduce_axis_f64(b, 1, 2, 1, 1)
      assert Native.download_binary(sum, 8) == {:ok, f64([1.0e300])}
      {:ok, wide} = Nx.Vulkan.cast_f32_to_f64(up([0.5, -3.0]), 2)
      assert Native.download_binary(wide, 16) == {:ok, f64([0.5, -3.0])}
      assert down(Nx.Vulkan.cast_f64_to_f32(wide, 2)) == [0.5, -3.0]
    end

    test "densities and energies" do
      p = up(List.duplicate(2.0, 300))
      assert down(Nx.Vulkan.kinetic_energy(p, up(List.duplicate(0.5, 300)))) == [256.0, 44.0]
      [at_mean] = down(Nx.Vulkan.normal_logpdf(up([1.0]), up([1.0]), up([2.0])))
      assert_in_delta at_mean, -:math.log(2) - 0.5 * :math.log(2 * :math.pi()), 1.0e-6
    end

    test "random numbers are of their seed" do
      {:ok, a} = Nx.Vulkan.uniform(1000, 7)
      {:ok, b} = Nx.Vulkan.uniform(1000, 7)
      values = down({:ok, a})
      assert values == down({:ok, b})
      assert Enum.all?(values, &(&1 >= 0 and &1 < 1))
      assert {:ok, mean} = Nx.Vulkan.mean(elem(Nx.Vulkan.normal(2000, 1), 1))
      assert_in_delta mean, 0.0, 0.1
    end

    test "what fails on the node is an error of the download, and is logged" do
      {:ok, tensor} = Nx.Vulkan.add(up([1.0]), up([2.0]))
      Nx.backend_deallocate(tensor)
      log = capture_log(fn -> assert Nx.Vulkan.download_f32(tensor, 1) == {:error, :download_failed} end)
      assert log =~ "not_found"
    end

    test "twenty processes at once" do
      1..20
      |> Enum.map(fn i ->
        Task.async(fn -> for j <- 1..10, do: down(Nx.Vulkan.add(up([i * 1.0]), up([j * 1.0]))) end)
      end)
      |> Task.await_many()
      |> Enum.with_index(1)
      |> Enum.each(fn {sums, i} -> assert sums == for(j <- 1..10, do: [i + j * 1.0]) end)
    end
  end

  describe "VulkanoBackend" do
    test "its tensors are those of Nx.Vulkan.Backend, and mix" do
      Nx.default_backend(VulkanoBackend)
      ours = Nx.tensor([1.0, 2.0])
      assert %Nx.Tensor{data: %Nx.Vulkan.Backend{}} = ours
      other = Nx.tensor([10.0, 20.0], backend: {Nx.Vulkan.Backend, node: Nx.Vulkan.Test.Case.gpu()})
      handle = up([100.0, 200.0])
      assert ours |> Nx.add(other) |> Nx.add(handle) |> Nx.to_list() == [111.0, 222.0]
      assert %Nx.Tensor{data: %Nx.Vulkan.Backend{}} = Nx.iota({3})
      assert %Nx.Tensor{data: %Nx.Vulkan.Backend{}} = Nx.eye(2)
    end

    test "to it and from it" do
      host = Nx.tensor([1, 2, 3], backend: Nx.BinaryBackend)
      there = Nx.backend_transfer(host, VulkanoBackend)
      assert %Nx.Tensor{data: %Nx.Vulkan.Backend{}} = there
      assert %Nx.Tensor{data: %Nx.BinaryBackend{}} = back = Nx.backend_transfer(there, Nx.BinaryBackend)
      assert Nx.to_list(back) == [1, 2, 3]
      assert Nx.backend_copy(back, {VulkanoBackend, node: Nx.Vulkan.Test.Case.gpu()}) |> Nx.to_list() == [1, 2, 3]
    end

    test "options are checked" do
      assert_raise ArgumentError, fn -> Nx.default_backend({VulkanoBackend, nodes: 3}) end
    end

    test "a defn through Nx.Defn.Evaluator" do
      Nx.default_backend(VulkanoBackend)
      fun = Nx.Defn.jit(fn x -> Nx.sum(Nx.multiply(x, 2)) end, compiler: Nx.Defn.Evaluator)
      assert Nx.to_number(fun.(Nx.tensor([1, 2, 3]))) == 12
    end
  end
end

defmodule Nx.Vulkan.NativeVTest do
  use ExUnit.Case, async: true
  alias Nx.Vulkan.{Buffer, NativeV}

  @moduletag capture_log: true

  defp floats(list, bits \\ 32), do: for(x <- list, into: <<>>, do: <<x::float-size(bits)-little>>)
  defp integers(list), do: for(x <- list, into: <<>>, do: <<x::32-little>>)

  defp buffer(bytes) do
    {:ok, buffer} = NativeV.buf_upload(bytes)
    buffer
  end

  defp f32(list), do: buffer(floats(list))
  defp f64(list), do: buffer(floats(list, 64))
  defp params(lists), do: lists |> List.flatten() |> integers() |> buffer()

  defp alloc(bytes) do
    {:ok, buffer} = NativeV.buf_alloc(bytes)
    buffer
  end

  defp read(buffer, bits \\ 32) do
    {:ok, bytes} = NativeV.buf_download(buffer)
    for <<x::float-size(bits)-little <- bytes>>, do: x
  end

  test "bytes to a buffer and back" do
    for size <- [1, 4, 7, 4096, 70_000] do
      bytes = :crypto.strong_rand_bytes(size)
      buffer = buffer(bytes)
      assert NativeV.buf_byte_size(buffer) == size
      assert NativeV.buf_download(buffer) == {:ok, bytes}
      assert NativeV.buf_upload_into(buffer, <<0::size(size)-unit(8)>>) == :ok
      assert NativeV.buf_download(buffer) == {:ok, <<0::size(size)-unit(8)>>}
    end

    assert NativeV.buf_download(alloc(10)) == {:ok, <<0::80>>}
    assert NativeV.buf_upload_into(alloc(8), <<1, 2, 3>>) == {:error, :size_mismatch}
    assert NativeV.buf_upload(<<>>) == {:error, :bad_input}
    assert NativeV.buf_alloc(0) == {:error, :bad_input}
    assert {:ok, joined} = NativeV.concat_buffers([buffer(<<1, 2, 3, 4>>), buffer(<<5, 6, 7, 8>>), buffer(<<9>>)])
    assert NativeV.buf_download(joined) == {:ok, <<1, 2, 3, 4, 5, 6, 7, 8, 9>>}
  end

  test "binary and unary ops write their output; the sizes say f32 or f64" do
    for {bits, make} <- [{32, &f32/1}, {64, &f64/1}] do
      a = make.([4.0, 9.0])
      b = make.([2.0, 3.0])
      out = alloc(2 * div(bits, 8))

      for {op, want} <-
            Enum.with_index([[6.0, 12.0], [8.0, 27.0], [2.0, 6.0], [2.0, 3.0], [16.0, 729.0], [4.0, 9.0], [2.0, 3.0]])
            |> Enum.map(fn {want, op} -> {op, want} end) do
        assert NativeV.apply_binary(out, a, b, 2, op, "any_f64.spv") == :ok
        assert read(out, bits) == want
      end

      assert NativeV.apply_unary(out, a, 2, 2, "") == :ok
      assert read(out, bits) == [2.0, 3.0]
    end

    # An output may be an input.
    a = f32([1.0, 2.0])
    assert NativeV.apply_binary(a, a, a, 2, 0, nil) == :ok
    assert read(a) == [2.0, 4.0]
  end

  test "f64 is f64: no step in between rounds to f32" do
    out = alloc(8)
    assert NativeV.apply_binary(out, f64([1.0]), f64([1.0e-15]), 1, 0, nil) == :ok
    assert read(out, 64) == [1.0 + 1.0e-15]
  end

  test "errors" do
    a = f32([1.0, 2.0])
    assert NativeV.apply_binary(alloc(4), a, a, 2, 0, nil) == {:error, :size_mismatch}
    assert NativeV.apply_binary(alloc(8), a, f32([1.0]), 2, 0, nil) == {:error, :size_mismatch}
    assert NativeV.apply_binary(alloc(8), a, a, 2, 9, nil) == {:error, :bad_input}
    assert NativeV.apply_unary(alloc(8), a, 2, 99, nil) == {:error, :bad_input}
    assert NativeV.matmul(alloc(4), a, a, 100, 100, 100, nil) == {:error, :size_mismatch}
    assert NativeV.reduce_axis(alloc(4), a, 1, 2, 1, 7, nil) == {:error, :bad_input}

    Nx.backend_deallocate(Buffer.tensor(a))
    assert {:error, :dispatch_failed, message} = NativeV.buf_download(a)
    assert message =~ "not_found"

    Nx.default_backend({Nx.Vulkan.Backend, node: :no_such_node})
    assert {:error, :vulkan_init_failed, message} = NativeV.buf_upload(<<1, 2, 3, 4>>)
    assert message =~ "no_such_node"
  end

  test "reductions and products" do
    a = f32(Enum.map(1..6, &(&1 * 1.0)))

    for {op, want} <- [{0, [6.0, 15.0]}, {1, [3.0, 6.0]}, {2, [1.0, 4.0]}] do
      out = alloc(8)
      assert NativeV.reduce_axis(out, a, 2, 3, 1, op, nil) == :ok
      assert read(out) == want
    end

    out = alloc(16)
    assert NativeV.matmul(out, a, a, 2, 2, 3, nil) == :ok
    assert read(out) == [22.0, 28.0, 49.0, 64.0]
    batched = alloc(16)
    b = f32(Enum.map(1..8, &(&1 * 1.0)))
    assert NativeV.matmul_batched(batched, b, f32([1.0, 1.0, 2.0, 2.0]), 2, 2, 1, 2, nil) == :ok
    assert read(batched) == [3.0, 7.0, 22.0, 30.0]
    transposed = alloc(24)
    assert NativeV.transpose_2d(transposed, a, 2, 3, nil) == :ok
    assert read(transposed) == [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]
  end

  test "casts between f32 and f64" do
    wide = alloc(16)
    assert NativeV.cast(wide, f32([0.5, -3.0]), 2, nil) == :ok
    assert read(wide, 64) == [0.5, -3.0]
    narrow = alloc(8)
    assert NativeV.cast(narrow, wide, 2, nil) == :ok
    assert read(narrow) == [0.5, -3.0]
  end

  test "broadcast, compare, select by params" do
    a = f32([1.0, 2.0])
    b = f32([10.0, 1.0, 2.0])
    shapes = params([2, [2, 3, 0, 0], [2, 1, 0, 0], [1, 3, 0, 0]])
    out = alloc(24)
    assert NativeV.apply_binary_broadcast(out, a, b, shapes, 6, 2, 0, nil) == :ok
    assert read(out) == [11.0, 2.0, 3.0, 12.0, 3.0, 4.0]

    mask = alloc(8)
    assert NativeV.apply_compare(mask, a, b, shapes, 6, 2, 2, nil) == :ok
    assert NativeV.buf_download(mask) == {:ok, <<1, 0, 1, 1, 0, 0, 0, 0>>}

    selected = alloc(24)
    shapes = params([2, [2, 3, 0, 0], [2, 3, 0, 0], [2, 1, 0, 0], [1, 3, 0, 0]])
    assert NativeV.apply_select(selected, mask, a, b, shapes, 6, 2, nil) == :ok
    assert read(selected) == [1.0, 1.0, 1.0, 2.0, 1.0, 2.0]
  end

  test "moves by params" do
    a = f32(Enum.map(1..6, &(&1 * 1.0)))
    out = alloc(24)
    assert NativeV.transpose_nd(out, a, params([2, [2, 3, 1, 1], [3, 2, 1, 1], [1, 0, 0, 0]]), 6, 2, nil) == :ok
    assert read(out) == [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]
    assert NativeV.reverse_nd(out, a, params([2, [2, 3, 1, 1], [0, 1, 0, 0]]), 6, 2, nil) == :ok
    assert read(out) == [3.0, 2.0, 1.0, 6.0, 5.0, 4.0]

    assert NativeV.broadcast_nd(out, f32([1.0, 2.0]), params([2, 1, [2, 3, 1, 1], [2, 1, 1, 1], [0, 0, 0, 0]]), 6, nil) ==
             :ok

    assert read(out) == [1.0, 1.0, 1.0, 2.0, 2.0, 2.0]

    sliced = alloc(16)
    slice = params([2, 1, [2, 3, 1, 1], [2, 2, 1, 1], [0, 0, 0, 0], [1, 2, 1, 1]])
    assert NativeV.apply_slice(sliced, a, slice, 4, 2, nil) == :ok
    assert read(sliced) == [1.0, 3.0, 4.0, 6.0]
    put = params([2, 1, [2, 3, 1, 1], [1, 2, 1, 1], [1, 1, 0, 0]])
    assert NativeV.apply_put_slice(out, a, f32([-1.0, -2.0]), put, 6, 2, nil) == :ok
    assert read(out) == [1.0, 2.0, 3.0, 4.0, -1.0, -2.0]

    # Doubles move as they are.
    padded = alloc(32)
    pad = params([1, 2, [2, 1, 1, 1], [4, 1, 1, 1], [1, 0, 0, 0], [1, 0, 0, 0]])
    assert NativeV.apply_pad(padded, f64([1.5, 2.5]), pad, f64([9.0]), 4, 1, nil) == :ok
    assert read(padded, 64) == [9.0, 1.5, 9.0, 2.5]
  end

  test "the device, and waiting for it" do
    assert {:ok, name, kind} = NativeV.device_name()
    assert is_binary(name) and kind in ["Cpu", "IntegratedGpu", "DiscreteGpu"]
    assert NativeV.device_supports_f64() == {:ok, true}
    assert NativeV.flush() == :ok
  end

  @tag timeout: 30_000
  test "buffers of processes that are gone are let go" do
    before = Buffer.count()
    kept = f32([1.0])

    1..20
    |> Enum.map(fn _ -> Task.async(fn -> for(_ <- 1..5, do: f32([2.0])) |> length() end) end)
    |> Task.await_many()

    eventually(fn -> Buffer.count() <= before + 1 end)
    assert read(kept) == [1.0]
  end

  defp eventually(done?, tries \\ 200) do
    cond do
      done?.() -> :ok
      tries == 0 -> flunk("it did not come about")
      true -> Process.sleep(50) && eventually(done?, tries - 1)
    end
  end
end

defmodule GpuNode.ElementTest do
  use ExUnit.Case, async: true
  alias GpuNode.{Element, Type}

  defp through(value, type) do
    {:ok, bytes} = Element.encode(value, type)
    assert byte_size(bytes) == Type.wire_bytes(type)
    [back] = Element.decode_all(bytes, type)
    back
  end

  test "non-finite values survive in every float type" do
    for {kind, _} = type <- Type.all(), kind in [:f, :bf] do
      assert through(:nan, type) == :nan
      assert through(:infinity, type) == :infinity
      assert through(:neg_infinity, type) == :neg_infinity
    end

    assert through(:nan, {:f8_e4m3fn, 8}) == :nan
    assert through(:infinity, {:f8_e4m3fn, 8}) == 448.0
    assert through(:neg_infinity, {:f8_e4m3fn, 8}) == -448.0
  end

  test "exact numbers survive in every type" do
    for {kind, _} = type <- Type.all(), kind != :c, value <- [0, 1] do
      assert through(value, type) == value
    end

    assert through({1.5, -2.0}, {:c, 64}) == {1.5, -2.0}
    assert through(3, {:c, 128}) == {3.0, 0.0}
    assert through(-0.0, {:bf, 16}) === -0.0
  end

  test "rounds to nearest, ties to even, and overflows as the type does" do
    assert through(1.0 + 1 / 256, {:bf, 16}) == 1.0
    assert through(1.0 + 3 / 256, {:bf, 16}) == 1.0 + 4 / 256
    assert through(449.0, {:f8_e4m3fn, 8}) == 448.0
    assert through(65_520.0, {:f, 16}) == :infinity
    assert through(65_519.0, {:f, 16}) == 65_504.0
    assert through(1.0e300, {:f, 32}) == :infinity
    assert through(5.0e-8, {:f, 16}) == :math.pow(2, -24)
    assert through(2.0e-8, {:f, 16}) == 0.0
    assert through(1.0e-45, {:f, 32}) == :math.pow(2, -149)
    assert through(0.1, {:f, 64}) == 0.1
  end

  test "all bytes of the 8-bit floats go through and back" do
    for type <- [{:f, 8}, {:f8_e4m3fn, 8}], byte <- 0..255 do
      [value] = Element.decode_all(<<byte>>, type)
      {:ok, <<back>>} = Element.encode(value, type)
      if value != :nan, do: assert(back == byte, "#{inspect(type)} #{byte} #{inspect(value)} #{back}")
    end
  end

  test "f32 agrees with the VM's own rounding" do
    :rand.seed(:exsss, {1, 2, 3})

    for _ <- 1..2000 do
      x = (:rand.uniform() - 0.5) * :math.pow(10, :rand.uniform(70) - 40)
      {:ok, bytes} = Element.encode(x, {:f, 32})
      assert bytes == <<x::float-little-32>>
    end
  end

  test "integers wrap and others are refused" do
    assert through(300, {:u, 8}) == 44
    assert through(-1, {:u, 64}) == 0xFFFFFFFFFFFFFFFF
    assert through(9, {:s, 4}) == -7
    assert Element.encode(1.5, {:s, 32}) == :error
    assert Element.encode(:nan, {:u, 8}) == :error
    assert Element.encode("1", {:f, 32}) == :error
  end

  test "types below a byte are packed on this side and extended on the wire" do
    assert Element.unpack(<<1::4, 15::4, 7::4>>, {:u, 4}) == <<1, 15, 7>>
    assert Element.unpack(<<1::4, 15::4, 7::4>>, {:s, 4}) == <<1, 255, 7>>
    assert Element.pack(<<1, 255, 7>>, {:s, 4}) == <<1::4, 15::4, 7::4>>
    assert Element.unpack(<<-2::2, 1::2>>, {:s, 2}) == <<254, 1>>
    assert Element.decode_all(<<254, 1>>, {:s, 2}) == [-2, 1]
  end
end

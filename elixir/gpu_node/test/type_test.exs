defmodule GpuNode.TypeTest do
  use ExUnit.Case, async: true
  alias GpuNode.Type

  # Taken from Nx.Type's documentation and source.
  @merges [
    {:s8, :s8, :s8},
    {:s8, :s64, :s64},
    {:s8, :u8, :s16},
    {:s16, :u8, :s16},
    {:s8, :u16, :s32},
    {:s32, :u8, :s32},
    {:s8, :u32, :s64},
    {:s64, :u8, :s64},
    {:s8, :u64, :s64},
    {:u2, :s2, :s4},
    {:s8, :f32, :f32},
    {:s64, :f32, :f32},
    {:u64, :f32, :f32},
    {:f32, :f64, :f64},
    {:s64, :bf16, :bf16},
    {:bf16, :f16, :f16},
    {:bf16, :f8, :f8},
    {:bf16, :f8_e4m3fn, :f8_e4m3fn},
    {:bf16, :f32, :f32},
    {:c64, :f32, :c64},
    {:c64, :f64, :c128},
    {:c64, :c128, :c128},
    {:c64, :u64, :c64}
  ]

  defp type(name), do: name |> Type.normalize() |> elem(1)

  test "merges as Nx does, in both orders" do
    for {a, b, result} <- @merges do
      assert Type.merge(type(a), type(b)) == type(result), "#{a} #{b}"
      assert Type.merge(type(b), type(a)) == type(result), "#{b} #{a}"
    end
  end

  test "of the two f8 formats the left one wins" do
    assert Type.merge({:f, 8}, {:f8_e4m3fn, 8}) == {:f, 8}
    assert Type.merge({:f8_e4m3fn, 8}, {:f, 8}) == {:f8_e4m3fn, 8}
  end

  test "a number keeps the type it fits" do
    for {name, number, result} <- [
          {:u8, 0, :u8},
          {:u8, 255, :u8},
          {:u8, 256, :u16},
          {:u8, -1, :s16},
          {:u8, -32_768, :s16},
          {:u8, -32_769, :s32},
          {:s8, 0, :s8},
          {:s8, 127, :s8},
          {:s8, -128, :s8},
          {:s8, 128, :s16},
          {:s8, -129, :s16},
          {:s8, 1.0, :f32},
          {:s64, 1, :s64},
          {:u2, 1, :u2},
          {:u4, 3, :u8},
          {:f16, 1, :f16},
          {:bf16, 1.5, :bf16},
          {:f64, 1, :f64},
          {:c64, 1.0, :c64},
          {:f8_e4m3fn, 1, :f32},
          {:f64, :nan, :f64},
          {:s32, :infinity, :f32}
        ] do
      assert Type.merge_number(type(name), number) == type(result), "#{name} #{number}"
    end
  end

  test "aggregates: u64 becomes s64, floats stay" do
    for {name, result} <- [u8: :u32, u16: :u32, u64: :s64, s8: :s32, s64: :s64, f16: :f16, bf16: :bf16, f64: :f64] do
      assert Type.to_aggregate(type(name)) == type(result)
    end
  end

  test "floating, real and complex" do
    assert Type.to_floating({:s, 64}) == {:f, 32}
    assert Type.to_floating({:f, 64}) == {:f, 64}
    assert Type.to_floating({:f8_e4m3fn, 8}) == {:f8_e4m3fn, 8}
    assert Type.to_real({:c, 128}) == {:f, 64}
    assert Type.to_complex({:f, 64}) == {:c, 128}
    assert Type.to_complex({:u, 8}) == {:c, 64}
  end

  test "names go both ways, and nothing else is a type" do
    assert length(Type.all()) == 20
    for type <- Type.all(), do: assert(Type.normalize(Type.name(type)) == {:ok, type})
    assert Type.normalize(:f128) == :error
    assert Type.normalize({:s, 7}) == :error
  end
end

defmodule Nx.Vulkan.ArithmeticTest do
  # What an op computes with, where types differ: promises of cnode/PROTOCOL.md ("What is exact"), against BinaryBackend where
  # that is exact, and exact arithmetic elsewhere.
  use Nx.Vulkan.Test.Case, async: true

  @moduletag timeout: 300_000

  defp numbers(tensor), do: tensor |> Nx.backend_copy(Nx.BinaryBackend) |> Nx.to_flat_list()

  defp same(fun) do
    got = fun.()
    expected = on_host(fun)
    assert {got.type, got.shape, numbers(got)} == {expected.type, expected.shape, Nx.to_flat_list(expected)}
  end

  @tag :truth
  test "the mean of more numbers than a small float counts is their mean" do
    for type <- [:f16, :bf16, :f8] do
      half = Nx.broadcast(Nx.tensor(0.5, type: type), {70_000})
      # A sum of so many is beyond f8.
      mean = if type == :f8, do: Nx.divide(Nx.tensor(35_000, type: :f8), 70_000), else: Nx.mean(half)
      assert_in_delta Nx.to_number(mean), 0.5, 0.1
    end

    assert Nx.to_number(Nx.mean(Nx.broadcast(Nx.tensor(0.5, type: :f16), {70_000}))) == 0.5
    assert Nx.to_number(Nx.divide(Nx.tensor(448, type: :f8_e4m3fn), 896)) == 0.5
    assert numbers(Nx.divide(Nx.tensor([448, 224], type: :f8_e4m3fn), Nx.tensor([896, 896]))) == [0.5, 0.25]
  end

  @tag :truth
  test "an integer beyond f32 meets f32 as it is" do
    same(fn -> Nx.add(Nx.tensor([16_777_217, -16_777_219]), Nx.tensor([1.0, -1.0])) end)
    same(fn -> Nx.subtract(Nx.tensor([16_777_217, 2_147_483_647]), Nx.tensor([16_777_216.0, 2_147_483_648.0])) end)
    same(fn -> Nx.subtract(Nx.tensor([16_777_216.0]), 16_777_217) end)
    same(fn -> Nx.remainder(Nx.tensor([2_147_483_647]), Nx.tensor([2.0])) end)
    same(fn -> Nx.divide(Nx.tensor([2_147_483_647]), Nx.tensor([2_147_483_646])) end)
  end

  @tag :truth
  test "u64 meets s64: the exact value, then it wraps" do
    max = 0xFFFFFFFFFFFFFFFF
    u = fn -> Nx.tensor([max, max, 2 ** 63, 2 ** 63 + 5, 7, 0], type: :u64) end
    s = fn -> Nx.tensor([-1, 3, -(2 ** 63), 2 ** 63 - 1, -2, 5], type: :s64) end

    for op <- [:remainder, :quotient, :min, :max, :add, :subtract, :multiply, :equal, :less] do
      same(fn -> apply(Nx, op, [u.(), s.()]) end)
      if op != :quotient and op != :remainder, do: same(fn -> apply(Nx, op, [s.(), u.()]) end)
    end

    for op <- [:remainder, :quotient],
        do: same(fn -> apply(Nx, op, [s.(), Nx.add(u.(), Nx.u64(1)) |> Nx.max(Nx.u64(3))]) end)

    same(fn -> Nx.right_shift(u.(), Nx.tensor([1, 63, 5, 0, 1, 64], type: :s64)) end)
    same(fn -> Nx.clip(u.(), Nx.tensor(-5, type: :s64), Nx.tensor(2 ** 63 + 1, type: :u64)) end)
    same(fn -> Nx.pow(u.(), Nx.tensor([3, 2, 1, 5, 6, 7], type: :s64)) end)
  end

  @tag :truth
  test "randint is BinaryBackend's over any range" do
    for {low, high, type} <- [
          {0, 100, :s32},
          {-(2 ** 63), 2 ** 63 - 1, :s64},
          {0, 2 ** 64 - 1, :u64},
          {-(2 ** 62) - 1, 2 ** 62, :s64}
        ] do
      same(fn ->
        low = Nx.tensor(low, type: type)
        high = Nx.tensor(high, type: type)
        {drawn, _key} = Nx.Random.randint(Nx.Random.key(42), low, high, shape: {5}, type: type)
        drawn
      end)
    end
  end

  @tag :truth
  test "a number is computed with as it is" do
    same(fn -> Nx.multiply(Nx.tensor([1.0, 3.0, 1000.0], type: :f16), 0.1) end)
    # Rounded to nearest; BinaryBackend cuts f8 off. 0.3 would be 0.3125 as f8, and that times 3 is 1.0.
    assert numbers(Nx.multiply(Nx.tensor([1.0, 3.0, 7.0], type: :f8), 0.3)) == [0.3125, 0.875, 2.0]
    same(fn -> Nx.max(Nx.tensor([1, 5], type: :s8), Nx.tensor(7, type: :s64)) end)
    same(fn -> Nx.less(Nx.tensor([0.1], type: :f16), 0.1) end)
  end
end

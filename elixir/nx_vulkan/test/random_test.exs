defmodule Nx.Vulkan.RandomTest do
  # Nx.Random compiled: the bits of Nx.BinaryBackend, in few dispatches that move what must be moved.
  use Nx.Vulkan.Test.Case, async: false

  @keys [0, 42, -1, 0x0123456789ABCDEF]
  # One element, odd and even lengths, several axes; a pair of words has its halves in different places in each.
  @shapes [{}, {1}, {2}, {7}, {10}, {33}, {3, 5}, {4, 6}, {2, 3, 4}, {301}]

  defp key(seed), do: seed |> Nx.s64() |> Nx.Random.key()

  defp on_host(fun, seed) do
    Nx.with_default_backend(Nx.BinaryBackend, fn ->
      Nx.Defn.jit_apply(fun, [Nx.with_default_backend(Nx.BinaryBackend, fn -> key(seed) end)],
        compiler: Nx.Defn.Evaluator
      )
    end)
  end

  defp compiled(fun, arguments), do: Nx.Defn.jit_apply(fun, arguments, compiler: Nx.Vulkan)

  # The numbers and the next key.
  defp check(name, fun, keys \\ @keys) do
    Nx.Vulkan.Fallback.reset()

    for seed <- keys do
      {expected, next} = on_host(fun, seed)
      {got, new} = compiled(fun, [key(seed)])
      assert {name, seed, Nx.to_binary(got)} == {name, seed, Nx.to_binary(expected)}
      assert {got.type, got.shape} == {expected.type, expected.shape}
      assert Nx.to_binary(new) == Nx.to_binary(next)
    end

    assert Nx.Vulkan.fallbacks() == %{}
  end

  test "uniform numbers of every float, of odd and even lengths" do
    for shape <- @shapes, type <- [:f16, :f32, :f64] do
      check({:uniform, shape, type}, &Nx.Random.uniform(&1, shape: shape, type: type))
    end

    check(:between, &Nx.Random.uniform(&1, -3.5, 12.25, shape: {3, 11}))
  end

  test "integers of every type, of odd and even lengths" do
    for shape <- @shapes, {kind, low} <- [u: 3, s: -57], bits <- [8, 16, 32, 64] do
      check({:randint, shape, kind, bits}, &Nx.Random.randint(&1, low, 101, shape: shape, type: {kind, bits}), [42, -1])
    end
  end

  test "normal numbers, of odd and even lengths" do
    for shape <- @shapes, do: check({:normal, shape}, &Nx.Random.normal(&1, shape: shape, type: :f32))
    check(:about, &Nx.Random.normal(&1, 3.0, 0.25, shape: {5, 7}))
    # Enough that some are of the tails.
    check(:many, &Nx.Random.normal(&1, shape: {20_001}), [7])
  end

  test "what takes them is computed with them" do
    noise = fn key ->
      {noise, key} = Nx.Random.normal(key, shape: {4, 6})
      {Nx.iota({4, 6}, type: :f32) |> Nx.divide(7) |> Nx.add(Nx.multiply(noise, 0.125)), key}
    end

    check(:noise, noise)
  end

  test "one dispatch writes the numbers and nothing else" do
    key = Nx.template({2}, :u32)

    for length <- [100_000, 100_001], shape <- [{length}, {div(length, 11), 11}] do
      for {name, fun} <- [
            normal: &Nx.Random.normal_split(&1, 0.0, 1.0, shape: shape),
            normal_f64: &Nx.Random.normal_split(&1, 0.0, 1.0, shape: shape, type: :f64),
            uniform: &Nx.Random.uniform_split(&1, 0.0, 1.0, shape: shape),
            uniform_f16: &Nx.Random.uniform_split(&1, 0.0, 1.0, shape: shape, type: :f16),
            uniform_f64: &Nx.Random.uniform_split(&1, 0.0, 1.0, shape: shape, type: :f64),
            randint_s32: &Nx.Random.randint_split(&1, 0, 100, shape: shape, type: :s32),
            randint_u8: &Nx.Random.randint_split(&1, 0, 100, shape: shape, type: :u8)
          ] do
        explanation = Nx.Vulkan.explain(fun, [key])
        assert {name, shape, explanation.dispatches} == {name, shape, 1}
        assert {name, shape, explanation.moved_bytes / explanation.ideal_bytes <= 1.05} == {name, shape, true}
      end
    end
  end

  test "of an even length a sum with what was there reads that and writes the sum" do
    for shape <- [{100_000}, {1000, 100}] do
      noisy = &Nx.add(&2, Nx.multiply(Nx.Random.normal_split(&1, 0.0, 1.0, shape: shape), 0.1))
      explanation = Nx.Vulkan.explain(noisy, [Nx.template({2}, :u32), Nx.template(shape, :f32)])
      assert explanation.moved_bytes / explanation.ideal_bytes <= 1.05
      assert explanation.dispatches == 1
    end
  end
end

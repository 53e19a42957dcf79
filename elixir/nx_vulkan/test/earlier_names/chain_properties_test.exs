defmodule Nx.Vulkan.ChainPropertiesTest do
  # What holds of every leapfrog chain, over sizes, steps and instances, and what is refused.
  use Nx.Vulkan.Test.Case, async: true
  import Nx.Vulkan.Test.Chains
  alias Nx.Vulkan.{ChainShaderSpecs, ChainShaderSpecsF64, NativeV}

  @moduletag capture_log: true
  @moduletag timeout: 300_000

  defp normal, do: ChainShaderSpecsF64.normal(0.0, 1.0)
  defp weibull, do: ChainShaderSpecsF64.weibull(2.0, 1.0, 0.0)
  defp beta, do: ChainShaderSpecs.beta(2.0, 5.0, ChainShaderSpecs.beta_const(2, 5))

  defp make(%{dtype: :f64}), do: &f64/1
  defp make(%{dtype: :f32}), do: &f32/1
  defp element(%{dtype: :f64}), do: 8
  defp element(%{dtype: :f32}), do: 4

  defp batch_push(%{dtype: :f64}, k, d, count, eps), do: ChainShaderSpecsF64.batch_push(k, 0, d, count, eps)
  defp batch_push(%{dtype: :f32}, k, d, count, eps), do: ChainShaderSpecs.batch_push(k, 0, d, count, eps)

  defp chain(d, c),
    do:
      {for(i <- 1..d, do: (10 * c + i) / 100 / (1 + d / 100)), for(i <- 1..d, do: (i - c) / 100),
       for(i <- 1..d, do: 1.0 + rem(i, 3) / 4)}

  defp single(spec, {q, p, m}, k, eps), do: run!(spec, q, p, m, k, eps)

  defp batch(spec, chains, k, eps) do
    join = fn index -> Enum.map_join(chains, &make(spec).(elem(&1, index))) end
    d = chains |> hd() |> elem(0) |> length()
    batched = ChainShaderSpecs.batched(spec)

    {:ok, result} =
      call_batch(spec, join.(0), join.(1), join.(2), batch_push(spec, k, d, length(chains), eps), k, spv!(batched))

    result
  end

  test "a run of K steps begins with the run of n" do
    for spec <- [beta(), normal(), weibull()] do
      chain = chain(5, 1)
      {q7, p7, g7, l7} = single(spec, chain, 7, 0.02)

      for n <- [1, 3, 5] do
        {q, p, g, l} = single(spec, chain, n, 0.02)
        size = n * 5 * element(spec)
        assert {q, p, g} == {binary_part(q7, 0, size), binary_part(p7, 0, size), binary_part(g7, 0, size)}
        assert l == binary_part(l7, 0, n * element(spec))
      end
    end
  end

  test "several instances at once are each of them alone, bit for bit; the same call twice gives the same bits" do
    shapes =
      for(d <- [1, 2, 7, 19, 41, 255, 256, 257, 1000], do: {d, 3, 2}) ++
        for(k <- [1, 2, 4, 7, 11], do: {3, k, 2}) ++ for(count <- [1, 3, 4, 64], do: {3, 3, count})

    for spec <- [normal(), weibull(), beta()], {d, k, count} <- shapes do
      what = "#{spec.name} d=#{d} k=#{k} instances=#{count}"
      chains = for c <- 1..count, do: chain(d, c)
      {q, p, g, l} = result = batch(spec, chains, k, 0.01)
      assert batch(spec, chains, k, 0.01) == result, what
      bytes = k * d * element(spec)
      assert byte_size(q) == count * bytes
      assert finite?(q, 8 * element(spec)) and finite?(l, 8 * element(spec)), what

      for {chain, c} <- Enum.with_index(chains), c in [0, count - 1] do
        {sq, sp, sg, sl} = single(spec, chain, k, 0.01)
        assert binary_part(q, c * bytes, bytes) == sq, what
        assert binary_part(p, c * bytes, bytes) == sp, what
        assert binary_part(g, c * bytes, bytes) == sg, what
        assert binary_part(l, c * k * element(spec), k * element(spec)) == sl, what
      end
    end
  end

  test "above 256 coordinates nothing is left out: the log density is the sum over all" do
    for d <- [255, 256, 257, 600] do
      {q, _, _, l} = run!(normal(), List.duplicate(0.5, d), List.duplicate(0.0, d), List.duplicate(1.0, d), 1, 0.0)
      assert floats(q, 64) == List.duplicate(0.5, d)
      assert_in_delta hd(floats(l, 64)), d * (-0.125 - 0.5 * :math.log(2 * :math.pi())), 1.0e-9
    end
  end

  test "more steps than a software driver's loops take are as many" do
    k = 70_000
    {q, _, _, l} = run!(normal(), [1.0], [0.0], [1.0], k, 0.001)
    assert byte_size(l) == k * 8
    # Half a step short of q(t) = cos t, to the order of the step size squared.
    assert_in_delta List.last(floats(q, 64)), :math.cos(70.0), 1.0e-4
    assert_in_delta q |> floats(64) |> Enum.at(40_000), :math.cos(40.001), 1.0e-4
  end

  test "the gradient is that of the log density, by central differences" do
    q0 = [0.35, -0.2, 0.55, 0.1]
    logp = fn spec, q -> run!(spec, q, List.duplicate(0.0, 4), List.duplicate(1.0, 4), 1, 1.0e-300) end
    h = 1.0e-5

    for {spec, _, _, _} <- vectors() do
      {_, _, g, _} = logp.(spec, q0)

      for {gradient, i} <- Enum.with_index(floats(g, 64)) do
        [above, below] =
          for step <- [h, -h] do
            {_, _, _, l} = logp.(spec, List.update_at(q0, i, &(&1 + step)))
            hd(floats(l, 64))
          end

        assert_in_delta (above - below) / (2 * h), gradient, 1.0e-8 * max(1, abs(gradient)), spec.name
      end
    end
  end

  test "far out: f64 goes as far as f64 does" do
    for spec <- ChainShaderSpecsF64.all() do
      far = if spec.name in ~w(normal_f64 cauchy_f64 studentt_f64), do: [700.0, -700.0], else: [100.0, -700.0]

      for q <- far do
        {_, _, g, l} = run!(spec, [q, q], [0.0, 0.0], [1.0, 1.0], 1, 1.0e-300)
        assert finite?(g, 64) and finite?(l, 64), "#{spec.name} at #{q}"
      end
    end

    # Where naive formulas overflow or lose all their digits.
    for q <- [-80.0, -30.0, 30.0, 80.0] do
      {_, _, g, l} = run!(beta(), [q], [0.0], [1.0], 1, 0.0)
      assert finite?(g, 32) and finite?(l, 32)
      want = if(q > 0, do: -5 * q, else: 2 * q) + ChainShaderSpecs.beta_const(2, 5)
      assert_in_delta hd(floats(l, 32)), want, 1.0e-5 * abs(want)
    end
  end

  describe "refused" do
    test "sizes, steps, push constants, as existing code matches them" do
      spv = spv!(normal())
      q = f64([0.1, 0.2, 0.3, 0.4])
      push = fn k, d -> ChainShaderSpecsF64.push(k, 0, d, 0.01) end
      call = &NativeV.leapfrog_chain_synth_f64(&1, &2, &3, &4, &5, spv)
      assert call.(q, f64([0.1]), q, push.(2, 4), 2) == {:error, :size_mismatch}
      assert call.(q, q, q, push.(0, 4), 0) == {:error, :bad_input}
      assert call.(q, q, q, push.(2, 4), 3) == {:error, :bad_input}
      assert call.(q, q, q, <<>>, 2) == {:error, :bad_input}
      assert call.(q, q, q, :binary.copy(<<0>>, 129), 2) == {:error, :bad_input}
      assert call.(q, q, q, binary_part(push.(2, 4), 0, 23), 2) == {:error, :bad_input}
      assert call.(q, q, q, push.(2, 0), 2) == {:error, :size_mismatch}
      assert call.(q, q, q, push.(2, 5), 2) == {:error, :size_mismatch}
      assert call.(q, q, f64([1.0]), push.(2, 4), 2) == {:error, :size_mismatch}
      assert call.(<<>>, <<>>, <<>>, push.(2, 1), 2) == {:error, :size_mismatch}
      q32 = f32([0.1])
      short = binary_part(ChainShaderSpecs.push(2, 0, 1, 0.01), 0, 19)
      assert NativeV.leapfrog_chain_synth(q32, q32, q32, short, 2, spv!(beta())) == {:error, :bad_input}
      none = ChainShaderSpecsF64.batch_push(2, 0, 2, 0, 0.01)
      assert NativeV.leapfrog_chain_synth_batch_f64(q, q, q, none, 2, spv) == {:error, :bad_input}
      lying = ChainShaderSpecsF64.batch_push(2, 0, 2, 3, 0.01)
      assert NativeV.leapfrog_chain_synth_batch_f64(q, q, q, lying, 2, spv) == {:error, :size_mismatch}
    end

    test "files that are none, and modules that are none, with what was said" do
      q = f64([0.1])
      push = ChainShaderSpecsF64.push(1, 0, 1, 0.01)
      folder = Path.join(System.tmp_dir!(), "nx_vulkan_chain_#{System.unique_integer([:positive])}_#{System.pid()}")
      File.mkdir_p!(folder)
      on_exit(fn -> File.rm_rf!(folder) end)

      file = fn name, content ->
        path = Path.join(folder, name)
        File.write!(path, content)
        path
      end

      whole = File.read!(spv!(normal()))

      for {path, part} <- [
            {Path.join(folder, "missing.spv"), "no such file"},
            {file.("empty.spv", ""), "is empty"},
            {file.("text.spv", "not SPIR-V"), "no whole number of words"},
            {file.("cut.spv", binary_part(whole, 0, 400)), "does not validate"}
          ] do
        assert {:error, :dispatch_failed, message} = NativeV.leapfrog_chain_synth_f64(q, q, q, push, 1, path)
        assert message =~ part
      end

      # The same module under another name, without the mark of the template: 256 lanes, so no more coordinates.
      foreign = file.("foreign.spv", String.replace(whole, "gpu_node_strided_chain", "another_name_for_chain"))
      assert {:ok, _} = NativeV.leapfrog_chain_synth_f64(q, q, q, push, 1, foreign)
      wide = f64(List.duplicate(0.1, 257))
      push = ChainShaderSpecsF64.push(1, 0, 257, 0.01)
      assert NativeV.leapfrog_chain_synth_f64(wide, wide, wide, push, 1, foreign) == {:error, :bad_input}
      assert {:ok, _} = NativeV.leapfrog_chain_synth_f64(wide, wide, wide, push, 1, spv!(normal()))
    end
  end
end

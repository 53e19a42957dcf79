defmodule Nx.Vulkan.ChainVectorsTest do
  # Leapfrog chains against trajectories that were computed elsewhere, in every form that existing code calls.
  use Nx.Vulkan.Test.Case, async: true
  import Nx.Vulkan.Test.Chains
  alias Nx.Vulkan.{ChainShaderSpecs, ChainShaderSpecsF64, Native, NativeV}

  @moduletag capture_log: true

  defp close!(got, want, tolerance, what) do
    for {a, b} <- Enum.zip(got, want),
        do: assert(abs(a - b) <= tolerance * max(1, abs(b)), "#{what}: #{a}, expected #{b}")
  end

  defp check!({q, p, _gradient, logp}, {spec, want_q, want_p, want_logp}, bits, tolerance) do
    close!(q |> floats(bits) |> Enum.take(-4), want_q, tolerance, "#{spec.name} q")
    close!(p |> floats(bits) |> Enum.take(-4), want_p, tolerance, "#{spec.name} p")
    close!(floats(logp, bits), want_logp, tolerance, "#{spec.name} logp")
  end

  test "f64, nine families, to 1e-12" do
    {q, p, mass, eps, k} = start()
    for {spec, _, _, _} = vector <- vectors(), do: check!(run!(spec, q, p, mass, k, eps), vector, 64, 1.0e-12)
  end

  test "f32, parameters in the text, to 5e-6" do
    {q, p, mass, eps, k} = start()
    for {spec, name} <- baked32(), do: check!(run!(spec, q, p, mass, k, eps), vector(name), 32, 5.0e-6)
  end

  test "f32, parameters in the push constants, on tensors, to 5e-6" do
    {q, p, mass, eps, k} = start()
    [q, p, mass] = Enum.map([q, p, mass], &elem(Native.upload_binary(f32(&1)), 1))
    beta = ChainShaderSpecs.beta_push(4, k, eps, 2, 5, ChainShaderSpecs.beta_const(2, 5))
    gamma = ChainShaderSpecs.gamma_push(4, k, eps, 3, 2, ChainShaderSpecs.gamma_const(3, 2))
    lognormal = ChainShaderSpecs.lognormal_push(4, k, eps, 0.2, 0.7)

    for {spec, push, name} <- [
          {ChainShaderSpecs.beta(), beta, "beta_f64"},
          {ChainShaderSpecs.gamma(), gamma, "gamma_f64"},
          {ChainShaderSpecs.lognormal(), lognormal, "lognormal_f64"}
        ] do
      assert {:ok, chains} = Native.leapfrog_chain_synth(q, p, mass, push, k, spv!(spec))
      for {tensor, size} <- Enum.zip(Tuple.to_list(chains), [12, 12, 12, 3]), do: assert(Nx.shape(tensor) == {size})
      bytes = chains |> Tuple.to_list() |> Enum.map(&Nx.to_binary/1) |> List.to_tuple()
      check!(bytes, vector(name), 32, 5.0e-6)
    end

    spv = spv!(ChainShaderSpecs.beta())
    <<_n::binary-4, rest::binary>> = beta
    assert Native.leapfrog_chain_synth(q, p, mass, beta, 0, spv) == {:error, :bad_input}
    assert Native.leapfrog_chain_synth(q, p, mass, beta, k + 1, spv) == {:error, :bad_input}
    assert Native.leapfrog_chain_synth(q, p, mass, <<5::little-32, rest::binary>>, k, spv) == {:error, :size_mismatch}
    assert Native.leapfrog_chain_synth(q, p, mass, binary_part(beta, 0, 11), k, spv) == {:error, :bad_input}
    # Shorter than the family's fields: the node says so.
    assert Native.leapfrog_chain_synth(q, p, mass, binary_part(beta, 0, 16), k, spv) == {:error, :dispatch_failed}
  end

  test "published checkpoints: the sign, and the state after the step" do
    normal = ChainShaderSpecsF64.normal(0, 1)
    {q, p, g, _} = run!(normal, [1.0], [0.5], [1.0], 2, 0.1)
    close!(floats(q, 64), [1.045, 1.07955], 1.0e-5, "q")
    close!(floats(p, 64), [0.39775, 0.29152], 1.0e-5, "p")
    close!([hd(floats(g, 64))], [-1.045], 1.0e-12, "gradient")
    {q, _, _, logp} = run!(normal, [0.3], [1.0], [1.0], 2, 0.05)
    close!(floats(q, 64), [0.349625, 0.3983759375], 1.0e-10, "q")
    close!(floats(logp, 64), [-0.98005735352, -0.998290227], 1.0e-8, "logp")
    weibull = ChainShaderSpecsF64.weibull(2, 1, ChainShaderSpecs.weibull_const(2, 1))
    {q, p, g, logp} = run!(weibull, List.duplicate(0.0, 4), List.duplicate(0.5, 4), List.duplicate(1.0, 4), 1, 0.1)
    close!(floats(q, 64), List.duplicate(0.05, 4), 1.0e-12, "q")
    close!(floats(p, 64), List.duplicate(0.48948, 4), 1.0e-5, "p")
    close!(floats(g, 64), List.duplicate(-0.21034, 4), 1.0e-5, "gradient")
    close!(floats(logp, 64), [-1.2481], 1.0e-4, "logp")
    beta = ChainShaderSpecs.beta(2, 5, ChainShaderSpecs.beta_const(2, 5))
    {_, _, _, logp} = run!(beta, [0.0], [0.5], [1.0], 32, 0.05)
    logp = floats(logp, 32)
    close!([hd(logp), List.last(logp)], [-1.4859883, -0.7898784], 2.0e-6, "logp")
  end

  test "push constants of 24, 32, 40, 48 and 128 bytes: what is behind the header's is cut" do
    {q, p, mass, eps, k} = start()
    {spec, _, _, _} = vector = vector("normal_f64")
    spv = spv!(spec)
    header = ChainShaderSpecsF64.push(k, 0, 4, eps)
    assert byte_size(header) == 24

    for size <- [24, 32, 40, 48, 128] do
      push = header <> :binary.copy(<<0xAB>>, size - 24)
      {:ok, chains} = NativeV.leapfrog_chain_synth_f64(f64(q), f64(p), f64(mass), push, k, spv)
      check!(chains, vector, 64, 1.0e-12)
    end
  end

  test "observations lie before the inverse mass" do
    {q, p, mass, eps, k} = start()
    {spec, _, _, _} = vector = vector("normal_f64")
    extras = f64([9.0, 8.0, 7.0]) <> f64(mass)
    push = ChainShaderSpecsF64.push(k, 3, 4, eps)
    {:ok, chains} = NativeV.leapfrog_chain_synth_f64(f64(q), f64(p), extras, push, k, spv!(spec))
    check!(chains, vector, 64, 1.0e-12)
  end
end

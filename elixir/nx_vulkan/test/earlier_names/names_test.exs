defmodule Nx.Vulkan.EarlierNamesTest do
  # Every public function that modules of earlier versions had is here, or the README says what does its work.
  use Nx.Vulkan.Test.Case, async: false
  import Nx.Defn

  @moduletag capture_log: true

  @had %{
    Nx.Vulkan => ~w(
      init/0 device_name/0 has_f64?/0 upload_f32/1 upload_binary/1 download_f32/2 download_binary/2 byte_size/1
      add/2 multiply/2 subtract/2 divide/2 pow/2 max/2 min/2 equal/2 less/2 greater/2
      exp/1 log/1 sqrt/1 abs/1 negate/1 sigmoid/1 tanh/1 relu/1 ceil/1 floor/1 sign/1 reciprocal/1 square/1 erf/1 expm1/1
      apply_binary_f64/3 apply_unary_f64/2 reduce_axis_f64/5 apply_binary_broadcast/7 apply_binary_broadcast_f64/7
      broadcast_strides/2 logsumexp/4 sum/1 reduce_min/1 reduce_max/1 mean/1 matmul/5 matmul_variant/6 uniform/1 uniform/2
      normal/1 normal/2 select/3 clip/3 transpose_2d/3 cast_f32_to_f64/2 cast_f64_to_f32/2 reduce_axis/5 fused_chain/3
      fused_chain_4/5 jit/1 jit/2 kinetic_energy/2 normal_logpdf/3 pool_clear/0 pool_stats/0
      __jit__/5 __compile__/4 __partitions_options__/1 __to_backend__/1 __shard_jit__/6),
    Nx.Vulkan.Native => ~w(
      init/0 device_name/0 has_f64/0 upload_binary/1 download_binary/2 byte_size/1 apply_binary/4 apply_unary/3
      apply_binary_f64/4 apply_unary_f64/3 apply_binary_broadcast/8 apply_binary_broadcast_f64/8 reduce_scalar/3
      reduce_axis/6 reduce_axis_f64/6 matmul/6 matmul_v/8 transpose/4 cast/4 random/4 logsumexp/5 fused_chain/4
      fused_chain_4/7 kinetic_energy/3 normal_logpdf/4 pool_clear/0 pool_stats/0),
    Nx.Vulkan.NativeV =>
      ~w(
      buf_upload/1 buf_alloc/1 buf_download/1 buf_byte_size/1 buf_upload_into/2 concat_buffers/1 apply_binary/6
      apply_binary_broadcast/8 cast/4 apply_slice/6 apply_select/8 apply_compare/8 apply_unary/5 reduce_axis/7
      transpose_2d/5 matmul/7 device_name/0 leapfrog_chain_synth/6 leapfrog_chain_synth_f64/6 leapfrog_chain_synth_batch/6),
    Nx.Vulkan.Fast => ~w(
      leapfrog_position/3 leapfrog_momentum_half/3 momentum_step/3 inv_mass_apply/2 kinetic_energy/2 normal_logpdf/3),
    Nx.Vulkan.Compiler => ~w(__jit__/5 __compile__/4 __partitions_options__/1 __to_backend__/1 __shard_jit__/6)
  }

  # By the words of the README's table of what is gone.
  @gone [
    "Nx.Vulkan.Fuse",
    "Nx.Vulkan.Codegen",
    "Nx.Vulkan.Shader",
    "Nx.Vulkan.Spirv",
    "Nx.Vulkan.Device",
    "Nx.Vulkan.HostFallbackError",
    "Nx.Vulkan.Fallback.count",
    "Nx.Vulkan.Fallback.strict",
    "Nx.Vulkan.leapfrog_normal",
    "Nx.Vulkan.leapfrog_chain_normal",
    "Nx.Vulkan.Native.dispatch_generated",
    "Nx.Vulkan.Native.dispatch_generated_full",
    "Nx.Vulkan.pick_matmul",
    "Nx.Vulkan.matmul_variant",
    "Nx.Vulkan.shader_path",
    "Nx.Vulkan.NativeV.matmul32",
    "Nx.Vulkan.NativeV.fft",
    "Nx.Vulkan.NativeV.conv_im2col",
    "Nx.Vulkan.NativeV.conv_gemm"
  ]

  test "what there was is there" do
    missing =
      for {module, functions} <- @had,
          Code.ensure_loaded!(module),
          text <- functions,
          [name, arity] = String.split(text, "/"),
          not function_exported?(module, String.to_atom(name), String.to_integer(arity)),
          do: "#{inspect(module)}.#{text}"

    assert missing == []
  end

  test "what is gone has a row that says what does its work, and is gone" do
    [_, table] =
      __DIR__ |> Path.join("../../README.md") |> File.read!() |> String.split("What is gone, and what does its work:")

    for name <- @gone, do: assert(table =~ "`#{name}`", "the README does not say what does the work of #{name}")
    modules = for name <- @gone, name =~ ~r/\.[A-Z]\w*$/, do: Module.concat([name])
    for module <- modules, do: refute(Code.ensure_loaded?(module), "#{inspect(module)} is there")
  end

  alias Nx.Vulkan.Fast

  defn leapfrog(q, p, eps, gradient) do
    p = Fast.leapfrog_momentum_half(p, eps / 2, gradient)
    {Fast.leapfrog_position(q, eps, p), Fast.momentum_step(p, eps, gradient)}
  end

  test "the expressions of Fast, eager and in a function that is compiled" do
    [q, p, g] = for list <- [[1.0, 2.0], [2.0, 4.0], [0.5, -0.5]], do: Nx.tensor(list)
    assert Nx.to_flat_list(Fast.leapfrog_position(q, 0.5, p)) == [2.0, 4.0]
    assert Nx.to_flat_list(Fast.inv_mass_apply(p, q)) == [2.0, 8.0]
    assert Nx.to_number(Fast.kinetic_energy(p, q)) == 18.0
    expected = -0.5 * 0.25 - :math.log(2.0) - 0.5 * :math.log(2 * :math.pi())
    [first | _] = q |> Fast.normal_logpdf(0.0, 2.0) |> Nx.to_flat_list()
    assert_in_delta first, expected, 1.0e-6
    {moved, pushed} = Nx.Defn.jit_apply(&leapfrog/4, [q, p, 0.5, g], compiler: Nx.Vulkan)
    assert Nx.to_flat_list(moved) == [2.0625, 3.9375]
    assert Nx.to_flat_list(pushed) == [2.375, 3.625]
  end

  test "jit, strides, broadcasting and variants of products" do
    assert Nx.to_flat_list(Nx.Vulkan.jit(&Nx.add(&1, &1)).(Nx.tensor([1.0, 2.0]))) == [2.0, 4.0]
    assert %{data: %Nx.Vulkan.Backend{}} = Nx.Vulkan.jit(&Nx.sin/1, compiler: Nx.Defn.Evaluator).(Nx.tensor([1.0]))
    assert Nx.Vulkan.broadcast_strides({1, 4}, {3, 4}) == [0, 1, 0, 0]
    assert Nx.Vulkan.broadcast_strides({2, 1}, {2, 4}) == [1, 0, 0, 0]
    assert Nx.Vulkan.broadcast_strides({4}, {2, 3, 4}) == [0, 0, 1, 0]
    assert_raise ArgumentError, fn -> Nx.Vulkan.broadcast_strides({2}, {3}) end
    {:ok, a} = Nx.Vulkan.upload_f32([1.0, 2.0, 3.0, 4.0])
    {:ok, b} = Nx.Vulkan.upload_f32([10.0, 20.0])
    [of_a, of_b] = for shape <- [{2, 2}, {1, 2}], do: Nx.Vulkan.broadcast_strides(shape, {2, 2})
    {:ok, sum} = Nx.Vulkan.apply_binary_broadcast(a, b, :add, 2, [2, 2], of_a, of_b)
    assert Nx.Vulkan.download_f32(sum, 4) == {:ok, [11.0, 22.0, 13.0, 24.0]}
    doubles = for x <- [1.0, 2.0], into: <<>>, do: <<x::float-64-little>>
    {:ok, c} = Nx.Vulkan.upload_binary(doubles)
    {:ok, product} = Nx.Vulkan.apply_binary_broadcast_f64(c, c, :multiply, 1, [2], [1], [1])
    assert Nx.Vulkan.download_binary(product, 16) == {:ok, <<1.0::float-64-little, 4.0::float-64-little>>}
    {:ok, product} = Nx.Vulkan.matmul_variant(a, a, 2, 2, 2, :matmul_tiled16x2)
    assert Nx.Vulkan.download_f32(product, 4) == {:ok, [7.0, 10.0, 15.0, 22.0]}
    assert_raise ArgumentError, fn -> Nx.Vulkan.matmul_variant(a, a, 2, 2, 2, :other) end
  end
end

defmodule GpuNode.ShaderTest do
  # Shaders of clients against the real node: compiled, loaded, dispatched, refused.
  use GpuNode.NodeCase, async: false
  alias GpuNode.Shader

  @moduletag capture_log: true

  @double """
  #version 450
  layout(local_size_x = 64) in;
  layout(std430, set = 0, binding = 0) readonly buffer A { float a[]; };
  layout(std430, set = 0, binding = 1) buffer B { float b[]; };
  layout(push_constant) uniform P { uint n; float factor; };
  void main() { uint i = gl_GlobalInvocationID.x; if (i < n) b[i] = factor * a[i]; }
  """

  defp floats(list), do: for(x <- list, into: <<>>, do: <<x::float-little-32>>)
  defp push(n, factor), do: <<n::little-32, factor::float-little-32>>

  defp double!(gpu) do
    {:ok, spirv} = Shader.compile(gpu, @double)
    spirv
  end

  test "what describe says", %{gpu: gpu} do
    {:ok, capabilities} = GpuNode.Capabilities.fetch(gpu)
    assert %{raw: true, toolchain: <<_::binary-64>>, pipelines: pipelines} = capabilities.shaders
    assert capabilities.device.uuid =~ ~r/^[0-9a-f]{32}$/
    assert pipelines =~ capabilities.device.uuid
  end

  test "text to SPIR-V, compiled once; then a dispatch with binaries", %{gpu: gpu} do
    spirv = double!(gpu)
    assert <<0x07230203::little-32, _::binary>> = spirv
    {:ok, before} = GpuNode.stats(gpu)
    assert double!(gpu) == spirv
    {:ok, now} = GpuNode.stats(gpu)
    assert now.counters.shader_compiles == before.counters.shader_compiles
    assert {:ok, %{buffers: 2, push_bytes: 8, hash: <<_::binary-64>>}} = Shader.load(gpu, spirv)
    input = floats([1.0, 2.0, -3.0])
    assert {:ok, [out]} = Shader.dispatch(gpu, spirv, [input, {:out, 16}], push: push(3, 2.0))
    # What was not written is zero.
    assert out == floats([2.0, 4.0, -6.0, 0.0])
    # Longer push constants are cut.
    assert {:ok, [^out]} = Shader.dispatch(gpu, spirv, [input, {:out, 16}], push: push(3, 2.0) <> <<1::1024>>)
  end

  test "tensors: read in place, copied where the shader could write; large inputs and outputs", %{gpu: gpu} do
    spirv = double!(gpu)
    tensor = Tensor.from_list!(gpu, [1.0, 2.0], :f32)
    assert {:ok, [out]} = Shader.dispatch(gpu, spirv, [tensor, {:out, 8}], push: push(2, 3.0))
    assert out == floats([3.0, 6.0])
    assert {:ok, []} = Shader.dispatch(gpu, spirv, [floats([5.0, 5.0]), tensor], push: push(2, 3.0))
    assert Tensor.to_list!(tensor) == [1.0, 2.0]
    n = 600_000
    live = live_bytes(gpu)
    input = :binary.copy(floats([1.5]), n)
    groups = {div(n + 63, 64), 1, 1}
    assert {:ok, [out]} = Shader.dispatch(gpu, spirv, [input, {:out, n * 4}], push: push(n, 2.0), groups: groups)
    assert out == :binary.copy(floats([3.0]), n)
    :erlang.garbage_collect()
    eventually(fn -> live_bytes(gpu) <= live end)
  end

  test "functions of the library, in f64 where GLSL has none; lines keep their numbers", %{gpu: gpu} do
    glsl = """
    #version 450
    #pragma gpu_node_library m_exp.f64 m_log1p.f64
    layout(local_size_x = 1) in;
    layout(std430, set = 0, binding = 0) buffer A { double a[]; };
    void main() { a[0] = m_exp(a[2]); a[1] = m_log1p(a[3]); }
    """

    {:ok, spirv} =
      Shader.compile(
        gpu,
        String.replace(glsl, "buffer A { double a[]; };", "buffer A { double a[]; } x;\n#define a x.a")
      )

    assert is_binary(spirv)
    reading = String.replace(glsl, "a[2]", "double(1.0lf)") |> String.replace("a[3]", "double(1.0e-10lf)")
    {:ok, spirv} = Shader.compile(gpu, reading)
    {:ok, [<<e::float-little-64, l::float-little-64>>]} = Shader.dispatch(gpu, spirv, [{:out, 16}])
    assert_in_delta e, :math.exp(1.0), 4.5e-16
    assert_in_delta l, 9.9999999995e-11, 1.0e-25

    broken = String.replace(glsl, "m_log1p(a[3])", "nowhere(a[3])")
    assert {:error, %Error{code: :compile_failed, details: details} = error} = Shader.compile(gpu, broken)
    assert %{stage: :glsl, line: 5, source: ^broken} = details
    assert error.message =~ "nowhere"
    assert error.message =~ "line 5: void main()"

    assert {:error, %Error{code: :compile_failed, message: message}} =
             Shader.compile(gpu, String.replace(glsl, "m_exp.f64", "m_exp.f65"))

    assert message =~ "line 2: #pragma gpu_node_library m_exp.f65"
  end

  test "refused: with the stage and the reason, and the node goes on", %{gpu: gpu} do
    spirv = double!(gpu)

    for {bad, part} <- [
          {binary_part(spirv, 0, 100), "does not validate"},
          {:crypto.strong_rand_bytes(400), "does not validate"},
          {<<0::32>>, "does not validate"}
        ] do
      assert {:error, %Error{code: :compile_failed, details: %{stage: :spirv}} = error} = Shader.load(gpu, bad)
      assert error.message =~ part
    end

    assert {:error, %Error{code: :invalid_argument}} = Shader.load(gpu, "abc")

    {:ok, image} =
      Shader.compile(gpu, """
      #version 450
      layout(local_size_x = 1) in;
      layout(set = 0, binding = 0) uniform U { float u; };
      layout(set = 0, binding = 1) buffer B { float b; };
      void main() { b = u; }
      """)

    assert {:error, %Error{code: :compile_failed, message: message}} = Shader.load(gpu, image)
    assert message =~ "a uniform buffer"
    out = {:out, 16}
    one = floats([1.0])

    for {buffers, options, part} <- [
          {[one], [push: push(1, 1.0)], "binds 2 buffers, given are 1"},
          {[one, out], [push: <<1, 0, 0, 0>>], "declares 8 bytes of push constants, 4 are given"},
          {[one, out], [push: push(1, 1.0), groups: {4_000_000_000, 1, 1}], "groups in dimension 0"},
          {[<<1>>, out], [push: push(1, 1.0)], "a binary of 1 bytes"},
          {[one, {:out, 7}], [push: push(1, 1.0)], "a positive multiple of 4"}
        ] do
      assert {:error, %Error{code: :invalid_argument} = error} = Shader.dispatch(gpu, spirv, buffers, options)
      assert error.message =~ part
    end

    assert {:ok, [_]} = Shader.dispatch(gpu, spirv, [one, out], push: push(1, 1.0))
  end

  test "after a restart of the node the module is sent again", %{gpu: gpu} do
    spirv = double!(gpu)
    run = fn -> Shader.dispatch(gpu, spirv, [floats([1.0]), {:out, 4}], push: push(1, 4.0)) end
    assert {:ok, [out]} = run.()
    before = status!(gpu).incarnation
    signal(gpu, "KILL")
    eventually(10_000, fn -> match?({:ok, %{state: :up, incarnation: now}} when now > before, GpuNode.status(gpu)) end)
    assert run.() == {:ok, [out]}
  end

  test "a node that was not told to takes none" do
    name = unique("no_shaders")
    start_supervised!({GpuNode, [name: name, raw_shaders: false] ++ device()}, id: :no_shaders)
    assert {:ok, %{shaders: %{raw: false}}} = GpuNode.Capabilities.fetch(name)

    for result <- [
          Shader.compile(name, @double),
          Shader.load(name, <<0::64>>),
          Shader.dispatch(name, <<0::64>>, [{:out, 4}])
        ] do
      assert {:error, %Error{code: :unsupported, message: message}} = result
      assert message =~ "--allow-raw-shaders"
    end
  end
end

defmodule GpuNode.ExplainTest do
  # What a node tells of a program. How much is one step is the node's to say: bounds are from above.
  use GpuNode.NodeCase, async: false
  alias GpuNode.Program, as: P

  defp softmax do
    p = P.new()
    {p, x} = P.input(p, :f32, {8, 16})
    {p, e} = P.exp(p, x)
    {p, s} = P.sum(p, e, axes: [1], keep_axes: true)
    {p, q} = P.divide(p, e, s)
    {p, t} = P.transpose(p, q)
    P.output(p, [t, s])
  end

  test "steps, what they take and give, and why they are apart", %{gpu: gpu} do
    {:ok, before} = GpuNode.stats(gpu)
    {:ok, told} = GpuNode.explain(gpu, softmax())
    {:ok, later} = GpuNode.stats(gpu)
    assert later.counters.dispatches == before.counters.dispatches

    assert told.steps |> Enum.flat_map(& &1.ops) |> Enum.sort() == [:divide, :exp, :sum, :transpose]
    assert told.steps |> Enum.flat_map(& &1.dispatches) |> length() |> Kernel.in(1..4)
    made = for step <- told.steps, {name, type, shape} <- step.gives, into: %{}, do: {name, {type, shape}}
    assert Enum.map(told.outputs, &made[&1]) == [{{:f, 32}, {16, 8}}, {{:f, 32}, {8, 1}}]

    for {step, index} <- Enum.with_index(told.steps) do
      assert step.kind in [:map, :rows, :product, :instruction, :view]
      # Everything is made before it is taken.
      earlier = for other <- Enum.take(told.steps, index), {name, _, _} <- other.gives, do: name
      assert Enum.all?(step.takes, &(&1 == 0 or &1 in earlier))
      refute is_map_key(step, :refusal)
      if step.kind == :view, do: assert({step.dispatches, step.read_bytes} == {[], 0})
    end

    assert told.steps |> Enum.map(& &1.written_bytes) |> Enum.sum() |> Kernel.>=((16 * 8 + 8) * 4)

    for {maker, user, why} <- told.apart,
        do: assert(maker < user and user < length(told.steps) and why in [:own_kernel, :waits, :elements])
  end

  test "with the texts of kernels, and what compiling them took once they have run", %{gpu: gpu} do
    {:ok, %{kernels: [_ | _] = kernels}} = GpuNode.explain(gpu, softmax(), glsl: true)
    assert Enum.all?(kernels, &(&1.glsl =~ "#version" and &1.glsl =~ "void main()"))
    x = Tensor.from_binary!(gpu, <<0::size(8 * 16 * 32)>>, :f32, {8, 16})
    program = softmax()
    # The first run is a message of ops; from the second on it is the program.
    for _ <- 1..2, do: assert({:ok, [_, _]} = GpuNode.run(gpu, program, [x]))
    {:ok, [t, _]} = GpuNode.run(gpu, program, [x])
    assert_in_delta t |> Tensor.to_list!() |> hd() |> hd(), 1 / 16, 1.0e-6
    {:ok, %{kernels: kernels, fuse_us: fuse, plan_us: plan}} = GpuNode.explain(gpu, program)
    assert Enum.all?(kernels, &match?(%{emit_us: _, glsl_us: _, spirv_us: _, driver_us: _, from_disk: _}, &1))
    refute Enum.any?(kernels, &is_map_key(&1, :glsl))
    assert fuse >= 0 and plan >= 0
  end

  test "not fused, an instruction is a step", %{gpu: gpu} do
    p = P.new(fuse: false)
    {p, x} = P.input(p, :f32, {4})
    {p, a} = P.exp(p, x)
    {p, b} = P.negate(p, a)
    {:ok, told} = GpuNode.explain(gpu, P.output(p, [b]))
    assert [%{kind: :instruction, ops: [:exp]}, %{kind: :instruction, ops: [:negate]}] = told.steps
    assert told.apart == []
  end

  test "what is wrong", %{gpu: gpu} do
    assert {:error, %Error{code: :invalid_argument, message: text}} = GpuNode.explain(gpu, P.new())
    assert text =~ "makes nothing"
    assert {:error, %Error{code: :invalid_argument}} = GpuNode.explain(gpu, softmax(), glsl: 1)
    assert {:error, %Error{code: :not_found}} = GpuNode.explain(:nowhere, softmax())
  end
end

defmodule Nx.Vulkan.CompilerShardsTest do
  # Functions on the parts of data, each on a GPU node.
  use Nx.Vulkan.Test.Case, async: false
  import Nx.Defn
  alias GpuNode.Error

  @pair %Nx.Mesh{name: "pair", shape: {2}}

  defn loss({w, b}, x, y), do: Nx.mean((Nx.dot(x, w) + b - y) ** 2)

  defn gradient(params, x, y), do: value_and_grad(params, &loss(&1, x, y))

  setup_all do
    name = unique()
    start_supervised!({GpuNode, [name: name] ++ device()}, id: name)
    {:ok, %{node: other}} = GpuNode.status(name)
    %{other: other, name: name}
  end

  defp sharded(fun, mesh, args_list, options),
    do: Nx.Defn.shard_jit(fun, mesh, [compiler: Nx.Vulkan] ++ options).(args_list)

  defp numbers(shape, seed), do: Nx.iota(shape, type: :f32) |> Nx.add(seed) |> Nx.sin()

  defp node_of(%Nx.Tensor{data: %{node: node}}), do: node

  test "a step of training on two nodes is that of all of the data", %{other: other} do
    params = {numbers({3}, 1), Nx.tensor(0.5)}
    {x, y} = {numbers({8, 3}, 2), numbers({8}, 3)}
    parts = for range <- [0..3, 4..7], do: [params, x[range], y[range]]
    # The second's data lie on its own node, some of it at least.
    parts = List.update_at(parts, 1, fn [p, x, y] -> [p, Nx.backend_copy(x, {Nx.Vulkan.Backend, node: other}), y] end)

    results = sharded(&gradient/3, @pair, parts, node: [gpu_node(), other])
    assert for({loss, _} <- results, do: node_of(loss)) == [gpu_node(), other]

    for {result, arguments} <- Enum.zip(results, parts) do
      host = Nx.Defn.Composite.traverse(List.to_tuple(arguments), &Nx.backend_copy(&1, Nx.BinaryBackend))

      expected =
        on_host(fn -> Nx.Defn.jit_apply(&gradient/3, Tuple.to_list(host), compiler: Nx.Defn.Evaluator) end)

      assert_close(result, expected)
    end

    halves = Nx.Defn.Composite.flatten_list([Enum.at(results, 0)])
    others = Nx.Defn.Composite.flatten_list([Enum.at(results, 1)])
    whole = Nx.Defn.Composite.flatten_list([Nx.Defn.jit_apply(&gradient/3, [params, x, y], compiler: Nx.Vulkan)])

    for {half, other, whole} <- Enum.zip([halves, others, whole]) do
      mean = Nx.add(Nx.backend_copy(half, Nx.BinaryBackend), Nx.backend_copy(other, Nx.BinaryBackend)) |> Nx.divide(2)
      assert_close(mean, whole)
    end
  end

  defp assert_close(left, right) do
    for {a, b} <- Enum.zip(Nx.Defn.Composite.flatten_list([left]), Nx.Defn.Composite.flatten_list([right])),
        {a, b} <- Enum.zip(Nx.to_flat_list(a), Nx.to_flat_list(b)),
        do: assert_in_delta(a, b, 1.0e-5)
  end

  test "one node for all parts, as it is for none that is named; a mesh of several axes", %{other: other} do
    mesh = %Nx.Mesh{name: "square", shape: {2, 2}}
    parts = for i <- 1..4, do: [Nx.tensor([i, 2 * i])]

    for {options, node} <- [{[node: other], other}, {[node: [other]], other}, {[], gpu_node()}] do
      results = sharded(&Nx.multiply(&1, 3), mesh, parts, options)
      assert Enum.map(results, &Nx.to_flat_list/1) == for(i <- 1..4, do: [3 * i, 6 * i])
      assert Enum.all?(results, &(node_of(&1) == node))
    end
  end

  test "a function is compiled once for each node, however often it is called", %{other: other} do
    test = self()
    handler = {__MODULE__, test}
    :telemetry.attach(handler, [:nx_vulkan, :compile, :stop], &__MODULE__.tell/4, test)
    fun = fn x -> Nx.subtract(Nx.multiply(x, 7), 5) end
    for i <- 1..3, do: sharded(fun, @pair, [[Nx.tensor(i)], [Nx.tensor(i)]], node: [gpu_node(), other])
    :telemetry.detach(handler)
    nodes = for _ <- 1..2, do: assert_receive({:compiled, _}) |> elem(1)
    assert Enum.sort(nodes) == Enum.sort([gpu_node(), other])
    refute_received {:compiled, _}
  end

  def tell(_event, _times, %{node: node}, test), do: send(test, {:compiled, node})

  test "what goes wrong in a part is raised here, whatever it is", %{other: other} do
    fails = fn what -> fn x -> Nx.Defn.Kernel.hook(x, fn x -> Nx.to_flat_list(x) == [2, 2] && what.() end) end end
    parts = [[Nx.tensor([1, 1])], [Nx.tensor([2, 2])]]
    nodes = [node: [gpu_node(), other]]

    assert_raise ArgumentError, ~r/^part 1 of 2, on #{other}: mine$/, fn ->
      sharded(fails.(fn -> raise ArgumentError, "mine" end), @pair, parts, nodes)
    end

    assert catch_throw(sharded(fails.(fn -> throw(:mine) end), @pair, parts, nodes)) == :mine
    assert catch_exit(sharded(fails.(fn -> exit(:mine) end), @pair, parts, nodes)) == :mine
    assert [_, _] = sharded(fails.(fn -> :ok end), @pair, parts, nodes)
  end

  test "what does not fit is said, with the part", %{other: other, name: name} do
    x = Nx.tensor([1, 2])

    assert_raise ArgumentError, ~r/shape \{2\} has 2 parts, :node names 3 nodes/, fn ->
      sharded(&Nx.negate/1, @pair, [[x], [x]], node: [gpu_node(), other, other])
    end

    assert_raise ArgumentError, ~r/the mesh has 2 parts, arguments are given for 1/, fn ->
      sharded(&Nx.negate/1, @pair, [[x]], node: [gpu_node(), other])
    end

    assert_raise ArgumentError,
                 ~r/part 1 of 2: tensor 0 of its arguments is s32 \{3\}, that of the first part s32 \{2\}/,
                 fn ->
                   sharded(&Nx.negate/1, @pair, [[x], [Nx.tensor([1, 2, 3])]], node: [gpu_node(), other])
                 end

    assert_raise ArgumentError,
                 ~r/tensor 0 of its arguments is s32 \{2\} of \[:x\], that of the first part s32 \{2\}:/,
                 fn ->
                   sharded(&Nx.negate/1, @pair, [[x], [Nx.rename(x, [:x])]], node: [gpu_node(), other])
                 end

    assert_raise ArgumentError, ~r/part 1 of 2 has 2 tensors among its arguments, the first part 1/, fn ->
      sharded(&Nx.negate/1, @pair, [[x], [x, x]], node: [gpu_node(), other])
    end

    assert_raise ArgumentError, ~r/no :input_shardings/, fn ->
      sharded(&Nx.negate/1, @pair, [[x], [x]], node: other, input_shardings: [%{0 => [0]}])
    end

    # A node that is gone.
    {:ok, %{os_pid: pid}} = GpuNode.status(name)
    System.cmd("kill", ["-STOP", "#{pid}"])
    System.cmd("kill", ["-KILL", "#{pid}"])
    eventually(20_000, fn -> match?({:ok, %{restarts: n, state: :up}} when n > 0, GpuNode.status(name)) end)
    # It is there again; a name that nobody has is not.
    assert [_, _] = sharded(&Nx.negate/1, @pair, [[x], [x]], node: [gpu_node(), other])

    assert_raise Error, ~r/^part 1 of 2: .*nobody@127\.0\.0\.1/, fn ->
      sharded(&Nx.negate/1, @pair, [[x], [x]], node: [gpu_node(), :"nobody@127.0.0.1"])
    end
  end
end

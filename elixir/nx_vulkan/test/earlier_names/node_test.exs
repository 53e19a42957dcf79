defmodule Nx.Vulkan.NodeTest do
  # Functions with a deadline. A GPU node of its own, as it is killed.
  use ExUnit.Case, async: false
  alias GpuNode.Error
  alias Nx.Vulkan.Node

  @moduletag capture_log: true
  @moduletag timeout: 60_000

  setup_all do
    device = if name = System.get_env("GPU_NODE_TEST_DEVICE"), do: [device: name], else: []
    gpu = :"node_test_#{GpuNode.Distribution.random(5)}"
    start_supervised!({GpuNode, [name: gpu] ++ device})
    {:ok, gpu: gpu}
  end

  setup %{gpu: gpu} do
    start_supervised!({Node, node: gpu})
    Nx.default_backend({Nx.Vulkan.Backend, node: gpu})
    on_exit(fn -> Application.delete_env(:nx_vulkan, :node_timeout_ms) end)
  end

  defp incarnation(gpu) do
    {:ok, %{incarnation: incarnation}} = GpuNode.status(gpu)
    incarnation
  end

  test "gives the function's value, and counts it", %{gpu: gpu} do
    assert Node.with_node(fn -> Nx.to_number(Nx.sum(Nx.iota({1000}))) end) == 499_500
    assert Node.with_node(fn -> {:error, :mine} end) == {:error, :mine}
    assert Node.alive?()

    assert %{exec_count: 2, uptime_ms: uptime, timeouts: 0, state: :up, device: device, queue_depth: _, memory: _} =
             Node.status()

    assert uptime >= 0 and is_binary(device)
    {:ok, %{node: node}} = GpuNode.status(gpu)
    assert Node.status().gpu_node == node
  end

  test "under another name" do
    {:ok, pid} = Node.start_link(name: :other_node, node: Nx.Vulkan.Test.Case.gpu())
    assert Node.alive?(:other_node)
    assert Node.with_node(fn -> 7 end, :other_node) == 7
    assert Node.with_node(fn -> 8 end, pid) == 8
    assert Node.status(:other_node).exec_count == 2
    assert {:error, {:already_started, ^pid}} = Node.start_link(name: :other_node)
    GenServer.stop(pid)
  end

  test "nobody there" do
    refute Node.alive?(:nobody)
    assert Node.with_node(fn -> 1 end, :nobody) == {:error, :node_dead}
    assert Node.status(:nobody) == {:error, :node_dead}
  end

  test "no GPU node" do
    Process.flag(:trap_exit, true)
    assert {:error, %Error{code: :not_found}} = Node.start_link(name: :without, node: :no_such_node)
  end

  test "a function that sleeps: node_timeout, a new incarnation, stale tensors, and the next call works", %{gpu: gpu} do
    Application.put_env(:nx_vulkan, :node_timeout_ms, 200)
    tensor = Nx.tensor([1.0, 2.0])
    assert Nx.to_list(tensor) == [1.0, 2.0]
    before = incarnation(gpu)
    me = self()

    {us, result} = :timer.tc(fn -> stay_inside(me) end)

    assert result == {:error, :node_timeout}
    assert us < 1_500_000
    assert_receive {:runner, runner}
    refute Process.alive?(runner)
    Application.put_env(:nx_vulkan, :node_timeout_ms, 10_000)
    assert Node.with_node(fn -> Nx.to_list(Nx.add(Nx.tensor([1.0, 2.0]), 1)) end) == [2.0, 3.0]
    assert incarnation(gpu) > before
    assert %Error{code: :stale} = catch_error(Nx.to_list(tensor))
    assert %{timeouts: 1, restarts: restarts} = Node.status()
    assert restarts >= 1
  end

  @tag :truth
  test "a time that is none is an error of the call, and nobody dies of it" do
    server = Process.whereis(Node)

    for wrong <- [0, -5, 1.5, "soon", nil, 2 ** 70, {1, :s}] do
      Application.put_env(:nx_vulkan, :node_timeout_ms, wrong)
      error = assert_raise Error, fn -> Node.with_node(fn -> 1 end) end
      assert error.code == :invalid_argument
      assert error.message =~ "the option :node_timeout_ms is an integer from 1 to 4294967295 or :infinity, got "
      assert Process.whereis(Node) == server and Node.status().exec_count == 0
    end

    Application.delete_env(:nx_vulkan, :node_timeout_ms)
    assert Node.with_node(fn -> 1 end) == 1
  end

  @slow """
  #version 450
  layout(local_size_x = 64) in;
  layout(std430, set = 0, binding = 0) buffer A { uint a[]; };
  void main() {
    uint x = gl_GlobalInvocationID.x;
    for (uint i = 0u; i < 60000u; ++i) x = x * 1664525u + a[i & 3u];
    a[gl_GlobalInvocationID.x & 3u] = x;
  }
  """

  test "a shader that occupies the device: its process is killed, the device is free, the next call works", %{gpu: gpu} do
    {:ok, spirv} = GpuNode.Shader.compile(gpu, @slow)
    {:ok, %{os_pid: os_pid}} = GpuNode.status(gpu)
    before = incarnation(gpu)
    Application.put_env(:nx_vulkan, :node_timeout_ms, 300)

    {us, result} =
      :timer.tc(fn ->
        Node.with_node(fn -> GpuNode.Shader.dispatch(gpu, spirv, [{:out, 16}], groups: {65_535, 64, 1}) end)
      end)

    assert result == {:error, :node_timeout}
    assert us < 3_000_000
    refute File.exists?("/proc/#{os_pid}/exe") and match?({:ok, _}, File.read_link("/proc/#{os_pid}/exe"))
    Application.put_env(:nx_vulkan, :node_timeout_ms, 20_000)
    assert {:ok, [_]} = Node.with_node(fn -> GpuNode.Shader.dispatch(gpu, spirv, [{:out, 16}]) end)
    assert incarnation(gpu) > before
  end

  test "one that waits its turn may run out of time too, and frees nothing", %{gpu: gpu} do
    before = incarnation(gpu)
    me = self()

    slow =
      Task.async(fn ->
        Node.with_node(fn ->
          send(me, :running)
          Process.sleep(500)
          :slow
        end)
      end)

    assert_receive :running
    Application.put_env(:nx_vulkan, :node_timeout_ms, 100)
    assert Node.with_node(fn -> :never end) == {:error, :node_timeout}
    Application.delete_env(:nx_vulkan, :node_timeout_ms)
    behind = Task.async(fn -> Node.with_node(fn -> :behind end) end)
    assert Task.await(slow) == :slow
    assert Task.await(behind) == :behind
    assert incarnation(gpu) == before
  end

  test "what a function raises is its caller's, and the node goes on" do
    assert_raise ArithmeticError, fn -> Node.with_node(fn -> 1 / Process.get(:nothing, 0) end) end
    assert catch_exit(Node.with_node(fn -> exit(:out) end)) == :out
    assert catch_throw(Node.with_node(fn -> throw(:up) end)) == :up
    assert catch_exit(Node.with_node(fn -> Process.exit(self(), :kill) end)) == :killed
    assert Node.with_node(fn -> 1 end) == 1
    assert Node.status().exec_count == 1
  end

  test "one inside another runs at once" do
    assert Node.with_node(fn -> {:outer, Node.with_node(fn -> :inner end)} end) == {:outer, :inner}
  end

  test "a caller that dies takes its function with it" do
    me = self()

    caller = spawn(fn -> stay_inside(me) end)

    assert_receive {:runner, runner}
    monitor = Process.monitor(runner)
    Process.exit(caller, :kill)
    assert_receive {:DOWN, ^monitor, _, _, :killed}
    assert Node.with_node(fn -> :next end) == :next
  end

  test "when it is stopped, its function ends and its caller hears" do
    me = self()

    task = Task.async(fn -> stay_inside(me) end)

    assert_receive {:runner, runner}
    monitor = Process.monitor(runner)
    stop_supervised!(Node)
    assert Task.await(task) == {:error, :node_dead}
    assert_receive {:DOWN, ^monitor, _, _, :killed}
  end

  # Runs a function that tells `parent` where it runs and never returns.
  defp stay_inside(parent) do
    Node.with_node(fn ->
      send(parent, {:runner, self()})
      Process.sleep(:infinity)
    end)
  end
end

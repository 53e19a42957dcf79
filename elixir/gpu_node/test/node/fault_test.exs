defmodule GpuNode.FaultTest do
  # A node that dies, hangs, or cannot be started: every caller hears of it in time, and the next call works.
  use GpuNode.NodeCase, async: false

  test "kill -9: a typed error within 200 ms, the next op within 2 s", %{gpu: name} do
    for round <- 1..3 do
      x = Tensor.from_list!(name, [1, 2], :f32)
      assert Tensor.to_list!(x) == [1.0, 2.0]
      before = status!(name)
      signal(name, "STOP")
      waiting = for _ <- 1..10, do: Task.async(fn -> {Tensor.to_list(x), System.monotonic_time(:millisecond)} end)
      Process.sleep(100)
      killed = System.monotonic_time(:millisecond)
      signal(name, "KILL")

      for task <- waiting do
        {result, at} = Task.await(task)
        assert {:error, %Error{code: :node_down}} = result
        assert at - killed <= 200, "told after #{at - killed} ms"
      end

      {ms, y} = time(fn -> name |> Tensor.from_list!([3], :f32) |> Ops.add(1) |> Tensor.to_list!() end)
      assert y == [4.0]
      took = System.monotonic_time(:millisecond) - killed
      IO.puts("\nround #{round}: the next op after kill -9 was done #{took} ms after it (waited #{round(ms)} ms)")
      assert took <= 2000
      assert {:error, %Error{code: :stale}} = Tensor.to_list(x)
      later = status!(name)
      assert later.restarts == before.restarts + 1
      assert later.incarnation > before.incarnation
    end
  end

  @tag timeout: 120_000
  test "SIGSTOP with 64 MB of upload pending: every caller hears by its own deadline, SIGCONT heals", %{gpu: name} do
    x = Tensor.from_list!(name, [1, 2], :f32)
    assert Tensor.to_list!(x) == [1.0, 2.0]
    restarts = status!(name).restarts
    bytes = :binary.copy(<<7>>, 64 * 1024 * 1024)
    signal(name, "STOP")

    calls = [
      {1000, fn -> Tensor.from_binary(name, bytes, :u8, {byte_size(bytes)}, timeout: 1000) end},
      {2500, fn -> Tensor.from_binary(name, bytes, :u8, {byte_size(bytes)}, timeout: 2500) end},
      {30_000, fn -> Tensor.from_binary(name, bytes, :u8, {byte_size(bytes)}, timeout: 30_000) end},
      {500, fn -> Tensor.to_list(x, timeout: 500) end},
      {2000, fn -> GpuNode.sync(name, [x], timeout: 2000) end},
      {30_000, fn -> GpuNode.stats(name, timeout: 30_000) end}
    ]

    results =
      calls
      |> Enum.map(fn {timeout, call} -> Task.async(fn -> {timeout, time(call)} end) end)
      |> Task.await_many(40_000)

    for {timeout, {ms, result}} <- results do
      assert {:error, %Error{code: code}} = result
      assert code in [:deadline, :node_down]
      assert ms <= timeout + 1000, "#{timeout} ms became #{ms}"
      assert ms <= 6000, "heartbeats should have found out"
    end

    assert stuck() == []
    signal(name, "CONT")
    {ms, y} = time(fn -> name |> Tensor.from_list!([3], :f32, timeout: 10_000) |> Ops.add(1) |> Tensor.to_list!() end)
    assert y == [4.0]
    IO.puts("\nserving again #{round(ms)} ms after SIGCONT")
    assert status!(name).restarts == restarts
  end

  # The uploads that were already moving when the node stopped.
  @tag timeout: 120_000
  test "SIGSTOP in the middle of uploads leaves no process suspended", %{gpu: name} do
    bytes = :binary.copy(<<7>>, 128 * 1024 * 1024)

    tasks =
      for _ <- 1..3 do
        Task.async(fn -> time(fn -> Tensor.from_binary(name, bytes, :u8, {byte_size(bytes)}, timeout: 8000) end) end)
      end

    Process.sleep(30)
    signal(name, "STOP")
    for {ms, result} <- Task.await_many(tasks, 20_000), do: assert(match?({:ok, _}, result) or ms <= 9000)
    assert stuck() == []
    signal(name, "CONT")
    assert [4.0] == name |> Tensor.from_list!([3], :f32, timeout: 10_000) |> Ops.add(1) |> Tensor.to_list!()
  end

  defp stuck do
    for pid <- Process.list(), {:status, :suspended} <- [Process.info(pid, :status)], do: Process.info(pid)
  end

  @tag timeout: 60_000
  test "a node that hangs for good is killed and replaced" do
    name = unique()
    start_supervised!({GpuNode, [name: name, heartbeat_ms: 200, hang_ms: 1000] ++ device()})
    before = status!(name).os_pid
    signal(name, "STOP")
    eventually(10_000, fn -> not os_alive?(before) end)
    assert [4.0] == name |> Tensor.from_list!([3], :f32) |> Ops.add(1) |> Tensor.to_list!()
    assert status!(name).restarts == 1
  end

  test "stopping it ends the process, and its name is free again" do
    name = unique()
    {:ok, _} = GpuNode.start_link([name: name] ++ device())
    %{os_pid: os_pid} = status!(name)
    assert GpuNode.stop(name) == :ok
    refute os_alive?(os_pid)
    assert {:error, %Error{code: :not_found}} = GpuNode.status(name)
    assert GpuNode.with_node([name: name] ++ device(), fn name -> GpuNode.alive?(name) end)
  end

  @tag timeout: 60_000
  test "the VM is killed: the process goes with it" do
    {peer, _node} = start_peer()
    name = unique()
    assert {:ok, _} = :peer.call(peer, GpuNode.NodeCase, :attach, [[name: name] ++ device()], 60_000)
    {:ok, %{os_pid: os_pid}} = :peer.call(peer, GpuNode, :status, [name], 60_000)
    vm_pid = :peer.call(peer, System, :pid, [])
    assert os_alive?(os_pid)
    Process.flag(:trap_exit, true)
    signal_pid(vm_pid, "KILL")
    ms = eventually(2000, fn -> not os_alive?(os_pid) end)
    IO.puts("\nthe process was gone #{ms} ms after its VM was killed")
  end

  describe "what cannot be started says why" do
    test "a missing binary" do
      assert {:error, %Error{code: :no_binary, message: text}} =
               GpuNode.start_link(name: unique(), binary: "/nowhere/gpu_node")

      assert text =~ "/nowhere/gpu_node" and text =~ "cmake"
    end

    test "a binary that is none" do
      assert {:error, %Error{code: code}} = GpuNode.start_link(name: unique(), binary: "/bin/false")
      assert code == :node_down
    end

    test "a missing driver" do
      env = [{"VK_DRIVER_FILES", "/nowhere.json"}, {"VK_ICD_FILENAMES", "/nowhere.json"}]
      assert {:error, %Error{code: :no_driver, message: text}} = GpuNode.start_link(name: unique(), env: env)
      assert text =~ "install a Vulkan driver"
    end

    test "a bad argument" do
      assert {:error, %Error{code: :configuration, message: text}} =
               GpuNode.start_link(name: unique(), args: ["--bogus"])

      assert text =~ "bogus"
      assert {:error, %Error{code: :no_driver}} = GpuNode.start_link(name: unique(), device: "no such device")
    end

    test "a node that is not there" do
      assert {:error, %Error{code: :unreachable, message: text}} = GpuNode.start_link(node: :"nobody_here@127.0.0.1")
      assert text =~ "nobody_here"
      assert {:error, %Error{code: :unreachable}} = GpuNode.start_link(node: :"gpu0@no.such.host.invalid")
      assert {:error, %Error{code: :distribution, message: text}} = GpuNode.start_link(node: :gpu0@shorthost)
      assert text =~ "short"
      assert GpuNode.nodes() |> Enum.filter(&(&1 in [:"nobody_here@127.0.0.1"])) == []
    end
  end
end

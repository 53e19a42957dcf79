defmodule GpuNode.SessionTest do
  # Sessions against a fake node on another VM.
  use GpuNode.FakeCase, async: false
  alias GpuNode.{Error, FakeNode, Ops, Tensor}
  import GpuNode.NodeCase, only: [eventually: 2]

  @moduletag options: [heartbeat_ms: 50]

  test "tensors go up and come back" do
    for {type, binary, shape} <- [
          {:f32, <<1.5::float-little-32, -2.0::float-little-32>>, {2}},
          {:u4, <<1::4, 15::4, 7::4>>, {3}},
          {:s2, <<1::2, -1::2>>, {1, 2}},
          {:f32, <<>>, {0, 3}},
          {:u8, :crypto.strong_rand_bytes(5_000_001), {5_000_001}}
        ] do
      tensor = Tensor.from_binary!(:fake, binary, type, shape)
      assert Tensor.to_binary!(tensor) == binary
    end
  end

  test "lists go up and come back, nested" do
    assert [[1, 2, 3], [4, 5, 6]] = :fake |> Tensor.from_list!([[1, 2, 3], [4, 5, 6]], :s16) |> Tensor.to_list!()
    assert [1.0, :nan, :infinity, :neg_infinity] = round_trip([1.0, :nan, :infinity, :neg_infinity])
    assert 7.0 = :fake |> Tensor.from_list!(7, :f64) |> Tensor.to_number!()
    assert {:error, %Error{code: :invalid_argument}} = Tensor.from_list(:fake, [[1], [2, 3]], :f32)
    assert {:error, %Error{code: :invalid_argument}} = Tensor.from_list(:fake, [[1], 2], :f32)
    assert {:error, %Error{code: :invalid_argument}} = Tensor.from_list(:fake, [1.5], :s32)
    assert {:error, %Error{code: :invalid_argument}} = Tensor.to_number(Tensor.from_list!(:fake, [1, 2], :s32))
  end

  defp round_trip(list), do: :fake |> Tensor.from_list!(list, :f32) |> Tensor.to_list!()

  test "a stream reads a tensor in slices" do
    bytes = :crypto.strong_rand_bytes(1_000_000)
    tensor = Tensor.from_binary!(:fake, bytes, :u16, {500_000})
    slices = tensor |> Tensor.stream_binary(slice_bytes: 300_001) |> Enum.to_list()
    assert Enum.map(slices, &byte_size/1) == [300_000, 300_000, 300_000, 100_000]
    assert IO.iodata_to_binary(slices) == bytes
  end

  test "sizes that do not match are refused here" do
    assert {:error, %Error{code: :invalid_argument, message: text}} = Tensor.from_binary(:fake, <<1, 2, 3>>, :f32, {1})
    assert text =~ "f32{1} takes 4 bytes" and text =~ "got 3"
    assert {:error, %Error{code: :invalid_argument}} = Tensor.from_binary(:fake, "", :f99, {0})
    assert {:error, %Error{code: :invalid_argument}} = Tensor.from_binary(:fake, "", :f32, {-1})
    assert {:error, %Error{code: :not_found}} = Tensor.from_binary(:nobody, "", :f32, {0})
  end

  test "eager ops wait for nobody, and errors come with the first read" do
    x = Tensor.from_list!(:fake, [1, 2], :f32)
    assert [2.0, 3.0] = x |> Ops.add(1) |> Tensor.to_list!()
    bad = x |> Ops.exp() |> Ops.add(1)
    assert {:error, %Error{code: :unsupported, message: "the fake node has no exp"}} = Tensor.to_list(bad)
    assert {:error, %Error{code: :unsupported}} = GpuNode.sync(:fake, [x, bad])
    assert {:ok, %{execute_us: 2}} = GpuNode.sync(:fake, [x])
    assert_raise Error, ~r/do not broadcast/, fn -> Ops.add(x, Tensor.from_list!(:fake, [1, 2, 3], :f32)) end
  end

  test "a burst of ops travels in full messages, one op at rest alone" do
    x = Tensor.from_list!(:fake, [1], :f32)
    {:ok, _} = GpuNode.sync(:fake)
    FakeNode.recorded()
    {:ok, link} = GpuNode.Link.fetch(:fake)
    :sys.suspend(link.pid)
    last = Enum.reduce(1..200, x, fn _, t -> Ops.add(t, 1) end)
    :sys.resume(link.pid)
    assert Tensor.to_list!(last) == [201.0]
    ops = for {_, commands} <- FakeNode.runs(), do: Enum.count(commands, &(elem(&1, 0) == :add))
    assert Enum.sum(ops) == 200
    assert Enum.max(ops) <= 64 and length(ops) <= 10
    FakeNode.recorded()
    y = Ops.add(x, 1)

    eventually(1000, fn ->
      Enum.any?(FakeNode.runs(), fn {_, commands} -> Enum.count(commands, &(elem(&1, 0) == :add)) == 1 end)
    end)

    assert Tensor.to_list!(y) == [2.0]
  end

  @tag behaviour: [credit: 100, hold_acks: true]
  test "no more than the credit is sent unacknowledged" do
    x = Tensor.from_list!(:fake, [1], :f32)
    tensors = Enum.map(1..500, fn _ -> Ops.add(x, 1) end)
    Process.sleep(50)
    assert FakeNode.runs() |> Enum.map(fn {_, c} -> length(c) end) |> Enum.sum() == 100
    FakeNode.release_acks()
    assert tensors |> List.last() |> Tensor.to_list!() == [2.0]
    eventually(1000, fn -> match?({:ok, %{queued: 0, unacknowledged: 0}}, GpuNode.status(:fake)) end)
  end

  @tag behaviour: [hold_acks: true]
  test "callers are held back when the queue is full, no longer than their deadline" do
    {:ok, link} = GpuNode.Link.fetch(:fake)
    x = Tensor.from_list!(:fake, [1], :f32)
    GpuNode.Link.add_queued(link, GpuNode.Client.max_queued())
    started = System.monotonic_time(:millisecond)
    assert {:error, %Error{code: :deadline}} = GpuNode.op(:fake, :add, [x, 1])
    assert_in_delta System.monotonic_time(:millisecond) - started, 1000, 300

    task = Task.async(fn -> GpuNode.op(:fake, :add, [x, 2]) end)
    refute Task.yield(task, 50)
    GpuNode.Link.sub_queued(link, GpuNode.Client.max_queued())
    FakeNode.release_acks()
    assert {:ok, tensor} = Task.await(task)
    assert Tensor.to_list!(tensor) == [3.0]
  end

  test "collected handles are freed, and explicit freeing happens once" do
    x = Tensor.from_list!(:fake, [1], :f32)
    assert Tensor.free(x) == :ok
    assert Tensor.free(x) == :already
    assert {:error, %Error{code: :not_found}} = Tensor.to_list(x)

    Task.async(fn -> for _ <- 1..100, do: Tensor.from_list!(:fake, [1, 2], :f32) end)
    |> Task.await()
    |> then(fn tensors -> assert Tensor.to_list!(List.last(tensors)) == [1.0, 2.0] end)

    :erlang.garbage_collect()
    eventually(1000, fn -> FakeNode.tensors() == %{} end)
  end

  @tag options: [heartbeat_ms: 50, finalizer: :sweep]
  test "without the NIF, the sweep frees what is collected" do
    assert {:ok, %{finalizer: :sweep}} = GpuNode.status(:fake)
    kept = Tensor.from_list!(:fake, [3], :f32)
    spawn(fn -> for _ <- 1..200, do: Tensor.from_list!(:fake, [1, 2], :f32) end)
    eventually(1000, fn -> map_size(FakeNode.tensors()) == 201 end)
    eventually(3000, fn -> map_size(FakeNode.tensors()) == 1 end)
    assert Tensor.to_list!(kept) == [3.0]
    assert Tensor.free(kept) == :ok
    assert Tensor.free(kept) == :already
    eventually(1000, fn -> FakeNode.tensors() == %{} end)
  end

  test "killed owners leave nothing" do
    test = self()

    pids =
      for _ <- 1..50 do
        spawn(fn ->
          tensor = Tensor.from_list!(:fake, [1, 2], :f32)
          send(test, :made)
          Process.sleep(:infinity)
          GpuNode.Client.keep(tensor)
        end)
      end

    for _ <- pids, do: assert_receive(:made)
    eventually(1000, fn -> map_size(FakeNode.tensors()) == 50 end)
    for pid <- pids, do: Process.exit(pid, :kill)
    eventually(1000, fn -> FakeNode.tensors() == %{} end)
  end

  @tag options: [heartbeat_ms: 50, collect_above_bytes: 100_000]
  test "a process that makes much collects its garbage" do
    for _ <- 1..100, do: Tensor.from_binary!(:fake, :binary.copy(<<0>>, 10_000), :u8, {10_000})
    # 10 of 10,000 bytes may be garbage, and the last is referred to no more either.
    eventually(1000, fn -> map_size(FakeNode.tensors()) <= 11 end)
  end

  test "out of memory: the caller's garbage is collected and the upload tried once more" do
    bytes = :binary.copy(<<0>>, 100_000)
    FakeNode.set(fail: {:upload_open, {:out_of_memory, "full"}})
    assert {:ok, _tensor} = Tensor.from_binary(:fake, bytes, :u8, {100_000})
    FakeNode.set(fail: {:upload_open, {:quota, "yours"}})
    assert {:error, %Error{code: :quota, message: "yours"}} = Tensor.from_binary(:fake, bytes, :u8, {100_000})
  end

  @tag options: [heartbeat_ms: 1000]
  test "every call has its deadline, and a late answer reaches nobody" do
    x = Tensor.from_list!(:fake, [1], :f32)
    {:ok, _} = GpuNode.sync(:fake)
    FakeNode.suspend()

    for call <- [
          fn -> Tensor.to_list(x, timeout: 40) end,
          fn -> GpuNode.sync(:fake, [], timeout: 40) end,
          fn -> GpuNode.stats(:fake, timeout: 40) end,
          fn -> Tensor.from_binary(:fake, :binary.copy(<<0>>, 100_000), :u8, {100_000}, timeout: 40) end
        ] do
      {us, result} = :timer.tc(call)
      assert {:error, %Error{code: :deadline}} = result
      assert us in 40_000..1_040_000
    end

    refute GpuNode.alive?(:fake, timeout: 20)
    FakeNode.resume()
    assert {:ok, [1.0]} = Tensor.to_list(x)
    Process.sleep(20)
    assert Process.info(self(), :messages) == {:messages, []}
    assert {:ok, %{waiting: 0, transfers: 0}} = GpuNode.status(:fake)
  end

  test "three heartbeats unanswered: everybody who waits gets an error, and the node is attached again" do
    x = Tensor.from_list!(:fake, [1], :f32)
    {:ok, _} = GpuNode.sync(:fake)
    FakeNode.set(silent: true)
    {us, result} = :timer.tc(fn -> Tensor.to_list(x, timeout: 5000) end)
    assert {:error, %Error{code: :node_down, message: text}} = result
    assert text =~ "heartbeats"
    assert us < 600_000
    assert {:ok, %{state: :down}} = GpuNode.status(:fake)
    assert {:error, %Error{code: :deadline}} = Tensor.from_list(:fake, [1], :f32, timeout: 60)

    FakeNode.set(silent: false)
    # The attempt that is under way has its own time-out; calls wait for it.
    assert {:ok, y} = Tensor.from_list(:fake, [5], :f32, timeout: 9000)
    assert Tensor.to_list!(y) == [5.0]
    assert {:error, %Error{code: :stale}} = Tensor.to_list(x)
    assert {:error, %Error{code: :stale, message: text}} = GpuNode.op(:fake, :add, [x, 1])
    assert text =~ ~r"is of session \d+ of .*, which is gone: make it again"
    assert Tensor.free(x) == :already
  end

  test "the node dies: an error at once, then it is attached again", %{vm: vm} do
    x = Tensor.from_list!(:fake, [1], :f32)
    {:ok, _} = GpuNode.sync(:fake)
    FakeNode.suspend()
    task = Task.async(fn -> {Tensor.to_list(x), System.monotonic_time(:millisecond)} end)
    Process.sleep(30)
    killed = System.monotonic_time(:millisecond)
    FakeNode.halt()
    {result, at} = Task.await(task)
    assert {:error, %Error{code: :node_down}} = result
    assert at - killed < 200
    FakeNode.start_vm(vm)
    FakeNode.start(incarnation: 8)
    assert {:ok, y} = Tensor.from_list(:fake, [5], :f32)
    assert y.incarnation == 8
    assert Tensor.to_list!(y) == [5.0]
  end

  test "uploads end with an error when the node goes", %{vm: vm} do
    FakeNode.suspend()
    bytes = :binary.copy(<<0>>, 3_000_000)
    task = Task.async(fn -> Tensor.from_binary(:fake, bytes, :u8, {3_000_000}, timeout: 5000) end)
    Process.sleep(30)
    FakeNode.halt()
    assert {:error, %Error{code: :node_down}} = Task.await(task)
    FakeNode.start_vm(vm)
  end

  @tag start: false, behaviour: [protocol: 3]
  test "a node of another protocol is refused with a clear error", %{fake: node} do
    assert {:error, %Error{code: :protocol_mismatch}} = GpuNode.start_link(node: node, name: :fake)
    assert GpuNode.nodes() == []
  end

  @tag start: false
  test "options are checked", %{fake: node} do
    assert {:error, %Error{code: :invalid_argument, message: text}} = GpuNode.start_link(node: node, device: 0)
    assert text =~ ":device"
    assert {:error, %Error{code: :invalid_argument}} = GpuNode.start_link(node: :nohost)
    assert {:error, %Error{code: :invalid_argument, message: text}} = GpuNode.start_link(node: node, cookie: "secret")
    refute text =~ "secret"
    assert {:error, %Error{code: :invalid_argument}} = GpuNode.start_link(node: node, timeout: -1)
  end

  test "status, memory, nodes, with_node", %{fake: node} do
    assert :fake in GpuNode.nodes()
    assert {:ok, %{state: :up, incarnation: 7, device: %{name: "fake"}, finalizer: _}} = GpuNode.status(:fake)
    _x = Tensor.from_list!(:fake, [1, 2], :f32)
    {:ok, _} = GpuNode.sync(:fake)
    assert {:ok, %{live_bytes: 8}} = GpuNode.memory(:fake)
    assert {:ok, us} = GpuNode.ping(:fake)
    assert is_integer(us)
    assert {:error, {:already_started, _}} = GpuNode.start_link(node: node, name: :fake)
    assert {:error, %Error{code: :invalid_argument, message: text}} = GpuNode.start_link(node: node, name: :again)
    assert text =~ "as :fake"
    stop_supervised(GpuNode)
    GpuNode.stop(:fake)
    assert GpuNode.with_node([node: node, name: :fake2], fn name -> GpuNode.alive?(name) end)
    refute :fake2 in GpuNode.nodes()
  end

  test "events, where the telemetry library is", %{vm: vm} do
    defmodule :telemetry do
      def execute(event, measurements, metadata),
        do: if(pid = Process.whereis(:telemetry_test), do: send(pid, {:event, event, measurements, metadata}))
    end

    Process.register(self(), :telemetry_test)
    x = Tensor.from_binary!(:fake, :binary.copy(<<0>>, 100_000), :u8, {100_000})
    assert_receive {:event, [:gpu_node, :transfer, :upload], %{bytes: 100_000, duration: _}, %{result: :ok}}
    Tensor.to_binary!(x)
    assert_receive {:event, [:gpu_node, :transfer, :download], %{bytes: 100_000}, %{result: :ok}}
    {:ok, _} = GpuNode.sync(:fake, [x])
    assert_receive {:event, [:gpu_node, :request, :stop], %{execute_us: 2}, %{request: :sync, result: :ok}}
    {:ok, _} = GpuNode.memory(:fake)
    assert_receive {:event, [:gpu_node, :memory], %{live_bytes: 100_000}, _}
    FakeNode.halt()
    assert_receive {:event, [:gpu_node, :node, :down], %{waiting: _}, %{name: :fake, reason: :node_down}}, 2000
    FakeNode.start_vm(vm)
    FakeNode.start()
    assert_receive {:event, [:gpu_node, :node, :up], %{incarnation: 7}, %{device: %{name: "fake"}}}, 5000
  after
    :code.purge(:telemetry)
    :code.delete(:telemetry)
  end

  test "a process that crashes says nothing of the cookie", %{fake: node} do
    GpuNode.stop(:fake)
    cookie = Node.get_cookie()
    {:ok, pid} = GpuNode.start_link(node: node, name: :fake, cookie: cookie)

    log =
      ExUnit.CaptureLog.capture_log(fn ->
        {:ok, link} = GpuNode.Link.fetch(:fake)
        GenServer.stop(link.pid, :oops)
        Process.sleep(100)
      end)

    assert log =~ "oops"
    refute log =~ Atom.to_string(cookie)
    assert {:ok, _} = Tensor.from_list(:fake, [1], :f32)
    Process.unlink(pid)
    GpuNode.stop(:fake)
  end

  test "a hundred callers at once" do
    results =
      1..100
      |> Task.async_stream(
        fn i ->
          x = Tensor.from_list!(:fake, [i], :f32)
          Enum.reduce(1..20, x, fn _, t -> Ops.add(t, 1) end) |> Tensor.to_list!()
        end,
        max_concurrency: 100
      )
      |> Enum.map(fn {:ok, [v]} -> v end)

    assert results == Enum.map(1..100, &(&1 + 20.0))
  end
end

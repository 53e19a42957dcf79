defmodule GpuNode.SupervisionTest do
  # Every process of a node stands in its supervision tree, whatever the node does, and none is left when it has been stopped. Against a
  # fake node on another VM.
  use GpuNode.FakeCase, async: false
  import GpuNode.NodeCase, only: [eventually: 1]
  alias GpuNode.{Attachments, Client, Error, FakeNode, Link, Pressure, Session, Tensor, Tree}

  @group [Session.Supervisor]
  @tasks @group ++ [Task.Supervisor]

  defp bytes, do: :binary.copy(<<0>>, 3_000_000)

  defp tasks, do: for({@tasks ++ _, pid} <- Tree.of(:fake), pid != Tree.pid(:fake, @tasks), do: pid)

  test "the tree, as ARCHITECTURE.md draws it" do
    assert [
             {[], _},
             {@group, _},
             {@tasks, _},
             {[Session.Supervisor, Attachments], _},
             {[Session.Supervisor, Pressure], _},
             {[Session.Supervisor, Session], session}
           ] = Tree.of(:fake)

    assert {:ok, %{pid: ^session}} = Link.fetch(:fake)
    assert [{[], _}, {[GpuNode.Registry], _} | rest] = Tree.shared()
    assert [GpuNode.Flusher.Tasks, GpuNode.Flusher] = for({[id], _} <- rest, do: id)
    assert Tree.strays() == []
  end

  test "a process of its own is seen by these tests" do
    {:ok, link} = Link.fetch(:fake)
    FakeNode.suspend()
    deadline = System.monotonic_time(:millisecond) + 5000
    by_name = spawn(Client, :request, [link, nil, deadline, :stats])
    by_function = spawn(fn -> Client.request(link, nil, deadline, :stats) end)

    eventually(fn ->
      Enum.sort(Keyword.keys(pairs(Tree.strays()))) == Enum.sort(names([by_name, by_function]))
    end)

    FakeNode.resume()
  end

  defp pairs(strays), do: for({pid, why} <- strays, do: {:"#{inspect(pid)}", why})
  defp names(pids), do: for(pid <- pids, do: :"#{inspect(pid)}")

  test "a transfer is in it, and goes with its caller" do
    FakeNode.suspend()
    caller = spawn(fn -> Tensor.from_binary(:fake, bytes(), :u8, {3_000_000}, timeout: 60_000) && :done end)
    eventually(fn -> length(tasks()) == 1 end)
    assert [transfer] = tasks()
    assert Tree.strays() |> List.keydelete(caller, 0) == []
    assert {:ok, %{transfers: 1}} = GpuNode.status(:fake)
    Process.exit(caller, :kill)
    eventually(fn -> not Process.alive?(transfer) end)
    eventually(fn -> match?({:ok, %{transfers: 0, waiting: 0}}, GpuNode.status(:fake)) end)
    FakeNode.resume()
    assert tasks() == []
  end

  test "a transfer that fails ends nothing but itself" do
    FakeNode.suspend()
    task = Task.async(fn -> Tensor.from_binary(:fake, bytes(), :u8, {3_000_000}, timeout: 5000) end)
    eventually(fn -> length(tasks()) == 1 end)
    before = Tree.of(:fake) |> Enum.reject(fn {_, pid} -> pid in tasks() end)
    for pid <- tasks(), do: Process.exit(pid, :kill)
    assert {:error, %Error{code: :node_down, message: text}} = Task.await(task)
    assert text =~ "killed"
    FakeNode.resume()
    assert {:ok, _} = Tensor.from_list(:fake, [1], :f32)
    assert Tree.of(:fake) == before
  end

  @tag options: [finalizer: :sweep, heartbeat_ms: 50]
  test "nobody but supervisors spawns: transfers, sweeps, lost connections, attempts", %{vm: vm} do
    traced = for {_path, pid} <- Enum.concat(Tree.of(:fake), Tree.shared()), do: pid
    supervisors = [Tree.pid(:fake, @tasks), Process.whereis(GpuNode.Flusher.Tasks)]
    trace(traced, true)
    assert {:ok, x} = Tensor.from_binary(:fake, bytes(), :u8, {3_000_000})
    assert Tensor.to_binary!(x) == bytes()
    {:ok, link} = Link.fetch(:fake)
    :ok = GenServer.call(link.pid, :sweep)
    assert GpuNode.Flusher.flush(node(), link.node, Link.get(link, :session), deadline()) == :ok
    FakeNode.set(silent: true)
    eventually(fn -> match?({:ok, %{state: :down}}, GpuNode.status(:fake)) end)
    FakeNode.halt()
    FakeNode.start_vm(vm)
    FakeNode.start()
    assert {:ok, _} = Tensor.from_list(:fake, [1], :f32, timeout: 9000)
    assert Tree.strays() == []

    trace(traced, false)
    {expected, others} = Enum.split_with(spawned(), fn {pid, _what} -> pid in supervisors end)
    assert others == []
    # It is seen when they do: an upload, a download, two sweeps, a flush, two disconnections, an attempt.
    assert length(expected) >= 8
  end

  defp trace(pids, on?), do: Enum.each([self() | pids], &:erlang.trace(&1, on?, [:procs]))

  defp deadline, do: System.monotonic_time(:millisecond) + 1000

  defp spawned do
    receive do
      {:trace, pid, :spawn, _new, what} -> [{pid, what} | spawned()]
      {:trace, _pid, _event, _about} -> spawned()
      {:trace, _pid, _event, _about, _more} -> spawned()
    after
      0 -> []
    end
  end

  @tag options: [heartbeat_ms: 50]
  test "an attempt to connect is in it, and so is what waits for a lost connection" do
    FakeNode.set(silent: true)
    eventually(fn -> match?({:ok, %{state: :down}}, GpuNode.status(:fake)) end)

    for _ <- 1..20 do
      eventually(fn -> tasks() != [] end)
      assert Tree.strays() == []
      Process.sleep(10)
    end

    FakeNode.set(silent: false)
    assert {:ok, _} = Tensor.from_list(:fake, [1], :f32, timeout: 9000)
    eventually(fn -> tasks() == [] end)
  end

  test "the four of a session begin and end together" do
    for id <- [Attachments, Pressure, Task.Supervisor] do
      before = Tree.of(:fake)
      Process.exit(Tree.pid(:fake, @group ++ [id]), :kill)
      eventually(fn -> replaced?(before) end)
      assert {:ok, x} = Tensor.from_list(:fake, [1], :f32)
      assert {:ok, [1.0]} = Tensor.to_list(x)
      assert {:ok, _} = Tensor.from_binary(:fake, bytes(), :u8, {3_000_000})
      assert Tree.strays() == []
    end
  end

  # Whether each process of the tree but its root has one in its place by now. Tasks, which have no id, come and go.
  defp replaced?(before) do
    now = Tree.of(:fake)

    Enum.all?(before, fn {path, pid} ->
      path == [] or :undefined in path or
        Enum.any?(now, fn {other, at} -> other == path and at != pid and Process.alive?(at) end)
    end)
  catch
    :exit, _ -> false
  end

  test "the fourth end within half a minute is the node's" do
    {_, node} = hd(Tree.of(:fake))
    monitor = Process.monitor(node)

    for _ <- 1..3 do
      before = Tree.of(:fake)
      Process.exit(Tree.pid(:fake, @group ++ [Session]), :kill)
      eventually(fn -> replaced?(before) end)
    end

    Process.exit(Tree.pid(:fake, @group ++ [Session]), :kill)
    assert_receive {:DOWN, ^monitor, _, _, :shutdown}, 1000
    assert Tree.strays() == []
  end

  test "when it is stopped nothing is left, whatever it was doing" do
    FakeNode.suspend()
    uploads = for _ <- 1..3, do: Task.async(fn -> Tensor.from_binary(:fake, bytes(), :u8, {3_000_000}) end)
    eventually(fn -> length(tasks()) == 3 end)
    tree = Tree.of(:fake)
    GpuNode.stop(:fake)
    for {path, pid} <- tree, do: refute(Process.alive?(pid), inspect(path))
    for upload <- uploads, do: assert({:error, %Error{code: :node_down}} = Task.await(upload))
    assert Tree.strays() == []
    FakeNode.resume()
  end
end

defmodule GpuNode.LocalSupervisionTest do
  # The supervision tree of a local node while its OS process dies and comes back, and when it is stopped.
  use GpuNode.NodeCase, async: false
  alias GpuNode.{Tree, Worker}

  setup do
    name = unique("tree")
    {:ok, pid} = GpuNode.start_link([name: name] ++ device())
    Process.unlink(pid)
    on_exit(fn -> GpuNode.stop(name) end)
    {:ok, name: name}
  end

  defp upload(name) do
    bytes = :binary.copy(<<0>>, 64_000_000)
    # None is kept, so that their memory serves again and most of the time goes into sending.
    spawn_link(fn -> Enum.each(Stream.cycle([1]), fn _ -> Tensor.from_binary(name, bytes, :u8, {64_000_000}) end) end)
  end

  # Stops the OS process at a moment when a task is in the middle of a send: where all wait for an answer, it goes on for a while.
  defp stop_in_send(name, tasks) do
    in_send? = fn -> Enum.any?(tasks.(), &(Process.info(&1, :status) == {:status, :suspended})) end

    eventually(20_000, fn ->
      signal(name, "STOP")
      stuck? = Enum.any?(1..100, fn _ -> in_send?.() || (Process.sleep(5) && false) end)
      # Long enough for the memory of some tensors.
      unless stuck?, do: signal(name, "CONT") && Process.sleep(150)
      stuck?
    end)
  end

  defp lasting(name), do: for({path, pid} <- Tree.of(name), length(path) < 3, do: {path, pid})

  test "the OS process is killed: the tree stays, and nothing is beside it at any time", %{name: name} do
    assert [{[], _}, {[Worker], _}, {[GpuNode.Session.Supervisor], _} | _four] = before = lasting(name)
    assert length(before) == 7
    uploader = upload(name)
    eventually(fn -> length(Tree.of(name)) > 7 end)

    for _ <- 1..2 do
      %{os_pid: os_pid, incarnation: incarnation} = status!(name)
      signal(name, "KILL")

      eventually(10_000, fn ->
        assert List.keydelete(Tree.strays(), uploader, 0) == []
        match?(%{state: :up, incarnation: now} when now != incarnation, status!(name))
      end)

      refute os_alive?(os_pid)
      assert lasting(name) == before
    end

    Process.unlink(uploader)
    Process.exit(uploader, :kill)
    eventually(fn -> Tree.of(name) == before end)
    assert [2.0] = name |> Tensor.from_list!([1], :f32) |> Ops.add(1) |> Tensor.to_list!()
  end

  test "a transfer that is stuck in a send goes with its caller, and with its node", %{name: name} do
    for how <- [:caller, :node] do
      # Together they have more on the way, 4 MiB each, than sockets hold.
      uploaders = for _ <- 1..12, do: upload(name)
      eventually(fn -> length(Tree.of(name)) > 13 end)
      tasks = fn -> for {path, pid} <- Tree.of(name), length(path) == 3, do: pid end
      stop_in_send(name, tasks)
      Enum.each(uploaders, &Process.unlink/1)
      if how == :caller, do: Enum.each(uploaders, &Process.exit(&1, :kill)), else: signal(name, "KILL")
      stuck = tasks.()
      eventually(fn -> not Enum.any?(stuck, &Process.alive?/1) end)
      Enum.each(uploaders, &Process.exit(&1, :kill))
      signal(name, "CONT")
      eventually(10_000, fn -> match?({:ok, [1.0]}, name |> Tensor.from_list!([1], :f32) |> Tensor.to_list()) end)
    end
  end

  test "the worker is killed: all but the supervisor begin anew", %{name: name} do
    [{[], supervisor} | before] = lasting(name)
    %{os_pid: os_pid} = status!(name)
    Process.exit(Tree.pid(name, [Worker]), :kill)
    eventually(10_000, fn -> match?({:ok, %{state: :up, os_pid: now}} when now != os_pid, GpuNode.status(name)) end)
    assert [{[], ^supervisor} | now] = lasting(name)
    assert length(now) == 6
    for {path, pid} <- before, do: refute({path, pid} in now)
    assert Tree.strays() == []
    eventually(fn -> not os_alive?(os_pid) end)
  end

  test "when it is stopped nothing is left, here or of the OS", %{name: name} do
    uploader = upload(name)
    eventually(fn -> length(Tree.of(name)) > 7 end)
    tree = Tree.of(name)
    %{os_pid: os_pid} = status!(name)
    Process.unlink(uploader)
    GpuNode.stop(name)
    Process.exit(uploader, :kill)
    for {path, pid} <- tree, do: refute(Process.alive?(pid), inspect(path))
    assert List.keydelete(Tree.strays(), uploader, 0) == []
    refute os_alive?(os_pid)
  end
end

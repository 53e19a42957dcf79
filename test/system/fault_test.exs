defmodule GpuNode.System.FaultTest do
  # Crash, hang and loss: typed errors by the caller's deadline, and the node serves again.
  use ExUnit.Case
  import GpuNode.SystemCase
  alias GpuNode.{Error, Ops, Tensor}

  defp start_local do
    name = :"local#{System.unique_integer([:positive])}_#{System.pid()}"
    device = if device = System.get_env("GPU_NODE_TEST_DEVICE"), do: [device: device], else: []
    {:ok, pid} = GpuNode.start_link([name: name] ++ device)
    on_exit(fn -> Process.exit(pid, :shutdown) end)
    name
  end

  defp works?(gpu), do: match?({:ok, [3.0]}, add(gpu))

  defp add(gpu) do
    with {:ok, x} <- Tensor.from_binary(gpu, <<1.0::float-32-little>>, {:f, 32}, {1}, timeout: 5_000),
         do: Tensor.to_list(Ops.add(x, 2.0), timeout: 5_000)
  end

  test "kill -9: a typed error within 200 ms, the next op within 2 s, the BEAM goes on" do
    gpu = start_local()
    assert works?(gpu)
    {uptime, _} = :erlang.statistics(:wall_clock)

    times =
      for round <- 1..10 do
        {:ok, %{os_pid: os_pid}} = GpuNode.status(gpu)
        {:ok, x} = Tensor.from_binary(gpu, :binary.copy(<<0>>, 4_000_000), {:f, 32}, {1000, 1000})
        parent = self()

        caller =
          spawn(fn ->
            # Work that is still running when the node dies.
            result =
              Enum.reduce_while(Stream.cycle([1]), x, fn _, acc ->
                case Tensor.to_binary(Ops.dot(acc, x, contract_left: [1], contract_right: [0]), timeout: 30_000) do
                  {:ok, _} -> {:cont, acc}
                  error -> {:halt, error}
                end
              end)

            send(parent, {:caller, System.monotonic_time(:microsecond), result})
          end)

        Process.sleep(20 + round * 7)
        killed = System.monotonic_time(:microsecond)
        signal(os_pid, "KILL")
        assert_receive {:caller, at, {:error, %Error{} = error}}, 1_000
        refute Process.alive?(caller)
        assert error.code in [:node_down, :stale]
        {again, worked} = timed(fn -> eventually(fn -> works?(gpu) end, 3_000) end)
        assert worked
        assert {:error, %Error{code: :stale}} = Tensor.to_binary(x)
        {(at - killed) / 1000, again}
      end

    {errors, restarts} = Enum.unzip(times)

    IO.puts(
      "\n  10 kills: error after #{Float.round(median(errors), 1)} ms (worst #{Float.round(Enum.max(errors), 1)}), next op after #{round(median(restarts))} ms (worst #{round(Enum.max(restarts))})"
    )

    # The worst one is printed and not asserted: other work on the machine decides when the dying process gets its turn.
    assert median(errors) < 200
    assert median(restarts) < 2_000
    assert elem(:erlang.statistics(:wall_clock), 0) > uptime
  end

  test "SIGSTOP with 64 MB pending: every caller has its error by its own deadline plus 1 s; SIGCONT heals" do
    node = start_binary()
    gpu = attach(node)
    assert works?(gpu)
    data = :binary.copy(<<5>>, 64_000_000)
    x = tensor(gpu, [1.0, 2.0])
    signal(node, "STOP")

    callers = [
      {2_000, fn -> Tensor.from_binary(gpu, data, {:u, 8}, {64_000_000}, timeout: 2_000) end},
      {1_000, fn -> Tensor.to_binary(x, timeout: 1_000) end},
      {3_000, fn -> Tensor.to_binary(Ops.add(x, 1.0), timeout: 3_000) end},
      {1_500, fn -> Tensor.from_binary(gpu, data, {:u, 8}, {64_000_000}, timeout: 1_500) end}
    ]

    results =
      callers
      |> Enum.map(fn {deadline, fun} -> Task.async(fn -> {deadline, timed(fun)} end) end)
      |> Task.await_many(20_000)

    for {deadline, {ms, result}} <- results do
      assert {:error, %Error{code: code}} = result
      assert code in [:deadline, :node_down, :stale]
      assert ms <= deadline + 1_000, "a caller with #{deadline} ms waited #{ms} ms"
    end

    IO.puts(
      "\n  callers with deadlines #{inspect(for {d, _} <- results, do: d)} ms waited #{inspect(for {_, {ms, _}} <- results, do: round(ms))} ms"
    )

    # Nobody is left suspended on the connection.
    assert eventually(fn -> Enum.all?(Process.list(), &(Process.info(&1, :status) != {:status, :suspended})) end, 8_000)
    signal(node, "CONT")
    {ms, healed} = timed(fn -> eventually(fn -> works?(gpu) end, 15_000) end)
    assert healed
    IO.puts("  healed #{round(ms)} ms after SIGCONT")
  end

  test "a hung dispatch and a lost device end the process with 75; a supervised one is back" do
    hang = start_binary(env: [{"GPU_NODE_FAULT", "hang:2"}], args: ["--watchdog-ms", "1500"])
    gpu = attach(hang)
    {ms, result} = timed(fn -> for _ <- 1..3, do: add(gpu) end)
    assert Enum.any?(result, &match?({:error, %Error{}}, &1))
    assert ms < 12_000
    assert wait_exit(hang) == 75

    lost = start_binary(env: [{"GPU_NODE_FAULT", "device_lost:2"}])
    gpu = attach(lost)
    assert Enum.any?(for(_ <- 1..3, do: add(gpu)), &match?({:error, %Error{}}, &1))
    assert wait_exit(lost) == 75
  end

  test "an error is deferred to the read and names op, shapes and types" do
    node = start_binary()
    gpu = attach(node)
    {:ok, x} = Tensor.from_binary(gpu, <<0::96>>, {:f, 32}, {3})
    y = %{tensor(gpu, [1.0, 2.0]) | shape: {3}}
    bad = Ops.add(x, y)
    assert {:error, %Error{} = error} = Tensor.to_binary(Ops.exp(bad))
    assert error.message =~ "add"
    assert error.message =~ "f32{3}" and error.message =~ "f32{2}"
    assert works?(gpu)
  end
end

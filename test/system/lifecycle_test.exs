defmodule GpuNode.System.LifecycleTest do
  # Memory returns to its baseline when its owners are gone; racing owners get right results.
  use ExUnit.Case
  import GpuNode.SystemCase
  alias GpuNode.{Ops, Tensor}

  @mib 1024 * 1024

  setup do
    node = start_binary()
    gpu = attach(node)
    # The first op of each kind makes kernels and staging; the baseline is after them.
    assert {:ok, _} = Tensor.to_list(Ops.add(tensor(gpu, [1.0, 2.0]), 1.0))
    :erlang.garbage_collect()
    assert eventually(fn -> live_bytes(node) == 0 end)
    %{node: node, gpu: gpu}
  end

  test "200 killed owners of 1 MiB each leave nothing", %{node: node, gpu: gpu} do
    parent = self()

    owners =
      for _ <- 1..200 do
        spawn(fn ->
          {:ok, tensor} = Tensor.from_binary(gpu, :binary.copy(<<7>>, @mib), {:u, 8}, {@mib})
          send(parent, {:holds, self()})
          Process.sleep(:infinity)
          Tensor.to_binary(tensor)
        end)
      end

    for owner <- owners, do: assert_receive({:holds, ^owner}, 60_000)
    held = live_bytes(node)
    assert held >= 200 * @mib
    for owner <- owners, do: Process.exit(owner, :kill)
    assert eventually(fn -> live_bytes(node) == 0 end)
    IO.puts("\n  200 owners held #{div(held, @mib)} MiB; after their death #{live_bytes(node)} bytes are live")
  end

  test "6,000 allocate and free cycles stay at the high-water mark of one", %{node: node, gpu: gpu} do
    cycle = fn ->
      {:ok, tensor} = Tensor.from_binary(gpu, :binary.copy(<<1>>, 48 * 1024), {:u, 8}, {48 * 1024})
      :ok = Tensor.free(tensor)
    end

    cycle.()
    assert eventually(fn -> live_bytes(node) == 0 end)
    before = stats(node).memory
    for _ <- 1..6_000, do: cycle.()
    assert eventually(fn -> live_bytes(node) == 0 end)
    after_all = stats(node).memory
    IO.puts("\n  6,000 cycles: peak #{before.peak_bytes} bytes after one, #{after_all.peak_bytes} after all")
    # Frees may lag by the pipeline's depth: at most the queue's worth of one size class, not of 6,000.
    assert after_all.peak_bytes - before.peak_bytes <= 64 * 64 * 1024
  end

  test "100 processes racing ops all read right results, and no validation message comes", %{node: node, gpu: gpu} do
    tasks =
      for seed <- 1..100 do
        Task.async(fn ->
          values = for i <- 1..50, do: seed * 1.0 + i
          start = tensor(gpu, values)
          result = Enum.reduce(1..20, start, fn k, acc -> Ops.multiply(Ops.add(acc, k), 0.5) end)
          expected = Enum.map(values, fn v -> Enum.reduce(1..20, v, fn k, acc -> (acc + k) * 0.5 end) end)
          {:ok, got} = Tensor.to_list(result)
          Enum.zip(got, expected) |> Enum.all?(fn {a, b} -> abs(a - b) <= 1.0e-4 * abs(b) end)
        end)
      end

    assert tasks |> Task.await_many(60_000) |> Enum.all?()
    assert stats(node).counters.validation_messages == 0
  end

  test "a lost BEAM node and a dead session give everything back", %{node: node} do
    peer = start_peer()

    held =
      :peer.call(peer.peer, GpuNode.SystemCase.Remote, :hold, [node.name, 20, @mib], 30_000)

    assert held == 20
    assert eventually(fn -> live_bytes(node) >= 20 * @mib end)
    pid = :peer.call(peer.peer, System, :pid, [])
    signal(String.to_integer(pid), "KILL")
    assert eventually(fn -> live_bytes(node) == 0 end)
  end

  test "collected tensors are freed without anybody asking", %{node: node, gpu: gpu} do
    {pid, monitor} =
      spawn_monitor(fn ->
        for _ <- 1..50, do: {:ok, _} = Tensor.from_binary(gpu, :binary.copy(<<1>>, 4096), {:u, 8}, {4096})
        :erlang.garbage_collect()
        receive do: (:stop -> :ok)
      end)

    assert eventually(fn -> live_bytes(node) <= 2 * 4096 end)
    send(pid, :stop)
    assert_receive {:DOWN, ^monitor, _, _, _}
    assert eventually(fn -> live_bytes(node) == 0 end)
  end

  test "two BEAM nodes use one GPU node at once, each with its own session", %{node: node, gpu: gpu} do
    peer = start_peer()
    assert :peer.call(peer.peer, GpuNode.SystemCase.Remote, :add, [node.name, 1.0, 2.0], 30_000) == {:ok, [3.0]}
    assert {:ok, [3.0]} = Tensor.to_list(Ops.add(tensor(gpu, [1.0]), 2.0))
    assert length(stats(node).sessions) == 2
  end
end

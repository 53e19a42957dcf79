defmodule GpuNode.Bench do
  use ExUnit.Case
  import GpuNode.SystemCase
  alias GpuNode.{Ops, Tensor}

  setup do
    # Times are of the node as people run it: without the validation layer.
    node = start_binary(validation: false)
    gpu = attach(node)
    x = tensor(gpu, [1.0, 2.0, 3.0])
    {:ok, _} = Tensor.to_list(Ops.add(x, 1.0))
    {:ok, _} = GpuNode.sync(gpu)
    %{node: node, gpu: gpu, x: x}
  end

  defp figure(label, text), do: IO.puts("  #{String.pad_trailing(label, 58)} #{text}")
  defp us(value), do: "#{:erlang.float_to_binary(value * 1.0, decimals: 2)} µs"

  test "eager ops: what one costs its caller, and what it costs the node", %{
    node: node,
    gpu: gpu,
    x: x
  } do
    count = 100_000
    issue = fn n -> Enum.reduce(1..n, nil, fn _, _ -> Ops.add(x, 1.0) end) end
    last = issue.(10_000)
    {:ok, _} = GpuNode.sync(gpu, [last], timeout: 60_000)
    before = stats(node).counters
    cpu_before = cpu_seconds(node)

    # As many as wait in the client without holding anybody back.
    few = div(GpuNode.Client.max_queued(), 2)
    {few_ms, last} = timed(fn -> issue.(few) end)
    {:ok, _} = GpuNode.sync(gpu, [last], timeout: 60_000)
    {ms, last} = timed(fn -> issue.(count) end)
    {done_ms, {:ok, _}} = timed(fn -> GpuNode.sync(gpu, [last], timeout: 120_000) end)
    {:ok, [2.0, 3.0, 4.0]} = Tensor.to_list(last)
    later = stats(node).counters
    cpu_later = cpu_seconds(node)

    instructions = later.instructions - before.instructions
    assert instructions >= count

    spent =
      for key <- [:decode_ns, :validate_ns, :record_ns],
          do: {key, (later[key] - before[key]) / instructions}

    cpu =
      for {thread, seconds} <- cpu_later,
          do: {thread, (seconds - Map.get(cpu_before, thread, 0)) * 1.0e6 / instructions}

    busiest = cpu |> Keyword.values() |> Enum.max()
    figure("one eager op costs its caller", us(few_ms * 1000 / few))

    figure(
      "#{count} eager ops, issued and done",
      "#{round(ms + done_ms)} ms, #{round(count / (ms + done_ms))}k ops/s"
    )

    total = spent |> Keyword.values() |> Enum.sum()

    figure(
      "to decode, validate and record one, by the node's counters",
      "#{Enum.map_join(spent, ", ", fn {k, ns} -> "#{k} #{round(ns)}" end)}: #{round(1.0e6 / total)}k instructions/s"
    )

    # The device thread's has all that comes with it: submission, the driver's clearing up, frees, acknowledgements.
    figure(
      "processor time per instruction, everything included",
      Enum.map_join(cpu, ", ", fn {thread, us} -> "#{thread} thread #{us(us)}" end) <>
        ": #{round(1000 / busiest)}k instructions/s"
    )

    assert few_ms * 1000 / few <= 5.0
    assert 1.0e9 / total >= 300_000
  end

  test "fifty processes get as much done as one", %{gpu: gpu, x: x} do
    total = 50_000

    rate = fn processes ->
      each = div(total, processes)

      {ms, sums} =
        timed(fn ->
          1..processes
          |> Enum.map(fn _ ->
            Task.async(fn ->
              Enum.reduce(1..each, x, fn _, sum -> Ops.add(sum, 1.0) end)
              |> Tensor.to_list!(timeout: 120_000)
            end)
          end)
          |> Task.await_many(200_000)
        end)

      assert Enum.uniq(sums) == [[1.0 + each, 2.0 + each, 3.0 + each]]
      {:ok, _} = GpuNode.sync(gpu)
      total / ms
    end

    {rate.(1), rate.(50)}
    rounds = for _ <- 1..9, do: {rate.(1), rate.(50)}
    share = median(for {one, fifty} <- rounds, do: fifty / one)

    figure(
      "eager ops of one process, and of fifty",
      "#{round(median(Enum.map(rounds, &elem(&1, 0))))}k ops/s, #{round(median(Enum.map(rounds, &elem(&1, 1))))}k ops/s: #{Float.round(share * 100, 1)} %"
    )

    assert share >= 0.9
  end

  test "a chain of 1,000 dependent adds is at most 4 submits", %{node: node, x: x} do
    before = stats(node).counters

    {ms, {:ok, [1001.0, 1002.0, 1003.0]}} =
      timed(fn ->
        Enum.reduce(1..1000, x, fn _, acc -> Ops.add(acc, 1.0) end) |> Tensor.to_list()
      end)

    later = stats(node).counters

    figure(
      "1,000 dependent eager adds and the read",
      "#{Float.round(ms, 1)} ms, #{later.submits - before.submits} submits, #{later.dispatches - before.dispatches} dispatches"
    )

    assert later.submits - before.submits <= 4
    assert later.dispatches - before.dispatches == 1000
  end

  test "round trips", %{node: node, gpu: gpu, x: x} do
    for {label, fun} <- [
          {"empty call (ping), raw GenServer.call", fn -> :pong = call(node, :ping) end},
          {"empty call through the client", fn -> {:ok, _} = GpuNode.ping(gpu) end},
          {"tiny op with read-back", fn -> {:ok, _} = Tensor.to_list(Ops.add(x, 1.0)) end}
        ] do
      for _ <- 1..200, do: fun.()
      times = for(_ <- 1..3000, do: elem(timed(fun), 0) * 1000) |> Enum.sort()
      figure(label, "p50 #{us(Enum.at(times, 1500))}, p99 #{us(Enum.at(times, 2970))}")
    end
  end

  test "bulk transfers", %{gpu: gpu} do
    for mib <- [1, 16, 256] do
      size = mib * 1024 * 1024
      data = :crypto.strong_rand_bytes(1024 * 1024) |> :binary.copy(mib)

      rounds =
        for _ <- 1..5 do
          {up, {:ok, tensor}} =
            timed(fn -> Tensor.from_binary(gpu, data, {:u, 8}, {size}, timeout: 60_000) end)

          {down, {:ok, back}} = timed(fn -> Tensor.to_binary(tensor, timeout: 60_000) end)
          assert back == data
          Tensor.free(tensor)
          :erlang.garbage_collect()
          {up, down}
        end

      {up, down} = Enum.unzip(rounds)
      rate = fn times -> size / median(times) / 1.0e6 end

      figure(
        "#{mib} MiB",
        "up #{Float.round(rate.(up), 2)} GB/s, down #{Float.round(rate.(down), 2)} GB/s (medians of 5)"
      )

      if mib == 256 do
        assert rate.(up) >= 3.0
        assert rate.(down) >= 1.5
      end
    end
  end
end

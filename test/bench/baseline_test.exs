defmodule GpuNode.BaselineBench do
  @moduledoc """
  This build beside an earlier one, on the same machine in the same run, spoken to in terms: what does not depend on the client. The
  earlier binary is named by GPU_NODE_BASELINE; without it only this build's figures are printed.
  """
  use ExUnit.Case
  import GpuNode.SystemCase

  @rounds 9
  @per_message 64
  @messages 400
  @steps 200
  @runs 300

  setup do
    now = start_binary(validation: false)
    before = if path = System.get_env("GPU_NODE_BASELINE"), do: start_binary(validation: false, binary: path)
    %{nodes: for({label, node} when node != nil <- [now: now, before: before], do: {label, open(node)})}
  end

  # A session of this process, with tensor 1 of three numbers; ids that were given are counted in the process's dictionary.
  defp open(node) do
    {:ok, %{session: session}} = call(node, {:open, self(), %{}})
    node = Map.put(node, :session, session)

    send(
      {:gpu_node, node.name},
      {:run, session, 0, [{:alloc, 1, :f32, {3}, <<1.0::float-32-little, 2.0::float-32-little, 3.0::float-32-little>>}]}
    )

    {:ok, _} = sync(node, [1])
    Process.put(session, 1_000)
    node
  end

  defp ids(%{session: session}, count) do
    first = Process.get(session)
    Process.put(session, first + count)
    Enum.to_list(first..(first + count - 1))
  end

  defp sync(node, ids), do: call(node, {:sync, node.session, ids, %{}}, 60_000) |> then(&{elem(&1, 0), &1})

  # Sends messages as a client does, a few of them unacknowledged, and waits until all is done.
  defp deliver(node, messages) do
    for {commands, seq} <- Enum.with_index(messages, 1) do
      send({:gpu_node, node.name}, {:run, node.session, seq, commands})
      if rem(seq, 16) == 0, do: acknowledged(node, seq)
    end

    {:ok, _} = sync(node, [])
  end

  defp acknowledged(%{session: session} = node, seq) do
    receive do
      {:gpu_node_ack, ^session, ^seq} -> :ok
      {:gpu_node_ack, ^session, _earlier} -> acknowledged(node, seq)
    end
  end

  # Nanoseconds by the node's counters, and of its threads' processor time, that |fun| took for each of |count|.
  defp cost(node, count, fun) do
    {counters, cpu} = {stats(node).counters, cpu_seconds(node)}
    fun.()
    {later, cpu_later} = {stats(node).counters, cpu_seconds(node)}
    counted = for key <- [:decode_ns, :validate_ns, :record_ns], do: later[key] - counters[key]
    spent = for {thread, seconds} <- cpu_later, do: seconds - Map.get(cpu, thread, 0)
    %{counted: Enum.sum(counted) / count, threads: Enum.sum(spent) * 1.0e9 / count}
  end

  # Rounds of both builds in turns, so that whatever else the machine does hits both alike; the medians of what they took, and of how
  # many times as long the earlier one did in the same round.
  defp compare(nodes, label, unit, count, fun) do
    for {_, node} <- nodes, do: fun.(node)

    rounds =
      for _ <- 1..@rounds, do: Map.new(nodes, fn {build, node} -> {build, cost(node, count, fn -> fun.(node) end)} end)

    for {key, what} <- [counted: "by the counters", threads: "by the threads' processor time"], into: %{} do
      label = String.pad_trailing("#{label}, #{what}", 66)
      took = fn build -> Float.round(median(for round <- rounds, do: round[build][key]) / 1000, 2) end

      if nodes[:before] do
        ratio = median(for round <- rounds, do: round.before[key] / round.now[key])

        IO.puts(
          "  #{label} #{took.(:now)} µs #{unit}, before #{took.(:before)}: #{Float.round(ratio, 2)} times as fast"
        )

        {key, ratio}
      else
        IO.puts("  #{label} #{took.(:now)} µs #{unit}")
        {key, nil}
      end
    end
  end

  test "an eager instruction: decode, infer and record", %{nodes: nodes} do
    ratio =
      compare(nodes, "an eager add", "each", @per_message * @messages, fn node ->
        made = ids(node, @per_message * @messages)

        messages =
          for chunk <- Enum.chunk_every(made, @per_message),
              do: for(id <- chunk, do: {:add, [{id, :f32, {3}}], [1, {:f32, 1.0}], %{}})

        frees = for chunk <- Enum.chunk_every(made, 4096), do: [{:free, chunk}]
        deliver(node, messages ++ frees)
      end)

    if ratio.counted, do: assert(ratio.counted >= 1.5)
  end

  test "a program of #{@steps} instructions, run again", %{nodes: nodes} do
    # Sums and products of one tensor, each of the value before.
    steps = fn result, input ->
      for i <- 1..@steps do
        op = if rem(i, 2) == 0, do: :add, else: :multiply
        operand = if i == 1, do: input, else: 1 - i
        {op, [{if(i == @steps, do: result, else: -i), :f32, {3}}], [operand, {:f32, 1.0}], %{}}
      end
    end

    for {:now, node} <- nodes do
      compiled = {:compile_program, 2, [{:f32, {3}}], steps.(-@steps, 0), [-@steps], []}
      send({:gpu_node, node.name}, {:run, node.session, 1, [compiled]})
      {:ok, _} = sync(node, [])
    end

    sent = fn
      :now, id -> [{:run_program, 2, [1], [id]}]
      :before, id -> steps.(id, 1)
    end

    bytes = fn build -> {:run, 1, 1, sent.(build, 3)} |> :erlang.term_to_binary() |> byte_size() end
    IO.puts("  #{String.pad_trailing("its message, bytes", 66)} #{bytes.(:now)}, as instructions #{bytes.(:before)}")
    assert bytes.(:before) / bytes.(:now) >= 20
    build_of = Map.new(nodes, fn {build, node} -> {node.name, build} end)

    ratio =
      compare(nodes, "a program of #{@steps} instructions", "a run", @runs, fn node ->
        made = ids(node, @runs)
        deliver(node, Enum.map(made, &sent.(build_of[node.name], &1)) ++ [[{:free, made}]])
      end)

    if ratio.threads, do: assert(ratio.threads >= 4)
  end
end

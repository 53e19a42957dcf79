defmodule GpuNode.System.AttachTest do
  # Handles that travel: made on one BEAM node, used on others, and gone when nobody has them any more.
  use ExUnit.Case
  import GpuNode.SystemCase
  alias GpuNode.SystemCase.Remote

  @grace_ms 400
  @attached_ms 600
  @options [grace_ms: @grace_ms, attached_ms: @attached_ms]

  setup do
    node = start_binary()
    a = start_peer("a")
    b = start_peer("b")
    %{node: node, gpu: node.name, a: holder(a, node), b: holder(b, node), peer_a: a, peer_b: b}
  end

  defp holder(peer, node, options \\ @options), do: :erpc.call(peer.node, Remote, :start_holder, [node.name, options])
  defp on(holder, function, arguments), do: Remote.on(holder, {function, arguments})
  defp drop(holder), do: Remote.on(holder, :drop)
  defp memory(node), do: Map.take(stats(node).memory, [:live_bytes, :kept_bytes])
  defp empty?(node), do: memory(node) == %{live_bytes: 0, kept_bytes: 0}

  test "dropped where it was made before it is used elsewhere, then dropped there: right values, nothing left",
       context do
    %{node: node, gpu: gpu, a: a, b: b} = context
    tensor = on(a, :make, [gpu, [1, 2, 3]])
    drop(a)
    assert eventually(fn -> memory(node).kept_bytes == 12 end)
    assert on(b, :read_sum, [tensor]) == {:ok, [2.0, 3.0, 4.0]}
    # The lease outlives what the maker's grace kept.
    for _ <- 1..6 do
      Process.sleep(div(@grace_ms, 4))
      assert on(b, :read, [tensor]) == {:ok, [1.0, 2.0, 3.0]}
    end

    assert stats(node).counters.attached == 1
    drop(b)
    assert eventually(fn -> empty?(node) end)
    assert {:error, %{code: :not_found, message: text}} = on(b, :read, [tensor])
    assert text =~ "Tensor.attach" and text =~ "#{context.peer_a.node}"
  end

  test "used elsewhere while the op that makes it is on its way: the right value, 200 times", context do
    %{node: node, gpu: gpu, a: a, b: b} = context
    one = on(a, :make, [gpu, [1]])

    times =
      for n <- 1..200 do
        {us, result} = on(b, :timed, [:read, [on(a, :add_times, [one, rem(n, 7) + 1])]])
        assert result == {:ok, [rem(n, 7) + 2.0]}
        if rem(n, 50) == 0, do: drop(b)
        us / 1000
      end

    IO.puts("\n  first read on another node: median #{median(times)} ms, worst #{Enum.max(times)}")
    assert stats(node).counters.instructions_failed == 0
    Enum.each([a, b], &drop/1)
    assert eventually(fn -> empty?(node) end)
  end

  test "everything that takes a tensor takes one of another node", %{node: node, gpu: gpu, a: a, b: b} do
    tensor = on(a, :make, [gpu, [1, 2]])
    assert {:ok, %{execute_us: _}} = on(b, :sync, [gpu, tensor])
    assert on(b, :run_program, [gpu, tensor]) == {:ok, [3.0, 6.0]}
    assert on(b, :stream, [tensor]) == [<<1.0::float-little-32>>, <<2.0::float-little-32>>]
    assert on(b, :inspect_it, [tensor]) =~ "f32{2}"
    wrong = on(a, :poisoned, [gpu])
    assert {:error, error} = on(a, :read, [wrong])
    assert {:error, ^error} = on(b, :read, [wrong])
    large = on(a, :make_large, [gpu, 8])
    assert {:ok, [1 | _]} = on(b, :read, [large])
    assert stats(node).counters.attached == 3
  end

  test "an op that its maker has not sent yet: the maker is asked to", context do
    %{gpu: gpu, a: a, b: b, peer_a: peer_a} = context
    {:ok, link} = :erpc.call(peer_a.node, GpuNode.Link, :fetch, [gpu])
    :ok = :erpc.call(peer_a.node, :sys, :suspend, [link.pid])
    tensor = on(a, :make, [gpu, [6]])
    spawn_link(fn -> Process.sleep(150) && :erpc.call(peer_a.node, :sys, :resume, [link.pid]) end)
    {ms, result} = timed(fn -> on(b, :read, [tensor]) end)
    assert result == {:ok, [6.0]}
    assert ms >= 140
  end

  test "a second use costs no request", %{gpu: gpu, node: node, a: a, b: b} do
    tensor = on(a, :make, [gpu, [1, 2]])
    on(b, :add_one, [tensor])
    before = stats(node).counters
    times = for _ <- 1..200, do: elem(on(b, :timed, [:add_one, [tensor]]), 0)
    own = on(b, :make, [gpu, [1, 2]])
    own_times = for _ <- 1..200, do: elem(on(b, :timed, [:add_one, [own]]), 0)
    assert own.id > 0
    assert stats(node).counters.attached == before.attached and before.attached == 1
    others = for _ <- 1..101, do: on(a, :make, [gpu, [1]])
    {:ok, _} = on(a, :read, [List.last(others)])
    [_ | attaching] = for other <- others, do: elem(on(b, :timed, [:add_one, [other]]), 0)
    first = "#{median(attaching)} us with the attaching (worst #{Enum.max(attaching)})"
    IO.puts("\n  an op's call: #{first}, then #{median(times)} us; #{median(own_times)} us with an own tensor")
  end

  test "from A over B to C, and back to A", %{node: node, gpu: gpu, a: a, b: b} = context do
    peer_c = start_peer("c")
    c = holder(peer_c, node)
    tensor = on(a, :make, [gpu, [4]])
    assert on(a, :read, [tensor]) == {:ok, [4.0]}
    one = live_bytes(node)
    assert on(b, :pass, [tensor]) == tensor
    # Only the maker and the last know it.
    assert on(c, :read, [tensor]) == {:ok, [4.0]}
    result = on(c, :add_one, [tensor])
    assert on(a, :read, [result]) == {:ok, [5.0]}
    assert on(a, :read, [on(b, :pass, [tensor])]) == {:ok, [4.0]}

    # Let go of by its maker long ago, it is found as long as anybody has it.
    {:ok, kept} = on(b, :take, [tensor])
    Enum.each([a, c], &drop/1)
    assert eventually(fn -> memory(node) == %{live_bytes: one, kept_bytes: 0} end)
    assert on(c, :read, [tensor]) == {:ok, [4.0]}
    assert on(a, :read, [tensor]) == {:ok, [4.0]}
    # What came back is a plain term to its maker too: nothing but the asking frees it.
    assert on(a, :free, [tensor]) == :ok
    {:ok, again} = on(a, :take, [tensor])
    assert node(again.ref) == context.peer_a.node and again.id != tensor.id
    assert {:ok, ^kept} = on(b, :take, [kept])
    Enum.each([a, b, c], &drop/1)
    assert eventually(fn -> empty?(node) end)
  end

  test "its maker is killed: whoever has attached it keeps it, for others it is stale", context do
    %{node: node, gpu: gpu, a: a, b: b, peer_a: peer_a} = context
    [held, other] = for _ <- 1..2, do: on(a, :make, [gpu, [8]])
    {:ok, _attached} = on(b, :take, [held])
    {:ok, _} = on(b, :read, [held])
    signal(String.to_integer(:peer.call(peer_a.peer, System, :pid, [])), "KILL")
    assert eventually(fn -> length(stats(node).sessions) == 1 end)
    assert on(b, :read, [held]) == {:ok, [8.0]}
    assert {:error, %{code: :stale, message: text}} = on(b, :read, [other])
    assert text =~ "#{peer_a.node}" and text =~ "make it again"
    [session] = stats(node).sessions
    assert {session.bytes, session.attached_bytes > 0} == {0, true}
    drop(b)
    Process.sleep(@attached_ms)
    assert eventually(fn -> empty?(node) end)
  end

  test "a process that used it dies: its attachment goes at once, another's stays", context do
    %{node: node, gpu: gpu, a: a, b: b, peer_b: peer_b} = context
    long = [grace_ms: @grace_ms, attached_ms: 600_000]
    :ok = :erpc.call(peer_b.node, GpuNode, :stop, [gpu])
    [b1, b2] = for _ <- 1..2, do: holder(peer_b, node, long)
    Process.exit(b, :kill)
    tensor = on(a, :make_large, [gpu, 1])
    for b <- [b1, b2], do: assert({:ok, [1 | _]} = on(b, :read, [tensor]))
    Remote.on(a, {:free, [tensor]})
    Process.exit(b1, :kill)
    assert {:ok, [1 | _]} = on(b2, :read, [tensor])
    assert live_bytes(node) >= 1_048_576
    Process.exit(b2, :kill)
    {ms, true} = timed(fn -> eventually(fn -> live_bytes(node) == 0 end, 1_000) end)
    IO.puts("\n  freed #{ms} ms after the last user's death")
  end

  test "a handle of one's own outlives the lease; freeing a foreign one drops what is here and nothing else", context do
    %{node: node, gpu: gpu, a: a, b: b} = context
    tensor = on(a, :make, [gpu, [3]])
    {:ok, own} = on(b, :take, [tensor])
    assert on(b, :free, [tensor]) == :already
    assert on(b, :read, [tensor]) == {:ok, [3.0]}
    assert on(b, :free, [tensor]) == :ok
    assert on(a, :read, [tensor]) == {:ok, [3.0]}
    one = live_bytes(node)
    drop(a)
    assert eventually(fn -> memory(node) == %{live_bytes: one, kept_bytes: 0} end)
    assert on(b, :read, [own]) == {:ok, [3.0]}
    assert on(b, :free, [own]) == :ok
    assert on(b, :free, [own]) == :already
    assert eventually(fn -> empty?(node) end)
  end

  test "200 tensors of 1 MiB pass from node to node: memory is flat, and nothing is left", context do
    %{node: node, gpu: gpu, a: a, b: b} = context

    for n <- 1..200 do
      tensor = on(a, :make_large, [gpu, 1])
      assert {:ok, [1]} = on(b, :read_first, [tensor])
      if rem(n, 4) == 0, do: Enum.each([a, b], &drop/1)
      # How many a grace holds depends on how quick this machine is; that they go when it is over does not.
      if rem(n, 50) == 0, do: assert(eventually(fn -> live_bytes(node) < 32 * 1_048_576 end))
    end

    Enum.each([a, b], &drop/1)
    assert eventually(fn -> empty?(node) end)
    %{memory: memory, counters: counters} = stats(node)

    IO.puts(
      "\n  200 MiB passed on: peak #{div(memory.peak_bytes, 1_048_576)} MiB, #{counters.attached} attached, nothing left"
    )

    assert memory.peak_bytes < 160 * 1_048_576
  end

  test "the GPU node starts again: stale", %{node: node, gpu: gpu, a: a, b: b} do
    tensor = on(a, :make, [gpu, [3]])
    assert on(b, :read, [tensor]) == {:ok, [3.0]}
    signal(node, "KILL")
    wait_exit(node)
    start_binary(name: Atom.to_string(gpu))

    for there <- [a, b] do
      assert eventually(fn -> match?({:ok, _}, on(there, :make_ok, [gpu])) end, 15_000)
      assert {:error, %{code: :stale}} = on(there, :read, [tensor])
    end
  end

  test "a maker that comes back does not know what it made, and says so", context do
    %{node: node, gpu: gpu, a: a, b: b, peer_a: peer_a} = context
    tensor = on(a, :make, [gpu, [3]])
    :ok = :erpc.call(peer_a.node, GpuNode, :stop, [gpu])
    a2 = holder(peer_a, node)
    assert {:error, %{code: :stale}} = on(b, :read, [tensor])
    assert {:error, %{code: :stale}} = on(a2, :read, [tensor])
  end
end

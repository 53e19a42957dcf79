defmodule Nx.Vulkan.CompilerLockTest do
  # One process at a time makes what several want; nobody waits longer than for those before it.
  use ExUnit.Case, async: true
  alias Nx.Vulkan.Compiler.Lock

  test "one at a time for a name, in the order of asking" do
    name = make_ref()
    parent = self()
    counter = :counters.new(1, [])

    holder =
      spawn_link(fn ->
        Lock.hold(name, fn ->
          send(parent, :held)
          receive do: (:go -> :ok)
        end)
      end)

    assert_receive :held

    for number <- 1..20 do
      pid =
        spawn_link(fn ->
          Lock.hold(name, fn ->
            :counters.add(counter, 1, 1)
            assert :counters.get(counter, 1) == 1
            send(parent, {:turn, number})
            :counters.sub(counter, 1, 1)
          end)
        end)

      # It has asked before the next one does.
      wait_until(fn -> waiting(name) == number end)
      assert Process.alive?(pid)
    end

    send(holder, :go)
    assert for(_ <- 1..20, do: receive(do: ({:turn, number} -> number))) == Enum.to_list(1..20)
    wait_until(fn -> waiting(name) == nil end)
  end

  test "other names do not wait, the same process may take it again, and it is let go however the function ends" do
    name = make_ref()
    assert Lock.hold(name, fn -> Lock.hold(name, fn -> Lock.hold(make_ref(), fn -> 3 end) end) end) == 3
    assert catch_throw(Lock.hold(name, fn -> throw(:away) end)) == :away
    assert_raise RuntimeError, fn -> Lock.hold(name, fn -> raise "no" end) end
    assert Task.await(Task.async(fn -> Lock.hold(name, fn -> :ok end) end)) == :ok
  end

  test "who dies holding it, or waiting for it, holds up nobody" do
    name = make_ref()
    parent = self()

    sleep = fn ->
      Lock.hold(name, fn ->
        send(parent, :held)
        Process.sleep(:infinity)
      end)
    end

    holder = spawn(sleep)
    assert_receive :held
    waiter = spawn(sleep)
    wait_until(fn -> waiting(name) == 1 end)
    last = Task.async(fn -> Lock.hold(name, fn -> :mine end) end)
    wait_until(fn -> waiting(name) == 2 end)
    Process.exit(waiter, :kill)
    Process.exit(holder, :kill)
    assert Task.await(last) == :mine
  end

  # How many wait for |name|, nil where nobody holds it.
  defp waiting(name) do
    with {_pid, _monitor, waiting} <- :sys.get_state(Lock)[name], do: :queue.len(waiting)
  end

  defp wait_until(condition), do: unless(condition.(), do: wait_until(condition))
end

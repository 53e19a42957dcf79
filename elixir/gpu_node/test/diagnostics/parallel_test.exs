defmodule GpuNode.Diagnostics.ParallelTest do
  use ExUnit.Case, async: true
  alias GpuNode.Diagnostics.{Chains, Parallel}

  test "results come in the order of the items, however many there are" do
    assert Parallel.map(1..100, &(&1 * &1)) == Enum.map(1..100, &(&1 * &1))
    assert Parallel.map([], &(&1 * &1)) == []
    assert Parallel.run(fn -> Parallel.map([1, 2], &(-&1)) end) == [-1, -2]
  end

  @tag :truth
  test "what goes wrong in a part is raised in the caller, which goes on and has no message left" do
    chains = Chains.new(<<1.0::float-little-64, 0.0::float-little-64>>, 2, 1)
    assert_raise ArithmeticError, fn -> Chains.map(chains, &(1.0 / &1)) end
    assert catch_throw(Chains.map(chains, fn _ -> throw(:over) end)) == :over
    assert catch_exit(Chains.map(chains, fn _ -> exit(:gone) end)) == :gone
    assert {:killed, _} = catch_exit(Chains.map(chains, fn _ -> Process.exit(self(), :kill) end))
    assert Process.info(self(), :messages) == {:messages, []}
    assert Process.info(self(), :links) == {:links, []}
  end

  test "a stacktrace is that of the part" do
    Parallel.map([1], fn _ -> raise "here" end)
  rescue
    error in RuntimeError ->
      assert error.message == "here"
      assert Enum.any?(__STACKTRACE__, &match?({__MODULE__, _, _, _}, &1))
  end

  test "when one part fails, and when the caller ends, the others end" do
    test = self()

    part = fn
      0 ->
        send(test, {:part, self()})
        Process.sleep(:infinity)

      1 ->
        receive(
          do: (:fail -> raise("no")),
          after: (0 -> send(test, {:failing, self()}) && receive(do: (:fail -> raise "no")))
        )
    end

    caller = spawn(fn -> catch_error(Parallel.map([0, 1], part)) && send(test, :went_on) end)
    assert_receive {:part, sleeping}
    assert_receive {:failing, failing}
    watched = Process.monitor(sleeping)
    send(failing, :fail)
    assert_receive {:DOWN, ^watched, _, _, _}
    assert_receive :went_on
    refute Process.alive?(caller) and Process.info(caller, :message_queue_len) != {:message_queue_len, 0}

    caller = spawn(fn -> Parallel.map([0], part) end)
    assert_receive {:part, sleeping}
    watched = Process.monitor(sleeping)
    Process.exit(caller, :kill)
    assert_receive {:DOWN, ^watched, _, _, _}
  end
end

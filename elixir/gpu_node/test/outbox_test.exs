defmodule GpuNode.Session.OutboxTest do
  use ExUnit.Case, async: true
  alias GpuNode.Session.Outbox

  defp filled(n), do: Enum.reduce(1..n//1, Outbox.new(), &Outbox.push(&2, {:op, &1}, 0))

  test "gathers up to 64 commands, in order" do
    {:commands, commands, 64, 64, rest} = Outbox.take(filled(100), 4096, true)
    assert commands == Enum.map(1..64, &{:op, &1})
    {:commands, commands, 36, 36, rest} = Outbox.take(rest, 4032, false)
    assert hd(commands) == {:op, 65}
    assert Outbox.empty?(rest)
    assert Outbox.take(rest, 4096, true) == :nothing
  end

  test "keeps within the credit" do
    {:commands, commands, 3, 3, rest} = Outbox.take(filled(10), 3, false)
    assert length(commands) == 3
    assert Outbox.take(rest, 0, false) == :nothing
    assert Outbox.queued_units(rest) == 7
  end

  test "frees and releases that follow each other are one command of each kind, and stay in their place" do
    outbox = Outbox.new() |> Outbox.push(:a, 0) |> Outbox.push_gone(:release, [1]) |> Outbox.push_gone(:release, [2])
    outbox = outbox |> Outbox.push_gone(:free, [3]) |> Outbox.push(:b, 0)
    assert {:commands, [:a, {:release, ids}, {:free, [3]}, :b], 4, 2, _} = Outbox.take(outbox, 100, true)
    assert Enum.sort(ids) == [1, 2]
  end

  test "a program is a message of its own, and may be larger than the whole credit" do
    outbox = Outbox.new() |> Outbox.push(:a, 0) |> Outbox.push_program(5, [1, 2, 3, 4, 5]) |> Outbox.push(:b, 0)
    assert {:commands, [:a], 1, 1, outbox} = Outbox.take(outbox, 100, true)
    assert Outbox.take(outbox, 4, false) == :nothing
    assert {:commands, [1, 2, 3, 4, 5], 5, 5, outbox} = Outbox.take(outbox, 4, true)
    assert {:commands, [:b], 1, 1, _} = Outbox.take(outbox, 4, false)
  end

  test "requests keep their place and need no credit" do
    ref = make_ref()
    outbox = Outbox.new() |> Outbox.push(:a, 0) |> Outbox.push_request(ref, :stats, 5) |> Outbox.push(:b, 0)
    assert Outbox.full?(outbox)
    {:commands, [:a], 1, 1, outbox} = Outbox.take(outbox, 1, true)
    assert {:request, ^ref, :stats, 5, outbox} = Outbox.take(outbox, 0, false)
    refute Outbox.full?(outbox)
  end

  test "a message carries at most about 256 KiB, and payload counts for more units" do
    outbox = Enum.reduce(1..10, Outbox.new(), &Outbox.push(&2, &1, 65_536))
    assert {:commands, [1, 2, 3, 4], 4, 260, outbox} = Outbox.take(outbox, 100, true)
    assert Outbox.queued_units(outbox) == 6 * 65
  end
end

defmodule GpuNode.System.FloodTest do
  # Many processes that send as fast as they can: every result is right, and what waits is bounded.
  use ExUnit.Case
  import GpuNode.SystemCase
  alias GpuNode.{Ops, Tensor}

  @processes 50
  @ops 1_000

  setup do
    node = start_binary()
    %{gpu: attach(node)}
  end

  test "fifty processes of a thousand ops each", %{gpu: gpu} do
    [{session, _}] = Registry.lookup(GpuNode.Registry, {:session, gpu})
    watcher = Task.async(fn -> longest_queue(session, 0) end)

    sums =
      1..@processes
      |> Enum.map(fn i ->
        Task.async(fn ->
          last = Enum.reduce(1..@ops, tensor(gpu, [i, -i]), fn _, sum -> Ops.add(sum, 1.0) end)
          Tensor.to_list!(last, timeout: 120_000)
        end)
      end)
      |> Task.await_many(150_000)

    assert sums == for(i <- 1..@processes, do: [@ops + i * 1.0, @ops - i * 1.0])
    send(watcher.pid, :stop)
    longest = Task.await(watcher)
    IO.puts("#{@processes * @ops} ops of #{@processes} processes: at most #{longest} messages waited for the session")
    # Beside the commands: one request of each process at most, and what its collected handles send.
    assert longest <= GpuNode.Client.max_queued() + 2 * @processes
  end

  defp longest_queue(session, longest) do
    {:message_queue_len, length} = Process.info(session, :message_queue_len)

    receive do
      :stop -> max(length, longest)
    after
      1 -> longest_queue(session, max(length, longest))
    end
  end
end

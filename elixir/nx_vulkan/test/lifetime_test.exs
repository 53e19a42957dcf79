defmodule Nx.Vulkan.LifetimeTest do
  # Memory comes back: of processes that die, of tensors that are dropped, of those that are given away. GPU_NODE_LONG_TESTS
  # makes the loop a minute long.
  use Nx.Vulkan.Test.Case

  @moduletag timeout: 180_000
  @mib 1024 * 1024

  setup_all do
    name = unique()
    start_supervised!({GpuNode, [name: name] ++ device()})
    {:ok, node: name}
  end

  setup %{node: name} do
    Nx.default_backend({Nx.Vulkan.Backend, node: name})
    :erlang.garbage_collect()
    # What the test before had, and what is still being sent to it, goes when it goes.
    eventually(fn -> live_bytes(name) == 0 end)
    {:ok, baseline: 0}
  end

  defp mebibyte(i), do: Nx.add(Nx.iota({256, 1024}, type: :f32), i)
  defp pooled(name), do: with({:ok, memory} <- GpuNode.memory(name), do: memory.live_bytes + memory.pooled_bytes)

  test "200 processes that are killed while they hold tensors", %{node: name, baseline: baseline} do
    test = self()

    owners =
      for _ <- 1..200 do
        spawn(fn ->
          Nx.default_backend({Nx.Vulkan.Backend, node: name})
          held = mebibyte(1)
          send(test, {:made, self()})
          receive(do: (:never -> Nx.to_number(Nx.sum(held))))
        end)
      end

    for pid <- owners, do: assert_receive({:made, ^pid}, 20_000)
    assert live_bytes(name) >= baseline + 200 * @mib
    for pid <- owners, do: Process.exit(pid, :kill)
    eventually(10_000, fn -> live_bytes(name) == baseline end)
  end

  test "6000 tensors made and dropped: the high-water mark is flat", %{node: name, baseline: baseline} do
    churn = fn count ->
      Enum.each(1..count, fn i -> if rem(i, 500) == 0, do: Nx.to_binary(small(i)), else: small(i) end)
    end

    churn.(1000)
    first = pooled(name)
    churn.(5000)
    last = pooled(name)
    IO.puts("\nchurn: #{first} bytes after 1000 tensors, #{last} after 6000")
    # The client collects after 64 MiB; that much and a message's worth may be on its way.
    assert last <= max(first, 64 * @mib) + 16 * @mib
    :erlang.garbage_collect()
    eventually(10_000, fn -> live_bytes(name) == baseline end)
  end

  defp small(i), do: Nx.multiply(Nx.iota({64, 64}, type: :f32), i)

  test "a process that makes tensors in a loop", %{node: name, baseline: baseline} do
    seconds = if System.get_env("GPU_NODE_LONG_TESTS"), do: 60, else: 5

    task =
      Task.async(fn ->
        Nx.default_backend({Nx.Vulkan.Backend, node: name})
        loop(mebibyte(0), System.monotonic_time(:millisecond) + seconds * 1000, 1)
      end)

    # The first part fills the pool, the rest must not add to it.
    Process.sleep(seconds * 400)
    early = Enum.max(for _ <- 1..5, do: Process.sleep(10) && pooled(name))
    made = Task.await(task, :infinity)
    {:ok, %{peak_bytes: peak}} = GpuNode.memory(name)
    IO.puts("\nloop: #{made} tensors of 1 MiB in #{seconds} s, high-water mark #{peak}, #{early} early on")
    assert made > 100
    assert pooled(name) <= early + 64 * @mib
    assert peak <= 512 * @mib
    eventually(10_000, fn -> live_bytes(name) == baseline end)
  end

  defp loop(tensor, deadline, i) do
    if System.monotonic_time(:millisecond) < deadline do
      if rem(i, 50) == 0, do: Nx.to_number(Nx.sum(tensor))
      loop(Nx.add(tensor, 1), deadline, i + 1)
    else
      i
    end
  end

  test "what is given away comes back at once, without a collection", %{node: name, baseline: baseline} do
    # Without an intermediate that a collection would have to find.
    tensors = for _ <- 1..10, do: Nx.iota({256, 1024}, type: :f32)
    assert live_bytes(name) == baseline + 10 * @mib
    for tensor <- tensors, do: assert(Nx.backend_deallocate(tensor) == :ok)
    {:ok, _} = GpuNode.sync(name)
    assert live_bytes(name) == baseline
    for tensor <- tensors, do: assert(Nx.backend_deallocate(tensor) == :already_deallocated)
  end

  test "transfer gives away, copy does not; to where it is, nothing happens", %{node: name, baseline: baseline} do
    tensor = Nx.iota({256, 1024}, type: :f32)
    copy = Nx.backend_copy(tensor, Nx.BinaryBackend)
    assert live_bytes(name) >= baseline + @mib
    assert Nx.backend_transfer(tensor, {Nx.Vulkan.Backend, node: name}).data == tensor.data
    moved = Nx.backend_transfer(tensor, Nx.BinaryBackend)
    assert moved.data == copy.data
    # The node's sender lets go of a large answer's memory after its last byte.
    eventually(fn -> live_bytes(name) == baseline end)
    assert %GpuNode.Error{code: :not_found} = catch_error(Nx.to_binary(tensor))
    assert %GpuNode.Error{code: :not_found} = catch_error(tensor |> Nx.add(1) |> Nx.to_binary())
    back = Nx.backend_transfer(moved, {Nx.Vulkan.Backend, node: name})
    assert Nx.to_binary(back) == Nx.to_binary(moved)
  end
end

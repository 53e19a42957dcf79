defmodule Nx.Vulkan.ClusterTest do
  # Two BEAM nodes and one GPU node.
  use ExUnit.Case
  alias Nx.Vulkan.{TestPeer, TestWork}

  @moduletag timeout: 120_000

  defp eventually(fun, left \\ 100) do
    cond do
      fun.() -> true
      left == 0 -> false
      true -> Process.sleep(50) && eventually(fun, left - 1)
    end
  end

  defp start_gpu(name, options \\ []) do
    device = System.get_env("GPU_NODE_TEST_DEVICE")
    options = [name: name, grace_ms: 500, attached_ms: 500] ++ if(device, do: [device: device], else: []) ++ options
    start_supervised!({GpuNode, options}, id: name)
    {:ok, %{node: node}} = GpuNode.status(name)
    node
  end

  defp memory(name) do
    {:ok, memory} = GpuNode.memory(name)
    Map.take(memory, [:live_bytes, :kept_bytes])
  end

  defp counters(name) do
    {:ok, %{counters: counters}} = GpuNode.stats(name)
    counters
  end

  # In a process of its own, which leaves no handle behind.
  defp move(here, there, gpu) do
    Task.await(
      Task.async(fn ->
        tensor = TestPeer.run(here, :make, [gpu])
        TestPeer.run(there, :take, [tensor])
      end)
    )
  end

  test "a tensor made here works there after it was dropped here, and is freed when it is dropped there" do
    gpu = start_gpu(:gpu_cluster)
    baseline = memory(:gpu_cluster)
    here = TestPeer.holder(node())
    there = TestPeer.holder(TestPeer.start("travel").node)

    # Made by ops that may still be on their way when the handle arrives.
    assert move(here, there, gpu) == 1000.0 * 1000
    TestPeer.run(here, :drop)
    assert TestPeer.run(there, :last) == 1999.0
    assert TestPeer.run(there, :own) == :ok

    # Longer than the lease of a use and the grace of a collected handle.
    Process.sleep(1500)
    assert memory(:gpu_cluster).live_bytes >= baseline.live_bytes + 4000
    assert TestPeer.run(there, :sum) == 1000.0 * 1000

    TestPeer.run(there, :drop)
    # The peer keeps what it collects for the default grace.
    assert eventually(fn -> memory(:gpu_cluster) == baseline end, 400), inspect(memory(:gpu_cluster))
  end

  test "a distributed serving takes and gives tensors, and no byte of them moves" do
    gpu = start_gpu(:gpu_serving)
    peer = TestPeer.start("serving")
    there = TestPeer.holder(peer.node)
    name = __MODULE__.Serving
    assert :ok = TestPeer.run(there, :serve, [name, gpu])
    TestWork.serve(nil, name, gpu)
    assert eventually(fn -> length(:pg.get_members(Nx.Serving.PG, name)) == 2 end)

    input = Nx.iota({4, 1000}, type: :f32, backend: {Nx.Vulkan.Backend, node: gpu})
    expected = {4, 1000} |> Nx.iota(type: :f32, backend: Nx.BinaryBackend) |> Nx.multiply(2) |> Nx.to_binary()
    Nx.to_binary(input)
    before = counters(:gpu_serving)
    results = for _ <- 1..20, do: Nx.Serving.batched_run({:distributed, name}, Nx.Batch.concatenate([input]))
    later = counters(:gpu_serving)
    assert later.downloads_bytes == before.downloads_bytes
    assert later.uploads_bytes == before.uploads_bytes

    makers = for %{data: %{value: %{ref: ref}}} <- results, uniq: true, do: node(ref)
    assert Enum.sort(makers) == Enum.sort([node(), peer.node])
    for result <- results, do: assert(Nx.to_binary(result) == expected)
  end

  test "a VM without the binary computes on a GPU node by its name, outlives its death, and goes on" do
    gpu = start_gpu(:gpu_remote, cookie: Node.get_cookie())
    peer = TestPeer.start("remote")
    there = TestPeer.holder(peer.node)
    TestPeer.run(there, :default_to, [gpu])
    value = TestPeer.run(there, :program)
    assert_in_delta value, Nx.with_default_backend(Nx.BinaryBackend, &TestWork.program/0), value * 1.0e-6
    {uptime, _} = :erpc.call(peer.node, :erlang, :statistics, [:wall_clock])
    {:ok, %{os_pid: os_pid}} = GpuNode.status(:gpu_remote)

    work = Task.async(fn -> TestPeer.run(there, :program_for_ever) end)
    Process.sleep(300)
    {_, 0} = System.cmd("kill", ["-9", "#{os_pid}"])
    assert {:raised, %GpuNode.Error{code: code, node: ^gpu}} = Task.await(work, 30_000)
    assert code in [:node_down, :stale]
    assert TestPeer.run(there, :program) == value
    assert :erpc.call(peer.node, :erlang, :statistics, [:wall_clock]) |> elem(0) > uptime
  end

  test "a serving that is compiled, over two VMs with a GPU node each, batches what comes and gives each his own" do
    [here, there] = for name <- [:gpu_batch_a, :gpu_batch_b], do: start_gpu(name, cookie: Node.get_cookie())
    peer = TestPeer.start("batches")
    holder = TestPeer.holder(peer.node)
    name = __MODULE__.Compiled
    assert :ok = TestPeer.run(holder, :serve_compiled, [name, there])
    TestWork.serve_compiled(nil, name, here)
    assert eventually(fn -> length(:pg.get_members(Nx.Serving.PG, name)) == 2 end)
    weights = {16, 4} |> Nx.iota(type: :f32, backend: Nx.BinaryBackend) |> Nx.divide(64)
    before = Map.new([:gpu_batch_a, :gpu_batch_b], &{&1, counters(&1).instructions})

    # One to three rows each, of numbers that nobody else has.
    served =
      1..40
      |> Task.async_stream(
        fn n ->
          rows = rem(n, 3) + 1
          x = {rows, 16} |> Nx.iota(type: :f32, backend: Nx.BinaryBackend) |> Nx.add(n) |> Nx.divide(100)
          {x, Nx.Serving.batched_run({:distributed, name}, Nx.Batch.concatenate([x]))}
        end,
        max_concurrency: 40,
        timeout: 60_000
      )
      |> Enum.map(fn {:ok, result} -> result end)

    for {x, result} <- served do
      expected = Nx.with_default_backend(Nx.BinaryBackend, fn -> TestWork.layer(x, weights) end)
      got = Nx.backend_copy(result, Nx.BinaryBackend)
      assert got.shape == expected.shape

      assert Nx.with_default_backend(Nx.BinaryBackend, fn -> Nx.to_number(Nx.all_close(got, expected, atol: 1.0e-6)) end) ==
               1
    end

    nodes = for {_, %{data: %{node: node}}} <- served, uniq: true, do: node
    assert Enum.sort(nodes) == Enum.sort([here, there])
    # Both have worked.
    for {gpu, instructions} <- before, do: assert(counters(gpu).instructions > instructions)
  end
end

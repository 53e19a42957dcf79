defmodule GpuNode.LocalTest do
  # A local node: what it computes, what it says when something is wrong, what is left when owners go.
  use GpuNode.NodeCase, async: false

  test "it is there", %{gpu: name} do
    status = status!(name)
    assert %{state: :up, worker_state: :ready, restarts: 0, finalizer: _} = status
    assert os_alive?(status.os_pid)
    assert Node.ping(status.node) == :pong
    assert GpuNode.alive?(name)
    assert {:ok, %{live_bytes: _, peak_bytes: _}} = GpuNode.memory(name)

    # The cookie file is there only until the node is ready.
    [{worker, _}] = Registry.lookup(GpuNode.Registry, {:worker, name})
    assert :sys.get_state(worker).cookie_file == nil
    nil

    assert {:error, {:already_started, _}} = GpuNode.start_link(name: name)
  end

  test "a loop of a program, which is compiled at its first run", %{gpu: name} do
    alias GpuNode.Program, as: P
    p = P.new()
    {p, n} = P.input(p, :s32, {})
    {p, x} = P.input(p, :f32, {2})

    {p, [left, y]} =
      P.while(p, [n, x], fn p, [n, _x] -> P.greater(p, n, 0) end, fn p, [n, x] ->
        {p, n} = P.subtract(p, n, 1)
        {p, x} = P.add(p, x, 1.5)
        {p, [n, x]}
      end)

    p = P.output(p, [left, y])

    for rounds <- [0, 1, 1000] do
      {:ok, [left, y]} = GpuNode.run(name, p, [rounds, Tensor.from_list!(name, [1, 2], :f32)])
      assert Tensor.to_number!(left) == 0
      assert Tensor.to_list!(y) == [1.0 + 1.5 * rounds, 2.0 + 1.5 * rounds]
    end
  end

  test "an eager chain", %{gpu: name} do
    x = Tensor.from_list!(name, [[1, 2, 3], [4, 5, 6]], :f32)
    y = x |> Ops.multiply(2) |> Ops.add(1) |> Ops.transpose()
    assert Tensor.to_list!(y) == [[3.0, 9.0], [5.0, 11.0], [7.0, 13.0]]
    assert Tensor.to_list!(Ops.sum(y, axes: [0])) == [15.0, 33.0]
    assert Tensor.to_number!(Ops.reduce_max(y)) == 13.0
    assert Tensor.to_list!(Ops.dot(x, Ops.transpose(x))) == [[14.0, 32.0], [32.0, 77.0]]
    assert Tensor.to_list!(Ops.iota(name, shape: {4}, type: :u8)) == [0, 1, 2, 3]
  end

  @tag :truth
  test "a number is computed with as it is, in eager ops and in programs", %{gpu: name} do
    half = Tensor.from_list!(name, [35_008, 7], :f16)
    assert half |> Ops.divide(70_000) |> Tensor.to_list!() |> hd() == 0.5
    assert Tensor.to_list!(Ops.subtract(Tensor.from_list!(name, [16_777_216], :f32), 16_777_217)) == [-1.0]
    assert Tensor.to_list!(Ops.less(Tensor.from_list!(name, [0.1], :f16), 0.1)) == [1]

    {p, x} = Program.input(Program.new(), :f16, {2})
    {p, y} = Program.divide(p, x, 70_000)
    assert [result] = GpuNode.run!(name, Program.output(p, [y]), [half])
    assert result |> Tensor.to_list!() |> hd() == 0.5
  end

  test "a long dependent chain is right", %{gpu: name} do
    x = Tensor.from_list!(name, [0, 10], :f32)
    y = Enum.reduce(1..1000, x, fn _, t -> Ops.add(t, 1) end)
    assert Tensor.to_list!(y) == [1000.0, 1010.0]
  end

  test "a program", %{gpu: name} do
    {p, x} = Program.input(Program.new(), :f32, {3})
    {p, y} = Program.multiply(p, x, x)
    {p, z} = Program.sum(p, y)
    {p, r} = Program.sqrt(p, z)
    p = Program.output(p, [y, r])
    x = Tensor.from_list!(name, [3, 4, 0], :f32)
    {:ok, [y, r]} = GpuNode.run(name, p, [x])
    assert Tensor.to_list!(y) == [9.0, 16.0, 0.0]
    assert Tensor.to_number!(r) == 5.0
    # Where it lives on the node, with other tensors each time.
    for n <- 1..5 do
      {:ok, [y, r]} = GpuNode.run(name, p, [Tensor.from_list!(name, [3 * n, 4 * n, 0], :f32)])
      assert Tensor.to_list!(y) == [9.0 * n * n, 16.0 * n * n, 0.0]
      assert Tensor.to_number!(r) == 5.0 * n
    end
  end

  test "a program is the same however it is run: numbers and views among its values", %{gpu: name} do
    {p, x} = Program.input(Program.new(), :f32, {2, 3})
    {p, k} = Program.input(p, :f32, {})
    {p, y} = Program.multiply(p, x, k)
    {p, t} = Program.transpose(p, y)
    {p, d} = Program.dot(p, x, t)
    {p, m} = Program.argmax(p, d, axis: 1)
    {p, s} = Program.sum(p, t, axes: [0], keep_axes: true)
    p = Program.output(p, [d, m, s, t, x, d])
    x = Tensor.from_list!(name, [[1, 2, 3], [4, 5, 6]], :f32)

    for k <- [2, -1, 2, 0.5] do
      expected = for row <- [[14, 32], [32, 77]], do: Enum.map(row, &(&1 * k * 1.0))
      {:ok, [d, m, s, t, ^x, d]} = GpuNode.run(name, p, [x, k])
      assert Tensor.to_list!(d) == expected
      assert Tensor.to_list!(m) == if(k > 0, do: [1, 1], else: [0, 0])
      assert Tensor.to_list!(s) == [[6.0 * k, 15.0 * k]]
      assert Tensor.to_list!(t) == [[1.0 * k, 4.0 * k], [2.0 * k, 5.0 * k], [3.0 * k, 6.0 * k]]
    end
  end

  test "an op of many operands, and one of two results, at once and in a program", %{gpu: name} do
    parts = for n <- 1..40, do: Tensor.from_list!(name, [[n, n + 0.5]], :f32)
    whole = for n <- 1..40, do: [n * 1.0, n + 0.5]
    assert parts |> Ops.concatenate() |> Tensor.to_list!() == whole
    assert %{shape: {1, 80}} = flat = Ops.concatenate(parts, axis: -1)
    assert Tensor.to_list!(flat) == [Enum.concat(whole)]
    assert %{type: {:f, 32}} = Ops.concatenate([hd(parts), Tensor.from_list!(name, [[7]], :u8)], axis: 1)
    assert_raise Error, ~r/alike but for axis 0/, fn -> Ops.concatenate([hd(parts), flat]) end
    assert_raise Error, ~r/concatenate takes at least one tensor, got \[\]/, fn -> Ops.concatenate([]) end
    assert_raise Error, ~r/concatenate takes a list of tensors, got f32\{1, 80\}/, fn -> Ops.concatenate(flat) end
    assert_raise Error, ~r/concatenate takes a list of tensors/, fn -> Ops.concatenate(flat, flat) end
    assert_raise Error, ~r/concatenate\(1\) has no tensor/, fn -> Ops.concatenate([1]) end
    assert_raise Error, ~r/attributes are a keyword list or a map, got 3/, fn -> Ops.argmax(flat, 3) end

    x = Tensor.from_list!(name, [[3, :nan, 1, 7], [2, 2, :infinity, 2]], :f32)
    assert [values, places] = Ops.top_k(x, k: 3)
    assert {values.type, places.type, values.shape} == {{:f, 32}, {:s, 32}, {2, 3}}
    assert Tensor.to_list!(values) == [[:nan, 7.0, 3.0], [:infinity, 2.0, 2.0]]
    assert Tensor.to_list!(places) == [[1, 3, 0], [2, 0, 1]]
    assert [_, %{type: {:u, 64}}] = Ops.top_k(x, type: :u64)
    assert_raise Error, ~r/k is 1 to 4, got 5/, fn -> Ops.top_k(x, k: 5) end

    {p, inputs} =
      Enum.map_reduce(parts, Program.new(), fn _, p -> p |> Program.input(:f32, {1, 2}) |> swap() end) |> swap()

    {p, joined} = Program.concatenate(p, inputs)
    {p, [values, places]} = Program.top_k(p, joined, k: 2)
    {p, [best, _unused]} = Program.top_k(p, values)
    p = Program.output(p, [places, joined, best])

    for turn <- 1..3 do
      turned = Enum.drop(parts, turn) ++ Enum.take(parts, turn)
      assert {:ok, [places, joined, best]} = GpuNode.run(name, p, turned)
      assert Tensor.to_list!(joined) == Enum.drop(whole, turn) ++ Enum.take(whole, turn)
      assert Tensor.to_list!(places) == for(_ <- 1..40, do: [1, 0])
      assert Tensor.to_list!(best) == for([_, half] <- Enum.drop(whole, turn) ++ Enum.take(whole, turn), do: [half])
    end
  end

  defp swap({a, b}), do: {b, a}

  test "a program of more instructions than a message takes", %{gpu: name} do
    {p, x} = Program.input(Program.new(), :f32, {2})
    {p, first} = Program.add(p, x, 1)
    {p, last} = Enum.reduce(1..9999, {p, first}, fn _, {p, v} -> Program.add(p, v, 1) end)
    {p, both} = Program.add(p, first, last)
    p = Program.output(p, [both])
    {:ok, [sum]} = GpuNode.run(name, p, [Tensor.from_list!(name, [0, 1], :f32)])
    assert Tensor.to_list!(sum) == [10_001.0, 10_003.0]
  end

  test "numbers of a type, in ops and in programs", %{gpu: name} do
    x = Tensor.from_list!(name, [1, 2], :f32)
    assert %{type: {:f, 64}} = third = Ops.divide(x, {{:f, 64}, 3})
    assert Tensor.to_list!(third) == [1 / 3, 2 / 3]
    assert {:ok, %{type: {:f, 64}} = e} = GpuNode.op(name, :exp, [{{:f, 64}, 1}])
    assert_in_delta Tensor.to_number!(e), :math.exp(1), 1.0e-15
    assert {:error, %Error{code: :invalid_argument}} = GpuNode.op(name, :add, [x, {{:s, 32}, 1.5}])

    {p, a} = Program.input(Program.new(), :f64, {})
    {p, b} = Program.add(p, a, {{:u, 8}, 1})
    p = Program.output(p, [b])
    assert {:ok, [b]} = GpuNode.run(name, p, [{{:f, 64}, 0.5}])
    assert {b.type, Tensor.to_number!(b)} == {{:f, 64}, 1.5}

    for wrong <- [{{:f, 32}, 0.5}, {{:f, 64}, "0.5"}, {:f64, 0.5}] do
      assert {:error, %Error{code: :invalid_argument, message: text}} = GpuNode.run(name, p, [wrong])
      assert text =~ "input 0 is declared as f64{}" and text =~ inspect(wrong)
    end
  end

  test "non-finite values and packed types survive", %{gpu: name} do
    values = [1.0, :nan, :infinity, :neg_infinity, -0.0]
    assert name |> Tensor.from_list!(values, :f32) |> Tensor.to_list!() === values
    zero = Tensor.from_list!(name, [0.0, 1.0, -1.0], :f32)
    assert zero |> Ops.divide(0) |> Tensor.to_list!() == [:nan, :infinity, :neg_infinity]
    bits = <<1::4, 15::4, 7::4>>
    assert name |> Tensor.from_binary!(bits, :u4, {3}) |> Tensor.to_binary!() == bits
    assert name |> Tensor.from_binary!(<<>>, :f64, {0, 3}) |> Tensor.to_list!() == []
  end

  test "what fails on the node is told at the first read, with op, types and shapes", %{gpu: name} do
    x = Tensor.from_list!(name, [1, 2], :f32)
    # Only the node checks what is issued.
    {:ok, [bad]} = Ops.issue(name, :negate, [x], [{{:f, 32}, {3}}], %{})
    later = Ops.add(bad, 1)
    assert {:error, %Error{code: code, message: text, node: node}} = Tensor.to_binary(later)
    assert code in [:unsupported, :invalid_argument]
    assert text =~ "negate" and text =~ "f32{3}" and text =~ "{2}"
    assert node == status!(name).node
    assert {:error, %Error{message: ^text}} = GpuNode.sync(name, [later])
    assert_raise Error, ~r/negate/, fn -> Tensor.to_list!(later) end
    assert {:ok, _} = GpuNode.sync(name, [x])
    Tensor.free(x)
    assert {:error, %Error{code: :not_found}} = Tensor.to_binary(x)
  end

  test "256 MiB up and down, equal, while small calls go on", %{gpu: name} do
    bytes = :crypto.strong_rand_bytes(1024 * 1024) |> :binary.copy(256)
    pinger = Task.async(fn -> pings(name, []) end)
    {up_ms, tensor} = time(fn -> Tensor.from_binary!(name, bytes, :u8, {byte_size(bytes)}) end)
    {down_ms, back} = time(fn -> Tensor.to_binary!(tensor) end)
    send(pinger.pid, :stop)
    pings = Enum.sort(Task.await(pinger))
    assert back == bytes
    median = Enum.at(pings, div(length(pings), 2))
    gb = byte_size(bytes) / 1.0e6

    IO.puts(
      "\n256 MiB: up #{Float.round(gb / up_ms, 2)} GB/s, down #{Float.round(gb / down_ms, 2)} GB/s, " <>
        "ping meanwhile #{median} us (median of #{length(pings)})"
    )

    assert median < 20_000
  end

  defp pings(name, times) do
    receive do
      :stop -> times
    after
      1 ->
        {:ok, us} = GpuNode.ping(name)
        pings(name, [us | times])
    end
  end

  test "parallel uploads", %{gpu: name} do
    1..4
    |> Task.async_stream(
      fn i ->
        bytes = :binary.copy(<<i>>, 5_000_000 + i)
        Tensor.to_binary!(Tensor.from_binary!(name, bytes, :u8, {byte_size(bytes)})) == bytes
      end,
      timeout: 60_000
    )
    |> Enum.each(&assert(&1 == {:ok, true}))
  end

  test "a hundred processes at once", %{gpu: name} do
    results =
      1..100
      |> Task.async_stream(
        fn i ->
          x = Tensor.from_list!(name, [i, -i], :f32)
          Enum.reduce(1..20, x, fn k, t -> Ops.add(t, k) end) |> Tensor.to_list!(timeout: 60_000)
        end,
        max_concurrency: 100,
        timeout: 60_000
      )
      |> Enum.map(fn {:ok, v} -> v end)

    assert results == for(i <- 1..100, do: [i + 210.0, 210.0 - i])
  end

  test "200 owners killed: the memory is what it was", %{gpu: name} do
    :erlang.garbage_collect()
    {:ok, _} = GpuNode.sync(name)
    before = live_bytes(name)
    test = self()
    bytes = :binary.copy(<<1>>, 1024 * 1024)

    pids =
      for _ <- 1..200 do
        spawn(fn ->
          tensor = Tensor.from_binary!(name, bytes, :u8, {byte_size(bytes)}, timeout: 60_000)
          send(test, :made)
          Process.sleep(:infinity)
          GpuNode.Client.keep(tensor)
        end)
      end

    for _ <- pids, do: assert_receive(:made, 60_000)
    assert live_bytes(name) - before >= 200 * 1024 * 1024
    for pid <- pids, do: Process.exit(pid, :kill)
    eventually(2000, fn -> live_bytes(name) <= before end)
  end

  test "6,000 tensors made and let go: the memory stays", %{gpu: name} do
    {:ok, _} = GpuNode.sync(name)
    :erlang.garbage_collect()
    bytes = :binary.copy(<<1>>, 100_000)
    first = Tensor.from_binary!(name, bytes, :u8, {100_000})
    {:ok, before} = GpuNode.memory(name)

    for _ <- 1..6000 do
      tensor = Tensor.from_binary!(name, bytes, :u8, {100_000})
      Tensor.free(tensor)
    end

    # What was freed last is live until the device is through with it.
    eventually(2000, fn -> elem(GpuNode.memory(name), 1).live_bytes <= before.live_bytes end)
    {:ok, later} = GpuNode.memory(name)
    assert later.live_bytes + later.pooled_bytes <= before.live_bytes + before.pooled_bytes + 1_000_000
    GpuNode.Client.keep(first)
  end

  test "what is collected is freed", %{gpu: name} do
    {:ok, _} = GpuNode.sync(name)
    before = live_bytes(name)
    Task.await(Task.async(fn -> for _ <- 1..50, do: Tensor.from_list!(name, Enum.to_list(1..1000), :f32) end))
    :erlang.garbage_collect()
    eventually(2000, fn -> live_bytes(name) <= before end)
  end

  test "two sessions share a node and nothing else", %{gpu: name} do
    {peer, _node} = start_peer()
    %{node: node} = status!(name)
    before = live_bytes(name)
    wrong = [node: node, name: :shared, cookie: :not_the_cookie]

    assert {:error, %Error{code: :wrong_cookie, message: text}} =
             :peer.call(peer, GpuNode, :start_link, [wrong], 60_000)

    assert text =~ "cookie"

    [{worker, _}] = Registry.lookup(GpuNode.Registry, {:worker, name})
    options = [node: node, name: :shared, cookie: GpuNode.Worker.status(worker).cookie.()]
    assert {:ok, _} = :peer.call(peer, GpuNode.NodeCase, :attach, [options], 60_000)

    list =
      :peer.call(peer, GpuNode.NodeCase, :compute, [:shared], 60_000)

    assert list == [2.0, 4.0]
    eventually(2000, fn -> live_bytes(name) >= before + 1_000_000 end)
    {:ok, %{sessions: sessions}} = GpuNode.stats(name)
    assert length(sessions) == 2

    :peer.stop(peer)
    eventually(2000, fn -> live_bytes(name) <= before end)
    assert GpuNode.alive?(name)
  end
end

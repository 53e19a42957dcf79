defmodule Nx.Vulkan.CompilerTest do
  # Functions of defn, compiled, against the same functions evaluated op by op on the node: the same bits.
  use Nx.Vulkan.Test.Case, async: false
  import Nx.Defn
  import Nx.Vulkan.Test.Compiled

  defn(softmax(t),
    do:
      Nx.exp(t - Nx.reduce_max(t, axes: [-1], keep_axes: true)) |> then(&(&1 / Nx.sum(&1, axes: [-1], keep_axes: true)))
  )

  defn summed(x) do
    {_, sum} =
      while {{i = 0, sum = Nx.tensor(0.0)}, x}, i < Nx.size(x) do
        {{i + 1, sum + x[i]}, x}
      end
      |> elem(0)

    sum
  end

  defn collatz(n) do
    {_, steps} =
      while {n, steps = 0}, n != 1 do
        n = if Nx.remainder(n, 2) == 0, do: Nx.quotient(n, 2), else: 3 * n + 1
        {n, steps + 1}
      end

    steps
  end

  defn rows(x) do
    while sum = Nx.broadcast(0, {Nx.axis_size(x, 1)}), row <- x do
      sum * 2 + row
    end
  end

  defn descent(x, target, steps) do
    {_, x, _, _} =
      while {i = 0, x, target, steps}, i < steps do
        {i + 1, x - 0.25 * (x - target), target, steps}
      end

    x
  end

  # The eigenvector of the largest eigenvalue.
  defn largest(a) do
    {x, _, _} =
      while {x = Nx.broadcast(1.0, {Nx.axis_size(a, 0)}), change = 1.0, a}, change > 1.0e-5 do
        y = Nx.dot(a, x)
        y = y / Nx.reduce_max(Nx.abs(y))
        {y, Nx.reduce_max(Nx.abs(y - x)), a}
      end

    x
  end

  defn nested(n) do
    {_, sum} =
      while {n, sum = 0}, n > 0 do
        {_, part, _} =
          while {k = n, part = 0, n}, k > 0 do
            {k - 1, part + k * n, n}
          end

        {n - 1, sum + part}
      end

    sum
  end

  defn squared(x) do
    while x, Nx.sum(x) < 100.0 do
      x * x * 1.5
    end
  end

  defn endless(x) do
    while x, Nx.sum(x) >= 0.0 do
      Nx.abs(x)
    end
  end

  defn fitted(x, matrix) do
    while {x, left = 1.0, i = 0, matrix}, Nx.any(Nx.abs(x) > 1.0e-3) and left > 1.0e-4 and i < 200 do
      slope = grad(x, &(Nx.dot(&1, Nx.dot(matrix, &1)) / 2 - Nx.sum(Nx.cos(&1))))
      {x - 0.0625 * slope, Nx.reduce_max(Nx.abs(slope)), i + 1, matrix}
    end
  end

  defn chosen(x) do
    y = Nx.sum(x)

    cond do
      y > 100 -> {x + y, y}
      y > 10 -> {x * y, collatz(Nx.as_type(y, :s64))}
      true -> {x - y, Nx.tensor(0)}
    end
    |> then(fn {a, b} -> {a, Nx.as_type(b, :f32), y} end)
  end

  # Branches that are too much to be computed all: of many elements, or with a loop in them.
  defn branching(x, steps) do
    {x, _, count, _} =
      while {x, i = 0, count = Nx.tensor(0), steps}, i < steps do
        y = Nx.sum(x)

        {x, count} =
          cond do
            y > 1000 -> {x / 2, count + 1}
            Nx.remainder(i, 3) == 1 -> {x - y / Nx.size(x), count + 10}
            y < -5 -> {Nx.abs(x), Nx.as_type(collatz(i + 1), {:s, 32}) + count}
            true -> {x * 1.5 + 0.25, count}
          end

        {x, i + 1, count, steps}
      end

    {x, count}
  end

  defn doubled(x, steps) do
    while {x, i = 0, steps}, i < steps do
      x = if Nx.remainder(i, 2) == 0, do: if(i > 2, do: x * 2, else: x + collatz(i + 3)), else: x - 0.5
      {x, i + 1, steps}
    end
  end

  describe "loops of the node" do
    test "branches in a loop are the node's too: the loop is a part of one program" do
      for size <- [3, 70_000], steps <- [0, 1, 7] do
        given = [Nx.iota({size}, type: :f32) |> Nx.sin(), Nx.tensor(steps)]

        for fun <- [&branching/2, &doubled/2] do
          check(fun, given)
          assert [%{kind: :program}] = Nx.Vulkan.explain(fun, given).steps
        end
      end
    end

    test "a hundred rounds are one step, a part of one program; as scalar code they are a dispatch" do
      given = [Nx.iota({10}, type: :f32), Nx.tensor(2.5), Nx.tensor(100)]
      counted = counted(fn -> compiled(&descent/3, given) |> Nx.to_binary() end)
      assert %{instructions: instructions, dispatches: dispatches} = counted
      # The loop, and numbers that become tensors of its state.
      assert instructions <= 4
      assert dispatches <= 4
    end

    test "rounds with products and reductions in them, and such conditions, are a dispatch too" do
      given = [Nx.iota({7}, type: :f32) |> Nx.divide(8), Nx.eye(7) |> Nx.multiply(2) |> Nx.add(0.125)]
      assert counted(fn -> compiled(&fitted/2, given) |> elem(0) |> Nx.to_binary() end).dispatches <= 6
      {x, _, rounds, _} = check(&fitted/2, given)
      host = Enum.map(given, &Nx.backend_copy(&1, Nx.BinaryBackend))
      {expected, _, wanted, _} = Nx.with_default_backend(Nx.BinaryBackend, fn -> evaluated(&fitted/2, host) end)
      assert Nx.to_number(rounds) in (Nx.to_number(wanted) - 1)..(Nx.to_number(wanted) + 1)
      for {a, b} <- Enum.zip(Nx.to_flat_list(x), Nx.to_flat_list(expected)), do: assert_in_delta(a, b, 1.0e-4)
    end

    test "they give what Nx.BinaryBackend does" do
      on_host = fn fun, arguments ->
        Nx.with_default_backend(Nx.BinaryBackend, fn ->
          evaluated(fun, Enum.map(arguments, &Nx.backend_copy(&1, Nx.BinaryBackend)))
        end)
      end

      for {fun, arguments} <- [
            {&descent/3, [Nx.iota({10}, type: :f32), Nx.tensor(2.5), Nx.tensor(100)]},
            {&collatz/1, [Nx.tensor(97)]},
            {&nested/1, [Nx.tensor(5)]}
          ],
          do: assert(bits(compiled(fun, arguments)) == bits(on_host.(fun, arguments)))
    end

    test "one that never ends holds nobody up once its process is gone" do
      x = Nx.iota({4}, type: :f32)
      {pid, ref} = spawn_monitor(fn -> compiled(&endless/1, [x]) |> Nx.to_binary() end)
      refute_receive {:DOWN, ^ref, _, _, _}, 500
      Process.exit(pid, :kill)
      assert_receive {:DOWN, ^ref, _, _, :killed}
      task = Task.async(fn -> Nx.add(x, 1) |> Nx.to_flat_list() end)
      assert {:ok, [1.0, 2.0, 3.0, 4.0]} = Task.yield(task, 20_000) || Task.shutdown(task)
    end
  end

  describe "the same bits as op by op" do
    test "ops, reductions, views, products, types" do
      x = Nx.iota({3, 5}, type: :f32) |> Nx.divide(7)
      check(&softmax/1, [x])
      check(&Nx.dot(&1, Nx.transpose(&1)), [x])

      check(
        &{Nx.as_type(&1, :bf16), Nx.reverse(&1), &1[1..2], Nx.sort(&1, direction: :desc),
         Nx.cumulative_sum(&1, axis: 1)},
        [x]
      )

      check(&Nx.conv(Nx.reshape(&1, {1, 1, 3, 5}), Nx.broadcast(0.5, {2, 1, 2, 2})), [x])
      check(&Nx.reduce(&1, 0.0, [axes: [1]], fn a, b -> Nx.subtract(Nx.multiply(a, 2), b) end), [x])

      check(fn a, b -> Nx.select(Nx.greater(a, b), a, Nx.multiply(b, 2)) end, [
        Nx.iota({4}),
        Nx.tensor([3, 0, 9, 1], type: :u8)
      ])

      check(&{Nx.LinAlg.svd(&1), Nx.LinAlg.determinant(Nx.dot(&1, Nx.transpose(&1))), Nx.fft(&1)}, [x])
    end

    test "loops: counted and long, with a condition of data, over rows, in loops" do
      check(&summed/1, [Nx.iota({5}, type: :f32)])
      check(&summed/1, [Nx.iota({300}, type: :f32)])
      check(&collatz/1, [Nx.tensor(27)])
      check(&rows/1, [Nx.iota({4, 3})])
      check(&nested/1, [Nx.tensor(9)])
      check(&largest/1, [Nx.tensor([[2.0, 1.0, 0.0], [1.0, 3.0, 0.5], [0.0, 0.5, 1.0]])])
      for steps <- [0, 1, 100], do: check(&descent/3, [Nx.iota({10}, type: :f32), Nx.tensor(2.5), Nx.tensor(steps)])
    end

    test "gradients through a loop whose condition is data" do
      check(&Nx.Defn.value_and_grad(&1, fn x -> Nx.sum(squared(x)) end), [Nx.tensor([2.0, 1.5, 0.5])])
    end

    test "branches: selected, chosen, with loops in them, of several results" do
      for n <- [1, 3, 30], do: check(&chosen/1, [Nx.iota({n}, type: :f32)])
    end

    test "a function of 5,000 ops" do
      check(&Enum.reduce(1..5000, &1, fn n, x -> Nx.bitwise_xor(Nx.add(x, n), 7) end), [Nx.iota({3})])
    end

    test "gradients, random numbers, blocks with and without an op" do
      x = Nx.tensor([[0.5, -1.0], [2.0, 0.25]])
      check(&Nx.Defn.grad(&1, fn x -> Nx.sum(Nx.multiply(softmax(x), Nx.iota({2, 2}))) end), [x])
      key = Nx.Random.key(42)
      check(&Nx.Random.split/1, [key])
      check(&Nx.Random.normal(&1, shape: {7}), [key])
      check(&Nx.Random.uniform(&1, shape: {3, 3}, type: :f64), [key])
      check(&Nx.Random.randint(&1, 0, 1000, shape: {5}, type: :s64), [key])
      check(&Nx.Random.shuffle(&1, Nx.iota({6})), [key])
      check(&Nx.Random.fold_in(&1, 99), [key])
      check(&Nx.all_close(&1, Nx.add(&1, 1.0e-9)), [x])
    end

    test "vectorized tensors, names, containers" do
      v = Nx.vectorize(Nx.iota({2, 3}, type: :f32), :rows)
      check(&Nx.add(softmax(&1), 1), [v])

      check(fn %{a: a, b: {b, c}} -> %{sum: Nx.add(a, b), parts: {c, a}} end, [
        %{a: Nx.tensor([1, 2], names: [:x]), b: {Nx.tensor(3), v}}
      ])
    end
  end

  describe "arguments and results" do
    test "an argument as a result, one value twice, constants, numbers of the host" do
      x = Nx.tensor([1.0, 2.0])
      {a, b, c, d, e} = compiled(fn x -> {x, Nx.add(x, 1), Nx.add(x, 1), 7, Nx.broadcast(1.5, {2, 2})} end, [x])
      assert Enum.map([a, b, c, e], &Nx.to_flat_list/1) == [[1.0, 2.0], [2.0, 3.0], [2.0, 3.0], [1.5, 1.5, 1.5, 1.5]]
      assert Nx.to_number(d) == 7
      for t <- [a, b, c, d, e], do: assert(%Nx.Vulkan.Backend{} = t.data)
      host = Nx.tensor([1, 2, 3], backend: Nx.BinaryBackend)
      assert Nx.to_flat_list(compiled(&Nx.add/2, [host, 5])) == [6, 7, 8]
    end

    test "what is captured lies on the node, and again after the node started anew" do
      name = unique()
      {:ok, pid} = GpuNode.start_link([name: name] ++ device())
      captured = Nx.iota({100}, backend: Nx.BinaryBackend)
      fun = fn x -> Nx.add(x, captured) end
      one = Nx.tensor(1, backend: Nx.BinaryBackend)
      run = fn -> fun |> compiled([one], node: name) |> Nx.sum() |> Nx.to_number() end
      assert run.() == 5050
      uploads = fn -> elem(GpuNode.stats(name), 1).counters.uploads_bytes end
      before = uploads.()
      assert run.() == 5050
      assert uploads.() == before
      {:ok, %{os_pid: os_pid}} = GpuNode.status(name)
      {_, 0} = System.cmd("kill", ["-9", "#{os_pid}"])

      eventually(30_000, fn ->
        match?({:ok, %{os_pid: pid}} when pid not in [nil, os_pid], GpuNode.status(name)) and
          match?({:ok, _}, GpuNode.stats(name))
      end)

      assert run.() == 5050
      Supervisor.stop(pid)
    end

    test "what is not used is not asked for" do
      template = Nx.template({}, :s32)
      lazy = %Nx.Vulkan.Test.Lazy{parts: [{template, fn -> Nx.tensor(1) end}, {template, fn -> raise "asked for" end}]}
      result = compiled(fn {x, _} -> Nx.multiply(x, 2) end, [lazy])
      assert Nx.to_number(result) == 2
    end
  end

  test "a serving's batches, with the options that it passes along" do
    serving = Nx.Serving.new(fn options -> Nx.Defn.jit(&Nx.multiply(&1, 2), options) end, compiler: Nx.Vulkan)
    batch = Nx.Batch.concatenate([Nx.tensor([[1, 2], [3, 4]]), Nx.tensor([[5, 6]])])
    assert Nx.to_flat_list(Nx.Serving.run(serving, batch)) == [2, 4, 6, 8, 10, 12]
  end

  test "a function for one node is not that for another, and an argument of another node is an error" do
    name = unique()
    {:ok, pid} = GpuNode.start_link([name: name] ++ device())
    fun = &Nx.add(&1, 1)
    there = compiled(fun, [Nx.tensor(1, backend: Nx.BinaryBackend)], node: name)
    here = compiled(fun, [1])
    assert {Nx.to_number(there), Nx.to_number(here)} == {2, 2}
    assert there.data.node != here.data.node

    error =
      assert_raise GpuNode.Error, fn -> compiled(fun, [Nx.add(there, Nx.iota({3}, backend: Nx.BinaryBackend))]) end

    assert error.message =~ "lies on #{there.data.node}"
    Supervisor.stop(pid)
  end

  describe "what the host does" do
    test "hooks, with the functions of the call, and what a hook would show is computed when nobody looks" do
      test = self()

      fun = fn x ->
        x |> Nx.multiply(2) |> Nx.Defn.Kernel.hook(:double, &send(test, {:own, Nx.to_number(&1)})) |> Nx.add(1)
      end

      assert Nx.to_number(compiled(fun, [3])) == 7
      assert_received {:own, 6}
      assert Nx.to_number(compiled(fun, [4], hooks: %{double: &send(test, {:given, Nx.to_number(&1)})})) == 9
      assert_received {:given, 8}
      silent = fn x -> x |> Nx.multiply(2) |> Nx.Defn.Kernel.hook(:nobody) |> Nx.add(1) end
      assert Nx.to_number(compiled(silent, [5])) == 11
    end

    test "an op that the node lacks is named; it is evaluated on request, counted" do
      fun = fn x -> Nx.reduce(x, 0, fn x, acc -> Nx.add(Nx.sum(Nx.stack([x, x])), acc) end) end
      x = Nx.tensor([1, 2])
      error = assert_raise GpuNode.Error, fn -> compiled(fun, [x]) end
      assert error.code == :unsupported
      assert error.message =~ "reduce does not compile: its function uses stack"
      assert error.message =~ "on_unsupported: :evaluate"

      with_env(:fallback, :count, fn ->
        Nx.Vulkan.Fallback.reset()
        assert Nx.to_number(compiled(fun, [x], on_unsupported: :evaluate)) == 6
        assert %{defn: 1} = Nx.Vulkan.fallbacks()
      end)

      assert_raise ArgumentError, ~r/on_unsupported/, fn -> compiled(fun, [x], on_unsupported: :perhaps) end
    end
  end

  test "a function is traced once for each kind of arguments, by many processes too" do
    test = self()

    fun = fn x ->
      send(test, :traced)
      Nx.add(x, 1)
    end

    sums = 1..8 |> Task.async_stream(&Nx.to_number(compiled(fun, [&1]))) |> Enum.map(fn {:ok, sum} -> sum end)
    assert sums == Enum.to_list(2..9)
    assert_received :traced
    refute_received :traced
    compiled(fun, [1.0])
    assert_received :traced
  end
end

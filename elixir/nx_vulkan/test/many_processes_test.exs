defmodule Nx.Vulkan.ManyProcessesTest do
  # A hundred processes call ten functions of Nx.Defn at once: each gets its own results, each its turn, and nothing is left of it.
  use Nx.Vulkan.Test.Case, async: false
  import Nx.Defn

  @moduletag timeout: 300_000
  @processes 100
  @rounds 10

  defn(line(x), do: Nx.sin(x) * 2 + 1)
  defn(softmax(x), do: Nx.exp(x) / Nx.sum(Nx.exp(x)))
  defn(sorted(x), do: Nx.sort(x, direction: :desc))
  defn(square(x), do: Nx.dot(x, Nx.reverse(x)))
  defn(slope(x), do: grad(x, &Nx.sum(Nx.tanh(&1) ** 2)))
  defn(running(x), do: Nx.cumulative_sum(x))
  defn(spread(x), do: Nx.mean((x - Nx.mean(x)) ** 2))
  defn(drawn(x), do: Nx.Random.uniform_split(Nx.Random.key(7), 0.0, 1.0, shape: {8}) + x)
  defn(counted(x), do: while({i = 0, x}, i < 5, do: {i + 1, x / 2 + i}) |> elem(1))
  defn(chosen(x), do: if(Nx.sum(x) > 0, do: Nx.sqrt(Nx.abs(x)), else: Nx.negate(x)))

  defp functions,
    do: [&line/1, &softmax/1, &sorted/1, &square/1, &slope/1, &running/1, &spread/1, &drawn/1, &counted/1, &chosen/1]

  defp input(process, round),
    do:
      for(i <- 1..8, do: rem(process * 31 + round * 17 + i * i, 41) / 10 - 2)
      |> Nx.tensor(type: :f32, backend: Nx.BinaryBackend)

  # Whether every result is right, and when each was there.
  defp calls(process) do
    fun = Enum.at(functions(), rem(process, length(functions())))
    compiled = Nx.Defn.jit(fun, compiler: Nx.Vulkan)

    for round <- 1..@rounds do
      got = process |> input(round) |> compiled.() |> Nx.backend_copy(Nx.BinaryBackend)
      {round, got, System.monotonic_time(:millisecond)}
    end
  end

  # In a process of its own, whose tensors are gone with it.
  defp all do
    1..@processes
    |> Enum.map(fn process -> Task.async(fn -> calls(process) end) end)
    |> Task.await_many(240_000)
  end

  test "every result is right, everyone gets his turn, memory comes back" do
    # Compiled and run once: what the functions keep is there.
    for fun <- functions(),
        do:
          Task.await(Task.async(fn -> Nx.Defn.jit_apply(fun, [input(0, 0)], compiler: Nx.Vulkan) |> Nx.to_binary() end))

    :erlang.garbage_collect()
    eventually(fn -> stable?() end)
    baseline = live_bytes(gpu())
    began = System.monotonic_time(:millisecond)
    found = all()
    ended = System.monotonic_time(:millisecond)

    expected =
      on_host(fn ->
        for process <- 1..@processes, round <- 1..@rounds, into: %{} do
          fun = Enum.at(functions(), rem(process, length(functions())))
          {{process, round}, Nx.Defn.jit_apply(fun, [input(process, round)], compiler: Nx.Defn.Evaluator)}
        end
      end)

    wrong =
      on_host(fn ->
        for {rounds, process} <- Enum.with_index(found, 1),
            {round, got, _at} <- rounds,
            Nx.to_number(Nx.all_close(got, expected[{process, round}], atol: 1.0e-5, rtol: 1.0e-4)) != 1,
            do: {process, round}
      end)

    assert wrong == []

    # Nobody waits until all others are done: everyone's first result is there before anyone's last calls are over, and all end about together.
    firsts = for [{1, _got, at} | _] <- found, do: at - began
    lasts = for rounds <- found, {@rounds, _got, at} = List.last(rounds), do: at - began

    assert Enum.max(firsts) <= 0.75 * Enum.max(lasts) + 50,
           "the last first result after #{Enum.max(firsts)} of #{ended - began} ms"

    assert Enum.max(lasts) <= 10 * Enum.min(lasts) + 50

    eventually(fn -> live_bytes(gpu()) <= baseline end)
  end

  defp stable? do
    before = live_bytes(gpu())
    Process.sleep(50)
    live_bytes(gpu()) == before
  end
end

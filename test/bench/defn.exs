# Functions of Nx.Defn, compiled, beside test/bench/peer_defn.py, which has the same rows in JAX and PyTorch.
#
#     elixir -pa 'elixir/nx_vulkan/_build/prod/lib/*/ebin' test/bench/defn.exs [SHARE]
#
# SHARE divides the sizes of the large rows (1; on a software driver 4096 or so). Rows of calls are medians of 200 with the result
# read each time; rows of work are an eighth of the best of half a second's rounds of eight calls, waited for once, since an idle card has low clocks for a
# while.
for {GpuNode.SystemCase.Remote = module, binary} <-
      Code.require_file("../system/support.exs", __DIR__),
    do: :persistent_term.put(GpuNode.SystemCase, {module, binary, ~c"support.exs"})

defmodule Bench.Functions do
  import Nx.Defn

  defn(tiny(x), do: Nx.sin(x) * 2 + 1)

  defn(loop(x),
    do: while({i = 0, x}, Nx.sum(x) < 1.0e30 and i < 100, do: {i + 1, x * 1.01 + 0.5}) |> elem(1)
  )

  defn chain(x) do
    x = Nx.abs(x * 1.1 + 0.5)
    x = Nx.max(x - 0.25, 0.1) * x
    Nx.sqrt(x) + x * 0.3 - 1
  end

  defn softmax(x) do
    e = Nx.exp(x - Nx.reduce_max(x, axes: [1], keep_axes: true))
    e / Nx.sum(e, axes: [1], keep_axes: true)
  end

  defn loss({w1, b1, w2, b2}, x, y) do
    hidden = Nx.max(Nx.dot(x, w1) + b1, 0)
    logits = Nx.dot(hidden, w2) + b2
    logits = logits - stop_grad(Nx.reduce_max(logits, axes: [1], keep_axes: true))
    logs = logits - Nx.log(Nx.sum(Nx.exp(logits), axes: [1], keep_axes: true))
    -Nx.mean(Nx.sum(logs * y, axes: [1]))
  end

  defn step({w1, b1, w2, b2} = params, x, y) do
    {loss, {d1, e1, d2, e2}} = value_and_grad(params, &loss(&1, x, y))
    {loss, {w1 - 0.1 * d1, b1 - 0.1 * e1, w2 - 0.1 * d2, b2 - 0.1 * e2}}
  end

  def compiled(_event, told, _metadata, pid), do: send(pid, {:compiled, told})
end

GpuNode.SystemCase.start_distribution()
{:ok, _} = Application.ensure_all_started(:nx_vulkan)

{:ok, _} =
  GpuNode.start_link(
    name: :bench,
    cookie: Node.get_cookie(),
    binary: System.fetch_env!("GPU_NODE_BINARY")
  )

Nx.global_default_backend(Nx.Vulkan.Backend)
Nx.Defn.global_default_options(compiler: Nx.Vulkan)
share = System.argv() |> List.first("1") |> String.to_integer()
%{device: %{name: device}} = elem(GpuNode.status(:bench), 1)
IO.puts("device: #{device}; large sizes divided by #{share}")

timed = fn run ->
  started = System.monotonic_time(:microsecond)
  run.()
  System.monotonic_time(:microsecond) - started
end

print = fn name, us, more ->
  IO.puts("#{String.pad_trailing(name, 44)} #{Float.round(us / 1000, 4)} ms#{more}")
end

# The median of many calls, each with its result read; how many dispatches one has.
call = fn name, run ->
  {:ok, %{counters: before}} = GpuNode.stats(:bench)
  cold = timed.(run)
  for _ <- 1..20, do: run.()
  {:ok, %{counters: start}} = GpuNode.stats(:bench)
  run.()
  {:ok, %{counters: now}} = GpuNode.stats(:bench)
  us = for(_ <- 1..200, do: timed.(run)) |> Enum.sort() |> Enum.at(100)
  compiled = start.pipelines_created - before.pipelines_created

  print.(
    name,
    us,
    ", #{now.dispatches - start.dispatches} dispatches; first call #{Float.round(cold / 1000, 1)} ms, #{compiled} kernels"
  )
end

work = fn name, unit, amount, run ->
  round = fn ->
    timed.(fn ->
      made = for _ <- 1..8, do: run.()
      {:ok, _} = GpuNode.sync(:bench, [], timeout: 120_000)
      for %Nx.Tensor{} = tensor <- made, do: Nx.backend_deallocate(tensor)
    end) / 8
  end

  for _ <- 1..2, do: round.()
  until = System.monotonic_time(:millisecond) + 500

  us =
    Stream.repeatedly(round)
    |> Stream.with_index(1)
    |> Enum.reduce_while(nil, fn {us, count}, least ->
      over? = count >= 5 and System.monotonic_time(:millisecond) >= until
      {if(over?, do: :halt, else: :cont), min(us, least)}
    end)

  print.(name, us, ", #{Float.round(amount * 1000 / us, 2)} #{unit}")
end

alias Bench.Functions, as: F
x = Nx.iota({8}, type: :f32)
call.("tiny call", fn -> F.tiny(x) |> Nx.to_binary() end)
key = Nx.Random.key(1)
call.("normal, 2", fn -> Nx.Random.normal(key, shape: {2}) |> elem(0) |> Nx.to_binary() end)

call.("normal, 1,000", fn -> Nx.Random.normal(key, shape: {1000}) |> elem(0) |> Nx.to_binary() end)

call.("loop of 100 rounds", fn -> F.loop(x) |> Nx.to_binary() end)

uniform = fn key, shape -> Nx.Random.uniform(key, -0.05, 0.05, shape: shape) |> elem(0) end

params =
  {uniform.(key, {784, 128}), Nx.broadcast(0.0, {128}), uniform.(key, {128, 10}), Nx.broadcast(0.0, {10})}

images = uniform.(key, {32, 784})
labels = Nx.equal(Nx.iota({32, 10}, axis: 1), Nx.remainder(Nx.iota({32, 1}), 10))

# What the first call takes, by stages: those of the compiler as it tells them, those of the node as it told of the function afterwards.
# Two threads compile kernels, so GLSL and driver together may be more than the call took; what another row compiled is among them. With XDG_CACHE_HOME=$(mktemp -d) no kernel comes from disk.
cold = fn name, fun, args, run ->
  :telemetry.attach(:cold, [:nx_vulkan, :compile, :stop], &Bench.Functions.compiled/4, self())

  us = timed.(run)
  :telemetry.detach(:cold)

  ours =
    receive do
      {:compiled, told} ->
        for stage <- [:trace, :lower, :build], do: {stage, System.convert_time_unit(told[stage], :native, :microsecond)}
    after
      0 -> raise "it was compiled before"
    end

  explanation = Nx.Vulkan.explain(fun, args)
  theirs = for stage <- [:fuse, :plan, :glsl, :driver], do: {stage, explanation.times[stage]}
  stages = Enum.map_join(ours ++ theirs, ", ", fn {stage, us} -> "#{stage} #{Float.round(us / 1000, 1)}" end)
  from_disk = Enum.count(explanation.kernels, fn {_key, kernel} -> kernel[:from_disk] end)

  print.(
    name,
    us,
    "; #{stages} ms; #{explanation.times.compiled} kernels, #{from_disk} of them from disk; " <>
      "#{explanation.dispatches} dispatches, #{Float.round(explanation.moved_bytes / explanation.ideal_bytes, 1)} times the bytes that must be moved"
  )
end

cold.("MLP step, cold", &F.step/3, [params, images, labels], fn ->
  F.step(params, images, labels) |> elem(0) |> Nx.to_number()
end)

call.("MLP step, 784-128-10, batch of 32", fn ->
  F.step(params, images, labels) |> elem(0) |> Nx.to_number()
end)

large = max(div(0x10000000, share), 64)
x = uniform.(key, {large})
work.("chain of ten, 2^28 f32", "GB/s", large * 8 / 1.0e6, fn -> F.chain(x) end)

x =
  Nx.reshape(x, {div(large, 64), 64})
  |> then(&if(share == 1, do: Nx.reshape(&1, {65_536, 4096}), else: &1))

work.("softmax, 65,536 x 4,096 f32", "GB/s", large * 8 / 1.0e6, fn -> F.softmax(x) end)
Nx.backend_deallocate(x)

work.("normal, 2^28 f32", "GB/s", large * 4 / 1.0e6, fn ->
  Nx.Random.normal_split(key, 0.0, 1.0, shape: {large})
end)

System.halt(0)

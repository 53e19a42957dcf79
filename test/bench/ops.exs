# Ops of many elements, beside test/bench/peer_ops.py, which has the same rows in PyTorch.
#
#     elixir -pa elixir/gpu_node/_build/prod/lib/gpu_node/ebin test/bench/ops.exs [SHARE]
#
# SHARE divides the sizes (1; on a software driver 256 or so). Every time is an eighth of the best of five rounds or more, half a
# second's, after two that compile: a card that was idle has low clocks for a while, and takes up to four times as long. A round
# issues the op eight times and waits for the device once, so that the way to the device and back (the row "tiny", which is
# one call and one wait) is not counted for the op. Data are made on the device.
for {GpuNode.SystemCase.Remote = module, binary} <-
      Code.require_file("../system/support.exs", __DIR__),
    do: :persistent_term.put(GpuNode.SystemCase, {module, binary, ~c"support.exs"})

GpuNode.SystemCase.start_distribution()
{:ok, _} = Application.ensure_all_started(:gpu_node)
alias GpuNode.{Ops, Tensor}
share = System.argv() |> List.first("1") |> String.to_integer()

{:ok, _} =
  GpuNode.start_link(
    name: :bench,
    cookie: Node.get_cookie(),
    binary: System.fetch_env!("GPU_NODE_BINARY")
  )

# Numbers that are spread over all u32, by a mix of their places.
mixed = fn shape ->
  x = Ops.iota(:bench, shape: shape, type: :u32)

  Enum.reduce([{16, 0x7FEB352D}, {15, 0x846CA68B}], x, fn {shift, factor}, x ->
    Ops.multiply(Ops.bitwise_xor(x, Ops.right_shift(x, shift)), factor)
  end)
end

uniform = fn type, shape ->
  Ops.multiply(Ops.as_type(mixed.(shape), type: type), :math.pow(2, -32))
end

round = fn run, calls ->
  {:ok, _} = GpuNode.sync(:bench, [], timeout: 120_000)
  started = System.monotonic_time(:microsecond)
  made = for _ <- 1..calls, do: List.wrap(run.())
  {:ok, _} = GpuNode.sync(:bench, [], timeout: 120_000)
  us = System.monotonic_time(:microsecond) - started
  made |> Enum.concat() |> Enum.each(&Tensor.free/1)
  us / calls
end

best = fn run, calls ->
  for _ <- 1..2, do: round.(run, calls)
  until = System.monotonic_time(:millisecond) + 500

  Stream.repeatedly(fn -> round.(run, calls) end)
  |> Stream.with_index(1)
  |> Enum.reduce_while(nil, fn {us, count}, least ->
    over? = count >= 5 and System.monotonic_time(:millisecond) >= until
    {if(over?, do: :halt, else: :cont), min(us, least)}
  end)
end

# |work|: keys or bytes, in units of 1e9.
row = fn name, unit, work, run ->
  try do
    us = best.(run, if(name == "tiny", do: 1, else: 8))
    rate = if work, do: ", #{Float.round(work * 1000 / us, 2)} #{unit}", else: ""
    IO.puts("#{String.pad_trailing(name, 44)} #{Float.round(us / 1000, 3)} ms#{rate}")
  rescue
    e in GpuNode.Error -> IO.puts("#{String.pad_trailing(name, 44)} #{Exception.message(e)}")
  end
end

pairs = fn result -> if is_tuple(result), do: Tuple.to_list(result), else: result end
n = fn count -> max(div(count, share), 1) end
%{device: %{name: device}} = elem(GpuNode.status(:bench), 1)
IO.puts("device: #{device}; sizes divided by #{share}")

one = uniform.(:f32, {8})
row.("tiny", nil, nil, fn -> Ops.add(one, one) end)
keys = uniform.(:f32, {n.(0x2000000)})
row.("sort, 2^25 f32", "Gkey/s", n.(0x2000000) / 1.0e6, fn -> Ops.sort(keys, axis: 0) end)
row.("argsort, 2^25 f32", "Gkey/s", n.(0x2000000) / 1.0e6, fn -> Ops.argsort(keys, axis: 0) end)
Enum.each([keys, one], &Tensor.free/1)

for {length, name} <- [{1024, "1,024"}, {4096, "4,096"}] do
  count = n.(div(0x2000000, length))
  rows = uniform.(:f32, {count, length})
  work = count * length / 1.0e6
  row.("sort, rows of #{name}, 2^25 f32", "Gkey/s", work, fn -> Ops.sort(rows, axis: 1) end)
  row.("argsort, rows of #{name}, 2^25 f32", "Gkey/s", work, fn -> Ops.argsort(rows, axis: 1) end)
  Tensor.free(rows)
end

long = uniform.(:f32, {n.(0x10000000)})

row.("cumulative sum, 2^28 f32", "GB/s", n.(0x10000000) * 8 / 1.0e6, fn ->
  Ops.cumulative_sum(long, axis: 0)
end)

half = Ops.slice(long, starts: [0], lengths: [n.(0x8000000)])

row.("concatenate, 2 of 2^27 f32", "GB/s", n.(0x8000000) * 16 / 1.0e6, fn ->
  Ops.concatenate([half, half], axis: 0)
end)

places = Ops.remainder(mixed.({n.(0x4000000)}), n.(0x4000000))
table = Ops.slice(long, starts: [0], lengths: [n.(0x4000000)])

row.("take, 2^26 f32 at random", "GB/s", n.(0x4000000) * 12 / 1.0e6, fn ->
  Ops.take(table, places, axis: 0)
end)

Enum.each([long, half, places, table], &Tensor.free/1)
signal = Ops.as_type(uniform.(:f32, {n.(0x4000), 4096}), type: :c64)

row.("fft, 16,384 rows of 4,096 c64", "GB/s", n.(0x4000) * 4096 * 16 / 1.0e6, fn ->
  Ops.fft(signal)
end)

Tensor.free(signal)
megas = n.(64)
signal = Ops.as_type(uniform.(:f32, {megas, 0x100000}), type: :c64)

row.("fft, 64 rows of 1,048,576 c64", "GB/s", megas * 0x100000 * 16 / 1.0e6, fn ->
  Ops.fft(signal)
end)

images = Ops.reshape(signal, shape: {megas, 1024, 1024})

row.("fft2, 64 of 1,024 x 1,024 c64", "GB/s", megas * 0x100000 * 16 / 1.0e6, fn ->
  Ops.fft2(images)
end)

Enum.each([signal, images], &Tensor.free/1)
square = uniform.(:f32, {64, 64, 64})
symmetric = Ops.add(square, Ops.transpose(square, axes: [0, 2, 1]))
row.("svd, 64 of 64 x 64 f32", nil, nil, fn -> pairs.(Ops.svd(square)) end)
row.("eigh, 64 of 64 x 64 f32", nil, nil, fn -> pairs.(Ops.eigh(symmetric)) end)
row.("qr, 64 of 64 x 64 f32", nil, nil, fn -> pairs.(Ops.qr(square)) end)
middling = uniform.(:f32, {512, 512})
row.("svd, 512 x 512 f32", nil, nil, fn -> pairs.(Ops.svd(middling)) end)
middling_symmetric = Ops.add(middling, Ops.transpose(middling, axes: [1, 0]))
row.("eigh, 512 x 512 f32", nil, nil, fn -> pairs.(Ops.eigh(middling_symmetric)) end)

for size <- [256, 1024] do
  large = uniform.(:f32, {size, size})
  own = Ops.dot(large, large, contract_left: [1], contract_right: [1])
  gram = Ops.add(own, Ops.eye(:bench, shape: {size, size}, type: :f32))
  row.("cholesky, #{size} x #{size} f32", nil, nil, fn -> Ops.cholesky(gram) end)
end

GpuNode.SystemCase.remove_cookie_files()

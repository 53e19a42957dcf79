# Ops of every family beside the same as plain loops of C++ and beside Nx.BinaryBackend, in one run, from the call until the result
# has been waited for.
#
#     cd elixir/nx_vulkan && MIX_ENV=prod mix run ../../test/bench/families.exs [ROW ...]
#
# GPU_NODE_BINARY and GPU_NODE_BUILD_DIR say which node and where plain_bench is. Results are held against the loops', so that all
# do the same work. Ends with 1 where an op of 10,000 elements or more takes longer than BinaryBackend does, or has another result.
Code.require_file("family_rows.exs", __DIR__)

defmodule GpuNode.Bench.Families do
  alias GpuNode.Bench.FamilyRows

  # Of what takes long there are fewer rounds, at least one.
  @rounds 9
  @seconds 2.0
  @bound 10_000
  @columns [20, 10, 12, 12, 12, 9, 9]

  def run(names) do
    device = if name = System.get_env("GPU_NODE_TEST_DEVICE"), do: [device: name], else: []
    {:ok, _} = GpuNode.start_link([name: :bench] ++ device)
    Application.put_env(:nx_vulkan, :fallback, :raise)
    {:ok, %{device: %{name: device}}} = GpuNode.status(:bench)
    IO.puts("device: #{device}; medians in µs; then how many times as fast as the loops and as BinaryBackend")
    line(["op", "elements", "ours", "C++", "Binary", "of C++", "of Binary"])

    results = for row <- FamilyRows.all(), names == [] or row.name in names, size <- row.sizes, do: measure(row, size)
    GpuNode.stop(:bench)
    slower = for r <- results, r.elements >= @bound and r.ours > r.binary, do: r.label
    wrong = for r <- results, r.wrong != nil, do: "#{r.label} (#{r.wrong})"
    say("more than three times as slow as the loops", for(r <- results, r.ours > 3 * r.loops, do: r.label))
    say("slower than BinaryBackend at #{@bound} elements or more", slower)
    say("with another result than the loops", wrong)
    if slower != [] or wrong != [], do: System.halt(1)
  end

  defp say(what, []), do: IO.puts("#{what}: none")
  defp say(what, labels), do: IO.puts("#{what}: #{Enum.join(labels, ", ")}")

  defp line([name | cells]) do
    [width | widths] = @columns
    cells = for {cell, width} <- Enum.zip(cells, widths), do: String.pad_leading(cell, width)
    IO.puts([String.pad_trailing(name, width) | cells])
  end

  defp measure(row, size) do
    {operands, sizes} = row.make.(size)
    elements = operands |> Enum.map(&Nx.size/1) |> Enum.max(fn -> Enum.product(sizes) end)
    {ours, result} = on_node(row, operands, sizes)
    {loops, expected} = as_loops(row, operands, sizes)
    binary = Nx.with_default_backend(Nx.BinaryBackend, fn -> median(fn -> row.run.(operands, sizes) end) end)
    figures = for us <- [ours, loops, binary], do: :erlang.float_to_binary(us, decimals: 1)
    ratios = for us <- [loops, binary], do: :erlang.float_to_binary(us / ours, decimals: 2)
    line([row.name, to_string(elements)] ++ figures ++ ratios)
    wrong = difference(row, result, expected)
    %{label: "#{row.name} of #{elements}", elements: elements, ours: ours, loops: loops, binary: binary, wrong: wrong}
  end

  defp on_node(row, operands, sizes) do
    backend = {Nx.Vulkan.Backend, node: :bench}

    Nx.with_default_backend(backend, fn ->
      operands = Enum.map(operands, &Nx.backend_copy(&1, backend))

      run = fn ->
        result = row.run.(operands, sizes)
        {:ok, _} = GpuNode.sync(:bench, [], timeout: 120_000)
        result
      end

      # The first one has kernels compiled.
      result = bytes(run.(), row)
      {median(run), result}
    end)
  end

  defp bytes(result, row) do
    parts = if is_tuple(result), do: Tuple.to_list(result), else: [result]
    parts |> row.parts.() |> Enum.map(&Nx.to_binary/1) |> IO.iodata_to_binary()
  end

  # plain_bench reads operands from files and leaves its results in one.
  defp as_loops(row, operands, sizes) do
    folder = Path.join(System.tmp_dir!(), "plain_bench_#{System.pid()}")
    File.mkdir_p!(folder)

    try do
      paths =
        for {operand, i} <- Enum.with_index(operands) do
          path = Path.join(folder, "operand#{i}")
          File.write!(path, Nx.to_binary(operand))
          path
        end

      result = Path.join(folder, "result")
      program = Path.join(System.fetch_env!("GPU_NODE_BUILD_DIR"), "plain_bench")
      arguments = [row.loop, to_string(@seconds), result, Enum.join(sizes, ",") | paths]
      {us, 0} = System.cmd(program, arguments)
      {us |> String.trim() |> String.to_float(), File.read!(result)}
    after
      File.rm_rf!(folder)
    end
  end

  # The median of what `fun` takes, in µs. What it returns is garbage at once and collected between rounds.
  defp median(fun) do
    times = fun |> rounds(@rounds, @seconds * 1.0e6, []) |> Enum.sort()
    Enum.at(times, div(length(times), 2))
  end

  defp rounds(_fun, 0, _left, times), do: times
  defp rounds(_fun, _count, left, times) when left <= 0, do: times

  defp rounds(fun, count, left, times) do
    :erlang.garbage_collect()
    started = System.monotonic_time(:nanosecond)
    fun.()
    us = (System.monotonic_time(:nanosecond) - started) / 1000
    rounds(fun, count - 1, left - us, [us | times])
  end

  # What differs by more than the row allows, in words; the loops may have further results behind those that are compared.
  defp difference(row, result, expected) do
    <<expected::binary-size(byte_size(result)), _::binary>> = expected
    pairs = Enum.zip(row.compared.(numbers(row.type, result)), row.compared.(numbers(row.type, expected)))
    scale = pairs |> Enum.reduce(1.0, fn {_, e}, most -> max(abs(e), most) end)
    tolerance = row.tolerance * scale

    with {{got, expected}, at} <-
           pairs |> Stream.with_index() |> Enum.find(fn {{g, e}, _} -> abs(g - e) > tolerance end),
         do: "element #{at} is #{got}, not #{expected}"
  end

  defp numbers(:f32, bytes), do: for(<<x::float-32-native <- bytes>>, do: x)
  defp numbers(:s32, bytes), do: for(<<x::integer-signed-32-native <- bytes>>, do: x)
end

GpuNode.Bench.Families.run(System.argv())

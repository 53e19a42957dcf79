defmodule GpuNode.Bench.FamilyRows do
  @moduledoc """
  The rows of families.exs: an op by Nx, and the loop of plain_bench that does the same.

  `make` gives operands, on the host, and what the loop wants to know beside them; `run` takes both. `sizes` are what `make` is called
  with: fewer elements where BinaryBackend needs more than about ten seconds for a million.
  """

  @small 10_000
  @large 1_000_000
  @medium 250_000

  def all, do: elements() ++ reductions() ++ moves() ++ windows() ++ orders() ++ matrices()

  defp row(name, make, run, options \\ []) do
    defaults = %{
      name: name,
      loop: name,
      make: make,
      run: run,
      sizes: [@small, @large],
      # What of the results is compared, as tensors and as numbers.
      parts: & &1,
      compared: & &1,
      type: :f32,
      tolerance: 1.0e-5
    }

    Map.merge(defaults, Map.new(options))
  end

  defp elements do
    [
      row("exp", &reals(&1, 1), fn [x], _ -> Nx.exp(x) end),
      row("negate", &reals(&1, 1), fn [x], _ -> Nx.negate(x) end),
      row("add", &reals(&1, 2), fn [a, b], _ -> Nx.add(a, b) end, sizes: [@small, @medium]),
      row("pow", &reals(&1, 2), fn [a, b], _ -> Nx.pow(a, b) end, sizes: [@small, @medium]),
      row("select", &flagged/1, fn [flag, a, b], _ -> Nx.select(flag, a, b) end, sizes: [@small, @medium]),
      row("clip", &reals(&1, 1), fn [x], _ -> Nx.clip(x, 0.25, 0.75) end),
      row("as_type", &thousands/1, fn [x], _ -> Nx.as_type(x, :s32) end, type: :s32),
      row("iota", &{[], [&1]}, fn [], [n] -> Nx.iota({n}, type: :f32) end),
      row("eye", &{[], [side(&1), side(&1)]}, fn [], [n, n] -> Nx.eye(n, type: :f32) end)
    ]
  end

  defp reductions do
    folded = fn x, acc -> Nx.max(Nx.multiply(acc, 0.999), x) end

    [
      row("sum", &reals(&1, 1), fn [x], _ -> Nx.sum(x) end),
      row("column_sums", &table/1, fn [x], _ -> Nx.sum(x, axes: [0]) end),
      row("row_maxima", &table/1, fn [x], _ -> Nx.reduce_max(x, axes: [1]) end),
      row("argmax", &reals(&1, 1), fn [x], _ -> Nx.argmax(x) end, type: :s32),
      row("fold", &table/1, fn [x], _ -> Nx.reduce(x, 0.0, [axes: [1]], folded) end, sizes: [@small, @medium]),
      row("window_fold", &table/1, fn [x], _ -> Nx.window_reduce(x, 0.0, {3, 3}, [], folded) end,
        sizes: [@small, 40_000]
      ),
      row("cumulative_sum", &reals(&1, 1), fn [x], _ -> Nx.cumulative_sum(x) end, sizes: [@small, @medium])
    ]
  end

  defp moves do
    [
      # Along the first axis BinaryBackend appends two binaries: 3 µs, in which no message comes back from anywhere.
      row("concatenate", &tables/1, fn [a, b], _ -> Nx.concatenate([a, b], axis: 1) end, sizes: [@small, @medium]),
      row("slice", &table/1, fn [x], [m, n] -> Nx.slice(x, [0, 1], [m, n - 2], strides: [2, 1]) end),
      row("turn", &table/1, fn [x], _ -> Nx.add(Nx.transpose(x), 1.0) end, sizes: [@small, @medium]),
      row("pad", &table/1, fn [x], _ -> Nx.pad(x, 0.5, [{1, 1, 0}, {1, 1, 0}]) end, sizes: [@small, @medium]),
      row("put_slice", &parted/1, fn [x, part], _ -> Nx.put_slice(x, [1, 1], part) end),
      row("take", &places/1, fn [x, at], _ -> Nx.take(x, at) end),
      row("take_along_axis", &placed_rows/1, fn [x, at], _ -> Nx.take_along_axis(x, at, axis: 1) end),
      row("gather", &pairs/1, fn [x, at], _ -> Nx.gather(x, at) end),
      row("indexed_add", &updates/1, fn [x, at, values], _ -> Nx.indexed_add(x, at, values) end),
      row("indexed_put", &updates/1, fn [x, at, values], _ -> Nx.indexed_put(x, at, values) end)
    ]
  end

  defp windows do
    [
      row("window_sum", &table/1, fn [x], _ -> Nx.window_sum(x, {3, 3}, padding: :same) end),
      row("window_max", &table/1, fn [x], _ -> Nx.window_max(x, {3, 3}, padding: :same) end),
      row("window_scatter", &scattered/1, fn [x, source], _ ->
        Nx.window_scatter_max(x, source, 0.0, {2, 2}, strides: [2, 2], padding: :valid)
      end),
      row("conv", &images/1, fn [x, kernel], _ -> Nx.conv(x, kernel, padding: :same) end, sizes: [@small, 40_000])
    ]
  end

  defp orders do
    [
      row("sort", &reals(&1, 1), fn [x], _ -> Nx.sort(x) end),
      row("argsort", &reals(&1, 1), fn [x], _ -> Nx.argsort(x, stable: true) end, type: :s32),
      row("top_k", &with_count/1, fn [x], [k] -> Nx.top_k(x, k: k) end, parts: &Enum.take(&1, 1))
    ]
  end

  # Matrices of 10,000 elements, and as many in batches of 32 x 32 where iterations of BinaryBackend's would take minutes.
  defp matrices do
    [
      row("dot", &products/1, fn [a, b], _ -> Nx.dot(a, b) end, sizes: [@small, 90_000]),
      row("fft", &signals/1, fn [x], _ -> Nx.fft(x) end),
      row("cholesky", &positive(1, &1), fn [a], _ -> Nx.LinAlg.cholesky(a) end, sizes: [100, 200]),
      row("triangular_solve", &equations(1, &1), fn [a, b], _ -> Nx.LinAlg.triangular_solve(a, b) end,
        sizes: [100, 200]
      ),
      row("lu", &positive(1, &1), fn [a], _ -> Nx.LinAlg.lu(a) end, sizes: [100], parts: &tl/1),
      # The signs of rows are anybody's.
      row("qr", &positive(1, &1), fn [a], _ -> Nx.LinAlg.qr(a) end,
        sizes: [100],
        parts: &tl/1,
        compared: &Enum.map(&1, fn x -> abs(x) end)
      ),
      row("eigh", &positive(10, &1), fn [a], _ -> Nx.LinAlg.eigh(a) end,
        sizes: [32],
        parts: &Enum.take(&1, 1),
        compared: &Enum.sort/1
      ),
      row("svd", &positive(10, &1), fn [a], _ -> Nx.LinAlg.svd(a) end, sizes: [32], parts: &Enum.take(&1, 1))
    ]
  end

  ## Operands, by how many elements the first has

  defp reals(n, count), do: {for(i <- 1..count, do: real({n}, i)), []}
  defp thousands(n), do: {[Nx.multiply(real({n}, 1), 1000.0)], []}
  defp flagged(n), do: {[below({n}, 2, 3), real({n}, 1), real({n}, 2)], []}
  defp with_count(n), do: {[real({n}, 1)], [100]}

  defp table(n), do: {[real({side(n), side(n)}, 1)], [side(n), side(n)]}

  defp tables(n), do: {[real({side(n), side(n)}, 1), real({side(n), side(n)}, 2)], [side(n), side(n)]}

  defp parted(n) do
    {[x], [m, _]} = table(n)
    {[x, real({div(m, 2), div(m, 2)}, 2)], [m, m, div(m, 2), div(m, 2)]}
  end

  defp places(n), do: {[real({n}, 1), below({n}, n, 2)], []}

  defp placed_rows(n) do
    {[x], [m, _]} = table(n)
    {[x, below({m, m}, m, 2)], [m, m]}
  end

  defp pairs(n) do
    {[x], [m, _]} = table(n)
    {[x, below({div(n, 2), 2}, m, 2)], [m, m]}
  end

  defp updates(n), do: {[real({n}, 1), below({div(n, 2), 1}, n, 2), real({div(n, 2)}, 3)], []}

  defp scattered(n) do
    {[x], [m, _]} = table(n)
    {[x, real({div(m, 2), div(m, 2)}, 2)], [m, m]}
  end

  # An image of four channels, four filters.
  defp images(n) do
    m = side(div(n, 4))
    {[real({1, 4, m, m}, 1), real({4, 4, 3, 3}, 2)], [4, 4, m, m]}
  end

  defp products(n), do: {[real({side(n), side(n)}, 1), real({side(n), side(n)}, 2)], [side(n), side(n), side(n)]}

  defp signals(n) do
    rows = ceil(n / 1024)
    {[real({rows, 1024}, 1)], [rows, 1024]}
  end

  # Symmetric, with eigenvalues that are all positive.
  defp positive(count, n) do
    x = real({count, n, n}, 1)
    eye = Nx.eye(n, backend: Nx.BinaryBackend)
    {[x |> Nx.add(Nx.transpose(x, axes: [0, 2, 1])) |> Nx.add(Nx.multiply(eye, n))], [count, n]}
  end

  defp equations(count, n) do
    {[a], sizes} = positive(count, n)
    {[Nx.tril(a), real({count, n, 1}, 2)], sizes}
  end

  defp side(n), do: round(:math.sqrt(n))

  # The same numbers in every run.
  defp real(shape, seed) do
    seed(seed)
    made(shape, :f32, for(_ <- 1..Tuple.product(shape), into: <<>>, do: <<:rand.uniform()::float-32-native>>))
  end

  defp below(shape, bound, seed) do
    seed(seed)
    made(shape, :s32, for(_ <- 1..Tuple.product(shape), into: <<>>, do: <<:rand.uniform(bound) - 1::32-native>>))
  end

  defp seed(seed), do: :rand.seed(:exsss, {seed, 0, 0})
  defp made(shape, type, bytes), do: Nx.reshape(Nx.from_binary(bytes, type, backend: Nx.BinaryBackend), shape)
end

defmodule GpuNode.Diagnostics.Plot do
  @moduledoc """
  Draws and summaries as text of fixed width, for terminals.

      IO.puts(GpuNode.Diagnostics.Plot.density(draws, "mu", width: 40))
      IO.puts(GpuNode.Diagnostics.Plot.table(GpuNode.Diagnostics.summary(draws)))

  Lines end without a newline after the last one, and are all of one width, but for those of warnings.
  """

  alias GpuNode.Diagnostics
  alias GpuNode.Diagnostics.{Chains, Draws, Order, Summary, Warning}
  alias GpuNode.Chain.Samples
  alias GpuNode.{Argument, Error, Options}

  # Eighths of a cell, from nothing to all of it.
  @blocks {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"}
  @ticks [0.05, 0.5, 0.95]
  @largest 1.7976931348623157e308

  @columns [
    {:mean, "mean", :number},
    {:sd, "sd", :number},
    {:median, "median", :number},
    {:q5, "q5", :number},
    {:q95, "q95", :number},
    {:mcse_mean, "mcse_mean", :number},
    {:ess_bulk, "ess_bulk", :count},
    {:ess_tail, "ess_tail", :count},
    {:rhat, "rhat", :ratio}
  ]

  @density [
    width: [type: :pos_integer, default: 60, doc: "in characters"],
    height: [type: :pos_integer, default: 4, doc: "in lines"],
    range: [
      type: {:custom, "two numbers, {low, high}, low first", &__MODULE__.range?/1},
      doc: "of the values that are shown, `{low, high}`; default from the 0.1 % to the 99.9 % quantile"
    ]
  ]

  @doc """
  The histogram of a parameter, over an axis with ticks at the 5 %, 50 % and 95 % quantiles and their values below.

  Draws outside of the range are not shown. Draws that are not finite give a line that says so. Options:

  #{Options.docs(@density)}
  """
  @spec density(Diagnostics.input(), Diagnostics.parameter(), keyword) :: String.t()
  def density(input, parameter \\ 0, options \\ []) do
    options = Options.check!(options, @density, "GpuNode.Diagnostics.Plot.density/3")
    draws = Draws.new!(input)
    width = options[:width]
    index = Error.unwrap!(Draws.index(draws, parameter))

    case Draws.values(draws, index) do
      :non_finite -> String.pad_trailing("draws that are not finite", width)
      {:ok, values} -> draw(values, Order.new(values), width, options[:height], options[:range])
    end
  end

  defp draw(values, order, width, height, range) do
    range = range(range || {Order.quantile(order, 0.001), Order.quantile(order, 0.999)})
    counts = counts(values, range, width)
    top = max(Enum.max(counts), 1)
    # A bin that holds anything shows something.
    levels = Enum.map(counts, &ceil(&1 / top * 8 * height))

    rows =
      for row <- (height - 1)..0//-1 do
        Enum.map_join(levels, &elem(@blocks, min(max(&1 - 8 * row, 0), 8)))
      end

    ticks = for p <- @ticks, x = Order.quantile(order, p), inside?(x, range), do: {column(x, range, width), x}
    ticks = Enum.uniq(ticks)
    axis = for column <- 0..(width - 1), into: "", do: if(List.keymember?(ticks, column, 0), do: "┬", else: "─")
    Enum.join(rows ++ [axis, labels(ticks, width)], "\n")
  end

  @doc false
  def range?({low, high}), do: is_number(low) and is_number(high) and low <= high
  def range?(_other), do: false

  # Draws that are all the same still need an axis, of a width that is seen beside them and whose ends are doubles.
  defp range({low, high}) when low < high, do: {low, high, scale(low, high)}

  defp range({at, _high}) do
    half = max(0.5, abs(at) * 0.25)
    {low, high} = {max(at, half - @largest) - half, min(at, @largest - half) + half}
    {low, high, scale(low, high)}
  end

  # Both ends times this are at most 2, so their distance is a number.
  defp scale(low, high), do: Chains.scale(Chains.exponent(<<low::float-little-64, high::float-little-64>>))

  defp inside?(x, {low, high, _scale}), do: x >= low and x <= high

  defp column(x, {low, high, scale}, width),
    do: min(trunc((x * scale - low * scale) / (high * scale - low * scale) * width), width - 1)

  defp counts(values, range, width) do
    counters = :counters.new(width, [])

    for <<x::float-little-64 <- values>>, inside?(x, range) do
      :counters.add(counters, column(x, range, width) + 1, 1)
    end

    Enum.map(1..width, &:counters.get(counters, &1))
  end

  # Each label about its tick, moved right of the one before it; what does not fit is left out.
  defp labels(ticks, width) do
    ticks
    |> Enum.reduce("", fn {column, x}, line ->
      label = number(x)
      length = String.length(label)
      least = if line == "", do: 0, else: String.length(line) + 1
      start = max(least, min(column - div(length, 2), width - length))
      if start + length > width, do: line, else: String.pad_trailing(line, start) <> label
    end)
    |> String.pad_trailing(width)
  end

  # Of one kind of warning so many names are shown beside the worst, and how many more there are.
  @shown 3
  @columns_of_text 100

  @doc """
  The rows of `GpuNode.Diagnostics.summary/1`, or of draws or samples that it is made of, as a table: four significant digits, whole sample sizes, R-hat to three decimals, a dash for the
  R-hat of one chain. Of a `GpuNode.Diagnostics.Summary`, and of samples, the warnings are below, as `warnings/1` shows them.
  """
  @spec table([Diagnostics.row()] | Summary.t() | Diagnostics.input()) :: String.t()
  def table(%Summary{rows: rows, warnings: []}), do: table(rows)
  def table(%Summary{rows: rows, warnings: warnings}), do: table(rows) <> "\n\n" <> warnings(warnings)

  def table(samples) when is_struct(samples, Samples), do: samples |> Samples.summary!() |> table()

  def table(rows) do
    if rows?(rows), do: lines(rows), else: rows |> Diagnostics.summary() |> lines()
  end

  defp rows?(rows), do: is_list(rows) and not List.improper?(rows) and Enum.all?(rows, &match?(%{name: _, mean: _}, &1))

  defp lines(rows) do
    header = ["" | Enum.map(@columns, &elem(&1, 1))]
    body = for row <- rows, do: [to_string(row.name) | for({key, _, kind} <- @columns, do: text(row[key], kind))]
    widths = Enum.zip_with([header | body], fn cells -> cells |> Enum.map(&String.length/1) |> Enum.max() end)

    Enum.map_join([header | body], "\n", fn [name | cells] ->
      [name_width | cell_widths] = widths

      [String.pad_trailing(name, name_width) | Enum.zip_with(cells, cell_widths, &String.pad_leading/2)]
      |> Enum.join("  ")
    end)
  end

  @doc """
  Warnings, of each kind the most important with the names of what else it is about, in lines of at most 100 columns: four for each.
  """
  @spec warnings([Warning.t()]) :: String.t()
  def warnings(warnings) do
    Argument.check!(warnings, {:list, {:struct, Warning}}, "warnings", "GpuNode.Diagnostics.Plot.warnings/1")

    warnings
    |> Enum.chunk_by(& &1.code)
    |> Enum.flat_map(fn [worst | rest] -> wrap("warning: " <> worst.message) ++ also(worst.code, rest) end)
    |> Enum.join("\n")
  end

  defp also(_code, []), do: []

  defp also(code, alike) do
    names = for %{variable: name} <- Enum.take(alike, @shown), do: if(name, do: to_string(name), else: "the run")
    more = if length(alike) > @shown, do: " and #{length(alike) - @shown} more", else: ""
    ["         (#{code}: also of #{Enum.join(names, ", ")}#{more})"]
  end

  # The lines behind the first are set in, so that where a warning begins is seen.
  defp wrap(text) do
    text
    |> String.split(" ")
    |> Enum.reduce([], fn
      word, [line | lines] ->
        if String.length(line) + 1 + String.length(word) <= @columns_of_text,
          do: [line <> " " <> word | lines],
          else: ["         " <> word, line | lines]

      word, [] ->
        [word]
    end)
    |> Enum.reverse()
  end

  defp text(nil, _kind), do: "-"
  defp text(:nan, _kind), do: "nan"
  defp text(:infinity, _kind), do: "inf"
  defp text(x, :count), do: Integer.to_string(round(x))
  defp text(x, :ratio), do: :erlang.float_to_binary(x / 1, decimals: 3)
  defp text(x, :number), do: number(x)

  defp number(x) when x == 0, do: "0.000"

  defp number(x) do
    case floor(:math.log10(abs(x))) do
      power when power in -4..5 -> :erlang.float_to_binary(x / 1, decimals: max(3 - power, 0))
      _ -> :erlang.float_to_binary(x / 1, [{:scientific, 3}])
    end
  end
end

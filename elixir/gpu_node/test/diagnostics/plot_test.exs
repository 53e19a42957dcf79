defmodule GpuNode.Diagnostics.PlotTest do
  use ExUnit.Case, async: true
  alias GpuNode.Diagnostics.Plot

  # One to eight draws in the eight bins of 0..8.
  @stairs [for(bin <- 0..7, n <- 0..bin, do: bin + (n + 0.5) / (bin + 1))]

  defp lines(text), do: String.split(text, "\n")

  test "a histogram in eighths, with ticks at the quantiles" do
    assert Plot.density(@stairs, 0, width: 8, height: 1, range: {0, 8}) |> lines() |> Enum.take(2) == [
             "▁▂▃▄▅▆▇█",
             "─┬───┬─┬"
           ]

    assert Plot.density(@stairs, "x", width: 32, height: 2, range: {0, 32}) |> lines() == [
             "    ▂▄▆█                        ",
             "▂▄▆█████                        ",
             "─┬───┬─┬────────────────────────",
             "1.625 5.500 7.719               "
           ]
  end

  test "draws that are one value, and such as are not finite" do
    assert lines(Plot.density([[2, 2, 2]], 0, width: 11, height: 1)) == ["     █     ", "─────┬─────", "   2.000   "]
    assert Plot.density([[2, :nan]], 0, width: 30) == "draws that are not finite     "
  end

  test "a table of whole columns" do
    rows = [
      %{
        name: "mu",
        mean: 4.3912,
        sd: 3.31,
        median: 4.0,
        q5: -1.02,
        q95: 1234.5,
        mcse_mean: 0.00123456,
        ess_bulk: 4711.6,
        ess_tail: 3000.2,
        rhat: 1.00049
      },
      %{
        name: :log_tau,
        mean: 0.0,
        sd: :nan,
        median: -1.0e9,
        q5: 2.0e-7,
        q95: 99999.9,
        mcse_mean: :nan,
        ess_bulk: :nan,
        ess_tail: 12.0,
        rhat: :infinity
      }
    ]

    assert lines(Plot.table(rows)) == [
             "          mean     sd      median         q5     q95  mcse_mean  ess_bulk  ess_tail   rhat",
             "mu       4.391  3.310       4.000     -1.020    1235   0.001235      4712      3000  1.000",
             "log_tau  0.000    nan  -1.000e+09  2.000e-07  100000        nan       nan        12    inf"
           ]
  end
end

defmodule GpuNode.Diagnostics.RangeTest do
  @moduledoc "Draws of any size that doubles have."
  use ExUnit.Case, async: true
  alias GpuNode.{Diagnostics, Element}
  alias GpuNode.Diagnostics.{Convergence, Draws, Plot}

  @moduletag :truth

  @chains [[1.0, 2.0, 1.5, 1.25, 3.0, 2.5, 1.75, 2.0], [2.0, 1.0, 2.75, 3.0, 1.5, 1.0, 2.25, 1.5]]

  defp times(chains, factor), do: for(chain <- chains, do: Enum.map(chain, &(&1 * factor)))

  test "the standard deviation of draws of 1e200 is a number" do
    assert_in_delta Diagnostics.sd([[1.0e200, 2.0e200]]), 7.071067811865476e199, 1.0e185
    assert_in_delta Diagnostics.sd([[1.0e-170, 2.0e-170]]), 7.071067811865476e-171, 1.0e-185
    assert_in_delta Diagnostics.sd([[0.5e308, 1.5e308]]), 7.071067811865476e307, 1.0e293
    assert Diagnostics.sd([[5.0e-324, 5.0e-324, 1.5e-323]]) == 5.0e-324
    assert Diagnostics.mean([[-1.7e308, 1.7e308]]) == 0.0
    assert_in_delta Diagnostics.quantile([[-1.7e308, 1.7e308]], 0.75), 0.85e308, 1.0e293
    # sqrt(2) times the largest double.
    assert Diagnostics.sd([[-1.7976931348623157e308, 1.7976931348623157e308]]) == :infinity
  end

  test "draws times a power of two have every estimate times it, to the last bit" do
    [row] = Diagnostics.summary(@chains)
    [quantile, sd, ess_sd] = [&Diagnostics.mcse_quantile(&1, 0.4), &Diagnostics.mcse_sd/1, &Diagnostics.ess_sd/1]

    for power <- [-1000, -560, -300, 300, 560, 1000, 1022] do
      factor = :math.pow(2, power)
      draws = times(@chains, factor)
      [scaled] = Diagnostics.summary(draws)
      for key <- [:rhat, :ess_bulk, :ess_tail], do: assert(scaled[key] == row[key])
      for key <- [:mean, :sd, :median, :q5, :q95, :mcse_mean], do: assert(scaled[key] == row[key] * factor)
      assert quantile.(draws) == quantile.(@chains) * factor
      assert sd.(draws) == sd.(@chains) * factor
      assert ess_sd.(draws) == ess_sd.(@chains)
      assert Diagnostics.ebfmi(draws) == Diagnostics.ebfmi(@chains)
    end
  end

  test "R-hat is that of the ranks, for draws of the whole range at once" do
    chains = [[-1.7e308, 5.0e-324, 1.0, 1.0e300, -3.0, 2.0], [1.7e308, 2.0e-308, 0.5, -1.0e300, 4.0, 0.0]]
    assert is_float(Diagnostics.rhat(chains))
    assert [%{mean: mean, sd: sd}] = Diagnostics.summary(chains)
    assert is_float(mean) and is_float(sd)
  end

  test "R-hat of means and sums of squares: of those that stay apart, and of those that differ by more than a double" do
    assert Convergence.rhat_of([1.0, 1.0], [0.0, 0.0], 10) < 1.01
    assert Convergence.rhat_of([1.0, 2.0], [0.0, 0.0], 10) == :infinity
    assert Convergence.rhat_of([-1.7e308, 1.7e308], [1.0, 1.0], 10) == :infinity
    assert Convergence.rhat_of([1.0, :infinity], [1.0, 1.0], 10) == :nan
    # W = 2, B / n = 0.5.
    assert_in_delta Convergence.rhat_of([1.0e9, 1.0e9 + 1], [18.0, 18.0], 10), :math.sqrt(0.9 + 0.25), 1.0e-12
  end

  test "a density of constants of any size has its peak in the axis, with its value below" do
    for {constant, label} <- [
          {0, "0.000"},
          {1.0e-300, "1.000e-300"},
          {5.0e-324, "4.941e-324"},
          {1.0e300, "1.000e+300"},
          {-1.7976931348623157e308, "-1.798e+308"},
          {1.7976931348623157e308, "1.798e+308"},
          {2 ** 70, "1.181e+21"},
          {-(10 ** 300), "-1.000e+300"}
        ] do
      [bars, axis, labels] = String.split(Plot.density([[constant, constant, constant]], 0, width: 31, height: 1), "\n")
      assert String.length(bars) == 31 and String.trim(bars) == "█"
      assert length(String.graphemes(axis)) == 31 and axis =~ "┬"
      assert String.trim(labels) == label
    end
  end

  test "a density of spread draws, small or large, is that of the ones of a usual size" do
    usual = Plot.density(@chains, 0, width: 24, height: 2)

    for power <- [-1022, -800, 800, 1022] do
      bars = &(&1 |> String.split("\n") |> Enum.take(3))
      assert bars.(Plot.density(times(@chains, :math.pow(2, power)), 0, width: 24, height: 2)) == bars.(usual)
    end

    [bars, _axis, _labels] =
      [[-1.7e308, 1.7e308]] |> Plot.density(0, width: 8, height: 1, range: {-1.7e308, 1.7e308}) |> String.split("\n")

    assert bars == "█      █"
    assert Plot.density([[0.0, 5.0e-324]], 0, width: 8, height: 1, range: {0, 5.0e-324}) =~ "█      █\n"
  end

  test "an integer above all doubles is an infinite draw, as a float type has it" do
    huge = 10 ** 400
    assert Element.encode(huge, {:f, 64}) == Element.encode(:infinity, {:f, 64})
    assert Element.encode(-huge, {:f, 32}) == Element.encode(:neg_infinity, {:f, 32})
    assert {:ok, draws} = Draws.new([[huge, 1, 2]])
    assert Diagnostics.mean(draws) == :nan
    assert Plot.density(draws, 0, width: 30) == "draws that are not finite     "
    # The largest one that is no infinity.
    assert Element.encode(2 ** 1024 - 2 ** 970 - 1, {:f, 64}) == Element.encode(1.7976931348623157e308, {:f, 64})
    assert Element.encode(2 ** 1024 - 2 ** 970, {:f, 64}) == Element.encode(:infinity, {:f, 64})
  end
end

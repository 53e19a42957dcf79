defmodule GpuNode.DiagnosticsTest do
  use ExUnit.Case, async: true
  alias GpuNode.{Diagnostics, Error}
  alias GpuNode.Diagnostics.{Chains, Draws}
  alias GpuNode.Test.SlowDiagnostics, as: Slow

  setup do
    :rand.seed(:exsss, {11, 22, 33})
    :ok
  end

  defp normal(chains, draws), do: for(_ <- 1..chains, do: for(_ <- 1..draws, do: :rand.normal()))

  # A stationary AR(1) process of unit variance.
  defp ar(chains, draws, phi) do
    step = :math.sqrt(1 - phi * phi)

    for _ <- 1..chains do
      {chain, _} =
        Enum.map_reduce(1..draws, :rand.normal(), fn _, x -> {x, phi * x + step * :rand.normal()} end)

      chain
    end
  end

  defp assert_close(actual, expected, relative \\ 1.0e-10) do
    assert abs(actual - expected) <= relative * abs(expected), "#{inspect(actual)} is not #{inspect(expected)}"
  end

  @literal [:rhat, :ess_bulk, :ess_tail, :ess_mean, :ess_sd]

  test "everything equals the paper's formulas, written down one by one" do
    samples = [
      normal(4, 50),
      # Odd lengths, and one chain.
      ar(3, 31, 0.6),
      ar(1, 101, 0.3),
      # Long correlations: more lags than the direct sum has, so transforms.
      ar(2, 150, 0.98),
      ar(3, 64, -0.7),
      # Ties.
      for(chain <- ar(4, 40, 0.5), do: Enum.map(chain, &round(2 * &1))),
      # Chains apart.
      for({chain, c} <- Enum.with_index(normal(4, 40)), do: Enum.map(chain, &(&1 + c))),
      normal(5, 6),
      normal(5, 7)
    ]

    for {sample, number} <- Enum.with_index(samples), name <- @literal do
      actual = apply(Diagnostics, name, [sample])
      expected = apply(Slow, name, [sample])
      assert is_float(actual), "#{name} of sample #{number} is #{inspect(actual)}"
      assert abs(actual - expected) <= 1.0e-9 * expected, "#{name} of sample #{number}: #{actual} is not #{expected}"
    end
  end

  test "moments, quantiles and standard errors" do
    sample = ar(4, 60, 0.4)
    all = List.flatten(sample)
    assert_close(Diagnostics.mean(sample), Slow.mean(all))
    assert_close(Diagnostics.sd(sample), :math.sqrt(Slow.variance(all)))
    for p <- [0, 0.05, 0.3, 0.5, 1], do: assert(Diagnostics.quantile(sample, p) == Slow.quantile(sample, p))
    assert_close(Diagnostics.mcse_mean(sample), :math.sqrt(Slow.variance(all) / Slow.ess_mean(sample)))

    squares = Enum.map(all, &((&1 - Slow.mean(all)) ** 2))
    variance = Slow.mean(squares)
    spread = Slow.mean(Enum.map(squares, &((&1 - variance) ** 2)))
    assert_close(Diagnostics.mcse_sd(sample), :math.sqrt(spread / Slow.ess_sd(sample) / (4 * variance)))
    assert_close(Diagnostics.ess_quantile(sample, 0.3), Slow.ess_quantile(sample, 0.3))
  end

  test "standard errors are what repeated sampling shows" do
    runs = for _ <- 1..200, do: [normal(4, 100)] |> Enum.map(&Draws.new!/1) |> hd()

    for {estimate, error} <- [
          {&Diagnostics.mean/1, &Diagnostics.mcse_mean/1},
          {&Diagnostics.sd/1, &Diagnostics.mcse_sd/1},
          {&Diagnostics.quantile(&1, 0.5), &Diagnostics.mcse_quantile(&1, 0.5)}
        ] do
      spread = :math.sqrt(Slow.variance(Enum.map(runs, estimate)))
      typical = Slow.mean(Enum.map(runs, error))
      # 200 runs know their spread to 5 %; this is four times that.
      assert_in_delta typical / spread, 1.0, 0.2
    end
  end

  test "independent draws: sample sizes near their number, R-hat near one" do
    [row] = Diagnostics.summary(normal(64, 500))
    assert_in_delta row.ess_bulk / 32_000, 1.0, 0.05
    assert_in_delta row.ess_tail / 32_000, 1.0, 0.1
    assert_in_delta row.rhat, 1.0, 0.002
    assert_in_delta row.mean, 0.0, 4 * row.mcse_mean
    assert_in_delta row.sd, 1.0, 0.02
    assert_in_delta row.q5, -1.645, 0.05
    assert_in_delta row.q95, 1.645, 0.05
    assert_in_delta row.median, 0.0, 0.03
  end

  test "AR(1): N (1 - phi) / (1 + phi)" do
    for phi <- [-0.5, 0.3, 0.7, 0.9] do
      known = 64 * 1000 * (1 - phi) / (1 + phi)
      sample = ar(64, 1000, phi)
      # Where Geyer's sequences end is noise, which costs the estimator some percent, most where correlations alternate.
      assert_in_delta Diagnostics.ess_mean(sample) / known, 1.0, 0.15
      # The scores of normal draws are nearly the draws.
      assert_in_delta Diagnostics.ess_bulk(sample) / known, 1.0, 0.15
    end
  end

  test "chains apart in place, or in scale alone, or drifting, are seen" do
    [first | rest] = normal(4, 200)
    assert Diagnostics.rhat([first | rest]) < 1.02
    shifted = [Enum.map(first, &(&1 + 3)) | rest]
    assert Diagnostics.rhat(shifted) > 1.3
    assert Diagnostics.ess_bulk(shifted) < 20

    scaled = [Enum.map(first, &(&1 * 10)) | rest]
    assert Slow.rhat_of(Slow.scores(Slow.split(scaled))) < 1.02
    assert Diagnostics.rhat(scaled) > 1.1

    drifting = for chain <- [first | rest], do: chain |> Enum.with_index() |> Enum.map(fn {x, i} -> x + i / 50 end)
    assert Diagnostics.rhat(drifting) > 1.3
  end

  test "heavy tails: ranks work where there is no mean" do
    cauchy = Slow.map(normal(4, 500), fn _ -> :math.tan(:math.pi() * (:rand.uniform() - 0.5)) end)
    assert Diagnostics.rhat(cauchy) < 1.02
    assert_in_delta Diagnostics.ess_bulk(cauchy) / 2000, 1.0, 0.15
  end

  test "bulk estimates do not change under monotone transforms" do
    sample = ar(4, 100, 0.5)
    moved = Slow.map(sample, &:math.exp(3 * &1))
    assert Diagnostics.ess_bulk(sample) == Diagnostics.ess_bulk(moved)
    assert Diagnostics.ess_bulk(sample) |> assert_close(Diagnostics.ess_bulk(Slow.map(sample, &(-&1))), 1.0e-12)
    assert_close(Diagnostics.ess_mean(sample), Diagnostics.ess_mean(Slow.map(sample, &(1.0e6 + &1))), 1.0e-6)
  end

  test "perfectly antithetic draws are bounded by S log10 S" do
    sample = for _ <- 1..4, do: for(i <- 1..50, do: -1 ** i)
    assert Diagnostics.ess_mean(sample) <= 200 * :math.log10(200)
  end

  test "what has no estimate is :nan, and R-hat of chains that stay is :infinity" do
    constant = List.duplicate(List.duplicate(0.1, 20), 3)
    [row] = Diagnostics.summary(constant)
    assert %{mean: 0.1, sd: +0.0, median: 0.1, rhat: :nan, ess_bulk: :nan, ess_tail: :nan, mcse_mean: :nan} = row
    assert Diagnostics.mcse_sd(constant) == :nan
    assert Diagnostics.mcse_quantile(constant, 0.5) == :nan

    stuck = for c <- 1..3, do: List.duplicate(c * 0.1, 20)
    assert Diagnostics.rhat(stuck) == :infinity
    assert Diagnostics.ess_bulk(stuck) < 10

    for bad <- [:nan, :infinity, :neg_infinity] do
      [row] = Diagnostics.summary([[bad | List.duplicate(1.0, 9)], Enum.to_list(1..10)])
      assert row |> Map.delete(:name) |> Map.values() |> Enum.uniq() == [:nan]
    end

    assert Diagnostics.rhat([[1, 2, 3]]) == :nan
    assert is_float(Diagnostics.rhat([[1, 2, 3, 5]]))
    assert Diagnostics.ess_bulk([[1, 2, 3, 5, 4]]) == :nan
    assert is_float(Diagnostics.ess_bulk([[1, 2, 3, 5, 4, 0]]))
    assert [%{mean: 7.0, sd: :nan, median: 7.0, rhat: nil}] = Diagnostics.summary([[7]])
    # Two values: the upper quantile is the upper value, and everything lies at or below it.
    assert Diagnostics.ess_tail(for(_ <- 1..4, do: for(i <- 1..20, do: rem(i * i, 3)))) == :nan
    assert is_float(Diagnostics.rhat(for(_ <- 1..4, do: for(_ <- 1..20, do: :rand.uniform(2)))))
  end

  @tag :truth
  test "one chain has no R-hat in a summary and a dash in its table; its halves are compared on request" do
    [row] = rows = Diagnostics.summary(normal(1, 100))
    assert row.rhat == nil
    assert is_float(row.ess_bulk) and is_float(row.mcse_mean)
    assert rows |> GpuNode.Diagnostics.Plot.table() |> String.ends_with?("  -")
    assert is_float(Diagnostics.rhat(normal(1, 100)))
    assert [%{rhat: rhat}] = Diagnostics.summary(normal(2, 100))
    assert is_float(rhat)
  end

  test "E-BFMI: near two for independent energies, small for ones that creep, :nan where they stand" do
    [free] = Diagnostics.ebfmi([hd(normal(1, 4000))])
    assert_in_delta free, 2.0, 0.15
    assert Diagnostics.ebfmi(ar(2, 2000, 0.95)) |> Enum.all?(&(&1 < 0.3))
    assert Diagnostics.ebfmi([[1, 1, 1], [1, 2, 4], [1, 2, :nan]]) == [:nan, :nan, :nan]
    assert [:nan, fraction] = Diagnostics.ebfmi([[1, 1, 1], [1, 2, 4]])
    assert_close(fraction, 5 / (14 / 3))
    assert Diagnostics.ebfmi([[1]]) == [:nan]
  end

  test "binaries, in every layout and both types, are the lists" do
    [a, b] = for _ <- 1..2, do: Slow.map(ar(3, 20, 0.5), fn x -> round(x * 1024) / 1024 end)
    [expected_a, expected_b] = Diagnostics.summary([{"a", a}, {"b", b}])
    at = fn %{chains: c, draws: d, parameters: p} -> [a, b] |> Enum.at(p) |> Enum.at(c) |> Enum.at(d) end
    sizes = %{chains: 3, draws: 20, parameters: 2}

    for layout <- permutations([:chains, :draws, :parameters]), {type, bits} <- [f32: 32, f64: 64] do
      [x, y, z] = layout

      binary =
        for i <- 0..(sizes[x] - 1), j <- 0..(sizes[y] - 1), k <- 0..(sizes[z] - 1), into: <<>> do
          <<at.(%{x => i, y => j, z => k})::float-little-size(bits)>>
        end

      draws = Draws.new!(binary, type: type, layout: layout, shape: {sizes[x], sizes[y], sizes[z]}, names: ["a", "b"])
      assert Diagnostics.summary(draws) == [expected_a, expected_b]
      assert Diagnostics.rhat(draws, "b") == expected_b.rhat
    end

    flat = for chain <- a, x <- chain, into: <<>>, do: <<x::float-little-32>>
    assert Diagnostics.rhat(Draws.new!(flat, shape: {3, 20})) == expected_a.rhat
    assert Diagnostics.summary(%{"a" => a}) == [expected_a]
    <<_::32, rest::binary>> = flat
    assert Diagnostics.rhat(Draws.new!(<<0x7FC00000::little-32, rest::binary>>, shape: {3, 20})) == :nan
  end

  defp permutations([]), do: [[]]
  defp permutations(list), do: for(x <- list, rest <- permutations(list -- [x]), do: [x | rest])

  test "what are no draws is said" do
    for {data, options, message} <- [
          {[[1, 2], [3]], [], "one length"},
          {[[]], [], "one length"},
          {[], [], "draws are"},
          {[[1, :a]], [], ":a is no draw"},
          {[{"a", [[1, 2]]}, {"b", [[1, 2], [3, 4]]}], [], "one length"},
          {<<0::64>>, [shape: {3, 1}], "8 bytes of draws, where the shape has 12"},
          {<<0::64>>, [shape: {2, 1}, layout: [:chains, :lines]], "layout"},
          {<<0::64>>, [shape: {2}, layout: [:draws], type: :s32], ":f32 or :f64"},
          {<<0::64>>, [shape: {2, 1}, names: ["a", "b"]], "1 parameters"},
          {<<0::64>>, [], "shape"}
        ] do
      assert {:error, %Error{code: :invalid_argument, message: text}} = Draws.new(data, options)
      assert text =~ message
    end

    assert_raise Error, ~r/no parameter "y"/, fn -> Diagnostics.rhat([[1, 2]], "y") end
    assert_raise Error, ~r/no parameter 1 of 1/, fn -> Diagnostics.rhat([[1, 2]], 1) end
    assert_raise Error, fn -> Diagnostics.rhat([[1, 2], [3]]) end
  end

  test "direct sums and transforms are the same autocovariances, for odd numbers of chains too" do
    for {count, n} <- [{1, 5}, {3, 17}, {4, 64}, {7, 100}] do
      values = for chain <- ar(count, n, 0.8), x <- chain, into: <<>>, do: <<x + 5.0::float-little-64>>
      chains = Chains.new(values, count, n)

      for {x, y} <- Enum.zip(Chains.autocovariances(chains), Chains.autocovariances(chains, 0..(n - 1)//1)) do
        assert_in_delta x, y, 1.0e-13
      end
    end
  end
end

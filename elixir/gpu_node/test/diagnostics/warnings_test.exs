defmodule GpuNode.Diagnostics.WarningsTest do
  use ExUnit.Case, async: true
  alias GpuNode.{Diagnostics, Error}
  alias GpuNode.Diagnostics.{Plot, Summary, Warning}

  @moduletag :truth

  setup do
    :rand.seed(:exsss, {11, 22, 33})
    :ok
  end

  defp normal(chains, draws), do: for(_ <- 1..chains, do: for(_ <- 1..draws, do: :rand.normal()))

  defp walk(chains, draws) do
    for _ <- 1..chains do
      Enum.map_reduce(1..draws, 0.0, fn _, x -> {x, x + :rand.normal()} end) |> elem(0)
    end
  end

  defp codes(draws, options \\ []), do: draws |> Diagnostics.warnings(options) |> Enum.map(& &1.code)

  # Each has what it says.
  defp one(draws, options \\ [], code) do
    warnings = Diagnostics.warnings(draws, options)
    assert %Warning{message: message} = warning = Enum.find(warnings, &(&1.code == code)), inspect(warnings)
    assert message =~ ~r/^[A-Z0-9].*: .*\.$/, "no whole sentence with advice: #{message}"
    assert to_string(warning) == message
    warning
  end

  test "good draws have no warning, of few chains and of many" do
    assert codes(normal(4, 500)) == []
    assert codes(%{"a" => normal(4, 500), "b" => normal(4, 500)}) == []
    assert codes(normal(1000, 20)) == []
    cauchy = for chain <- normal(8, 500), do: Enum.map(chain, &(&1 / :rand.normal()))
    assert codes(cauchy) == []
    facts = [acceptance: 0.93, target_accept: 0.8, divergences: 0, never_moved: [], energies: normal(4, 500)]
    assert codes(normal(4, 500), facts) == []
  end

  test "divergences, with their number, share and chains" do
    warning = one(normal(4, 500), [divergences: 12, diverged: [1, 3], iterations: 4000], :divergences)
    assert %{value: 12, bound: 0, chains: [1, 3], variable: nil} = warning
    assert warning.message =~ "12 of 4000 iterations diverged (0.3 %)"
    assert one(normal(4, 500), [divergences: 1], :divergences).message =~ "1 of 2000 iterations"
  end

  test "R-hat above 1.01, of the variable that has it" do
    [first | rest] = normal(4, 500)
    draws = %{"good" => normal(4, 500), "bad" => [Enum.map(first, &(&1 + 1)) | rest]}
    assert [:rhat] = draws |> Diagnostics.warnings() |> Enum.filter(&(&1.code == :rhat)) |> Enum.map(& &1.code)
    assert %{variable: "bad", value: rhat, bound: 1.01} = one(draws, :rhat)
    assert rhat == Diagnostics.rhat(draws, "bad")
    assert one(for(c <- 1..4, do: List.duplicate(c, 50)), :rhat).value == :infinity
  end

  test "effective sample sizes below 100 a chain, or 400 in all" do
    assert codes(normal(4, 60)) == [:ess_bulk, :ess_tail]
    assert %{value: size, bound: 400, variable: "x"} = one(normal(4, 60), :ess_bulk)
    assert is_float(size) and size < 400
    # Two chains need as many as four.
    assert one(normal(2, 150), :ess_tail).bound == 400
    # 600 draws in all, 75 for each chain.
    assert one(normal(8, 75), :ess_bulk).bound == 800
    # Of many chains the total counts.
    assert one(normal(64, 20), :ess_bulk).bound == 1600
    refute :ess_bulk in codes(normal(64, 40))
  end

  test "fewer than four chains" do
    for count <- 1..3 do
      warning = one(normal(count, 2000), :few_chains)
      assert %{value: ^count, bound: 4} = warning
    end

    assert one(normal(1, 2000), :few_chains).message =~ "1 chain cannot"
  end

  test "E-BFMI below 0.3, chain by chain, and of all together where chains are short" do
    creeping = for chain <- walk(2, 500), do: Enum.map(chain, &(&1 + 100.0))
    [a, b] = creeping
    [c, d] = normal(2, 500)
    warning = one(normal(4, 500), [energies: [c, a, d, b]], :ebfmi)
    assert %{chains: [1, 3], bound: 0.3, value: value} = warning
    assert value == [a, b] |> Diagnostics.ebfmi() |> Enum.min()
    assert %{chains: nil} = one(normal(64, 50), [energies: walk(64, 50)], :ebfmi)
    # Short chains of good energies have single low ones by chance.
    assert codes(normal(1000, 20), energies: normal(1000, 20)) == []
  end

  test "chains that never moved" do
    [_, _ | rest] = normal(5, 500)
    draws = [List.duplicate(0.5, 500), List.duplicate(-0.5, 500) | rest]
    assert %{chains: [0, 1], value: 2, bound: 0} = one(draws, :never_moved)
    # One that moves in one coordinate moves.
    refute :never_moved in codes(%{"a" => draws, "b" => normal(5, 500)})
    assert %{chains: [2]} = one(normal(4, 500), [never_moved: [2]], :never_moved)
    refute :never_moved in codes([[1.0], [2.0], [3.0], [4.0]])
  end

  test "acceptance far below its target, and far above" do
    assert %{value: 0.5, bound: 0.8} = one(normal(4, 500), [acceptance: 0.5, target_accept: 0.8], :acceptance)
    assert one(normal(4, 500), [acceptance: 0.99, target_accept: 0.8], :acceptance).message =~ "above"

    for acceptance <- [0.7, 0.8, 0.97],
        do: assert(codes(normal(4, 500), acceptance: acceptance, target_accept: 0.8) == [])

    # A step size that was given was learned for nothing.
    assert codes(normal(4, 500), acceptance: 0.5, target_accept: nil) == []
  end

  test "a spread that grows with the draws, as of a density without a finite integral" do
    # Wherever the chains began.
    for chains <- [16, 64, 1000], start <- [0, 1000] do
      draws = for chain <- walk(chains, div(32_000, chains)), x = start * :rand.normal(), do: Enum.map(chain, &(&1 + x))
      warning = one(draws, :improper)
      assert %{variable: "x", bound: 1.5, value: grown} = warning
      assert_in_delta grown, 2.0, 0.5
      assert warning.message =~ "proper prior"
    end

    # Chains that mix slowly, and draws of heavy tails, keep theirs.
    slow = for chain <- normal(16, 1000), do: Enum.scan(chain, &(0.9 * &2 + &1))
    refute :improper in codes(slow)
    drifting = for chain <- normal(4, 1000), do: chain |> Enum.with_index() |> Enum.map(fn {x, i} -> x + i end)
    assert_in_delta one(drifting, :improper).value, 4.0, 0.1
    huge = for chain <- walk(16, 2000), do: Enum.map(chain, &(&1 * 1.0e305))
    assert :improper in codes(huge)
  end

  test "draws that are all one number" do
    ones = for _ <- 1..4, do: List.duplicate(0.0, 200)
    assert [%{code: :constant, message: text}] = Diagnostics.warnings(ones, never_moved: [])
    assert text =~ "are all 0.0"
  end

  test "what is above a bound reads as that" do
    assert [%{message: text}] = GpuNode.Diagnostics.Warnings.of_rhat("x", 1.01004, 4)
    assert text =~ "R-hat of x is 1.01004, above 1.01"
  end

  test "draws that are not finite, and too few" do
    assert %{variable: "x"} = one([[:nan | List.duplicate(1.0, 99)] | normal(3, 100)], :not_finite)
    assert %{value: 3, bound: 6} = one(normal(4, 3), :few_draws)
  end

  test "no warning takes more than three lines of 100 columns, and each kind no more than four" do
    stuck = for _ <- 1..3_000, do: List.duplicate(0.123456789012345, 40)
    names = ["a_rather_long_name_of_a_variable[123]" | Enum.map(1..9, &"theta[#{&1}]")]
    apart = for name <- names, do: {name, for(c <- 0..63, do: for(_ <- 1..40, do: c + :rand.normal()))}
    wander = for name <- names, do: {name, walk(16, 2000)}
    none = for name <- names, do: {name, [[:nan | List.duplicate(1.0, 99)] | normal(3, 100)]}
    all = Enum.to_list(0..2999)
    path = %{steps: 123_456.7, max_steps: 1000, jitter: 1.0, learned?: false}

    facts = [
      %{never_moved: all, divergences: 123_456, diverged: all, iterations: 1_200_000, path: path},
      %{never_moved: [2995, 2996, 2997, 2998, 2999], path: %{path | steps: 950.0, learned?: true}},
      %{acceptance: 1.23e-9, target_accept: 0.95, energy: Diagnostics.Draws.new!(walk(200, 120))},
      %{acceptance: 0.99912, target_accept: 0.95, energy: Diagnostics.Draws.new!(walk(64, 50))}
    ]

    found =
      Enum.map(facts, &GpuNode.Diagnostics.Warnings.of_run(3000, 3, &1)) ++
        [GpuNode.Diagnostics.Warnings.of_run(3, 3, %{})] ++
        Enum.map([stuck, apart, wander, none], &Diagnostics.warnings/1)

    codes = found |> List.flatten() |> Enum.map(& &1.code) |> MapSet.new()
    {:ok, types} = Code.Typespec.fetch_types(Warning)
    [{:type, _, :union, atoms}] = for {:type, {:code, type, []}} <- types, do: type
    assert codes == MapSet.new(atoms, fn {:atom, _, atom} -> atom end)

    for warnings <- found do
      for warning <- warnings do
        lines = [warning] |> Plot.warnings() |> String.split("\n")
        assert length(lines) <= 3 and Enum.all?(lines, &(String.length(&1) <= 100)), Enum.join(lines, "\n")
      end

      lines = warnings |> GpuNode.Diagnostics.Warnings.sort() |> Plot.warnings() |> String.split("\n")
      kinds = warnings |> Enum.uniq_by(& &1.code) |> length()
      assert length(lines) <= 4 * kinds and Enum.all?(lines, &(String.length(&1) <= 100)), Enum.join(lines, "\n")
    end
  end

  test "a chain that never moved is named with the call that leaves it out" do
    draws = [List.duplicate(0.5, 500) | normal(63, 500)]

    assert one(draws, :never_moved).message =~
             "1 of 64 chains never moved (0): every proposal was refused; leave them out " <>
               "(GpuNode.Chain.Samples.without_chains(samples, [0]))"

    text = one(normal(64, 50), [never_moved: Enum.to_list(3..20)], :never_moved).message
    assert text =~ "18 of 64 chains never moved (3, 4, 5, 6, 7 and 13 more)"
    assert text =~ "without_chains(samples, warning.chains)"
  end

  test "the table has them below its rows, of each kind the worst and the names of the others" do
    draws = for name <- ~w(a b c d e), do: {name, for(c <- 0..3, do: for(_ <- 1..200, do: c + :rand.normal()))}
    warnings = Diagnostics.warnings(draws, divergences: 3)

    assert Enum.map(warnings, & &1.code) ==
             Enum.map(Enum.uniq_by(warnings, & &1.code), & &1.code)
             |> Enum.flat_map(fn c -> List.duplicate(c, Enum.count(warnings, &(&1.code == c))) end)

    rhats = for %{code: :rhat, value: value} <- warnings, do: value
    assert length(rhats) == 5 and rhats == Enum.sort(rhats, :desc)

    rows = Diagnostics.summary(draws)
    [table, text] = %Summary{rows: rows, warnings: warnings} |> Plot.table() |> String.split("\n\n")
    assert table == Plot.table(rows)
    assert Plot.table(%Summary{rows: rows, warnings: []}) == table
    lines = String.split(text, "\n")
    assert hd(lines) =~ "warning: 3 of 800 iterations diverged"
    [worst | others] = for %{code: :rhat, variable: name} <- warnings, do: name
    assert Enum.count(lines, &(&1 =~ "warning: R-hat of #{worst} is")) == 1
    assert "         (rhat: also of #{others |> Enum.take(3) |> Enum.join(", ")} and 1 more)" in lines
  end

  test "a summary is enumerable" do
    summary = %Summary{rows: [:a, :b, :c], warnings: []}
    assert Enum.to_list(summary) == [:a, :b, :c]

    assert {Enum.count(summary), Enum.member?(summary, :b), Enum.at(summary, 1), Enum.take(summary, -1)} ==
             {3, true, :b, [:c]}
  end

  test "what is no fact is refused" do
    assert_raise Error, ~r/:divergences/, fn -> Diagnostics.warnings(normal(4, 10), divergences: -1) end
    assert_raise Error, ~r/unknown option :energy/, fn -> Diagnostics.warnings(normal(4, 10), energy: nil) end

    assert_raise Error, ~r/a list of numbers of chains/, fn ->
      Diagnostics.warnings(normal(4, 10), never_moved: [:a])
    end
  end
end

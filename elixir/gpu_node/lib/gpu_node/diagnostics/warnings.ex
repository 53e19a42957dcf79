defmodule GpuNode.Diagnostics.Warnings do
  @moduledoc false
  # What speaks against draws: see GpuNode.Diagnostics.Warning. Nothing here asks a node.

  alias GpuNode.{Diagnostics, Text}
  alias GpuNode.Diagnostics.{Draws, Paths, Warning}

  @rhat 1.01
  @chains 4
  @ess_per_chain 100
  @ess_chains 16
  @ebfmi 0.3
  @ebfmi_draws 100
  @least_draws 6
  @growth 1.5
  # Draws of an eighth of the run below which too little is known, and how many pairs are looked at.
  @apart_draws 100
  @looked 4096
  @below_target 0.15

  @order [
    :never_moved,
    :not_finite,
    :constant,
    :few_draws,
    :divergences,
    :improper,
    :rhat,
    :ess_bulk,
    :ess_tail,
    :ebfmi,
    :max_steps,
    :acceptance,
    :few_chains
  ]

  @type facts :: %{
          optional(:energy) => Draws.t() | nil,
          optional(:divergences) => non_neg_integer | nil,
          optional(:diverged) => [non_neg_integer] | nil,
          optional(:iterations) => pos_integer | nil,
          optional(:never_moved) => [non_neg_integer] | nil,
          optional(:path) => %{steps: number | nil, max_steps: pos_integer, jitter: number, learned?: boolean} | nil,
          optional(:acceptance) => float | nil,
          optional(:target_accept) => float | nil
        }

  @doc "The most important first; of one kind the worst first."
  @spec sort([Warning.t()]) :: [Warning.t()]
  def sort(warnings) do
    places = @order |> Enum.with_index() |> Map.new()

    Enum.sort_by(warnings, fn %{code: code, value: value} ->
      # Of sizes the smallest is the worst. Atoms are above all numbers.
      {places[code], if(code in [:ess_bulk, :ess_tail], do: value, else: negative(value))}
    end)
  end

  defp negative(value) when is_number(value), do: -value
  # Infinity comes before all.
  defp negative(_value), do: -1.0e308

  @doc "Of one parameter, whose row of the summary this is."
  @spec of_row(Diagnostics.row(), Draws.t(), non_neg_integer) :: [Warning.t()]
  def of_row(row, draws, index) do
    case Draws.values(draws, index) do
      :non_finite -> [not_finite(row.name)]
      {:ok, <<first::binary-size(8), _::binary>> = values} when row.sd == 0.0 -> constant(row, first, values)
      {:ok, values} -> improper(row, values, draws) ++ of_rhat(row.name, row.rhat, draws.chains) ++ sizes(row, draws)
    end
  end

  @doc "Of one parameter whose draws, or sums over them, are not all finite."
  @spec not_finite(Draws.name()) :: Warning.t()
  def not_finite(name) do
    new(
      :not_finite,
      0,
      1,
      "Draws of #{name} are infinite or not a number, so nothing can be said of them: " <>
        "look for a density that is not finite somewhere, or that has no bound",
      variable: name
    )
  end

  # One draw alone is no wonder.
  defp constant(_row, _first, values) when byte_size(values) == 8, do: []

  defp constant(row, <<number::float-little-64>>, _values) do
    [
      new(
        :constant,
        0,
        0,
        "Draws of #{row.name} are all #{number}: they never moved, or are too small or too near a bound for their type; " <>
          "look at the unconstrained coordinates (constrained: false), take f64, or other units",
        variable: row.name
      )
    ]
  end

  @doc "Of the R-hat of one parameter."
  @spec of_rhat(Draws.name(), Diagnostics.Convergence.estimate() | nil, pos_integer) :: [Warning.t()]
  def of_rhat(name, rhat, chains) when (is_float(rhat) and rhat > @rhat) or rhat == :infinity do
    [
      new(
        :rhat,
        rhat,
        @rhat,
        "R-hat of #{name} is #{precise(rhat)}, above #{@rhat}: its #{chains} chains differ, or are too short to tell; " <>
          "take a longer warm-up, more draws or more iterations for each (thin), then other coordinates",
        variable: name
      )
    ]
  end

  def of_rhat(_name, _rhat, _chains), do: []

  defp sizes(row, draws) do
    bound = @ess_per_chain * (draws.chains |> max(@chains) |> min(@ess_chains))

    for {key, of} <- [ess_bulk: "mean", ess_tail: "5 % and 95 % quantiles"],
        size = row[key],
        is_float(size),
        size < bound do
      new(
        key,
        size,
        bound,
        "The effective sample size for the #{of} of #{row.name} (#{key}) is #{floor(size)} of #{draws.chains * draws.draws} draws, " <>
          "below #{bound}: take #{times(bound / size)} draws, or more iterations for each (thin)",
        variable: row.name
      )
    end
  end

  defp times(ratio) when ratio < 1.1, do: "a tenth more"
  defp times(ratio), do: "#{ratio |> min(1.0e6) |> ceil()} times as many"

  # How far draws are from each other that are an eighth, a quarter and half of the run apart: once a chain goes around in its distribution
  # that is the same, where it walks away it grows as the square root, wherever chains began.
  defp improper(row, values, %{chains: chains, draws: draws}) do
    if chains * div(draws, 8) < @apart_draws or row.sd == 0.0 do
      []
    else
      [near, middle, far] = for share <- [8, 4, 2], do: apart(values, chains, draws, div(draws, share))

      if near > 0.0 and middle > near and far > middle and far / near > @growth do
        grown = far / near

        [
          new(
            :improper,
            grown,
            @growth,
            "Draws of #{row.name} wander: half the run apart they differ #{text(grown)} times as much as an eighth; " <>
              "take a longer warm-up, or a proper prior for it, if the density has no finite integral",
            variable: row.name
          )
        ]
      else
        []
      end
    end
  end

  # The median distance of draws that are so many apart, of at most @looked pairs spread over chains and time. Halved, as the distance
  # of two doubles may be none.
  defp apart(values, chains, draws, lag) do
    stride = div(chains + @looked - 1, @looked)
    room = draws - lag
    each = min(max(div(@looked, chains), 1), room)

    distances =
      for chain <- 0..(chains - 1)//stride, k <- 0..(each - 1) do
        # Other ones in each chain, where it is few of each.
        at = rem(div(k * room, each) + chain * 7919, room)
        abs(value(values, chain * draws + at + lag) / 2 - value(values, chain * draws + at) / 2)
      end

    distances |> Enum.sort() |> Enum.at(div(length(distances), 2))
  end

  defp value(values, index) do
    offset = index * 8
    <<_::binary-size(offset), x::float-little-64, _::binary>> = values
    x
  end

  @doc "The chains whose draws are all one point. One draw says nothing."
  @spec still(Draws.t()) :: MapSet.t(non_neg_integer)
  def still(%{draws: 1}), do: MapSet.new()

  def still(draws) do
    draws.names
    |> Enum.with_index()
    |> Enum.reduce(MapSet.new(0..(draws.chains - 1)), fn {_name, index}, still ->
      case if(Enum.empty?(still), do: :non_finite, else: Draws.values(draws, index)) do
        :non_finite -> MapSet.new()
        {:ok, values} -> MapSet.filter(still, &one_value?(values, &1, draws.draws))
      end
    end)
  end

  defp one_value?(values, chain, draws) do
    bytes = binary_part(values, chain * draws * 8, draws * 8)
    bytes == :binary.copy(binary_part(bytes, 0, 8), draws)
  end

  @doc "Of a run of so many chains and draws."
  @spec of_run(pos_integer, pos_integer, facts) :: [Warning.t()]
  def of_run(chains, draws, facts) do
    few(chains, draws) ++
      never_moved(facts[:never_moved] || [], chains) ++
      divergences(facts[:divergences] || 0, facts, chains * draws) ++
      ebfmi(facts[:energy]) ++
      Paths.max_steps(facts[:path]) ++
      acceptance(facts[:acceptance], facts[:target_accept])
  end

  defp few(chains, draws) do
    few_draws =
      new(
        :few_draws,
        draws,
        @least_draws,
        "#{draws} draws of each chain are too few for effective sample sizes and R-hat: take #{@least_draws} at least, better hundreds"
      )

    few_chains =
      new(
        :few_chains,
        chains,
        @chains,
        "#{Text.count(chains, "chain")} cannot show whether others would have come to the same place: take #{@chains} at least, of which a GPU has many for the price of one"
      )

    if(draws < @least_draws, do: [few_draws], else: []) ++ if(chains < @chains, do: [few_chains], else: [])
  end

  defp never_moved([], _chains), do: []

  defp never_moved(still, chains) do
    [
      new(
        :never_moved,
        length(still),
        0,
        "#{length(still)} of #{chains} chains never moved (#{list(still)}): every proposal was refused; leave them out " <>
          "(#{without(still)}), begin where the density is higher, or take a smaller step size or a longer warm-up",
        chains: still
      )
    ]
  end

  defp divergences(0, _facts, _iterations), do: []

  defp divergences(count, facts, kept) do
    iterations = facts[:iterations] || kept
    share = text(min(100 * count / iterations, 100.0))
    those = if facts[:diverged] in [nil, []], do: "", else: " in #{those(facts[:diverged])}"

    [
      new(
        :divergences,
        count,
        0,
        "#{count} of #{iterations} iterations diverged (#{share} %)#{those}: in places steps are too long, and draws are missing; " <>
          "raise target_accept, or take coordinates in which the density is less curved (non-centred ones, say)",
        chains: facts[:diverged]
      )
    ]
  end

  defp ebfmi(nil), do: []

  defp ebfmi(%Draws{draws: draws} = energy) do
    fractions = Diagnostics.ebfmi(energy)
    together? = draws < @ebfmi_draws
    fractions = if together?, do: [mean(for(fraction <- fractions, is_float(fraction), do: fraction))], else: fractions

    low =
      for {fraction, chain} <- Enum.with_index(fractions), is_float(fraction), fraction < @ebfmi, do: {fraction, chain}

    case {low, together?} do
      {[], _} ->
        []

      {[{value, _}], true} ->
        [ebfmi(value, nil, "of all chains together")]

      {low, false} ->
        [
          ebfmi(
            low |> Enum.min() |> elem(0),
            Enum.map(low, &elem(&1, 1)),
            "of #{length(low)} of #{energy.chains} chains (#{low |> Enum.map(&elem(&1, 1)) |> list()})"
          )
        ]
    end
  end

  defp ebfmi(value, chains, whose) do
    new(
      :ebfmi,
      value,
      @ebfmi,
      "E-BFMI #{whose} is below #{@ebfmi} (#{text(value)} at the least): energies change too little from draw to draw to reach the tails; " <>
        "take other coordinates, or many more draws",
      chains: chains
    )
  end

  defp mean([]), do: :nan
  defp mean(list), do: Enum.sum(list) / length(list)

  defp acceptance(acceptance, target) when is_number(acceptance) and is_number(target) do
    cond do
      acceptance < target - @below_target ->
        [
          new(
            :acceptance,
            acceptance,
            target,
            "The mean acceptance is #{text(acceptance)}, far below the target of #{text(target)}: steps are too long for where the " <>
              "draws are; take a longer warm-up, or a smaller step size"
          )
        ]

      1.0 - acceptance < 0.1 * (1.0 - target) ->
        [
          new(
            :acceptance,
            acceptance,
            target,
            "The mean acceptance is #{text(acceptance)}, far above the target of #{text(target)}: steps are shorter than they need be, " <>
              "as a few chains in a narrow place make them; take other coordinates, or a longer warm-up"
          )
        ]

      true ->
        []
    end
  end

  defp acceptance(_acceptance, _target), do: []

  defp new(code, value, bound, message, fields \\ []),
    do: struct!(%Warning{code: code, value: value, bound: bound, message: message <> "."}, fields)

  defp those([chain]), do: "chain #{chain}"
  defp those(chains), do: "#{length(chains)} chains (#{list(chains)})"

  defp without(chains) when length(chains) <= 3,
    do: "GpuNode.Chain.Samples.without_chains(samples, #{inspect(chains, charlists: :as_lists)})"

  defp without(_chains), do: "GpuNode.Chain.Samples.without_chains(samples, warning.chains)"

  defp list(chains) when length(chains) <= 5, do: Enum.join(chains, ", ")
  defp list(chains), do: "#{chains |> Enum.take(5) |> Enum.join(", ")} and #{length(chains) - 5} more"

  # So that what is above a bound reads as that.
  defp precise(:infinity), do: "infinite"
  defp precise(x), do: :erlang.float_to_binary(x / 1, [{:decimals, 5}, :compact])

  defp text(:infinity), do: "infinite"
  defp text(x) when x > 0 and x < 0.01, do: :erlang.float_to_binary(x / 1, [{:scientific, 1}])
  defp text(x), do: :erlang.float_to_binary(x / 1, [{:decimals, 3}, :compact])
end

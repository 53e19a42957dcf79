defmodule GpuNode.Diagnostics do
  @moduledoc """
  Whether Markov chains have converged, and how precise what is computed from their draws is.

      draws = GpuNode.Diagnostics.Draws.new!(q_chain, type: :f32, shape: {4096, 1000, 2}, names: ["mu", "log_tau"])
      GpuNode.Diagnostics.summary(draws)
      #=> [%{name: "mu", mean: 4.39, sd: 3.31, median: 4.41, q5: -1.02, q95: 9.83, mcse_mean: 0.0017,
      #      ess_bulk: 3821004.2, ess_tail: 2911031.7, rhat: 1.0001}, ...]

  Every function takes `GpuNode.Diagnostics.Draws`, or anything that `GpuNode.Diagnostics.Draws.new/1` makes draws of, such as a list of
  chains or `GpuNode.Chain.Samples`, whose draws are brought here at each call. Functions of one parameter take its number or name last. What
  cannot be taken as draws, or a parameter that is not there, raises `GpuNode.Error` (`GpuNode.Diagnostics.Draws.new/2` and `index/2` are the
  twins that do not).

  ## What is computed

  With M chains of N draws. Chains are split in halves first, so that a drift within a chain shows; of an odd number of draws the one in the
  middle is left out, except from means, standard deviations and quantiles.

    * R-hat (`rhat/2`): the larger of that of the normal scores of the draws' ranks (bulk) and that of the scores of
      `|draw - median|` (folded), which shows chains that differ in scale. Below 1.01 is good.
    * Bulk ESS (`ess_bulk/2`): effective sample size of the mean of the normal scores. Tail ESS (`ess_tail/2`): the smaller one of the
      5 % and the 95 % quantile's. 100 for each chain of up to 16 is wanted; of more the total counts.
    * ESS of an expectation: of the draws (`ess_mean/2`), of their squared distances from the mean (`ess_sd/2`), of the indicator
      `draw <= quantile` (`ess_quantile/3`). The sum over lags ends by Geyer's initial positive and monotone sequences.
    * Monte Carlo standard errors: `sd / sqrt(ESS)` for the mean; for the standard deviation the delta method on the variance's; for quantiles half
      the distance of the order statistics at the 16 % and 84 % quantiles of Beta(ESS p + 1, ESS (1 - p) + 1).
    * What speaks against the draws (`warnings/2`), in words: the bounds of these, few chains, chains that stay, draws that wander.
    * E-BFMI (`ebfmi/1`), from energies: the chain's changes of energy against its spread. Below 0.3 is bad.

  ## Results that are no number

  `:nan`: a draw is not finite; all draws are one value (nothing can be said of convergence then); chains are too short: two draws a chain for
  a standard deviation, four for R-hat, six for effective sample sizes; for a quantile, all draws lie on one side of it (discrete draws).
  `:infinity`: R-hat, when no half of a chain moves and they differ; a standard deviation that is above all doubles.

  One chain is enough for effective sample sizes and standard errors, and `rhat/2` compares its halves: that tells a drift, and cannot tell
  whether another chain would have come to the same place. So a summary has no R-hat of one chain (nil, a dash in the table).

  Draws may be of any size that doubles have: sums are taken over draws divided by a power of two (`GpuNode.Diagnostics.Chains`).

  ## Cost

  Ranks cost a sort, O(S log S) for S = M N draws, twice (bulk and folded). An effective sample size costs S for each lag: 4 lags, then 16;
  chains that need more are transformed at once, O(S log N). Work on chains and ranks is spread over all schedulers, and its results do
  not depend on their number. Memory is some 150 bytes a draw of one parameter.

  ## Sources

    * A. Vehtari, A. Gelman, D. Simpson, B. Carpenter, P.-C. Buerkner: Rank-normalization, folding, and localization: an improved R-hat for
      assessing convergence of MCMC. Bayesian Analysis 16(2), 667-718, 2021. R-hat: section 3.1 and equations (1) to (4), (14), (16); ESS: (7), (10) to
      (13), section 4.3; quantiles: section 4.4.
    * C. J. Geyer: Practical Markov chain Monte Carlo. Statistical Science 7(4), 473-483, 1992.
    * J. F. Kenney, E. S. Keeping: Mathematics of Statistics, part two, 1951, chapter 7 (variance of a variance).
    * M. Betancourt: Diagnosing suboptimal cotangent disintegrations in Hamiltonian Monte Carlo. arXiv:1604.00695, 2016.
  """

  alias GpuNode.Diagnostics.{Chains, Convergence, Draws, Order, Warning, Warnings}
  alias GpuNode.Chain.Samples
  alias GpuNode.{Argument, Error, Options, Tensor}
  alias GpuNode.Special.Beta

  @type estimate :: Convergence.estimate()
  @type input ::
          Draws.t()
          | Samples.t()
          | Draws.chains()
          | %{Draws.name() => Draws.chains()}
          | [{Draws.name(), Draws.chains()}]
  @type parameter :: Draws.name() | non_neg_integer
  @type row :: %{
          name: Draws.name(),
          mean: estimate,
          sd: estimate,
          median: estimate,
          q5: estimate,
          q95: estimate,
          mcse_mean: estimate,
          ess_bulk: estimate,
          ess_tail: estimate,
          rhat: estimate | nil
        }

  @estimates [:mean, :sd, :median, :q5, :q95, :mcse_mean, :ess_bulk, :ess_tail, :rhat]

  @probability {:custom, "a number from 0 to 1", &GpuNode.Chain.Sampling.share?/1}
  # At the ends there is no spread.
  @inner_probability {:custom, "a number between 0 and 1", &GpuNode.Chain.Sampling.probability?/1}

  # Of a normal distribution, one standard deviation below and above the mean.
  @one_sd {0.15865525393145707, 0.8413447460685429}

  @doc "For each parameter what there is to know: see the type `t:row/0`. One sort serves all of a row that depends on order."
  @spec summary(input) :: [row]
  def summary(input) do
    draws = Draws.new!(input)
    for {name, index} <- Enum.with_index(draws.names), do: row(draws, index, name)
  end

  defp row(draws, index, name) do
    estimates =
      with_chains(draws, index, fn chains ->
        moments = Chains.moments(chains)
        order = Order.new(chains.values)
        sd = sd_of(chains, moments)
        {rhat, ess_bulk} = bulk_and_rhat(chains, order)

        %{
          mean: Chains.unscale(moments.mean, chains.exponent),
          sd: Chains.unscale(sd, chains.exponent),
          median: Order.quantile(order, 0.5),
          q5: Order.quantile(order, 0.05),
          q95: Order.quantile(order, 0.95),
          mcse_mean: sd |> standard_error(ess_of(chains)) |> Chains.unscale(chains.exponent),
          ess_bulk: ess_bulk,
          ess_tail: tail(chains, order),
          rhat: rhat
        }
      end)

    estimates = if estimates == :nan, do: Map.new(@estimates, &{&1, :nan}), else: estimates
    # One chain has nothing to agree with: its halves alone are no comparison that a summary should show.
    estimates = if draws.chains == 1, do: %{estimates | rhat: nil}, else: estimates
    Map.put(estimates, :name, name)
  end

  chains_listed? =
    {:or, [{:in, [nil]}, {:custom, "a list of numbers of chains", &GpuNode.Diagnostics.chain_numbers?/1}]}

  @warnings_options [
    energies: [type: :any, doc: "energies at the draws, as `ebfmi/1` takes them"],
    divergences: [type: {:or, [{:in, [nil]}, :non_neg_integer]}, doc: "how many iterations diverged"],
    diverged: [type: chains_listed?, doc: "the chains that they are of, counted from 0"],
    iterations: [type: {:or, [{:in, [nil]}, :pos_integer]}, doc: "what the divergences are of; without it all draws"],
    never_moved: [
      type: chains_listed?,
      doc: "chains that stayed where they began; without it those whose draws are all one point"
    ],
    acceptance: [type: {:or, [{:in, [nil]}, :number]}, doc: "the mean acceptance of the run"],
    target_accept: [type: {:or, [{:in, [nil]}, :number]}, doc: "the acceptance that its step size was learned for"]
  ]

  @doc false
  def chain_numbers?(chains),
    do: is_list(chains) and not List.improper?(chains) and Enum.all?(chains, &(is_integer(&1) and &1 >= 0))

  @doc """
  What speaks against the draws, the most important first: see `GpuNode.Diagnostics.Warning`. Empty when nothing was found, which proves
  nothing.

  Options, all of them about the run, and none of them needed. Of samples there are none: it is `GpuNode.Chain.Samples.warnings!/1`.

  #{Options.docs(@warnings_options)}
  """
  @spec warnings(input, keyword) :: [Warning.t()]
  def warnings(input, options \\ [])

  def warnings(samples, options) when is_struct(samples, Samples) do
    Options.check!(options, [], "GpuNode.Diagnostics.warnings/2 of samples, which know their run")
    Samples.warnings!(samples)
  end

  def warnings(input, options) do
    options = Options.check!(options, @warnings_options, "GpuNode.Diagnostics.warnings/2")
    draws = Draws.new!(input)
    facts = options |> Keyword.delete(:energies) |> Map.new()
    facts = Map.put_new_lazy(facts, :never_moved, fn -> draws |> Warnings.still() |> Enum.sort() end)
    facts = Map.put(facts, :energy, options[:energies] && energies(options[:energies]))

    rows = draws |> summary() |> Enum.with_index() |> Enum.flat_map(fn {row, i} -> Warnings.of_row(row, draws, i) end)
    Warnings.sort(rows ++ Warnings.of_run(draws.chains, draws.draws, facts))
  end

  @doc "The mean of all draws."
  @spec mean(input, parameter) :: estimate
  def mean(input, parameter \\ 0),
    do: with_chains(input, parameter, &Chains.unscale(Chains.moments(&1).mean, &1.exponent))

  @doc "The standard deviation of all draws as one sample."
  @spec sd(input, parameter) :: estimate
  def sd(input, parameter \\ 0),
    do: with_chains(input, parameter, &Chains.unscale(sd_of(&1, Chains.moments(&1)), &1.exponent))

  @doc "A quantile of all draws, by linear interpolation."
  @spec quantile(input, number, parameter) :: estimate
  def quantile(input, probability, parameter \\ 0) do
    Argument.check!(probability, @probability, "probability", "GpuNode.Diagnostics.quantile/3")
    with_chains(input, parameter, &Order.quantile(Order.new(&1.values), probability))
  end

  @doc """
  Rank-normalised split R-hat: the maximum of bulk and folded. Chains are compared as halves, so one chain has one too: of its first half
  against its second. It says that the chain does not drift, and nothing about what it has not seen.
  """
  @spec rhat(input, parameter) :: estimate
  def rhat(input, parameter \\ 0),
    do: with_chains(input, parameter, &elem(bulk_and_rhat(&1, Order.new(&1.values)), 0))

  @doc "Bulk effective sample size."
  @spec ess_bulk(input, parameter) :: estimate
  def ess_bulk(input, parameter \\ 0) do
    with_chains(input, parameter, fn chains ->
      with_split(chains, fn split ->
        scored = scored(split, Order.new(split.values))
        Convergence.ess(scored, Chains.moments(scored))
      end)
    end)
  end

  @doc "Tail effective sample size: the smaller one of those of the 5 % and 95 % quantiles."
  @spec ess_tail(input, parameter) :: estimate
  def ess_tail(input, parameter \\ 0), do: with_chains(input, parameter, &tail(&1, Order.new(&1.values)))

  @doc "Effective sample size of the mean."
  @spec ess_mean(input, parameter) :: estimate
  def ess_mean(input, parameter \\ 0), do: with_chains(input, parameter, &ess_of/1)

  @doc "Effective sample size of the standard deviation: that of the squared distance from the mean."
  @spec ess_sd(input, parameter) :: estimate
  def ess_sd(input, parameter \\ 0), do: with_chains(input, parameter, &(&1 |> squared() |> ess_of()))

  @doc "Effective sample size of a quantile: that of the indicator of a draw at or below it."
  @spec ess_quantile(input, number, parameter) :: estimate
  def ess_quantile(input, probability, parameter \\ 0) do
    Argument.check!(probability, @inner_probability, "probability", "GpuNode.Diagnostics.ess_quantile/3")
    with_chains(input, parameter, &ess_below(&1, Order.quantile(Order.new(&1.values), probability)))
  end

  @doc "Monte Carlo standard error of the mean."
  @spec mcse_mean(input, parameter) :: estimate
  def mcse_mean(input, parameter \\ 0),
    do:
      with_chains(input, parameter, fn chains ->
        chains |> sd_of(Chains.moments(chains)) |> standard_error(ess_of(chains)) |> Chains.unscale(chains.exponent)
      end)

  @doc "Monte Carlo standard error of the standard deviation."
  @spec mcse_sd(input, parameter) :: estimate
  def mcse_sd(input, parameter \\ 0) do
    with_chains(input, parameter, fn chains ->
      squared = squared(chains)
      moments = Chains.moments(squared)

      case standard_error(sd_population(squared, moments), ess_of(squared)) do
        :nan ->
          :nan

        error ->
          # Squared distances have a unit of their own, whose root is that of the divided draws.
          unit = :math.sqrt(Chains.unscale(1.0, squared.exponent))
          Chains.unscale(error / (2 * :math.sqrt(moments.mean)) * unit, chains.exponent)
      end
    end)
  end

  @doc "Monte Carlo standard error of a quantile."
  @spec mcse_quantile(input, number, parameter) :: estimate
  def mcse_quantile(input, probability, parameter \\ 0) do
    Argument.check!(probability, @inner_probability, "probability", "GpuNode.Diagnostics.mcse_quantile/3")

    with_chains(input, parameter, fn chains ->
      order = Order.new(chains.values)

      with ess when is_float(ess) <- ess_below(chains, Order.quantile(order, probability)) do
        {below, above} = @one_sd
        at = &(Beta.quantile(&1, ess * probability + 1, ess * (1 - probability) + 1) * order.size)
        low = Order.statistic(order, max(floor(at.(below)), 1))
        high = Order.statistic(order, min(ceil(at.(above)), order.size))
        # The distance of two doubles may be no double, and half of a small one neither.
        if max(abs(low), abs(high)) < 8.0e307, do: (high - low) / 2, else: high / 2 - low / 2
      end
    end)
  end

  @doc """
  The energy Bayesian fraction of missing information of each chain, from its energies (Hamiltonians at the draws): the sum of squared
  changes over the sum of squared distances from their mean. `:nan` for one draw, and for energies that do not vary or are not finite. Of
  samples it is that of their energies.
  """
  @spec ebfmi(Draws.t() | Draws.chains() | Samples.t()) :: [estimate]
  def ebfmi(energies) do
    draws = energies(energies)

    case Draws.values(draws, 0) do
      :non_finite -> List.duplicate(:nan, draws.chains)
      {:ok, values} -> for <<chain::binary-size(draws.draws * 8) <- values>>, do: fraction(chain)
    end
  end

  # Of samples not the draws, which are no energies.
  defp energies(samples) when is_struct(samples, Samples) do
    case samples.energy do
      nil ->
        Error.raise!(Error.new(:invalid_argument, "the samples have no energies, as keep_draws: false has it"))

      tensor ->
        tensor |> Tensor.to_binary!() |> Draws.new!(type: tensor.type, shape: tensor.shape)
    end
  end

  defp energies(energies), do: Draws.new!(energies)

  defp fraction(chain) do
    chain = Chains.new(chain, 1, div(byte_size(chain), 8))
    %{within: within} = Chains.moments(chain)
    scale = Chains.scale(chain.exponent)
    energies = for <<e::float-little-64 <- chain.values>>, do: e * scale
    changes = Enum.zip_reduce(energies, tl(energies), 0.0, fn e, next, sum -> sum + (next - e) * (next - e) end)
    if within == 0.0, do: :nan, else: changes / (within * (length(energies) - 1))
  end

  defp with_chains(input, parameter, fun) do
    draws = Draws.new!(input)
    index = Error.unwrap!(Draws.index(draws, parameter))

    case Draws.values(draws, index) do
      {:ok, values} -> fun.(Chains.new(values, draws.chains, draws.draws))
      :non_finite -> :nan
    end
  end

  defp with_split(%{length: n}, _fun) when n < 2, do: :nan
  defp with_split(chains, fun), do: fun.(Chains.split(chains))

  defp sd_of(%{count: m, length: n}, _moments) when m * n < 2, do: :nan
  defp sd_of(chains, moments), do: Chains.sd(chains, moments)

  defp sd_population(%{count: m, length: n} = chains, moments),
    do: Chains.sd(chains, moments) * :math.sqrt((m * n - 1) / (m * n))

  defp ess_of(chains), do: with_split(chains, &Convergence.ess(&1, Chains.moments(&1)))

  defp standard_error(_sd, :nan), do: :nan
  defp standard_error(sd, ess), do: sd / :math.sqrt(ess)

  # Of the divided draws.
  defp squared(chains) do
    %{mean: mean} = Chains.moments(chains)
    scale = Chains.scale(chains.exponent)
    Chains.map(chains, &((&1 * scale - mean) * (&1 * scale - mean)))
  end

  defp bulk_and_rhat(%{length: n}, _order) when n < 2, do: {:nan, :nan}

  defp bulk_and_rhat(chains, order) do
    split = Chains.split(chains)
    # Split chains of an even number of draws are the same values: their order is known.
    bulk = scored(split, if(rem(chains.length, 2) == 0, do: order, else: Order.new(split.values)))
    moments = Chains.moments(bulk)
    median = Order.quantile(order, 0.5)
    folded = Chains.map(split, if(chains.exponent < 1023, do: &abs(&1 - median), else: &abs(&1 / 2 - median / 2)))
    folded = scored(folded, Order.new(folded.values))

    {larger(Convergence.rhat(bulk, moments), Convergence.rhat(folded, Chains.moments(folded))),
     Convergence.ess(bulk, moments)}
  end

  # Draws of two values, as far from the median, have nothing to fold.
  defp larger(:nan, :nan), do: :nan
  defp larger(bulk, :nan), do: bulk
  defp larger(:nan, folded), do: folded
  # Atoms are above all numbers.
  defp larger(bulk, folded), do: max(bulk, folded)

  defp scored(chains, order), do: Chains.with_values(chains, Order.scores(order))

  defp tail(chains, order) do
    case Enum.map([0.05, 0.95], &ess_below(chains, Order.quantile(order, &1))) do
      [low, high] when is_float(low) and is_float(high) -> min(low, high)
      _ -> :nan
    end
  end

  defp ess_below(chains, threshold), do: chains |> Chains.map(&if(&1 <= threshold, do: 1.0, else: 0.0)) |> ess_of()
end

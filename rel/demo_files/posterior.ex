defmodule Demo.Posterior do
  @moduledoc """
  The part of rel/demo that samples: the eight schools on the GPU node, against what is published and what is exact.

  Draws stay on the node; they come here for the diagnostics alone, after the effects were computed of them there.
  """
  import Demo.Screen
  alias GpuNode.{Chain, Diagnostics, EightSchools, Error, Ops}
  alias GpuNode.Chain.Samples
  alias GpuNode.Diagnostics.{Draws, Plot}

  @chains 4096
  @warmup 300
  @draws 40
  @thin 5
  @seed 1981

  # More than this many standard errors off is no chance: once in 16,000 for one mean.
  @errors 4
  @rhat 1.01

  @columns ["", "mean", "published", "exact", "sd", "exact sd", "mcse", "bulk ess", "r-hat"]

  @doc "Samples on `gpu`, prints what came, and ends the program where it is not right."
  def show(gpu) do
    title("6. Sample: how much coaching helped in eight schools (Rubin 1981), #{count(@chains)} Markov chains at once")
    model = ok(Chain.compile(gpu, :eight_schools_noncentered, chains: @chains))
    line("model:", compiled(model))

    line(
      "sampler:",
      "Hamiltonian Monte Carlo on the node: step size, path length and scales learned in #{@warmup} iterations,"
    )

    line("", "then #{@draws} draws of each chain, #{@thin} iterations for each")

    {ms, samples} = timed(fn -> sample(model) end)
    settle()
    {diagnosis, rows} = timed(fn -> rows(samples) end)
    speed(samples, ms / 1000, Enum.map(rows, & &1.ess_bulk), diagnosis)
    IO.puts("")
    block(table(rows))
    IO.puts("")

    line(
      "published:",
      "posteriordb, eight_schools-eight_schools_noncentered: 10,000 draws, standard errors 0.03 to 0.06"
    )

    line("exact:", "an integral over tau, by quadrature in plain Elixir")
    density(samples, "mu", "mu, the mean effect of coaching in points; ticks at 5 %, 50 % and 95 %")
    density(samples, "tau", "tau, how much the schools differ")
    check(rows, samples)
  end

  defp sample(model) do
    options = [chains: @chains, warmup: @warmup, thin: @thin, seed: @seed, progress: progress(), progress_ms: 100]
    ok(Chain.sample(model, @draws, options))
  end

  # One line that changes on a terminal; elsewhere a line for each quarter of a phase.
  defp progress do
    shown = :counters.new(2, [])

    fn
      %{phase: :search} ->
        :ok

      %{phase: phase} = report ->
        share = report.iteration / max(report.iterations, 1)
        quarter = trunc(share * 4)
        slot = if phase == :warmup, do: 1, else: 2

        cond do
          terminal?() -> fleeting(moving(phase, share, report))
          quarter > :counters.get(shown, slot) -> line("#{name(phase)}:", standing(report))
          true -> :ok
        end

        :counters.put(shown, slot, quarter)
    end
  end

  defp name(:warmup), do: "warm-up"
  defp name(_phase), do: "draws"

  # Step sizes that were too long are how the warm-up learns: only the draws' divergences mean something.
  defp standing(%{phase: :warmup} = report),
    do: "#{report.iteration} of #{report.iterations} iterations, #{size(report)}"

  defp standing(report) do
    "#{report.iteration} of #{report.iterations} iterations, acceptance #{fixed(report.acceptance, 2)}, " <>
      "#{count(report.divergences)} divergences"
  end

  defp size(report), do: "step size #{fixed(report.step_size, 3)}, path length #{fixed(report.path_length, 2)}"

  defp moving(phase, share, report) do
    bar = String.pad_trailing(String.duplicate("#", round(share * 16)), 16, ".")
    String.pad_trailing("#{name(phase)}:", 21) <> "#{bar} " <> size(report)
  end

  # theta = mu + tau * eta, on the node, for every draw of every chain.
  defp rows(samples) do
    wide = fn name -> Ops.reshape(samples.draws[name], shape: {samples.chains, samples.count, 1}) end
    theta = Ops.add(wide.("mu"), Ops.multiply(wide.("tau"), samples.draws["eta"]))
    names = for j <- 0..7, do: "theta[#{j}]"

    draws =
      Draws.new!(ok(GpuNode.Tensor.to_binary(theta)), type: theta.type, shape: theta.shape, names: names)

    Diagnostics.summary(draws) ++ for name <- ["mu", "tau"], row <- Diagnostics.summary(fetch(samples, name)), do: row
  end

  defp fetch(samples, name), do: ok(Samples.fetch(samples, name))

  defp speed(samples, seconds, effective, diagnosis) do
    gradients = samples.leapfrog_steps * samples.chains
    least = Enum.min(effective)
    line("time:", "#{fixed(seconds, 1)} s for warm-up and draws; diagnostics here #{fixed(diagnosis / 1000, 1)} s")

    line(
      "speed:",
      "#{count(gradients)} gradients, #{count(gradients / seconds)} a second; " <>
        "at least #{count(least / seconds)} effective draws a second"
    )

    line(
      "learned:",
      "step size #{fixed(samples.step_size, 3)}, path length #{fixed(samples.path_length, 2)}; " <>
        "acceptance #{fixed(samples.mean_acceptance, 3)}"
    )
  end

  defp compiled(model) do
    ms = Enum.sum(for key <- [:family_us, :plan_us, :glsl_us, :spirv_us, :driver_us], do: model.timing[key]) / 1000
    from = if model.timing.kernel_from_disk, do: ", its kernel found on disk", else: ""
    "#{model.family}, #{model.coordinates} coordinates; gradient and shader derived in #{fixed(ms, 1)} ms#{from}"
  end

  defp table(rows) do
    exact = EightSchools.exact()
    published = EightSchools.published()

    body =
      for row <- rows do
        {mean, sd} = exact[row.name]
        {given, _error} = published[row.name]
        numbers = Enum.map([row.mean, given, mean, row.sd, sd], &fixed(&1, 3))
        [row.name | numbers] ++ [fixed(row.mcse_mean, 4), count(row.ess_bulk), fixed(row.rhat, 4)]
      end

    widths = Enum.zip_with([@columns | body], fn cells -> cells |> Enum.map(&String.length/1) |> Enum.max() end)

    Enum.map_join([@columns | body], "\n", fn [name | cells] ->
      padded = Enum.zip_with(cells, tl(widths), &String.pad_leading/2)
      Enum.join([String.pad_trailing(name, hd(widths)) | padded], "  ")
    end)
  end

  defp density(samples, name, caption) do
    IO.puts("\n   #{caption}")
    block(Plot.density(fetch(samples, name), name, width: 72, height: 4))
  end

  defp check(rows, samples) do
    IO.puts("")
    exact = Map.new(EightSchools.exact(), fn {name, {mean, _sd}} -> {name, {mean, 0.0}} end)
    published = worst(rows, EightSchools.published())
    exact = worst(rows, exact)
    rhat = rows |> Enum.map(& &1.rhat) |> Enum.max()
    line("against published:", "the farthest mean is #{distance(published)} combined standard errors off")
    line("against exact:", "the farthest mean is #{distance(exact)} standard errors off")
    line("chains agree:", "R-hat at most #{fixed(rhat, 4)} (below #{@rhat} is good)")
    line("divergences:", "#{count(samples.divergent)} of #{count(@chains * @draws * @thin)} paths")

    # Atoms (nan, infinity) are above all numbers.
    unless rhat < @rhat, do: fail("R-hat is to be below #{@rhat}")
    for {name, errors} <- [published, exact], errors >= @errors, do: fail("the mean of #{name} is #{errors} errors off")
  end

  defp worst(rows, means) do
    rows
    |> Enum.map(fn row ->
      {mean, error} = means[row.name]
      {row.name, abs(row.mean - mean) / :math.sqrt(row.mcse_mean ** 2 + error ** 2)}
    end)
    |> Enum.max_by(&elem(&1, 1))
  end

  defp distance({name, errors}), do: "#{name}'s, #{fixed(errors, 1)}"

  defp ok({:ok, value}), do: value
  defp ok({:error, %Error{} = error}), do: fail(Exception.message(error))

  defp fixed(number, decimals) when is_number(number), do: :erlang.float_to_binary(number * 1.0, decimals: decimals)
  defp fixed(other, _decimals), do: to_string(other)

  defp count(number) when is_number(number) do
    digits = number |> round() |> Integer.to_string()
    Regex.replace(~r/\B(?=(\d{3})+$)/, digits, ",")
  end

  defp count(other), do: to_string(other)
end

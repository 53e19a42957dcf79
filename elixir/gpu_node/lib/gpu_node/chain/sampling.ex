defmodule GpuNode.Chain.Sampling do
  @moduledoc false
  # GpuNode.Chain.sample/3: its options as the wire has them, its results under their names.

  alias GpuNode.{Argument, Client, Error, Link, Options, Protocol, Tensor, Transfer}
  alias GpuNode.Chain.{Model, Numbers, Progress, Samples}

  @options [
    chains: [
      type: :pos_integer,
      doc:
        "by default those that the model was compiled for (4 where that was not said either); thousands cost a GPU little more than one"
    ],
    warmup: [
      type: :non_neg_integer,
      default: 1000,
      doc: "iterations before the draws; in them step size, path length and scales are learned"
    ],
    thin: [type: :pos_integer, default: 1, doc: "iterations for each draw"],
    seed: [type: {:integer, 0, 0xFFFF_FFFF_FFFF_FFFF}, default: 0, doc: "64 bits: the same seed gives the same draws"],
    target_accept: [
      type: {:custom, "a number between 0 and 1", &__MODULE__.probability?/1},
      default: 0.8,
      doc: "the acceptance that the step size is learned for"
    ],
    step_size: [type: :positive, doc: "given instead of learned"],
    path_length: [
      type: :positive,
      doc: "given instead of learned by the ChEES criterion (Hoffman, Radul and Sountsov, 2021)"
    ],
    inverse_mass: [type: :any, doc: "`{d}` numbers in the order of `coordinates/1`, given instead of learned"],
    jitter: [
      type: {:custom, "a number from 0 to 1", &__MODULE__.share?/1},
      default: 1.0,
      doc: "the share of the path length that varies from iteration to iteration"
    ],
    max_steps: [type: :pos_integer, default: 1000, doc: "the most leapfrog steps of an iteration"],
    position: [
      type: :any,
      doc:
        "where the chains begin, unconstrained, `{chains, d}`, in the order of `coordinates/1`; else uniform in [-2, 2), drawn again up to 100 times where a chain has no " <>
          "finite density or gradient there"
    ],
    constrained: [
      type: :boolean,
      default: true,
      doc: "whether draws and moments are of the variables or of the unconstrained coordinates"
    ],
    keep_draws: [type: :boolean, default: true, doc: "`false` keeps only the moments of each chain's halves"],
    mapping: [type: {:in, [:thread, :subgroup, :workgroup]}, doc: "as of `run/2`"],
    progress: Progress.option(),
    progress_ms: [type: {:integer, 1, 86_400_000}, default: 200, doc: "how often it does, in ms"],
    # Nobody knows how long a sampling takes, but the node wants to know when to stop.
    timeout: [type: :timeout, default: 86_400_000, doc: "in ms: a day"]
  ]
  # Those that the node knows by the same names.
  @own [:chains, :warmup, :thin, :max_steps, :seed, :path_length, :jitter, :step_size, :target_accept] ++
         [:constrained, :keep_draws, :mapping]

  @spec options() :: Options.schema()
  def options, do: @options

  @doc false
  def probability?(value), do: is_number(value) and value > 0 and value < 1

  @doc false
  def share?(value), do: is_number(value) and value >= 0 and value <= 1

  @spec run(Model.t(), pos_integer, keyword) :: {:ok, Samples.t()} | {:error, Error.t()}
  def run(model, draws, options) do
    with :ok <- Argument.check(draws, :pos_integer, "draws", "GpuNode.Chain.sample/3"),
         {:ok, options} <- Options.check(options, @options, "GpuNode.Chain.sample/3"),
         {:ok, listener} <- Progress.listener(options[:progress]),
         {:ok, link} <- Link.fetch(model.node),
         deadline = Client.deadline(link, options),
         {:ok, own, kept} <- wire(model, draws, options, listener, link, deadline),
         names = names(model, own.keep_draws),
         ids = Enum.map(names, fn _ -> Link.next_id(link) end),
         request = Protocol.sample(model.id, ids, own),
         iterations = {own.warmup, draws * own.thin},
         ask = &Transfer.request(link, model.session, request, deadline, &1),
         {:ok, answer} <- Progress.follow(listener, iterations, ask) do
      Client.keep({model, kept})
      samples = samples(link, model, draws, own.chains, Enum.zip(names, ids), answer)
      target = if options[:step_size], do: nil, else: own.target_accept

      {:ok,
       %{
         samples
         | thin: own.thin,
           target_accept: target,
           max_steps: own.max_steps,
           jitter: own.jitter,
           path_learned?: options[:path_length] == nil
       }}
    end
  end

  defp wire(model, draws, options, listener, link, deadline) do
    report = if listener, do: options[:progress_ms], else: 0

    own =
      options
      |> Keyword.take(@own)
      |> Map.new()
      |> Map.put_new(:chains, model.chains)
      |> Map.merge(%{draws: draws, progress_ms: report})

    given = options |> Keyword.take([:position]) |> Map.new()

    with {:ok, own} <- put_mass(own, options[:inverse_mass]),
         {:ok, placed} <- Numbers.place(given, model, link, deadline),
         {:ok, position} <- Numbers.wire(placed, model.session, link, deadline),
         do: {:ok, Map.merge(own, position), placed}
  end

  defp put_mass(own, nil), do: {:ok, own}

  defp put_mass(own, numbers) do
    with {:ok, bytes} <- Numbers.encode(:inverse_mass, numbers, {:f, 64}), do: {:ok, Map.put(own, :inverse_mass, bytes)}
  end

  # In the order of the protocol.
  defp names(model, keep?) do
    moments = [:mean_1, :mean_2, :m2_1, :m2_2, :acceptance, :divergences, :position]
    draws = if keep?, do: [:logp] ++ Enum.map(model.variables, &{:draws, &1}) ++ [:energy, :diverged], else: []
    moments ++ draws ++ [:never_moved]
  end

  defp samples(link, model, count, chains, named, answer) do
    tensor = fn name, id ->
      {type, shape} = type_of(name, model, chains, count)
      Tensor.new(link, model.session, id, type, shape)
    end

    all = Map.new(named, fn {name, id} -> {name, tensor.(name, id)} end)
    inverse_mass = for <<number::float-little-64 <- answer.inverse_mass>>, do: number

    %Samples{
      model: model,
      chains: chains,
      count: count,
      draws: for({{:draws, %{name: name}}, tensor} <- all, into: %{}, do: {name, tensor}),
      logp: all[:logp],
      energy: all[:energy],
      diverged: all[:diverged],
      mean: {all.mean_1, all.mean_2},
      m2: {all.m2_1, all.m2_2},
      half: answer.half,
      acceptance: all.acceptance,
      divergences: all.divergences,
      never_moved: all.never_moved,
      position: all.position,
      step_size: answer.step_size,
      path_length: answer.path_length,
      inverse_mass: inverse_mass,
      mean_acceptance: answer.acceptance,
      divergent: answer.divergences,
      unmoved: answer.unmoved,
      leapfrog_steps: answer.leapfrog_steps,
      timing: Map.take(answer, [:queue_us, :execute_us])
    }
  end

  defp type_of(:divergences, _model, chains, _count), do: {{:u, 32}, {chains}}
  defp type_of(:acceptance, model, chains, _count), do: {model.type, {chains}}
  defp type_of(:never_moved, _model, chains, _count), do: {{:u, 8}, {chains}}
  defp type_of(:diverged, _model, chains, count), do: {{:u, 8}, {chains, count}}
  defp type_of(name, model, chains, count) when name in [:logp, :energy], do: {model.type, {chains, count}}
  defp type_of({:draws, %{scalar?: true}}, model, chains, count), do: {model.type, {chains, count}}
  defp type_of({:draws, %{size: size}}, model, chains, count), do: {model.type, {chains, count, size}}
  defp type_of(_moments, model, chains, _count), do: {model.type, {chains, model.coordinates}}
end

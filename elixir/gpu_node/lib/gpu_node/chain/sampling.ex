defmodule GpuNode.Chain.Sampling do
  @moduledoc false
  # GpuNode.Chain.sample/3: its options as the wire has them, its results under their names.

  alias GpuNode.{Client, Error, Link, Protocol, Tensor, Transfer}
  alias GpuNode.Chain.{Model, Numbers, Samples}

  # Nobody knows how long a sampling takes, but the node wants to know when to stop: a day.
  @timeout 86_400_000
  @progress_ms 200

  @counts [:chains, :warmup, :thin, :max_steps, :seed]
  @numbers [:path_length, :jitter, :step_size, :target_accept]
  @others [:position, :inverse_mass, :constrained, :keep_draws, :mapping, :progress, :progress_ms, :timeout]

  @spec run(Model.t(), pos_integer, keyword) :: {:ok, Samples.t()} | {:error, Error.t()}
  def run(model, draws, options) do
    with :ok <- check(options),
         {:ok, link} <- Link.fetch(model.node),
         deadline = Client.deadline(link, Keyword.put_new(options, :timeout, @timeout)),
         {:ok, own, kept} <- wire(model, draws, options, link, deadline),
         names = names(model, Map.get(own, :keep_draws, true)),
         ids = Enum.map(names, fn _ -> Link.next_id(link) end),
         request = Protocol.sample(model.id, ids, own),
         hear = Keyword.get(options, :progress, fn _report -> :ok end),
         {:ok, answer} <- Transfer.request(link, model.session, request, deadline, hear) do
      Client.keep({model, kept})
      {:ok, samples(link, model, draws, own.chains, Enum.zip(names, ids), answer)}
    end
  end

  defp check(options) do
    known = @counts ++ @numbers ++ @others

    case Keyword.keys(options) -- known do
      [] -> :ok
      unknown -> invalid("unknown options #{inspect(unknown)}; there are #{inspect(Enum.sort(known))}")
    end
  end

  defp wire(model, draws, options, link, deadline) do
    report = if options[:progress], do: Keyword.get(options, :progress_ms, @progress_ms), else: 0

    own =
      options
      |> Keyword.take(@counts ++ @numbers ++ [:constrained, :keep_draws, :mapping])
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

  defp invalid(text), do: {:error, Error.new(:invalid_argument, text)}
end

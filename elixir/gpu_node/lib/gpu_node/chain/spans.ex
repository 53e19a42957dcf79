defmodule GpuNode.Chain.Spans do
  @moduledoc false
  # The telemetry spans around compilations and samplings: see GpuNode.Telemetry.

  alias GpuNode.Chain.{Model, Samples}
  alias GpuNode.{Error, Options, Telemetry}

  @type result(value) :: {:ok, value} | {:error, Error.t()}

  # Options are as given, which may be wrong; what is not among them is as `schema` has it.
  @spec compile(atom, term, keyword, Options.schema(), (-> result(Model.t()))) :: result(Model.t())
  def compile(node, family, options, schema, fun) do
    metadata = %{
      node: node,
      family: family(family),
      type: given(options, :type, schema[:type][:default]),
      chains: given(options, :chains, schema[:chains][:default])
    }

    Telemetry.span([:chain, :compile], %{}, metadata, fun, fn {:ok, model} ->
      {Map.put(model.timing, :coordinates, model.coordinates),
       %{node: model.node, family: model.family, mapping: model.mapping, compiled?: model.compiled?}}
    end)
  end

  # The text itself may be long, and may be a secret.
  defp family(name) when is_atom(name), do: name
  defp family({:file, _path}), do: :file
  defp family(_text), do: :text

  @spec sample(Model.t(), term, keyword, Options.schema(), (-> result(Samples.t()))) :: result(Samples.t())
  def sample(model, draws, options, schema, fun) do
    metadata = %{
      node: model.node,
      family: model.family,
      type: model.type,
      coordinates: model.coordinates,
      chains: given(options, :chains, model.chains),
      warmup: given(options, :warmup, schema[:warmup][:default]),
      thin: given(options, :thin, schema[:thin][:default])
    }

    Telemetry.span([:chain, :sample], %{draws: draws}, metadata, fun, fn {:ok, samples} ->
      {Map.merge(samples.timing, %{
         draws: samples.count,
         divergences: samples.divergent,
         leapfrog_steps: samples.leapfrog_steps,
         acceptance: samples.mean_acceptance,
         step_size: samples.step_size,
         path_length: samples.path_length
       }), %{}}
    end)
  end

  defp given(options, key, default),
    do: if(Keyword.keyword?(options), do: Keyword.get(options, key, default), else: default)
end

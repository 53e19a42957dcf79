defmodule GpuNode.Chain.Samples do
  @moduledoc """
  What `GpuNode.Chain.sample/3` gives: draws on the node, and what is known of the run. The tensors are freed when they are collected.

    * `draws` - by variable, as text: `{chains, draws}` for one number, `{chains, draws, size}` for several; empty when they were not kept
    * `logp` - `{chains, draws}`, of the unconstrained density; nil when draws were not kept
    * `energy` - `{chains, draws}`, of the model's type: the Hamiltonian of the state that the draw's iteration ended with (the path's end where
      that was taken, else its beginning), Stan's `energy__`, of which E-BFMI is made; nil when draws were not kept
    * `diverged` - `{chains, draws}` of `{:u, 8}`: 1 where the path that made the draw diverged, or with `:thin` any path since the draw before;
      nil when draws were not kept
    * `mean`, `m2` - of the first and the second half of each chain's draws, `{chains, d}`: the mean and the sum of squares around it;
      `half` says how many draws a half has
    * `acceptance` - `{chains}`, mean probability; `divergences` - `{chains}`, counts; `position` - `{chains, d}`, where the chains ended, unconstrained:
      a further run may begin there
    * `never_moved` - `{chains}` of `{:u, 8}`: 1 for a chain whose position no iteration of the draws changed, so that all its draws are one point;
      `unmoved` says how many these are: nearly always 0, and then there is nothing to fetch
    * `step_size`, `path_length`, `inverse_mass` (a list) - as given or learned
    * `mean_acceptance`, `divergent` (how many in all), `leapfrog_steps` (of each chain, warm-up included), `timing` (microseconds)
    * `thin`, `max_steps`, `jitter`, `target_accept` - as given; the last nil where the step size was given, so that nothing was learned for it
    * `path_learned?` - whether the path length was learned
  """

  alias GpuNode.{Argument, Error, Tensor}
  alias GpuNode.Chain.{InferenceData, Judged, Model, NxTensors, Without}
  alias GpuNode.Diagnostics.{Draws, Summary, Warning}

  @enforce_keys [:model, :chains, :count]
  defstruct @enforce_keys ++
              [
                :logp,
                :energy,
                :diverged,
                :mean,
                :m2,
                :half,
                :acceptance,
                :divergences,
                :never_moved,
                :position,
                :step_size,
                :path_length,
                :inverse_mass,
                :mean_acceptance,
                :divergent,
                :unmoved,
                :leapfrog_steps,
                :timing,
                :thin,
                :target_accept,
                :max_steps,
                :jitter,
                :path_learned?,
                draws: %{}
              ]

  @type t :: %__MODULE__{
          model: Model.t(),
          chains: pos_integer,
          count: pos_integer,
          draws: %{String.t() => Tensor.t()},
          logp: Tensor.t() | nil,
          energy: Tensor.t() | nil,
          diverged: Tensor.t() | nil,
          mean: {Tensor.t(), Tensor.t()},
          m2: {Tensor.t(), Tensor.t()},
          half: non_neg_integer,
          acceptance: Tensor.t(),
          divergences: Tensor.t(),
          never_moved: Tensor.t(),
          position: Tensor.t(),
          step_size: float,
          path_length: float,
          inverse_mass: [float],
          mean_acceptance: float,
          divergent: non_neg_integer,
          unmoved: non_neg_integer,
          leapfrog_steps: non_neg_integer,
          timing: map,
          thin: pos_integer | nil,
          target_accept: float | nil,
          max_steps: pos_integer | nil,
          jitter: number | nil,
          path_learned?: boolean | nil
        }

  @doc "The draws of one variable for `GpuNode.Diagnostics`, brought here. Its numbers are named `x`, or `x[0]`, `x[1]` and so on."
  @spec fetch(t, String.t() | atom) :: {:ok, Draws.t()} | {:error, Error.t()}
  def fetch(samples, variable) do
    with :ok <- own(samples, "fetch/2"),
         :ok <- Argument.check(variable, {:or, [:string, :atom]}, "variable", "GpuNode.Chain.Samples.fetch/2"),
         name = to_string(variable),
         {:ok, tensor} <- tensor(samples, name),
         {:ok, binary} <- Tensor.to_binary(tensor) do
      names = samples.model.variables |> Enum.find(&(&1.name == name)) |> Model.numbers()
      Draws.new(binary, type: tensor.type, shape: tensor.shape, names: names)
    end
  end

  @doc "As `fetch/2`, raising `GpuNode.Error`."
  @spec fetch!(t, String.t() | atom) :: Draws.t()
  def fetch!(samples, variable), do: samples |> fetch(variable) |> Error.unwrap!()

  @doc """
  The rows of `GpuNode.Diagnostics.summary/1` for each number of each variable, in the model's order, and the warnings of `warnings/1`. Brings
  the draws here. `Enum` goes over the rows.
  """
  @spec summary(t) :: {:ok, Summary.t()} | {:error, Error.t()}
  def summary(samples), do: with(:ok <- own(samples, "summary/1"), do: Judged.summary(samples))

  @doc "As `summary/1`, raising `GpuNode.Error`."
  @spec summary!(t) :: Summary.t()
  def summary!(samples), do: samples |> summary() |> Error.unwrap!()

  @doc """
  What speaks against the draws, the most important first: `GpuNode.Diagnostics.Warning` says what is looked at. Brings the draws here; of
  a run that kept none what is known of the run is looked at, and R-hat of the halves' means and spreads.
  """
  @spec warnings(t) :: {:ok, [Warning.t()]} | {:error, Error.t()}
  def warnings(samples) do
    with :ok <- own(samples, "warnings/1"),
         {:ok, summary} <- Judged.summary(samples),
         do: {:ok, summary.warnings}
  end

  @doc "As `warnings/1`, raising `GpuNode.Error`."
  @spec warnings!(t) :: [Warning.t()]
  def warnings!(samples), do: samples |> warnings() |> Error.unwrap!()

  @doc """
  The samples without some chains, by their numbers from 0, as those that never moved: `without_chains(samples, [3, 17])`. Draws and all that is known of
  each chain are without them, `chains`, `mean_acceptance`, `divergent` and `unmoved` are those of the chains that stay, and so are
  summary and warnings. What was learned (`step_size`, `path_length`, `inverse_mass`) was learned of all.

  The chains that stay are brought here and sent to the node again, as tensors of their own. Errors: `:invalid_argument` for a chain that is
  not there, and where none would stay; those of `GpuNode.Tensor.to_binary/2` and `GpuNode.Tensor.from_binary/5`.
  """
  @spec without_chains(t, [non_neg_integer]) :: {:ok, t} | {:error, Error.t()}
  def without_chains(samples, chains) do
    with :ok <- own(samples, "without_chains/2"),
         :ok <- Argument.check(chains, {:list, :non_neg_integer}, "chains", "GpuNode.Chain.Samples.without_chains/2"),
         {:ok, kept} <- Without.kept(samples, chains),
         do: Without.chains(samples, kept)
  end

  @doc "As `without_chains/2`, raising `GpuNode.Error`."
  @spec without_chains!(t, [non_neg_integer]) :: t
  def without_chains!(samples, chains), do: samples |> without_chains(chains) |> Error.unwrap!()

  @doc """
  Draws and what is known of each, brought here: `posterior`, nested lists by variable, `[chain][draw]` or `[chain][draw][place]`, and
  `sample_stats`, lists `[chain][draw]` of `"lp"` (the log density of the unconstrained coordinates), `"acceptance_rate"` (of a chain its mean, at
  each draw) and, where the node tells them, `"energy"` and `"diverging"` (true or false). Numbers that are none are `:nan`, `:infinity`, `:neg_infinity`.
  """
  @spec to_map(t) :: {:ok, %{posterior: map, sample_stats: map}} | {:error, Error.t()}
  def to_map(samples) do
    with :ok <- own(samples, "to_map/1"),
         {:ok, statistics} <- InferenceData.statistics(samples) do
      lists = fn %{name: name, shape: shape, lists: lists} ->
        {name, lists |> Enum.concat() |> Tensor.nest(Tuple.to_list(shape))}
      end

      {:ok, %{posterior: Map.new(InferenceData.posterior(samples), lists), sample_stats: Map.new(statistics, lists)}}
    end
  rescue
    # While it is read.
    error in Error -> {:error, error}
  end

  @doc "As `to_map/1`, raising `GpuNode.Error`."
  @spec to_map!(t) :: %{posterior: map, sample_stats: map}
  def to_map!(samples), do: samples |> to_map() |> Error.unwrap!()

  @doc """
  The draws as tensors of Nx, by variable, with the names `[:chain, :draw]` and nil for an own axis. They are on the default backend: where that has its
  tensors on the node of the samples nothing is copied, else they are brought there. They are tensors of their own: `Nx.backend_deallocate/1` of one
  leaves the samples as they are. Errors: `:unsupported` without Nx, those of `GpuNode.Tensor.to_binary/2`.

      %{"mu" => mu} = GpuNode.Chain.Samples.to_nx!(samples)
      Nx.mean(mu, axes: [:draw])
  """
  @spec to_nx(t) :: {:ok, %{String.t() => struct}} | {:error, Error.t()}
  def to_nx(samples) do
    with :ok <- own(samples, "to_nx/1"), do: tensors_of_nx(samples)
  end

  defp tensors_of_nx(samples) do
    Enum.reduce_while(samples.draws, {:ok, %{}}, fn {name, tensor}, {:ok, made} ->
      own = List.duplicate(nil, tuple_size(tensor.shape) - 2)

      case NxTensors.make(tensor, [:chain, :draw | own]) do
        {:ok, one} -> {:cont, {:ok, Map.put(made, name, one)}}
        {:error, _} = error -> {:halt, error}
      end
    end)
  end

  @doc "As `to_nx/1`, raising `GpuNode.Error`."
  @spec to_nx!(t) :: %{String.t() => struct}
  def to_nx!(samples), do: samples |> to_nx() |> Error.unwrap!()

  @doc """
  Writes the samples to a file for ArviZ, as JSON: see `GpuNode.Chain.InferenceData` for what is in it and `GpuNode.Chain.InferenceData.write/3` for the
  options.

      :ok = GpuNode.Chain.Samples.write_inference_data(samples, "samples.json", dims: [eta: ["school"]])
  """
  @spec write_inference_data(t, Path.t(), keyword) :: :ok | {:error, Error.t()}
  def write_inference_data(samples, path, options \\ []), do: InferenceData.write(samples, path, options)

  @doc "As `write_inference_data/3`, raising `GpuNode.Error`."
  @spec write_inference_data!(t, Path.t(), keyword) :: :ok
  def write_inference_data!(samples, path, options \\ []),
    do: samples |> write_inference_data(path, options) |> Error.unwrap!()

  defp own(samples, function),
    do: Argument.check(samples, {:struct, __MODULE__}, "samples", "GpuNode.Chain.Samples.#{function}")

  defp tensor(samples, name) do
    with :error <- Map.fetch(samples.draws, name) do
      text = "there are no draws of #{name}; there are #{inspect(Map.keys(samples.draws))}"
      {:error, Error.new(:invalid_argument, text, samples.model.node)}
    end
  end

  defimpl Inspect do
    alias GpuNode.Text

    def inspect(samples, _options) do
      "#GpuNode.Chain.Samples<#{samples.model.family}, #{Text.count(samples.chains, "chain")} of #{Text.count(samples.count, "draw")}, " <>
        "#{Text.count(samples.divergent, "divergence")}, #{samples.model.node}>"
    end
  end
end

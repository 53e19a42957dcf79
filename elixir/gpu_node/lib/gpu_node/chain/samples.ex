defmodule GpuNode.Chain.Samples do
  @moduledoc """
  What `GpuNode.Chain.sample/3` gives: draws on the node, and what is known of the run. The tensors are freed when they are collected.

    * `draws` - by variable, as text: `{chains, draws}` for one number, `{chains, draws, size}` for several; empty when they were not kept
    * `logp` - `{chains, draws}`, of the unconstrained density; nil when draws were not kept
    * `mean`, `m2` - of the first and the second half of each chain's draws, `{chains, d}`: the mean and the sum of squares around it;
      `half` says how many draws a half has
    * `acceptance` - `{chains}`, mean probability; `divergences` - `{chains}`, counts; `position` - `{chains, d}`, where the chains ended, unconstrained:
      a further run may begin there
    * `step_size`, `path_length`, `inverse_mass` (a list) - as given or learned
    * `mean_acceptance`, `divergent` (how many in all), `leapfrog_steps` (of each chain, warm-up included), `timing` (microseconds)
    * `thin`, `target_accept` - as given; the latter nil where the step size was given, so that there was nothing to learn
    * `energy`, `diverged` - `{chains, draws}`, the Hamiltonian at each draw and whether its path diverged, and `never_moved`, the numbers of chains that
      stayed where they began; nil where the node does not tell
  """

  alias GpuNode.{Error, Tensor}
  alias GpuNode.Chain.{Judged, Model}
  alias GpuNode.Diagnostics.{Draws, Summary, Warning}

  @enforce_keys [:model, :chains, :count]
  defstruct @enforce_keys ++
              [
                :logp,
                :mean,
                :m2,
                :half,
                :acceptance,
                :divergences,
                :position,
                :step_size,
                :path_length,
                :inverse_mass,
                :mean_acceptance,
                :divergent,
                :leapfrog_steps,
                :timing,
                :thin,
                :target_accept,
                :energy,
                :diverged,
                :never_moved,
                draws: %{}
              ]

  @type t :: %__MODULE__{
          model: Model.t(),
          chains: pos_integer,
          count: pos_integer,
          draws: %{String.t() => Tensor.t()},
          logp: Tensor.t() | nil,
          mean: {Tensor.t(), Tensor.t()},
          m2: {Tensor.t(), Tensor.t()},
          half: non_neg_integer,
          acceptance: Tensor.t(),
          divergences: Tensor.t(),
          position: Tensor.t(),
          step_size: float,
          path_length: float,
          inverse_mass: [float],
          mean_acceptance: float,
          divergent: non_neg_integer,
          leapfrog_steps: non_neg_integer,
          timing: map,
          thin: pos_integer | nil,
          target_accept: float | nil,
          energy: Tensor.t() | nil,
          diverged: Tensor.t() | nil,
          never_moved: [non_neg_integer] | nil
        }

  @doc "The draws of one variable for `GpuNode.Diagnostics`, brought here. Its numbers are named `x`, or `x[0]`, `x[1]` and so on."
  @spec fetch(t, String.t() | atom) :: {:ok, Draws.t()} | {:error, Error.t()}
  def fetch(samples, variable) do
    name = to_string(variable)

    with {:ok, tensor} <- tensor(samples, name),
         {:ok, binary} <- Tensor.to_binary(tensor) do
      names =
        if tuple_size(tensor.shape) == 2, do: [name], else: Enum.map(1..elem(tensor.shape, 2), &"#{name}[#{&1 - 1}]")

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
  def summary(samples), do: Judged.summary(samples)

  @doc "As `summary/1`, raising `GpuNode.Error`."
  @spec summary!(t) :: Summary.t()
  def summary!(samples), do: samples |> summary() |> Error.unwrap!()

  @doc """
  What speaks against the draws, the most important first: `GpuNode.Diagnostics.Warning` says what is looked at. Brings the draws here; of
  a run that kept none what is known of the run alone is looked at.
  """
  @spec warnings(t) :: {:ok, [Warning.t()]} | {:error, Error.t()}
  def warnings(samples), do: with({:ok, summary} <- Judged.summary(samples), do: {:ok, summary.warnings})

  @doc "As `warnings/1`, raising `GpuNode.Error`."
  @spec warnings!(t) :: [Warning.t()]
  def warnings!(samples), do: samples |> warnings() |> Error.unwrap!()

  defp tensor(samples, name) do
    with :error <- Map.fetch(samples.draws, name) do
      text = "there are no draws of #{name}; there are #{inspect(Map.keys(samples.draws))}"
      {:error, Error.new(:invalid_argument, text, samples.model.node)}
    end
  end

  defimpl Inspect do
    def inspect(samples, _options) do
      "#GpuNode.Chain.Samples<#{samples.model.family}, #{samples.chains} chains of #{samples.count} draws, " <>
        "#{samples.divergent} divergences, #{samples.model.node}>"
    end
  end
end

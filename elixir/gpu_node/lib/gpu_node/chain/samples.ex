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
  """

  alias GpuNode.{Diagnostics, Error, Tensor}
  alias GpuNode.Chain.Model
  alias GpuNode.Diagnostics.Draws

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
          timing: map
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

  @doc "The rows of `GpuNode.Diagnostics.summary/1` for each number of each variable, in the model's order. Brings the draws here."
  @spec summary(t) :: {:ok, [Diagnostics.row()]} | {:error, Error.t()}
  def summary(samples) do
    Enum.reduce_while(samples.model.variables, {:ok, []}, fn %{name: name}, {:ok, rows} ->
      case fetch(samples, name) do
        {:ok, draws} -> {:cont, {:ok, rows ++ Diagnostics.summary(draws)}}
        {:error, _} = error -> {:halt, error}
      end
    end)
  end

  @doc "As `summary/1`, raising `GpuNode.Error`."
  @spec summary!(t) :: [Diagnostics.row()]
  def summary!(samples), do: samples |> summary() |> Error.unwrap!()

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

defmodule GpuNode.Chain.Judged do
  @moduledoc false
  # The summary of samples with its warnings: GpuNode.Diagnostics for each variable, and what the run itself tells.

  alias GpuNode.Chain.{Model, Samples}
  alias GpuNode.{Diagnostics, Error, Tensor}
  alias GpuNode.Diagnostics.{Convergence, Draws, Summary, Warnings}

  @spec summary(Samples.t()) :: {:ok, Summary.t()} | {:error, Error.t()}
  def summary(samples) do
    with {:ok, rows, warnings, still} <- variables(samples),
         {:ok, facts} <- facts(samples, still) do
      run = Warnings.of_run(samples.chains, samples.count, facts)
      {:ok, %Summary{rows: rows, warnings: Warnings.sort(warnings ++ run)}}
    end
  end

  # Where no draws were kept there are the moments of each chain's halves, which tell whether halves agree.
  defp variables(%{draws: draws} = samples) when draws == %{} do
    %{mean: {mean_1, mean_2}, m2: {m2_1, m2_2}} = samples

    with {:ok, means} <- both(mean_1, mean_2),
         {:ok, squares} <- both(m2_1, m2_2) do
      warnings =
        for {name, {means, squares}} <- Enum.zip(Model.coordinates(samples.model), Enum.zip(means, squares)),
            do: of_halves(name, means, squares, samples)

      {:ok, [], List.flatten(warnings), MapSet.new()}
    end
  end

  defp variables(samples) do
    # Nobody has moved away before a draw of a variable shows it.
    all = if samples.count > 1, do: MapSet.new(0..(samples.chains - 1)), else: MapSet.new()

    Enum.reduce_while(samples.model.variables, {:ok, [], [], all}, fn %{name: name}, {:ok, rows, warnings, still} ->
      case Samples.fetch(samples, name) do
        {:ok, draws} ->
          own = Diagnostics.summary(draws)
          more = own |> Enum.with_index() |> Enum.flat_map(fn {row, index} -> Warnings.of_row(row, draws, index) end)
          still = if Enum.empty?(still), do: still, else: MapSet.intersection(still, Warnings.still(draws))
          {:cont, {:ok, rows ++ own, warnings ++ more, still}}

        {:error, _} = error ->
          {:halt, error}
      end
    end)
  end

  # Of one coordinate: R-hat of the draws themselves, as there are no ranks.
  defp of_halves(name, means, squares, %{chains: chains, half: half}) do
    cond do
      not Enum.all?(means ++ squares, &is_number/1) -> Warnings.not_finite(name)
      chains < 2 or half < 2 -> []
      true -> Warnings.of_rhat(name, Convergence.rhat_of(means, squares, half), chains)
    end
  end

  # By coordinate, those of all first and all second halves.
  defp both(first, second) do
    with {:ok, first} <- Tensor.to_list(first),
         {:ok, second} <- Tensor.to_list(second),
         do: {:ok, Enum.zip(first ++ second) |> Enum.map(&Tuple.to_list/1)}
  end

  defp facts(samples, still) do
    with {:ok, energy} <- energy(samples.energy),
         {:ok, counts} <- Tensor.to_list(samples.divergences),
         {:ok, never_moved} <- never_moved(samples, still) do
      {:ok,
       %{
         energy: energy,
         divergences: samples.divergent,
         diverged: positions(counts),
         iterations: samples.chains * samples.count * (samples.thin || 1),
         never_moved: never_moved,
         path: path(samples),
         acceptance: samples.mean_acceptance,
         target_accept: samples.target_accept
       }}
    end
  end

  defp path(%{max_steps: nil}), do: nil

  defp path(samples) do
    known? = is_number(samples.path_length) and is_number(samples.step_size) and samples.step_size > 0
    steps = if known?, do: samples.path_length / samples.step_size

    %{steps: steps, max_steps: samples.max_steps, jitter: samples.jitter, learned?: samples.path_learned?}
  end

  defp energy(nil), do: {:ok, nil}

  defp energy(tensor) do
    with {:ok, binary} <- Tensor.to_binary(tensor), do: Draws.new(binary, type: tensor.type, shape: tensor.shape)
  end

  # What the node says, else what the draws show.
  defp never_moved(%{unmoved: 0}, _still), do: {:ok, []}
  defp never_moved(%{never_moved: nil}, still), do: {:ok, Enum.sort(still)}

  defp never_moved(%{never_moved: tensor}, _still),
    do: with({:ok, flags} <- Tensor.to_list(tensor), do: {:ok, positions(flags)})

  defp positions(counts), do: for({count, chain} <- Enum.with_index(counts), count > 0, do: chain)
end

defmodule GpuNode.Chain.Judged do
  @moduledoc false
  # The summary of samples with its warnings: GpuNode.Diagnostics for each variable, and what the run itself tells.

  alias GpuNode.Chain.Samples
  alias GpuNode.{Diagnostics, Error, Tensor}
  alias GpuNode.Diagnostics.{Draws, Summary, Warnings}

  @spec summary(Samples.t()) :: {:ok, Summary.t()} | {:error, Error.t()}
  def summary(samples) do
    with {:ok, rows, warnings, still} <- variables(samples),
         {:ok, facts} <- facts(samples, still) do
      run = Warnings.of_run(samples.chains, samples.count, facts)
      {:ok, %Summary{rows: rows, warnings: Warnings.sort(warnings ++ run)}}
    end
  end

  defp variables(%{draws: draws}) when draws == %{}, do: {:ok, [], [], MapSet.new()}

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
         acceptance: samples.mean_acceptance,
         target_accept: samples.target_accept
       }}
    end
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

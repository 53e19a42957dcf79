defmodule GpuNode.Chain.Without do
  @moduledoc false
  # Samples of some of their chains. All tensors of samples have the chains as their first axis, so a chain is a piece of bytes of each.

  alias GpuNode.Chain.Samples
  alias GpuNode.{Error, Tensor}

  @each [:logp, :energy, :diverged, :acceptance, :divergences, :never_moved, :position]

  @doc "The numbers of the chains that stay."
  @spec kept(Samples.t(), [non_neg_integer]) :: {:ok, [non_neg_integer]} | {:error, Error.t()}
  def kept(%{chains: count}, chains) do
    left = MapSet.new(chains)

    cond do
      outside = Enum.find(chains, &(&1 >= count)) ->
        invalid("there is no chain #{outside}: the samples have #{count}, numbered from 0 to #{count - 1}")

      MapSet.size(left) == count ->
        invalid("no chain of the #{count} would stay")

      true ->
        {:ok, Enum.reject(0..(count - 1), &MapSet.member?(left, &1))}
    end
  end

  @spec chains(Samples.t(), [non_neg_integer]) :: {:ok, Samples.t()} | {:error, Error.t()}
  def chains(samples, kept) do
    take = &take(&1, kept, samples.chains)

    with {:ok, draws} <- all(samples.draws, take),
         {:ok, own} <- samples |> Map.take(@each) |> all(take),
         {:ok, mean} <- pair(samples.mean, take),
         {:ok, m2} <- pair(samples.m2, take),
         {:ok, acceptance} <- Tensor.to_list(own.acceptance),
         {:ok, divergences} <- Tensor.to_list(own.divergences),
         {:ok, unmoved} <- unmoved(own.never_moved) do
      totals = %{
        chains: length(kept),
        draws: draws,
        mean: mean,
        m2: m2,
        mean_acceptance: mean(acceptance),
        divergent: Enum.sum(divergences),
        unmoved: unmoved
      }

      {:ok, samples |> Map.merge(own) |> Map.merge(totals)}
    end
  end

  defp all(tensors, take) do
    Enum.reduce_while(tensors, {:ok, %{}}, fn {name, tensor}, {:ok, taken} ->
      case take.(tensor) do
        {:ok, one} -> {:cont, {:ok, Map.put(taken, name, one)}}
        {:error, _} = error -> {:halt, error}
      end
    end)
  end

  defp pair({first, second}, take) do
    with {:ok, first} <- take.(first), {:ok, second} <- take.(second), do: {:ok, {first, second}}
  end

  # What the run did not keep.
  defp take(nil, _kept, _count), do: {:ok, nil}

  defp take(tensor, kept, count) do
    with {:ok, binary} <- Tensor.to_binary(tensor) do
      bytes = div(byte_size(binary), count)
      pieces = for chain <- kept, do: binary_part(binary, chain * bytes, bytes)
      shape = put_elem(tensor.shape, 0, length(kept))
      Tensor.from_binary(tensor.node, IO.iodata_to_binary(pieces), tensor.type, shape)
    end
  end

  defp unmoved(nil), do: {:ok, nil}
  defp unmoved(tensor), do: with({:ok, flags} <- Tensor.to_list(tensor), do: {:ok, Enum.sum(flags)})

  defp mean(numbers),
    do: if(Enum.all?(numbers, &is_number/1), do: Enum.sum(numbers) / length(numbers), else: :nan)

  defp invalid(text), do: {:error, Error.new(:invalid_argument, text)}
end

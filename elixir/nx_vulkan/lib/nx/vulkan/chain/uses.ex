defmodule Nx.Vulkan.Chain.Uses do
  @moduledoc false
  # What is known of how nodes are written before any is.

  alias Nx.Vulkan.Chain.Node

  # Counted no further.
  @many 1000

  @doc "How often each of `nodes`, which are in order, is written, if what has a definition is written once: by id."
  @spec counts([Node.t()], Node.t()) :: %{pos_integer => pos_integer}
  def counts(nodes, root) do
    nodes
    |> Enum.reverse()
    |> Enum.reduce(%{root.id => 1}, fn node, counts ->
      own = if definable?(node) and not Node.moving?(node), do: 1, else: counts[node.id]
      each = if node.op in [:product, :reduce_max, :reduce_min, :clip], do: 2 * own, else: own

      Enum.reduce(Node.operands(node), counts, fn %{id: id}, counts ->
        Map.update(counts, id, each, &min(&1 + each, @many))
      end)
    end)
  end

  @doc "Whether a node may have a definition: over one axis at most."
  @spec definable?(Node.t()) :: boolean
  def definable?(node), do: length(Node.wide(node.shape)) <= 1

  @doc "The ids of those that are joined of pieces, axes that are gone over apart."
  @spec pieced([Node.t()]) :: MapSet.t(pos_integer)
  def pieced(nodes),
    do: Enum.reduce(nodes, MapSet.new(), &if(pieced?(&1, &2), do: MapSet.put(&2, &1.id), else: &2))

  defp pieced?(%{op: op}, _seen) when op in [:concatenate, :insert], do: true
  defp pieced?(%{op: op}, _seen) when op in [:sum, :running_sum, :product, :reduce_max, :reduce_min, :dot], do: false
  defp pieced?(node, seen), do: Enum.any?(Node.operands(node), &MapSet.member?(seen, &1.id))
end

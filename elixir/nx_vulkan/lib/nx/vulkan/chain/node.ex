defmodule Nx.Vulkan.Chain.Node do
  @moduledoc false
  # A value of a traced log density that depends on its variables, or what is known of it now.
  #
  # Ops: `:literal` (a number that stands in the function, at every place), `:tensor` (known, with the name of the data that it is or nil),
  # `:variable`, those of the language of families, and what moves elements or goes over axes:
  #
  #     broadcast [node, axes]            the axes of the result that are those of the node
  #     reshape [node]
  #     transpose [node, axes]
  #     slice [node, starts, strides]
  #     reverse [node, axes]
  #     gather [node, indices, axes]      indices: a tensor of whole numbers, the last axis of which is a place on `axes`
  #     concatenate [nodes, axis]
  #     insert [node, into, lows, steps]  the node's elements among those of `into`, from lows on, every steps-th
  #     sum, product, reduce_max, reduce_min [node, axes]
  #     running_sum [node, axis, reverse?]
  #     dot [a, axes, batch_axes, b, axes, batch_axes]

  @enforce_keys [:id, :op, :shape, :type, :args]
  defstruct @enforce_keys

  @type t :: %__MODULE__{id: pos_integer, op: atom, shape: tuple, type: Nx.Type.t(), args: list}

  @moving [:broadcast, :reshape, :transpose, :slice, :reverse, :gather]

  @doc "The nodes among the arguments."
  @spec operands(t) :: [t]
  def operands(%__MODULE__{args: args}), do: args |> List.flatten() |> Enum.filter(&is_struct(&1, __MODULE__))

  @spec known?(t) :: boolean
  def known?(%__MODULE__{op: op}), do: op in [:literal, :tensor]

  @spec moving?(t) :: boolean
  def moving?(%__MODULE__{op: op}), do: op in @moving

  @spec integer?(t) :: boolean
  def integer?(%__MODULE__{type: {kind, _bits}}), do: kind in [:s, :u]

  @doc "The lengths of the axes that have more than one place."
  @spec wide(tuple) :: [pos_integer]
  def wide(shape), do: for(n <- Tuple.to_list(shape), n != 1, do: n)

  @doc "Every node that a node is made of, and itself, those first that others are made of."
  @spec all(t) :: [t]
  def all(root), do: [root] |> gather(%{}) |> Map.values() |> Enum.sort_by(& &1.id)

  defp gather([], seen), do: seen
  defp gather([%{id: id} | rest], seen) when is_map_key(seen, id), do: gather(rest, seen)
  defp gather([node | rest], seen), do: gather(operands(node) ++ rest, Map.put(seen, node.id, node))
end

defmodule Nx.Vulkan.Lacking do
  @moduledoc false
  # What a node cannot do, by what its `describe` says of ops and types.

  alias GpuNode.{Capabilities, Op}
  alias Nx.Tensor, as: T
  alias Nx.Vulkan.Callbacks

  @doc "Why the node cannot do `op` for these tensors, or nil."
  @spec reason(Capabilities.t(), atom, [T.t()]) :: String.t() | nil
  def reason(capabilities, op, tensors) do
    cond do
      not is_map_key(capabilities.ops, op) ->
        "the node has no such op"

      Callbacks.moving?(op) and moved_alone?(op, tensors) ->
        nil

      missing = Enum.find(tensors, &(not is_map_key(capabilities.types, &1.type))) ->
        "the node does not compute #{Nx.Type.to_string(missing.type)}"

      ordered?(op) and Enum.any?(tensors, &match?({:c, _}, &1.type)) ->
        "complex numbers have no order"

      true ->
        nil
    end
  end

  defp ordered?(op), do: match?({:ok, %{takes: :ordered}}, Op.fetch(op))

  # Whether no element is converted: indices and starts are none of the elements.
  defp moved_alone?(op, [out | operands]) do
    case Op.fetch(op) do
      {:ok, %{list: false, operand_names: names}} ->
        operands |> Enum.zip(names) |> Enum.all?(fn {tensor, name} -> name == :indices or tensor.type == out.type end)

      _ ->
        Enum.all?(operands, &(&1.type == out.type))
    end
  end
end

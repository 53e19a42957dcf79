defmodule Nx.Vulkan.Chain.Refused do
  @moduledoc false
  # What cannot become a family, as an error that is thrown to Nx.Vulkan.Chain.

  alias GpuNode.{Error, Type}
  alias Nx.Vulkan.Chain.{Node, Ops}

  @doc "What is wrong with the call."
  @spec invalid(String.t()) :: no_return
  def invalid(text), do: throw({:refused, Error.new(:invalid_argument, text)})

  @doc "An op that has no lowering, with what it gives and is given, the blocks of Nx that it lies in, innermost first, and the reason where there is one."
  @spec op(atom, %{shape: tuple, type: term}, [Node.t()], [module], String.t() | nil) :: no_return
  def op(op, out, nodes, within, why) do
    operands = Enum.map_join(nodes, ", ", &described/1)
    of = if operands == "", do: "", else: " of #{operands}"
    inside = Enum.map(within, &" in #{inspect(&1)}")
    reason = if why, do: ": #{why}", else: ""
    names = Enum.map_join(Ops.possible(), ", ", &Atom.to_string/1)

    text =
      "#{op}#{inside}, which gives #{shown(out)}#{of}, has no lowering to a chain shader#{reason}. " <>
        "What depends on variables may go through #{names}; everything else may be done to data"

    throw({:refused, Error.new(:unsupported, text)})
  end

  @doc "A node for people: `f64{8}, made of theta by multiply`."
  @spec described(Node.t()) :: String.t()
  def described(%Node{op: :variable, args: [name]} = node), do: "#{shown(node)} (#{name})"
  def described(%Node{op: :tensor, args: [_, name]} = node), do: "#{shown(node)} (#{name || "data"})"
  def described(%Node{op: :literal, args: [number]} = node), do: "#{shown(node)} (#{number})"

  def described(node) do
    variables = for %Node{op: :variable, args: [name]} <- Node.all(node), do: name
    "#{shown(node)} (#{node.op} of #{Enum.join(variables, ", ")})"
  end

  defp shown(%{type: {:tuple, _}}), do: "several"
  defp shown(%{type: type, shape: shape}), do: Type.text(type, shape)
end

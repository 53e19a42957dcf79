defmodule GpuNode.OpCase do
  @moduledoc false
  # Operands that nothing is made for, and what GpuNode.Op says of ops on them.

  alias GpuNode.{Op, Type}

  def t(name, shape), do: %{type: name |> Type.normalize() |> elem(1), shape: shape}

  def infer(name, operands, attributes \\ []) do
    with {:ok, %{results: [{type, shape}]}} <- Op.infer(name, operands, attributes), do: {Type.name(type), shape}
  end

  def attributes(name, operands, attributes) do
    {:ok, result} = Op.infer(name, operands, attributes)
    result.attributes
  end
end

defmodule GpuNode.Text do
  @moduledoc false
  # Words of messages that depend on numbers.

  @doc """
  A count and its noun.

      iex> {GpuNode.Text.count(1, "operand"), GpuNode.Text.count(0, "operand")}
      {"1 operand", "0 operands"}
  """
  @spec count(integer, String.t()) :: String.t()
  def count(1, noun), do: "1 #{noun}"
  def count(number, noun), do: "#{number} #{noun}s"
end

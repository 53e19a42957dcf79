defmodule GpuNode.Diagnostics.Summary do
  @moduledoc """
  What is known of the draws of a run: `rows`, one for each number of each variable (`t:GpuNode.Diagnostics.row/0`), and `warnings`
  (`GpuNode.Diagnostics.Warning`). `Enum` goes over the rows; `GpuNode.Diagnostics.Plot.table/1` shows both.
  """

  alias GpuNode.Diagnostics
  alias GpuNode.Diagnostics.Warning

  @enforce_keys [:rows, :warnings]
  defstruct @enforce_keys

  @type t :: %__MODULE__{rows: [Diagnostics.row()], warnings: [Warning.t()]}

  defimpl Enumerable do
    def reduce(%{rows: rows}, acc, fun), do: Enumerable.List.reduce(rows, acc, fun)
    def count(%{rows: rows}), do: {:ok, length(rows)}
    def member?(%{rows: rows}, row), do: {:ok, row in rows}
    def slice(%{rows: rows}), do: {:ok, length(rows), & &1.rows}
  end
end

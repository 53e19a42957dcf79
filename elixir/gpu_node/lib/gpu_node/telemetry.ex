defmodule GpuNode.Telemetry do
  @moduledoc """
  Events, for `:telemetry` where that library is loaded; otherwise nothing happens.

  | event | measurements | metadata |
  | --- | --- | --- |
  | `[:gpu_node, :request, :stop]` | `duration` (native units), `queue_us`, `execute_us`, `transfer_us` when the node said them | `node`, `request` (`:sync`, `:download`, ...), `result` (`:ok` or an error code) |
  | `[:gpu_node, :transfer, :upload]`, `[:gpu_node, :transfer, :download]` | `duration` (native units), `bytes` | `node`, `result` |
  | `[:gpu_node, :node, :up]` | `incarnation` | `node`, `name`, `device` |
  | `[:gpu_node, :node, :down]` | `waiting`: callers that got an error | `node`, `name`, `reason` (an error code) |
  | `[:gpu_node, :memory]` | `live_bytes`, `pooled_bytes`, `peak_bytes`, `kept_bytes`, `limit_bytes` | `node`: whenever they are asked for |
  """

  @doc false
  @spec execute([atom], map, map) :: :ok
  def execute(event, measurements, metadata) do
    if function_exported?(:telemetry, :execute, 3) do
      apply(:telemetry, :execute, [[:gpu_node | event], measurements, metadata])
    end

    :ok
  end

  @doc false
  @spec result(term) :: atom
  def result({:error, %{code: code}}), do: code
  def result(_other), do: :ok
end

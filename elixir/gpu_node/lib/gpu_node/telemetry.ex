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

  ## Spans

  Spans are as `:telemetry.span/3` has them: a `:start` when a call begins, then one `:stop` or `:exception`, all with the same
  `telemetry_span_context` in their metadata. A call that returns an error stops; `result` says which. Only what is raised, thrown or exited
  in the calling process, as by a function for reports, is an exception.

  | event | measurements | metadata |
  | --- | --- | --- |
  | `[:gpu_node, :chain, :compile, :start]` | `system_time`, `monotonic_time` | `node`, `family` (a name, or `:text`, `:file`), `type`, `chains` |
  | `[:gpu_node, :chain, :compile, :stop]` | `duration`, `monotonic_time`; where it went well `coordinates` and the stages of `model.timing`, such as `driver_us` | as the start, `result`; where it went well `family` as the model has it, `mapping`, `compiled?` |
  | `[:gpu_node, :chain, :sample, :start]` | `system_time`, `monotonic_time`; `draws` | `node`, `family`, `type`, `coordinates`, `chains`, `warmup`, `thin` |
  | `[:gpu_node, :chain, :sample, :stop]` | `duration`, `monotonic_time`; where it went well `draws`, `divergences`, `leapfrog_steps` (of each chain), `acceptance`, `step_size`, `path_length`, `queue_us`, `execute_us` | as the start, `result` |
  | `[:gpu_node, :chain, :compile, :exception]`, `[:gpu_node, :chain, :sample, :exception]` | `duration`, `monotonic_time` | as the start, `kind`, `reason`, `stacktrace` |

  `duration` and `monotonic_time` are in native units, `draws` is those of one chain. Options that were refused are in the metadata as they were given.
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
  # A span around |fun|, which returns its result; |told| gives measurements and metadata of a good one.
  @spec span([atom], map, map, (-> result), (result -> {map, map})) :: result when result: {:ok, term} | {:error, term}
  def span(event, measurements, metadata, fun, told) do
    metadata = Map.put(metadata, :telemetry_span_context, make_ref())
    started = System.monotonic_time()

    execute(
      event ++ [:start],
      Map.merge(measurements, %{system_time: System.system_time(), monotonic_time: started}),
      metadata
    )

    try do
      fun.()
    catch
      kind, reason ->
        failed = Map.merge(metadata, %{kind: kind, reason: reason, stacktrace: __STACKTRACE__})
        execute(event ++ [:exception], since(started), failed)
        :erlang.raise(kind, reason, __STACKTRACE__)
    else
      result ->
        {more, about} = if match?({:ok, _}, result), do: told.(result), else: {%{}, %{}}
        metadata = metadata |> Map.merge(about) |> Map.put(:result, result(result))
        execute(event ++ [:stop], Map.merge(more, since(started)), metadata)
        result
    end
  end

  defp since(started) do
    now = System.monotonic_time()
    %{duration: now - started, monotonic_time: now}
  end

  @doc false
  @spec result(term) :: atom
  def result({:error, %{code: code}}), do: code
  def result(_other), do: :ok
end

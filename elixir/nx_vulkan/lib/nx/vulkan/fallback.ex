defmodule Nx.Vulkan.Fallback do
  @moduledoc """
  Ops that the node does not have, computed on the host by `Nx.BinaryBackend`: counted, and never silent.

  `config :nx_vulkan, fallback: mode`, read at every fallback:

    * `:warn` (default) - counts, and logs a warning for the first of each op
    * `:count` - only counts
    * `:raise` - raises `GpuNode.Error` with code `:unsupported`

  Each one executes the telemetry event `[:nx_vulkan, :fallback]` with measurements `count: 1` and `duration` (native units)
  and metadata `op`, `node`, `reason`.
  """

  require Logger
  alias GpuNode.Error
  alias Nx.Vulkan.Compiler.Recorder
  alias Nx.Vulkan.{Config, Eager}

  @table __MODULE__

  @doc false
  def init, do: :ets.new(@table, [:named_table, :public, :set, write_concurrency: true])

  @doc "How often each op was computed on the host since the start or the last `reset/0`."
  @spec counts() :: %{atom => pos_integer}
  def counts, do: Map.new(:ets.tab2list(@table))

  @spec reset() :: :ok
  def reset do
    :ets.delete_all_objects(@table)
    :ok
  end

  @doc false
  # Computes |op| by BinaryBackend: |arguments| as the callback got them. The result lies on |node| again.
  @spec run(atom, Nx.Tensor.t(), [term], node, String.t()) :: Nx.Tensor.t()
  def run(op, out, arguments, node, reason) do
    if Recorder.active?(), do: throw({:lacks, Error.new(:unsupported, "#{op} does not compile: #{reason}", node)})
    announce(op, node, reason)
    started = System.monotonic_time()

    result =
      Nx.with_default_backend(Nx.BinaryBackend, fn ->
        apply(Nx.BinaryBackend, op, [out | Enum.map(arguments, &to_host/1)])
      end)

    result = Eager.from_host(result, node)
    measurements = %{count: 1, duration: System.monotonic_time() - started}
    :telemetry.execute([:nx_vulkan, :fallback], measurements, %{op: op, node: node, reason: reason})
    result
  end

  @doc false
  # Counts |op|, and says or raises what the configuration wants.
  @spec announce(atom, node, String.t()) :: :ok
  def announce(op, node, reason) do
    mode = Config.get!(:fallback)

    if mode == :raise and op != :defn,
      do: Error.raise!(Error.new(:unsupported, "#{op} would be computed on the host: #{reason}", node))

    if :ets.update_counter(@table, op, 1, {op, 0}) == 1 and mode != :count do
      Logger.warning("Nx.Vulkan: #{place(op)}: #{reason}. Said once for each op; Nx.Vulkan.fallbacks/0 counts them")
    end

    :ok
  end

  defp place(:defn), do: "a function of defn is computed op by op"
  defp place(op), do: "#{op} is computed on the host by Nx.BinaryBackend"

  defp to_host(%Nx.Tensor{} = tensor), do: Eager.to_host(tensor)
  defp to_host(list) when is_list(list), do: Enum.map(list, &to_host/1)

  # What a function of reduce or window_reduce closes over may be ours, and then so is what it returns.
  defp to_host(fun) when is_function(fun, 2), do: fn left, right -> to_host(fun.(left, right)) end
  defp to_host(other), do: other
end

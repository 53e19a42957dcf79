defmodule Nx.Vulkan do
  @moduledoc """
  Nx on any GPU that has a Vulkan driver, in a node of its own.

      config :nx_vulkan, nodes: [[name: :gpu0]]
      config :nx, default_backend: Nx.Vulkan.Backend

  See `Nx.Vulkan.Backend` for tensors, `GpuNode` for nodes and what they do when a driver fails.
  """

  alias Nx.Vulkan.Fallback

  @doc "How often each op was computed on the host since the start or the last `reset_fallbacks/0`. See `Nx.Vulkan.Fallback`."
  @spec fallbacks() :: %{atom => pos_integer}
  def fallbacks, do: Fallback.counts()

  @spec reset_fallbacks() :: :ok
  def reset_fallbacks, do: Fallback.reset()

  @doc """
  What lives on the nodes that are started or attached here: for each, bytes (`live_bytes`, `pooled_bytes`, `peak_bytes`,
  `limit_bytes`) and `owners`, the sessions of every BEAM node with their `tensors` and `bytes`. A node that does not answer has
  its `GpuNode.Error` instead.
  """
  @spec memory() :: %{atom => map | GpuNode.Error.t()}
  def memory do
    Map.new(GpuNode.nodes(), fn name ->
      case GpuNode.stats(name) do
        {:ok, stats} -> {name, Map.put(stats.memory, :owners, stats.sessions)}
        {:error, error} -> {name, error}
      end
    end)
  end
end

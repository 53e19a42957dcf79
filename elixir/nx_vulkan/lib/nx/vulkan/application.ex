defmodule Nx.Vulkan.Application do
  @moduledoc false
  use Application

  @impl true
  def start(_type, _args) do
    with {:error, error} <- Nx.Vulkan.Config.check(), do: GpuNode.Error.raise!(error)
    Nx.Vulkan.Fallback.init()
    Nx.Vulkan.Constants.init()
    Nx.Vulkan.Compiler.Cache.init()
    # What needs no Nx and a node takes the one of new tensors.
    if Application.get_env(:gpu_node, :default_node) == nil,
      do: Application.put_env(:gpu_node, :default_node, {Nx.Vulkan, :default_node, []})

    Application.put_env(:gpu_node, :nx_tensors, {Nx.Vulkan, :shared, []})

    Supervisor.start_link(
      [
        {DynamicSupervisor, name: Nx.Vulkan.Nodes, strategy: :one_for_one},
        {Task.Supervisor, name: Nx.Vulkan.Tasks},
        Nx.Vulkan.Compiler.Lock,
        Nx.Vulkan.SharedMemory,
        Nx.Vulkan.Buffer,
        {Task, &Nx.Vulkan.Placement.start_configured/0}
      ],
      strategy: :one_for_one,
      name: Nx.Vulkan.Supervisor
    )
  end
end

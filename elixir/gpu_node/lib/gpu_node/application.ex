defmodule GpuNode.Application do
  @moduledoc false
  # Holds the registry of the nodes of this VM, keyed {role, name}, and what other VMs may ask of it. The nodes themselves stand under whoever starts them.

  use Application

  @impl true
  def start(_type, _args) do
    # GpuNode.Telemetry asks only whether the library is loaded.
    Code.ensure_loaded(:telemetry)

    children = [{Registry, keys: :unique, name: GpuNode.Registry}, GpuNode.Flusher]
    Supervisor.start_link(children, strategy: :one_for_one, name: GpuNode.RootSupervisor)
  end
end

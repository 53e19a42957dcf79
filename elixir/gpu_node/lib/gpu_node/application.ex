defmodule GpuNode.Application do
  @moduledoc false
  # Holds the registry of the nodes of this VM, keyed {role, name}, and what other VMs may ask of it. The nodes themselves stand under
  # whoever starts them.

  use Application
  alias GpuNode.{Error, Options, Shader}
  alias GpuNode.Chain.NxTensors

  @impl true
  def start(_type, _args) do
    Error.unwrap!(config())
    # GpuNode.Telemetry asks only whether the library is loaded.
    Code.ensure_loaded(:telemetry)
    GpuNode.Distribution.choose_suffix()

    children = [
      {Registry, keys: :unique, name: GpuNode.Registry},
      {Task.Supervisor, name: GpuNode.Flusher.tasks()},
      GpuNode.Flusher
    ]

    Supervisor.start_link(children, strategy: :one_for_one, name: GpuNode.RootSupervisor)
  end

  @doc "What `config :gpu_node` says. Error: `:invalid_argument`."
  @spec config() :: {:ok, keyword} | {:error, Error.t()}
  def config, do: Options.check_config(:gpu_node, Shader.config() ++ NxTensors.config())

  @doc "The name of a process of the node `name`: its `:node` (supervisor), `:worker`, `:tasks`, `:attachments`, `:pressure`."
  @spec via(atom, atom) :: {:via, module, term}
  def via(role, name), do: {:via, Registry, {GpuNode.Registry, {role, name}}}
end

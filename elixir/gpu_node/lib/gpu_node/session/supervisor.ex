defmodule GpuNode.Session.Supervisor do
  @moduledoc false
  # The session of a node and what it cannot do without: the supervisor of its short-lived processes, the leases on tensors of other VMs, the
  # one that makes room. They know each other, so they begin and end together.
  #
  # It restarts nothing itself: when one of the four ends, all do, and so does this supervisor, which the node's starts again. So one place
  # counts how often that happens.

  use Supervisor
  alias GpuNode.{Application, Attachments, Pressure, Session}

  @spec start_link(keyword) :: Supervisor.on_start()
  def start_link(options), do: Supervisor.start_link(__MODULE__, options)

  @impl true
  def init(options) do
    # The session last, so that it ends first, while the others are there to be told.
    children = [
      Supervisor.child_spec({Task.Supervisor, name: Application.via(:tasks, options[:name])}, id: Task.Supervisor),
      {Attachments, options},
      {Pressure, options},
      %{id: Session, start: {Session, :start_link, [options]}, shutdown: 5000}
    ]

    Supervisor.init(children, strategy: :one_for_all, max_restarts: 0)
  end
end

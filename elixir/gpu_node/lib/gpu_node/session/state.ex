defmodule GpuNode.Session.State do
  @moduledoc false
  # The state of GpuNode.Session. `status` is :up exactly while `session` is the node's and Link has it; `waiting` are requests
  # that will be answered by the node, `parked` those that wait for a node, `starters` callers that want to hear how the first
  # attempt ends, `room` callers held back by a full queue, `transfers` processes that move bulk data (pid => {monitor, monitor of its
  # caller, alias of its caller}),
  # `activity` what the last heartbeat told, `last_end` why the session before this one ended, `leaving` processes that drop the last session's connections.

  alias GpuNode.{Link, Sweep}
  alias GpuNode.Session.Outbox

  @type t :: %__MODULE__{link: Link.t(), status: :up | :down, outbox: Outbox.t()}

  defstruct [
    :link,
    :cookie,
    :bulk,
    :describe,
    :connector,
    :connect_timer,
    :heartbeat_timer,
    :heartbeat,
    :last_error,
    :last_end,
    :activity,
    :weak,
    options: [],
    worker: nil,
    worker_ready?: true,
    status: :down,
    session: 0,
    first_id: 0,
    seq: 0,
    credit: 0,
    unacked: 0,
    sent: :queue.new(),
    outbox: Outbox.new(),
    stalled?: false,
    waiting: %{},
    parked: %{},
    starters: [],
    room: [],
    transfers: %{},
    leaving: [],
    missed: 0,
    busy_ms: 0,
    attempts: 0,
    connections: 0
  ]

  @doc "What the node told of itself with the last heartbeat: see `GpuNode.status/1`."
  @spec activity(t) :: map
  def activity(%{status: :up, activity: %{window_ms: window} = told}) when window > 0 do
    per_second = fn count -> Float.round(count * 1000 / window, 1) end

    %{
      busy: Float.round(told.busy_ms / window, 3),
      rates: %{
        window_ms: window,
        ops_per_s: per_second.(told.instructions),
        bytes_in_per_s: per_second.(told.bytes_in),
        bytes_out_per_s: per_second.(told.bytes_out)
      },
      jobs: Enum.map(told.jobs, &how_far/1),
      sessions: told.sessions
    }
  end

  def activity(_state), do: %{busy: nil, rates: nil, jobs: [], sessions: []}

  defp how_far(%{of: 0, done: 0} = job), do: %{job | done: nil, of: nil}
  defp how_far(%{of: 0} = job), do: %{job | of: nil}
  defp how_far(job), do: job

  @doc "Whether the weak references of handles are kept here (no finalizer NIF)."
  @spec sweeping?(t) :: boolean
  def sweeping?(%{weak: weak}), do: weak != nil

  @doc "Starts a sweep of the weak references."
  @spec sweep(t) :: t
  def sweep(%{status: :up, weak: weak} = state) when weak != nil do
    Sweep.start(state.link.tasks, weak)
    state
  end

  def sweep(state), do: state
end

defmodule GpuNode.Session.Connection do
  @moduledoc false
  # The coming and going of the node: attempts with back-off, what happens when it is up, heartbeats, and what happens when it is
  # gone. Functions from state to state.

  require Logger
  alias GpuNode.{Attachments, Capabilities, Distribution, Error, Link, Pressure, Protocol, Telemetry, Text}
  alias GpuNode.Session.{Asking, Connector, Sending, State}

  @attempt_ms 12_000
  @first_pause_ms 50
  @longest_pause_ms 1000
  @missed_heartbeats 3
  @bulk_pause_ms 200
  @bulk_attempts 50

  @doc "Starts an attempt unless one is under way or nothing is there to be reached."
  @spec connect(State.t()) :: State.t()
  def connect(%{status: :down, connector: nil, worker_ready?: true} = state) do
    options = state.options |> Keyword.take([:lease_ms, :quota_bytes, :grace_ms]) |> Map.new()
    request = %{node: state.link.node, cookie: state.cookie, options: options, leaving: state.leaving}
    {pid, monitor} = Connector.start(state.link.tasks, request)
    Process.send_after(self(), {:attempt_expired, pid}, @attempt_ms)
    %{state | connector: {pid, monitor}}
  end

  def connect(state), do: state

  @doc "Ends an attempt that is under way."
  @spec stop_connecting(State.t()) :: State.t()
  def stop_connecting(%{connector: nil} = state), do: state

  def stop_connecting(%{connector: {pid, monitor}} = state) do
    Process.demonitor(monitor, [:flush])
    Process.exit(pid, :shutdown)
    %{state | connector: nil}
  end

  @spec connected(State.t(), {:ok, Connector.connected()} | {:error, Error.t()}) :: State.t()
  def connected(state, {:ok, connected}) do
    # It may have gone since; its nodedown came while nothing was up.
    if Distribution.connected?(state.link.node) do
      up(state, connected)
    else
      connected(state, {:error, down_error(state)})
    end
  end

  def connected(state, {:error, error}), do: state |> Asking.attempt_failed(error) |> connect_later()

  defp up(state, %{describe: describe, open: open, bulk: bulk}) do
    node = state.link.node
    limits = describe.limits
    Capabilities.publish(state.link, describe)
    # The session before its number: whoever reads the number finds the rest in place.
    Link.put(state.link, :incarnation, open.incarnation)
    Link.put(state.link, :inline_bytes, Map.get(limits, :inline_bytes, 65_536))
    Link.put(state.link, :max_commands, min(Map.get(limits, :max_commands, 4096), open.max_pending_instructions))
    first_id = Link.get(state.link, :next_id) + 1
    Link.put(state.link, :session, open.session)
    Logger.info("GPU node #{node} is up: #{inspect(describe[:device][:name])}, incarnation #{open.incarnation}")
    metadata = %{node: node, name: state.link.name, device: describe[:device]}
    Telemetry.execute([:node, :up], %{incarnation: open.incarnation}, metadata)

    state
    |> Map.merge(%{
      status: :up,
      session: open.session,
      first_id: first_id,
      credit: open.max_pending_instructions,
      describe: describe,
      bulk: bulk,
      heartbeat: nil,
      heartbeat_timer: beat_later(state),
      missed: 0,
      attempts: 0,
      connections: state.connections + 1,
      last_error: nil
    })
    |> tap(&tell_worker(&1, :responsive))
    |> tap(&Pressure.look(&1.link))
    |> Asking.unpark()
  end

  defp connect_later(state) do
    pause = min(@first_pause_ms * Bitwise.bsl(1, min(state.attempts, 10)), @longest_pause_ms)
    Process.send_after(self(), :connect, pause)
    %{state | attempts: state.attempts + 1}
  end

  @doc "One beat: counts an unanswered one as missed, and gives the node up after three."
  @spec beat(State.t()) :: State.t()
  def beat(state) do
    missed = if state.heartbeat, do: state.missed + 1, else: 0

    if missed >= @missed_heartbeats do
      text = "#{state.link.node} did not answer #{Text.count(missed, "heartbeat")}: it hangs or its host is gone"
      tell_worker(state, :unresponsive)
      down(state, Error.new(:node_down, text, state.link.node))
    else
      # The same reference until it is answered: an answer that comes late is still a sign of life.
      ref = state.heartbeat || make_ref()
      Sending.deliver(state, Protocol.call(self(), ref, Protocol.request(Protocol.heartbeat(), state.session, %{})))
      %{state | heartbeat: ref, missed: missed, heartbeat_timer: beat_later(state)}
    end
  end

  defp beat_later(state), do: Process.send_after(self(), :heartbeat, Keyword.fetch!(state.options, :heartbeat_ms))

  defp tell_worker(%{worker: nil}, _what), do: :ok
  defp tell_worker(%{worker: worker}, what), do: send(worker, {:gpu_node_session, what})

  @doc """
  The node is gone. Everybody who waits gets `error`; connections are dropped, because a peer that does not read keeps this VM's
  senders suspended until then; the next attempt starts at once.
  """
  @spec down(State.t(), Error.t()) :: State.t()
  def down(%{status: :down} = state, error), do: %{state | last_error: error}

  def down(state, error) do
    Link.put(state.link, :session, 0)
    # Everything that was made is gone, and the next node may have another limit.
    Link.put(state.link, :headroom, 0)
    Process.cancel_timer(state.heartbeat_timer)
    leaving = Distribution.disconnect([state.link.node, state.bulk], state.link.tasks)
    {waiting, state} = state |> Sending.drop_all() |> Asking.fail_all(error)
    if state.weak, do: :ets.delete_all_objects(state.weak)
    Attachments.clear(state.link.attachments, error)
    Logger.warning("GPU node #{state.link.node} is down: #{error.message}")
    metadata = %{node: state.link.node, name: state.link.name, reason: error.code}
    Telemetry.execute([:node, :down], %{waiting: waiting}, metadata)

    cleared = %{
      status: :down,
      session: 0,
      heartbeat: nil,
      activity: nil,
      last_error: error,
      last_end: error.message,
      leaving: leaving
    }

    state |> Map.merge(cleared) |> connect_later()
  end

  @doc "The error of a connection that broke."
  @spec down_error(State.t()) :: Error.t()
  def down_error(state), do: Error.new(:node_down, "the connection to #{state.link.node} broke", state.link.node)

  @doc "The bulk connection broke: transfers that were on their way end, and the connection is made again for the next ones."
  @spec bulk_down(State.t()) :: State.t()
  def bulk_down(%{status: :up, bulk: bulk, cookie: cookie} = state) do
    error = Error.new(:node_down, "the bulk connection to #{bulk} broke", state.link.node)
    {:ok, _pid} = Task.Supervisor.start_child(state.link.tasks, fn -> reach_until(bulk, cookie, @bulk_attempts) end)
    Asking.fail_transfers(state, error)
  end

  def bulk_down(state), do: state

  defp reach_until(_bulk, _cookie, 0), do: :ok

  defp reach_until(bulk, cookie, attempts) do
    with {:error, _} <- Connector.reach(bulk, cookie) do
      Process.sleep(@bulk_pause_ms)
      reach_until(bulk, cookie, attempts - 1)
    end
  end
end

defmodule GpuNode.Session do
  @moduledoc false
  # The process of this VM that speaks for all its callers with one GPU node: it opens the session, gathers commands into
  # messages, keeps within the node's credit, beats, and tells every waiting caller when the node is gone.
  #
  # Invariant: it never waits. Sends go with :nosuspend and are tried again when the connection is busy; connecting and
  # disconnecting are processes of their own. So its answers do not depend on what the node does. The only process that it asks for
  # anything is the supervisor of those, which does nothing but start and end them.
  #
  # Its mailbox must stay an ordinary one (no off_heap message queue): what a handle's collection sends must come after the commands
  # that used the handle, which holds only while the mailbox keeps the order across senders.
  #
  # Messages are built by GpuNode.Client, GpuNode.Attachments, GpuNode.Transfer, GpuNode.Worker and the node itself.

  use GenServer
  require GpuNode.Protocol
  alias GpuNode.{Application, Attachments, Error, Finalizer, Link, Protocol, Sweep, Worker}
  alias GpuNode.Session.{Asking, Connection, Outbox, Sending, State}

  @sweep_ms 1000
  @bulk_grace_ms 20

  @type option ::
          {:name, atom}
          | {:node, node}
          | {:cookie, (-> atom) | nil}
          | {:worker, pid | nil}
          | {:heartbeat_ms | :lease_ms | :quota_bytes | :timeout | :collect_above_bytes, pos_integer}
          | {:grace_ms | :attached_ms, non_neg_integer}
          | {:finalizer, :nif | :sweep}

  @spec start_link([option]) :: GenServer.on_start()
  def start_link(options), do: GenServer.start_link(__MODULE__, options)

  @doc "What is known here of the node: see `GpuNode.status/1`."
  @spec status(pid) :: map
  def status(pid), do: GenServer.call(pid, :status)

  @impl true
  def init(options) do
    Process.flag(:trap_exit, true)
    node = Keyword.fetch!(options, :node)

    # One session for each node: a handle finds its session by the node's name.
    case Registry.register(GpuNode.Registry, {:session, node}, options[:name]) do
      {:ok, _owner} ->
        {:ok, attach(node, options)}

      {:error, {:already_registered, pid}} ->
        [as] = Registry.values(GpuNode.Registry, {:session, node}, pid)

        {:stop,
         Error.new(:invalid_argument, "#{node} is attached here already, as #{inspect(as)}: use that name", node)}
    end
  end

  defp attach(node, options) do
    # Node events, and not monitors of the node's process: to monitor and to demonitor a remote process are signals on its connection, and
    # suspend this process when nobody reads there.
    :net_kernel.monitor_nodes(true, node_type: :all)
    worker = options[:worker]
    name = Keyword.fetch!(options, :name)
    link = Link.new(name, node, processes(name), options)
    Link.publish(link)

    state = %State{
      link: link,
      bulk: Protocol.bulk_node(node),
      cookie: options[:cookie],
      worker: worker,
      worker_ready?: worker == nil,
      options: options,
      weak: if(link.finalizer == :sweep, do: :ets.new(:gpu_node_weak, [:protected]))
    }

    if State.sweeping?(state), do: Process.send_after(self(), :sweep, @sweep_ms)
    if worker, do: Worker.subscribe(worker, self()), else: send(self(), :connect)
    state
  end

  # Its siblings, which are there already: see GpuNode.Session.Supervisor.
  defp processes(name) do
    %{
      session: self(),
      attachments: Attachments.join(name),
      pressure: GenServer.whereis(Application.via(:pressure, name)),
      tasks: GenServer.whereis(Application.via(:tasks, name))
    }
  end

  @impl true
  def handle_info({:gpu_node_op, session, command, bytes}, %{session: session, status: :up} = state),
    do: next(%{state | outbox: Outbox.push(state.outbox, command, bytes)})

  def handle_info({:gpu_node_op, _gone, _command, bytes}, state) do
    Link.sub_queued(state.link, Outbox.units(bytes))
    next(state)
  end

  def handle_info(Protocol.ack(session, seq), %{session: session} = state), do: next(Sending.acknowledge(state, seq))
  def handle_info(:timeout, state), do: next(Sending.flush(state))

  def handle_info({:gpu_node_free, id}, state) do
    if state.weak, do: :ets.delete(state.weak, id)
    next(Sending.push_gone(state, :free, [id]))
  end

  # An op that uses one of these tensors was sent before its handle was let go, but may still be in the mailbox: the ids go behind
  # whatever is there.
  def handle_info(:gpu_node_collected, state) do
    send(self(), {:gpu_node_released, Finalizer.take(state.link.queue)})
    next(state)
  end

  def handle_info({:gpu_node_released, ids}, state), do: next(Sending.push_gone(state, :release, ids))

  def handle_info({:gpu_node_program, session, n, commands}, %{session: session, status: :up} = state),
    do: next(%{state | outbox: Outbox.push_program(state.outbox, n, commands)})

  def handle_info({:gpu_node_program, _gone, n, _commands}, state) do
    Link.sub_queued(state.link, n)
    next(state)
  end

  def handle_info({:gpu_node_weak, id, external}, state) do
    if state.status == :up, do: :ets.insert(state.weak, {id, external})
    next(state)
  end

  def handle_info({:gpu_node_request, ref, expected, deadline, request, reply_to}, state),
    do: next(Asking.request(state, ref, expected, deadline, request, reply_to))

  def handle_info({:gpu_node_cancel, ref}, state) do
    if is_map_key(state.waiting, ref), do: Sending.cancel(state, ref)
    next(Asking.forget(state, ref))
  end

  def handle_info({:gpu_node_transfer, pid, caller, reply_to}, state),
    do: next(Asking.add_transfer(state, pid, caller, reply_to))

  def handle_info({:parked_expired, ref}, state), do: next(Asking.parked_expired(state, ref))

  def handle_info({ref, reply}, %{heartbeat: ref} = state) do
    case Protocol.reply(reply, state.link.node) do
      {:ok, answer} ->
        next(%{state | heartbeat: nil, busy_ms: Map.get(answer, :busy_ms, 0), activity: answer[:activity]})

      # The node lives but knows the session no more: its lease ran out while this VM was stopped.
      {:error, error} ->
        next(Connection.down(state, error))
    end
  end

  def handle_info({ref, reply}, state) when is_reference(ref), do: next(Asking.answer(state, ref, reply))

  def handle_info(:retry, state), do: next(Sending.flush(%{state | stalled?: false}))
  def handle_info(:heartbeat, %{status: :up} = state), do: next(Connection.beat(state))
  def handle_info(:connect, state), do: next(Connection.connect(state))

  def handle_info({:attempt_expired, pid}, %{connector: {pid, _}} = state) do
    text = "#{state.link.node} accepts connections but does not answer"
    error = Error.new(:node_down, text, state.link.node)
    next(state |> Connection.stop_connecting() |> Connection.connected({:error, error}))
  end

  def handle_info({:gpu_node_connected, pid, result}, %{connector: {pid, monitor}} = state) do
    Process.demonitor(monitor, [:flush])
    next(Connection.connected(%{state | connector: nil}, result))
  end

  def handle_info({:worker_up, worker, cookie}, state) do
    state = Connection.stop_connecting(%{state | worker: worker, cookie: cookie, worker_ready?: true, attempts: 0})
    next(Connection.connect(state))
  end

  def handle_info({:worker_down, error}, state) do
    state = Connection.stop_connecting(%{state | worker_ready?: false})
    next(state |> Connection.down(error) |> Asking.attempt_failed(error))
  end

  def handle_info({:nodedown, node, _info}, %{status: :up} = state) when node == state.link.node,
    do: next(Connection.down(state, Connection.down_error(state)))

  # When the process dies both connections break, one a little after the other: who heard of this one at once would ask again over
  # the other, and hear of that too.
  def handle_info({:nodedown, node, _info}, state) when node == state.bulk do
    Process.send_after(self(), {:bulk_down, state.session}, @bulk_grace_ms)
    next(state)
  end

  def handle_info({:bulk_down, session}, %{session: session} = state), do: next(Connection.bulk_down(state))

  def handle_info({:DOWN, monitor, _, pid, reason}, %{connector: {pid, monitor}} = state) do
    error = Error.new(:internal, "connecting to #{state.link.node} failed: #{inspect(reason)}", state.link.node)
    next(Connection.connected(%{state | connector: nil}, {:error, error}))
  end

  def handle_info({:DOWN, _, _, pid, reason}, state) when is_map_key(state.transfers, pid),
    do: next(Asking.end_transfer(state, pid, reason))

  def handle_info({{:caller_down, transfer}, _, _, _, _}, state), do: next(Asking.abandon_transfer(state, transfer))

  def handle_info(:sweep, state) do
    Process.send_after(self(), :sweep, @sweep_ms)
    next(State.sweep(state))
  end

  def handle_info({:gpu_node_swept, ids}, state) do
    Enum.each(ids, &:ets.delete(state.weak, &1))
    next(if ids == [], do: state, else: Sending.push_gone(state, :release, ids))
  end

  # Late answers, acknowledgements of a session that is gone, timers and monitors that were for it.
  def handle_info(_other, state), do: next(state)

  @impl true
  # Answered behind the frees of what a sweep, made now, finds collected.
  def handle_call(:sweep, from, %{weak: weak} = state) when weak != nil do
    Sweep.start(state.link.tasks, weak, fn -> GenServer.reply(from, :ok) end)
    {:noreply, state, Sending.patience(state)}
  end

  def handle_call(:status, _from, state) do
    describe = state.describe || %{}

    status = %{
      name: state.link.name,
      node: state.link.node,
      state: state.status,
      session: state.session,
      incarnation: Link.get(state.link, :incarnation),
      device: describe[:device],
      version: describe[:version],
      finalizer: state.link.finalizer,
      queued: Link.get(state.link, :queued),
      unacknowledged: state.unacked,
      waiting: map_size(state.waiting) + map_size(state.parked),
      transfers: map_size(state.transfers),
      busy_ms: state.busy_ms,
      connections: state.connections,
      last_error: state.last_error
    }

    {:reply, Map.merge(status, State.activity(state)), state, Sending.patience(state)}
  end

  @impl true
  def terminate(_reason, state) do
    Sending.deliver(state, Protocol.call(self(), make_ref(), Protocol.request(Protocol.close(), state.session, %{})))
    error = Error.new(:node_down, "the client of #{state.link.node} was stopped", state.link.node)
    {_count, _state} = Asking.fail_all(state, error)
    Link.put(state.link, :session, 0)
    Link.withdraw(state.link)
  end

  defp next(state) do
    state = Sending.flush_full(state)
    {:noreply, state, Sending.patience(state)}
  end
end

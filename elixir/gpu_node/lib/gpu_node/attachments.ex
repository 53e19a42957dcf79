defmodule GpuNode.Attachments do
  @moduledoc false
  # Tensors of other VMs that processes of this one use. A handle that came from another VM is a plain term here, of which the
  # collector says nothing; so an attachment is a lease: of the processes that used it, while they live, renewed by every use.
  #
  # The table has a row {{key, pid}, id, last_use} for each process that uses a tensor: that process finds the id of the
  # attachment there without a message. Only this server makes and deletes rows; the process itself writes `last_use`, which
  # is :held while it waits for an answer.

  use GenServer
  alias GpuNode.{Application, Client, Error, Flusher, Link, Protocol, Tensor}

  @typedoc "This VM's session, the session that made the tensor, the tensor's id there."
  @type key :: {pos_integer, pos_integer, Protocol.id()}
  @type t :: {pid, :ets.table()}

  @longest_tick_ms 1000

  ## In the calling process

  @doc """
  The session and the id under which the node knows `tensor`. Of another VM's session it is attached first, which takes a request
  unless this process has used it before.
  """
  @spec locate(Link.t(), Tensor.t(), Client.deadline()) :: {:ok, pos_integer, Protocol.id()} | {:error, Error.t()}
  def locate(link, %{session: session} = tensor, deadline) do
    case Link.get(link, :session) do
      ^session ->
        {:ok, session, tensor.id}

      # What became of a session of this VM's own, its process knows.
      0 when node(tensor.ref) == node() ->
        {:ok, session, tensor.id}

      _other ->
        with {:ok, session} <- Client.session(link, deadline),
             {:ok, id} <- id(link, session, tensor, deadline),
             do: {:ok, session, id}
    end
  end

  @doc "The id of `tensor`, which is of another session, in this VM's `session`."
  @spec id(Link.t(), pos_integer, Tensor.t(), Client.deadline()) :: {:ok, Protocol.id()} | {:error, Error.t()}
  def id(%{attachments: {_server, table}} = link, session, tensor, deadline) do
    key = {session, tensor.session, tensor.id}

    # The stamp after the look: while it is young, nobody deletes the row.
    used = fn ->
      with [{row, id, _last_use}] <- :ets.lookup(table, {key, self()}),
           true <- :ets.update_element(table, row, {3, now()}),
           do: {:ok, id}
    end

    case Link.with_table(link, table, used) do
      unknown when unknown in [[], false] -> with :ok <- check(tensor, link), do: lease(link, key, tensor, deadline)
      result -> result
    end
  end

  @doc "Runs `fun`, which waits for an answer about `tensor`: however long, the attachment stays."
  @spec holding(Link.t(), Tensor.t(), pos_integer, (-> result)) :: result when result: term
  def holding(_link, %{session: session}, session, fun), do: fun.()

  def holding(%{attachments: {_server, table}} = link, tensor, session, fun) do
    row = {{session, tensor.session, tensor.id}, self()}
    mark = fn use -> Link.with_table(link, table, fn -> :ets.update_element(table, row, {3, use}) end) end
    mark.(:held)
    result = fun.()
    mark.(now())
    result
  end

  @doc "Drops this VM's attachment of `tensor`; `:already` when there is none."
  @spec drop(Link.t(), pos_integer, Tensor.t()) :: :ok | :already
  def drop(%{attachments: {server, _table}}, session, tensor) do
    GenServer.call(server, {:drop, {session, tensor.session, tensor.id}})
  catch
    :exit, _ -> :already
  end

  @doc """
  Attaches `tensor` as `id` of `session`. What made it may still be on its way to the node, on another connection than this one: so its
  VM is asked once to send what it holds.
  """
  @spec attach(Link.t(), pos_integer, Protocol.id(), Tensor.t(), Client.deadline()) :: :ok | {:error, Error.t()}
  def attach(link, session, id, tensor, deadline) do
    request = Protocol.attach(id, tensor.session, tensor.id)

    with :ok <- check(tensor, link),
         {:error, %{code: :not_found}} <- Client.request(link, session, deadline, request),
         flushed = Flusher.flush(node(tensor.ref), link.node, tensor.session, deadline),
         {:error, %{code: :not_found} = error} <- Client.request(link, session, deadline, request) do
      {:error, lost(tensor, error.message, flushed)}
    else
      {:error, %{code: :stale}} -> {:error, stale(tensor, link)}
      result -> result
    end
  end

  defp lease(%{attachments: {server, _table}} = link, key, tensor, deadline) do
    patience = max(deadline - now(), 0)

    case GenServer.call(server, {:lease, key, Link.next_id(link), deadline}, patience) do
      {:attach, id} ->
        result = attach(link, elem(key, 0), id, tensor, deadline)
        # Answered, so that the row is there when this returns.
        with :ok <- GenServer.call(server, {:attached, key, id, result}), do: {:ok, id}

      result ->
        result
    end
  catch
    :exit, {:timeout, _} -> {:error, Client.late(link, :attach)}
    :exit, _ -> {:error, Link.stopped(link)}
  end

  defp check(%{node: node, incarnation: incarnation} = tensor, %{node: node} = link),
    do: if(incarnation == Link.get(link, :incarnation), do: :ok, else: {:error, stale(tensor, link)})

  defp check(tensor, link) do
    text = "#{inspect(tensor)} lies on another node than #{link.node}: read it and make it there"
    {:error, Error.new(:invalid_argument, text, link.node)}
  end

  # What is gone is the process, or only the session.
  defp stale(tensor, link) do
    gone =
      case Link.get(link, :incarnation) do
        now when now == tensor.incarnation -> "session #{tensor.session} of #{node(tensor.ref)}, which is gone"
        now -> "incarnation #{tensor.incarnation} of the node, which is in incarnation #{now} now"
      end

    Error.new(:stale, "#{inspect(tensor)} is of #{gone}: make it again", link.node)
  end

  defp lost(tensor, why, flushed) do
    maker = node(tensor.ref)

    text =
      "#{inspect(tensor)}, made by #{maker}, is not there any more (#{why}). Keep the handle there until it was used here, or attach it here at once " <>
        "(GpuNode.Tensor.attach/2)"

    asked = if flushed == :ok, do: "", else: ". #{maker} could not be asked to send what it may still hold: #{flushed}"
    Error.new(:not_found, text <> asked, tensor.node)
  end

  defp now, do: System.monotonic_time(:millisecond)

  ## The server

  @spec start_link(keyword) :: GenServer.on_start()
  def start_link(options) do
    idle_ms = Keyword.fetch!(options, :attached_ms)
    GenServer.start_link(__MODULE__, idle_ms, name: Application.via(:attachments, options[:name]))
  end

  @doc "The server of the node `name`, which from now on tells the calling session what goes."
  @spec join(atom) :: t
  def join(name), do: GenServer.call(Application.via(:attachments, name), :join)

  @doc "The session is gone, and with it all that was attached."
  @spec clear(t, Error.t()) :: :ok
  def clear({server, _table}, error), do: GenServer.cast(server, {:clear, error})

  # leases: key => %{id, maker: {pid, deadline} while it is being attached, waiting, pids}; users: pid => {monitor, keys}
  @impl true
  def init(idle_ms) do
    table = :ets.new(:gpu_node_attachments, [:public, write_concurrency: true, read_concurrency: true])
    {:ok, tick(%{session: nil, table: table, idle_ms: idle_ms, leases: %{}, users: %{}})}
  end

  defp tick(state) do
    Process.send_after(self(), :tick, state.idle_ms |> div(4) |> max(1) |> min(@longest_tick_ms))
    state
  end

  @impl true
  def handle_call(:join, {session, _}, state), do: {:reply, {self(), state.table}, %{state | session: session}}

  def handle_call({:lease, key, new_id, deadline}, {pid, _} = from, state) do
    state = enlist(state, pid, key)

    case state.leases do
      %{^key => %{maker: nil} = lease} ->
        {:reply, {:ok, lease.id}, grant(state, key, lease, [pid])}

      %{^key => lease} ->
        {:noreply, put(state, key, %{lease | waiting: lease.waiting ++ [{from, new_id, deadline}]})}

      _ ->
        lease = %{id: new_id, maker: {pid, deadline}, waiting: [], pids: MapSet.new()}
        {:reply, {:attach, new_id}, put(state, key, lease)}
    end
  end

  def handle_call({:attached, key, id, result}, _from, state) do
    case {state.leases, result} do
      {%{^key => %{id: ^id, maker: {pid, _}} = lease}, :ok} ->
        waiting = for {{waiter, _}, _, _} <- lease.waiting, do: waiter
        state = grant(state, key, %{lease | maker: nil, waiting: []}, [pid | waiting])
        for {from, _, _} <- lease.waiting, do: GenServer.reply(from, {:ok, id})
        {:reply, :ok, state}

      {%{^key => %{id: ^id} = lease}, {:error, %{code: :deadline}}} ->
        {:reply, result, pass_on(state, key, lease)}

      {%{^key => %{id: ^id} = lease}, {:error, error}} ->
        {:reply, result, refuse(state, key, lease, error)}

      # Given up meanwhile: another was told to attach it, or the session went.
      {_leases, :ok} ->
        {:reply, {:error, Error.new(:deadline, "attach was not done within the time given")}, state}

      {_leases, error} ->
        {:reply, error, state}
    end
  end

  def handle_call({:drop, key}, _from, state) do
    case state.leases do
      %{^key => %{maker: nil} = lease} -> {:reply, :ok, free(state, key, lease)}
      _ -> {:reply, :already, state}
    end
  end

  @impl true
  def handle_cast({:clear, error}, state) do
    state = Enum.reduce(state.leases, state, fn {key, lease}, state -> refuse(state, key, lease, error) end)
    :ets.delete_all_objects(state.table)
    {:noreply, state}
  end

  @impl true
  def handle_info({:DOWN, _monitor, :process, pid, _reason}, state) do
    {{_monitor, keys}, users} = Map.pop(state.users, pid, {nil, []})
    {:noreply, Enum.reduce(keys, %{state | users: users}, &forget(&2, pid, &1))}
  end

  def handle_info(:tick, state) do
    {:noreply, tick(Enum.reduce(state.leases, state, fn {key, lease}, state -> look(state, key, lease) end))}
  end

  def handle_info(_late, state), do: {:noreply, state}

  # A process that is gone uses nothing any more, and what it was to attach another must.
  defp forget(state, pid, key) do
    :ets.delete(state.table, {key, pid})

    case state.leases do
      %{^key => %{maker: {^pid, _}} = lease} ->
        pass_on(state, key, lease)

      %{^key => lease} ->
        waiting = Enum.reject(lease.waiting, fn {{waiter, _}, _, _} -> waiter == pid end)
        lease = %{lease | waiting: waiting, pids: MapSet.delete(lease.pids, pid)}
        if idle?(lease), do: free(state, key, lease), else: put(state, key, lease)

      _ ->
        state
    end
  end

  defp idle?(lease), do: lease.maker == nil and MapSet.size(lease.pids) == 0

  defp look(state, key, %{maker: {_pid, deadline}} = lease),
    do: if(now() > deadline + @longest_tick_ms, do: pass_on(state, key, lease), else: state)

  # Whoever has just found the id may still be about to use it; so what nobody used for a while is let go of as a collected handle
  # is, and the node keeps it for its grace.
  defp look(state, key, lease) do
    limit = now() - state.idle_ms

    {idle, busy} =
      Enum.split_with(lease.pids, fn pid ->
        :ets.select_delete(state.table, [{{{key, pid}, :_, :"$1"}, [{:<, :"$1", limit}], [true]}]) == 1
      end)

    state = Enum.reduce(idle, state, &dismiss(&2, &1, key))

    if busy == [] do
      send(state.session, {:gpu_node_released, [lease.id]})
      %{state | leases: Map.delete(state.leases, key)}
    else
      put(state, key, %{lease | pids: MapSet.new(busy)})
    end
  end

  # The one who was to attach it gave up or died: what it asked for may come about yet, and then goes again.
  defp pass_on(state, key, lease) do
    send(state.session, {:gpu_node_free, lease.id})
    {pid, _} = lease.maker
    {late, waiting} = Enum.split_while(lease.waiting, fn {_, _, deadline} -> deadline <= now() end)
    gone = [pid | for({{pid, _}, _, _} <- late, do: pid)]
    state = Enum.reduce(gone, state, &dismiss(&2, &1, key))

    case waiting do
      [] ->
        %{state | leases: Map.delete(state.leases, key)}

      [{{pid, _} = from, new_id, deadline} | waiting] ->
        GenServer.reply(from, {:attach, new_id})
        put(state, key, %{lease | id: new_id, maker: {pid, deadline}, waiting: waiting})
    end
  end

  defp refuse(state, key, lease, error) do
    for {from, _, _} <- lease.waiting, do: GenServer.reply(from, {:error, error})
    maker = for {pid, _} <- [lease.maker], do: pid
    waiting = for {{pid, _}, _, _} <- lease.waiting, do: pid
    state = Enum.reduce(maker ++ waiting ++ MapSet.to_list(lease.pids), state, &dismiss(&2, &1, key))
    %{state | leases: Map.delete(state.leases, key)}
  end

  defp free(state, key, lease) do
    for pid <- lease.pids, do: :ets.delete(state.table, {key, pid})
    send(state.session, {:gpu_node_free, lease.id})
    state = Enum.reduce(lease.pids, state, &dismiss(&2, &1, key))
    %{state | leases: Map.delete(state.leases, key)}
  end

  defp grant(state, key, lease, pids) do
    pids = Enum.filter(pids, &is_map_key(state.users, &1))
    :ets.insert(state.table, for(pid <- pids, do: {{key, pid}, lease.id, now()}))
    lease = %{lease | pids: MapSet.union(lease.pids, MapSet.new(pids))}
    if idle?(lease), do: free(state, key, lease), else: put(state, key, lease)
  end

  defp put(state, key, lease), do: %{state | leases: Map.put(state.leases, key, lease)}

  defp enlist(state, pid, key) do
    {monitor, keys} = state.users[pid] || {Process.monitor(pid), MapSet.new()}
    %{state | users: Map.put(state.users, pid, {monitor, MapSet.put(keys, key)})}
  end

  defp dismiss(state, pid, key) do
    case state.users do
      %{^pid => {monitor, keys}} ->
        keys = MapSet.delete(keys, key)

        if MapSet.size(keys) == 0 do
          Process.demonitor(monitor, [:flush])
          %{state | users: Map.delete(state.users, pid)}
        else
          %{state | users: Map.put(state.users, pid, {monitor, keys})}
        end

      _ ->
        state
    end
  end
end

defmodule GpuNode.Session.Asking do
  @moduledoc false
  # Requests of callers: forwarded in the order of everything else, answered through the caller's alias (so that nothing reaches
  # one who has given up), failed all at once when the node goes.

  alias GpuNode.{Client, Error, Link}
  alias GpuNode.Session.{Outbox, Sending, State}

  # Errors that waiting does not heal: whoever waits for the node hears of them at once.
  @lasting [:wrong_cookie, :protocol_mismatch, :configuration, :no_driver, :no_binary, :name_taken, :distribution]

  @typedoc "Who gets the answer: the alias of the request itself, or a process."
  @type reply_to :: :caller | pid

  @spec request(State.t(), reference, integer | nil, integer, Client.request(), reply_to) :: State.t()
  def request(state, ref, expected, deadline, request, to)

  def request(%{status: :up} = state, ref, _expected, _deadline, kind, _to) when kind in [:await, :await_first] do
    reply(ref, :caller, :ok)
    state
  end

  def request(state, ref, _expected, _deadline, :await_first, _to), do: %{state | starters: [ref | state.starters]}

  def request(%{status: :up, session: session} = state, ref, session, _deadline, :room, _to),
    do: give_room(%{state | room: [ref | state.room]})

  def request(%{status: :up, session: session} = state, ref, expected, deadline, request, to)
      when request != :room and expected in [nil, session] do
    outbox = Outbox.push_request(state.outbox, ref, request, deadline)
    %{state | waiting: Map.put(state.waiting, ref, to), outbox: outbox}
  end

  def request(state, ref, nil, deadline, request, to) do
    error = state.last_error

    if error && error.code in @lasting do
      reply(ref, to, {:error, error})
      state
    else
      # A little before the caller gives up, so that it hears why.
      at = max(Client.left(deadline) - 10, 0)
      Process.send_after(self(), {:parked_expired, ref}, at)
      %{state | parked: Map.put(state.parked, ref, {deadline, request, to})}
    end
  end

  def request(state, ref, _gone, _deadline, _request, to) do
    reply(ref, to, {:error, gone(state)})
    state
  end

  @doc "Hands the node's answer to whoever waits for it."
  @spec answer(State.t(), reference, term) :: State.t()
  def answer(state, ref, reply) do
    case Map.pop(state.waiting, ref) do
      {nil, _} ->
        state

      {to, waiting} ->
        reply(ref, to, reply)
        %{state | waiting: waiting}
    end
  end

  @doc "The caller of `ref` has given up."
  @spec forget(State.t(), reference) :: State.t()
  def forget(state, ref) do
    waiting = Map.delete(state.waiting, ref)
    %{state | waiting: waiting, parked: Map.delete(state.parked, ref), room: List.delete(state.room, ref)}
  end

  @spec parked_expired(State.t(), reference) :: State.t()
  def parked_expired(state, ref) do
    case Map.pop(state.parked, ref) do
      {nil, _} ->
        state

      {{_deadline, _request, to}, parked} ->
        text = "the time ran out before the node could be reached: #{gone(state).message}"
        reply(ref, to, {:error, Error.new(:deadline, text, state.link.node)})
        %{state | parked: parked}
    end
  end

  @doc "The node is there: what was parked goes on its way."
  @spec unpark(State.t()) :: State.t()
  def unpark(state) do
    Enum.each(state.starters, &reply(&1, :caller, :ok))

    Enum.reduce(state.parked, %{state | parked: %{}, starters: []}, fn {ref, {deadline, request, to}}, state ->
      request(state, ref, nil, deadline, request, to)
    end)
  end

  @doc "An attempt to reach the node failed: those who wait for the first hear of it, the others when it will last."
  @spec attempt_failed(State.t(), Error.t()) :: State.t()
  def attempt_failed(state, error) do
    Enum.each(state.starters, &reply(&1, :caller, {:error, error}))
    state = %{state | last_error: error, starters: []}

    if error.code in @lasting do
      for {ref, {_deadline, _request, to}} <- state.parked, do: reply(ref, to, {:error, error})
      %{state | parked: %{}}
    else
      state
    end
  end

  @doc "The node is gone: everybody who waits for it gets `error`. Returns how many did."
  @spec fail_all(State.t(), Error.t()) :: {non_neg_integer, State.t()}
  def fail_all(state, error) do
    for {ref, to} <- state.waiting, do: reply(ref, to, {:error, error})
    for ref <- state.room, do: reply(ref, :caller, {:error, error})
    count = map_size(state.waiting) + length(state.room) + map_size(state.transfers)
    {count, fail_transfers(%{state | waiting: %{}, room: []}, error)}
  end

  @doc "Ends every bulk transfer: its caller gets `error`, its process, which may be stuck in a send, is ended."
  @spec fail_transfers(State.t(), Error.t()) :: State.t()
  def fail_transfers(state, error) do
    for {pid, {monitor, caller, reply_to}} <- state.transfers do
      Process.demonitor(monitor, [:flush])
      Process.demonitor(caller, [:flush])
      fail_transfer(pid, reply_to, error)
    end

    waiting = Map.reject(state.waiting, fn {_ref, to} -> is_pid(to) and is_map_key(state.transfers, to) end)
    %{state | transfers: %{}, waiting: waiting}
  end

  @doc "A transfer of `caller` has begun in `pid`: it hears where bulk data goes, and goes with its caller."
  @spec add_transfer(State.t(), pid, pid, reference) :: State.t()
  def add_transfer(%{status: :up} = state, pid, caller, reply_to) do
    send(pid, {:gpu_node_bulk, state.bulk})
    watch = :erlang.monitor(:process, caller, tag: {:caller_down, pid})
    %{state | transfers: Map.put(state.transfers, pid, {Process.monitor(pid), watch, reply_to})}
  end

  def add_transfer(state, pid, _caller, reply_to) do
    fail_transfer(pid, reply_to, gone(state))
    state
  end

  @doc "The caller of a transfer has died. It may be stuck in a send, and is ended."
  @spec abandon_transfer(State.t(), pid) :: State.t()
  def abandon_transfer(state, pid) do
    Process.exit(pid, :shutdown)
    state
  end

  @doc "A transfer's process has ended. What it was ended over, with its caller or its deadline, the node need not finish."
  @spec end_transfer(State.t(), pid, term) :: State.t()
  def end_transfer(state, pid, reason) do
    {_monitor, caller, _reply_to} = state.transfers[pid]
    Process.demonitor(caller, [:flush])
    {own, waiting} = Map.split_with(state.waiting, fn {_ref, to} -> to == pid end)
    if reason != :normal, do: Enum.each(Map.keys(own), &Sending.cancel(state, &1))
    %{state | transfers: Map.delete(state.transfers, pid), waiting: waiting}
  end

  defp fail_transfer(pid, reply_to, error) do
    reply(reply_to, :caller, {:error, error})
    Process.exit(pid, :shutdown)
  end

  @doc "Lets callers go on that a full queue held back, once half of it is free."
  @spec give_room(State.t()) :: State.t()
  def give_room(%{room: []} = state), do: state

  def give_room(state) do
    if Link.get(state.link, :queued) < div(Client.max_queued(), 2) do
      Enum.each(state.room, &reply(&1, :caller, :ok))
      %{state | room: []}
    else
      state
    end
  end

  @doc "The error of a caller whose session is not there any more."
  @spec gone(State.t()) :: Error.t()
  def gone(%{status: :up} = state) do
    why = if state.last_end, do: ": #{state.last_end}", else: ""
    text = "the tensor or model is of a session of #{state.link.node} that is gone#{why}. Make it again"
    Error.new(:stale, text, state.link.node)
  end

  def gone(state) do
    why = if state.last_error, do: ": #{state.last_error.message}", else: ""
    Error.new(:node_down, "#{state.link.node} is not connected#{why}", state.link.node)
  end

  defp reply(ref, :caller, reply), do: send(ref, {ref, reply})
  defp reply(ref, pid, reply), do: send(pid, {ref, reply})
end

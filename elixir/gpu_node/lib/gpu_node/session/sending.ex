defmodule GpuNode.Session.Sending do
  @moduledoc false
  # What leaves the session process: commands within the node's credit, requests in their order, tensors that go. Functions from state
  # to state; a busy connection stalls the outbox until a timer or an acknowledgement.

  alias GpuNode.{Client, Link, Protocol}
  alias GpuNode.Session.{Asking, Outbox, State}

  @retry_ms 2

  @doc "Sends what may be sent now."
  @spec flush(State.t()) :: State.t()
  def flush(%{status: :up, stalled?: false} = state) do
    case Outbox.take(state.outbox, state.credit - state.unacked, state.unacked == 0) do
      :nothing ->
        %{state | stalled?: not Outbox.empty?(state.outbox)}

      {:commands, commands, n, units, outbox} ->
        seq = state.seq + 1

        case deliver(state, Protocol.run(state.session, seq, commands)) do
          :ok ->
            sent = :queue.in({seq, n, units}, state.sent)
            flush(%{state | outbox: outbox, seq: seq, sent: sent, unacked: state.unacked + n})

          _busy ->
            stall(state)
        end

      {:request, ref, request, deadline, outbox} ->
        case send_request(state, ref, request, deadline) do
          :ok -> flush(%{state | outbox: outbox})
          _busy -> stall(state)
        end
    end
  end

  def flush(state), do: state

  @doc "Sends when a full message has gathered."
  @spec flush_full(State.t()) :: State.t()
  def flush_full(state), do: if(Outbox.full?(state.outbox), do: flush(state), else: state)

  @doc "How long the session may wait for its next message: 0 when something is to be sent as soon as the mailbox is empty."
  @spec patience(State.t()) :: 0 | :infinity
  def patience(%{status: :up, stalled?: false, outbox: outbox}), do: if(Outbox.empty?(outbox), do: :infinity, else: 0)
  def patience(_state), do: :infinity

  defp send_request(state, ref, request, deadline) do
    case state.waiting do
      %{^ref => reply_to} ->
        remaining = Client.left(deadline)
        term = Protocol.request(request, state.session, %{deadline_ms: remaining, ref: ref})
        deliver(state, Protocol.call(if(is_pid(reply_to), do: reply_to, else: self()), ref, term))

      _cancelled ->
        :ok
    end
  end

  defp stall(state) do
    Process.send_after(self(), :retry, @retry_ms)
    %{state | stalled?: true}
  end

  @doc "Sends `message` to the node, or says why not: never waits, never connects."
  @spec deliver(State.t(), term) :: :ok | :nosuspend | :noconnect
  def deliver(state, message), do: Process.send({Protocol.name(), state.link.node}, message, [:noconnect, :nosuspend])

  @doc "Tells the node that nobody waits for the request `ref` any more."
  @spec cancel(State.t(), reference) :: :ok | :nosuspend | :noconnect
  def cancel(state, ref),
    do: deliver(state, Protocol.call(self(), make_ref(), Protocol.cancel(state.session, ref)))

  @doc "Queues that `ids` go, less those of an earlier session, whose tensors are gone with it."
  @spec push_gone(State.t(), :free | :release, [Protocol.id()]) :: State.t()
  def push_gone(%{status: :up} = state, how, ids) do
    case Enum.filter(ids, &(&1 >= state.first_id)) do
      [] -> state
      ids -> %{state | outbox: Outbox.push_gone(state.outbox, how, ids)}
    end
  end

  def push_gone(state, _how, _ids), do: state

  @doc "The node has carried out every message up to `seq`."
  @spec acknowledge(State.t(), non_neg_integer) :: State.t()
  def acknowledge(state, seq) do
    case :queue.peek(state.sent) do
      {:value, {earlier, n, units}} when earlier <= seq ->
        Link.sub_queued(state.link, units)
        acknowledge(%{state | sent: :queue.drop(state.sent), unacked: state.unacked - n, stalled?: false}, seq)

      _ ->
        Asking.give_room(state)
    end
  end

  @doc "Forgets everything that is queued or unacknowledged."
  @spec drop_all(State.t()) :: State.t()
  def drop_all(state) do
    unacked = :queue.fold(fn {_seq, _n, units}, sum -> sum + units end, 0, state.sent)
    Link.sub_queued(state.link, unacked + Outbox.queued_units(state.outbox))
    %{state | outbox: Outbox.new(), sent: :queue.new(), unacked: 0, stalled?: false}
  end
end

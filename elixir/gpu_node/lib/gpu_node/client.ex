defmodule GpuNode.Client do
  @moduledoc false
  # The callers' side of GpuNode.Session: casts that cost one message, requests with a deadline, and the handles of tensors. Runs
  # in the calling process.

  alias GpuNode.{Error, Finalizer, Limits, Link, Pressure, Protocol, Sweep, Telemetry}
  alias GpuNode.Session.Outbox

  # Units (commands, and KiB that they carry) that may be queued before callers are held back: a few times what the node takes
  # unacknowledged, and no more, since they lie in the mailbox and the heap of one process.
  @max_queued 16_384

  # As long as Erlang waits at all. What takes by its size longer is waited for as long as this.
  @longest_wait_ms 0xFFFF_FFFF

  @type request :: Protocol.request() | :await | :await_first | :room
  @type deadline :: integer

  @spec max_queued() :: pos_integer
  def max_queued, do: @max_queued

  @doc "The deadline of a call, on the monotonic clock in ms, from its `:timeout` option."
  @spec deadline(Link.t(), keyword) :: deadline
  def deadline(link, options), do: System.monotonic_time(:millisecond) + Keyword.get(options, :timeout, link.timeout)

  @doc "The ms that are left until `deadline`, 0 when it is past."
  @spec left(deadline) :: non_neg_integer
  def left(deadline), do: (deadline - System.monotonic_time(:millisecond)) |> max(0) |> min(@longest_wait_ms)

  @doc "The present session; waits for a node that is coming up, until `deadline` (nil: the node's time-out from now)."
  @spec session(Link.t(), deadline | nil) :: {:ok, pos_integer} | {:error, Error.t()}
  def session(link, deadline \\ nil) do
    case Link.get(link, :session) do
      0 ->
        deadline = deadline || deadline(link, [])
        with :ok <- request(link, nil, deadline, :await), do: session(link, deadline)

      session ->
        {:ok, session}
    end
  end

  @doc "Casts one command that carries `bytes`. Waits only while the queue is full."
  @spec command(Link.t(), pos_integer, Protocol.command(), non_neg_integer, deadline | nil) :: :ok | {:error, Error.t()}
  def command(link, session, command, bytes, deadline \\ nil) do
    with :ok <- Limits.check(link, command),
         :ok <- reserve(link, session, Outbox.units(bytes), deadline) do
      send(link.pid, {:gpu_node_op, session, command, bytes})
      :ok
    end
  end

  @doc "Casts `n` commands that share local names: they travel in a message of their own."
  @spec program(Link.t(), pos_integer, pos_integer, [Protocol.command()], deadline) :: :ok | {:error, Error.t()}
  def program(link, session, n, commands, deadline) do
    with :ok <- reserve(link, session, n, deadline) do
      send(link.pid, {:gpu_node_program, session, n, commands})
      :ok
    end
  end

  defp reserve(link, session, units, deadline) do
    if Link.add_queued(link, units) <= @max_queued do
      :ok
    else
      with {:error, _} = error <- request(link, session, deadline || deadline(link, []), :room) do
        Link.sub_queued(link, units)
        error
      end
    end
  end

  @doc """
  Asks the node and waits until the deadline. `expected` is the session that the request's tensors are of, or nil.

  Errors: `:invalid_argument` (more than a message may have: see `GpuNode.Limits`), `:deadline`, `:node_down`, `:stale`, and the node's own.
  """
  @spec request(Link.t(), pos_integer | nil, deadline, request) ::
          :ok | :pong | {:ok, term} | {:ok, term, map} | {:error, Error.t()}
  def request(link, expected, deadline, request) do
    with :ok <- Limits.check(link, request), do: ask(link, expected, deadline, request)
  end

  defp ask(link, expected, deadline, request) do
    started = System.monotonic_time()
    ref = Process.monitor(link.pid, alias: :reply_demonitor)
    send(link.pid, {:gpu_node_request, ref, expected, deadline, request, :caller})
    result = await(link, ref, deadline, request)
    if not is_atom(request) or request == :stats, do: report(link, request, result, started)
    result
  end

  defp await(link, ref, deadline, request) do
    receive do
      {^ref, reply} -> Protocol.reply(reply, link.node)
      {:DOWN, ^ref, _, _, _} -> {:error, Link.stopped(link)}
    after
      left(deadline) ->
        Process.demonitor(ref, [:flush])
        send(link.pid, {:gpu_node_cancel, ref})
        # An answer may have come between the two.
        receive do
          {^ref, reply} -> Protocol.reply(reply, link.node)
        after
          0 -> {:error, late(link, request)}
        end
    end
  end

  @doc "The error of a call whose time ran out."
  @spec late(Link.t(), term) :: Error.t()
  def late(link, request) do
    what = if is_tuple(request), do: elem(request, 0), else: request
    Error.new(:deadline, "#{what} was not done within the time given", link.node)
  end

  defp report(link, request, result, started) do
    timing =
      case result do
        {:ok, _value, timing} -> timing
        {:ok, %{queue_us: _} = timing} -> timing
        _ -> %{}
      end

    measurements = Map.put(timing, :duration, System.monotonic_time() - started)
    kind = if is_tuple(request), do: elem(request, 0), else: request
    metadata = %{node: link.node, request: kind, result: Telemetry.result(result)}
    Telemetry.execute([:request, :stop], measurements, metadata)
  end

  ## Handles

  @doc "The handle of tensor `id` of `bytes`: when the last term that refers to it is collected, the tensor is freed."
  @spec handle(Link.t(), Protocol.id(), non_neg_integer) :: reference | :atomics.atomics_ref()
  def handle(%{finalizer: :nif} = link, id, bytes) do
    made(link, bytes)
    Finalizer.make_handle(link.queue, id)
  end

  def handle(%{finalizer: :sweep} = link, id, bytes) do
    made(link, bytes)
    handle = Sweep.make_handle()
    send(link.pid, {:gpu_node_weak, id, Sweep.external(handle)})
    handle
  end

  @doc "Whether the collector watches `handle`: not when it went to another VM and came back after its last copy here was collected."
  @spec watched?(Link.t(), reference) :: boolean
  def watched?(%{finalizer: :nif}, handle), do: Finalizer.handle?(handle)
  def watched?(%{finalizer: :sweep}, handle), do: Sweep.handle?(handle)

  @doc "Frees the tensor of `handle` now; `:already` when that was done before."
  @spec free(Link.t(), reference, Protocol.id()) :: :ok | :already
  def free(link, handle, id) do
    first? =
      case link.finalizer do
        :nif -> not Finalizer.handle?(handle) or Finalizer.release_handle(handle)
        :sweep -> not Sweep.handle?(handle) or Sweep.release_handle(handle)
      end

    if first? do
      drop(link, id)
    else
      :already
    end
  end

  @doc "Frees tensor `id`, which no handle has."
  @spec drop(Link.t(), Protocol.id()) :: :ok
  def drop(link, id) do
    send(link.pid, {:gpu_node_free, id})
    :ok
  end

  # Collection lags behind: a process that makes big tensors makes little garbage of its own. So what it has made since its last
  # collection is counted, and it collects above a budget.
  defp made(link, bytes) do
    Pressure.reserve(link, bytes)
    total = Process.get(:gpu_node_made, 0) + bytes

    if total > link.collect_above_bytes do
      :erlang.garbage_collect()
      Process.put(:gpu_node_made, 0)
    else
      Process.put(:gpu_node_made, total)
    end
  end

  @doc """
  Does nothing. A handle that is passed here after a message was sent is still referred to while that message was, so the freeing
  of its tensor comes behind.
  """
  @spec keep(term) :: :ok
  def keep(_term), do: :ok
end

defmodule GpuNode.Pressure do
  @moduledoc false
  # Makes room on a node before its memory runs short of what has not been collected yet. Ops are not waited for, so one that
  # fails for want of memory is noticed too late to be tried again: callers must not get that far.
  #
  # What all processes of this VM have made since the node's memory was last looked at is counted (Link's `made`). Above what was
  # free then (Link's `headroom`), whoever makes more first waits for a relief: the processes that made tensors collect their garbage,
  # what that released is freed on the node, and the node is asked what lives now. While half of the memory is free that is one relief for
  # every quarter of it; the nearer what lives comes to the limit, the more often, and the last bytes can be had.
  #
  # One process for each session: it may wait, as the session must not, and it does one relief at a time.

  use GenServer
  alias GpuNode.{Application, Client, Link, Protocol, Session}

  # A process that runs for so long without a chance to collect is left out.
  @collect_ms 500
  @unminded Bitwise.bsl(1, 62)

  @spec start_link(keyword) :: GenServer.on_start()
  def start_link(options), do: GenServer.start_link(__MODULE__, nil, name: Application.via(:pressure, options[:name]))

  @doc "Counts `bytes` that the caller is about to make on the node; waits for a relief when they may not fit."
  @spec reserve(Link.t(), non_neg_integer) :: :ok
  def reserve(link, bytes) do
    enlist(link.pressure)
    made = Link.add_made(link, bytes)

    # 0 of a new session, until its node has said what is free.
    if made > Link.get(link, :headroom) do
      relieve(link, :needed)
      Link.add_made(link, bytes)
    end

    :ok
  end

  @doc "Makes room now; `:needed`: unless somebody did so since the caller found that it is."
  @spec relieve(Link.t(), :now | :needed) :: :ok
  def relieve(link, why) do
    GenServer.call(link.pressure, {:relieve, link, why}, link.timeout)
  catch
    # It goes with the session, or the node does not answer: whoever reads the result hears of that.
    :exit, _ -> :ok
  end

  @doc "A new session is up: what is free there is to be found out."
  @spec look(Link.t()) :: :ok
  def look(link), do: GenServer.cast(link.pressure, {:look, link})

  defp enlist(pressure) do
    known = Process.get(:gpu_node_enlisted, [])

    if pressure not in known do
      Process.put(:gpu_node_enlisted, [pressure | Enum.filter(known, &Process.alive?/1)])
      send(pressure, {:maker, self()})
    end
  end

  @impl true
  def init(nil), do: {:ok, %{}}

  @impl true
  def handle_info({:maker, pid}, makers), do: {:noreply, Map.put(makers, pid, Process.monitor(pid))}
  def handle_info({:DOWN, _monitor, _, pid, _}, makers), do: {:noreply, Map.delete(makers, pid)}
  def handle_info(_late, makers), do: {:noreply, makers}

  @impl true
  def handle_cast({:look, link}, makers) do
    measure(link, Link.get(link, :made))
    {:noreply, makers}
  end

  @impl true
  def handle_call({:relieve, link, why}, _from, makers) do
    if why == :now or Link.get(link, :made) > Link.get(link, :headroom) do
      made = Link.get(link, :made)
      collect(Map.keys(makers))
      settle(link)
      measure(link, made)
    end

    {:reply, :ok, makers}
  end

  defp collect(pids) do
    deadline = System.monotonic_time(:millisecond) + @collect_ms

    pids
    |> Enum.map(fn pid ->
      ref = make_ref()
      :erlang.garbage_collect(pid, async: ref)
      ref
    end)
    |> Enum.each(fn ref ->
      receive do
        {:garbage_collect, ^ref, _} -> :ok
      after
        Client.left(deadline) -> :ok
      end
    end)
  end

  # What was collected is in the session's mailbox, which puts it once more behind what is there: after this it is in the outbox.
  defp settle(%{finalizer: :nif} = link), do: Session.status(link.pid)
  defp settle(%{finalizer: :sweep} = link), do: GenServer.call(link.pid, :sweep)

  defp measure(link, made) do
    deadline = Client.deadline(link, [])

    with {:ok, session} <- Client.session(link, deadline),
         {:ok, _timing} <- Client.request(link, session, deadline, Protocol.sync([])),
         {:ok, %{memory: %{live_bytes: live, limit_bytes: limit}}} <- Client.request(link, nil, deadline, :stats) do
      Link.put(link, :headroom, headroom(limit, max(limit - live, 0)))
      Link.sub_made(link, made)
    else
      # A node that does not say is one whose memory cannot be minded; one that went is looked at when it is back.
      _error -> if Link.get(link, :headroom) == 0, do: Link.put(link, :headroom, @unminded)
    end
  end

  # Half of what is free, since others make tensors there too, and ops need some for themselves; all of it when that is little.
  defp headroom(limit, free) when free > div(limit, 4), do: div(free, 2)
  defp headroom(_limit, free), do: max(free, 1)
end

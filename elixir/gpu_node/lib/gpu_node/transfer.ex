defmodule GpuNode.Transfer do
  @moduledoc false
  # Bulk data and long requests, by short-lived processes: a sender may be suspended on a connection whose peer has stopped reading, and then
  # it must not be the caller. The session knows each of them and kills them when the node is gone; the caller waits no longer than
  # its deadline and leaves nothing behind.
  #
  # Upload: chunks of 1 MiB over the bulk node, 4 unanswered. Download: one binary per reply, slices of at most 512 MiB.

  require GpuNode.Protocol
  alias GpuNode.{Client, Error, Limits, Link, Protocol, Telemetry}

  @slice_bytes 512 * 1024 * 1024

  @type result :: {:ok, term} | {:error, Error.t()}

  @doc """
  Makes tensor `id` and fills it with `binary` (wire bytes). Every chunk has been taken when this returns.
  """
  @spec upload(Link.t(), pos_integer, Protocol.id(), {GpuNode.Type.t(), tuple}, binary, Client.deadline()) ::
          {:ok, non_neg_integer} | {:error, Error.t()}
  def upload(link, session, id, {type, shape}, binary, deadline) do
    run(link, :upload, byte_size(binary), deadline, fn bulk ->
      with {:ok, %{chunk_bytes: chunk, window: window}} <-
             ask(link, session, deadline, Protocol.upload_open(id, type, shape)) do
        to = {Protocol.name(), bulk}
        send_chunks(%{link: link, to: to, session: session, id: id, deadline: deadline, chunk: chunk}, binary, window)
      end
    end)
  end

  defp send_chunks(upload, binary, window), do: send_chunks(upload, binary, 0, 0, window)

  defp send_chunks(_upload, binary, offset, 0, _window) when offset >= byte_size(binary), do: {:ok, byte_size(binary)}

  defp send_chunks(upload, binary, offset, open, window) when offset < byte_size(binary) and open < window do
    size = min(upload.chunk, byte_size(binary) - offset)
    chunk = binary_part(binary, offset, size)
    send(upload.to, Protocol.upload(upload.session, upload.id, offset, offset, chunk))
    send_chunks(upload, binary, offset + size, open + 1, window)
  end

  defp send_chunks(upload, binary, offset, open, window) do
    receive do
      {tag, reply} when is_integer(tag) ->
        with :ok <- Protocol.reply(reply, upload.link.node), do: send_chunks(upload, binary, offset, open - 1, window)

      {:DOWN, _, _, _, _} ->
        {:error, Link.stopped(upload.link)}
    after
      Client.left(upload.deadline) -> {:error, Client.late(upload.link, :upload)}
    end
  end

  @doc "The `size` wire bytes of tensor `id` from byte `offset`."
  @spec download(Link.t(), pos_integer, Protocol.id(), non_neg_integer, non_neg_integer, Client.deadline()) ::
          {:ok, binary} | {:error, Error.t()}
  def download(link, session, id, offset, size, deadline) do
    run(link, :download, size, deadline, fn _bulk -> slices(link, session, id, offset, size, deadline, []) end)
  end

  defp slices(link, session, id, offset, size, deadline, earlier) do
    now = min(size, @slice_bytes)

    with {:ok, binary, _timing} <- ask(link, session, deadline, Protocol.download(id, offset, now)) do
      cond do
        now < size -> slices(link, session, id, offset + now, size - now, deadline, [binary | earlier])
        earlier == [] -> {:ok, binary}
        true -> {:ok, :erlang.iolist_to_binary(Enum.reverse(earlier, [binary]))}
      end
    end
  end

  @doc """
  Asks for what takes long and reports on the way. Every report is passed to `hear` in this process; when that returns `:cancel`,
  the request ends. It ends too when this process does, and when `hear` raises, throws or exits, which goes on to the caller of this.
  """
  @spec request(Link.t(), pos_integer, Protocol.request(), Client.deadline(), (map -> term)) ::
          {:ok, term} | {:error, Error.t()}
  def request(link, session, request, deadline, hear) do
    with :ok <- Limits.check(link, request), do: report(link, session, request, deadline, hear)
  end

  defp report(link, session, request, deadline, hear) do
    reports = Process.alias()

    try do
      run(link, elem(request, 0), 0, deadline, {reports, hear}, fn _bulk ->
        ask(link, session, deadline, request, &send(reports, {reports, &1}))
      end)
    after
      Process.unalias(reports)
      forget(reports)
    end
  end

  # Reports that came behind the answer.
  defp forget(reports) do
    receive do
      {^reports, _report} -> forget(reports)
    after
      0 -> :ok
    end
  end

  # Asks through the session, in order with everything sent before; the node answers this process itself, so that a big answer
  # leaves nothing in the session.
  defp ask(link, session, deadline, request, pass_on \\ &Function.identity/1) do
    ref = make_ref()
    send(link.pid, {:gpu_node_request, ref, session, deadline, request, self()})
    answer(link, ref, deadline, request, pass_on)
  end

  defp answer(link, ref, deadline, request, pass_on) do
    receive do
      {^ref, reply} ->
        Protocol.reply(reply, link.node)

      Protocol.progress(^ref, report) ->
        pass_on.(report)
        answer(link, ref, deadline, request, pass_on)

      {:DOWN, _, _, _, _} ->
        {:error, Link.stopped(link)}
    after
      Client.left(deadline) -> {:error, Client.late(link, request)}
    end
  end

  # Runs |work| in a process of its own and waits for it until |deadline|. |hearing|: the alias that its reports come to, and who hears them.
  defp run(link, kind, bytes, deadline, hearing \\ {nil, nil}, work) do
    started = System.monotonic_time()
    result = transfer(link, kind, deadline, hearing, work)
    duration = System.monotonic_time() - started
    metadata = %{node: link.node, result: Telemetry.result(result)}
    Telemetry.execute([:transfer, kind], %{duration: duration, bytes: bytes}, metadata)
    result
  end

  defp transfer(link, kind, deadline, hearing, work), do: transfer(link, kind, deadline, hearing, work, Process.alias())

  defp transfer(link, kind, deadline, hearing, work, reply_to) do
    caller = self()

    started =
      start(link.tasks, fn ->
        Process.monitor(link.pid)
        send(reply_to, {reply_to, carry_out(link, caller, reply_to, deadline)})
      end)

    case started do
      {:ok, pid} ->
        # Not by way of the supervisor, which would keep the data alive until it happens to collect its garbage.
        send(pid, {reply_to, work})
        await(link, {pid, Process.monitor(pid), reply_to}, kind, deadline, hearing)

      :error ->
        {:error, Link.stopped(link)}
    end
  after
    Process.unalias(reply_to)
    outcome(reply_to)
  end

  # Between the end of one session process and the beginning of the next there is no supervisor.
  defp start(tasks, fun) do
    Task.Supervisor.start_child(tasks, fun)
  catch
    :exit, _ -> :error
  end

  # In the process of the transfer.
  defp carry_out(link, caller, reply_to, deadline) do
    with {:ok, bulk} <- register(link, caller, reply_to, deadline) do
      receive do
        {^reply_to, work} -> work.(bulk)
        {:DOWN, _, _, _, _} -> {:error, Link.stopped(link)}
      after
        Client.left(deadline) -> {:error, Client.late(link, :transfer)}
      end
    end
  end

  # Makes this process known to the session, which says where bulk data goes, and ends it when its caller is gone.
  defp register(link, caller, reply_to, deadline) do
    send(link.pid, {:gpu_node_transfer, self(), caller, reply_to})

    receive do
      {:gpu_node_bulk, bulk} -> {:ok, bulk}
      {:DOWN, _, _, _, _} -> {:error, Link.stopped(link)}
    after
      Client.left(deadline) -> {:error, Client.late(link, :transfer)}
    end
  end

  defp await(link, {_pid, monitor, reply_to} = transfer, kind, deadline, {reports, hear} = hearing) do
    receive do
      {^reply_to, result} ->
        Process.demonitor(monitor, [:flush])
        result

      {^reports, report} when reports != nil ->
        # Whoever hears slowly hears the latest, and neither the end nor the deadline waits for what came before it.
        verdict = heard(hear, latest(reports, report), transfer)
        over = if verdict != :cancel, do: outcome(reply_to)

        cond do
          verdict == :cancel ->
            give_up(transfer, Error.new(:cancelled, "the #{kind} was cancelled by its caller", link.node))

          over ->
            Process.demonitor(monitor, [:flush])
            over

          Client.left(deadline) == 0 ->
            give_up(transfer, Client.late(link, kind))

          true ->
            await(link, transfer, kind, deadline, hearing)
        end

      {:DOWN, ^monitor, _, _, reason} ->
        outcome(reply_to) || {:error, Error.new(:node_down, "the #{kind} was ended: #{inspect(reason)}", link.node)}
    after
      Client.left(deadline) -> give_up(transfer, Client.late(link, kind))
    end
  end

  defp latest(reports, report) do
    receive do
      {^reports, later} -> latest(reports, later)
    after
      0 -> report
    end
  end

  defp heard(hear, report, transfer) do
    hear.(report)
  catch
    kind, reason ->
      stop(transfer)
      :erlang.raise(kind, reason, __STACKTRACE__)
  end

  defp give_up({_pid, _monitor, reply_to} = transfer, error) do
    stop(transfer)
    outcome(reply_to) || {:error, error}
  end

  defp stop({pid, monitor, _reply_to}) do
    Process.demonitor(monitor, [:flush])
    Process.exit(pid, :shutdown)
  end

  # What has come already, if anything.
  defp outcome(reply_to) do
    receive do
      {^reply_to, result} -> result
    after
      0 -> nil
    end
  end
end

defmodule GpuNode.Worker do
  @moduledoc false
  # Owns the OS process of a local node: starts it, waits for its ready line, hands its log lines to Logger, starts it again when
  # it ends, kills it when it hangs. The process holds the read end of a pipe whose other end only this VM has: when the VM dies, in
  # whatever way, it sees the end of its input and exits.
  #
  # The first start happens in init, so that whoever starts the node gets its error. Later ones are asynchronous; the session is told
  # {:worker_up, pid, cookie} and {:worker_down, error}.

  use GenServer
  require Logger
  alias GpuNode.{Application, Distribution, Error}
  alias GpuNode.Worker.Command

  # Seconds before the next start: 0, 0.1, 0.3, 0.9, ... for one that ends before it is ready; 2, 6, 18, ... for one that says it cannot
  # start. Both make at most 10 starts in 5 minutes. One that had been ready is back within 2 s however often it dies: its pauses end
  # at half a second, and after a second of being ready it starts anew from 0.
  @first_pause_ms 100
  @first_hopeless_pause_ms 2000
  @longest_pause_ms 120_000
  @longest_ready_pause_ms 500
  @hopeless [64, 69, 73, 77, 78]
  @settled_ms 1000
  @stop_ms 8000
  @kept_lines 20

  defstruct [
    :options,
    :port,
    :os_pid,
    :cookie_file,
    :subscriber,
    :ready_at,
    :start_timer,
    :restart_timer,
    :hang_timer,
    :cause,
    phase: :down,
    said: [],
    failures: 0,
    restarts: 0,
    incarnation: 0
  ]

  @spec start_link(keyword) :: GenServer.on_start()
  def start_link(options) do
    GenServer.start_link(__MODULE__, options, name: Application.via(:worker, options[:name]))
  end

  @doc "Node name, cookie, OS pid, restarts, binary, `worker_state` (`:starting`, `:ready`, `:down`)."
  @spec status(pid) :: map
  def status(worker), do: GenServer.call(worker, :status)

  @doc "From now on `pid` is told when the node comes and goes; it is told at once when it is there."
  @spec subscribe(pid, pid) :: :ok
  def subscribe(worker, pid), do: GenServer.cast(worker, {:subscribe, pid})

  @impl true
  def init(options) do
    Process.flag(:trap_exit, true)

    with {:ok, binary} <- Command.binary(options[:binary]),
         host = Distribution.host(),
         {:ok, listen} <- if(options[:listen], do: {:ok, options[:listen]}, else: Distribution.listen_address(host)) do
      defaults = [
        binary: binary,
        node: Distribution.own_node(options[:name], options[:shared] == true),
        listen: listen,
        cookie: options[:cookie] || random_cookie()
      ]

      state = start(%__MODULE__{options: Keyword.merge(options, defaults)})
      await_first(state)
    else
      {:error, error} -> {:stop, error}
    end
  end

  defp random_cookie do
    cookie = String.to_atom(Distribution.random(24))
    fn -> cookie end
  end

  defp await_first(%{port: port} = state) do
    receive do
      {^port, {:data, {_eol, line}}} ->
        case heard(state, line) do
          %{phase: :ready} = state -> {:ok, state}
          state -> await_first(state)
        end

      {^port, {:exit_status, code}} ->
        {:stop, Command.exit_error(code, state.said, state.options) |> tap(fn _ -> forget_cookie(state) end)}

      {:start_expired, ^port} ->
        kill(state)
        forget_cookie(state)
        {:stop, start_expired(state)}
    end
  end

  # The incarnation rises over the life of this VM and, being the time, from one VM to the next.
  defp start(state) do
    incarnation = max(state.incarnation + 1, System.os_time(:second))
    cookie_file = write_cookie(state.options[:cookie])
    options = Keyword.merge(state.options, incarnation: incarnation, cookie_file: cookie_file)

    port =
      Port.open({:spawn_executable, state.options[:binary]}, [
        :binary,
        :exit_status,
        :stderr_to_stdout,
        :hide,
        {:line, 4096},
        args: Command.arguments(options),
        env: Command.environment(options)
      ])

    timeout = Keyword.fetch!(state.options, :start_timeout)

    %{
      state
      | port: port,
        os_pid: port |> Port.info(:os_pid) |> os_pid(),
        cookie_file: cookie_file,
        incarnation: incarnation,
        phase: :starting,
        cause: nil,
        said: [],
        start_timer: Process.send_after(self(), {:start_expired, port}, timeout)
    }
  end

  defp os_pid({:os_pid, pid}), do: pid
  defp os_pid(nil), do: nil

  # Nobody but its owner may ever have been able to read it: the mode is set before anything is in it.
  defp write_cookie(cookie) do
    path = Path.join(System.tmp_dir!(), "gpu_node-#{Distribution.random(10)}.cookie")
    File.write!(path, "", [:exclusive])
    File.chmod!(path, 0o600)
    File.write!(path, Atom.to_string(cookie.()))
    path
  end

  defp forget_cookie(state) do
    if state.cookie_file, do: File.rm(state.cookie_file)
    %{state | cookie_file: nil}
  end

  @impl true
  def handle_info({port, {:data, {_eol, line}}}, %{port: port} = state), do: {:noreply, heard(state, line)}
  def handle_info({port, {:exit_status, code}}, %{port: port} = state), do: {:noreply, ended(state, code)}

  def handle_info({:start_expired, port}, %{port: port, phase: :starting} = state) do
    kill(state)
    {:noreply, %{state | cause: start_expired(state).message}}
  end

  def handle_info(:restart, %{phase: :down} = state), do: {:noreply, start(%{state | restarts: state.restarts + 1})}

  # It may only be stopped for a while; what does not come back in time is replaced.
  def handle_info({:gpu_node_session, :unresponsive}, %{hang_timer: nil} = state) do
    hang_ms = Keyword.fetch!(state.options, :hang_ms)
    {:noreply, %{state | hang_timer: Process.send_after(self(), {:hung, state.port}, hang_ms)}}
  end

  def handle_info({:gpu_node_session, :responsive}, state), do: {:noreply, stop_hang_timer(state)}

  def handle_info({:hung, port}, %{port: port} = state) do
    kill(state)
    cause = "it hung: nothing came of it for #{state.options[:hang_ms]} ms"
    {:noreply, %{state | hang_timer: nil, cause: cause}}
  end

  def handle_info({:EXIT, pid, reason}, state) when is_pid(pid), do: {:stop, reason, state}
  def handle_info(_other, state), do: {:noreply, state}

  @impl true
  def handle_cast({:subscribe, pid}, state) do
    if state.phase == :ready, do: send(pid, {:worker_up, self(), state.options[:cookie]})
    {:noreply, %{state | subscriber: pid}}
  end

  @impl true
  def handle_call(:status, _from, state) do
    status = %{
      node: state.options[:node],
      cookie: state.options[:cookie],
      binary: state.options[:binary],
      os_pid: state.os_pid,
      restarts: state.restarts,
      worker_state: state.phase
    }

    {:reply, status, state}
  end

  @impl true
  def terminate(_reason, %{port: nil} = state), do: forget_cookie(state)

  def terminate(_reason, %{port: port} = state) do
    forget_cookie(state)
    signal(state, "TERM")

    receive do
      {^port, {:exit_status, _code}} -> :ok
    after
      @stop_ms -> kill(state)
    end
  end

  defp heard(state, line) do
    case Command.line(line) do
      {:ready, _fields} ->
        Process.cancel_timer(state.start_timer)
        if state.subscriber, do: send(state.subscriber, {:worker_up, self(), state.options[:cookie]})
        # What was said of the start is no cause of an end that comes after it.
        forget_cookie(%{state | phase: :ready, said: [], ready_at: System.monotonic_time(:millisecond)})

      {:log, level, text} ->
        Logger.log(level, "#{state.options[:node]}: #{Command.sentence(text)}")
        remember(state, line)

      {:other, text} ->
        Logger.debug("#{state.options[:node]}: #{text}")
        remember(state, line)
    end
  end

  defp remember(state, line), do: %{state | said: Enum.take([line | state.said], @kept_lines)}

  defp ended(state, code) do
    Process.cancel_timer(state.start_timer)
    error = Command.exit_error(code, state.said, Keyword.put(state.options, :cause, state.cause))
    Logger.warning("GPU node #{error.message}")
    if state.subscriber, do: send(state.subscriber, {:worker_down, error})
    settled? = state.phase == :ready and System.monotonic_time(:millisecond) - state.ready_at >= @settled_ms
    failures = if settled?, do: 0, else: state.failures
    longest = if state.phase == :ready, do: @longest_ready_pause_ms, else: @longest_pause_ms
    Process.send_after(self(), :restart, min(pause(code, failures), longest))
    state = state |> stop_hang_timer() |> forget_cookie()
    %{state | port: nil, os_pid: nil, phase: :down, failures: failures + 1}
  end

  defp pause(code, failures) when code in @hopeless, do: tripled(@first_hopeless_pause_ms, failures)
  defp pause(_code, 0), do: 0
  defp pause(_code, failures), do: tripled(@first_pause_ms, failures - 1)

  defp tripled(ms, times), do: ms * Integer.pow(3, min(times, 8))

  defp start_expired(state) do
    text =
      "#{state.options[:node]} was not ready within #{state.options[:start_timeout]} ms"

    why = if reason = Command.reason(state.said), do: ": #{reason}", else: ""
    Error.new(:deadline, text <> why, state.options[:node])
  end

  defp stop_hang_timer(%{hang_timer: nil} = state), do: state

  defp stop_hang_timer(state) do
    Process.cancel_timer(state.hang_timer)
    %{state | hang_timer: nil}
  end

  defp kill(state), do: signal(state, "KILL")

  defp signal(%{os_pid: nil}, _name), do: :ok

  defp signal(%{os_pid: os_pid}, name) do
    System.cmd("/bin/sh", ["-c", "kill -#{name} #{os_pid}"], stderr_to_stdout: true)
    :ok
  end
end

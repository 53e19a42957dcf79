defmodule Nx.Vulkan.Node do
  @moduledoc """
  Runs functions that use a GPU, one at a time, each with a deadline that holds whatever the driver does.

      children = [{Nx.Vulkan.Node, []}]

      Nx.Vulkan.Node.with_node(fn -> Nx.to_number(Nx.sum(Nx.iota({1000}))) end)
      #=> 499500

  The function runs on this BEAM node, in a process of its own, with the caller's default backend; only its tensors and ops are on
  the GPU node. It has `config :nx_vulkan, node_timeout_ms: ms` (default `:infinity`), counted from the call; what is no such time is `:invalid_argument` of the call. When the time is
  over, its process is killed, and so is the process of a local GPU node, because that is the only sure way to get a device back
  from work that hangs: the caller gets `{:error, :node_timeout}`, the GPU node starts again with nothing on it, tensors from before are
  `:stale`, and the next call works. A GPU node on another host is only left alone: it frees what the killed process had.

  `with_node/1` inside such a function runs at once, in the same process.

  | call | returns |
  | --- | --- |
  | `start_link/1` | `{:ok, pid}`, or an error when no GPU node can be had |
  | `with_node/1,2` | the function's value, `{:error, :node_timeout}`, `{:error, :node_dead}` (nobody runs under that name) |
  | `status/0,1` | a map with `uptime_ms` and `exec_count` first |
  | `alive?/0,1` | a boolean |

  An exception, exit or throw in the function is the caller's.
  """

  use GenServer
  alias GpuNode.{Argument, Error, Options}
  alias Nx.Vulkan.{Config, Placement}
  alias Nx.Vulkan.Node.{Restart, Runner}

  @type name :: GenServer.name() | pid

  @options [
    name: [
      type: {:custom, "a name that a process can be registered under", &__MODULE__.name?/1},
      default: __MODULE__,
      doc: "under which it is called"
    ],
    node: [
      type: :atom,
      doc:
        "the GPU node that is freed when the time is over; default the one of `Nx.Vulkan.Backend`, which is started when there is none"
    ],
    load_pipeline_cache: [type: :any, default: true, doc: "taken and not read: the node keeps its cache itself"]
  ]

  @doc """
  Starts it. Options:

  #{Options.docs(@options)}
  """
  @spec start_link(keyword) :: GenServer.on_start() | {:error, Error.t()}
  def start_link(options \\ []) do
    with {:ok, options} <- Options.check(options, @options, "Nx.Vulkan.Node.start_link/1"),
         do: GenServer.start_link(__MODULE__, options, name: options[:name])
  end

  @doc false
  def name?(name) when is_atom(name), do: name not in [nil, true, false]
  def name?({:global, _name}), do: true
  def name?({:via, module, _name}), do: is_atom(module)
  def name?(_other), do: false

  @doc false
  def server?({name, node}), do: is_atom(name) and is_atom(node) and name not in [:global, :via] and node != nil
  def server?(name), do: is_pid(name) or name?(name)

  @server {:custom, "the name or the process of a Nx.Vulkan.Node", &__MODULE__.server?/1}

  @doc "Runs `fun` in a process of its own, after those that were called before. See the module."
  @spec with_node((-> result), name) :: result | {:error, :node_timeout | :node_dead} when result: term
  def with_node(fun, name \\ __MODULE__) do
    Argument.check!(fun, {:fun, 0}, "fun", "Nx.Vulkan.Node.with_node/2")
    Argument.check!(name, @server, "name", "Nx.Vulkan.Node.with_node/2")

    case GenServer.whereis(name) do
      nil -> {:error, :node_dead}
      server -> if Runner.inside?(server), do: fun.(), else: call(server, fun)
    end
  end

  defp call(server, fun) do
    # Here: the server, and who is linked to it, have no part in a setting that is wrong.
    timeout = Config.get!(:node_timeout_ms)

    case GenServer.call(server, {:exec, Runner.work(fun), timeout}, :infinity) do
      {:value, value} -> value
      {:raised, kind, reason, stacktrace} -> :erlang.raise(kind, reason, stacktrace)
      {:error, _} = error -> error
    end
  catch
    :exit, {_reason, {GenServer, :call, [^server, {:exec, _, _}, _]}} -> {:error, :node_dead}
  end

  @doc "Whether it runs."
  @spec alive?(name) :: boolean
  def alive?(name \\ __MODULE__) do
    Argument.check!(name, @server, "name", "Nx.Vulkan.Node.alive?/1")

    case GenServer.whereis(name) do
      pid when is_pid(pid) -> Process.alive?(pid)
      _ -> false
    end
  end

  @doc """
  `uptime_ms` (of this process, whatever happens to the GPU), `exec_count` (functions that returned), `timeouts`, `waiting`
  (functions behind the present one), `gpu_node`; and of the GPU node `state`, `incarnation`, `restarts` (local ones), `device`,
  `driver`, `software`; and, unless it does not answer, `queue_depth`, `memory` (bytes), `cache_hits` (kernels).
  `{:error, :node_dead}` when nobody runs under `name`.
  """
  @spec status(name) :: map | {:error, :node_dead}
  def status(name \\ __MODULE__) do
    Argument.check!(name, @server, "name", "Nx.Vulkan.Node.status/1")
    status = GenServer.call(name, :status)

    status
    |> Map.merge(known(GpuNode.status(status.gpu_node)))
    |> Map.merge(said(GpuNode.stats(status.gpu_node, timeout: 1000)))
  catch
    :exit, {_reason, {GenServer, :call, _}} -> {:error, :node_dead}
  end

  defp known({:ok, status}) do
    device = status.device || %{}

    status
    |> Map.take([:state, :incarnation, :restarts])
    |> Map.merge(%{device: device[:name], driver: device[:driver], software: device[:software]})
  end

  defp known({:error, _}), do: %{state: :down}

  defp said({:ok, %{queue: queue, memory: memory, counters: counters}}),
    do: %{queue_depth: queue.depth, memory: memory, cache_hits: counters.spirv_cache_hits}

  defp said({:error, _}), do: %{}

  ## The process. It never waits: functions run in others, and so does the restart.

  @impl true
  def init(options) do
    case gpu_node(options[:node]) do
      {:ok, gpu_node} ->
        {:ok,
         %{
           gpu_node: gpu_node,
           started: System.monotonic_time(:millisecond),
           exec_count: 0,
           timeouts: 0,
           # {from, runner's monitor, pid, timer}, or :restarting
           running: nil,
           waiting: :queue.new()
         }}

      {:error, %Error{} = error} ->
        {:stop, error}
    end
  end

  defp gpu_node(nil), do: with(:ok <- Nx.Vulkan.ensure_node(), do: gpu_node([]))
  defp gpu_node(name) when is_atom(name), do: gpu_node(node: name)

  defp gpu_node(options) do
    {:ok, options |> Placement.validate!() |> Placement.node!()}
  rescue
    error in Error -> {:error, error}
  end

  @impl true
  def handle_call({:exec, work, timeout}, {caller, _} = from, state) do
    timer = if timeout != :infinity, do: Process.send_after(self(), {:expired, from}, timeout)
    job = %{from: from, work: work, timer: timer, caller: Process.monitor(caller), pid: nil, monitor: nil}
    {:noreply, next(%{state | waiting: :queue.in(job, state.waiting)})}
  end

  def handle_call(:status, _from, state) do
    status = %{
      uptime_ms: System.monotonic_time(:millisecond) - state.started,
      exec_count: state.exec_count,
      timeouts: state.timeouts,
      waiting: :queue.len(state.waiting),
      gpu_node: state.gpu_node
    }

    {:reply, status, state}
  end

  @impl true
  def handle_info({:done, pid, outcome}, %{running: %{pid: pid} = job} = state) do
    returned = if match?({:value, _}, outcome), do: 1, else: 0
    {:noreply, next(finish(%{state | exec_count: state.exec_count + returned}, job, outcome))}
  end

  # Somebody killed the function's process; its outcome would have come before.
  def handle_info({:DOWN, monitor, _, _, reason}, %{running: %{monitor: monitor} = job} = state),
    do: {:noreply, next(finish(state, job, {:raised, :exit, reason, []}))}

  def handle_info({:expired, from}, %{running: %{from: from} = job} = state) do
    Process.exit(job.pid, :kill)
    state = finish(%{state | timeouts: state.timeouts + 1}, job, nil)
    {:noreply, %{state | running: {:restarting, Restart.start(state.gpu_node, from)}}}
  end

  def handle_info({:expired, from}, state) do
    {dropped, waiting} = split(state.waiting, &(&1.from == from))
    for job <- dropped, do: finish(state, job, {:error, :node_timeout})
    {:noreply, %{state | waiting: waiting, timeouts: state.timeouts + length(dropped)}}
  end

  def handle_info({:DOWN, monitor, _, _, _}, %{running: {:restarting, monitor}} = state),
    do: {:noreply, next(%{state | running: nil})}

  # Nobody waits for the result any more.
  def handle_info({:DOWN, monitor, _, _, _}, %{running: %{caller: monitor} = job} = state) do
    Process.exit(job.pid, :kill)
    {:noreply, next(finish(state, job, nil))}
  end

  def handle_info({:DOWN, monitor, _, _, _}, state) do
    {dropped, waiting} = split(state.waiting, &(&1.caller == monitor))
    for job <- dropped, do: finish(state, job, nil)
    {:noreply, %{state | waiting: waiting}}
  end

  # An outcome that came when its time was over.
  def handle_info(_other, state), do: {:noreply, state}

  defp next(%{running: nil} = state) do
    case :queue.out(state.waiting) do
      {{:value, job}, waiting} ->
        {pid, monitor} = Runner.start(job.work)
        %{state | running: %{job | pid: pid, monitor: monitor}, waiting: waiting}

      {:empty, _} ->
        state
    end
  end

  defp next(state), do: state

  # The caller is answered, unless somebody else does or nobody is there.
  defp finish(state, job, outcome) do
    if job.timer, do: Process.cancel_timer(job.timer)
    Process.demonitor(job.caller, [:flush])
    if job.monitor, do: Process.demonitor(job.monitor, [:flush])
    if outcome, do: GenServer.reply(job.from, outcome)
    if state.running == job, do: %{state | running: nil}, else: state
  end

  defp split(queue, chosen?) do
    {chosen, others} = queue |> :queue.to_list() |> Enum.split_with(chosen?)
    {chosen, :queue.from_list(others)}
  end
end

defmodule GpuNode.Session.Connector do
  @moduledoc false
  # Brings one connection up: control node, describe, open, bulk node. Runs in a short-lived process, because a peer that
  # accepts and stays silent holds whoever connects for seconds; answers that come too late go with it.

  alias GpuNode.{Distribution, Error, Protocol}

  @call_ms 5000

  @typedoc "`leaving`: processes that drop the connections of the last session; they must be through first."
  @type request :: %{node: node, cookie: (-> atom) | nil, options: map, leaving: [pid]}
  @type connected :: %{describe: map, open: map, bulk: node}

  @doc "Starts an attempt under `tasks`; its outcome comes as `{:gpu_node_connected, pid, result}`. Returns its process, monitored."
  @spec start(pid, request) :: {pid, reference}
  def start(tasks, request) do
    session = self()
    attempt = fn -> send(session, {:gpu_node_connected, self(), connect(session, request)}) end
    {:ok, pid} = Task.Supervisor.start_child(tasks, attempt)
    {pid, Process.monitor(pid)}
  end

  @spec connect(pid, request) :: {:ok, connected} | {:error, Error.t()}
  defp connect(session, %{node: node, cookie: cookie, options: options, leaving: leaving}) do
    Enum.each(leaving, &await_end/1)

    with :ok <- reach(node, cookie),
         {:ok, describe} <- node |> describe() |> Protocol.check_describe(node),
         bulk = Map.get(describe, :bulk_name, Protocol.bulk_node(node)),
         :ok <- reach(bulk, cookie),
         {:ok, open} <- node |> call(Protocol.open(session, options)) |> Protocol.reply(node) do
      {:ok, %{describe: describe, open: open, bulk: bulk}}
    end
  end

  defp await_end(pid) do
    monitor = Process.monitor(pid)
    receive(do: ({:DOWN, ^monitor, _, _, _} -> :ok))
  end

  @doc "Connects to `node` under its own cookie."
  @spec reach(node, (-> atom) | nil) :: :ok | {:error, Error.t()}
  def reach(node, cookie) do
    if cookie, do: Node.set_cookie(node, cookie.())
    Distribution.connect(node)
  end

  # Nobody is registered as a GPU node: either this one is not that far, or it is none, which answers what only a VM can.
  defp describe(node) do
    with {:error, {:node_down, _}} = error <- call(node, Protocol.describe()) do
      if Distribution.connected?(node) and vm?(node), do: {:error, Distribution.no_gpu_node(node)}, else: error
    end
  end

  defp vm?(node) do
    is_list(:erpc.call(node, :erlang, :system_info, [:otp_release], @call_ms))
  rescue
    _error -> false
  catch
    _kind, _reason -> false
  end

  defp call(node, request) do
    GenServer.call({Protocol.name(), node}, request, @call_ms)
  catch
    :exit, {:timeout, _} -> {:error, {:node_down, "the node did not answer within #{@call_ms} ms"}}
    :exit, {:noproc, _} -> {:error, {:node_down, "the node does not take calls yet"}}
    :exit, {_reason, _} -> {:error, {:node_down, "the connection to the node broke while it was asked"}}
  end
end

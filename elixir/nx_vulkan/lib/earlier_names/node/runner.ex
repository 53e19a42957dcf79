defmodule Nx.Vulkan.Node.Runner do
  @moduledoc false
  # The process in which a function of Nx.Vulkan.Node runs: it has what the caller's process has of Nx's settings, and tells the
  # server the outcome.

  @inside {__MODULE__, :server}

  @type work :: %{fun: (-> term), backend: term, defn: keyword, callers: [pid], logger: keyword}
  @type outcome :: {:value, term} | {:raised, :error | :exit | :throw, term, Exception.stacktrace()}

  @doc "`fun` with the settings of the present process."
  @spec work((-> term)) :: work
  def work(fun) do
    %{
      fun: fun,
      backend: Nx.default_backend(),
      defn: Nx.Defn.default_options(),
      callers: [self() | Process.get(:"$callers", [])],
      logger: Logger.metadata()
    }
  end

  @doc "Whether the present process runs a function of `server`."
  @spec inside?(pid | atom | {atom, node}) :: boolean
  def inside?(server), do: Process.get(@inside) == server

  @doc "Runs it; `{:done, pid, outcome}` comes to the calling process, which is the server. It ends with the server."
  @spec start(work) :: {pid, reference}
  def start(work) do
    server = self()
    spawn_monitor(fn -> send(server, {:done, self(), run(server, work)}) end)
  end

  defp run(server, work) do
    die_with(server)
    Process.put(@inside, server)
    Process.put(:"$callers", work.callers)
    Logger.metadata(work.logger)
    Nx.default_backend(work.backend)
    Nx.Defn.default_options(work.defn)
    {:value, work.fun.()}
  catch
    kind, reason -> {:raised, kind, reason, __STACKTRACE__}
  end

  # A link would end this process with a reason that the function could trap.
  defp die_with(server) do
    runner = self()

    spawn(fn ->
      one = Process.monitor(server)
      other = Process.monitor(runner)

      receive do
        {:DOWN, ^one, _, _, _} -> Process.exit(runner, :kill)
        {:DOWN, ^other, _, _, _} -> :ok
      end
    end)
  end
end

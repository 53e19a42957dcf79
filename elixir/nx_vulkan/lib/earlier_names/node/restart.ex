defmodule Nx.Vulkan.Node.Restart do
  @moduledoc false
  # Gets a device back from work that hangs: kills the OS process of a local GPU node, whose supervision starts it again. In a
  # process of its own, so that whoever asked for it goes on.

  require Logger

  # A kill is noticed within milliseconds, and a node is back within two seconds.
  @noticed_ms 1000
  @back_ms 5000

  @doc "Restarts `node` and answers `from` once it is killed. Returns a monitor of the process that does it, which ends when the node is back."
  @spec start(node, GenServer.from()) :: reference
  def start(node, from) do
    {_pid, monitor} =
      spawn_monitor(fn ->
        before = kill(node)
        GenServer.reply(from, {:error, :node_timeout})

        if before,
          do:
            await(@back_ms, fn ->
              match?({:ok, %{state: :up, incarnation: now}} when now > before, GpuNode.status(node))
            end)
      end)

    monitor
  end

  # The incarnation that was killed; nil for a node that is not this VM's to kill.
  defp kill(node) do
    case GpuNode.status(node) do
      {:ok, %{os_pid: os_pid, incarnation: incarnation}} when is_integer(os_pid) ->
        Logger.warning(
          "Nx.Vulkan.Node: the time of a function is over; GPU node #{node} (process #{os_pid}) is restarted"
        )

        System.cmd("/bin/sh", ["-c", "kill -KILL #{os_pid}"], stderr_to_stdout: true)

        await(@noticed_ms, fn ->
          not match?({:ok, %{state: :up, incarnation: ^incarnation}}, GpuNode.status(node))
        end)

        incarnation

      _ ->
        nil
    end
  end

  defp await(ms, _done?) when ms <= 0, do: :ok

  defp await(ms, done?) do
    unless done?.() do
      Process.sleep(5)
      await(ms - 5, done?)
    end
  end
end

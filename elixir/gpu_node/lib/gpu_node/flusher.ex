defmodule GpuNode.Flusher do
  @moduledoc false
  # Answers other VMs that were sent a handle sooner than the GPU node was sent the op that makes its tensor: once everything that
  # this VM issued before has been carried out. Each waits in a process of its own.

  use GenServer
  alias GpuNode.{Client, Error, Link, Protocol}

  @doc "The supervisor of those."
  @spec tasks() :: atom
  def tasks, do: __MODULE__.Tasks

  @spec start_link(term) :: GenServer.on_start()
  def start_link(_options), do: GenServer.start_link(__MODULE__, nil, name: __MODULE__)

  @doc "Has the VM `vm` send what its `session` with the GPU node `node` holds. `:ok`, or why it could not be done."
  @spec flush(node, node, pos_integer, Client.deadline()) :: :ok | String.t()
  def flush(vm, node, session, deadline) do
    GenServer.call({__MODULE__, vm}, {:flush, node, session, Client.left(deadline)}, Client.left(deadline))
  catch
    :exit, {:timeout, _} -> "it did not answer in time"
    :exit, {{:nodedown, _}, _} -> "it is not connected"
    :exit, {reason, _} -> inspect(reason, limit: 5)
  end

  @impl true
  def init(nil), do: {:ok, nil}

  @impl true
  def handle_call({:flush, node, session, timeout_ms}, from, state) do
    {:ok, _pid} =
      Task.Supervisor.start_child(tasks(), fn -> GenServer.reply(from, sync(node, session, timeout_ms)) end)

    {:noreply, state}
  end

  @impl true
  def handle_info(_late, state), do: {:noreply, state}

  defp sync(node, session, timeout_ms) do
    with {:ok, link} <- Link.fetch(node),
         {:ok, _timing} <- Client.request(link, session, Client.deadline(link, timeout: timeout_ms), Protocol.sync([])) do
      :ok
    else
      {:error, error} -> Error.message(error)
    end
  end
end

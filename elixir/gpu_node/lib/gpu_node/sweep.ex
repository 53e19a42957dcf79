defmodule GpuNode.Sweep do
  @moduledoc false
  # Finds collected handles where the finalizer NIF is missing. A handle is an atomics reference; the session's table holds
  # {id, external form}. Decoding that form gives the live reference while one exists in this VM, and afterwards one that
  # :atomics.get/2 refuses. Runs in a short-lived process, because its own decoded references must not survive it.

  @spec make_handle() :: :atomics.atomics_ref()
  def make_handle, do: :atomics.new(1, signed: false)

  @doc "True the first time: the tensor is to be freed now; false afterwards."
  @spec release_handle(:atomics.atomics_ref()) :: boolean
  def release_handle(handle), do: :atomics.exchange(handle, 1, 1) == 0

  @doc "Whether it was made here and its collection was not noticed yet."
  @spec handle?(reference) :: boolean
  def handle?(handle) do
    :atomics.get(handle, 1) >= 0
  rescue
    ArgumentError -> false
  end

  @spec external(:atomics.atomics_ref()) :: binary
  def external(handle), do: :erlang.term_to_binary(handle)

  @doc """
  Sends `{:gpu_node_swept, ids}` to the calling process with the ids in `table` whose handles are gone, from a process under `tasks`, which
  then calls `and_then`.
  """
  @spec start(Supervisor.supervisor(), :ets.table(), (-> term)) :: pid
  def start(tasks, table, and_then \\ fn -> :ok end) do
    owner = self()

    {:ok, pid} =
      Task.Supervisor.start_child(tasks, fn ->
        send(owner, {:gpu_node_swept, :ets.foldl(&collect/2, [], table)})
        and_then.()
      end)

    pid
  end

  defp collect({id, external}, dead) do
    if handle?(:erlang.binary_to_term(external)), do: dead, else: [id | dead]
  end
end

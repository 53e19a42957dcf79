defmodule GpuNode.Finalizer do
  @moduledoc """
  Handles whose collection tells the session process to free a tensor.

  With the NIF (`gpu_node_finalizer`, no GPU code in it) the handle is a resource: when it is collected, its id comes into the
  session's queue, and the session, which gets `:gpu_node_collected` when the queue was empty, takes them all. Without the NIF the
  handle is a fresh atomics reference, and the session keeps only its external form: a sweep finds out that the last reference is
  gone (see `GpuNode.Sweep`). `mode/0` says which.
  """

  @on_load :load

  @type handle :: reference

  @doc false
  def load do
    # Never fails: without the library the sweep does the work, and status/1 says so.
    Enum.find(libraries(), fn path -> :erlang.load_nif(String.to_charlist(path), 0) == :ok end)
    :ok
  end

  defp libraries do
    priv =
      case :code.priv_dir(:gpu_node) do
        {:error, _} -> Path.expand("../../priv", Path.dirname(to_string(:code.which(__MODULE__))))
        path -> to_string(path)
      end

    [System.get_env("GPU_NODE_BUILD_DIR"), priv]
    |> Enum.reject(&is_nil/1)
    |> Enum.map(&Path.join(&1, "gpu_node_finalizer"))
    |> Enum.filter(&File.regular?(&1 <> ".so"))
  end

  @doc "`:nif`, or `:sweep` where the library is missing."
  @spec mode() :: :nif | :sweep
  def mode do
    take(make_queue(self()))
    :nif
  rescue
    ErlangError -> :sweep
  end

  @doc "A queue of collected ids for the process `receiver`."
  @spec make_queue(pid) :: reference
  def make_queue(_receiver), do: :erlang.nif_error(:not_loaded)

  @doc "Empties the queue."
  @spec take(reference) :: [non_neg_integer]
  def take(_queue), do: :erlang.nif_error(:not_loaded)

  @doc "A handle whose collection puts `id` into `queue`."
  @spec make_handle(reference, non_neg_integer) :: handle
  def make_handle(_queue, _id), do: :erlang.nif_error(:not_loaded)

  @doc "Whether `term` is a handle that lives here. What was another VM's, or came back after it was collected, is a plain reference."
  @spec handle?(term) :: boolean
  def handle?(_term), do: :erlang.nif_error(:not_loaded)

  @doc "True the first time: nothing will come of its collection any more; false afterwards."
  @spec release_handle(handle) :: boolean
  def release_handle(_handle), do: :erlang.nif_error(:not_loaded)
end

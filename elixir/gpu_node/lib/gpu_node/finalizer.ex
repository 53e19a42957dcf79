defmodule GpuNode.Finalizer do
  @moduledoc """
  Handles whose collection tells the session process to free a tensor.

  With the NIF (`gpu_node_finalizer`, no GPU code in it) the handle is a resource whose destructor sends
  `{:gpu_node_free, id}`. Without it the handle is a fresh atomics reference, and the session keeps only its external form:
  a sweep finds out that the last reference is gone (see `GpuNode.Sweep`). `mode/0` says which.
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
    release_handle(make_handle(self(), 0))
    :nif
  rescue
    ErlangError -> :sweep
  end

  @doc false
  @spec make_handle(pid, non_neg_integer) :: handle
  def make_handle(_receiver, _id), do: :erlang.nif_error(:not_loaded)

  @doc false
  @spec release_handle(handle) :: boolean
  def release_handle(_handle), do: :erlang.nif_error(:not_loaded)
end

defmodule Nx.Vulkan.Buffer do
  @moduledoc """
  A buffer that can be written, as `Nx.Vulkan.NativeV` hands it out: so many bytes on a GPU node. Tensors do not change, so a buffer
  is a place that holds one tensor after another; `tensor/1` is the one it holds now.

  It is valid on the BEAM node that made it, for every process there. When no process has it any more, its tensor is let go, within
  a second or two.
  """

  use GenServer
  alias GpuNode.Sweep
  alias Nx.Tensor, as: T

  @enforce_keys [:id, :bytes, :ref]
  defstruct @enforce_keys

  @type t :: %__MODULE__{id: integer, bytes: pos_integer, ref: :atomics.atomics_ref()}

  @sweep_ms 1000
  @contents __MODULE__
  @weak __MODULE__.Weak

  @doc "A buffer that holds `tensor`."
  @spec new(T.t()) :: t
  def new(%T{} = tensor) do
    # Whoever has the struct has the reference; the table has its external form, which keeps nothing alive.
    buffer = %__MODULE__{id: :erlang.unique_integer(), bytes: Nx.byte_size(tensor), ref: Sweep.make_handle()}
    :ets.insert(@contents, {buffer.id, tensor})
    :ets.insert(@weak, {buffer.id, Sweep.external(buffer.ref)})
    buffer
  end

  @doc "The tensor in the buffer, flat."
  @spec tensor(t) :: T.t()
  def tensor(%__MODULE__{id: id, ref: ref}) do
    [{^id, tensor}] = :ets.lookup(@contents, id)
    _in_use = :atomics.get(ref, 1)
    tensor
  end

  @doc "Replaces what is in the buffer, or refuses a tensor of another size."
  @spec put(t, T.t()) :: :ok | {:error, :size_mismatch}
  def put(%__MODULE__{id: id, bytes: bytes, ref: ref}, tensor) do
    if Nx.byte_size(tensor) == bytes do
      :ets.insert(@contents, {id, Nx.flatten(tensor)})
      _in_use = :atomics.get(ref, 1)
      :ok
    else
      {:error, :size_mismatch}
    end
  end

  @doc false
  @spec count() :: non_neg_integer
  def count, do: :ets.info(@contents, :size)

  @doc false
  def start_link(_options), do: GenServer.start_link(__MODULE__, nil, name: __MODULE__)

  @impl true
  def init(_) do
    options = [:named_table, :public, write_concurrency: true, read_concurrency: true]
    :ets.new(@contents, options)
    :ets.new(@weak, options)
    {:ok, nil, @sweep_ms}
  end

  @impl true
  def handle_info(:timeout, state) do
    if :ets.info(@weak, :size) == 0 do
      {:noreply, state, @sweep_ms}
    else
      Process.monitor(Sweep.start(Nx.Vulkan.Tasks, @weak))
      {:noreply, state}
    end
  end

  def handle_info({:gpu_node_swept, ids}, state) do
    for id <- ids, table <- [@contents, @weak], do: :ets.delete(table, id)
    {:noreply, state, @sweep_ms}
  end

  # The end of the sweep's process; nothing comes of it but the next sweep, which must not be put off for ever by one that failed.
  def handle_info({:DOWN, _, :process, _, _}, state), do: {:noreply, state, @sweep_ms}
  def handle_info(_other, state), do: {:noreply, state, @sweep_ms}

  defimpl Inspect do
    def inspect(buffer, _options), do: "#Nx.Vulkan.Buffer<#{buffer.bytes} bytes>"
  end
end

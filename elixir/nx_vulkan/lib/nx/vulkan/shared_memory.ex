defmodule Nx.Vulkan.SharedMemory do
  @moduledoc false
  # Pointers to tensors (Nx.to_pointer/2, Nx.from_pointer/5) as files in the shared memory of the host, which any process there
  # can map by name. A pointer is a copy of the tensor at that moment: the tensor itself lies in another process, or on another host.
  #
  # The process removes a file when the process that asked for the pointer has died, and all of them when the application stops.

  use GenServer
  alias Nx.Vulkan.Eager

  @folder "/dev/shm"
  # As Nx.to_pointer/2 names them.
  @options [
    mode: [type: {:in, [:local, :ipc]}, default: :local],
    permissions: [type: {:integer, 0, 0o777}, default: 0o400]
  ]

  def start_link(_options), do: GenServer.start_link(__MODULE__, nil, name: __MODULE__)

  @spec to_pointer(Nx.Tensor.t(), keyword) :: Nx.Pointer.t()
  def to_pointer(tensor, options) do
    options = Nx.Vulkan.Config.nx_options!(options, @options, "Nx.to_pointer/2")

    case options[:mode] do
      :ipc ->
        :ok = available!()
        bits = tensor |> Eager.to_bits(:infinity) |> GpuNode.Element.unpack(tensor.type)
        name = "gpu_node_" <> Base.url_encode64(:crypto.strong_rand_bytes(12))
        path = Path.join(@folder, name)
        File.write!(path, bits, [:exclusive])
        File.chmod!(path, options[:permissions])
        :ok = GenServer.call(__MODULE__, {:own, path})
        %Nx.Pointer{kind: :ipc, handle: name, data_size: byte_size(bits)}

      :local ->
        raise ArgumentError,
              "a tensor of Nx.Vulkan.Backend lies in another process, so it has no address here: use Nx.to_pointer(tensor, mode: :ipc)"
    end
  end

  @spec from_pointer(Nx.Pointer.t(), Nx.Tensor.t(), node) :: Nx.Tensor.t()
  def from_pointer(%Nx.Pointer{kind: :ipc, handle: handle}, out, node) when is_binary(handle) do
    :ok = available!()

    if Path.basename(handle) != handle,
      do: raise(ArgumentError, "#{inspect(handle)} is not the name of a shared memory object")

    case File.read(Path.join(@folder, handle)) do
      {:ok, bytes} ->
        Eager.from_bits(out, GpuNode.Element.pack(bytes, out.type), node)

      {:error, reason} ->
        raise ArgumentError, "shared memory #{inspect(handle)} cannot be read: #{:file.format_error(reason)}"
    end
  end

  def from_pointer(%Nx.Pointer{kind: kind}, _out, _node) do
    raise ArgumentError,
          "Nx.Vulkan.Backend takes pointers of kind :ipc with a name in #{@folder}, got one of kind #{inspect(kind)}: its node is another process"
  end

  defp available! do
    if File.dir?(@folder),
      do: :ok,
      else: raise(ArgumentError, "there is no #{@folder} on this platform, so tensors cannot be shared by pointer")
  end

  @impl true
  def init(_) do
    Process.flag(:trap_exit, true)
    {:ok, %{}}
  end

  @impl true
  def handle_call({:own, path}, {pid, _}, paths), do: {:reply, :ok, Map.put(paths, Process.monitor(pid), path)}

  @impl true
  def handle_info({:DOWN, monitor, _, _, _}, paths) do
    {path, paths} = Map.pop(paths, monitor)
    if path, do: File.rm(path)
    {:noreply, paths}
  end

  def handle_info(_other, paths), do: {:noreply, paths}

  @impl true
  def terminate(_reason, paths), do: paths |> Map.values() |> Enum.each(&File.rm/1)
end

defmodule Nx.Vulkan do
  @moduledoc """
  Nx on any GPU that has a Vulkan driver, in a node of its own.

      config :nx_vulkan, nodes: [[name: :gpu0]]
      config :nx, default_backend: Nx.Vulkan.Backend, default_defn_options: [compiler: Nx.Vulkan]

  See `Nx.Vulkan.Backend` for tensors, `Nx.Vulkan.Compiler` for functions of `Nx.Defn`, `GpuNode` for nodes and what they do when a driver fails.

  Code of earlier versions, which calls tensors by `{:ok, tensor}`, op codes, buffers and files of shaders, goes on: see
  `Nx.Vulkan.EarlierNames`.
  """

  import Kernel, except: [abs: 1, byte_size: 1, ceil: 1, floor: 1, max: 2, min: 2]
  alias GpuNode.Error
  alias Nx.Vulkan.{EarlierNames, Fallback, Placement}

  ## The node

  @doc false
  @spec ensure_node() :: :ok | {:error, Error.t()}
  def ensure_node do
    {:ok, _} = Application.ensure_all_started(:nx_vulkan)
    unless Placement.configured() != [] or GpuNode.nodes() != [], do: start_default()
    with {:ok, _node, _capabilities} <- Placement.device(), do: :ok
  catch
    {:not_started, error} -> {:error, error}
  end

  @doc false
  # The node of new tensors, for GpuNode.Shader.
  @spec default_node() :: {:ok, node} | {:error, Error.t()}
  def default_node do
    with :ok <- ensure_node(),
         {:ok, node, _capabilities} <- Placement.device(),
         do: {:ok, node}
  end

  defp start_default do
    case DynamicSupervisor.start_child(Nx.Vulkan.Nodes, {GpuNode, name: :gpu0}) do
      {:error, %Error{} = error} -> throw({:not_started, error})
      # Started, or another process was faster.
      _ -> :ok
    end
  end

  @doc "The device of the node that new tensors are made on: `name`, `driver`, `api`, `software`, `memory_bytes`, `unified_memory`, `node`."
  @spec device() :: {:ok, map} | {:error, Error.t()}
  def device do
    with {:ok, node, %{device: device}} <- Placement.device(), do: {:ok, Map.put(device, :node, node)}
  end

  @doc "How often each op was computed on the host since the start or the last `reset_fallbacks/0`. See `Nx.Vulkan.Fallback`."
  @spec fallbacks() :: %{atom => pos_integer}
  def fallbacks, do: Fallback.counts()

  @spec reset_fallbacks() :: :ok
  def reset_fallbacks, do: Fallback.reset()

  @doc "How many constants were made so far that stayed numbers and cost the node nothing (see `Nx.Vulkan.Backend`)."
  @spec folded_constants() :: non_neg_integer
  def folded_constants, do: Nx.Vulkan.Constants.count()

  @doc """
  What lives on the nodes that are started or attached here: for each, bytes (`live_bytes`, `pooled_bytes`, `peak_bytes`,
  `limit_bytes`) and `owners`, the sessions of every BEAM node with their `tensors` and `bytes`. A node that does not answer has
  its `GpuNode.Error` instead.
  """
  @spec memory() :: %{atom => map | GpuNode.Error.t()}
  def memory do
    Map.new(GpuNode.nodes(), fn name ->
      case GpuNode.stats(name) do
        {:ok, stats} -> {name, Map.put(stats.memory, :owners, stats.sessions)}
        {:error, error} -> {name, error}
      end
    end)
  end

  @doc """
  A tensor of `GpuNode`, such as the draws of `GpuNode.Chain.sample/3`, as a tensor of Nx. Nothing is copied: both are names of one storage,
  which lives as long as either. `Nx.backend_deallocate/1` of the one leaves the other, and so does `GpuNode.Tensor.free/1`.
  """
  @spec from_handle(GpuNode.Tensor.t()) :: Nx.Tensor.t()
  def from_handle(handle) do
    GpuNode.Argument.check!(handle, {:struct, GpuNode.Tensor}, "handle", "Nx.Vulkan.from_handle/1")
    # A view, which has a name of its own and costs a message.
    own = GpuNode.Ops.reshape(handle, shape: handle.shape)
    backend = %Nx.Vulkan.Backend{node: own.node, value: own}
    %{Nx.template(handle.shape, handle.type) | data: backend}
  end

  @doc false
  # As from_handle/1 where new tensors of this process are made on its node, else nil: for GpuNode.Chain.Samples.to_nx/1.
  @spec shared(GpuNode.Tensor.t()) :: Nx.Tensor.t() | nil
  def shared(%GpuNode.Tensor{node: node} = handle) do
    with {Nx.Vulkan.Backend, _options} <- Nx.default_backend(),
         {:ok, ^node, _capabilities} <- Placement.device() do
      from_handle(handle)
    else
      _ -> nil
    end
  end

  @doc """
  The tensor of `GpuNode` behind a tensor of Nx. A constant is made on its node first; a tensor of `Nx.BinaryBackend` on the node that new tensors
  are made on. Vectorized axes become leading ones. Where the tensor is on a node it is its own handle: to free it is to deallocate the tensor.
  """
  @spec to_handle(Nx.Tensor.t()) :: GpuNode.Tensor.t()
  def to_handle(%Nx.Tensor{data: %Nx.Vulkan.Backend{node: node}} = tensor), do: Nx.Vulkan.Eager.tensor(tensor, node)
  def to_handle(%Nx.Tensor{} = tensor), do: Nx.Vulkan.Eager.tensor(tensor, Placement.node!([]))

  def to_handle(other),
    do: Error.raise!(GpuNode.Argument.error(other, {:struct, Nx.Tensor}, "tensor", "Nx.Vulkan.to_handle/1"))

  ## The compiler

  @behaviour Nx.Defn.Compiler

  for {name, arity} <- [__jit__: 5, __compile__: 4, __partitions_options__: 1, __to_backend__: 1, __shard_jit__: 6] do
    arguments = Macro.generate_arguments(arity, __MODULE__)
    @impl Nx.Defn.Compiler
    defdelegate unquote(name)(unquote_splicing(arguments)), to: Nx.Vulkan.Compiler
  end

  @explain [node: Nx.Vulkan.Compiler.options()[:node], fuse: Nx.Vulkan.Compiler.options()[:fuse]] ++
             [
               glsl: [
                 type: :boolean,
                 default: false,
                 doc: "whether it has the kernels' texts: `Nx.Vulkan.Explanation.glsl/1`"
               ],
               hooks: [type: :any, doc: "a map of functions by the names of hooks, as Nx has it"]
             ]

  @doc """
  What the function comes to for `args`, tensors or templates: the programs of the node, what each carries out, in which order and from which
  ops, why neighbours are not one kernel, dispatches, and the bytes that are moved beside those that must be. Nothing is run.

      softmax = fn x -> Nx.divide(Nx.exp(x), Nx.sum(Nx.exp(x))) end
      explanation = Nx.Vulkan.explain(softmax, [Nx.template({1000}, :f32)])
      IO.puts(explanation)
      Nx.Vulkan.Explanation.to_mermaid(explanation)

  Options:

  #{GpuNode.Options.docs(@explain)}

  Raises `GpuNode.Error` where the node lacks an op, `:unsupported`.
  """
  @spec explain(fun, [term], keyword) :: Nx.Vulkan.Explanation.t()
  def explain(fun, args, options \\ []) do
    options = GpuNode.Options.check!(options, @explain, "Nx.Vulkan.explain/3")
    GpuNode.Argument.check!(args, {:list, :any}, "args", "Nx.Vulkan.explain/3")

    GpuNode.Argument.check!(fun, {:fun, length(args)}, "fun", "Nx.Vulkan.explain/3")
    Nx.Defn.jit_apply(fun, args, [compiler: Nx.Vulkan.Compiler.Explain] ++ options)
  end

  ## What earlier versions had here

  @type tensor :: EarlierNames.tensor()
  @type result :: EarlierNames.result()

  for {name, arity} <- EarlierNames.__info__(:functions) do
    arguments = Macro.generate_arguments(arity, __MODULE__)
    defdelegate unquote(name)(unquote_splicing(arguments)), to: EarlierNames
  end
end

defmodule Nx.Vulkan.Backend do
  @moduledoc """
  Nx tensors on a GPU node.

      Nx.global_default_backend(Nx.Vulkan.Backend)
      Nx.global_default_backend({Nx.Vulkan.Backend, node: :"gpu0@host"})

  Options:

  #{GpuNode.Options.docs(Nx.Vulkan.Placement.options())}

  Ops are sent and not waited for; only reading a tensor waits. What went wrong on the node is raised as `GpuNode.Error` by the
  first read of a result, with op, shapes and types.

  An op takes tensors of one node. Tensors of `Nx.BinaryBackend` among its operands are brought there; tensors of another node or
  another backend are an error that names both, and `Nx.backend_transfer/2` brings them. Which backend an op goes to is Nx's
  choice: for some (`gather`, `put_slice`) it looks at the first operands only, and one of `Nx.BinaryBackend` there keeps the op
  from coming here.

  Constants of any shape stay numbers until an op wants a tensor, and are folded into the ops that broadcast:
  `Nx.Vulkan.folded_constants/0` counts them, `config :nx_vulkan, fold_constants: false` makes a tensor of each.

  Everything else lives on the node, however small. An op costs its caller 2 to 4 µs and a GPU about as much (measured: 2.4 µs on an NVIDIA
  H200), where `Nx.BinaryBackend` takes 1 µs for a scalar and 70 µs for 1,000 elements; a software driver takes 60 µs an op, a read 0.15 ms or more. Small
  tensors are not kept on the host all the same: a value must not depend on where it was computed, and BinaryBackend rounds `bf16`
  differently and raises where IEEE 754 has an infinity or NaN. Work of very many tiny ops belongs into one program (`Nx.Defn`).

  What the node has no op for is computed on the host and counted: see `Nx.Vulkan.Fallback`.

  `inspect/1` names node and device; `config :nx_vulkan, add_backend_on_inspect: false` hides that.
  """

  @behaviour Nx.Backend

  alias Nx.Tensor, as: T
  alias Nx.Vulkan.{Callbacks, Config, Eager, Placement, SharedMemory}

  @enforce_keys [:node, :value]
  defstruct @enforce_keys

  @typedoc "A tensor of a node, or what stands for one while a function is compiled."
  @type handle :: GpuNode.Tensor.t() | Nx.Vulkan.Compiler.Recorder.Value.t()
  @typedoc "A handle, or a constant that nothing was made for."
  @type value :: handle | {:literal, GpuNode.Element.value()}
  @type t :: %__MODULE__{node: node, value: value}

  @impl true
  def init(options), do: Placement.validate!(options)

  ## Creation

  @impl true
  def constant(out, number, options), do: Eager.constant(out, number, Placement.node!(options))

  @impl true
  def from_binary(out, binary, options) when is_bitstring(binary),
    do: Eager.from_bits(out, binary, Placement.node!(options))

  def from_binary(out, iodata, options), do: from_binary(out, :erlang.list_to_bitstring(iodata), options)

  @impl true
  def iota(out, axis, options),
    do: Eager.create(:iota, out, %{axis: axis}, [axis, []], Placement.node!(options))

  @impl true
  def eye(out, options), do: Eager.create(:eye, out, %{}, [[]], Placement.node!(options))

  ## Reading

  @impl true
  def to_binary(tensor, limit), do: Eager.to_bits(tensor, limit)

  @impl true
  def inspect(tensor, inspect_opts) do
    limit = if inspect_opts.limit == :infinity, do: :infinity, else: inspect_opts.limit + 1
    bits = Eager.to_bits(tensor, limit)

    # The tensor as it is seen, vectorized axes in front; the limit counts them too.
    tensor
    |> Eager.devectorized()
    |> Nx.Backend.inspect(bits, inspect_opts)
    |> sign(tensor, inspect_opts)
  rescue
    # One line, where an exception would be printed with a stack for each level of what it is part of.
    error in GpuNode.Error -> "#{Kernel.inspect(__MODULE__)}: #{error.message}"
  end

  defp sign(document, %T{data: %{node: node}}, inspect_opts) do
    if Config.get!(:add_backend_on_inspect) do
      import Inspect.Algebra
      device = with {:ok, %{device: %{name: name}}} <- GpuNode.Capabilities.fetch(node), do: name
      text = "#{Kernel.inspect(__MODULE__)}<#{node}, #{device}>"
      concat([color(text, :atom, inspect_opts), line(), document])
    else
      document
    end
  end

  ## Moving between backends

  @impl true
  def backend_copy(tensor, backend, options), do: move(tensor, backend, options, fn _ -> :ok end)

  @impl true
  def backend_transfer(tensor, backend, options), do: move(tensor, backend, options, &backend_deallocate/1)

  # Nx.Tensor stands for "wherever the default is"; a literal lies nowhere.
  defp move(tensor, Nx.Tensor, _options, _after), do: tensor

  defp move(%T{data: %{node: node}} = tensor, __MODULE__, options, done) do
    target = if options[:node], do: Placement.node!(options), else: node

    case tensor.data.value do
      {:literal, _} = literal -> Eager.ours(tensor, target, literal)
      handle when target == node -> Eager.ours(tensor, node, own(tensor, handle))
      _handle -> from_bits(tensor, target, done)
    end
  end

  defp move(tensor, backend, options, done) do
    moved = tensor |> Eager.devectorized() |> backend.from_binary(Eager.to_bits(tensor, :infinity), options)
    done.(tensor)
    %{tensor | data: moved.data}
  end

  # What another VM made becomes this VM's too, without its data moving.
  defp own(%T{data: %{node: node}} = tensor, handle) do
    Eager.capabilities!(node, [tensor])
    GpuNode.Tensor.attach!(handle)
  end

  defp from_bits(tensor, node, done) do
    moved = tensor |> Eager.devectorized() |> Eager.from_bits(Eager.to_bits(tensor, :infinity), node)
    done.(tensor)
    %{tensor | data: moved.data}
  end

  @impl true
  def backend_deallocate(%T{data: %{value: {:literal, _}}}), do: :ok

  def backend_deallocate(%T{data: %{value: handle}}) do
    with :already <- GpuNode.Tensor.free(handle), do: :already_deallocated
  end

  @impl true
  def to_pointer(tensor, options), do: SharedMemory.to_pointer(tensor, options)

  @impl true
  def from_pointer(pointer, type, shape, backend_options, options) do
    node = backend_options |> Placement.validate!() |> Placement.node!()
    SharedMemory.from_pointer(pointer, Nx.template(shape, type, names: options[:names]), node)
  end

  @impl true
  def to_batched(out, tensor, options), do: Nx.Vulkan.Batches.stream(out, tensor, options[:leftover])

  ## Ops of the table

  for {name, arguments, operands, attributes} <- Callbacks.rows() do
    variables = Map.new(arguments, &{&1, Macro.var(&1, __MODULE__)})
    parameters = Enum.map(arguments, &variables[&1])
    numbers = Macro.var(:start_numbers, __MODULE__)
    indices = Macro.var(:start_indices, __MODULE__)
    starts = for {_key, {:starts, argument}} <- attributes, do: variables[argument]

    pairs =
      Enum.map(attributes, fn
        {key, {:starts, _argument}} ->
          {key, numbers}

        {key, {:dimensions, argument}} ->
          {key, quote(do: Tuple.to_list(unquote(variables[argument])))}

        {key, {list, option, default}} ->
          {key, quote(do: unquote(variables[list])[unquote(option)] || unquote(default))}

        {key, {list, option}} ->
          {key, quote(do: unquote(variables[list])[unquote(option)])}

        {key, argument} ->
          {key, variables[argument]}
      end)

    tensors =
      case Enum.map(operands, &variables[&1]) do
        [list] when hd(operands) == :tensors -> list
        tensors -> tensors
      end

    @impl true
    if starts == [] do
      def unquote(name)(out, unquote_splicing(parameters)),
        do: Eager.run(unquote(name), out, unquote(tensors), %{unquote_splicing(pairs)}, unquote(parameters))
    else
      def unquote(name)(out, unquote_splicing(parameters)) do
        {unquote(numbers), unquote(indices)} = Eager.starts(unquote(hd(starts)))
        operands = unquote(tensors) ++ unquote(indices)
        Eager.run(unquote(name), out, operands, %{unquote_splicing(pairs)}, unquote(parameters))
      end
    end
  end

  # Complex numbers on the real line have an angle; NaN is that of others, for which Nx.BinaryBackend raises.
  defoverridable atan2: 3
  @impl true
  def atan2(%T{type: {:c, _}} = out, left, right) do
    real? = Nx.logical_and(Nx.equal(Nx.imag(left), 0), Nx.equal(Nx.imag(right), 0))
    angle = Nx.atan2(Nx.real(left), Nx.real(right))
    %{out | data: real? |> Nx.select(angle, Nx.Constants.nan(angle.type)) |> Nx.as_type(out.type) |> Map.fetch!(:data)}
  end

  def atan2(out, left, right), do: super(out, left, right)

  ## Ops with a function of the caller's

  # The function becomes steps of the node; what cannot is called for every element, here.
  @impl true
  def reduce(out, tensor, acc, options, fun) do
    attributes = %{axes: options[:axes], keep_axes: options[:keep_axes] || false}
    Eager.with_function(:reduce, out, [tensor, acc], attributes, [tensor, acc, options, fun])
  end

  @impl true
  def window_reduce(out, tensor, acc, shape, options, fun) do
    attributes = Map.merge(Map.new(options), %{window: Tuple.to_list(shape)})
    Eager.with_function(:window_reduce, out, [tensor, acc], attributes, [tensor, acc, shape, options, fun])
  end

  ## Blocks

  @impl true
  def block(struct, output, arguments, fun), do: Eager.block(struct, output, arguments, &apply(fun, [struct | &1]))
end

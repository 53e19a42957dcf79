defmodule Nx.Vulkan.Eager do
  @moduledoc false
  # From Nx tensors to the node's and back, one op at a time.
  #
  # The data of a tensor is %Nx.Vulkan.Backend{node, value}. The value is a handle, or {:literal, number}: a constant of any shape
  # that nothing had to be made for. It is folded into the ops that broadcast, and becomes a tensor where another op wants one.

  alias GpuNode.{Capabilities, Element, Error, Op, Ops, Protocol, Type}
  alias Nx.Tensor, as: T
  alias Nx.Vulkan.Compiler.Recorder
  alias Nx.Vulkan.{Backend, Callbacks, Constants, Fallback, Lacking, Placement, Steps}

  @type operands :: [T.t() | [T.t()]]

  @doc "Computes `op` on the node of its operands, or on the host where the node has no such op for these types."
  @spec run(atom, T.t(), [T.t()], map, [term]) :: T.t()
  def run(op, out, [%T{data: %Backend{value: {:literal, _}} = constant}], _attributes, _arguments)
      when op in [:reshape, :squeeze, :broadcast, :transpose],
      do: %{out | data: constant}

  def run(op, out, operands, attributes, arguments) do
    node = node_of!(op, operands, arguments)
    capabilities = capabilities!(node, operands)

    case Lacking.reason(capabilities, op, [out | operands]) do
      nil -> [out] |> issue(op, node, operands, attributes) |> hd()
      reason -> Fallback.run(op, out, arguments, node, reason)
    end
  end

  @doc "Issues `op`, which the node has, for the templates `outs`."
  @spec issue([T.t()], atom, node, [T.t()], map) :: [T.t()]
  def issue([out | rest] = outs, op, node, operands, attributes) do
    operands = operands(op, out, operands, node)
    type = holding(op, out.type, operands)
    results = [{type, out.shape} | Enum.map(rest, &{&1.type, &1.shape})]
    [first | others] = send_op(op, node, operands, results, attributes)
    first = if type == out.type, do: first, else: narrowed(first, out, node)
    Enum.zip_with(outs, [first | others], &ours(&1, node, &2))
  end

  # Where a function is compiled it is noted, else sent.
  defp send_op(op, node, operands, results, attributes) do
    if Recorder.active?(),
      do: Recorder.op(op, operands, results, attributes),
      else: node |> Ops.issue(op, operands, results, attributes) |> Error.unwrap!()
  end

  @doc "A constant of any shape: nothing is made until an op wants a tensor."
  @spec constant(T.t(), number | Complex.t() | atom, node) :: T.t()
  # As BinaryBackend rounds it, so that the number is one of the type.
  def constant(out, number, node) when is_number(number) or is_struct(number, Complex) do
    scalar = Nx.BinaryBackend.constant(%{out | shape: {}, names: []}, number, [])
    literal(out, scalar |> bits() |> number(out.type) || plain(number), node)
  end

  def constant(out, special, node), do: literal(out, special, node)

  # A part is NaN.
  defp plain(%Complex{re: re, im: im}), do: {re, im}
  defp plain(number), do: number

  defp literal(out, number, node) do
    literal = ours(out, node, {:literal, number})
    if Constants.folded?(), do: literal, else: ours(out, node, tensor(literal, node))
  end

  @doc "Makes what no operand comes into: `iota`, `eye`."
  @spec create(atom, T.t(), map, [term], node) :: T.t()
  def create(op, out, attributes, arguments, node) do
    capabilities = capabilities!(node, [])

    case Lacking.reason(capabilities, op, [out]) do
      nil -> [out] |> issue(op, node, [], attributes) |> hd()
      reason -> Fallback.run(op, out, arguments, node, reason)
    end
  end

  @doc """
  What `node` can do. A node that this VM does not know yet is attached: a tensor of it among `tensors` came from a VM that does.
  """
  @spec capabilities!(node, [T.t()]) :: Capabilities.t()
  def capabilities!(node, tensors) do
    case Capabilities.fetch(node) do
      {:error, %{code: :not_found}} ->
        maker = Enum.find_value(tensors, node(), &maker/1)
        Placement.reach!(node, maker)
        Error.unwrap!(Capabilities.fetch(node))

      result ->
        Error.unwrap!(result)
    end
  end

  defp maker(%T{data: %Backend{value: %GpuNode.Tensor{ref: ref}}}), do: node(ref)
  defp maker(_tensor), do: nil

  @doc "Reduces with the function that is the last of `arguments`: on the node where it has all that the function does."
  @spec with_function(atom, T.t(), [T.t()], map, [term]) :: T.t()
  def with_function(op, out, operands, attributes, arguments) do
    node = node_of!(op, operands)
    capabilities = capabilities!(node, operands)

    with nil <- Lacking.reason(capabilities, op, [out | operands]),
         {:ok, steps} <- Steps.of(List.last(arguments), out.type, capabilities) do
      [out] |> issue(op, node, operands, Map.put(attributes, :function, steps)) |> hd()
    else
      lacking -> Fallback.run(op, out, arguments, node, with({:error, reason} <- lacking, do: reason))
    end
  end

  @doc "Start indices as an attribute, and those among them that are tensors, as operands."
  @spec starts([integer | T.t()]) :: {[integer | :operand], [T.t()]}
  def starts(starts) do
    {numbers, tensors} =
      Enum.map_reduce(starts, [], fn
        start, tensors when is_integer(start) ->
          {start, tensors}

        tensor, tensors ->
          case number(tensor) do
            nil -> {:operand, [tensor | tensors]}
            start -> {start, tensors}
          end
      end)

    {numbers, Enum.reverse(tensors)}
  end

  @doc "Computes a block: as one op where the node has it, else by `default`, a function of the arguments, whose ops are ours."
  @spec block(struct, T.t() | tuple, [term], ([term] -> result)) :: T.t() | tuple | result when result: term
  def block(%module{} = struct, output, arguments, default) do
    op = Callbacks.block(module)
    node = node_of!(op || module, Enum.filter(arguments, &is_struct(&1, T)))
    # The ops of a default function go to the backend of one of their operands: all of them must be ours.
    arguments = Enum.map(arguments, &brought(&1, node))
    tensors = Enum.filter(arguments, &is_struct(&1, T))
    outs = if is_tuple(output), do: Tuple.to_list(output), else: [output]
    capabilities = capabilities!(node, tensors)

    if op && Lacking.reason(capabilities, op, outs ++ tensors) == nil do
      results = issue(outs, op, node, tensors, Callbacks.attributes(op, struct))
      if is_tuple(output), do: List.to_tuple(results), else: hd(results)
    else
      # Numbers in the default function become tensors of the default backend: they must be ours, on this node.
      Nx.with_default_backend({Backend, node: node}, fn -> default.(arguments) end)
    end
  end

  ## Nodes

  @doc "The node on which the operands lie. Raises when they lie on several."
  @spec node_of!(atom, [T.t()], [term]) :: node
  def node_of!(op, operands, arguments \\ []) do
    case for(%T{data: %Backend{node: node}} <- operands, uniq: true, do: node) do
      [node] -> node
      # Only a start index was ours, and it became a number.
      [] when arguments != [] -> node_of!(op, List.flatten(arguments))
      [_ | _] -> placed!(op, operands)
    end
  end

  # Constants come along to wherever the tensors are.
  defp placed!(op, operands) do
    case for(%T{data: %Backend{node: node, value: %_handle{}}} <- operands, uniq: true, do: node) do
      [] ->
        hd(for %T{data: %Backend{node: node}} <- operands, do: node)

      [node] ->
        node

      nodes ->
        text = "the operands of #{op} lie on different GPU nodes, #{Enum.join(nodes, " and ")}"

        Error.raise!(
          Error.new(:invalid_argument, text <> ": bring them together with Nx.backend_transfer/2", hd(nodes))
        )
    end
  end

  ## Operands

  # What comes before the first element may be a number.
  defp operands(op, _out, [tensor, acc], node) when op in [:reduce, :window_reduce],
    do: [tensor(tensor, node), if(number = number(acc), do: {acc.type, number}, else: tensor(acc, node))]

  defp operands(op, out, operands, node) do
    if Callbacks.elementwise?(op), do: fold(op, out, operands, node), else: Enum.map(operands, &tensor(&1, node))
  end

  # Numbers stand for constants, as long as something else gives the result its shape. A constant that has to give it is made
  # with all of it: one of the result's type where there is one, as numbers take the type of what they meet.
  defp fold(op, %T{type: type, shape: shape}, operands, node) do
    numbers = Enum.map(operands, &number/1)
    tensors = for {tensor, nil} <- Enum.zip(operands, numbers), do: tensor.shape
    shaped = if shape == {} or spans?(tensors, shape), do: nil, else: giver(op, type, operands, numbers)

    [operands, numbers, Enum.with_index(operands)]
    |> Enum.zip_with(fn
      [tensor, nil, _] -> tensor(tensor, node)
      [tensor, number, {_, ^shaped}] -> tensor(constant_of(tensor, shape, number, node), node)
      [tensor, number, _] -> {tensor.type, number}
    end)
  end

  # Whether tensors of these shapes broadcast to |shape| by themselves.
  defp spans?(shapes, shape) do
    Enum.any?(shapes, &(&1 == shape)) or
      shape
      |> Tuple.to_list()
      |> Enum.reverse()
      |> Enum.with_index(1)
      |> Enum.all?(fn {size, from_end} ->
        Enum.any?(shapes, &(tuple_size(&1) >= from_end and elem(&1, tuple_size(&1) - from_end) == size))
      end)
  end

  # The constant that gives the result its shape: not the bounds of a clip, which are scalars.
  defp giver(:clip, _type, _operands, _numbers), do: 0

  defp giver(_op, type, operands, numbers) do
    constants =
      for {{tensor, number}, index} <- Enum.with_index(Enum.zip(operands, numbers)), number != nil, do: {tensor, index}

    {_tensor, index} = Enum.find(constants, hd(constants), fn {tensor, _index} -> tensor.type == type end)
    index
  end

  defp constant_of(tensor, shape, number, node) do
    names = List.duplicate(nil, tuple_size(shape))
    ours(%{tensor | shape: shape, names: names, vectorized_axes: []}, node, {:literal, number})
  end

  # A type that holds the result and every operand, where |type| does not. Nx lets numbers take the type of what they meet, and
  # f8_e4m3fn on the left win over any float; both come here as tensors of types of their own when they are vectorized. The node
  # merges types by what they hold, and the result takes its own type afterwards, once.
  defp holding(op, type, operands) do
    with {:ok, %{type: rule}} when rule in [:merge, :merge_floating, :merge_values, :merge_updates] <- Op.fetch(op),
         values = values(rule, operands),
         [_ | _] = wider <-
           for(%{type: own, shape: shape} <- values, shape != {}, not Type.carries?(type, own), do: own) do
      Enum.reduce(wider, type, &wider/2)
    else
      _ -> type
    end
  end

  defp values(:merge_values, [_pred | values]), do: values
  defp values(:merge_updates, [tensor, _indices, updates]), do: [tensor, updates]
  defp values(_rule, operands), do: operands

  defp wider(own, {:f8_e4m3fn, 8}), do: own
  defp wider(own, type), do: Nx.Type.merge(type, own)

  defp narrowed(handle, out, node) do
    [handle] = send_op(:as_type, node, [handle], [{out.type, out.shape}], %{})
    handle
  end

  @doc "The number that a tensor is without asking for it: a constant of any shape, or one element that lies on the host."
  @spec number(T.t()) :: GpuNode.Element.value() | nil
  def number(%T{data: %Backend{value: {:literal, number}}}), do: number

  # One element, in as many axes as vectorizing gave it.
  def number(%T{data: %Nx.BinaryBackend{}} = tensor) do
    if Nx.size(devectorized(tensor)) == 1, do: tensor |> bits() |> number(tensor.type)
  end

  def number(_tensor), do: nil

  @doc "The number that `bits` are in `type`, when a number on the wire is exactly that; nil for NaN."
  @spec number(bitstring, Nx.Type.t()) :: GpuNode.Element.value() | nil
  def number(bits, type) do
    case bits |> Element.unpack(type) |> Element.decode_all(type) do
      # One of many NaNs, and which one may matter to a bitcast.
      [:nan] -> nil
      [{re, im}] when re == :nan or im == :nan -> nil
      [number] -> number
    end
  end

  @doc "The handle of a tensor on `node`, made there if it is a constant or lies on the host."
  @spec tensor(T.t(), node) :: Backend.handle()
  def tensor(%T{data: %Backend{value: %_handle{} = handle}}, _node), do: handle

  def tensor(%T{data: %Backend{value: {:literal, number}}} = t, node) do
    [%{data: %{value: handle}}] =
      issue([devectorized(t)], :constant, node, [], %{value: Protocol.literal(t.type, number)})

    handle
  end

  def tensor(%T{data: %Nx.BinaryBackend{}} = t, node) do
    %{data: %{value: handle}} = upload(devectorized(t), bits(t), node)
    handle
  end

  def tensor(%T{data: %backend{}} = t, node) do
    Error.raise!(
      Error.new(
        :invalid_argument,
        "a tensor of #{inspect(backend)}, #{Nx.Type.to_string(t.type)}#{inspect(t.shape)}, meets one of Nx.Vulkan.Backend: " <>
          "bring it with Nx.backend_transfer/2",
        node
      )
    )
  end

  ## To and from the host

  @doc "A tensor of these bits on `node`; a scalar is a literal, and costs nothing."
  @spec from_bits(T.t(), bitstring, node) :: T.t()
  def from_bits(%T{shape: {}, vectorized_axes: []} = out, bits, node) do
    case number(bits, out.type) do
      nil -> upload(out, bits, node)
      number -> literal(out, number, node)
    end
  end

  def from_bits(out, bits, node), do: upload(out, bits, node)

  defp upload(out, bits, node) do
    handle =
      if Recorder.active?(),
        do: Recorder.captured(out, bits),
        else: GpuNode.Tensor.from_binary!(node, bits, out.type, out.shape)

    ours(out, node, handle)
  end

  @doc "The first `limit` elements as Nx lays them out."
  @spec to_bits(T.t(), non_neg_integer | :infinity) :: bitstring
  def to_bits(%T{data: %Backend{value: {:literal, number}}} = t, limit) do
    {:ok, element} = Element.encode(number, t.type)
    element = Element.pack(element, t.type)
    copies = min(limit, t |> devectorized() |> Nx.size())
    if is_binary(element), do: :binary.copy(element, copies), else: for(_ <- 1..copies//1, into: <<>>, do: element)
  end

  def to_bits(%T{data: %Backend{node: node, value: %Recorder.Value{}}} = t, _limit) do
    text =
      "#{Nx.Type.to_string(t.type)}#{inspect(t.shape)} is a value of a function that is being compiled: there is nothing to read yet"

    Error.raise!(Error.new(:invalid_argument, text, node))
  end

  def to_bits(%T{data: %Backend{node: node, value: handle}} = t, limit) do
    capabilities!(node, [t])
    GpuNode.Tensor.to_binary!(handle, limit: limit)
  end

  @spec to_host(T.t()) :: T.t()
  def to_host(%T{data: %Backend{}} = t), do: Nx.BinaryBackend.from_binary(t, to_bits(t, :infinity), [])
  def to_host(%T{data: %Nx.BinaryBackend{}} = t), do: t

  @spec from_host(T.t(), node) :: T.t()
  def from_host(%T{data: %Nx.BinaryBackend{}} = t, node), do: from_bits(t, bits(t), node)

  @doc "An argument of a block: what lies on the host is brought to `node`, whatever else it is stays."
  @spec brought(term, node) :: term
  def brought(%T{data: %Nx.BinaryBackend{}} = t, node), do: %{t | data: from_host(devectorized(t), node).data}
  def brought(other, _node), do: other

  defp bits(t), do: Nx.BinaryBackend.to_binary(t, t |> devectorized() |> Nx.size())

  @doc "The tensor with its vectorized axes in front of the others, as the data has them."
  @spec devectorized(T.t()) :: T.t()
  def devectorized(%T{vectorized_axes: []} = t), do: t

  def devectorized(%T{vectorized_axes: axes, shape: shape, names: names} = t) do
    shape = List.to_tuple(Keyword.values(axes) ++ Tuple.to_list(shape))
    %{t | vectorized_axes: [], shape: shape, names: Keyword.keys(axes) ++ names}
  end

  @doc "A tensor that a program was given or gives: a handle, or a number of a type."
  @spec given(T.t(), node, Backend.handle() | {Nx.Type.t(), GpuNode.Element.value()}) :: T.t()
  def given(out, node, {_type, number}), do: ours(out, node, {:literal, number})
  def given(out, node, handle), do: ours(out, node, handle)

  @spec ours(T.t(), node, Backend.value()) :: T.t()
  def ours(out, node, value), do: %{out | data: %Backend{node: node, value: value}}
end

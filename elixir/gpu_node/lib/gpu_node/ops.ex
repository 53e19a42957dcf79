defmodule GpuNode.Ops do
  @moduledoc """
  Eager ops: one asynchronous message each, the result's handle at once.

      x = GpuNode.Tensor.from_list!(:gpu0, [1, 2, 3], :f32)
      x |> GpuNode.Ops.multiply(2) |> GpuNode.Ops.exp() |> GpuNode.Tensor.to_list!()

  Every op of `GpuNode.Op` with operands is a function here; `iota`, `eye` and `constant` take the node first. They run where
  their tensors are. A call that cannot be right (shapes, types, attributes) raises `GpuNode.Error` here; what goes wrong on the node
  comes with the first read of a result. `GpuNode.op/4` is the twin that raises nothing.
  """

  import Kernel, except: [abs: 1, ceil: 1, floor: 1, max: 2, min: 2, round: 1]
  alias GpuNode.{Attachments, Client, Error, Link, Op, Protocol, Tensor, Type}
  require Type

  @type operand :: Tensor.t() | Op.literal()

  for {name, %{operands: count, list: list?} = row} <- Op.table(), count > 0 do
    arguments = if list?, do: [Macro.var(:operands, __MODULE__)], else: Macro.generate_arguments(count, __MODULE__)
    types = if list?, do: [quote(do: [operand])], else: List.duplicate(quote(do: operand), count)
    operands = if list?, do: hd(arguments), else: arguments
    made = if row.results == 1, do: quote(do: Tensor.t()), else: quote(do: [Tensor.t()])
    @doc Op.Docs.text(row)
    @spec unquote(name)(unquote_splicing(types), keyword | map) :: unquote(made)
    def unquote(name)(unquote_splicing(arguments), attributes \\ []),
      do:
        unquote(operands)
        |> place(unquote(name))
        |> op(unquote(name), unquote(operands), attributes)
        |> Error.unwrap!()
  end

  for {name, %{operands: 0} = row} <- Op.table() do
    @doc Op.Docs.text(row)
    @spec unquote(name)(atom, keyword | map) :: Tensor.t()
    def unquote(name)(node, attributes), do: node |> op(unquote(name), [], attributes) |> Error.unwrap!()
  end

  defp place(operands, name) do
    case is_list(operands) and not List.improper?(operands) and Enum.find(operands, &is_struct(&1, Tensor)) do
      %{node: node} -> node
      _none -> Error.raise!(misplaced(operands, name))
    end
  end

  defp misplaced(operands, name) do
    with {:ok, row} <- Op.fetch(name),
         :ok <- Op.check_operands(row, operands) do
      invalid("#{Op.text(name, operands)} has no tensor, so no node: use GpuNode.op/4")
    else
      {:error, error} -> error
    end
  end

  @doc "Issues op `name` on `node`. See `GpuNode.op/4`."
  @spec op(atom, atom, [operand], keyword | map) :: {:ok, Tensor.t() | [Tensor.t()]} | {:error, Error.t()}
  def op(node, name, operands, attributes) do
    {operands, attributes} = Op.spread(name, operands, attributes)

    with {:ok, result} <- Op.infer(name, operands, attributes),
         {:ok, link} <- Link.fetch(node),
         operands = Enum.map(operands, &typed(&1, result.literal)),
         {:ok, tensors} <- send_op(link, name, operands, result.literal, result.results, result.attributes),
         do: {:ok, one_or_all(tensors)}
  end

  defp typed(number, type) when Type.is_literal(number), do: {Type.of_number(type, number), number}
  defp typed(operand, _type), do: operand

  defp one_or_all([tensor]), do: tensor
  defp one_or_all(tensors), do: tensors

  @doc false
  # Issues op `name` on `node` for callers that know what it gives: `results` are the types and shapes of its results, `attributes`
  # a map as the wire has it. Only the node checks them; a mistake comes as `:invalid_argument` with the first read.
  @spec issue(atom, atom, [operand], [{Type.t(), tuple}], map) :: {:ok, [Tensor.t()]} | {:error, Error.t()}
  def issue(node, name, operands, [{literal, _shape} | _] = results, attributes) do
    with {:ok, link} <- Link.fetch(node), do: send_op(link, name, operands, literal, results, attributes)
  end

  defp send_op(link, name, operands, literal, results, attributes) do
    with {:ok, session} <- Client.session(link),
         {:ok, names} <- names(operands, literal, link, session, nil),
         tensors = for({type, shape} <- results, do: Tensor.new(link, session, type, shape)),
         named = Enum.map(tensors, &{&1.id, &1.type, &1.shape}),
         instruction = Protocol.instruction(name, named, names, attributes),
         :ok <- Client.command(link, session, instruction, Protocol.operand_bytes(names)) do
      Client.keep(operands)
      {:ok, tensors}
    end
  end

  @doc false
  # The ids and literals that stand for |operands| on the wire, in |session|. Nothing is waited for but what must be attached first, until
  # |deadline| (nil: the node's time-out from now).
  @spec names([operand], Type.t(), Link.t(), pos_integer, Client.deadline() | nil) :: {:ok, list} | {:error, Error.t()}
  def names(operands, literal, link, session, deadline), do: names(operands, literal, link, session, deadline, [])

  defp names([], _literal, _link, _session, _deadline, names), do: {:ok, Enum.reverse(names)}

  defp names([%Tensor{session: session, id: id} | rest], literal, link, session, deadline, names),
    do: names(rest, literal, link, session, deadline, [id | names])

  defp names([%Tensor{} = tensor | rest], literal, link, session, deadline, names) do
    deadline = deadline || Client.deadline(link, [])

    with {:ok, id} <- Attachments.id(link, session, tensor, deadline),
         do: names(rest, literal, link, session, deadline, [id | names])
  end

  defp names([{type, number} | rest], literal, link, session, deadline, names),
    do: names(rest, literal, link, session, deadline, [Protocol.literal(type, number) | names])

  defp names([number | rest], literal, link, session, deadline, names),
    do: names(rest, literal, link, session, deadline, [Protocol.literal(literal, number) | names])

  defp invalid(text), do: Error.new(:invalid_argument, text)
end

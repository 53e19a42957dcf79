defmodule Nx.Vulkan.Test.Vectors.Wire do
  @moduledoc false
  # From a call of a backend's callback to the op of the table that it is: operands, attributes, results.

  alias GpuNode.{Op, Type}
  alias Nx.Tensor, as: T
  alias Nx.Vulkan.Callbacks
  alias Nx.Vulkan.Test.Vectors.Generators

  @type t :: %{op: atom, operands: [T.t()], attributes: map, outs: [{Nx.Type.t(), tuple}]}

  @rows Map.new(Callbacks.rows() ++ Generators.created(), &{elem(&1, 0), &1})
  @typed ~w(merge merge_floating merge_values merge_updates aggregate declared same_width index same_and_index)a
  @merged ~w(merge merge_floating merge_values merge_updates)a
  @shaped ~w(declared matrix reshape broadcast)a

  @doc "The op that a call is; `{:left_out, rule}` where its result on the wire is another than Nx's."
  @spec call(Nx.Vulkan.Test.Recorder.call()) :: {:ok, t} | {:left_out, atom} | :no_op
  def call({op, out, arguments, _result}) do
    with {:ok, row} <- Op.fetch(op) do
      {operands, attributes} = spelled(@rows[op], op, arguments)
      outs = out |> List.wrap() |> Enum.flat_map(&if(is_tuple(&1), do: Tuple.to_list(&1), else: [&1]))
      finished(row, operands, attributes, Enum.map(outs, &{&1.type, &1.shape}))
    else
      _ -> :no_op
    end
  end

  @doc "An op with its results, checked against the table's rules, which may need type and shape."
  @spec finished(Op.row(), [T.t()], map, [{Nx.Type.t(), tuple}]) :: {:ok, t} | {:left_out, atom}
  def finished(row, operands, attributes, outs) do
    {type, shape} = List.last(outs)
    attributes = for {key, value} <- attributes, value != nil, into: %{}, do: {key, number(value)}
    attributes = if row.shape in @shaped, do: Map.put(attributes, :shape, shape), else: attributes
    typed = if row.type in @typed, do: Map.put(attributes, :type, type), else: attributes
    plain = Enum.map(operands, &%{type: &1.type, shape: &1.shape})
    wire = %{op: row.name, operands: operands, attributes: attributes, outs: outs}

    cond do
      row.type in @merged and not Enum.all?(values(row.type, operands), &held?(&1, type)) -> {:left_out, :not_held}
      gives?(row.name, plain, attributes, outs) -> {:ok, wire}
      gives?(row.name, plain, typed, outs) -> {:ok, %{wire | attributes: typed}}
      true -> {:left_out, :other_type}
    end
  end

  defp values(:merge_values, [_pred | values]), do: values
  defp values(:merge_updates, [tensor, _indices, updates]), do: [tensor, updates]
  defp values(_rule, operands), do: operands

  defp held?(%{shape: {}}, _type), do: true
  defp held?(operand, type), do: Type.carries?(type, operand.type)

  defp number(%Complex{re: re, im: im}), do: {re, im}
  defp number(other), do: other

  defp gives?(op, operands, attributes, outs), do: match?({:ok, %{results: ^outs}}, Op.infer(op, operands, attributes))

  # A block: its struct's fields are the attributes.
  defp spelled(nil, op, [struct | arguments]) do
    {:ok, row} = Op.fetch(op)
    {Enum.filter(arguments, &is_struct(&1, T)), struct |> Map.from_struct() |> Map.take(Map.keys(row.attributes))}
  end

  defp spelled({_op, names, operands, attributes}, _name, arguments) do
    given = names |> Enum.zip(arguments) |> Map.new()
    tensors = Enum.flat_map(operands, &List.wrap(given[&1]))

    Enum.reduce(attributes, {tensors, %{}}, fn {key, source}, {tensors, map} ->
      case source do
        {:starts, argument} ->
          starts = given[argument]
          numbers = Enum.map(starts, &if(is_integer(&1), do: &1, else: :operand))
          {tensors ++ Enum.reject(starts, &is_integer/1), Map.put(map, key, numbers)}

        {:dimensions, argument} ->
          {tensors, Map.put(map, key, Tuple.to_list(given[argument]))}

        {list, option} ->
          {tensors, Map.put(map, key, given[list][option])}

        {list, option, default} ->
          {tensors, Map.put(map, key, given[list][option] || default)}

        argument ->
          {tensors, Map.put(map, key, given[argument])}
      end
    end)
  end
end

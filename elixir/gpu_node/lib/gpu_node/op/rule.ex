defmodule GpuNode.Op.Rule do
  @moduledoc false
  # The rules that rows of GpuNode.Op name: from operands and attributes to result types, result shapes and wire attributes. The node
  # has the same rules and compares what they give; here they give handles their types and shapes before anybody is asked.
  #
  # Functions return {:error, text}; the op and its operands are put before the text by the caller.

  alias GpuNode.{Text, Type}
  alias GpuNode.Op.{BasicShape, Docs, FourierShape, Function, MatrixShape, MoveShape, WindowShape}
  import GpuNode.Op.Given, only: [get: 2, get: 3, check: 2]
  require Type

  # Type rules that leave a choice, which the option :type makes.
  @chosen ~w(merge merge_floating merge_values merge_updates aggregate declared function same_width index same_and_index)a
  # Shape rules whose shape is the option :shape.
  @given ~w(declared matrix reshape broadcast)a
  # Where other shape rules stand than in BasicShape.
  @moves ~w(stack reverse slice put_slice pad gather take take_along_axis indexed)a
  @windows ~w(window window_fold window_scatter conv)a
  @fourier ~w(fourier fourier_half fourier_whole fourier_2)a
  @matrices ~w(triangular_solve square qr eigh svd)a

  @spec apply(GpuNode.Op.row(), [GpuNode.Op.operand()], keyword | map) ::
          {:ok, GpuNode.Op.result()} | {:error, String.t()}
  def apply(row, operands, attributes) do
    # Starts that are operands have no say in what the result is.
    {operands, starts} = Enum.split(operands, if(row.starts, do: row.operands, else: length(operands)))
    types = Enum.map(operands, &type_of/1)

    with :ok <- known(row, attributes),
         :ok <- takes(row.takes, types),
         :ok <- indices(row.operand_names, types),
         :ok <- starts(row, starts, attributes),
         literal = literal(row, operands, types, attributes),
         {:ok, type} <- type(row.type, literal, hd(types ++ [nil]), attributes),
         :ok <- carried(row.type, type, operands, 0),
         {:ok, shape, wire} <- rule(row.shape).shape(row.shape, row, Enum.map(operands, &shape_of/1), attributes),
         {:ok, wire} <- constant(row, type, wire, attributes),
         {:ok, wire} <- function(row, type, wire, attributes),
         do: {:ok, %{results: results(row.type, type, types, shape), literal: literal || type, attributes: wire}}
  end

  defp rule(shape) when shape in @moves, do: MoveShape
  defp rule(shape) when shape in @windows, do: WindowShape
  defp rule(shape) when shape in @fourier, do: FourierShape
  defp rule(shape) when shape in @matrices, do: MatrixShape
  defp rule(_shape), do: BasicShape

  defp results(:same_and_index, type, [first], shape), do: [{first, shape}, {type, shape}]

  # Rules of ops with several results give a list of shapes.
  defp results(:same_and_floating, type, [first], [shape | shapes]),
    do: [{first, shape} | Enum.map(shapes, &{type, &1})]

  defp results(_rule, type, _types, shapes) when is_list(shapes), do: Enum.map(shapes, &{type, &1})
  defp results(_rule, type, _types, shape), do: [{type, shape}]

  # Most eager calls carry no attributes: no look-up for them.
  defp known(_row, []), do: :ok

  defp known(row, attributes) when is_map(attributes) and not is_struct(attributes),
    do: attributes |> Map.to_list() |> known_key([], row)

  defp known(row, attributes) do
    if Keyword.keyword?(attributes),
      do: known_key(attributes, [], row),
      else: {:error, "attributes are a keyword list or a map, got #{inspect(attributes)}; it takes #{those(row)}"}
  end

  defp known_key([], _before, _row), do: :ok

  defp known_key([{key, value} | rest], before, row) do
    cond do
      not takes?(row, key) -> {:error, "unknown attribute #{inspect(key)}; it takes #{those(row)}"}
      key in before -> {:error, "the attribute #{inspect(key)} is given more than once"}
      is_nil(value) and not nil?(row, key) -> {:error, "the attribute #{inspect(key)} is #{kind(row, key)}, got nil"}
      true -> known_key(rest, [key | before], row)
    end
  end

  # As Nx has it, nil is a value of axes and of an axis that are all, or none, where they are not given; of anything else it is a mistake.
  defp nil?(row, key), do: match?(%{^key => %{default: {:ok, nil}}}, row.attributes)

  defp kind(_row, :type), do: "a type, such as :f32 or {:f, 32}"
  defp kind(_row, :shape), do: "a tuple of integers of 0 or more"
  defp kind(row, key), do: Docs.kind(row.attributes[key].kind)

  defp takes?(row, key) when is_map_key(row.attributes, key), do: true
  defp takes?(row, :type), do: row.type in @chosen
  defp takes?(row, :shape), do: row.shape in @given
  defp takes?(_row, _key), do: false

  defp those(row) do
    case Enum.sort(Map.keys(row.attributes)) ++ Enum.filter([:type, :shape], &takes?(row, &1)) do
      [] -> "none"
      keys -> Enum.map_join(keys, ", ", &inspect/1)
    end
  end

  defp takes(:any, _types), do: :ok

  defp takes(:integer, types) do
    case Enum.find(types, &(not Type.integer?(&1))) do
      nil -> :ok
      type -> {:error, "takes integers, not #{Type.name(type)}"}
    end
  end

  defp takes(:ordered, types) do
    case Enum.find(types, &Type.complex?/1) do
      nil -> :ok
      type -> {:error, "#{Type.name(type)} has no order"}
    end
  end

  defp indices([_, :indices | _], [_, type | _]),
    do: check(Type.integer?(type), "indices are integers, not #{Type.name(type)}")

  defp indices(_names, _types), do: :ok

  defp starts(%{starts: false}, _operands, _attributes), do: :ok

  defp starts(_row, operands, attributes) do
    starts = get(attributes, :starts)
    read = if is_list(starts), do: Enum.count(starts, &(&1 == :operand)), else: 0

    with :ok <- check(is_list(starts), "starts is a list of integers and tensors, got #{inspect(starts)}"),
         :ok <-
           check(
             read == length(operands),
             "#{Text.count(read, "start")} to be read from operands, but there are #{length(operands)}"
           ) do
      case Enum.find(operands, &(shape_of(&1) != {} or not Type.integer?(type_of(&1)))) do
        nil -> :ok
        other -> {:error, "a start is one integer, got #{GpuNode.Op.text(other)}"}
      end
    end
  end

  ## Types

  # The type that numbers among the operands take.
  defp literal(%{operands: 0}, [], [], _attributes), do: nil
  defp literal(_row, [_], [type], _attributes), do: type

  defp literal(%{shape: :clip}, _operands, types, _attributes),
    do: types |> Enum.reverse() |> Enum.reduce(&Type.merge/2)

  defp literal(%{type: :merge_values}, [_ | values], _types, _attributes), do: merge(values)
  defp literal(%{type: :merge_updates}, [tensor, _indices, updates], _types, _attributes), do: merge([tensor, updates])
  defp literal(%{type: :same}, [tensor | _], _types, _attributes), do: type_of(tensor)
  defp literal(_row, operands, _types, _attributes), do: merge(operands)

  defp merge([operand]), do: type_of(operand)

  defp merge([left, right | rest]) do
    type =
      case {left, right} do
        {left, right} when Type.is_literal(left) and Type.is_literal(right) ->
          Type.merge(Type.infer(left), Type.infer(right))

        {left, right} when Type.is_literal(right) ->
          Type.merge_number(type_of(left), right)

        {left, right} when Type.is_literal(left) ->
          Type.merge_number(type_of(right), left)

        {left, right} ->
          Type.merge(type_of(left), type_of(right))
      end

    merge([%{type: type, shape: {}} | rest])
  end

  # The result's type: |merged| is that of the operands, |first| that of the first.
  defp type(:same, _merged, first, _attributes), do: {:ok, first}

  defp type(rule, _merged, first, _attributes) when rule in [:floating, :same_and_floating],
    do: {:ok, Type.to_floating(first)}

  defp type(:component, _merged, {:c, _} = first, _attributes), do: {:ok, Type.to_real(first)}
  defp type(:component, _merged, first, _attributes), do: {:ok, first}
  defp type(:real, _merged, first, _attributes), do: {:ok, Type.to_real(first)}
  defp type(:complex, _merged, first, _attributes), do: {:ok, Type.to_complex(first)}
  defp type(:predicate, _merged, _first, _attributes), do: {:ok, {:u, 8}}

  defp type(rule, merged, _first, attributes) when rule in [:merge, :merge_values, :merge_updates, :function],
    do: declared(attributes, merged)

  defp type(:merge_floating, merged, _first, attributes), do: declared(attributes, Type.to_floating(merged))
  defp type(:aggregate, _merged, first, attributes), do: declared(attributes, Type.to_aggregate(first))
  # What is made from nothing counts in s32; a constant is what its value is.
  defp type(:declared, nil, nil, attributes), do: declared(attributes, created(get(attributes, :value)))
  defp type(:declared, _merged, _first, attributes), do: declared(attributes, nil)

  defp type(rule, _merged, _first, attributes) when rule in [:index, :same_and_index] do
    with {:ok, type} <- declared(attributes, {:s, 32}),
         :ok <- check(Type.integer?(type), "indices are of an integer type, not #{Type.name(type)}"),
         do: {:ok, type}
  end

  defp type(:same_width, _merged, first, attributes) do
    with {:ok, type} <- declared(attributes, nil) do
      if elem(first, 1) == elem(type, 1) and not Type.complex?(first) and not Type.complex?(type),
        do: {:ok, type},
        else: {:error, "#{Type.name(type)} is not a real type of the same width"}
    end
  end

  # What merges takes its operands as they are, where they are tensors of more than one number.
  defp carried(:merge_values, type, [_pred | values], 0), do: carried(:merge, type, values, 1)

  defp carried(:merge_updates, type, [tensor, _indices, updates], 0) do
    with :ok <- carried(:merge, type, [tensor], 0), do: carried(:merge, type, [updates], 2)
  end

  defp carried(rule, type, [operand | rest], index) when rule in [:merge, :merge_floating] do
    if shape_of(operand) == {} or Type.carries?(type, type_of(operand)),
      do: carried(rule, type, rest, index + 1),
      else:
        {:error, "the result is #{Type.name(type)}, which cannot hold operand #{index}, #{GpuNode.Op.text(operand)}"}
  end

  defp carried(_rule, _type, _operands, _index), do: :ok

  defp created(value) when Type.is_literal(value), do: Type.infer(value)
  defp created(_value), do: {:s, 32}

  defp declared(attributes, default) do
    case get(attributes, :type, default) do
      nil ->
        {:error, "needs :type"}

      type ->
        with :error <- Type.normalize(type), do: {:error, "#{inspect(type)} is not a type"}
    end
  end

  # A literal among the attributes is of the result's type.
  defp constant(%{attributes: %{value: _}}, type, wire, attributes) do
    value = get(attributes, :value)

    with :ok <- check(value != nil, "needs :value"),
         :ok <- check(Type.is_literal_or_pair(value), "takes a number as :value, got #{inspect(value)}"),
         :ok <- check(Type.holds?(type, value), "#{inspect(value)} is not a #{Type.name(type)}"),
         do: {:ok, Map.put(wire, :value, GpuNode.Protocol.literal(type, value))}
  end

  defp constant(_row, _type, wire, _attributes), do: {:ok, wire}

  # A function among the attributes is of numbers of the result's type.
  defp function(%{attributes: %{function: _}}, type, wire, attributes) do
    with {:ok, steps} <- Function.steps(get(attributes, :function), type), do: {:ok, Map.put(wire, :function, steps)}
  end

  defp function(_row, _type, wire, _attributes), do: {:ok, wire}

  defp type_of(%{type: type}), do: type
  defp type_of({type, _number}), do: type
  defp type_of(number), do: Type.infer(number)

  defp shape_of(%{shape: shape}), do: shape
  defp shape_of(_number), do: {}
end

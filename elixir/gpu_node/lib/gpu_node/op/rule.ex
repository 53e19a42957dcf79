defmodule GpuNode.Op.Rule do
  @moduledoc false
  # The rules that rows of GpuNode.Op name: from operands and attributes to result types, result shapes and wire attributes. The node
  # has the same rules and compares what they give; here they give handles their types and shapes before anybody is asked.
  #
  # Functions return {:error, text}; the op and its operands are put before the text by the caller.

  alias GpuNode.{Shape, Text, Type}
  require Type

  # Type rules that leave a choice, which the option :type makes.
  @chosen ~w(merge merge_floating merge_values merge_updates aggregate declared same_width index same_and_index)a
  # Shape rules whose shape is the option :shape.
  @given ~w(declared matrix reshape broadcast)a

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
         {:ok, shape, wire} <- shape(row.shape, row, Enum.map(operands, &shape_of/1), attributes),
         {:ok, wire} <- constant(row, type, wire, attributes),
         do: {:ok, %{results: results(row.type, type, types, shape), literal: literal || type, attributes: wire}}
  end

  defp results(:same_and_index, type, [first], shape), do: [{first, shape}, {type, shape}]
  defp results(_rule, type, _types, shape), do: [{type, shape}]

  # Most eager calls carry no attributes: no look-up for them.
  defp known(_row, []), do: :ok

  defp known(row, attributes) when is_map(attributes) and not is_struct(attributes),
    do: known_key(Map.keys(attributes), [], row)

  defp known(row, attributes) do
    if Keyword.keyword?(attributes),
      do: attributes |> Keyword.keys() |> known_key([], row),
      else: {:error, "attributes are a keyword list or a map, got #{inspect(attributes)}; it takes #{those(row)}"}
  end

  defp known_key([], _before, _row), do: :ok

  defp known_key([key | rest], before, row) do
    cond do
      not takes?(row, key) -> {:error, "unknown attribute #{inspect(key)}; it takes #{those(row)}"}
      key in before -> {:error, "the attribute #{inspect(key)} is given more than once"}
      true -> known_key(rest, [key | before], row)
    end
  end

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
  defp type(:floating, _merged, first, _attributes), do: {:ok, Type.to_floating(first)}
  defp type(:component, _merged, {:c, _} = first, _attributes), do: {:ok, Type.to_real(first)}
  defp type(:component, _merged, first, _attributes), do: {:ok, first}
  defp type(:real, _merged, first, _attributes), do: {:ok, Type.to_real(first)}
  defp type(:complex, _merged, first, _attributes), do: {:ok, Type.to_complex(first)}
  defp type(:predicate, _merged, _first, _attributes), do: {:ok, {:u, 8}}

  defp type(rule, merged, _first, attributes) when rule in [:merge, :merge_values, :merge_updates],
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

  ## Shapes, and the attributes as the wire has them

  defp shape(:elementwise, _row, shapes, _attributes) do
    with {:ok, shape} <- broadcast(shapes), do: {:ok, shape, %{}}
  end

  defp shape(:clip, row, [shape | scalars], _attributes) do
    if Enum.all?(scalars, &(&1 == {})),
      do: {:ok, shape, %{}},
      else: {:error, "#{row.operand_names |> tl() |> Enum.join(" and ")} are scalars"}
  end

  defp shape(:declared, %{attributes: %{axis: _}}, [], attributes) do
    with {:ok, shape} <- given(attributes),
         {:ok, axis} <- axis(get(attributes, :axis), shape),
         do: {:ok, shape, %{axis: axis}}
  end

  defp shape(:declared, _row, [], attributes), do: with({:ok, shape} <- given(attributes), do: {:ok, shape, %{}})

  defp shape(:matrix, _row, [], attributes) do
    with {:ok, shape} <- given(attributes),
         :ok <- check(tuple_size(shape) >= 2, "takes a shape of 2 axes or more, got #{inspect(shape)}"),
         do: {:ok, shape, %{}}
  end

  defp shape(:reshape, _row, [from], attributes) do
    with {:ok, shape} <- given(attributes),
         :ok <-
           check(
             Shape.size(shape) == Shape.size(from),
             "#{inspect(shape)} has #{Text.count(Shape.size(shape), "element")}, not #{Shape.size(from)}"
           ),
         do: {:ok, shape, %{}}
  end

  defp shape(:squeeze, _row, [from], attributes) do
    default = for axis <- Shape.axes(from), elem(from, axis) == 1, do: axis

    with {:ok, axes} <- Shape.normalize_axes(get(attributes, :axes, default), from),
         :ok <- check(Enum.all?(axes, &(elem(from, &1) == 1)), "axes #{inspect(axes)} are not all of dimension 1"),
         do: {:ok, Shape.reduce(from, axes, false), %{axes: axes}}
  end

  defp shape(:transpose, _row, [from], attributes) do
    with {:ok, axes} <- Shape.normalize_axes(get(attributes, :axes, Enum.reverse(Shape.axes(from))), from),
         :ok <-
           check(
             length(axes) == tuple_size(from),
             "axes #{inspect(axes)} do not name every axis of #{inspect(from)}"
           ),
         do: {:ok, List.to_tuple(Shape.take(from, axes)), %{axes: axes}}
  end

  defp shape(:broadcast, _row, [from], attributes) do
    with {:ok, shape} <- given(attributes),
         {:ok, axes} <- Shape.normalize_axes(get(attributes, :axes, Shape.trailing_axes(from, shape)), shape),
         :ok <- Shape.check_stretch(from, shape, axes),
         do: {:ok, shape, %{axes: axes}}
  end

  defp shape(:reduce, _row, [from], attributes) do
    keep? = get(attributes, :keep_axes, false)

    with :ok <- check(is_boolean(keep?), "keep_axes is a boolean, got #{inspect(keep?)}"),
         {:ok, axes} <- Shape.normalize_axes(get(attributes, :axes, Shape.axes(from)), from) do
      wire = if get(attributes, :axes) != nil, do: Enum.sort(axes), else: nil
      {:ok, Shape.reduce(from, axes, keep?), %{axes: wire, keep_axes: keep?}}
    end
  end

  defp shape(:arg_reduce, row, [from], attributes) do
    keep? = get(attributes, :keep_axis, false)
    tie = get(attributes, :tie_break, :low)
    ties = row.attributes.tie_break.kind

    with {:ok, axis} <- axis(get(attributes, :axis), from),
         :ok <- check(is_boolean(keep?), "keep_axis is a boolean, got #{inspect(keep?)}"),
         :ok <- check(tie in ties, "tie_break is #{Enum.map_join(ties, " or ", &inspect/1)}, got #{inspect(tie)}") do
      axes = if axis, do: [axis], else: Shape.axes(from)
      {:ok, Shape.reduce(from, axes, keep?), %{axis: axis, tie_break: tie, keep_axis: keep?}}
    end
  end

  defp shape(:dot, _row, [a, b], attributes) do
    {default_left, default_right} = default_contraction(a, b)

    with {:ok, contract_a} <- Shape.normalize_axes(get(attributes, :contract_left, default_left), a),
         {:ok, contract_b} <- Shape.normalize_axes(get(attributes, :contract_right, default_right), b),
         {:ok, batch_a} <- Shape.normalize_axes(get(attributes, :batch_left, []), a),
         {:ok, batch_b} <- Shape.normalize_axes(get(attributes, :batch_right, []), b),
         :ok <- matching(a, contract_a, b, contract_b, "contracted"),
         :ok <- matching(a, batch_a, b, batch_b, "batch"),
         :ok <-
           check(disjoint?(contract_a, batch_a) and disjoint?(contract_b, batch_b), "an axis is contracted and batch") do
      free_a = Shape.axes(a) -- (contract_a ++ batch_a)
      free_b = Shape.axes(b) -- (contract_b ++ batch_b)
      shape = List.to_tuple(Shape.take(a, batch_a) ++ Shape.take(a, free_a) ++ Shape.take(b, free_b))
      wire = %{contract_left: contract_a, batch_left: batch_a, contract_right: contract_b, batch_right: batch_b}
      {:ok, shape, wire}
    end
  end

  defp shape(:concatenate, _row, [first | others] = shapes, attributes) do
    with {:ok, axis} <- axis(get(attributes, :axis, 0), first),
         rest = &Tuple.delete_at(&1, axis),
         :ok <-
           check(
             Enum.all?(others, &(tuple_size(&1) == tuple_size(first) and rest.(&1) == rest.(first))),
             "the shapes must be alike but for axis #{axis}"
           ),
         do: {:ok, put_elem(first, axis, shapes |> Enum.map(&elem(&1, axis)) |> Enum.sum()), %{axis: axis}}
  end

  defp shape(:top_k, _row, [from], attributes) do
    k = get(attributes, :k, 1)
    last = tuple_size(from) - 1

    with :ok <- check(last >= 0, "takes a tensor of 1 axis or more"),
         :ok <-
           check(is_integer(k) and k in 1..elem(from, last)//1, "k is 1 to #{elem(from, last)}, got #{inspect(k)}"),
         do: {:ok, put_elem(from, last, k), %{k: k}}
  end

  defp shape(:stack, _row, [first | others], attributes) do
    axis = get(attributes, :axis, 0)
    rank = tuple_size(first) + 1

    with :ok <-
           check(
             is_integer(axis) and axis in -rank..(rank - 1),
             "axis is #{-rank} to #{rank - 1}, got #{inspect(axis)}"
           ),
         :ok <- check(Enum.all?(others, &(&1 == first)), "the shapes must be alike") do
      axis = if axis < 0, do: axis + rank, else: axis
      {:ok, Tuple.insert_at(first, axis, length(others) + 1), %{axis: axis}}
    end
  end

  defp shape(:reverse, _row, [from], attributes) do
    with {:ok, axes} <- Shape.normalize_axes(get(attributes, :axes, Shape.axes(from)), from),
         do: {:ok, from, %{axes: axes}}
  end

  defp shape(:slice, _row, [from], attributes) do
    strides = get(attributes, :strides)
    ones = List.duplicate(1, tuple_size(from))

    with {:ok, starts} <- each_axis(attributes, :starts, from, &(is_integer(&1) or &1 == :operand)),
         {:ok, lengths} <- each_axis(attributes, :lengths, from, &is_integer/1),
         {:ok, steps} <- if(strides, do: each_axis(attributes, :strides, from, &is_integer/1), else: {:ok, ones}),
         :ok <- check(Enum.all?(steps, &(&1 >= 1)), "strides are at least 1, got #{inspect(strides)}"),
         :ok <-
           check(
             lengths |> Enum.zip(Tuple.to_list(from)) |> Enum.all?(fn {length, size} -> length in 0..size end),
             "lengths are 0 to those of #{inspect(from)}, got #{inspect(lengths)}"
           ) do
      shape = Enum.zip_with(lengths, steps, fn length, step -> div(length + step - 1, step) end)
      {:ok, List.to_tuple(shape), %{starts: starts, lengths: lengths, strides: strides}}
    end
  end

  defp shape(:put_slice, _row, [whole, part], attributes) do
    fits? =
      tuple_size(part) == tuple_size(whole) and
        Enum.all?(Enum.zip(Tuple.to_list(part), Tuple.to_list(whole)), fn {own, size} -> own <= size end)

    with {:ok, starts} <- each_axis(attributes, :starts, whole, &(is_integer(&1) or &1 == :operand)),
         :ok <- check(fits?, "#{inspect(part)} does not fit into #{inspect(whole)}"),
         do: {:ok, whole, %{starts: starts}}
  end

  defp shape(:pad, _row, [from, value], attributes) do
    edges? = fn
      {low, high} -> is_integer(low) and is_integer(high)
      {low, high, interior} -> is_integer(low) and is_integer(high) and is_integer(interior) and interior >= 0
      _ -> false
    end

    with :ok <- check(value == {}, "value is a scalar, got one of shape #{inspect(value)}"),
         {:ok, padding} <- each_axis(attributes, :padding, from, edges?) do
      padding = Enum.map(padding, &if(tuple_size(&1) == 2, do: Tuple.insert_at(&1, 2, 0), else: &1))

      shape =
        for {{low, high, interior}, size} <- Enum.zip(padding, Tuple.to_list(from)),
            do: size + max(size - 1, 0) * interior + low + high

      with :ok <-
             check(
               Enum.all?(shape, &(&1 >= 0)),
               "padding #{inspect(padding)} leaves less than nothing of #{inspect(from)}"
             ),
           do: {:ok, List.to_tuple(shape), %{padding: padding}}
    end
  end

  defp shape(:gather, _row, [from, indices], attributes) do
    with {:ok, axes} <- indexed_axes(from, indices, attributes),
         do: {:ok, List.to_tuple(outer(indices) ++ Shape.take(from, Shape.axes(from) -- axes)), %{axes: axes}}
  end

  defp shape(:take, _row, [from, indices], attributes) do
    with {:ok, axis} <- axis(get(attributes, :axis, 0), from) do
      {before, [_ | rest]} = from |> Tuple.to_list() |> Enum.split(axis)
      {:ok, List.to_tuple(before ++ Tuple.to_list(indices) ++ rest), %{axis: axis}}
    end
  end

  defp shape(:take_along_axis, _row, [from, indices], attributes) do
    with {:ok, axis} <- axis(get(attributes, :axis, 0), from),
         :ok <-
           check(
             tuple_size(from) == tuple_size(indices) and Tuple.delete_at(from, axis) == Tuple.delete_at(indices, axis),
             "indices are of the shape #{inspect(from)} but for axis #{axis}, got #{inspect(indices)}"
           ),
         do: {:ok, indices, %{axis: axis}}
  end

  defp shape(:indexed, _row, [whole, indices, updates], attributes) do
    with {:ok, axes} <- indexed_axes(whole, indices, attributes) do
      rest = Shape.take(whole, Shape.axes(whole) -- axes)
      {own_outer, own_rest} = updates |> Tuple.to_list() |> Enum.split(tuple_size(indices) - 1)

      fits? =
        own_outer == outer(indices) and length(own_rest) == length(rest) and
          Enum.all?(Enum.zip(own_rest, rest), fn {own, size} -> own <= size end)

      most = List.to_tuple(outer(indices) ++ rest)

      with :ok <-
             check(
               fits?,
               "updates are of the shape #{inspect(most)}, or smaller behind the outer axes, got #{inspect(updates)}"
             ),
           do: {:ok, whole, %{axes: axes}}
    end
  end

  defp outer(indices), do: indices |> Tuple.to_list() |> Enum.drop(-1)

  # The axes that the last axis of |indices| goes over: those given, or the leading ones.
  defp indexed_axes(from, indices, attributes) do
    with :ok <- check(indices != {}, "indices have at least one axis"),
         count = elem(indices, tuple_size(indices) - 1),
         :ok <-
           check(
             count <= tuple_size(from),
             "the last axis of indices #{inspect(indices)} is #{count}, but #{inspect(from)} has #{Text.count(tuple_size(from), "dimension")}"
           ),
         {:ok, axes} <- Shape.normalize_axes(get(attributes, :axes, Enum.to_list(0..(count - 1)//1)), from),
         :ok <-
           check(
             length(axes) == count,
             "axes #{inspect(axes)} are #{length(axes)}, but the last axis of indices #{inspect(indices)} is #{count}"
           ),
         do: {:ok, axes}
  end

  # A list with one entry for each axis of |shape|.
  defp each_axis(attributes, key, shape, good?) do
    list = get(attributes, key)

    with :ok <-
           check(is_list(list) and Enum.all?(list, good?), "#{key} is a list #{entries(key)}, got #{inspect(list)}"),
         :ok <-
           check(
             length(list) == tuple_size(shape),
             "#{key} #{inspect(list)} must have one for each of the #{Text.count(tuple_size(shape), "dimension")} of #{inspect(shape)}"
           ),
         do: {:ok, list}
  end

  defp entries(:padding), do: "of {low, high} or {low, high, interior}"
  defp entries(:starts), do: "of integers and tensors"
  defp entries(_key), do: "of integers"

  defp broadcast([shape]), do: {:ok, shape}

  defp broadcast([left, right | rest]),
    do: with({:ok, shape} <- Shape.broadcast(left, right), do: broadcast([shape | rest]))

  # As Nx.dot/2: the last axis of the left with the last but one of the right.
  defp default_contraction({}, _right), do: {[], []}
  defp default_contraction(_left, {}), do: {[], []}
  defp default_contraction(_left, {_}), do: {[-1], [0]}
  defp default_contraction(_left, _right), do: {[-1], [-2]}

  defp matching(a, axes_a, b, axes_b, what) do
    check(
      Shape.take(a, axes_a) == Shape.take(b, axes_b),
      "#{what} axes #{inspect(axes_a)} and #{inspect(axes_b)} have dimensions " <>
        "#{inspect(Shape.take(a, axes_a))} and #{inspect(Shape.take(b, axes_b))}"
    )
  end

  defp disjoint?(left, right), do: left -- right == left

  # A literal among the attributes is of the result's type.
  defp constant(%{attributes: %{value: _}}, type, wire, attributes) do
    value = get(attributes, :value)

    with :ok <- check(value != nil, "needs :value"),
         :ok <- check(Type.is_literal_or_pair(value), "takes a number as :value, got #{inspect(value)}"),
         :ok <- check(Type.holds?(type, value), "#{inspect(value)} is not a #{Type.name(type)}"),
         do: {:ok, Map.put(wire, :value, GpuNode.Protocol.literal(type, value))}
  end

  defp constant(_row, _type, wire, _attributes), do: {:ok, wire}

  defp type_of(%{type: type}), do: type
  defp type_of({type, _number}), do: type
  defp type_of(number), do: Type.infer(number)

  defp shape_of(%{shape: shape}), do: shape
  defp shape_of(_number), do: {}

  defp given(attributes) do
    shape = get(attributes, :shape)
    with :ok <- check(shape != nil, "needs :shape"), :ok <- Shape.check(shape), do: {:ok, shape}
  end

  defp check(true, _text), do: :ok
  defp check(false, text), do: {:error, text}

  # One axis, or none.
  defp axis(nil, _shape), do: {:ok, nil}

  defp axis(axis, shape) do
    with :ok <- check(is_integer(axis), "axis is an integer, got #{inspect(axis)}"),
         {:ok, [axis]} <- Shape.normalize_axes(axis, shape),
         do: {:ok, axis}
  end

  defp get(attributes, key), do: Access.get(attributes, key)

  # What is nil is not given; false is a value.
  defp get(attributes, key, default) do
    value = get(attributes, key)
    if is_nil(value), do: default, else: value
  end
end

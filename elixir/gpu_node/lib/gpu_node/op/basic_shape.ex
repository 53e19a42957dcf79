defmodule GpuNode.Op.BasicShape do
  @moduledoc false
  # Shapes of ops but those of GpuNode.Op.FourierShape, MoveShape and WindowShape, and their attributes as the wire has them.

  alias GpuNode.{Shape, Text}
  import GpuNode.Op.Given

  def shape(:elementwise, _row, shapes, _attributes) do
    with {:ok, shape} <- broadcast(shapes), do: {:ok, shape, %{}}
  end

  def shape(:clip, row, [shape | scalars], _attributes) do
    if Enum.all?(scalars, &(&1 == {})),
      do: {:ok, shape, %{}},
      else: {:error, "#{row.operand_names |> tl() |> Enum.join(" and ")} are scalars"}
  end

  def shape(:declared, %{attributes: %{axis: _}}, [], attributes) do
    with {:ok, shape} <- given(attributes),
         {:ok, axis} <- axis(get(attributes, :axis), shape),
         do: {:ok, shape, %{axis: axis}}
  end

  def shape(:declared, _row, [], attributes), do: with({:ok, shape} <- given(attributes), do: {:ok, shape, %{}})

  def shape(:matrix, _row, [], attributes) do
    with {:ok, shape} <- given(attributes),
         :ok <- check(tuple_size(shape) >= 2, "takes a shape of 2 axes or more, got #{inspect(shape)}"),
         do: {:ok, shape, %{}}
  end

  def shape(:reshape, _row, [from], attributes) do
    with {:ok, shape} <- given(attributes),
         :ok <-
           check(
             Shape.size(shape) == Shape.size(from),
             "#{inspect(shape)} has #{Text.count(Shape.size(shape), "element")}, not #{Shape.size(from)}"
           ),
         do: {:ok, shape, %{}}
  end

  def shape(:squeeze, _row, [from], attributes) do
    default = for axis <- Shape.axes(from), elem(from, axis) == 1, do: axis

    with {:ok, axes} <- Shape.normalize_axes(get(attributes, :axes, default), from),
         :ok <- check(Enum.all?(axes, &(elem(from, &1) == 1)), "axes #{inspect(axes)} are not all of dimension 1"),
         do: {:ok, Shape.reduce(from, axes, false), %{axes: axes}}
  end

  def shape(:transpose, _row, [from], attributes) do
    with {:ok, axes} <- Shape.normalize_axes(get(attributes, :axes, Enum.reverse(Shape.axes(from))), from),
         :ok <-
           check(
             length(axes) == tuple_size(from),
             "axes #{inspect(axes)} do not name every axis of #{inspect(from)}"
           ),
         do: {:ok, List.to_tuple(Shape.take(from, axes)), %{axes: axes}}
  end

  def shape(:broadcast, _row, [from], attributes) do
    with {:ok, shape} <- given(attributes),
         {:ok, axes} <- Shape.normalize_axes(get(attributes, :axes, Shape.trailing_axes(from, shape)), shape),
         :ok <- Shape.check_stretch(from, shape, axes),
         do: {:ok, shape, %{axes: axes}}
  end

  def shape(:reduce, _row, [from], attributes) do
    keep? = get(attributes, :keep_axes, false)

    with :ok <- check(is_boolean(keep?), "keep_axes is a boolean, got #{inspect(keep?)}"),
         {:ok, axes} <- Shape.normalize_axes(get(attributes, :axes, Shape.axes(from)), from) do
      wire = if get(attributes, :axes) != nil, do: Enum.sort(axes), else: nil
      {:ok, Shape.reduce(from, axes, keep?), %{axes: wire, keep_axes: keep?}}
    end
  end

  def shape(:fold, row, [from, acc], attributes) do
    with :ok <- scalar(acc, :acc),
         do: shape(:reduce, row, [from], attributes)
  end

  def shape(:arg_reduce, row, [from], attributes) do
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

  def shape(:dot, _row, [a, b], attributes) do
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

  def shape(:concatenate, _row, [first | others] = shapes, attributes) do
    with {:ok, axis} <- axis(get(attributes, :axis, 0), first),
         rest = &Tuple.delete_at(&1, axis),
         :ok <-
           check(
             Enum.all?(others, &(tuple_size(&1) == tuple_size(first) and rest.(&1) == rest.(first))),
             "the shapes must be alike but for axis #{axis}"
           ),
         do: {:ok, put_elem(first, axis, shapes |> Enum.map(&elem(&1, axis)) |> Enum.sum()), %{axis: axis}}
  end

  def shape(:top_k, _row, [from], attributes) do
    k = get(attributes, :k, 1)
    last = tuple_size(from) - 1

    with :ok <- check(last >= 0, "takes a tensor of 1 axis or more"),
         :ok <-
           check(is_integer(k) and k in 1..elem(from, last)//1, "k is 1 to #{elem(from, last)}, got #{inspect(k)}"),
         do: {:ok, put_elem(from, last, k), %{k: k}}
  end

  def shape(:along_axis, row, [from], attributes) do
    with {:ok, wire} <- words(row, attributes),
         {:ok, axis} <- axis(get(attributes, :axis, 0), from),
         do: {:ok, from, Map.put(wire, :axis, axis)}
  end

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
end

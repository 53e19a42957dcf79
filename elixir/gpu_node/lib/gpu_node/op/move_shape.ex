defmodule GpuNode.Op.MoveShape do
  @moduledoc false
  # Shapes of what moves elements, and its attributes as the wire has them.

  alias GpuNode.{Shape, Text}
  import GpuNode.Op.Given

  def shape(:stack, _row, [first | others], attributes) do
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

  def shape(:reverse, _row, [from], attributes) do
    with {:ok, axes} <- Shape.normalize_axes(get(attributes, :axes, Shape.axes(from)), from),
         do: {:ok, from, %{axes: axes}}
  end

  def shape(:slice, _row, [from], attributes) do
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

  def shape(:put_slice, _row, [whole, part], attributes) do
    fits? =
      tuple_size(part) == tuple_size(whole) and
        Enum.all?(Enum.zip(Tuple.to_list(part), Tuple.to_list(whole)), fn {own, size} -> own <= size end)

    with {:ok, starts} <- each_axis(attributes, :starts, whole, &(is_integer(&1) or &1 == :operand)),
         :ok <- check(fits?, "#{inspect(part)} does not fit into #{inspect(whole)}"),
         do: {:ok, whole, %{starts: starts}}
  end

  def shape(:pad, _row, [from, value], attributes) do
    edges? = fn
      {low, high} -> is_integer(low) and is_integer(high)
      {low, high, interior} -> is_integer(low) and is_integer(high) and is_integer(interior) and interior >= 0
      _ -> false
    end

    with :ok <- scalar(value, :value),
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

  def shape(:gather, _row, [from, indices], attributes) do
    with {:ok, axes} <- indexed_axes(from, indices, attributes),
         do: {:ok, List.to_tuple(outer(indices) ++ Shape.take(from, Shape.axes(from) -- axes)), %{axes: axes}}
  end

  def shape(:take, _row, [from, indices], attributes) do
    with {:ok, axis} <- axis(get(attributes, :axis, 0), from) do
      {before, [_ | rest]} = from |> Tuple.to_list() |> Enum.split(axis)
      {:ok, List.to_tuple(before ++ Tuple.to_list(indices) ++ rest), %{axis: axis}}
    end
  end

  def shape(:take_along_axis, _row, [from, indices], attributes) do
    with {:ok, axis} <- axis(get(attributes, :axis, 0), from),
         :ok <-
           check(
             tuple_size(from) == tuple_size(indices) and Tuple.delete_at(from, axis) == Tuple.delete_at(indices, axis),
             "indices are of the shape #{inspect(from)} but for axis #{axis}, got #{inspect(indices)}"
           ),
         do: {:ok, indices, %{axis: axis}}
  end

  def shape(:indexed, _row, [whole, indices, updates], attributes) do
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
end

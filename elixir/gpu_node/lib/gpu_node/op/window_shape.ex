defmodule GpuNode.Op.WindowShape do
  @moduledoc false
  # Shapes of what goes by windows, and its attributes as the wire has them.

  alias GpuNode.{Shape, Text}
  import GpuNode.Op.Given

  def shape(:window, _row, [from], attributes) do
    with {:ok, places, wire} <- places(from, attributes), do: {:ok, places, wire}
  end

  def shape(:window_fold, _row, [from, acc], attributes) do
    with :ok <- scalar(acc, :acc), do: places(from, attributes)
  end

  def shape(:window_scatter, _row, [from, source, init], attributes) do
    with {:ok, places, wire} <- places(from, attributes),
         :ok <- check(source == places, "source has the shape #{inspect(places)}, got #{inspect(source)}"),
         :ok <- scalar(init, :init),
         do: {:ok, from, Map.delete(wire, :window_dilations)}
  end

  def shape(:conv, row, [from, kernel], attributes) do
    spatial = tuple_size(from) - 2
    counts = Map.new([:feature_group_size, :batch_group_size], &{&1, get(attributes, &1, 1)})

    with :ok <-
           check(
             spatial >= 0 and tuple_size(kernel) == tuple_size(from),
             "tensor and kernel have as many axes, at least 2, got #{inspect(from)} and #{inspect(kernel)}"
           ),
         {:ok, input_axes} <- permutation(attributes, :input_permutation, from),
         {:ok, kernel_axes} <- permutation(attributes, :kernel_permutation, kernel),
         {:ok, output_axes} <- permutation(attributes, :output_permutation, from),
         places = List.duplicate(0, spatial) |> List.to_tuple(),
         {:ok, wire} <- optional(attributes, [:strides, :input_dilation, :kernel_dilation], places),
         {:ok, padding} <- each_axis(attributes, :padding, places, &edges?/1),
         :ok <- positive(counts),
         [batch, channels | sizes] = Shape.take(from, input_axes),
         [filters, depth | window] = Shape.take(kernel, kernel_axes),
         %{feature_group_size: features, batch_group_size: batches} = counts,
         :ok <- check(features == 1 or batches == 1, "only one of feature_group_size and batch_group_size is above 1"),
         :ok <-
           check(
             rem(channels, features) == 0 and div(channels, features) == depth,
             "tensor has #{Text.count(channels, "channel")} in #{Text.count(features, "group")}, kernel #{depth} for each"
           ),
         :ok <-
           check(
             rem(batch, batches) == 0 and rem(filters, features * batches) == 0,
             "a batch of #{batch} and #{Text.count(filters, "filter")} do not divide into #{Text.count(features * batches, "group")}"
           ),
         ones = List.duplicate(1, spatial),
         dilated = Enum.zip_with(sizes, wire.input_dilation || ones, &max((&1 - 1) * &2 + 1, min(&1, 1))),
         wide = Enum.zip_with(window, wire.kernel_dilation || ones, &((&1 - 1) * &2 + 1)),
         {:ok, counted} <- fitting(dilated, wide, padding, wire.strides || ones) do
      untransposed = [div(batch, batches), filters | counted]
      shape = output_axes |> Enum.zip(untransposed) |> Enum.sort() |> Enum.map(&elem(&1, 1)) |> List.to_tuple()
      axes = %{input_permutation: input_axes, kernel_permutation: kernel_axes, output_permutation: output_axes}

      {:ok, shape,
       wire |> Map.merge(counts) |> Map.merge(axes) |> Map.put(:padding, padding) |> Map.take(Map.keys(row.attributes))}
    end
  end

  # Where windows lie on each axis, and the attributes of windows as the wire has them.
  defp places(from, attributes) do
    with {:ok, window} <- each_axis(attributes, :window, from, &(is_integer(&1) and &1 >= 1)),
         {:ok, padding} <- each_axis(attributes, :padding, from, &edges?/1),
         {:ok, wire} <- optional(attributes, [:strides, :window_dilations], from),
         ones = List.duplicate(1, tuple_size(from)),
         wide = Enum.zip_with(window, wire.window_dilations || ones, &((&1 - 1) * &2 + 1)),
         {:ok, counted} <- fitting(Tuple.to_list(from), wide, padding, wire.strides || ones),
         do: {:ok, List.to_tuple(counted), Map.merge(wire, %{window: window, padding: padding})}
  end

  defp edges?({low, high}), do: is_integer(low) and is_integer(high)
  defp edges?(_other), do: false

  defp fitting(sizes, windows, padding, strides) do
    [sizes, windows, padding, strides]
    |> Enum.zip_with(fn [size, window, {low, high}, stride] -> {size + low + high, window, stride} end)
    |> Enum.reduce_while({:ok, []}, fn
      {size, window, _stride}, _counted when window > size ->
        {:halt, {:error, "a window over #{window} does not fit into #{size} with padding"}}

      {size, window, stride}, {:ok, counted} ->
        {:cont, {:ok, counted ++ [div(size - window, stride) + 1]}}
    end)
  end

  defp optional(attributes, keys, shape) do
    Enum.reduce_while(keys, {:ok, %{}}, fn key, {:ok, wire} ->
      checked =
        if get(attributes, key) == nil,
          do: {:ok, nil},
          else: each_axis(attributes, key, shape, &(is_integer(&1) and &1 >= 1))

      case checked do
        {:ok, list} -> {:cont, {:ok, Map.put(wire, key, list)}}
        error -> {:halt, error}
      end
    end)
  end

  defp positive(counts) do
    case Enum.find(counts, fn {_key, count} -> not (is_integer(count) and count >= 1) end) do
      nil -> :ok
      {key, count} -> {:error, "#{key} is an integer of at least 1, got #{inspect(count)}"}
    end
  end

  defp permutation(attributes, key, shape) do
    axes = get(attributes, key, Shape.axes(shape))

    with {:ok, axes} <- Shape.normalize_axes(axes, shape),
         :ok <-
           check(
             length(axes) == tuple_size(shape),
             "#{key} #{inspect(axes)} does not name every axis of #{inspect(shape)}"
           ),
         do: {:ok, axes}
  end
end

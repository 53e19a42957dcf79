defmodule GpuNode.Op.Given do
  @moduledoc false
  # The attributes that a caller gave an op, looked at one by one: what the shape rules share. Functions return {:error, text}.

  alias GpuNode.{Shape, Text}

  def given(attributes) do
    shape = get(attributes, :shape)
    with :ok <- check(shape != nil, "needs :shape"), :ok <- Shape.check(shape), do: {:ok, shape}
  end

  def check(true, _text), do: :ok
  def check(false, text), do: {:error, text}

  def scalar(shape, name), do: check(shape == {}, "#{name} is a scalar, got one of shape #{inspect(shape)}")

  # One axis, or none.
  def axis(nil, _shape), do: {:ok, nil}

  def axis(axis, shape) do
    with :ok <- check(is_integer(axis), "axis is an integer, got #{inspect(axis)}"),
         {:ok, [axis]} <- Shape.normalize_axes(axis, shape),
         do: {:ok, axis}
  end

  def get(attributes, key), do: Access.get(attributes, key)

  # What is nil is not given, or as if (see GpuNode.Op.Rule); false is a value.
  def get(attributes, key, default) do
    value = get(attributes, key)
    if is_nil(value), do: default, else: value
  end

  # The attributes that are a boolean or one of some words, by the row.
  def words(row, attributes) do
    Enum.reduce_while(row.attributes, {:ok, %{}}, fn
      {key, %{kind: kind, default: {:ok, default}}}, {:ok, wire} when kind == :boolean or is_list(kind) ->
        choices = if kind == :boolean, do: [true, false], else: kind
        value = get(attributes, key, default)

        if value in choices,
          do: {:cont, {:ok, Map.put(wire, key, value)}},
          else: {:halt, {:error, "#{key} is #{Enum.map_join(choices, " or ", &inspect/1)}, got #{inspect(value)}"}}

      _other, so_far ->
        {:cont, so_far}
    end)
  end

  # A list with one entry for each axis of |shape|.
  def each_axis(attributes, key, shape, good?) do
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

  defp entries(:padding), do: "of {low, high}, of pad also of {low, high, interior}"
  defp entries(:starts), do: "of integers and tensors"
  defp entries(key) when key in [:lengths, :strides], do: "of integers"
  defp entries(_key), do: "of integers of at least 1"
end

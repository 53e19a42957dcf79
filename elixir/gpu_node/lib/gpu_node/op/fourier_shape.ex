defmodule GpuNode.Op.FourierShape do
  @moduledoc false
  # Shapes of Fourier transforms, and their attributes as the wire has them.

  alias GpuNode.Shape
  import GpuNode.Op.Given

  # Lengths of more are refused.
  @most Bitwise.bsl(1, 40)

  def shape(:fourier_2, row, [from], attributes) do
    default = [tuple_size(from) - 2, tuple_size(from) - 1]

    with :ok <- check(tuple_size(from) >= 2, "takes a tensor of 2 axes or more, got one of shape #{inspect(from)}"),
         {:ok, axes} <- Shape.normalize_axes(get(attributes, :axes, default), from),
         :ok <- check(length(axes) == 2, "axes are 2, got #{inspect(axes)}"),
         lengths = get(attributes, :lengths),
         :ok <-
           check(
             is_nil(lengths) or (match?([_, _], lengths) and Enum.all?(lengths, &length?/1)),
             "lengths are 2 integers from 1 to 2^40, got #{inspect(lengths)}"
           ),
         {:ok, eps} <- eps(row, attributes) do
      shape =
        axes |> Enum.zip(lengths || Shape.take(from, axes)) |> Enum.reduce(from, fn {a, n}, s -> put_elem(s, a, n) end)

      {:ok, shape, %{axes: axes, lengths: lengths, eps: eps}}
    end
  end

  def shape(rule, row, [from], attributes) do
    length = get(attributes, :length)

    with :ok <- check(tuple_size(from) >= 1, "takes a tensor of 1 axis or more"),
         {:ok, axis} <- axis(get(attributes, :axis, tuple_size(from) - 1), from),
         :ok <-
           check(is_nil(length) or length?(length), "length is an integer from 1 to 2^40, got #{inspect(length)}"),
         {:ok, given} <- length(rule, length, elem(from, axis), axis),
         {:ok, eps} <- eps(row, attributes),
         do: {:ok, put_elem(from, axis, given), %{axis: axis, length: length, eps: eps}}
  end

  # What is along the axis in the result.
  defp length(:fourier, length, extent, _axis), do: {:ok, length || extent}

  defp length(:fourier_half, length, extent, _axis) do
    length = length || extent
    {:ok, if(length == 0, do: 0, else: div(length, 2) + 1)}
  end

  defp length(:fourier_whole, nil, extent, axis) do
    with :ok <- check(extent >= 2, "needs a length, or at least 2 along axis #{axis}, got #{extent}"),
         do: {:ok, 2 * (extent - 1)}
  end

  defp length(:fourier_whole, length, _extent, _axis), do: {:ok, length}

  defp length?(length), do: is_integer(length) and length in 1..@most

  defp eps(row, attributes) do
    %{default: {:ok, default}} = row.attributes.eps
    eps = get(attributes, :eps, default)
    with :ok <- check(is_number(eps), "eps is a number, got #{inspect(eps)}"), do: {:ok, eps}
  end
end

defmodule GpuNode.Shape do
  @moduledoc """
  Shapes: tuples of at most 32 dimensions of 0 or more, row-major. Functions that can fail return `{:error, text}`; the text
  becomes part of a `GpuNode.Error`.
  """

  alias GpuNode.{Argument, Error, Options}

  @type t :: tuple
  @type reason :: {:error, String.t()}

  @max_rank 32
  @max_elements Bitwise.bsl(1, 62)

  @doc "Checks that `shape` is one."
  @spec check(term) :: :ok | reason
  def check(shape) when is_tuple(shape) do
    dims = Tuple.to_list(shape)

    cond do
      tuple_size(shape) > @max_rank ->
        {:error, "a shape has at most #{@max_rank} dimensions, got #{tuple_size(shape)}"}

      not Enum.all?(dims, &(is_integer(&1) and &1 >= 0)) ->
        {:error, "a shape is a tuple of integers of 0 or more, got #{inspect(shape)}"}

      size(shape) > @max_elements ->
        {:error, "#{inspect(shape)} has more than 2^62 elements"}

      true ->
        :ok
    end
  end

  def check(shape), do: {:error, "a shape is a tuple of integers of 0 or more, got #{inspect(shape)}"}

  @doc "The shape of nested lists, `{}` of what is no list. `:error` where they are not of the same length at every depth."
  @spec of_lists(term) :: {:ok, t} | :error
  def of_lists([first | _] = list) do
    with false <- List.improper?(list),
         {:ok, inner} <- of_lists(first),
         true <- Enum.all?(list, &lists_of?(&1, Tuple.to_list(inner))) do
      {:ok, Tuple.insert_at(inner, 0, length(list))}
    else
      _uneven -> :error
    end
  end

  def of_lists([]), do: {:ok, {0}}
  def of_lists(_number), do: {:ok, {}}

  defp lists_of?(number, []), do: not is_list(number)

  defp lists_of?(list, [length | inner]),
    do: is_list(list) and not List.improper?(list) and length(list) == length and Enum.all?(list, &lists_of?(&1, inner))

  @doc "Number of elements."
  @spec size(t) :: non_neg_integer
  def size({}), do: 1
  def size({a}) when is_integer(a), do: a
  def size({a, b}) when is_integer(a) and is_integer(b), do: a * b

  def size(shape) when tuple_size(shape) > 2, do: product(shape, tuple_size(shape), 1)
  def size(shape), do: no_shape(shape)

  defp product(_shape, 0, product), do: product

  defp product(shape, at, product) do
    dim = elem(shape, at - 1)
    if is_integer(dim), do: product(shape, at - 1, product * dim), else: no_shape(shape)
  end

  @doc "The shape of two operands that broadcast: aligned at the last axis, dimensions of 1 stretch."
  @spec broadcast(t, t) :: {:ok, t} | reason
  def broadcast(shape, shape), do: {:ok, shape}
  def broadcast(shape, {}), do: {:ok, shape}
  def broadcast({}, shape), do: {:ok, shape}

  def broadcast(left, right) do
    shape!(left)
    shape!(right)

    case stretch(reversed(left), reversed(right), []) do
      :error -> {:error, "shapes #{inspect(left)} and #{inspect(right)} do not broadcast"}
      dims -> {:ok, List.to_tuple(dims)}
    end
  end

  defp stretch([d | left], [d | right], dims), do: stretch(left, right, [d | dims])
  defp stretch([1 | left], [d | right], dims), do: stretch(left, right, [d | dims])
  defp stretch([d | left], [1 | right], dims), do: stretch(left, right, [d | dims])
  defp stretch([], rest, dims), do: Enum.reverse(rest, dims)
  defp stretch(rest, [], dims), do: Enum.reverse(rest, dims)
  defp stretch(_left, _right, _dims), do: :error

  defp reversed(shape), do: shape |> Tuple.to_list() |> Enum.reverse()

  @doc "Checks that `shape` with its axes laid at `axes` (ascending) stretches to `target`."
  @spec check_stretch(t, t, [non_neg_integer]) :: :ok | reason
  def check_stretch(shape, target, axes) do
    shape!(shape)
    shape!(target)

    fits? =
      is_list(axes) and not List.improper?(axes) and length(axes) == tuple_size(shape) and Enum.sort(axes) == axes and
        Enum.uniq(axes) == axes and
        shape
        |> Tuple.to_list()
        |> Enum.zip(axes)
        |> Enum.all?(fn {dim, axis} ->
          axis in 0..(tuple_size(target) - 1)//1 and (dim == 1 or dim == elem(target, axis))
        end)

    if fits?,
      do: :ok,
      else: {:error, "#{inspect(shape)} does not broadcast to #{inspect(target)} with axes #{inspect(axes)}"}
  end

  @doc "The axes that `broadcast` uses when none are named: the last ones of `target`."
  @spec trailing_axes(t, t) :: [non_neg_integer]
  def trailing_axes(shape, target) do
    shape!(shape)
    shape!(target)
    offset = tuple_size(target) - tuple_size(shape)
    if offset < 0, do: [], else: Enum.map(axes(shape), &(&1 + offset))
  end

  @doc "All axes, in order."
  @spec axes(t) :: [non_neg_integer]
  def axes(shape) do
    shape!(shape)
    Enum.to_list(0..(tuple_size(shape) - 1)//1)
  end

  @doc "Axes counted from the front; negative ones count from the back. Refuses duplicates and axes out of range."
  @spec normalize_axes([integer] | integer, t) :: {:ok, [non_neg_integer]} | reason
  def normalize_axes(axis, shape) when is_integer(axis), do: normalize_axes([axis], shape)

  def normalize_axes(axes, shape) when is_list(axes) do
    shape!(shape)
    if List.improper?(axes), do: no_axes(axes), else: normal(axes, shape, tuple_size(shape))
  end

  def normalize_axes(axes, _shape), do: no_axes(axes)

  defp no_axes(axes), do: {:error, "axes are a list of integers, got #{inspect(axes)}"}

  defp normal(axes, shape, rank) do
    normal = Enum.map(axes, &if(is_integer(&1) and &1 < 0, do: &1 + rank, else: &1))

    cond do
      not Enum.all?(normal, &(is_integer(&1) and &1 >= 0 and &1 < rank)) ->
        {:error, "axes #{inspect(axes)} are out of range for shape #{inspect(shape)}"}

      Enum.uniq(normal) != normal ->
        {:error, "axes #{inspect(axes)} name an axis twice"}

      true ->
        {:ok, normal}
    end
  end

  @doc "The shape without `axes`, or with 1 there when `keep?`."
  @spec reduce(t, [non_neg_integer], boolean) :: t
  def reduce(shape, axes, keep?) do
    shape!(shape)
    places!(axes, shape)
    Argument.check!(keep?, :boolean, "keep?", "GpuNode.Shape.reduce/3")
    dims = shape |> Tuple.to_list() |> Enum.with_index()

    if keep?,
      do: List.to_tuple(for({dim, axis} <- dims, do: if(axis in axes, do: 1, else: dim))),
      else: List.to_tuple(for({dim, axis} <- dims, axis not in axes, do: dim))
  end

  @doc "The dimensions at `axes`."
  @spec take(t, [non_neg_integer]) :: [non_neg_integer]
  def take(shape, axes) do
    shape!(shape)
    places!(axes, shape)
    Enum.map(axes, &elem(shape, &1))
  end

  # Each op comes here: what its dimensions are is looked at where it matters.
  defp shape!(shape) when is_tuple(shape), do: :ok
  defp shape!(shape), do: no_shape(shape)

  defp no_shape(shape), do: refuse("a shape is a tuple of integers of 0 or more, got #{Options.show(shape)}")

  # Axes that are counted from the front already.
  defp places!(axes, shape) do
    rank = tuple_size(shape)

    if is_list(axes) and not List.improper?(axes) and Enum.all?(axes, &(is_integer(&1) and &1 >= 0 and &1 < rank)),
      do: :ok,
      else: refuse("axes of #{inspect(shape)} are a list of integers from 0 to #{rank - 1}, got #{Options.show(axes)}")
  end

  defp refuse(text), do: Error.raise!(Error.new(:invalid_argument, text))
end

defmodule GpuNode.Op.MatrixShape do
  @moduledoc false
  # Shapes of ops of matrices, the last two axes of their operands: of one result a shape, of several a list.

  import GpuNode.Op.Given

  def shape(:triangular_solve, row, [a, b], attributes) do
    with {:ok, wire} <- words(row, attributes),
         {:ok, batch, n} <- square(a),
         :ok <- check(right_sides?(Tuple.to_list(b), batch, n, wire.left_side), mismatch(a, b, n, wire.left_side)),
         do: {:ok, b, wire}
  end

  def shape(:square, row, [from], _attributes) do
    with {:ok, _batch, _n} <- square(from),
         do: {:ok, if(row.results == 1, do: from, else: List.duplicate(from, row.results)), %{}}
  end

  def shape(:qr, row, [from], attributes) do
    with {:ok, wire} <- words(row, attributes),
         {:ok, batch, m, n} <- sides(from),
         k = if(wire.mode == :complete, do: m, else: min(m, n)),
         do: {:ok, [of(batch, [m, k]), of(batch, [k, n])], wire}
  end

  def shape(:eigh, _row, [from], _attributes) do
    with {:ok, batch, n} <- square(from), do: {:ok, [of(batch, [n]), from], %{}}
  end

  def shape(:svd, row, [from], attributes) do
    with {:ok, wire} <- words(row, attributes),
         {:ok, batch, m, n} <- sides(from) do
      k = min(m, n)
      {u, v} = if wire.full_matrices?, do: {m, n}, else: {k, k}
      {:ok, [of(batch, [m, u]), of(batch, [k]), of(batch, [v, n])], wire}
    end
  end

  # Vectors, or matrices of them.
  defp right_sides?(b, batch, n, left?) do
    case List.starts_with?(b, batch) && Enum.drop(b, length(batch)) do
      [^n] -> true
      [rows, columns] -> n == if(left?, do: rows, else: columns)
      _ -> false
    end
  end

  defp mismatch(a, b, n, left?) do
    "b #{inspect(b)} must have the batch of a #{inspect(a)}, then #{n} elements or matrices of #{n} " <>
      if(left?, do: "rows", else: "columns")
  end

  defp square(shape) do
    with {:ok, batch, m, n} <- matrix(shape),
         :ok <- check(m == n, "takes square matrices, got #{inspect(shape)}"),
         do: {:ok, batch, m}
  end

  defp sides(shape) do
    with {:ok, batch, m, n} <- matrix(shape),
         :ok <- check(m > 0 and n > 0, "takes matrices of 1 row and 1 column or more, got #{inspect(shape)}"),
         do: {:ok, batch, m, n}
  end

  defp matrix(shape) when tuple_size(shape) < 2,
    do: {:error, "takes a tensor of 2 axes or more, the last two of which are matrices, got #{inspect(shape)}"}

  defp matrix(shape) do
    {batch, [m, n]} = shape |> Tuple.to_list() |> Enum.split(-2)
    {:ok, batch, m, n}
  end

  defp of(batch, sides), do: List.to_tuple(batch ++ sides)
end

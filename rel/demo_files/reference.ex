defmodule Demo.Reference do
  @moduledoc """
  Multinomial logistic regression by gradient descent in plain Elixir, in double precision: what the GPU node's result is
  checked against.

  With features X (n rows, the last column 1), one-hot labels Y and weights W, one step is
  W <- W - rate * X^T (softmax(X W) - Y) / n, and the loss is the mean cross-entropy before the step.
  """

  @doc "The rows and labels of the CSV, features scaled to mean 0 and deviation 1, with a last column of ones."
  def load(path) do
    [header | lines] = path |> File.read!() |> String.split("\n", trim: true)
    records = for line <- lines, do: String.split(line, ",")
    names = header |> String.split(",") |> Enum.drop(-1)
    species = records |> Enum.map(&List.last/1) |> Enum.uniq()
    columns = records |> Enum.map(fn r -> r |> Enum.drop(-1) |> Enum.map(&String.to_float/1) end) |> transpose()
    rows = columns |> Enum.map(&scale/1) |> transpose() |> Enum.map(&(&1 ++ [1.0]))
    labels = for r <- records, do: Enum.find_index(species, &(&1 == List.last(r)))
    one_hot = for l <- labels, do: for(k <- 0..(length(species) - 1), do: if(k == l, do: 1.0, else: 0.0))
    %{features: names, species: species, rows: rows, labels: labels, one_hot: one_hot}
  end

  @doc "Weights (features x classes) and loss after `steps` steps from zero."
  def train(%{rows: rows, one_hot: one_hot}, steps, rate) do
    zero = for _ <- hd(rows), do: for(_ <- hd(one_hot), do: 0.0)
    by_column = transpose(rows)
    count = length(rows)

    Enum.reduce(1..steps, {zero, nil}, fn _, {weights, _} ->
      probabilities = Enum.map(rows, &softmax(times(&1, weights)))
      loss = -mean(for {p, y} <- Enum.zip(probabilities, one_hot), do: :math.log(dot(p, y)))

      errors =
        for {p, y} <- Enum.zip(probabilities, one_hot), do: Enum.zip_with(p, y, &(&1 - &2))

      by_class = transpose(errors)

      updated =
        for {column, row} <- Enum.zip(by_column, weights) do
          for {error, w} <- Enum.zip(by_class, row), do: w - rate * dot(column, error) / count
        end

      {updated, loss}
    end)
  end

  @doc "The share of rows whose most likely class is their label."
  def accuracy(%{rows: rows, labels: labels}, weights) do
    right =
      for {row, label} <- Enum.zip(rows, labels) do
        scores = times(row, weights)
        if Enum.find_index(scores, &(&1 == Enum.max(scores))) == label, do: 1.0, else: 0.0
      end

    mean(right)
  end

  defp softmax(scores) do
    top = Enum.max(scores)
    powers = Enum.map(scores, &:math.exp(&1 - top))
    total = Enum.sum(powers)
    Enum.map(powers, &(&1 / total))
  end

  defp times(row, weights), do: weights |> transpose() |> Enum.map(&dot(row, &1))
  defp dot(a, b), do: Enum.zip_reduce(a, b, 0.0, &(&1 * &2 + &3))
  defp mean(values), do: Enum.sum(values) / length(values)
  defp transpose(rows), do: Enum.zip_with(rows, & &1)

  defp scale(column) do
    centre = mean(column)
    deviation = :math.sqrt(mean(for v <- column, do: (v - centre) ** 2))
    Enum.map(column, &((&1 - centre) / deviation))
  end
end

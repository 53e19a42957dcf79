defmodule Nx.Vulkan.Test.MoreRows do
  @moduledoc false
  # The cases of Nx.Vulkan.Test.Rows for ops that index, cut, join, slide windows, and solve.

  import Nx.Vulkan.Test.Rows,
    only: [any: 2, any: 3, any: 4, exact: 2, exact: 3, exact: 4, small: 2, small: 4, others: 2, places: 0]

  alias Nx.Vulkan.Test.Operand

  @layouts [:contiguous, :transposed, :sliced, :broadcast, :names, :vectorized]

  def arguments(:slice, [:tensor, :starts, :lengths, :strides], type) do
    fixed =
      for layout <- @layouts,
          {starts, lengths, strides} <- [{[0, 1], [2, 3], [1, 1]}, {[9, -3], [2, 2], [1, 1]}, {[0, 0], [4, 5], [2, 3]}] do
        {fn [t] -> Nx.slice(t, starts, lengths, strides: strides) end, [any(type, {4, 5}, layout)]}
      end

    fixed ++
      for place <- [:ours, :host, :literal],
          start <- [0, 2, 100],
          do: {fn [t, start] -> Nx.slice(t, [start, 1], [2, 3]) end, [any(type, {4, 5}), index(start, place)]}
  end

  def arguments(:put_slice, [:tensor, :starts, :slice], type) do
    for {layout, other} <- Enum.zip(@layouts, [type, type | others(type, 4)]),
        place <- [:ours, :host],
        start <- [0, 1, 50] do
      # Nx casts a vectorized slice to a vectorized tensor only.
      slice = if layout == :vectorized, do: :vectorized, else: :transposed

      {fn [t, s, start] -> Nx.put_slice(t, [start, 2], s) end,
       [any(type, {4, 5}, layout), any(other, {2, 2}, slice, place), index(start, place)]}
    end
  end

  def arguments(:gather, [:tensor, :indices, :opts], type) do
    whole =
      for layout <- @layouts -- [:vectorized], place <- [:ours, :host] do
        {fn [t, i] -> Nx.gather(t, i) end, [any(type, {4, 5}, layout), indices([[0, 0], [3, 4], [1, 2]], place)]}
      end

    whole ++
      for axes <- [[0], [1]],
          do: {fn [t, i] -> Nx.gather(t, i, axes: axes) end, [any(type, {4, 5}), indices([[3], [0], [3]], :ours)]}
  end

  def arguments(op, [:tensor, :indices, :updates, :opts], type) do
    for {layout, other} <- Enum.zip(@layouts -- [:vectorized], [type, type | others(type, 3)]),
        place <- [:ours, :host] do
      {fn [t, i, u] -> apply(Nx, op, [t, i, u]) end,
       [exact(type, {4, 5}, layout), indices([[0, 0], [3, 4], [1, 2], [0, 0]], place), exact(other, {4})]}
    end ++
      [
        {fn [t, i, u] -> apply(Nx, op, [t, i, u, [axes: [1]]]) end,
         [exact(type, {4, 5}), indices([[1], [4], [1]], :ours), exact(type, {3, 4})]}
      ]
  end

  def arguments(op, [:tensors, :axis], type) do
    for layout <- @layouts, axis <- [0, 1], other <- [type | others(type, 1)] do
      {first, second} = places()
      second_layout = if layout == :vectorized, do: :vectorized, else: :transposed
      tensors = [any(type, {2, 3}, layout, first), any(other, {2, 3}, second_layout, second)]
      tensors = if layout == :contiguous, do: [any(type, {2, 3}) | tensors], else: tensors
      {fn [tensors] -> apply(Nx, op, [tensors, [axis: axis]]) end, [tensors]}
    end
  end

  def arguments(:conv, [:tensor, :kernel, :opts], type) do
    for {input, kernel, options} <- [
          {{1, 2, 5}, {3, 2, 2}, []},
          {{2, 1, 4, 5}, {2, 1, 2, 3}, [padding: :same]},
          {{1, 2, 5, 5}, {3, 2, 3, 3}, [strides: [2, 1], padding: [{1, 0}, {-1, 2}]]},
          {{1, 2, 6, 6}, {2, 2, 2, 2}, [kernel_dilation: [2, 1], input_dilation: [1, 2]]},
          {{1, 4, 4, 4}, {4, 2, 2, 2}, [feature_group_size: 2]},
          {{4, 2, 4, 4}, {4, 2, 2, 2}, [batch_group_size: 2]},
          {{1, 4, 5, 2}, {2, 2, 2, 3},
           [input_permutation: [0, 3, 1, 2], kernel_permutation: [3, 2, 0, 1], output_permutation: [0, 3, 1, 2]]},
          {{1, 1, 3, 3, 3}, {2, 1, 2, 2, 2}, []}
        ],
        layout <- [:contiguous, :transposed] do
      {first, second} = places()

      {fn [t, k] -> Nx.conv(t, k, options) end,
       [small(type, input, layout, first), small(type, kernel, :contiguous, second)]}
    end
  end

  def arguments(:triangular_solve, [:a, :b, :opts], type) do
    for lower <- [true, false], left <- [true, false], transform <- [:none, :transpose], shape <- [{3, 3}, {3}] do
      if shape == {3} and not left do
        []
      else
        {fn [a, b] ->
           a =
             Nx.add(
               Nx.multiply(
                 a,
                 if(lower, do: Nx.tril(Nx.broadcast(0.25, {3, 3})), else: Nx.triu(Nx.broadcast(0.25, {3, 3})))
               ),
               Nx.multiply(4, Nx.eye(3))
             )

           Nx.LinAlg.triangular_solve(a, b, lower: lower, left_side: left, transform_a: transform)
         end, [small(type, {3, 3}), small(type, shape)]}
      end
    end
    |> List.flatten()
  end

  # The oracle has types below a byte as bytes, whose ends are others: there no window is all padding.
  def arguments(op, [:tensor, :shape, :opts], {_, size} = type) do
    behind = if size < 8, do: 1, else: 2

    for layout <- @layouts,
        {window, options} <- [
          {{2, 2}, []},
          {{1, 3}, [padding: :same]},
          {{2, 1}, [strides: [2, 2], padding: [{1, 0}, {0, behind}]]},
          {{2, 2}, [window_dilations: [1, 2], padding: [{-1, 0}, {0, 0}]]}
        ],
        do: {fn [t] -> apply(Nx, op, [t, window, options]) end, [exact(type, {4, 5}, layout)]}
  end

  def arguments(op, [:tensor, :source, :init, :shape, :opts], type) do
    for {layout, place} <- [contiguous: :ours, transposed: :host, sliced: :literal],
        {source, options} <- [{{2, 3}, [strides: [2, 2]]}, {{3, 5}, []}, {{3, 6}, [padding: [{0, 0}, {1, 0}]]}] do
      {fn [t, s, i] -> apply(Nx, op, [t, s, i, {2, 2}, options]) end,
       [scattered(type, {4, 6}, layout), scattered(type, source), scattered(type, {}, :scalar, place)]}
    end
  end

  def arguments(_op, _arguments, _type), do: nil

  # BinaryBackend compares and adds what it scatters as numbers of s32.
  defp scattered(type, shape, layout \\ :contiguous, place \\ :ours)

  defp scattered({kind, size} = type, shape, layout, place) when kind in [:s, :u] and size >= 32,
    do: small(type, shape, layout, place)

  defp scattered(type, shape, layout, place), do: exact(type, shape, layout, place)

  defp index(number, place),
    do: Operand.new(Enum.random(s: 32, s: 64, u: 8), {}, place: place, role: :index, patterns: [number])

  @doc "An operand of indices, a list for each row."
  def indices(rows, place) do
    shape = {length(rows), length(hd(rows))}
    Operand.new(Enum.random(s: 32, s: 64, u: 8), shape, place: place, role: :index, patterns: List.flatten(rows))
  end
end

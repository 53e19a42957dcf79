defmodule Nx.Vulkan.Test.Rows do
  @moduledoc false
  # Cases for a row of Nx.Vulkan.Callbacks, by the row's arguments: a new row that takes what another takes has cases already.
  #
  # A case is {function, arguments}: the function calls Nx, the arguments hold operands (Nx.Vulkan.Test.Operand) and plain values.

  alias Nx.Vulkan.Test.{Numbers, Operand}

  @type case :: {([term] -> Nx.Tensor.t()), [term]}

  @doc "Cases of a row for operands of `type`; nil when nobody has said yet what such a row takes."
  @spec cases(tuple, Nx.Type.t()) :: [case] | nil
  def cases({op, arguments, _operands, _attributes}, type) do
    with list when is_list(list) <- arguments(op, arguments, type) do
      Enum.map(list, fn
        {function, arguments} -> {function, arguments}
        arguments -> {&apply(Nx, op, &1), arguments}
      end)
    end
  end

  @pairs [
    contiguous: :contiguous,
    transposed: :contiguous,
    broadcast: :transposed,
    sliced: :transposed,
    vectorized: :vectorized,
    vectorized: :contiguous,
    names: :contiguous
  ]

  # Ranks and sizes of what takes any.
  @shapes [{1}, {7}, {2, 3}, {2, 1, 3}, {1, 2, 1, 3}, {2, 1, 2, 1, 2}, {2, 1, 1, 3, 1, 2}, {3, 67}]

  ## One operand

  defp arguments(:as_type, [:tensor], type) do
    for target <- Numbers.real_types(), do: [operand(:as_type, [type], type, {2, 3}, layout(), place()), target]
  end

  defp arguments(:bitcast, [:tensor], {_, size} = type) do
    for {kind, ^size} = target <- Numbers.real_types(),
        kind != :c,
        layout <- [:contiguous, :transposed, :vectorized],
        do: [any(type, {3, 4}, layout, place()), target]
  end

  defp arguments(:reshape, [:tensor], type) do
    for layout <- Operand.layouts() -- [:scalar],
        shape <- [{12}, {2, 6}, {1, 3, 4, 1}],
        do: [any(type, {3, 4}, layout, place()), shape]
  end

  defp arguments(op, [:tensor], type) do
    for layout <- Operand.layouts(), place <- [:ours, :literal] do
      [operand(op, [type], type, if(layout == :scalar, do: {}, else: {3, 5}), layout, place)]
    end ++
      for(shape <- @shapes, do: [operand(op, [type], type, shape, :contiguous, :ours)])
  end

  defp arguments(op, [:tensor, :axes], type) when op == :squeeze do
    for layout <- Operand.layouts() -- [:scalar],
        axes <- [[0], [0, 2], [2]],
        do: {fn [t] -> Nx.squeeze(t, axes: axes) end, [any(type, {1, 4, 1}, layout, place())]}
  end

  defp arguments(:transpose, [:tensor, :axes], type) do
    for layout <- Operand.layouts() -- [:scalar],
        axes <- [[0, 1, 2], [2, 1, 0], [1, 2, 0], [0, 2, 1]],
        do: {fn [t] -> Nx.transpose(t, axes: axes) end, [any(type, {2, 3, 4}, layout, place())]}
  end

  defp arguments(op, [:tensor, :axes], type) do
    for layout <- Operand.layouts() -- [:scalar],
        axes <- [[0], [1, 2], [0, 1, 2]],
        do: {fn [t] -> apply(Nx, op, [t, [axes: axes]]) end, [any(type, {2, 3, 4}, layout, place())]}
  end

  defp arguments(:broadcast, [:tensor, :shape, :axes], type) do
    one =
      for layout <- Operand.layouts() -- [:scalar],
          shape <- [{3, 4}, {2, 3, 4}],
          do: [any(type, {3, 4}, layout, place()), shape]

    axes =
      for place <- [:ours, :literal],
          axes <- [[0], [1]],
          do: {fn [t] -> Nx.broadcast(t, {3, 3}, axes: axes) end, [any(type, {3}, :contiguous, place)]}

    one ++
      axes ++
      [[any(type, {}, :scalar, :literal), {2, 2}], [any(type, {}, :scalar, :ours), {2, 2}], [any(type, {1, 4}), {3, 4}]]
  end

  defp arguments(:pad, [:tensor, :value, :padding], type) do
    for {layout, padding} <- [
          contiguous: [{1, 2, 0}, {0, 1, 0}],
          transposed: [{0, 0, 1}, {2, 1, 2}],
          sliced: [{-1, 0, 0}, {1, -2, 0}],
          vectorized: [{1, 1, 0}, {0, 0, 0}],
          names: [{-1, 2, 1}, {-1, -1, 0}]
        ],
        place <- [:ours, :host, :literal],
        do: [any(type, {3, 4}, layout), any(type, {}, :scalar, place), padding]
  end

  # A complex zero is true to BinaryBackend's all and any.
  defp arguments(op, [:tensor, :opts], {:c, _}) when op not in [:sum, :product], do: []

  defp arguments(op, [:tensor, :opts], type) when op in [:fft, :ifft] do
    # BinaryBackend raises for real rows of one.
    for length <- [1, 3, 4, 7, 8, 12],
        layout <- [:contiguous, :transposed, :vectorized],
        cut <- [length, max(length - 2, 1), length + 3],
        cut > 1 or match?({:c, _}, type),
        do: {fn [t] -> apply(Nx, op, [t, [length: cut]]) end, [small(type, {2, length}, layout)]}
  end

  defp arguments(op, [:tensor, :opts], type) when op in [:sort, :argsort] do
    for layout <- Operand.layouts() -- [:scalar],
        direction <- [:asc, :desc],
        axis <- [0, 1],
        do:
          {fn [t] -> apply(Nx, op, [t, [axis: axis, direction: direction, stable: true]]) end,
           [any(type, {5, 6}, layout, place())]}
  end

  defp arguments(op, [:tensor, :opts], type) when op in [:argmax, :argmin] do
    for layout <- Operand.layouts() -- [:scalar], axis <- [nil, 0, 1], tie <- [:low, :high] do
      options = [tie_break: tie, keep_axis: axis != nil and tie == :high] ++ if(axis, do: [axis: axis], else: [])
      {fn [t] -> apply(Nx, op, [t, options]) end, [exact(type, {4, 5}, layout)]}
    end
  end

  defp arguments(op, [:tensor, :opts], type) do
    reduced =
      for layout <- Operand.layouts() -- [:scalar], axes <- [nil, [0], [1], [0, 2]] do
        options = [keep_axes: axes == [1]] ++ if(axes, do: [axes: axes], else: [])
        {fn [t] -> apply(Nx, op, [t, options]) end, [exact(type, {2, 3, 4}, layout)]}
      end

    special =
      for layout <- [:contiguous, :transposed, :broadcast],
          op in [:all, :any, :reduce_max, :reduce_min],
          do: {fn [t] -> apply(Nx, op, [t, [axes: [1]]]) end, [any(type, {3, 4}, layout, place())]}

    special = if match?({:c, _}, type), do: [], else: special
    [{fn [t] -> apply(Nx, op, [t]) end, [exact(type, {})]} | reduced ++ special]
  end

  ## Two and three operands

  defp arguments(op, [:left, :right], type) do
    for other <- [type | others(type, 3)],
        {left, right} <- if(other == type, do: @pairs, else: Enum.take_random(@pairs, 2)) do
      {first, second} = places()
      types = [type, other]
      [operand(op, types, type, {3, 4}, left, first), operand(op, types, other, {3, 4}, right, second)]
    end ++
      for {a, b} <- [{{}, {3, 4}}, {{3, 4}, {}}, {{}, {}}, {{3, 1}, {1, 4}}, {{4}, {3, 4}}, {{1}, {2, 3}}] do
        {first, second} = places()
        other = hd(others(type, 1))
        types = [type, other]
        [operand(op, types, type, a, :contiguous, first), operand(op, types, other, b, :contiguous, second)]
      end ++
      for shape <- @shapes do
        [operand(op, [type], type, shape, :contiguous, :ours), operand(op, [type], type, shape, :contiguous, :ours)]
      end
  end

  defp arguments(:clip, [:tensor, :min, :max], type) do
    for layout <- Operand.layouts(), {first, second} <- [ours: :host, literal: :literal] do
      shape = if layout == :scalar, do: {}, else: {3, 5}
      [any(type, shape, layout), any(type, {}, :scalar, first), any(hd(others(type, 1)), {}, :scalar, second)]
    end
  end

  defp arguments(:select, [:pred, :on_true, :on_false], type) do
    for {one, two} <- @pairs, {first, second} <- [ours: :host, host: :literal, literal: :ours] do
      flag = Enum.random(Numbers.real_types())
      other = if one == :contiguous, do: hd(others(type, 1)), else: type
      layout = if one == :vectorized, do: :vectorized, else: :contiguous
      [any(flag, {3, 4}, layout, :ours, :free), any(type, {3, 4}, one, first), any(other, {3, 4}, two, second)]
    end ++ [[any({:u, 8}, {}, :scalar, :host, :free), any(type, {2, 3}), any(type, {}, :scalar, :literal)]]
  end

  defp arguments(:dot, [:left | _], type) do
    for {a, ca, ba, b, cb, bb} <- [
          {{2, 3}, [1], [], {3, 4}, [0], []},
          {{3, 2}, [0], [], {4, 3}, [1], []},
          {{5}, [0], [], {5}, [0], []},
          {{2, 3, 4}, [2], [0], {2, 4, 3}, [1], [0]},
          {{2, 3, 4}, [1, 2], [], {3, 4, 2}, [0, 1], []},
          {{3, 2, 4}, [0], [1], {3, 2}, [0], [1]} |> swap(),
          {{2, 3}, [], [], {2}, [], []},
          {{}, [], [], {2, 2}, [], []}
        ],
        {other, layout} <- [
          {type, :contiguous} | Enum.take_random([{type, :transposed}, {hd(others(type, 1)), :contiguous}], 1)
        ] do
      {first, second} = places()
      left = exact(type, a, layout, first)
      right = exact(other, b, :contiguous, second)
      {fn [l, r] -> Nx.dot(l, ca, ba, r, cb, bb) end, [left, right]}
    end ++
      [
        [exact(type, {2, 3}, :vectorized), exact(type, {3, 2}, :vectorized)],
        [exact(type, {2, 3}, :names), exact(type, {3}, :sliced)]
      ]
  end

  defp arguments(op, arguments, type), do: Nx.Vulkan.Test.MoreRows.arguments(op, arguments, type)

  # Batch axes come first in Nx.
  defp swap({a, ca, ba, b, cb, bb}) do
    {permute(a), Enum.map(ca, &(1 - &1)), Enum.map(ba, &(1 - &1)), permute(b), Enum.map(cb, &(1 - &1)),
     Enum.map(bb, &(1 - &1))}
  end

  defp permute(shape), do: shape |> put_elem(0, elem(shape, 1)) |> put_elem(1, elem(shape, 0))

  ## Operands

  # Of functions of complex numbers BinaryBackend is the oracle where they are near 1: elsewhere its formulas overflow, lose
  # their digits, or have no value. The device's tests (test/gpu/op_complex.cpp) have all of them.
  @formulas Enum.map(Nx.Shared.unary_math_funs(), &elem(&1, 0)) ++ ~w(abs sign divide multiply pow as_type)a

  defp operand(op, types, type, shape, layout, place) do
    if op in @formulas and Enum.any?(types, &match?({:c, _}, &1)),
      do: Operand.new(type, shape, layout: layout, place: place, style: :moderate),
      else: any(type, shape, layout, place)
  end

  @doc "An operand of any elements."
  def any(type, shape, layout \\ :contiguous, place \\ :ours, role \\ :data),
    do: Operand.new(type, shape, layout: layout, place: place, role: role)

  @doc "An operand whose sums and products are exact in every type."
  def exact(type, shape, layout \\ :contiguous, place \\ :ours),
    do: Operand.new(type, shape, layout: layout, place: place, style: :exact)

  @doc "The same with small integers, for what is a float whatever goes in."
  def small(type, shape, layout \\ :contiguous, place \\ :ours),
    do: Operand.new(type, shape, layout: layout, place: place, style: :small)

  def layout, do: Enum.random(Operand.layouts() -- [:scalar])
  def place, do: Enum.random([:ours, :ours, :literal])

  def places,
    do:
      Enum.random(
        ours: :ours,
        ours: :ours,
        ours: :host,
        host: :ours,
        ours: :literal,
        literal: :ours,
        literal: :host,
        literal: :literal
      )

  def others(type, count), do: Numbers.real_types() |> List.delete(type) |> Enum.take_random(count)
end

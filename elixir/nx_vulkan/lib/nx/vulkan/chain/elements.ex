defmodule Nx.Vulkan.Chain.Elements do
  @moduledoc false
  # Nodes as expressions: what a node is at places. Nothing is a tensor here: a reduction is a sum over an index, and what is moved is
  # read elsewhere.
  # What is needed more than once has a definition, where it has one axis at most, as definitions do.

  alias Nx.Vulkan.Chain.{Names, Node, Places, Refused, Text, Uses}

  @enforce_keys [:uses, :names]
  defstruct @enforce_keys ++
              [
                memo: %{},
                definitions: [],
                named: %{},
                pieced: MapSet.new(),
                # Whether nothing is wanted but the tables that variables are read at, and these.
                looking?: false,
                reads: []
              ]

  # As the limits of families are (specs/README.md).
  @most_definitions 64
  @most_bytes 65_536
  @deepest 100

  # Shorter ones are read no better for a name.
  @short 24
  # What is joined of few pieces is taken apart, and what the language has no words for (the greatest of many) is written out.
  @few 8
  @most_written 64
  # From so many groups on a sum goes by groups.
  @many 32

  @type t :: %__MODULE__{}

  @doc "The beginning, for what `root` is made of; `names` are taken."
  @spec new(Node.t(), [String.t()]) :: t
  def new(root, names) do
    nodes = Node.all(root)

    %__MODULE__{
      uses: Uses.counts(nodes, root),
      names: Enum.reduce(names, %Names{}, &Names.take/2),
      pieced: Uses.pieced(nodes)
    }
  end

  @doc "The expression of a node at places."
  @spec element(Node.t(), [Places.place()], t) :: {Text.t(), t}
  def element(node, places, state) do
    key = {node.id, places}

    case state.memo do
      %{^key => text} ->
        {text, state}

      _ ->
        {text, state} =
          if shared?(node, places, state), do: defined(node, places, state), else: bounded(node, places, state)

        {text, %{state | memo: Map.put(state.memo, key, text)}}
    end
  end

  defp bounded(node, places, state) do
    {text, state} = written(node.op, node, places, state)

    cond do
      byte_size(text.text) <= @most_bytes and text.depth <= @deepest ->
        {text, state}

      # Nobody reads it.
      state.looking? ->
        {Text.number(0), state}

      true ->
        why = "what is written of it is longer than #{@most_bytes} bytes, or nests deeper than #{@deepest}"
        Refused.op(node.op, node, Node.operands(node), [], why)
    end
  end

  defp shared?(%{op: op} = node, places, state) do
    state.uses[node.id] > 1 and Uses.definable?(node) and not Node.moving?(node) and
      op not in [:literal, :tensor, :variable] and
      not state.looking? and not Enum.any?(places, &match?({:table, _, _}, &1)) and
      (is_map_key(state.named, node.id) or length(state.definitions) < @most_definitions)
  end

  defp defined(%{id: id} = node, places, %{named: named} = state) when is_map_key(named, id),
    do: reference(named[id], node.shape, places, state)

  defp defined(node, places, state) do
    {index, canonical, state} = canonical(node.shape, state)
    {text, state} = bounded(node, canonical, state)

    if byte_size(text.text) <= @short do
      bounded(node, places, state)
    else
      {name, state} = name(state, &Names.fresh("v", &1))
      definitions = [{name, index, text} | state.definitions]
      state = %{state | definitions: definitions, named: Map.put(state.named, node.id, name)}
      reference(name, node.shape, places, state)
    end
  end

  defp canonical(shape, state) do
    case Node.wide(shape) do
      [] ->
        {nil, List.duplicate(0, tuple_size(shape)), state}

      [n] ->
        {index, state} = index(n, state)
        {index, Enum.map(Tuple.to_list(shape), &if(&1 == 1, do: 0, else: {:index, index})), state}
    end
  end

  # What `fun` makes of the names.
  defp name(state, fun) do
    {made, names} = fun.(state.names)
    {made, %{state | names: names}}
  end

  defp index(n, state), do: name(state, &Names.index(n, &1))
  defp table(table, indices, state), do: name(state, &Names.table(table, indices, "c", nil, &1))

  # Axes of one place are none to a family.
  defp reference(name, shape, places, state) do
    wide = for {place, n} <- Enum.zip(places, Tuple.to_list(shape)), n != 1, do: {place, n}
    name(state, &Names.reference(name, wide, &1))
  end

  ## What is read

  defp written(:literal, %{args: [number]}, _places, state), do: {Text.number(number), state}

  defp written(:variable, %{args: [name], shape: shape}, places, state) do
    reads = for {{:table, table, over}, n} <- Enum.zip(places, Tuple.to_list(shape)), do: {table, over, n}
    places = Enum.zip(places, Tuple.to_list(shape))
    name(%{state | reads: reads ++ state.reads}, &Names.reference(name, places, &1))
  end

  defp written(:tensor, %{args: [tensor, name]} = node, places, state) do
    if length(Places.indices(places)) <= 2 do
      {table, indices} = Places.read(tensor, places)
      whole? = Enum.map(indices, &{:index, &1}) == places
      wanted = if name && not whole?, do: name <> "_", else: name || "c"
      name(state, &Names.table(table, indices, wanted, nil, &1))
    else
      wide = Node.wide(node.shape)
      if length(wide) > 2, do: Names.too_many(node)
      whole = on_host(fn -> Nx.reshape(tensor, List.to_tuple(wide)) end)
      {name, state} = name(state, &Names.data(whole, name || "c", nil, &1))
      reference(name, node.shape, places, state)
    end
  end

  defp written(:broadcast, %{args: [node, axes]}, places, state),
    do: element(node, axes |> Enum.map(&Enum.at(places, &1)) |> Places.kept(node.shape), state)

  defp written(:reshape, %{args: [node], shape: shape}, places, state),
    do: element(node, Places.reshaped(places, shape, node.shape), state)

  defp written(:transpose, %{args: [node, axes]}, places, state) do
    own = axes |> Enum.zip(places) |> Enum.sort() |> Enum.map(&elem(&1, 1))
    element(node, own, state)
  end

  defp written(:reverse, %{args: [node, axes]}, places, state) do
    own =
      for {{place, n}, axis} <- places |> Enum.zip(Tuple.to_list(node.shape)) |> Enum.with_index(),
          do: if(axis in axes, do: Places.mapped(place, n, &Nx.subtract(n - 1, &1)), else: place)

    element(node, own, state)
  end

  defp written(:slice, %{args: [node, starts, strides]}, places, state) do
    own =
      Enum.zip_with([places, starts, strides, Tuple.to_list(node.shape)], fn [place, start, stride, n] ->
        if start == 0 and stride == 1 and not narrowed?(place, n),
          do: place,
          else: Places.mapped(place, n, &(&1 |> Nx.multiply(stride) |> Nx.add(start)))
      end)

    element(node, own, state)
  end

  defp written(:gather, %{args: [node, indices, axes]}, places, state) do
    {outer, inner} = Enum.split(places, tuple_size(indices.shape) - 1)
    inner = Enum.zip(Enum.to_list(0..(tuple_size(node.shape) - 1)//1) -- axes, inner)

    gathered =
      for {axis, k} <- Enum.with_index(axes) do
        {table, over} = Places.read(indices, outer ++ [k])
        {axis, Places.simple({:table, table, over}, elem(node.shape, axis))}
      end

    element(node, (gathered ++ inner) |> Enum.sort_by(&elem(&1, 0)) |> Enum.map(&elem(&1, 1)), state)
  end

  ## Pieces

  defp written(:concatenate, %{args: [nodes, axis]}, places, state) do
    {nodes, _} = Enum.map_reduce(nodes, 0, fn node, low -> {{node, low}, low + elem(node.shape, axis)} end)
    piece(nodes, axis, Enum.at(places, axis), places, state)
  end

  defp written(:insert, %{args: [node, into, lows, steps]}, places, state) do
    lengths = Tuple.to_list(node.shape)
    {rest, state} = element(into, places, state)

    own =
      Enum.zip_with([places, lows, steps, lengths], fn [place, low, step, n] ->
        Places.mapped(place, n, &(&1 |> Nx.subtract(low) |> Nx.quotient(step) |> Nx.clip(0, n - 1)))
      end)

    {:table, inside, indices} =
      Places.combined(places, fn numbers ->
        [numbers, lows, steps, lengths]
        |> Enum.zip_with(fn [number, low, step, n] ->
          from = Nx.subtract(number, low)
          at = Nx.logical_and(Nx.greater_equal(from, 0), Nx.less(from, (n - 1) * step + 1))
          Nx.logical_and(at, Nx.equal(Nx.remainder(from, step), 0))
        end)
        |> Enum.reduce(&Nx.logical_and/2)
      end)

    case on_host(fn -> Places.without_constant(inside, indices) end) do
      {inside, []} ->
        if Nx.to_number(inside) == 1, do: element(node, own, state), else: {rest, state}

      {inside, indices} ->
        {mask, state} = table(inside, indices, state)
        {text, state} = element(node, own, state)
        {Text.call(:select, [mask, text, rest]), state}
    end
  end

  ## What goes over axes

  defp written(op, %{args: [node, axes]} = out, places, state) when op in [:sum, :product, :reduce_max, :reduce_min] do
    lengths = for axis <- axes, do: elem(node.shape, axis)
    count = Enum.product(lengths)

    cond do
      op == :sum and not (MapSet.member?(state.pieced, node.id) and count <= @few) ->
        summed([node], lengths, state, fn inner -> [Places.spread(axes, inner, places)] end)

      count > @most_written ->
        Refused.op(op, out, [node], [], "it goes over #{count} elements, and #{@most_written} are the most")

      true ->
        {texts, state} =
          lengths |> every() |> Enum.map_reduce(state, &element(node, Places.spread(axes, &1, places), &2))

        {Enum.reduce(tl(texts), hd(texts), &Text.call(two(op), [&2, &1])), state}
    end
  end

  defp written(:dot, %{args: [a, a_axes, a_batch, b, b_axes, b_batch]}, places, state) do
    {batch, places} = Enum.split(places, length(a_batch))
    {a_free, b_free} = Enum.split(places, tuple_size(a.shape) - length(a_axes) - length(a_batch))

    summed([a, b], Enum.map(a_axes, &elem(a.shape, &1)), state, fn inner ->
      [
        Places.spread(a_axes ++ a_batch, inner ++ batch, a_free),
        Places.spread(b_axes ++ b_batch, inner ++ batch, b_free)
      ]
    end)
  end

  defp written(:running_sum, %{args: [node, axis, reverse?]}, places, state) do
    {{name, n} = index, state} = index(elem(node.shape, axis), state)
    {text, state} = element(node, List.replace_at(places, axis, {:index, index}), state)
    {here, state} = name(state, &Names.number(Enum.at(places, axis), &1))
    counts = Text.call(if(reverse?, do: :greater_equal, else: :less_equal), [Text.reference(name, []), here])
    {Text.sum(name, Names.dimension_name(n), Text.call(:select, [counts, text, Text.number(0)])), state}
  end

  ## Elementwise

  defp written(op, %{args: args, shape: shape}, places, state) do
    {texts, state} = Enum.map_reduce(args, state, &element(&1, Places.aligned(places, shape, &1.shape), &2))
    {Text.call(op, texts), state}
  end

  # Sums of the product of nodes over axes of `lengths`; `places` gives of the places on these those in the nodes.
  defp summed(nodes, lengths, state, places) do
    {inner, state} =
      Enum.map_reduce(lengths, state, fn
        1, state ->
          {0, state}

        n, state ->
          {index, state} = index(n, state)
          {{:index, index}, state}
      end)

    with {:ok, inner, indices, mask, grouped} <- grouped(nodes, inner, places, state),
         {:ok, text, state} <- attempt(fn -> sum(nodes, places.(inner), indices, mask, grouped) end) do
      {text, state}
    else
      _ -> sum(nodes, places.(inner), for({:index, index} <- inner, do: index), nil, state)
    end
  end

  # By groups places vary over one more index, which may be too many.
  defp attempt(fun) do
    {text, state} = fun.()
    {:ok, text, state}
  catch
    {:refused, error} -> {:error, error}
  end

  defp sum(nodes, places, indices, mask, state) do
    {texts, state} = elements(nodes, places, state)
    body = Enum.reduce(tl(texts), hd(texts), &Text.call(:multiply, [&2, &1]))
    body = if mask, do: Text.call(:select, [mask, body, Text.number(0)]), else: body
    {List.foldr(indices, body, fn {name, n}, body -> Text.sum(name, Names.dimension_name(n), body) end), state}
  end

  defp elements(nodes, places, state),
    do: nodes |> Enum.zip(places) |> Enum.map_reduce(state, fn {node, at}, state -> element(node, at, state) end)

  # The derivative of `a[group[i]]` for one of many groups goes over every i, of which few belong to it. So a sum over such i is one over groups
  # and, in each, over its members: then `a` is read at an index.
  defp grouped(nodes, inner, places, state) do
    indices = for {:index, index} <- inner, do: index

    with false <- state.looking?,
         {_, seen} = elements(nodes, places.(inner), %{state | looking?: true, reads: []}),
         [_ | _] = groups <- seen.reads |> Enum.uniq() |> Enum.flat_map(&groups(&1, indices)),
         {index, groups, n} = Enum.max_by(groups, &elem(&1, 2)),
         {:ok, members, mask} <- Places.members(groups, n) do
      {group, state} = Enum.map_reduce(Tuple.to_list(members.shape), state, &index/2)
      {mask, state} = if mask, do: table(mask, group, state), else: {nil, state}
      own = Places.simple({:table, members, group}, elem(index, 1))
      inner = Enum.map(inner, &if(&1 == {:index, index}, do: own, else: &1))
      {:ok, inner, Enum.flat_map(indices, &if(&1 == index, do: group, else: [&1])), mask, state}
    end
  end

  # Of what a variable is read at: indices over which that goes by groups, if they are many. Where places vary over other indices too, a group
  # has the same ones.
  defp groups({table, [index], n}, indices) when n >= @many, do: if(index in indices, do: [{index, table, n}], else: [])
  defp groups({_table, [_index], _n}, _indices), do: []

  defp groups({table, over, _n}, indices) do
    for {_, count} = index <- over,
        index in indices,
        {classes, n} = Places.classes(table, over, index),
        n >= @many,
        2 * n <= count,
        do: {index, classes, n}
  end

  defp every([]), do: [[]]
  defp every([n | rest]), do: for(k <- 0..(n - 1)//1, more <- every(rest), do: [k | more])

  defp two(:sum), do: :add
  defp two(:product), do: :multiply
  defp two(:reduce_max), do: :max
  defp two(:reduce_min), do: :min

  defp piece(nodes, axis, place, places, state) when is_integer(place) do
    {node, low} = nodes |> Enum.reverse() |> Enum.find(fn {_, low} -> low <= place end)
    element(node, List.replace_at(places, axis, place - low), state)
  end

  defp piece([{node, low}], axis, place, places, state) do
    n = elem(node.shape, axis)
    own = Places.mapped(place, n, &(&1 |> Nx.subtract(low) |> Nx.clip(0, n - 1)))
    element(node, List.replace_at(places, axis, own), state)
  end

  defp piece([first, {_, next} = second | rest], axis, place, places, state) do
    {number, state} = name(state, &Names.number(place, &1))
    {text, state} = piece([first], axis, place, places, state)
    {others, state} = piece([second | rest], axis, place, places, state)
    below = Text.call(:less, [number, Text.number(next)])
    {Text.call(:select, [below, text, others]), state}
  end

  # Whether a place goes over less than an axis.
  defp narrowed?({:index, {_, m}}, n), do: m != n
  defp narrowed?(_place, _n), do: false

  defp on_host(fun), do: Nx.with_default_backend(Nx.BinaryBackend, fun)
end

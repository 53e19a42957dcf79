defmodule Nx.Vulkan.Chain.Trace do
  @moduledoc false
  # From a function to nodes: it is called with expressions for its variables, and each expression becomes a node.
  #
  # What does not depend on the variables is computed at once (`Known`), so every op of Nx may be applied to data. Conditions and loops that are
  # known are gone through; blocks are what Nx makes of them.

  import Nx.Vulkan.Chain.Ops, only: [is_arithmetic: 1, is_elementwise: 1, is_reduction: 1]
  alias Nx.Defn.{Composite, Expr}
  alias Nx.Tensor, as: T
  alias Nx.Vulkan.Chain.{Known, Node, Refused}

  defstruct memo: %{}, inputs: %{}, next: 1, within: []

  # So many rounds are a loop that somebody wrote, and more a program that nobody wants compiled.
  @most_rounds 1024

  @creation [:eye, :iota]

  @doc """
  The node of the number that `fun` gives. `inputs` are for each argument of `fun` pairs of a name and either a shape (a variable) or a tensor.
  Throws `{:refused, error}`, see `Refused`.
  """
  @spec node(function, [[{atom, tuple | T.t()}]]) :: Node.t()
  def node(fun, inputs) do
    arguments = for pairs <- inputs, do: Map.new(pairs, fn {name, input} -> {name, template(input)} end)
    expression = traced(fun, arguments)

    case expression do
      %T{vectorized_axes: [], shape: {}, type: {kind, _}} when kind != :c -> :ok
      %T{} = other -> Refused.invalid("the function gives #{described(other)}, where one real number is wanted: sum it")
      other -> Refused.invalid("the function gives #{inspect(other, limit: 3)}, where one number is wanted")
    end

    # The containers of the arguments are maps, whose leaves come in the order of their keys.
    {leaves, state} =
      inputs
      |> Enum.flat_map(&Enum.sort_by(&1, fn {name, _} -> name end))
      |> Enum.map_reduce(%__MODULE__{}, &leaf/2)

    {node, _state} = value(expression, %{state | inputs: indexed(leaves)})
    node
  end

  defp traced(fun, arguments) do
    Nx.Defn.debug_expr_apply(fun, arguments)
  rescue
    # Nx has a block, such as Nx.take/3, take no tensor that is known.
    error in FunctionClauseError ->
      if {error.module, error.function} == {Nx.Defn.Expr, :parameter},
        do:
          Refused.invalid(
            "a block of Nx, such as Nx.take/3, is given a tensor from around the function: give it as data"
          ),
        else: reraise(error, __STACKTRACE__)
  end

  defp template(%T{} = tensor), do: Nx.to_template(tensor)
  defp template(shape), do: Nx.template(shape, :f64)

  defp leaf({name, %T{} = tensor}, state), do: new(state, :tensor, tensor, [tensor, Atom.to_string(name)])

  defp leaf({name, shape}, state),
    do: new(state, :variable, %{shape: shape, type: {:f, 64}}, [Atom.to_string(name)])

  defp indexed(list), do: list |> Enum.with_index(&{&2, &1}) |> Map.new()
  defp described(%T{} = tensor), do: GpuNode.Type.text(tensor.type, tensor.shape)

  defp new(state, op, %{shape: shape, type: type}, args),
    do: {%Node{id: state.next, op: op, shape: shape, type: type, args: args}, %{state | next: state.next + 1}}

  ## Expressions

  # A node, or `{:several, nodes}` of an op with several results.
  defp value(%T{data: %Expr{op: :metadata, args: [inner, %{stop_grad: true}]}}, state), do: detached(inner, state)

  defp value(%T{data: %Expr{op: :metadata, args: [inner, %{custom_grad: _}]}} = out, state) do
    {node, state} = value(inner, state)
    if Node.known?(node), do: {node, state}, else: refuse(:custom_grad, [node], out, state, "the gradient is derived")
  end

  defp value(%T{data: %Expr{op: :metadata, args: [inner, _]}}, state), do: container(inner, state)
  defp value(%T{data: %Expr{id: id}}, %{memo: memo} = state) when is_map_key(memo, id), do: {memo[id], state}

  defp value(%T{data: %Expr{id: id, op: op, args: args}} = out, state) do
    {node, state} = convert(op, args, out, state)
    {node, %{state | memo: Map.put(state.memo, id, node)}}
  end

  defp detached(inner, state) do
    {node, state} = value(inner, state)
    if Node.known?(node), do: {node, state}, else: new(state, :detach, node, [node])
  end

  defp container(%T{} = tensor, state), do: value(tensor, state)

  defp container(other, state) do
    {nodes, state} = values(other, state)
    {{:several, nodes}, state}
  end

  defp values(container, state), do: [container] |> Composite.flatten_list() |> Enum.map_reduce(state, &value/2)

  defp convert(:parameter, [place], _out, state), do: {Map.fetch!(state.inputs, place), state}
  defp convert(:constant, [number], out, state), do: constant(number, out, state)
  defp convert(:tensor, [tensor], _out, state), do: known(tensor, state)

  defp convert(:elem, [tuple, place], _out, state) do
    {{:several, nodes}, state} = container(tuple, state)
    {Enum.at(nodes, place), state}
  end

  defp convert(:block, [struct, arguments, default, fun], _out, state) do
    {tensors, options} = Enum.split_while(arguments, &(not is_list(&1)))
    {nodes, state} = Enum.map_reduce(tensors, state, &value/2)

    if Enum.all?(nodes, &Node.known?/1),
      do: computed(fn -> apply(fun, [struct | Enum.map(nodes, &Known.tensor/1) ++ options]) end, state),
      else: block(struct, nodes, default, state)
  end

  defp convert(:cond, [clauses, last], _out, state), do: branches(clauses, last, state)

  defp convert(:while, [initial, _arguments, condition, body], _out, state) do
    {nodes, state} = values(initial, state)
    {nodes, state} = rounds(nodes, condition, body, @most_rounds, state)
    {if(is_struct(initial, T), do: hd(nodes), else: {:several, nodes}), state}
  end

  defp convert(op, _args, out, state) when op in [:hook, :runtime_call, :fun, :optional],
    do: Refused.op(op, out, [], state.within, "nothing is called while chains run")

  defp convert(op, args, out, state) do
    {args, state} = Enum.map_reduce(args, state, &argument/2)
    nodes = args |> List.flatten() |> Enum.filter(&is_struct(&1, Node))

    cond do
      op in @creation -> computed(fn -> apply(Nx.BinaryBackend, op, [Known.doubled(out) | args] ++ [[]]) end, state)
      match?({:c, _}, out.type) -> Refused.op(op, out, nodes, state.within, "log densities are real")
      not Enum.all?(nodes, &Node.known?/1) -> lower(op, args, out, state)
      is_elementwise(op) and Enum.all?(nodes, &(&1.op == :literal)) -> fold(op, nodes, out, state)
      true -> computed(fn -> Known.call(op, out, args) end, state)
    end
  end

  defp argument(%T{} = tensor, state), do: value(tensor, state)
  defp argument([%T{} | _] = list, state), do: Enum.map_reduce(list, state, &argument/2)
  defp argument([first | _] = list, state) when is_integer(first), do: Enum.map_reduce(list, state, &argument/2)
  defp argument(other, state), do: {other, state}

  ## What is known

  defp constant(%Complex{}, out, state), do: Refused.op(:constant, out, [], state.within, "log densities are real")
  defp constant(number, out, state), do: new(state, :literal, Known.doubled(out), [number])

  defp fold(op, nodes, out, state) do
    result = Known.call(op, %{out | shape: {}, names: []}, Enum.map(nodes, &%{&1 | shape: {}}))
    constant(Nx.to_number(result), out, state)
  end

  defp computed(fun, state), do: fun |> Known.compute() |> results(state)

  defp results(%T{} = tensor, state), do: known(tensor, state)

  defp results(tuple, state) do
    {nodes, state} = [tuple] |> Composite.flatten_list() |> Enum.map_reduce(state, &known/2)
    {{:several, nodes}, state}
  end

  defp known(tensor, state) do
    tensor = Known.double(tensor)
    new(state, :tensor, tensor, [tensor, nil])
  end

  ## Blocks, branches, loops

  defp block(%Nx.Vulkan.Chain.LogGamma{}, [node], _default, state), do: new(state, :lgamma, node, [node])

  # Nx makes a scan of it, of which each step is read in pieces.
  defp block(%Nx.Block.CumulativeSum{axis: axis, reverse: reverse?}, [%{type: {:f, _}} = node], _default, state),
    do: new(state, :running_sum, node, [node, axis, reverse?])

  defp block(%name{}, nodes, default, state) do
    around = state
    inner = %{state | inputs: indexed(nodes), within: [name | state.within]}
    {node, state} = container(default, inner)
    {node, %{state | inputs: around.inputs, within: around.within}}
  end

  defp branches([], last, state), do: container(last, state)

  defp branches([{predicate, expression} | rest], last, state) do
    {predicate, state} = value(predicate, state)

    if Node.known?(predicate) do
      if Known.number(predicate) == 0, do: branches(rest, last, state), else: container(expression, state)
    else
      {yes, state} = container(expression, state)
      {no, state} = branches(rest, last, state)
      selected(predicate, yes, no, state)
    end
  end

  defp selected(predicate, {:several, yes}, {:several, no}, state) do
    {nodes, state} = Enum.zip(yes, no) |> Enum.map_reduce(state, fn {y, n}, s -> selected(predicate, y, n, s) end)
    {{:several, nodes}, state}
  end

  defp selected(predicate, yes, no, state), do: new(state, :select, yes, [predicate, yes, no])

  defp rounds(nodes, condition, body, left, state) do
    around = state
    inner = %{state | inputs: indexed(nodes)}
    {more, _} = value(condition, inner)

    cond do
      not Node.known?(more) ->
        Refused.op(:while, condition, [more], state.within, "how often it goes round depends on variables")

      Known.number(more) == 0 ->
        {nodes, state}

      left == 0 ->
        Refused.op(:while, condition, [], state.within, "it goes round more than #{@most_rounds} times")

      true ->
        # What is remembered of one round is not of the next.
        {nodes, inner} = values(body, inner)
        rounds(nodes, condition, body, left - 1, %{around | next: inner.next})
    end
  end

  ## What depends on variables

  defp lower(op, args, out, state) when is_elementwise(op) do
    if is_arithmetic(op) and integers?(out),
      do:
        refuse(
          op,
          args,
          out,
          state,
          "it computes with whole numbers that depend on variables: Nx.as_type(x, :f64) first"
        )

    new(state, op, out, args)
  end

  defp lower(op, [node], out, state) when op in [:real, :conjugate], do: same(node, out, state)

  defp lower(:as_type, [node], out, state) do
    if integers?(out) and not Node.integer?(node),
      do: refuse(:as_type, [node], out, state, "what is cut off has no derivative"),
      else: same(node, out, state)
  end

  defp lower(:broadcast, [node, _shape, axes], out, state), do: new(state, :broadcast, out, [node, axes])
  defp lower(op, [node | _], out, state) when op in [:reshape, :squeeze], do: new(state, :reshape, out, [node])
  defp lower(:transpose, [node, axes], out, state), do: new(state, :transpose, out, [node, axes])
  defp lower(:reverse, [node, axes], out, state), do: new(state, :reverse, out, [node, axes])

  defp lower(:slice, [node, starts, lengths, strides], out, state) do
    starts = starts(:slice, starts, node.shape, lengths, out, state)
    new(state, :slice, out, [node, starts, strides])
  end

  defp lower(:put_slice, [into, starts, node], out, state) do
    starts = starts(:put_slice, starts, into.shape, Tuple.to_list(node.shape), out, state)
    new(state, :insert, out, [node, into, starts, Enum.map(starts, fn _ -> 1 end)])
  end

  defp lower(:pad, [node, value, config], out, state) do
    {lows, highs, inner} = config |> Enum.map(fn {low, high, inner} -> {low, high, inner} end) |> unzip3()
    if Enum.any?(lows ++ highs, &(&1 < 0)), do: refuse(:pad, [node], out, state, "it cuts off: slice instead")
    {into, state} = new(state, :broadcast, %{out | type: value.type}, [value, []])
    into = if Node.known?(value) and value.op == :literal, do: %{value | shape: out.shape}, else: into
    new(state, :insert, out, [node, into, lows, Enum.map(inner, &(&1 + 1))])
  end

  defp lower(:gather, [node, indices, options], out, state) do
    unless Node.known?(indices), do: refuse(:gather, [node, indices], out, state, "its indices depend on variables")
    indices = Known.tensor(indices)
    axes = options[:axes]
    inside(:gather, indices, axes, node, out, state)
    new(state, :gather, out, [node, indices, axes])
  end

  defp lower(:concatenate, [nodes, axis], out, state), do: new(state, :concatenate, out, [nodes, axis])

  defp lower(:stack, [nodes, axis], out, state) do
    shape = put_elem(out.shape, axis, 1)
    {nodes, state} = Enum.map_reduce(nodes, state, &new(&2, :reshape, %{&1 | shape: shape}, [&1]))
    new(state, :concatenate, out, [nodes, axis])
  end

  defp lower(op, [node, options], out, state) when is_reduction(op) do
    axes = options[:axes] || Enum.to_list(0..(tuple_size(node.shape) - 1)//1)

    {known, varying} =
      if(op == :sum, do: parts(node, 1), else: []) |> Enum.split_with(fn {part, _} -> Node.known?(part) end)

    if known == [], do: reduced(op, node, axes, out, state), else: parted(varying, known, node, axes, out, state)
  end

  defp lower(:dot, args, out, state), do: new(state, :dot, out, args)

  defp lower(op, args, out, state), do: refuse(op, args, out, state, nil)

  defp reduced(op, node, axes, out, state) do
    kept = for {n, axis} <- Enum.with_index(Tuple.to_list(node.shape)), axis not in axes, do: n
    {reduced, state} = new(state, op, %{out | shape: List.to_tuple(kept)}, [node, axes])
    if reduced.shape == out.shape, do: {reduced, state}, else: new(state, :reshape, out, [reduced])
  end

  # What is known in each summand of a sum is summed now.
  defp parts(%Node{op: :add, args: [a, b]}, sign), do: parts(a, sign) ++ parts(b, sign)
  defp parts(%Node{op: :subtract, args: [a, b]}, sign), do: parts(a, sign) ++ parts(b, -sign)
  defp parts(%Node{op: :negate, args: [a]}, sign), do: parts(a, -sign)
  defp parts(node, sign), do: [{node, sign}]

  defp parted([{first, sign} | varying], known, node, axes, out, state) do
    # Of the shape of the whole, as broadcasting makes the others.
    own = Enum.to_list((tuple_size(node.shape) - tuple_size(first.shape))..(tuple_size(node.shape) - 1)//1)
    {first, state} = new(state, :broadcast, node, [first, own])
    {first, state} = if sign > 0, do: {first, state}, else: new(state, :negate, node, [first])

    {rest, state} =
      Enum.reduce(varying, {first, state}, fn {part, sign}, {sum, state} ->
        new(state, if(sign > 0, do: :add, else: :subtract), node, [sum, part])
      end)

    {sum, state} = reduced(:sum, rest, axes, out, state)

    {known, state} =
      computed(fn -> known |> Enum.map(&summed(&1, node.shape, axes, out)) |> Enum.reduce(&Nx.add/2) end, state)

    new(state, :add, out, [sum, known])
  end

  defp summed({part, sign}, shape, axes, out),
    do:
      part |> Known.tensor() |> Nx.broadcast(shape) |> Nx.sum(axes: axes) |> Nx.reshape(out.shape) |> Nx.multiply(sign)

  # Another type makes no other number of it.
  defp same(node, out, state), do: new(state, :reshape, out, [node])

  defp starts(op, starts, shape, lengths, out, state) do
    for {start, n, length} <- Enum.zip([starts, Tuple.to_list(shape), lengths]) do
      start =
        case start do
          %Node{} = node ->
            unless Node.known?(node), do: refuse(op, [node], out, state, "where it begins depends on variables")
            Known.number(node)

          number ->
            number
        end

      start |> max(0) |> min(n - length)
    end
  end

  # Nx does not say what a place is that there is not.
  defp inside(op, indices, axes, node, out, state) do
    for {axis, k} <- Enum.with_index(axes) do
      n = elem(node.shape, axis)
      own = Nx.slice_along_axis(indices, k, 1, axis: -1)
      {least, most} = {Nx.to_number(Nx.reduce_min(own)), Nx.to_number(Nx.reduce_max(own))}

      unless least >= 0 and most < n,
        do: refuse(op, [node], out, state, "its indices are from #{least} to #{most}, of an axis with #{n} places")
    end
  end

  defp integers?(%T{type: {kind, _}}), do: kind in [:s, :u]

  defp unzip3(list),
    do: {Enum.map(list, &elem(&1, 0)), Enum.map(list, &elem(&1, 1)), Enum.map(list, &elem(&1, 2))}

  defp refuse(op, args, out, state, why) do
    nodes = args |> List.flatten() |> Enum.filter(&is_struct(&1, Node))
    Refused.op(op, out, nodes, state.within, why)
  end
end

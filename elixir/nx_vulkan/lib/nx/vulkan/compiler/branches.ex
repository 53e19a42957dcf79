defmodule Nx.Vulkan.Compiler.Branches do
  @moduledoc false
  # `cond`. Where all branches are short and have no effect they are all computed, and the results selected: nobody waits for a
  # predicate. Else a step asks the node for each predicate in turn, and computes one branch. In a loop that would be every
  # round's way to the host and back: there each branch is a loop itself, of one round where it is taken, and of none elsewhere.

  alias Nx.Defn.{Composite, Expr, Tree}
  alias Nx.Tensor, as: T
  alias Nx.Vulkan.Compiler.{Lowering, Loops, Programs, Recorder}
  alias Nx.Vulkan.Eager

  # Of all branches together: ops, and elements of what any of them makes.
  @most_ops 64
  @most_elements 65_536
  @with_effects [:while, :hook, :runtime_call]

  @doc "The values of the branch that is taken."
  @spec lower([{T.t(), term}], term, T.t(), Lowering.t()) :: {T.t() | tuple, Lowering.t()}
  def lower(clauses, last, out, state) do
    state = shared([last | Enum.flat_map(clauses, &Tuple.to_list/1)], state)

    case known(clauses, last, state) do
      {:taken, body} ->
        {branch(body, state), state}

      {:open, [], last} ->
        {branch(last, state), state}

      {:open, clauses, last} ->
        if short?([last | Enum.flat_map(clauses, &Tuple.to_list/1)], state),
          do: {selected(clauses, last, state), state},
          else: {chosen(clauses, last, out, state), state}
    end
  end

  # What the branches have of the expressions around them is lowered before them, once.
  defp shared(expressions, state) do
    {_seen, state} = Composite.reduce(List.to_tuple(expressions), {%{}, state}, &shared_of/2)
    state
  end

  defp shared_of(%T{data: %Expr{id: id}} = tensor, {seen, state}) do
    cond do
      is_map_key(seen, id) or is_map_key(state.memo, id) ->
        {seen, state}

      is_map_key(state.scope, id) ->
        {_value, state} = Lowering.value(tensor, state)
        {seen, state}

      true ->
        {_args, acc} = Tree.apply_args(tensor, :scope, {Map.put(seen, id, true), state}, &{&1, shared_of(&1, &2)})
        acc
    end
  end

  # Predicates that are known take clauses away.
  defp known(clauses, last, state) do
    Enum.reduce_while(clauses, {:open, [], last}, fn {predicate, body}, {:open, open, last} ->
      case {Lowering.known(within(state, predicate), &elem(Lowering.composite(predicate, &1), 0)), open} do
        {:unknown, _} -> {:cont, {:open, open ++ [{predicate, body}], last}}
        {{:ok, 0}, _} -> {:cont, {:open, open, last}}
        {{:ok, _}, []} -> {:halt, {:taken, body}}
        {{:ok, _}, _} -> {:halt, {:open, open, body}}
      end
    end)
  end

  defp short?(expressions, state) do
    {count, _seen} = Composite.reduce(List.to_tuple(expressions), {0, %{}}, &weigh(&1, &2, state))
    count <= @most_ops
  end

  defp weigh(%T{data: %Expr{id: id, op: op}} = tensor, {count, seen}, state) do
    cond do
      is_map_key(seen, id) or is_map_key(state.memo, id) ->
        {count, seen}

      op in @with_effects or (match?(%{shape: _}, tensor) and Nx.size(tensor) > @most_elements) ->
        {@most_ops + 1, seen}

      true ->
        {_args, acc} =
          Tree.apply_args(tensor, :scope, {count + 1, Map.put(seen, id, true)}, &{&1, weigh(&1, &2, state)})

        acc
    end
  end

  defp branch(body, state), do: state |> within(body) |> then(&Lowering.composite(body, &1)) |> elem(0)

  defp within(state, body), do: %{state | scope: Tree.scope_ids(body, state.scope)}

  ## All of them

  defp selected(clauses, last, state) do
    clauses
    |> Enum.map(fn {predicate, body} -> {branch(predicate, state), branch(body, state)} end)
    |> List.foldr(branch(last, state), fn {predicate, body}, other -> select(predicate, body, other) end)
  end

  defp select(predicate, body, other) do
    {result, []} =
      Composite.traverse(body, Composite.flatten_list([other]), fn tensor, [other | rest] ->
        {Nx.select(predicate, tensor, other), rest}
      end)

    result
  end

  ## One of them

  defp chosen(clauses, last, out, %{node: node} = state) do
    {templates, last} = recorded(last, state)

    clauses =
      for {predicate, body} <- clauses do
        asking = Recorder.body(fn -> branch(predicate, state) end)
        {_templates, body} = recorded(body, state)
        {asking, body}
      end

    results =
      if state.looping? and Enum.all?(clauses, &on_node?/1) and on_node?(last),
        do: in_turn(clauses, last, templates, node),
        else: asked(clauses, last, templates, node)

    case {out, Enum.zip_with(templates, results, &Eager.ours(&1, node, &2))} do
      {%T{type: {:tuple, _}}, values} -> List.to_tuple(values)
      {_out, [value]} -> value
    end
  end

  defp on_node?({{_predicate, asking}, body}), do: on_node?({asking, []}) and on_node?(body)
  defp on_node?({entries, _made}), do: Enum.all?(entries, &(Programs.instructions(&1) != :infinity))

  defp asked(clauses, last, templates, node) do
    clauses =
      for {{predicate, asking}, body} <- clauses do
        {handle, more} = Recorder.body(fn -> Lowering.handle(predicate, node) end)
        {{asking ++ more, [handle]}, body}
      end

    results = values_of(templates)
    Recorder.note({:cond, clauses, last, results})
    results
  end

  # The loops' state is whether one is to run, and the results, which begin with anything.
  defp in_turn(clauses, last, templates, node) do
    begun = for template <- templates, do: template |> Eager.constant(0, node) |> Lowering.handle(node)

    {results, open} =
      Enum.reduce(clauses, {begun, nil}, fn {{predicate, asking}, body}, {results, open} ->
        Enum.each(asking, &Recorder.note/1)
        holds = Loops.predicate(predicate)
        taken = if open, do: Nx.logical_and(open, holds), else: holds
        left = if open, do: Nx.logical_and(open, Nx.logical_not(holds)), else: Nx.logical_not(holds)
        {once(taken, body, results, templates, node), left}
      end)

    once(open, last, results, templates, node)
  end

  defp once(taken, {entries, made}, given, templates, node) do
    flag = Nx.template({}, :u8)
    [now, later] = values_of([flag, flag])
    {none, ending} = Recorder.body(fn -> flag |> Eager.constant(0, node) |> Lowering.handle(node) end)
    results = values_of(templates)
    state = [now | values_of(templates)]
    initial = [Lowering.handle(taken, node) | given]
    Recorder.note({:while, initial, state, {[], [now]}, {entries ++ ending, [none | made]}, [later | results]})
    results
  end

  defp values_of(templates), do: Enum.map(templates, &Recorder.value(&1.type, &1.shape))

  defp recorded(body, %{node: node} = state) do
    {{templates, handles}, entries} =
      Recorder.body(fn ->
        flat = [branch(body, state)] |> Composite.flatten_list()
        {Enum.map(flat, &Nx.to_template/1), Enum.map(flat, &Lowering.handle(&1, node))}
      end)

    {templates, {entries, handles}}
  end
end

defmodule Nx.Vulkan.Compiler.Steps do
  @moduledoc false
  # What was noted, as steps that are taken one after the other: programs of the node, as long as they can be, and between them what
  # is decided here. Steps read and write an environment, a map from the numbers of values to handles and numbers.
  #
  #   * {:run, program, inputs, outputs, done}
  #   * {:while, initial, state, condition, body, ahead, results, done}: condition and body are {steps, results}, so are those of
  #     `ahead`, several rounds each, whose first result says whether the last of them was wanted
  #   * {:cond, [{predicate, body}], last, results, done}: each {steps, results}
  #   * {:call, fun, inputs, results, done}: `fun` takes the environment's values and the run's options, and returns values
  #
  # `done` are the numbers that nobody reads any more.

  alias GpuNode.Program
  alias Nx.Vulkan.Compiler.Recorder.Value

  @type number_of_value :: non_neg_integer
  @type body :: {[tuple], [number_of_value]}

  # What a node takes as one program, with room for what a pass may add.
  @most_instructions 2048

  @doc "The steps of `entries` that `wanted` needs, their programs with `options`, and the numbers that they take from outside."
  @spec of([tuple], [Value.t()], keyword) :: {body, MapSet.t()}
  def of(entries, wanted, options \\ []) do
    wanted = Enum.map(wanted, & &1.number)
    {steps, needed} = entries |> Enum.reverse() |> back([], MapSet.new(wanted), options)
    {{steps, wanted}, needed}
  end

  # From the last entry to the first: what is needed behind them is known.
  defp back([], steps, needed, _options), do: {steps, needed}

  defp back([{:op, _, _, _, _} | _] = entries, steps, needed, options) do
    {ops, rest, before} = ops(entries, [], needed, 0)

    case ops do
      [] -> back(rest, steps, before, options)
      ops -> back(rest, [run(ops, before, needed, options) | steps], before, options)
    end
  end

  defp back([{:while, initial, state, condition, body, ahead, results} | rest], steps, needed, options) do
    {[condition, body | ahead], free} =
      Enum.map_reduce([condition, body | ahead], MapSet.new(), &closed(&1, &2, state, options))

    initial = numbers(initial)
    before = needed |> without(results) |> MapSet.union(free) |> with_all(initial)
    step = {:while, initial, numbers(state), condition, body, ahead, numbers(results), done(before, needed)}
    back(rest, [step | steps], before, options)
  end

  defp back([{:cond, clauses, last, results} | rest], steps, needed, options) do
    {last, free} = body(last, options)

    {clauses, free} =
      Enum.map_reduce(clauses, free, fn {predicate, body}, free ->
        {predicate, predicate_free} = body(predicate, options)
        {body, body_free} = body(body, options)
        {{predicate, body}, free |> MapSet.union(predicate_free) |> MapSet.union(body_free)}
      end)

    before = needed |> without(results) |> MapSet.union(free)
    back(rest, [{:cond, clauses, last, numbers(results), done(before, needed)} | steps], before, options)
  end

  defp back([{:call, fun, inputs, results} | rest], steps, needed, options) do
    inputs = numbers(inputs)
    before = needed |> without(results) |> with_all(inputs)
    back(rest, [{:call, fun, inputs, numbers(results), done(before, needed)} | steps], before, options)
  end

  defp body({entries, wanted}, options), do: of(entries, wanted, options)

  defp closed(body, free, state, options) do
    {body, own} = body(body, options)
    {body, own |> without(state) |> MapSet.union(free)}
  end

  # The ops in front of the next other entry that anybody needs, in order.
  defp ops([{:op, _name, results, operands, _attributes} = op | rest], ops, needed, count)
       when count < @most_instructions do
    if Enum.any?(results, &MapSet.member?(needed, &1.number)) do
      used = for %Value{number: number} <- operands, do: number
      ops(rest, [op | ops], needed |> without(results) |> with_all(used), count + 1)
    else
      ops(rest, ops, needed, count)
    end
  end

  defp ops(rest, ops, needed, _count), do: {ops, rest, needed}

  defp run(ops, before, needed, options) do
    made = for {:op, _, results, _, _} <- ops, %{number: number} <- results, into: MapSet.new(), do: number

    inputs =
      for {:op, _, _, operands, _} <- ops,
          %Value{number: number} = value <- operands,
          not MapSet.member?(made, number),
          uniq: true,
          do: value

    {program, places} =
      Enum.reduce(inputs, {Program.new([compile: :first] ++ options), %{}}, fn value, {program, places} ->
        {program, place} = Program.input(program, value.type, value.shape)
        {program, Map.put(places, value.number, place)}
      end)

    {program, places} = Enum.reduce(ops, {program, places}, &append/2)
    outputs = made |> MapSet.intersection(needed) |> Enum.sort()
    program = Program.output(program, Enum.map(outputs, &Map.fetch!(places, &1)))
    {:run, program, numbers(inputs), outputs, done(before, needed)}
  end

  defp append({:op, name, results, operands, attributes}, {program, places}) do
    operands =
      Enum.map(operands, fn
        %Value{number: number} -> Map.fetch!(places, number)
        literal -> literal
      end)

    {program, values} = Program.append(program, name, operands, Enum.map(results, &{&1.type, &1.shape}), attributes)
    places = results |> Enum.zip(values) |> Enum.reduce(places, fn {%{number: n}, v}, all -> Map.put(all, n, v) end)
    {program, places}
  end

  defp done(before, needed), do: before |> MapSet.difference(needed) |> MapSet.to_list()
  defp numbers(values), do: Enum.map(values, & &1.number)
  defp without(set, values), do: Enum.reduce(values, set, &MapSet.delete(&2, &1.number))
  defp with_all(set, numbers), do: Enum.reduce(numbers, set, &MapSet.put(&2, &1))
end

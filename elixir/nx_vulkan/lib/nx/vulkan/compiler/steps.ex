defmodule Nx.Vulkan.Compiler.Steps do
  @moduledoc false
  # What was noted, as steps that are taken one after the other: programs of the node, as long as they can be, and between them what
  # is decided here. Steps read and write an environment, a map from the numbers of values to handles and numbers.
  #
  #   * {:run, program, inputs, outputs, done}
  #   * {:while, initial, state, condition, body, results, done}: condition and body are {steps, results}; the body gives the first
  #     values of the state
  #   * {:cond, [{predicate, body}], last, results, done}: each {steps, results}
  #   * {:call, fun, inputs, results, done}: `fun` takes the environment's values and the run's options, and returns values
  #
  # `done` are the numbers that nobody reads any more.
  #
  # A loop whose condition and body are ops, or such loops, is an instruction of a program; only what needs the host in its rounds
  # is a step.

  alias Nx.Vulkan.Compiler.Programs
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

  defp back([entry | _] = entries, steps, needed, options) do
    case Programs.instructions(entry) do
      count when count <= @most_instructions ->
        {ops, rest, before} = ops(entries, [], needed, 0)
        steps = if ops == [], do: steps, else: [run(ops, before, needed, options) | steps]
        back(rest, steps, before, options)

      _ ->
        apart(entries, steps, needed, options)
    end
  end

  defp apart([{:while, initial, state, condition, body, results} | rest], steps, needed, options) do
    {[condition, body], free} = Enum.map_reduce([condition, body], MapSet.new(), &closed(&1, &2, state, options))

    initial = numbers(initial)
    before = needed |> without(results) |> MapSet.union(free) |> with_all(initial)
    step = {:while, initial, numbers(state), condition, body, numbers(results), done(before, needed)}
    back(rest, [step | steps], before, options)
  end

  defp apart([{:cond, clauses, last, results} | rest], steps, needed, options) do
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

  defp apart([{:call, fun, inputs, results} | rest], steps, needed, options) do
    inputs = numbers(inputs)
    before = needed |> without(results) |> with_all(inputs)
    back(rest, [{:call, fun, inputs, numbers(results), done(before, needed)} | steps], before, options)
  end

  defp body({entries, wanted}, options), do: of(entries, wanted, options)

  defp closed(body, free, state, options) do
    {body, own} = body(body, options)
    {body, own |> without(state) |> MapSet.union(free)}
  end

  # What becomes instructions, in front of the next entry that does not, where anybody needs it, in order.
  defp ops([entry | rest] = entries, ops, needed, count) do
    own = Programs.instructions(entry)

    cond do
      own == :infinity or count + own > @most_instructions ->
        {ops, entries, needed}

      Enum.any?(Programs.results(entry), &MapSet.member?(needed, &1.number)) ->
        used = numbers(Programs.inputs([entry]))
        ops(rest, [entry | ops], needed |> without(Programs.results(entry)) |> with_all(used), count + own)

      true ->
        ops(rest, ops, needed, count)
    end
  end

  defp ops([], ops, needed, _count), do: {ops, [], needed}

  defp run(ops, before, needed, options) do
    inputs = Programs.inputs(ops)
    made = for entry <- ops, value <- Programs.results(entry), MapSet.member?(needed, value.number), do: value
    outputs = Enum.sort_by(made, & &1.number)
    program = Programs.program(inputs, ops, outputs, [compile: :first] ++ options)
    {:run, program, numbers(inputs), numbers(outputs), done(before, needed)}
  end

  defp done(before, needed), do: before |> MapSet.difference(needed) |> MapSet.to_list()
  defp numbers(values), do: Enum.map(values, & &1.number)
  defp without(set, values), do: Enum.reduce(values, set, &MapSet.delete(&2, &1.number))
  defp with_all(set, numbers), do: Enum.reduce(numbers, set, &MapSet.put(&2, &1))
end

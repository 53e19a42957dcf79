defmodule Nx.Vulkan.Compiler.Loops do
  @moduledoc false
  # `while`. One whose condition is known before anything runs, because it counts integers, is written out where that is short:
  # threefry's rounds are. Others are a step that asks the node for the condition, after many rounds where a round is short.

  alias Nx.Defn.Composite
  alias Nx.Tensor, as: T
  alias Nx.Vulkan.Compiler.{Lowering, Recorder}
  alias Nx.Vulkan.Eager

  # What a loop that is written out may come to.
  @most_ops 512
  @most_rounds 64
  # What rounds that are taken without asking may come to: a round that is for nothing should cost less than to ask.
  @few_ahead 8
  @most_ahead 64
  @most_ops_ahead 1024
  @most_elements 16_384

  @doc "The values of a loop that begins with those of the container `initial`."
  @spec lower(term, T.t(), term, Lowering.t()) :: T.t() | tuple
  def lower(initial, condition, body, state) do
    case Recorder.attempt(fn -> written(initial, condition, body, state, @most_rounds, Recorder.noted()) end) do
      {:ok, values} -> values
      :unknown -> loop(initial, condition, body, state)
    end
  end

  defp written(_values, _condition, _body, _state, 0, _noted), do: :unknown

  defp written(values, condition, body, state, rounds, noted) do
    flat = Composite.flatten_list([values])

    with true <- Recorder.plain?(noted, @most_ops),
         {:ok, more} <- Lowering.known(state, &Lowering.closed(condition, flat, &1)) do
      if more != 0,
        do: body |> Lowering.closed(flat, state) |> written(condition, body, state, rounds - 1, noted),
        else: {:ok, values}
    else
      _ -> :unknown
    end
  end

  # Each round is noted by itself, and where it is short a number of rounds too: they change nothing once the condition has failed.
  defp loop(initial, condition, body, %{node: node} = state) do
    flat = Composite.flatten_list([initial])
    handles = Enum.map(flat, &Lowering.handle(&1, node))
    carried = Enum.map(flat, &Recorder.value(&1.type, &1.shape))
    results = Enum.map(flat, &Recorder.value(&1.type, &1.shape))
    given = Enum.zip_with(flat, carried, &Eager.ours(&1, node, &2))

    {predicate, asking} = Recorder.body(fn -> condition |> Lowering.closed(given, state) |> Lowering.handle(node) end)
    {values, working} = Recorder.body(fn -> given |> round(body, state) |> Enum.map(&Lowering.handle(&1, node)) end)

    ahead =
      for rounds <- ahead(asking ++ working, carried) do
        Recorder.body(fn ->
          {values, predicate} =
            Enum.reduce(1..rounds, {given, nil}, fn _, {values, _} -> masked(values, condition, body, state) end)

          Enum.map([predicate | values], &Lowering.handle(&1, node))
        end)
        |> then(fn {wanted, entries} -> {entries, wanted} end)
      end

    Recorder.note({:while, handles, carried, {asking, [predicate]}, {working, values}, ahead, results})

    {values, []} =
      Composite.traverse(initial, results, fn tensor, [result | rest] -> {Eager.ours(tensor, node, result), rest} end)

    values
  end

  defp round(values, body, state), do: Composite.flatten_list([Lowering.closed(body, values, state)])

  # The values after a round that is for nothing if the condition fails, and the condition.
  defp masked(values, condition, body, state) do
    predicate = Lowering.closed(condition, values, state)

    values =
      Enum.zip_with(values, round(values, body, state), fn
        %T{data: same} = value, %T{data: same} -> value
        before, later -> Nx.select(predicate, later, before)
      end)

    {values, predicate}
  end

  # How many rounds at once: first a few, then many. None where one has effects, or makes much for nothing.
  defp ahead(entries, carried) do
    ops = length(entries) + length(carried)
    plain? = Enum.all?(entries, &(elem(&1, 0) == :op and small?(elem(&1, 2)))) and small?(carried)
    many = min(@most_ahead, div(@most_ops_ahead, ops))
    if plain? and many > 1, do: Enum.uniq([min(@few_ahead, many), many]), else: []
  end

  defp small?(values), do: Enum.all?(values, &(Tuple.product(&1.shape) <= @most_elements))
end

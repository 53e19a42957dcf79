defmodule Nx.Vulkan.Compiler.Loops do
  @moduledoc false
  # `while`. One whose condition is known before anything runs, because it counts integers, is written out where that is short:
  # threefry's rounds are. Others are noted as a loop, which the node runs where its bodies are ops alone.

  alias Nx.Defn.Composite
  alias Nx.Tensor, as: T
  alias Nx.Vulkan.Compiler.{Lowering, Recorder}
  alias Nx.Vulkan.Eager

  # What a loop that is written out may come to.
  @most_ops 512
  @most_rounds 64

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

  # What a round leaves as it is goes behind what it changes: the node keeps it as it is.
  defp loop(initial, condition, body, %{node: node} = state) do
    state = %{state | looping?: true}
    flat = Composite.flatten_list([initial])
    handles = Enum.map(flat, &Lowering.handle(&1, node))
    carried = Enum.map(flat, &Recorder.value(&1.type, &1.shape))
    given = Enum.zip_with(flat, carried, &Eager.ours(&1, node, &2))

    {predicate, asking} =
      Recorder.body(fn -> condition |> Lowering.closed(given, state) |> predicate() |> Lowering.handle(node) end)

    {made, working} =
      Recorder.body(fn ->
        [Lowering.closed(body, given, state)] |> Composite.flatten_list() |> Enum.map(&Lowering.handle(&1, node))
      end)

    {kept, changed} = [handles, carried, made] |> Enum.zip() |> Enum.split_with(fn {_, same, made} -> same == made end)
    # A loop that changes nothing still has a state: it ends at once, or never.
    {kept, changed} = if changed == [], do: {tl(kept), [hd(kept)]}, else: {kept, changed}
    results = for {_handle, value, _made} <- changed, do: {value, Recorder.value(value.type, value.shape)}
    {first, state_values, _} = unzip(changed ++ kept)
    {_, _, last} = unzip(changed)

    Recorder.note(
      {:while, first, state_values, {asking, [predicate]}, {working, last}, Enum.map(results, &elem(&1, 1))}
    )

    ends = Map.merge(Map.new(kept, fn {handle, value, _} -> {value, handle} end), Map.new(results))

    {values, []} =
      Composite.traverse(initial, carried, fn tensor, [value | rest] ->
        {Eager.ours(tensor, node, Map.fetch!(ends, value)), rest}
      end)

    values
  end

  @doc "A number as the node's loops take it: whether it is not 0."
  @spec predicate(T.t()) :: T.t()
  def predicate(%T{type: {:u, 8}} = predicate), do: predicate
  def predicate(predicate), do: Nx.not_equal(predicate, 0)

  defp unzip(list), do: {for({a, _, _} <- list, do: a), for({_, b, _} <- list, do: b), for({_, _, c} <- list, do: c)}
end

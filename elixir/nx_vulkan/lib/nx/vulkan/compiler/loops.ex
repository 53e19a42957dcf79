defmodule Nx.Vulkan.Compiler.Loops do
  @moduledoc false
  # `while`. One whose condition is known before anything runs, because it counts integers, is written out where that is short:
  # threefry's rounds are. Others are a step that asks the node for the condition.

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

    with true <- Recorder.noted() - noted <= @most_ops,
         %T{data: %Nx.BinaryBackend{}} = known <- Lowering.closed(condition, flat, state) do
      if Nx.to_number(known) != 0,
        do: body |> Lowering.closed(flat, state) |> written(condition, body, state, rounds - 1, noted),
        else: {:ok, values}
    else
      _ -> :unknown
    end
  end

  defp loop(initial, condition, body, %{node: node} = state) do
    flat = Composite.flatten_list([initial])
    handles = Enum.map(flat, &Lowering.handle(&1, node))
    carried = Enum.map(flat, &Recorder.value(&1.type, &1.shape))
    results = Enum.map(flat, &Recorder.value(&1.type, &1.shape))
    given = Enum.zip_with(flat, carried, &Eager.ours(&1, node, &2))

    {predicate, asking} =
      Recorder.body(fn -> condition |> Lowering.closed(given, state) |> Lowering.handle(node) end)

    {values, working} =
      Recorder.body(fn ->
        [Lowering.closed(body, given, state)] |> Composite.flatten_list() |> Enum.map(&Lowering.handle(&1, node))
      end)

    Recorder.note({:while, handles, carried, {asking, [predicate]}, {working, values}, results})

    {values, []} =
      Composite.traverse(initial, results, fn tensor, [result | rest] -> {Eager.ours(tensor, node, result), rest} end)

    values
  end
end

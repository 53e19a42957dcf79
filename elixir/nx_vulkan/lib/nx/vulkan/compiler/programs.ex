defmodule Nx.Vulkan.Compiler.Programs do
  @moduledoc false
  # What was noted as a program of the node: ops as its instructions, loops of ops as instructions with bodies.

  alias GpuNode.Program
  alias Nx.Vulkan.Compiler.Recorder.Value

  @doc "How many instructions an entry comes to, its bodies included; `:infinity` where the host has a part in it."
  @spec instructions(tuple) :: pos_integer | :infinity
  def instructions({:op, _name, _results, _operands, _attributes}), do: 1

  def instructions({:while, _initial, _state, {asking, _predicate}, {working, _made}, _results}) do
    # Each body counts as one, as does the loop.
    Enum.reduce_while(asking ++ working, 3, fn entry, count ->
      case instructions(entry) do
        :infinity -> {:halt, :infinity}
        own -> {:cont, count + own}
      end
    end)
  end

  def instructions(_with_the_host), do: :infinity

  @doc "The values that an entry makes."
  @spec results(tuple) :: [Value.t()]
  def results({:op, _name, results, _operands, _attributes}), do: results
  def results({:while, _initial, _state, _condition, _body, results}), do: results

  @doc "The values that entries take and do not make, each once."
  @spec inputs([tuple]) :: [Value.t()]
  def inputs(entries) do
    made = for entry <- entries, value <- results(entry), into: MapSet.new(), do: value
    for entry <- entries, value <- operands(entry), not MapSet.member?(made, value), uniq: true, do: value
  end

  defp operands({:op, _name, _results, operands, _attributes}), do: Enum.filter(operands, &is_struct(&1, Value))
  defp operands({:while, initial, _state, _condition, _body, _results} = loop), do: initial ++ captured(loop)

  # What the bodies of a loop have of the values around.
  defp captured({:while, _initial, state, {asking, predicate}, {working, made}, _results}) do
    own = for entry <- asking ++ working, value <- results(entry), into: MapSet.new(state), do: value
    Enum.uniq(inputs(asking) ++ predicate ++ inputs(working) ++ made) |> Enum.reject(&MapSet.member?(own, &1))
  end

  @doc "The program of `entries`, which takes `inputs` and gives `outputs`."
  @spec program([Value.t()], [tuple], [Value.t()], keyword) :: Program.t()
  def program(inputs, entries, outputs, options) do
    {program, places} =
      Enum.reduce(inputs, {Program.new(options), %{}}, fn value, {program, places} ->
        {program, place} = Program.input(program, value.type, value.shape)
        {program, Map.put(places, value, place)}
      end)

    {program, places} = Enum.reduce(entries, {program, places}, &append(&1, &2, options))
    Program.output(program, Enum.map(outputs, &Map.fetch!(places, &1)))
  end

  defp append({:op, name, results, operands, attributes}, {program, places}, _options) do
    operands = Enum.map(operands, &if(is_struct(&1, Value), do: Map.fetch!(places, &1), else: &1))
    {program, values} = Program.append(program, name, operands, Enum.map(results, &{&1.type, &1.shape}), attributes)
    {program, bind(places, results, values)}
  end

  defp append(
         {:while, initial, state, {asking, predicate}, {working, made}, results} = loop,
         {program, places},
         options
       ) do
    captured = captured(loop)
    inputs = state ++ captured
    operands = Enum.map(initial ++ captured, &Map.fetch!(places, &1))
    condition = program(inputs, asking, predicate, options)
    body = program(inputs, working, made, options)
    {program, values} = Program.append_while(program, operands, condition, body)
    {program, bind(places, results, values)}
  end

  defp bind(places, results, values), do: results |> Enum.zip(values) |> Enum.into(places)
end

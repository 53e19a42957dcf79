defmodule Nx.Vulkan.Test.Vectors.Examples do
  @moduledoc false
  # The calls that the examples in Nx's documentation make of the backend. What BinaryBackend gives there is taken as it is: Nx
  # prints it. Some of each op, none with many elements.

  alias Nx.Vulkan.Test.{Numbers, Recorder}
  alias Nx.Vulkan.Test.Vectors.Wire

  @modules [Nx, Nx.LinAlg]
  @of_an_op 6
  @elements 40
  # BinaryBackend rounds to these in its own way: the generated cases have them.
  @small [{:f, 8}, {:f8_e4m3fn, 8}, {:f, 16}, {:bf, 16}]

  @doc "For each op the wires of calls in examples, and the patterns of their results."
  @spec by_op() :: %{atom => [{Wire.t(), [[non_neg_integer]]}]}
  def by_op do
    calls =
      for module <- @modules,
          example <- examples(module),
          call <- Enum.reverse(Recorder.calls(fn -> run(example) end)),
          do: call

    calls
    |> Enum.flat_map(&found/1)
    |> Enum.uniq()
    |> Enum.group_by(fn {wire, _} -> wire.op end)
    |> Map.new(fn {op, list} -> {op, spread(list)} end)
  end

  # The first of each combination of types, then others.
  defp spread(list) do
    firsts = Enum.uniq_by(list, fn {wire, _} -> Enum.map(wire.operands, & &1.type) end)
    Enum.take(firsts ++ (list -- firsts), @of_an_op)
  end

  defp found({_op, _out, _arguments, {:ok, result}} = call) do
    results = if is_struct(result), do: [result], else: Tuple.to_list(result)

    with {:ok, wire} <- Wire.call(call),
         tensors = wire.operands ++ results,
         true <- Enum.all?(tensors, &(Nx.size(&1) <= @elements and &1.type not in @small)) do
      [{wire, Enum.map(results, &Numbers.patterns_of/1)}]
    else
      _ -> []
    end
  end

  defp found(_raised), do: []

  # What the compiler says of documentation is of no use here.
  defp run(example), do: Code.with_diagnostics(fn -> Code.eval_string("import Nx, only: :sigils\n" <> example) end)

  # The code behind iex> and ...>, what stands together in one piece.
  defp examples(module) do
    {:docs_v1, _, _, _, _, _, docs} = Code.fetch_docs(module)

    for {{kind, _name, _arity}, _, _, %{"en" => text}, _} when kind in [:function, :macro] <- Enum.sort(docs),
        piece <- text |> String.split("\n") |> Enum.chunk_by(&(String.trim(&1) == "")),
        lines =
          for(line <- piece, [_, code] <- [Regex.run(~r/^\s*(?:iex|\.\.\.)(?:\(\d+\))?>\s?(.*)$/, line)], do: code),
        lines != [],
        do: Enum.join(lines, "\n")
  end
end

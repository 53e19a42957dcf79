defmodule GpuNode.OpsDocsTest do
  @moduledoc "The examples of `GpuNode.Ops`, which are made from the op table, run on a node called `:gpu0`."
  use ExUnit.Case, async: false
  import GpuNode.NodeCase, only: [device: 0]

  @moduletag :node
  @moduletag :truth

  setup_all do
    start_supervised!({GpuNode, [name: :gpu0] ++ device()})
    :ok
  end

  doctest GpuNode.Ops, except: [:moduledoc]

  test "every op says its formula, what it takes and gives, its attributes, and has an example" do
    {:docs_v1, _, _, _, _, _, docs} = Code.fetch_docs(GpuNode.Ops)

    for row <- Map.values(GpuNode.Op.table()) do
      {_, _, _, %{"en" => text}, _} =
        Enum.find(docs, &match?({{:function, name, _}, _, _, _, _} when name == row.name, &1))

      assert text =~ row.formula, "#{row.name} has no formula"

      for word <- ["takes ", "type: ", "shape: "],
          do: assert(text =~ "  * #{word}", "#{row.name} does not say its #{word}")

      for {key, _} <- row.attributes, do: assert(text =~ "`#{inspect(key)}` - ", "#{row.name} does not say #{key}")
      assert text =~ "iex> ", "#{row.name} has no example"
    end
  end
end

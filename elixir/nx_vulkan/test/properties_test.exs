defmodule Nx.Vulkan.PropertiesTest do
  # Every row of Nx.Vulkan.Callbacks over types, layouts and places of operands. See Nx.Vulkan.Test.Rows for the cases, Oracle for
  # what they must give. Nx has no tensors without elements, so there are none here.
  use Nx.Vulkan.Test.Case, async: true

  alias Nx.Vulkan.{Callbacks, Eager}
  alias Nx.Vulkan.Test.{Cases, Check, Numbers, Rows}

  @moduletag timeout: 300_000

  for {op, _, _, _} = row <- Callbacks.rows() do
    @row row
    test "#{op}" do
      Cases.seed(unquote(op))
      row = unquote(Macro.escape(@row))

      failures =
        for type <- Numbers.types(), reduce: [] do
          failures ->
            cases =
              Rows.cases(row, type) ||
                flunk("no cases for a row that takes #{inspect(elem(row, 1))}: give Rows a clause")

            failures ++ Check.all(row, Cases.some(cases))
        end

      if failures != [],
        do: flunk("#{length(failures)} of the cases failed; the first:\n" <> Enum.join(Enum.take(failures, 6), "\n"))
    end
  end

  test "the rounding of the oracle is that of BinaryBackend where that rounds, and is exact" do
    for type <- [{:f, 16}, {:f, 32}, {:f, 64}], pattern <- Numbers.patterns(type, 200, :any) do
      assert Numbers.distance(pattern |> Numbers.value(type) |> Numbers.round_to(type), pattern, type) == 0
    end

    assert Numbers.round_to(1.0 + 2 ** -11, {:f, 16}) == 0x3C00
    assert Numbers.round_to(1.0 + 3 * 2 ** -11, {:f, 16}) == 0x3C02
    assert Numbers.round_to(65520, {:f, 16}) == 0x7C00
    assert Numbers.round_to(1.0e9, {:f8_e4m3fn, 8}) == 0x7E
    assert Numbers.round_to(-1.0e-50, {:f, 32}) == 0x80000000
    assert Eager.devectorized(Nx.iota({2})).shape == {2}
  end
end

defmodule Nx.Vulkan.ConstantsTest do
  # Constants and numbers in every op that goes element by element, in any shape: {tensor, constant, number} x {plain, vectorized},
  # folded or not, against BinaryBackend. And tensors of the host among the arguments of blocks.
  use Nx.Vulkan.Test.Case, async: false

  alias Nx.Vulkan.Callbacks
  alias Nx.Vulkan.Test.{Check, Operand}

  @moduletag timeout: 600_000

  @kinds [:tensor, :constant, :number, :host]

  defp numbers(tensor),
    do: tensor |> Nx.devectorize() |> Nx.backend_copy(Nx.BinaryBackend) |> Nx.to_flat_list()

  defp same(fun) do
    got = fun.()
    expected = on_host(fun)
    assert {got.type, got.shape, got.vectorized_axes} == {expected.type, expected.shape, expected.vectorized_axes}
    assert {numbers(got), is_struct(got.data, Nx.Vulkan.Backend)} == {numbers(expected), true}
  end

  @tag :truth
  test "a vectorized constant meets a number" do
    same(fn -> Nx.u8(1) |> Nx.broadcast({2}) |> Nx.vectorize(:x) |> Nx.add(2) end)
    same(fn -> Nx.broadcast(Nx.u32(8), {2, 3}) |> Nx.vectorize(:x) |> Nx.quotient(2) end)
    same(fn -> Nx.subtract(300, Nx.broadcast(Nx.u8(8), {2, 3}) |> Nx.vectorize(:x)) end)
    same(fn -> Nx.multiply(Nx.broadcast(Nx.tensor(3, type: :f16), {2}) |> Nx.vectorize(:x), 70_000.0) end)
  end

  @tag :truth
  test "a vectorized tensor of ours meets a number while the default backend is BinaryBackend" do
    ours = Nx.tensor([1.0, 3.0], type: :bf16) |> Nx.vectorize(:x)

    on_host(fn ->
      assert %{type: {:bf, 16}} = sum = Nx.add(ours, 1.5)
      assert numbers(sum) == [2.5, 4.5]
      # 257 is none of bf16, and 256 would give 768.
      assert numbers(Nx.multiply(ours, 257)) == [256.0, 772.0]
      assert numbers(Nx.add(ours, Nx.broadcast(Nx.tensor(1.5), {2}) |> Nx.vectorize(:x))) == [2.5, 4.5]
    end)
  end

  @tag :truth
  test "every op that goes element by element takes tensors, constants and numbers, plain and vectorized, folded or not" do
    :rand.seed(:exsss, {1, 2, 3})

    failures =
      for folded? <- [true, false],
          {op, parameters, _, _} = row <- Callbacks.rows(),
          Callbacks.elementwise?(op),
          parameters in [[:tensor], [:left, :right], [:pred, :on_true, :on_false], [:tensor, :min, :max]],
          kinds <- kinds(length(parameters)),
          type <- types(op, length(parameters)),
          vectorized? <- [false, true],
          failure <- with_env(:fold_constants, folded?, fn -> case_of(row, op, kinds, type, vectorized?) end),
          do: "#{op} #{inspect(kinds)} #{if vectorized?, do: "vectorized"} folded: #{folded?}: #{failure}"

    if failures != [],
      do: flunk("#{length(failures)} failed; the first:\n" <> Enum.join(Enum.take(failures, 8), "\n"))
  end

  # At least one operand is ours.
  defp kinds(1), do: [[:tensor], [:constant]]

  defp kinds(count) do
    for rest <- Enum.reduce(1..count, [[]], fn _, lists -> for(list <- lists, kind <- @kinds, do: [kind | list]) end),
        Enum.any?(rest, &(&1 in [:tensor, :constant])),
        count == 2 or (hd(rest) in [:tensor, :constant] and :rand.uniform(4) == 1),
        do: rest
  end

  defp types(op, count) do
    integers =
      op in ~w(quotient bitwise_and bitwise_or bitwise_xor left_shift right_shift bitwise_not count_leading_zeros
                        population_count)a

    types = [{:u, 8}, {:s, 64}] ++ if(integers, do: [{:u, 32}], else: [{:bf, 16}, {:f, 32}, {:f, 16}, {:f8_e4m3fn, 8}])
    if count == 1, do: types, else: Enum.take_random(types, 2)
  end

  defp case_of({op, _, _, _} = row, op, kinds, type, vectorized?) do
    arguments =
      for {kind, at} <- Enum.with_index(kinds) do
        layout = if vectorized?, do: :vectorized, else: :contiguous

        case kind do
          # Bounds are scalars.
          kind when op == :clip and at > 0 and kind != :number ->
            Operand.new(type, {}, place: if(kind == :constant, do: :literal, else: :host), style: :small)

          :number ->
            number(op, type)

          :tensor ->
            Operand.new(type, {2, 3}, layout: layout, place: :ours, style: :small)

          :host ->
            Operand.new(type, {1, 1}, layout: layout, place: :host, style: :small)

          :constant ->
            Operand.new(type, shape(vectorized?), layout: layout, place: :literal, style: :small)
        end
      end

    arguments = if op == :as_type, do: arguments ++ [Enum.random([:f16, :u8, :f32])], else: arguments
    Check.all(row, [{&apply(Nx, op, &1), arguments}])
  end

  defp number(:pow, type), do: if(Nx.Type.float?(type), do: 2.0, else: 3)
  defp number(_op, type), do: Enum.random([2, if(Nx.Type.float?(type), do: 1.5, else: 3)])

  # The oracle stretches vectorized operands of one rank.
  defp shape(true), do: Enum.random([{2, 3}, {1, 3}, {1, 1}])
  defp shape(false), do: Enum.random([{2, 3}, {3}, {1}, {}])

  defmodule Lookup do
    import Nx.Defn

    defn(take(i), do: Nx.take(Nx.tensor([1.0, 2.0, 3.0]), i))
    defn(take_along_axis(i), do: Nx.take_along_axis(Nx.tensor([[1.0, 2.0], [3.0, 4.0]]), i, axis: 1))
    defn(gather(i), do: Nx.gather(Nx.tensor([[1, 2], [3, 4]]), i))
    defn(all_close(x), do: Nx.all_close(Nx.tensor([1.0, 2.0]), x))
    defn(solve(x), do: Nx.LinAlg.solve(Nx.tensor([[2.0, 0.0], [0.0, 4.0]]), x))
    defn(put_at(i), do: Nx.indexed_put(Nx.tensor([1.0, 2.0, 3.0]), i, Nx.tensor([9.0])))
    defn(choose(x), do: Nx.select(Nx.tensor([1, 0]), x, Nx.tensor([7.0, 8.0])))
    defn(clip(x), do: Nx.clip(Nx.tensor([1.0, 20.0]), 2.0, x))
    defn(join(x), do: Nx.concatenate([Nx.tensor([1.0]), x]))
    defn(dot(x), do: Nx.dot(Nx.tensor([1.0, 2.0]), x))
  end

  @tag :truth
  test "blocks and ops take tensors of the host beside ours, whichever comes first" do
    for {fun, argument} <- [
          take: [2, 0],
          take_along_axis: [[1, 0], [0, 0]],
          gather: [[1, 0], [0, 1]],
          all_close: [1.0, 2.0],
          solve: [2.0, 4.0],
          put_at: [[1]],
          choose: [5.0, 6.0],
          clip: 4.5,
          join: [2.0],
          dot: [3.0, 4.0]
        ] do
      tensor = on_host(fn -> Nx.tensor(argument) end)
      expected = on_host(fn -> apply(Lookup, fun, [tensor]) end)
      ours = Nx.backend_copy(tensor, Nx.Vulkan.Backend)

      # Constants in a defn lie on the host when that is the default.
      for run <- [&on_host/1, & &1.()] do
        got = run.(fn -> apply(Lookup, fun, [ours]) end)
        assert {fun, got.type, numbers(got)} == {fun, expected.type, numbers(expected)}
      end
    end
  end

  @tag :truth
  test "every block takes its tensors from the host beside ours" do
    host = fn values -> Nx.tensor(values, backend: Nx.BinaryBackend) end
    ours = fn values -> Nx.tensor(values, backend: Nx.Vulkan.Backend) end

    for {fun, first, second} <- [
          {&Nx.take/2, [10, 20, 30], [2, 0]},
          {&Nx.take_along_axis/2, [10, 20, 30], [2, 0, 0]},
          {&Nx.all_close/2, [1.0, 2.0], [1.0, 2.5]},
          {&Nx.LinAlg.solve/2, [[2.0, 1.0], [1.0, 4.0]], [2.0, 4.0]}
        ] do
      expected = on_host(fn -> fun.(host.(first), host.(second)) end)

      for {a, b} <- [{host.(first), ours.(second)}, {ours.(first), host.(second)}],
          run <- [&on_host/1, & &1.()],
          do: assert(numbers(run.(fn -> fun.(a, b) end)) == numbers(expected))
    end
  end
end

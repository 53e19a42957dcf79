defmodule GpuNode.ProgramTest do
  use ExUnit.Case, async: true
  alias GpuNode.{Error, Program}

  defp fresh do
    {:ok, agent} = Agent.start_link(fn -> 100 end)
    fn -> Agent.get_and_update(agent, &{&1, &1 + 1}) end
  end

  test "inputs, locals and outputs become names of one message" do
    p = Program.new()
    {p, x} = Program.input(p, :f32, {2, 3})
    {p, n} = Program.input(p, :f32, {})
    {p, y} = Program.multiply(p, x, n)
    {p, z} = Program.add(p, y, 1)
    {p, s} = Program.sum(p, z, axes: [0])
    p = Program.output(p, [s, z, x, s])
    assert {s.type, s.shape} == {{:f, 32}, {3}}

    {[commands], outputs} = Program.commands(p, [7, {:f32, 2.0}], 4096, fresh())
    assert [sum, add, 7, sum] = outputs
    assert sum >= 100 and add >= 100 and sum != add

    assert commands == [
             {:multiply, [{-1, :f32, {2, 3}}], [7, {:f32, 2.0}], %{}},
             {:add, [{add, :f32, {2, 3}}], [-1, {:f32, 1}], %{}},
             {:sum, [{sum, :f32, {3}}], [add], %{axes: [0], keep_axes: false}}
           ]
  end

  defp halved(p, [n, x]) do
    {p, n} = Program.subtract(p, n, 1)
    {p, x} = Program.multiply(p, x, 0.5)
    {p, [n, x]}
  end

  test "a loop has its bodies beside the instructions, by number" do
    p = Program.new()
    {p, n} = Program.input(p, :s32, {})
    {p, x} = Program.input(p, :f32, {2})
    {p, [_n, y]} = Program.while(p, [n, x], fn p, [n, _x] -> Program.greater(p, n, 0) end, &halved/2)
    p = Program.output(p, [y])
    assert {y.type, y.shape} == {{:f, 32}, {2}}
    # Bodies count, and what is in them.
    assert Program.compilable?(p, 6) and not Program.compilable?(p, 5)
    assert Program.weight(p) == 6

    assert {_bytes, {:compile_program, 7, inputs, [loop], [-2], [condition, body]}} = Program.compile_command(p, 7)
    assert loop == {:while, [{-1, :s32, {}}, {-2, :f32, {2}}], [0, 1], %{condition: 0, body: 1}}
    assert condition == {inputs, [{:greater, [{-1, :u8, {}}], [0, {:s32, 0}], %{}}], [-1], []}
    assert {^inputs, [{:subtract, _, _, _}, {:multiply, _, _, _}], [-1, -2], []} = body
  end

  test "a loop whose bodies do not fit its state is an error that says so" do
    p = Program.new()
    {p, n} = Program.input(p, :s32, {})
    {p, x} = Program.input(p, :f32, {2})
    wrong = fn condition, body -> assert_raise(Error, fn -> Program.while(p, [n, x], condition, body) end).message end
    goes_on = fn p, [n, _x] -> Program.greater(p, n, 0) end
    assert wrong.(fn p, [n, _x] -> Program.add(p, n, 1) end, &halved/2) =~ "while: condition gives s32{}, not u8{}"

    swapped = fn p, state -> halved(p, state) |> then(fn {p, [n, x]} -> {p, [x, n]} end) end
    assert wrong.(goes_on, swapped) =~ "while: body gives f32{2} for s32{}"
    assert wrong.(goes_on, fn p, [n, x] -> {p, [n, x, x]} end) =~ "while: body gives 3 values for a state of 2"
    assert wrong.(goes_on, fn p, _state -> {p, [x]} end) =~ "is a value of another program"
    assert wrong.(goes_on, fn _p, [n, _x] -> n end) =~ "while: body returns its program and what that gives"
    assert wrong.(1, &halved/2) =~ "the argument condition is a function of 2 arguments, got 1"
    assert wrong.(goes_on, fn p -> p end) =~ "the argument body is a function of 2 arguments"
  end

  test "a program longer than a message is cut, and what crosses the cut is freed at the end" do
    p = Program.new()
    {p, x} = Program.input(p, :f32, {})
    {p, first} = Program.add(p, x, 1)
    {p, last} = Enum.reduce(1..8, {p, first}, fn _, {p, v} -> Program.add(p, v, first) end)
    p = Program.output(p, [last])
    {messages, [out]} = Program.commands(p, [1], 4, fresh())
    assert Enum.map(messages, &length/1) == [3, 3, 4]

    made = for m <- messages, {:add, [{id, _, _}], _, _} <- m, do: id
    assert length(made) == 9 and List.last(made) == out
    {:free, freed} = messages |> List.last() |> List.last()
    assert Enum.all?(freed, &(&1 >= 100)) and out not in freed

    # Every local operand was made in its own message.
    for m <- messages do
      locals = for {:add, [{id, _, _}], _, _} <- m, id < 0, do: id
      used = for {:add, _, operands, _} <- m, id <- operands, is_integer(id), id < 0, do: id
      assert used -- locals == []
    end
  end

  test "a number of a type keeps it" do
    {p, x} = Program.input(Program.new(), :f32, {2})
    {p, y} = Program.add(p, x, {{:f, 64}, 2})
    assert y.type == {:f, 64}

    assert {[[{:add, [{_, :f64, {2}}], [7, {:f64, 2}], %{}}]], _} =
             p |> Program.output([y]) |> Program.commands([7], 9, fresh())

    assert {:error, %Error{code: :invalid_argument}} = Program.op(p, :add, [x, {{:s, 32}, 2.5}])
  end

  test "wrong calls raise or are returned" do
    {p, x} = Program.input(Program.new(), :f32, {2})
    {q, y} = Program.input(Program.new(), :f32, {2})
    assert {:error, %Error{code: :invalid_argument}} = Program.op(p, :add, [x, y])
    assert {:error, %Error{code: :invalid_argument}} = Program.op(q, :addd, [y, 1])
    assert_raise Error, ~r/do not broadcast/, fn -> Program.add(p, x, elem(Program.iota(p, shape: {3}), 1)) end
    assert_raise Error, ~r/not a type/, fn -> Program.input(p, :f31, {2}) end
    assert_raise Error, fn -> Program.output(p, [y]) end
    assert_raise Error, fn -> Program.output(p, [1]) end
  end

  test "a program of more inputs than the node's programs may have is run as a message, always" do
    inputs = fn count ->
      Enum.reduce(1..count, Program.new(), fn _, program -> elem(Program.input(program, :f32, {}), 0) end)
    end

    for {count, expected} <- [{4096, true}, {4097, false}] do
      {program, last} = count |> Kernel.-(1) |> inputs.() |> Program.input(:f32, {})
      {program, doubled} = Program.add(program, last, last)
      assert Program.compilable?(Program.output(program, [doubled]), 4096) == expected
    end
  end

  test "messages of long lists of operands are bounded in bytes, and such programs are sent as messages" do
    {p, inputs} =
      Enum.map_reduce(1..4000, Program.new(), fn _, p ->
        p |> Program.input(:f32, {1}) |> then(fn {p, x} -> {x, p} end)
      end)
      |> then(fn {x, p} -> {p, x} end)

    {p, outputs} =
      Enum.reduce(1..100, {p, []}, fn _, {p, made} ->
        p |> Program.concatenate(inputs) |> then(fn {p, x} -> {p, [x | made]} end)
      end)

    p = Program.output(p, outputs)
    {messages, _} = Program.commands(p, Enum.to_list(1..4000), 4096, fresh())
    assert length(messages) in 2..4
    assert Enum.sum(Enum.map(messages, &length/1)) == 100
    assert Enum.all?(messages, &(byte_size(:erlang.term_to_binary(&1)) < 4 * 1024 * 1024))
    refute Program.compilable?(p, 4096)
  end

  test "inspect says how large it is" do
    {p, x} = Program.input(Program.new(), :f32, {2})
    {p, y} = Program.add(p, x, 1)
    assert inspect(Program.output(p, [y])) == "#GpuNode.Program<1 input, 1 instruction, 1 output>"
  end
end

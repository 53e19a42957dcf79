defmodule Nx.Vulkan.CompilerStepsTest do
  # What was noted, as steps: what is left out, what is one program, who needs what.
  use ExUnit.Case, async: true
  alias Nx.Vulkan.Compiler.{Recorder.Value, Steps}

  defp value(number), do: %Value{number: number, type: {:f, 32}, shape: {2}}
  defp op(name, result, operands), do: {:op, name, [value(result)], Enum.map(operands, &operand/1), %{}}
  defp operand(number) when is_integer(number), do: value(number)
  defp operand(literal), do: literal

  defp of(entries, wanted), do: Steps.of(entries, Enum.map(wanted, &value/1))

  test "what nobody needs is left out" do
    {{[{:run, program, [0], [2], [0]}], [2]}, needed} = of([op(:sin, 1, [0]), op(:cos, 2, [0]), op(:tan, 3, [1])], [2])
    assert inspect(program) =~ "1 input, 1 instruction, 1 output"
    assert needed == MapSet.new([0])
    assert {{[], [0]}, _} = of([op(:sin, 1, [0])], [0])
  end

  test "numbers are no inputs, and an input of several ops is one" do
    {{[{:run, program, [0], [2], _}], _}, _} = of([op(:add, 1, [0, {{:f, 32}, 2}]), op(:multiply, 2, [1, 0])], [2])
    assert inspect(program) =~ "1 input, 2 instructions, 1 output"
  end

  test "a call parts programs, and a value is let go of after the last step that reads it" do
    fun = fn values, _options -> values end
    entries = [op(:sin, 1, [0]), {:call, fun, [value(1)], [value(2)]}, op(:add, 3, [2, 0]), op(:cos, 4, [1])]
    {{steps, [3]}, needed} = of(entries, [3])
    assert [{:run, _, [0], [1], []}, {:call, ^fun, [1], [2], [1]}, {:run, _, [2, 0], [3], done}] = steps
    assert Enum.sort(done) == [0, 2]
    assert needed == MapSet.new([0])
  end

  test "a loop's own values are not taken from outside, what else its bodies read is" do
    fun = fn values, _options -> values end
    asking = {[op(:less, 11, [10, 5])], [value(11)]}
    working = {[op(:add, 12, [10, 6]), {:call, fun, [value(12)], []}], [value(12)]}
    {{[step], [20]}, needed} = of([{:while, [value(0)], [value(10)], asking, working, [value(20)]}], [20])
    assert {:while, [0], [10], {[{:run, _, _, [11], _}], [11]}, {[{:run, _, _, [12], _}, _], [12]}, [20], _done} = step
    assert needed == MapSet.new([0, 5, 6])
  end

  test "a loop of ops is an instruction, which takes what its bodies have of the values around" do
    asking = {[op(:less, 11, [10, 5])], [value(11)]}
    inner = {:while, [value(10)], [value(30)], {[], [value(7)]}, {[op(:sin, 31, [30])], [value(31)]}, [value(12)]}
    loop = {:while, [value(0)], [value(10)], asking, {[op(:add, 13, [10, 6]), inner], [value(12)]}, [value(20)]}
    {{[step], [21]}, needed} = of([op(:exp, 0, [1]), loop, op(:cos, 21, [20])], [21])
    assert {:run, program, inputs, [21], _done} = step
    assert Enum.sort(inputs) == [1, 5, 6, 7]
    assert inspect(program) =~ "4 inputs, 3 instructions, 1 output"
    assert needed == MapSet.new([1, 5, 6, 7])
    assert {{[], []}, _} = of([loop], [])
  end

  test "branches take what they need from around them" do
    clause = {{[op(:greater, 3, [0, 1])], [value(3)]}, {[op(:sin, 4, [2])], [value(4)]}}
    {{[step], [9]}, needed} = of([{:cond, [clause], {[], [value(7)]}, [value(9)]}], [9])
    assert {:cond, [{{[_], [3]}, {[_], [4]}}], {[], [7]}, [9], _done} = step
    assert needed == MapSet.new([0, 1, 2, 7])
  end

  test "a long line of ops is several programs" do
    entries = for n <- 1..5000, do: op(:sin, n, [n - 1])
    {{steps, _}, _} = of(entries, [5000])
    assert [{:run, _, [0], [a], _}, {:run, _, [a], [b], _}, {:run, _, [b], [5000], _}] = steps
  end
end

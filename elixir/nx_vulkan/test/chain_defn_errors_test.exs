defmodule Nx.Vulkan.ChainDefnErrorsTest do
  # What is no log density, or none that a chain shader can be made of, is said: no node is needed for that.
  use ExUnit.Case, async: true

  alias Nx.Vulkan.Chain

  defp refused(fun, options) do
    assert {:error, %GpuNode.Error{} = error} = Chain.family(fun, options)
    {error.code, error.message}
  end

  @three [variables: [x: [shape: {3}]]]

  test "functions of another arity, and data that a function does not take" do
    assert {:invalid_argument, text} = refused(fn -> 1 end, @three)
    assert text =~ "a function of variables (of 1), got #Function<"
    assert {:invalid_argument, text} = refused(fn _, _ -> 1 end, @three)
    assert text =~ "one of data too is given the option :data"
    assert {:invalid_argument, text} = refused(fn _ -> 1 end, [data: [y: 1]] ++ @three)
    assert text =~ "a function of variables and data (of 2)"
    assert {:invalid_argument, text} = refused(:density, @three)
    assert text =~ "got :density"
  end

  test "supports, transforms and shapes that there are not" do
    assert {:invalid_argument, text} = refused(& &1.x, variables: [x: :simplex])
    assert text =~ "variable :x" and text =~ ":simplex" and text =~ ":unit_interval"
    assert {:invalid_argument, text} = refused(& &1.x, variables: [x: [support: :positive, transform: :log]])
    assert text =~ ":softplus"
    assert {:invalid_argument, text} = refused(& &1.x, variables: [x: [shape: {2, 3}]])
    assert text =~ "variable :x: its shape is {} or {n}, got {2, 3}; reshape it in the function"
    assert {:invalid_argument, text} = refused(& &1.x, variables: [x: [shape: {0}]])
    assert text =~ "got {0}"
    assert {:invalid_argument, text} = refused(& &1.x, variables: [x: [size: 3]])
    assert text =~ "variable :x: unknown option :size; the options are :support, :shape, :transform"
    assert {:invalid_argument, text} = refused(& &1.x, variables: %{"x" => :real})
    assert text =~ "is an atom, got \"x\""
    assert {:invalid_argument, text} = refused(& &1.x, [])
    assert text =~ "the option :variables is missing"
    assert {:invalid_argument, text} = refused(& &1.x, variables: [])
    assert text =~ "at least one variable"
    assert {:invalid_argument, text} = refused(& &1.x, variables: [sum: :real])
    assert text =~ "'sum' cannot be the name of a variable"
    assert {:invalid_argument, text} = refused(& &1.x, variables: [_x: :real])
    assert text =~ "'_x'"
  end

  test "data that is none" do
    assert {:invalid_argument, text} = refused(fn v, _ -> v.x end, variables: [x: :real], data: [y: [[1, 2], [3]]])
    assert text =~ "data :y"
    assert {:invalid_argument, text} = refused(fn v, _ -> v.x end, variables: [x: :real], data: [y: :none])
    assert text =~ "data :y"
    complex = Nx.tensor([Complex.new(1, 2)], backend: Nx.BinaryBackend)
    assert {:invalid_argument, text} = refused(fn v, _ -> v.x end, variables: [x: :real], data: [y: complex])
    assert text =~ "data :y is c64{1}, where real numbers are wanted"
  end

  test "a result that is not one number" do
    assert {:invalid_argument, text} = refused(& &1.x, @three)
    assert text == "the function gives f64{3}, where one real number is wanted: sum it"
    assert {:invalid_argument, text} = refused(&{&1.x, 1}, @three)
    assert text =~ "where one number is wanted"
    assert {:invalid_argument, text} = refused(&Nx.complex(Nx.sum(&1.x), 1), @three)
    assert text =~ "the function gives c128{}"
  end

  test "shapes that do not match are Nx's to say, and the function's own errors its own" do
    add = fn %{x: x}, %{y: y} -> Nx.sum(Nx.add(x, y)) end
    options = [variables: [x: [shape: {3}]], data: [y: [1, 2]]]

    assert_raise ArgumentError, "cannot broadcast tensor of dimensions {3} to {2}", fn ->
      Chain.family(add, options)
    end

    assert_raise KeyError, fn -> Chain.family(& &1.y, @three) end
  end

  test "an op without a lowering is named, with what it is given, where it lies and what there is instead" do
    assert {:unsupported, text} = refused(&Nx.sum(Nx.multiply(Nx.sort(Nx.exp(&1.x)), 2)), @three)
    assert text =~ ~r/^#Function<.* in Nx.Vulkan.ChainDefnErrorsTest\..*>: sort, which/
    assert text =~ "sort, which gives f64{3} of f64{3} (exp of x), has no lowering to a chain shader. "
    assert text =~ "may go through abs, acos,"
    assert text =~ "everything else may be done to data"

    assert {:unsupported, text} =
             refused(&Nx.sum(Nx.LinAlg.cholesky(Nx.outer(&1.x, &1.x))), @three)

    assert text =~ "in Nx.Block.LinAlg.Cholesky"
    assert {:unsupported, text} = refused(&Nx.sum(Nx.as_type(&1.x, :s32)), @three)
    assert text =~ "as_type, which gives s32{3} of f64{3} (x), has no lowering to a chain shader: what is cut off"
    assert {:unsupported, text} = refused(&Nx.sum(Nx.add(Nx.greater(&1.x, 0), Nx.less(&1.x, 1))), @three)
    assert text =~ "add, which gives u8{3}"
    assert text =~ "Nx.as_type(x, :f64) first"
    assert {:unsupported, text} = refused(&Nx.sum(Nx.take(&1.x, Nx.argmax(&1.x))), @three)
    assert text =~ "argmax, which gives"
    assert {:unsupported, text} = refused(&Nx.reduce_max(&1.x), variables: [x: [shape: {65}]])
    assert text =~ "it goes over 65 elements, and 64 are the most"

    assert {:unsupported, text} =
             refused(&Nx.sum(Nx.reshape(&1.x, {2, 2, 2}) |> Nx.multiply(cube())), variables: [x: [shape: {8}]])

    assert text =~ "data is read over more than two axes at once"
  end

  test "indices that are no places" do
    assert {:unsupported, text} =
             refused(&Nx.sum(Nx.gather(&1.x, Nx.tensor([[0], [3]], backend: Nx.BinaryBackend))), @three)

    assert text =~ "its indices are from 0 to 3, of an axis with 3 places"
  end

  defmodule Loop do
    @moduledoc false
    import Nx.Defn
    defn search(%{x: x}), do: while(x, Nx.sum(x) < 10, do: x * 2) |> Nx.sum()

    defn own(%{x: x}) do
      Nx.sum(custom_grad(Nx.cos(x), [x], fn g -> [g * x] end))
    end
  end

  test "loops that variables end, and gradients of one's own" do
    assert {:unsupported, text} = refused(&Loop.search/1, @three)
    assert text =~ "&Nx.Vulkan.ChainDefnErrorsTest.Loop.search/1: while"
    assert text =~ "how often it goes round depends on variables"
    assert {:unsupported, text} = refused(&Loop.own/1, @three)
    assert text =~ "custom_grad" and text =~ "the gradient is derived"
  end

  test "a tensor around the function where Nx takes none" do
    around = Nx.tensor([0, 2], backend: Nx.BinaryBackend)
    assert {:invalid_argument, text} = refused(&Nx.sum(Nx.take(&1.x, around)), @three)
    assert text =~ "give it as data"
  end

  test "what stands around a function is data" do
    around = Nx.tensor([1.0, 2.0, 3.0], type: :f64, backend: Nx.BinaryBackend)
    {:ok, family} = Chain.family(&Nx.dot(Nx.exp(&1.x), around), @three)
    assert Map.values(family.data) == [around]
  end

  test "data that has too many uses for a family" do
    data = for i <- 1..66, do: {:"y#{i}", [1.0 * i, 2.0, 3.0]}

    fun = fn %{x: x}, data ->
      data |> Map.values() |> Enum.map(&Nx.exp(Nx.multiply(x, &1))) |> Enum.reduce(&Nx.add/2) |> Nx.sum()
    end

    assert {:unsupported, text} = refused(fun, [data: data] ++ @three)
    assert text =~ "more than 64 ways"
  end

  test "what is written twice in each line of many is said to be too long" do
    double = fn %{x: x} ->
      1..24
      |> Enum.reduce(Nx.reshape(x, {2, 2}), fn _, y -> Nx.add(Nx.sin(y), Nx.transpose(Nx.cos(y))) end)
      |> Nx.sum()
    end

    assert {:unsupported, text} = refused(double, variables: [x: [shape: {4}]])
    assert text =~ "longer than 65536 bytes, or nests deeper"
  end

  test "options that there are not" do
    assert {:invalid_argument, text} = refused(&Nx.sum(&1.x), [name: "eight schools"] ++ @three)
    assert text =~ "'eight schools' cannot be the name of a family"
    assert {:error, error} = Chain.from_defn(& &1.x, variables: [x: :real], dat: [])
    assert error.message =~ "Nx.Vulkan.Chain.from_defn/2: unknown option :dat"
    assert_raise GpuNode.Error, fn -> Chain.from_defn!(& &1.x, variables: [x: :simplex]) end
  end

  defp cube, do: Nx.iota({2, 2, 2}, type: :f64)
end

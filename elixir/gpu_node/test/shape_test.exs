defmodule GpuNode.ShapeTest do
  use ExUnit.Case, async: true
  alias GpuNode.Shape

  test "broadcasts at the last axis" do
    for {a, b, result} <- [
          {{}, {2, 3}, {2, 3}},
          {{3}, {2, 3}, {2, 3}},
          {{2, 1}, {1, 3}, {2, 3}},
          {{4, 1, 3}, {2, 1}, {4, 2, 3}},
          {{0}, {1}, {0}},
          {{1}, {0}, {0}}
        ] do
      assert Shape.broadcast(a, b) == {:ok, result}
      assert Shape.broadcast(b, a) == {:ok, result}
    end

    assert {:error, text} = Shape.broadcast({2, 3}, {2})
    assert text =~ "{2, 3}" and text =~ "{2}"
  end

  test "checks rank, dimensions and size" do
    assert Shape.check({}) == :ok
    assert Shape.check({0, 5}) == :ok
    assert {:error, _} = Shape.check({-1})
    assert {:error, _} = Shape.check([1])
    assert {:error, _} = Shape.check({1.0})
    assert {:error, text} = Shape.check(Tuple.duplicate(1, 33))
    assert text =~ "33"
    assert {:error, _} = Shape.check({Bitwise.bsl(1, 62), 2})
  end

  test "axes count from the back too, once each" do
    assert Shape.normalize_axes([-1, 0], {2, 3}) == {:ok, [1, 0]}
    assert {:error, _} = Shape.normalize_axes([2], {2, 3})
    assert {:error, _} = Shape.normalize_axes([-3], {2, 3})
    assert {:error, _} = Shape.normalize_axes([1, -1], {2, 3})
    assert {:error, _} = Shape.normalize_axes(:x, {2, 3})
  end

  test "stretching to named axes" do
    assert Shape.check_stretch({3}, {3, 2}, [0]) == :ok
    assert {:error, _} = Shape.check_stretch({3}, {3, 2}, [1])
    assert {:error, _} = Shape.check_stretch({3, 2}, {2, 3}, [1, 0])
    assert Shape.trailing_axes({3}, {2, 3}) == [1]
  end
end

defmodule GpuNode.OpShapesTest do
  # Shapes, attributes for the wire and refusals of ops that have rules of their own.
  use ExUnit.Case, async: true
  import GpuNode.OpCase
  alias GpuNode.{Error, Op}

  test "functions of reductions: their steps for the wire, and what is refused" do
    alias GpuNode.Program, as: P
    x = t(:u8, {4, 6})
    given = fn fun, more -> attributes(:reduce, [x, 0], [function: fun] ++ more) end
    assert infer(:reduce, [x, 0], function: &P.add/3, axes: [-1], keep_axes: true) == {:u8, {4, 1}}
    assert infer(:window_reduce, [x, 0], function: &P.add/3, window: [2, 2], padding: [{0, 0}, {1, 0}]) == {:u8, {3, 6}}
    assert given.(&P.add/3, axes: [1]) == %{axes: [1], keep_axes: false, function: [{:add, :u8, [0, 1]}]}

    twice = fn program, element, acc ->
      {program, doubled} = P.multiply(program, acc, 2)
      {program, _unused} = P.exp(program, element)
      P.subtract(program, doubled, element)
    end

    assert %{function: [{:multiply, :f32, [1, {:f32, 2}]}, {:exp, :f32, [0]}, {:subtract, :f32, [-1, 0]}]} =
             given.(twice, type: :f32)

    # The value is the last step's, of the result's type.
    assert %{function: [{:as_type, :u8, [0]}]} = given.(fn program, element, _ -> {program, element} end, [])

    assert %{function: [{:exp, :f32, [0]}, {:as_type, :u8, [-1]}]} =
             given.(fn p, element, _ -> P.exp(p, element) end, [])

    for {fun, message} <- [
          {&Kernel.+/2, "function is a function of program, element and what came before, got"},
          {:add, "function is a function of program, element and what came before, got :add"},
          {fn _, _, acc -> acc end, "function gives {program, value}, got"},
          {fn p, element, _ -> P.reshape(p, element, shape: {1}) end, "function has reshape, which is not computed"},
          {fn p, element, _ -> P.bitcast(p, element, type: :s8) end, "function has bitcast, which is not computed"}
        ] do
      assert {:error, %Error{code: :invalid_argument, message: text}} = Op.infer(:reduce, [x, 0], function: fun)
      assert text =~ message
    end

    assert {:error, %Error{message: text}} = Op.infer(:reduce, [x, t(:u8, {1})], function: &P.add/3)
    assert text =~ "acc is a scalar, got one of shape {1}"
  end

  test "Fourier transforms: shapes, attributes for the wire, and what is refused" do
    x = t(:f32, {4, 6})
    assert infer(:fft, [x]) == {:c64, {4, 6}}
    assert infer(:ifft, [t(:f64, {4, 6})], axis: 0, length: 9) == {:c128, {9, 6}}
    assert infer(:rfft, [x], axis: -1) == {:c64, {4, 4}}
    assert infer(:rfft, [x], length: 9) == {:c64, {4, 5}}
    assert infer(:irfft, [t(:c64, {4, 6})]) == {:f32, {4, 10}}
    assert infer(:irfft, [t(:bf16, {4, 6})], axis: 0, length: 7) == {:bf16, {7, 6}}
    assert infer(:fft2, [t(:c128, {4, 6, 2})], axes: [-1, 0], lengths: [5, 3]) == {:c128, {3, 6, 5}}
    assert infer(:ifft2, [x]) == {:c64, {4, 6}}
    assert attributes(:fft, [x], axis: -2, eps: 0) == %{axis: 0, length: nil, eps: 0}
    assert attributes(:fft2, [x], []) == %{axes: [0, 1], lengths: nil, eps: 1.0e-10}

    for {op, operand, given, text} <- [
          {:fft, t(:f32, {}), [], "takes a tensor of 1 axis or more"},
          {:fft, x, [length: 0], "length is an integer from 1 to 2^40, got 0"},
          {:fft, x, [eps: :small], "eps is a number, got :small"},
          {:rfft, t(:c64, {4}), [], "c64 has no order"},
          {:irfft, t(:c64, {4, 1}), [], "needs a length, or at least 2 along axis 1, got 1"},
          {:fft2, t(:f32, {4}), [], "takes a tensor of 2 axes or more, got one of shape {4}"},
          {:fft2, x, [axes: [0]], "axes are 2, got [0]"},
          {:fft2, x, [lengths: [4]], "lengths are 2 integers from 1 to 2^40, got [4]"}
        ] do
      assert {:error, %Error{code: :invalid_argument, message: message}} = Op.infer(op, [operand], given)
      assert message =~ text
    end
  end

  test "slices, pads and gathers: shapes, attributes for the wire, and what is refused" do
    x = t(:f32, {4, 6})
    i = t(:u8, {})
    assert infer(:slice, [x], starts: [1, 9], lengths: [3, 5], strides: [2, 3]) == {:f32, {2, 2}}

    assert {[^x, ^i], [starts: [0, :operand], lengths: [1, 1]]} =
             Op.spread(:slice, [x], starts: [0, i], lengths: [1, 1])

    assert {[^x], [starts: [0, 1]]} = Op.spread(:slice, [x], starts: [0, 1])
    assert infer(:slice, [x, i], starts: [0, :operand], lengths: [4, 2]) == {:f32, {4, 2}}
    assert infer(:put_slice, [x, t(:s8, {2, 6}), i], starts: [:operand, 0]) == {:f32, {4, 6}}
    assert infer(:pad, [x, 0], padding: [{1, 2}, {-1, 0, 2}]) == {:f32, {7, 15}}
    assert attributes(:pad, [x, 0], padding: [{1, 2}, {0, 0, 2}]) == %{padding: [{1, 2, 0}, {0, 0, 2}]}
    assert infer(:pad, [t(:s32, {0}), 0], padding: [{1, 1, 5}]) == {:s32, {2}}
    assert infer(:gather, [x, t(:s64, {5, 7, 1})], axes: [-1]) == {:f32, {5, 7, 4}}
    assert infer(:gather, [x, t(:s64, {5, 2})]) == {:f32, {5}}
    assert infer(:take, [x, t(:u8, {2, 3})], axis: 1) == {:f32, {4, 2, 3}}
    assert infer(:take_along_axis, [x, t(:u8, {9, 6})], axis: 0) == {:f32, {9, 6}}
    assert infer(:indexed_put, [t(:s16, {4, 6}), t(:s32, {3, 1}), t(:f32, {3, 5})]) == {:f32, {4, 6}}
    assert infer(:stack, [x, x, x], axis: -1) == {:f32, {4, 6, 3}}
    assert infer(:reverse, [x], axes: [0]) == {:f32, {4, 6}}

    for {name, operands, attributes, text} <- [
          {:slice, [x], [starts: [0], lengths: [1, 1]],
           "starts [0] must have one for each of the 2 dimensions of {4, 6}"},
          {:slice, [x], [lengths: [1, 1]], "starts is a list of integers and tensors, got nil"},
          {:slice, [x], [starts: [0, 0], lengths: [5, 1]], "lengths are 0 to those of {4, 6}, got [5, 1]"},
          {:slice, [x], [starts: [0, 0], lengths: [1, 1], strides: [0, 1]], "strides are at least 1, got [0, 1]"},
          {:slice, [x, x], [starts: [:operand, 0], lengths: [1, 1]], "a start is one integer, got f32{4, 6}"},
          {:put_slice, [x, t(:f32, {5, 1})], [starts: [0, 0]], "{5, 1} does not fit into {4, 6}"},
          {:pad, [x, 0], [padding: [{1, 1}]], "padding [{1, 1}] must have one for each of the 2 dimensions of {4, 6}"},
          {:pad, [x, 0], [padding: [{1, 1}, {0, 0, -1}]],
           "padding is a list of {low, high}, of pad also of {low, high, interior}"},
          {:pad, [x, 0], [padding: [{-3, -2}, {0, 0}]], "leaves less than nothing of {4, 6}"},
          {:gather, [x, t(:f32, {5, 1})], [], "indices are integers, not f32"},
          {:gather, [x, t(:s32, {5, 3})], [], "the last axis of indices {5, 3} is 3, but {4, 6} has 2 dimensions"},
          {:take, [x, t(:s32, {5})], [axis: 2], "axes [2] are out of range"},
          {:take_along_axis, [x, t(:s32, {5, 5})], [axis: 0], "indices are of the shape {4, 6} but for axis 0"},
          {:indexed_put, [x, t(:s32, {3, 1}), t(:f32, {3, 7})], [], "updates are of the shape {3, 6}, or smaller"},
          {:stack, [x, t(:f32, {4})], [], "the shapes must be alike"}
        ] do
      assert {:error, %{code: :invalid_argument, message: message}} = Op.infer(name, operands, attributes)
      assert message =~ text
    end
  end

  test "windows and convolutions: shapes, attributes for the wire, and what is refused" do
    x = t(:f32, {4, 6})
    flat = [{0, 0}, {0, 0}]
    assert infer(:window_sum, [x], window: [2, 3], padding: [{1, 0}, {-1, 2}], strides: [2, 1]) == {:f32, {2, 5}}
    assert infer(:window_max, [x], window: [2, 3], padding: flat, window_dilations: [3, 2]) == {:f32, {1, 2}}

    assert infer(:window_scatter_max, [x, t(:s16, {2, 3}), 0], window: [2, 2], padding: flat, strides: [2, 2]) ==
             {:s16, {4, 6}}

    image = t(:u8, {4, 6, 10, 9})
    kernel = t(:f32, {8, 3, 3, 2})
    given = [padding: [{1, 1}, {0, 0}], strides: [2, 1], kernel_dilation: [1, 2], feature_group_size: 2]
    assert infer(:conv, [image, kernel], given) == {:f32, {4, 8, 5, 7}}

    assert infer(:conv, [image, t(:f32, {8, 6, 3, 2})],
             padding: flat,
             batch_group_size: 4,
             output_permutation: [3, 0, 1, 2]
           ) ==
             {:f32, {8, 8, 8, 1}}

    assert infer(:conv, [t(:f32, {4, 10, 6}), t(:f32, {3, 6, 8})],
             padding: [{0, 0}],
             input_permutation: [0, 2, 1],
             kernel_permutation: [2, 1, 0],
             input_dilation: [3]
           ) == {:f32, {4, 8, 26}}

    for {name, operands, attributes, text} <- [
          {:window_sum, [x], [window: [5, 1], padding: flat], "a window over 5 does not fit into 4 with padding"},
          {:window_sum, [x], [window: {2, 2}, padding: flat], "window is a list of integers of at least 1, got {2, 2}"},
          {:window_sum, [x], [window: [2, 2], padding: [{0, 0, 1}, {0, 0}]], "padding is a list of {low, high}"},
          {:window_sum, [x], [window: [2, 2], padding: flat, strides: [0, 1]], "strides is a list of integers"},
          {:window_scatter_min, [x, x, 0], [window: [2, 2], padding: flat], "source has the shape {3, 5}, got {4, 6}"},
          {:conv, [image, t(:f32, {8, 6, 3})], [padding: flat], "tensor and kernel have as many axes"},
          {:conv, [image, kernel], [padding: flat], "tensor has 6 channels in 1 group, kernel 3 for each"},
          {:conv, [image, kernel], [padding: flat, feature_group_size: 0],
           "feature_group_size is an integer of at least 1"},
          {:conv, [image, t(:f32, {7, 3, 3, 2})], [padding: flat, feature_group_size: 2],
           "7 filters do not divide into 2 groups"},
          {:conv, [image, kernel], [padding: flat, input_permutation: [0, 1]], "does not name every axis"}
        ] do
      assert {:error, %{code: :invalid_argument, message: message}} = Op.infer(name, operands, attributes)
      assert message =~ text
    end
  end
end

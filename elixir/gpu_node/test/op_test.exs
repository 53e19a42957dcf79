defmodule GpuNode.OpTest do
  use ExUnit.Case, async: true
  import GpuNode.OpCase
  alias GpuNode.{Error, Op, Type}

  test "every row infers for f32 or integers, with the attributes that it takes" do
    given = %{shape: {2, 2}, type: :s32, value: 1, contract_left: [1], contract_right: [0]}
    given = Map.put(given, :function, &GpuNode.Program.add/3)
    given = Map.merge(given, %{starts: [0, 1], lengths: [2, 1], padding: [{0, 0}, {1, -1, 2}]})

    for {name, row} <- Op.table() do
      kind = if row.takes == :integer, do: :s32, else: :f32
      given = if row.type == :same_width, do: %{given | type: :f32}, else: given
      own = if row.type in [:declared, :index, :same_width], do: [:type], else: []
      own = if row.shape in [:declared, :matrix, :reshape, :broadcast], do: [:shape | own], else: own

      own_padding = %{
        conv: [],
        window_fold: [{0, 0}, {0, 0}],
        window: [{0, 0}, {0, 0}],
        window_scatter: [{0, 0}, {0, 0}]
      }

      given = Map.merge(given, %{padding: Map.get(own_padding, row.shape, given.padding), window: [2, 2]})
      attributes = Map.take(given, own ++ Map.keys(row.attributes))
      operands = List.duplicate(t(kind, {2, 2}), row.operands)

      operands =
        case row.shape do
          :clip -> [hd(operands), 0, 1]
          shape when shape in [:pad, :fold, :window_fold] -> [hd(operands), 0]
          shape when shape in [:gather, :take, :take_along_axis] -> [hd(operands), t(:s32, {2, 2})]
          :window_scatter -> [hd(operands), t(:f32, {1, 1}), 0]
          :conv -> [hd(operands), t(:f32, {3, 2})]
          :indexed -> [hd(operands), t(:s32, {2, 2}), t(:f32, {2})]
          _ -> operands
        end

      assert {:ok, %{results: results}} = Op.infer(name, operands, attributes)
      assert length(results) == row.results
      assert Enum.all?(results, fn {type, shape} -> {:ok, type} == Type.normalize(type) and is_tuple(shape) end)

      assert {:error, %Error{code: :invalid_argument, message: text}} =
               Op.infer(name, operands, Map.put(attributes, :colour, 1))

      assert text =~ "unknown attribute :colour; it takes"
    end
  end

  test "an attribute that an op does not have is an error that names those it has" do
    assert {:error, %{message: text}} = infer(:sum, [t(:f32, {2})], axis: 0)
    assert text =~ "unknown attribute :axis; it takes :axes, :keep_axes, :type"
    assert {:error, %{message: text}} = infer(:exp, [t(:f32, {2})], type: :f64)
    assert text =~ "unknown attribute :type; it takes none"
    assert {:error, %{message: text}} = infer(:sum, [t(:f32, {2})], keep_axes: 1)
    assert text =~ "keep_axes is a boolean, got 1"
  end

  test "attributes that are neither a keyword list nor a map are an error that says so" do
    for wrong <- [3, nil, [3], :axis, [{"axis", 1}], t(:f32, {2}) |> Map.put(:__struct__, GpuNode.Tensor)] do
      assert {:error, %Error{code: :invalid_argument, message: text}} = infer(:argmax, [t(:f32, {2, 3})], wrong)
      assert text =~ "argmax(f32{2, 3}): attributes are a keyword list or a map, got"
      assert text =~ "; it takes :axis, :keep_axis, :tie_break, :type"
    end
  end

  @tag :truth
  test "an attribute that is nil is an error that names it and what it takes, but for those whose default is nil" do
    for {name, row} <- Op.table() do
      own = if row.type in [:declared, :index, :same_width, :merge, :aggregate, :same_and_index], do: [:type], else: []
      own = if row.shape in [:declared, :matrix, :reshape, :broadcast], do: [:shape | own], else: own
      kind = if row.takes == :integer, do: :s32, else: :f32
      operands = List.duplicate(t(kind, {1, 1}), row.operands)
      operands = if row.shape == :clip, do: [hd(operands), 0, 1], else: operands
      given = %{shape: {1, 1}, type: if(row.type == :same_width, do: :f32, else: :s32), value: 1}
      given = Map.take(given, own ++ Map.keys(row.attributes))

      for key <- own ++ Map.keys(row.attributes) do
        result = Op.infer(name, operands, Map.put(given, key, nil))

        if match?(%{^key => %{default: {:ok, nil}}}, row.attributes) do
          assert row.attributes[key].kind in [:axis, :axes, :count, :integers]
          assert result == Op.infer(name, operands, Map.delete(given, key))
        else
          assert {:error, %Error{code: :invalid_argument, message: text}} = result
          assert text =~ ~r/the attribute :#{Regex.escape(to_string(key))} is .{5,}, got nil/
        end
      end
    end
  end

  test "an attribute that is needed is named" do
    assert {:error, %{message: "reshape(f32{2}): needs :shape"}} = infer(:reshape, [t(:f32, {2})])
    assert {:error, %{message: "iota: needs :shape"}} = infer(:iota, [])
    assert {:error, %{message: "constant: needs :value"}} = infer(:constant, [], shape: {2})
    assert {:error, %{message: "as_type(f32{2}): needs :type"}} = infer(:as_type, [t(:f32, {2})])
    assert {:error, %{message: text}} = infer(:constant, [], shape: {2}, value: "1")
    assert text == ~s(constant: takes a number as :value, got "1")
  end

  test "several results, and lists of operands" do
    assert {:ok, %{results: [{{:bf, 16}, {2, 3}}, {{:s, 32}, {2, 3}}], attributes: %{k: 3}}} =
             Op.infer(:top_k, [t(:bf16, {2, 5})], k: 3)

    assert {:ok, %{results: [_, {{:u, 8}, {1}}], attributes: %{k: 1}}} = Op.infer(:top_k, [t(:s8, {4})], type: :u8)
    for k <- [0, 6, -1, 2.0, "3", []], do: assert({:error, %{message: _}} = Op.infer(:top_k, [t(:f32, {2, 5})], k: k))
    assert {:error, %{message: text}} = Op.infer(:top_k, [t(:f32, {})])
    assert text =~ "takes a tensor of 1 axis or more"
    assert {:error, _} = Op.infer(:top_k, [t(:c64, {4})])
    assert {:error, _} = Op.infer(:top_k, [t(:f32, {4})], type: :f32)

    assert infer(:concatenate, [t(:u8, {2, 3}), t(:s16, {4, 3})]) == {:s16, {6, 3}}
    assert infer(:concatenate, [t(:f32, {2, 3})], axis: 1) == {:f32, {2, 3}}
    assert infer(:concatenate, [t(:f32, {2, 3}), t(:f32, {2, 0}), t(:f32, {2, 1})], axis: -1) == {:f32, {2, 4}}
    assert attributes(:concatenate, [t(:f32, {2, 3})], axis: -1) == %{axis: 1}

    for {operands, axis} <- [
          {[{2, 3}, {2, 4}], 0},
          {[{2, 3}, {2}], 0},
          {[{2}], 1},
          {[{}], 0},
          {[{2, 3}], [0, 1]},
          {[{2, 3}], :x}
        ] do
      assert {:error, %Error{code: :invalid_argument}} =
               infer(:concatenate, Enum.map(operands, &t(:f32, &1)), axis: axis)
    end

    assert {:error, _} = infer(:concatenate, [t(:f32, {2}), 1])
    assert infer(:concatenate, List.duplicate(t(:f32, {1}), 2000)) == {:f32, {2000}}
    assert {:error, %{message: text}} = infer(:concatenate, List.duplicate(t(:f32, {1}), 65_537))
    assert text == "concatenate of 65537 operands, the limit is 65536"
    assert {:error, %{message: text}} = infer(:concatenate, [])
    assert text == "concatenate takes at least one tensor, got []"
    assert {:error, %{message: text}} = infer(:concatenate, t(:f32, {2}))
    assert text == "concatenate takes a list of tensors, got f32{2}"
    assert {:error, %{message: text}} = infer(:exp, [])
    assert text == "exp takes 1 operand, got []"
  end

  test "numbers of a type count as their type" do
    assert infer(:add, [t(:u8, {2}), {{:f, 64}, 1.0}]) == {:f64, {2}}
    assert infer(:add, [t(:u8, {2}), {{:u, 8}, 1}]) == {:u8, {2}}
    assert {:error, _} = infer(:add, [t(:u8, {2}), {{:u, 9}, 1}])
  end

  test "unary types" do
    assert infer(:exp, [t(:s8, {3})]) == {:f32, {3}}
    assert infer(:exp, [t(:bf16, {3})]) == {:bf16, {3}}
    assert infer(:negate, [t(:u8, {})]) == {:u8, {}}
    assert infer(:abs, [t(:c64, {2})]) == {:f32, {2}}
    assert infer(:conjugate, [t(:f64, {2})]) == {:c128, {2}}
    assert infer(:imag, [t(:s32, {2})]) == {:f32, {2}}
    assert infer(:is_nan, [t(:f64, {2})]) == {:u8, {2}}
    assert {:error, %Error{code: :invalid_argument, message: text}} = infer(:bitwise_not, [t(:f32, {2})])
    assert text =~ "bitwise_not(f32{2})"
  end

  test "binary types and shapes" do
    assert infer(:add, [t(:u8, {2, 1}), t(:s8, {3})]) == {:s16, {2, 3}}
    assert infer(:divide, [t(:s64, {2}), 2]) == {:f32, {2}}
    assert infer(:add, [t(:u8, {2}), 300]) == {:u16, {2}}
    assert infer(:add, [1, 2.5]) == {:f32, {}}
    assert infer(:less, [t(:f64, {2}), 0.1]) == {:u8, {2}}
    assert infer(:add, [t(:f32, {2}), 1], type: :f64) == {:f64, {2}}
    assert {:error, %{message: text}} = infer(:add, [t(:f32, {2, 3}), t(:f32, {4})])
    assert text =~ "add(f32{2, 3}, f32{4})"
    assert {:error, %{message: text}} = infer(:quotient, [t(:s32, {2}), 1.5])
    assert text =~ "takes integers"
    assert {:error, _} = infer(:less, [t(:c64, {2}), 1])
    assert {:error, _} = infer(:add, [t(:f32, {2})])
    assert {:error, _} = infer(:add, [t(:f32, {2}), "1"])
    assert {:error, _} = infer(:addd, [t(:f32, {2}), 1])
  end

  test "a result that cannot hold an operand is refused, as the node does" do
    for {operands, attributes, text} <- [
          {[t(:f8_e4m3fn, {3}), t(:f64, {3})], [],
           "add(f8_e4m3fn{3}, f64{3}): the result is f8_e4m3fn, which cannot hold operand 1, f64{3}"},
          {[t(:f32, {2}), 1], [type: :s32], "the result is s32, which cannot hold operand 0, f32{2}"}
        ] do
      assert {:error, %{code: :invalid_argument, message: message}} = Op.infer(:add, operands, attributes)
      assert message =~ text
    end

    assert infer(:add, [t(:f8_e4m3fn, {3}), t(:f64, {})]) == {:f8_e4m3fn, {3}}
    assert infer(:select, [t(:f64, {3}), t(:f8_e4m3fn, {3}), t(:s64, {3})]) == {:f8_e4m3fn, {3}}
    assert infer(:indexed_put, [t(:f32, {3}), t(:s64, {2, 1}), t(:s64, {2})]) == {:f32, {3}}

    assert {:error, %{message: message}} = Op.infer(:select, [t(:u8, {3}), t(:f8_e4m3fn, {3}), t(:f32, {3})])
    assert message =~ "cannot hold operand 2, f32{3}"
  end

  test "a number takes the merged type, before it becomes floating" do
    assert {:ok, %{literal: {:f, 64}}} = Op.infer(:less, [t(:f64, {2}), 0.1])
    assert {:ok, %{literal: {:u, 8}, results: [{{:f, 32}, _}]}} = Op.infer(:divide, [t(:u8, {2}), 3])
    assert {:ok, %{literal: {:u, 16}, results: [{{:u, 8}, _}]}} = Op.infer(:equal, [t(:u8, {2}), 300])
  end

  test "a number of a type is a scalar of it" do
    assert {:ok, %{results: [{{:f, 64}, {2}}]}} = Op.infer(:add, [t(:f32, {2}), {{:f, 64}, 1}])
    assert {:ok, %{results: [{{:s, 16}, {2}}]}} = Op.infer(:add, [{{:u, 8}, 1}, t(:s8, {2})])
    assert infer(:add, [{{:u, 8}, 1}, 300]) == {:u16, {}}
    assert infer(:exp, [{{:f, 64}, :infinity}]) == {:f64, {}}
    assert infer(:select, [t(:u8, {3}), {{:bf, 16}, 1}, {{:f, 16}, 2}]) == {:f16, {3}}
    assert infer(:clip, [t(:f32, {3}), {{:f, 64}, 0}, 1]) == {:f64, {3}}

    for wrong <- [{{:s, 32}, 1.5}, {{:u, 8}, :nan}, {{:s, 33}, 1}, {:f32, 1}, {{:f, 32}, "1"}, {{:f, 32}, {1, 2}}] do
      assert {:error, %Error{code: :invalid_argument, message: text}} = infer(:add, [t(:f32, {2}), wrong])
      assert text =~ inspect(wrong)
    end
  end

  test "select and clip" do
    assert infer(:select, [t(:u8, {3}), t(:s8, {2, 1}), 1.0]) == {:f32, {2, 3}}
    assert infer(:clip, [t(:f64, {3}), 0, 1]) == {:f64, {3}}
    assert infer(:clip, [t(:u8, {3}), 0, 1]) == {:s32, {3}}
    assert {:error, _} = infer(:clip, [t(:f32, {3}), t(:f32, {3}), 1])
  end

  test "shapes that are given" do
    assert infer(:reshape, [t(:f32, {2, 3})], shape: {6}) == {:f32, {6}}
    assert {:error, %{message: text}} = infer(:reshape, [t(:f32, {2, 3})], shape: {5})
    assert text =~ "5" and text =~ "6"
    assert infer(:squeeze, [t(:f32, {1, 3, 1})]) == {:f32, {3}}
    assert attributes(:squeeze, [t(:f32, {1, 3, 1})], axes: [-1]) == %{axes: [2]}
    assert {:error, _} = infer(:squeeze, [t(:f32, {1, 3})], axes: [1])
    assert infer(:transpose, [t(:f32, {2, 3, 4})]) == {:f32, {4, 3, 2}}
    assert infer(:transpose, [t(:f32, {2, 3, 4})], axes: [0, 2, 1]) == {:f32, {2, 4, 3}}
    assert {:error, _} = infer(:transpose, [t(:f32, {2, 3, 4})], axes: [0, 1])
    assert attributes(:broadcast, [t(:f32, {3})], shape: {2, 3}) == %{axes: [1]}
    assert infer(:broadcast, [t(:f32, {3})], shape: {3, 2}, axes: [0]) == {:f32, {3, 2}}
    assert {:error, _} = infer(:broadcast, [t(:f32, {3})], shape: {3, 2})
  end

  test "creation" do
    assert infer(:iota, [], shape: {2, 3}) == {:s32, {2, 3}}
    assert attributes(:iota, [], shape: {2, 3}, axis: -1) == %{axis: 1}
    assert infer(:eye, [], shape: {2, 3}, type: :f16) == {:f16, {2, 3}}
    assert {:error, _} = infer(:eye, [], shape: {2})
    assert attributes(:constant, [], shape: {2}, value: 300, type: :u8) == %{value: {:u8, 44}}
    assert attributes(:constant, [], shape: {2}, value: :nan) == %{value: {:f32, :nan}}
    assert {:error, _} = infer(:constant, [], shape: {2}, value: 1.5, type: :u8)
    assert {:error, _} = infer(:constant, [], shape: {2})
  end

  test "reductions" do
    assert infer(:sum, [t(:u8, {2, 3})]) == {:u32, {}}
    assert infer(:sum, [t(:u64, {2, 3})], axes: [-1], keep_axes: true) == {:s64, {2, 1}}
    assert attributes(:sum, [t(:f32, {2, 3})], axes: [-1, 0]) == %{axes: [0, 1], keep_axes: false}
    assert attributes(:sum, [t(:f32, {2, 3})], []) == %{axes: nil, keep_axes: false}
    assert infer(:reduce_max, [t(:u8, {2, 3})], axes: [0]) == {:u8, {3}}
    assert infer(:all, [t(:f32, {2, 3})]) == {:u8, {}}
    assert infer(:argmax, [t(:f32, {2, 3})], axis: 1) == {:s32, {2}}
    assert infer(:argmin, [t(:f32, {2, 3})], keep_axis: true, type: :u64) == {:u64, {1, 1}}
    assert {:error, _} = infer(:argmax, [t(:f32, {2})], tie_break: :middle)
    assert {:error, _} = infer(:argmax, [t(:f32, {2})], type: :f32)
  end

  test "dot" do
    assert infer(:dot, [t(:f32, {2, 3}), t(:f32, {3, 4})]) == {:f32, {2, 4}}
    assert infer(:dot, [t(:s8, {3}), t(:f64, {3})]) == {:f64, {}}
    assert infer(:dot, [t(:f32, {}), t(:f32, {3})]) == {:f32, {3}}
    assert infer(:dot, [t(:f32, {5, 2, 3}), t(:f32, {7, 3, 4})]) == {:f32, {5, 2, 7, 4}}
    assert infer(:dot, [t(:f32, {2, 3}), t(:f32, {3})]) == {:f32, {2}}
    assert infer(:dot, [t(:f32, {2}), t(:f32, {3})], contract_left: [], contract_right: []) == {:f32, {2, 3}}
    batch = [contract_left: [2], batch_left: [0], contract_right: [1], batch_right: [0]]
    assert infer(:dot, [t(:f32, {5, 2, 3}), t(:f32, {5, 3, 4})], batch) == {:f32, {5, 2, 4}}
    assert {:error, %{message: text}} = infer(:dot, [t(:f32, {2, 3}), t(:f32, {4, 2})])
    assert text =~ "[3]" and text =~ "[4]"

    assert {:error, _} =
             infer(:dot, [t(:f32, {2, 2}), t(:f32, {2, 2})], contract_left: [0], batch_left: [0], batch_right: [1])
  end
end

defmodule GpuNode.Op.Rule do
  @moduledoc false
  # The rules behind the rows of GpuNode.Op: from operands and attributes to result type, result shape and wire attributes.
  # Functions return {:error, text}; the op and its operands are put before the text by the caller.

  alias GpuNode.{Shape, Type}
  require Type

  @spec apply(GpuNode.Op.row(), [GpuNode.Op.operand()], keyword | map) ::
          {:ok, GpuNode.Op.result()} | {:error, String.t()}
  def apply(row, operands, attributes)

  def apply(%{kind: :unary, rule: rule}, [operand], attributes) do
    type = type_of(operand)
    with {:ok, result} <- type(rule, type), do: finish(result, shape_of(operand), type, attributes)
  end

  def apply(%{kind: :binary, rule: rule}, [left, right], attributes) do
    merged = merge(left, right)

    with {:ok, result} <- type(rule, merged),
         {:ok, shape} <- Shape.broadcast(shape_of(left), shape_of(right)),
         do: finish(result, shape, merged, attributes)
  end

  def apply(%{kind: :select}, [predicate, on_true, on_false], attributes) do
    merged = merge(on_true, on_false)

    with {:ok, shape} <- Shape.broadcast(shape_of(on_true), shape_of(on_false)),
         {:ok, shape} <- Shape.broadcast(shape_of(predicate), shape),
         do: finish(merged, shape, merged, attributes)
  end

  def apply(%{kind: :clip, rule: rule}, [tensor, low, high], attributes) do
    merged = tensor |> type_of() |> Type.merge(Type.merge(type_of(low), type_of(high)))

    if shape_of(low) == {} and shape_of(high) == {} do
      with {:ok, result} <- type(rule, merged), do: finish(result, shape_of(tensor), merged, attributes)
    else
      {:error, "min and max are scalars"}
    end
  end

  def apply(%{kind: :cast, name: name}, [operand], attributes) do
    with {:ok, type} <- declared(attributes, nil) do
      from = type_of(operand)

      if name == :bitcast and (elem(from, 1) != elem(type, 1) or Type.complex?(from) or Type.complex?(type)),
        do: {:error, "bitcast to #{Type.name(type)} takes a real type of the same width"},
        else: done(type, shape_of(operand), from, %{})
    end
  end

  def apply(%{kind: :create, name: name}, [], attributes) do
    with {:ok, shape} <- shape(attributes), do: create(name, shape, attributes)
  end

  def apply(%{kind: :reshape}, [operand], attributes) do
    with {:ok, shape} <- shape(attributes) do
      if Shape.size(shape) == Shape.size(shape_of(operand)),
        do: same(operand, shape, %{}),
        else: {:error, "#{inspect(shape)} has #{Shape.size(shape)} elements, not #{Shape.size(shape_of(operand))}"}
    end
  end

  def apply(%{kind: :squeeze}, [operand], attributes) do
    from = shape_of(operand)
    default = for axis <- Shape.axes(from), elem(from, axis) == 1, do: axis

    with {:ok, axes} <- Shape.normalize_axes(get(attributes, :axes) || default, from) do
      if Enum.all?(axes, &(elem(from, &1) == 1)),
        do: same(operand, Shape.reduce(from, axes, false), %{axes: axes}),
        else: {:error, "axes #{inspect(axes)} are not all of dimension 1"}
    end
  end

  def apply(%{kind: :transpose}, [operand], attributes) do
    from = shape_of(operand)

    with {:ok, axes} <- Shape.normalize_axes(get(attributes, :axes) || Enum.reverse(Shape.axes(from)), from) do
      if length(axes) == tuple_size(from),
        do: same(operand, List.to_tuple(Shape.take(from, axes)), %{axes: axes}),
        else: {:error, "axes #{inspect(axes)} do not name every axis of #{inspect(from)}"}
    end
  end

  def apply(%{kind: :broadcast}, [operand], attributes) do
    from = shape_of(operand)

    with {:ok, shape} <- shape(attributes),
         {:ok, axes} <- Shape.normalize_axes(get(attributes, :axes) || Shape.trailing_axes(from, shape), shape),
         :ok <- Shape.check_stretch(from, shape, axes),
         do: same(operand, shape, %{axes: axes})
  end

  def apply(%{kind: :reduce, rule: rule}, [operand], attributes) do
    from = shape_of(operand)
    keep? = get(attributes, :keep_axes) || false

    with {:ok, result} <- type(rule, type_of(operand)),
         {:ok, result} <- declared(attributes, result),
         {:ok, axes} <- Shape.normalize_axes(get(attributes, :axes) || Shape.axes(from), from) do
      wire = if get(attributes, :axes), do: Enum.sort(axes), else: nil
      done(result, Shape.reduce(from, axes, keep?), type_of(operand), %{axes: wire, keep_axes: keep?})
    end
  end

  def apply(%{kind: :arg_reduce}, [operand], attributes) do
    from = shape_of(operand)
    axis = get(attributes, :axis)
    keep? = get(attributes, :keep_axis) || false
    tie = get(attributes, :tie_break) || :low

    with {:ok, result} <- declared(attributes, {:s, 32}),
         {:ok, axes} <- Shape.normalize_axes(axis || Shape.axes(from), from),
         :ok <- check(Type.integer?(result), "indices are of an integer type, not #{Type.name(result)}"),
         :ok <- check(tie in [:low, :high], "tie_break is :low or :high, got #{inspect(tie)}"),
         :ok <- check(not Type.complex?(type_of(operand)), "complex numbers have no order") do
      wire = if axis, do: hd(axes), else: nil
      attributes = %{axis: wire, tie_break: tie, keep_axis: keep?}
      done(result, Shape.reduce(from, axes, keep?), type_of(operand), attributes)
    end
  end

  def apply(%{kind: :dot}, [left, right], attributes) do
    merged = merge(left, right)
    {a, b} = {shape_of(left), shape_of(right)}
    {default_left, default_right} = default_contraction(a, b)

    with {:ok, result} <- declared(attributes, merged),
         {:ok, contract_a} <- Shape.normalize_axes(get(attributes, :contract_left) || default_left, a),
         {:ok, contract_b} <- Shape.normalize_axes(get(attributes, :contract_right) || default_right, b),
         {:ok, batch_a} <- Shape.normalize_axes(get(attributes, :batch_left) || [], a),
         {:ok, batch_b} <- Shape.normalize_axes(get(attributes, :batch_right) || [], b),
         :ok <- matching(a, contract_a, b, contract_b, "contracted"),
         :ok <- matching(a, batch_a, b, batch_b, "batch"),
         :ok <-
           check(disjoint?(contract_a, batch_a) and disjoint?(contract_b, batch_b), "an axis is contracted and batch") do
      free_a = Shape.axes(a) -- (contract_a ++ batch_a)
      free_b = Shape.axes(b) -- (contract_b ++ batch_b)
      shape = List.to_tuple(Shape.take(a, batch_a) ++ Shape.take(a, free_a) ++ Shape.take(b, free_b))

      done(result, shape, merged, %{
        contract_left: contract_a,
        batch_left: batch_a,
        contract_right: contract_b,
        batch_right: batch_b
      })
    end
  end

  # As Nx.dot/2: the last axis of the left with the last but one of the right.
  defp default_contraction({}, _right), do: {[], []}
  defp default_contraction(_left, {}), do: {[], []}
  defp default_contraction(_left, {_}), do: {[-1], [0]}
  defp default_contraction(_left, _right), do: {[-1], [-2]}

  defp matching(a, axes_a, b, axes_b, what) do
    check(
      Shape.take(a, axes_a) == Shape.take(b, axes_b),
      "#{what} axes #{inspect(axes_a)} and #{inspect(axes_b)} have dimensions " <>
        "#{inspect(Shape.take(a, axes_a))} and #{inspect(Shape.take(b, axes_b))}"
    )
  end

  defp disjoint?(left, right), do: left -- right == left

  defp create(:iota, shape, attributes) do
    axis = get(attributes, :axis)

    with {:ok, type} <- declared(attributes, {:s, 32}),
         {:ok, axes} <- Shape.normalize_axes(axis || [], shape),
         do: done(type, shape, type, %{axis: if(axis, do: hd(axes), else: nil)})
  end

  defp create(:eye, shape, attributes) do
    with {:ok, type} <- declared(attributes, {:s, 32}),
         :ok <- check(tuple_size(shape) >= 2, "eye takes a shape of 2 axes or more, got #{inspect(shape)}"),
         do: done(type, shape, type, %{})
  end

  defp create(:constant, shape, attributes) do
    value = get(attributes, :value)

    with :ok <- check(Type.is_literal(value), "constant takes a number as :value, got #{inspect(value)}"),
         {:ok, type} <- declared(attributes, Type.infer(value)),
         :ok <- check(not Type.integer?(type) or is_integer(value), "#{inspect(value)} is not a #{Type.name(type)}"),
         do: done(type, shape, type, %{value: GpuNode.Protocol.literal(type, value)})
  end

  @doc false
  # The result type that |rule| gives for an op whose operands merge to |type|.
  @spec type(atom, Type.t()) :: {:ok, Type.t()} | {:error, String.t()}
  def type(rule, type)
  def type(rule, type) when rule in [:same, :merge], do: {:ok, type}
  def type(:floating, type), do: {:ok, Type.to_floating(type)}
  def type(:predicate, _type), do: {:ok, {:u, 8}}
  def type(:real, type), do: {:ok, Type.to_real(type)}
  def type(:complex, type), do: {:ok, Type.to_complex(type)}
  def type(:aggregate, type), do: {:ok, Type.to_aggregate(type)}
  def type(:magnitude, {:c, _} = type), do: {:ok, Type.to_real(type)}
  def type(:magnitude, type), do: {:ok, type}
  def type(:integer, {kind, _} = type) when kind in [:s, :u], do: {:ok, type}
  def type(:integer, type), do: {:error, "takes integers, not #{Type.name(type)}"}
  def type(rule, {:c, _} = type) when rule in [:ordered, :comparison], do: {:error, "#{Type.name(type)} has no order"}
  def type(:ordered, type), do: {:ok, type}
  def type(:comparison, _type), do: {:ok, {:u, 8}}

  defp merge(left, right) do
    case {own_type(left), own_type(right)} do
      {nil, nil} -> Type.merge(Type.infer(left), Type.infer(right))
      {type, nil} -> Type.merge_number(type, right)
      {nil, type} -> Type.merge_number(type, left)
      {one, other} -> Type.merge(one, other)
    end
  end

  defp own_type(%{type: type}), do: type
  defp own_type({type, _number}), do: type
  defp own_type(_number), do: nil

  defp type_of(operand), do: own_type(operand) || Type.infer(operand)

  defp shape_of(%{shape: shape}), do: shape
  defp shape_of(_number), do: {}

  # Most eager calls carry no attributes: no look-up for them.
  defp finish(type, shape, literal, []), do: done(type, shape, literal, %{})

  defp finish(type, shape, literal, attributes) do
    with {:ok, type} <- declared(attributes, type), do: done(type, shape, literal, %{})
  end

  defp done(type, shape, literal, attributes) do
    {:ok, %{type: type, shape: shape, literal: literal, attributes: attributes}}
  end

  defp same(operand, shape, attributes), do: done(type_of(operand), shape, type_of(operand), attributes)

  defp declared(attributes, default) do
    case get(attributes, :type) || default do
      nil ->
        {:error, ":type is missing"}

      type ->
        with :error <- Type.normalize(type), do: {:error, "#{inspect(type)} is not a type"}
    end
  end

  defp shape(attributes) do
    shape = get(attributes, :shape)
    with :ok <- Shape.check(shape), do: {:ok, shape}
  end

  defp check(true, _text), do: :ok
  defp check(false, text), do: {:error, text}

  defp get(attributes, key), do: Access.get(attributes, key)
end

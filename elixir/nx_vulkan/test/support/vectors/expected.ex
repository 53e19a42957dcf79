defmodule Nx.Vulkan.Test.Vectors.Expected do
  @moduledoc false
  # What a recorded call must give, and the rule by which it is not what Nx.BinaryBackend gave.

  import Bitwise
  alias GpuNode.{Op, Type}
  alias Nx.Vulkan.Test.{Exceptions, Numbers, Operand, Oracle}

  @small [{:f, 8}, {:f8_e4m3fn, 8}, {:f, 16}, {:bf, 16}]
  @composed ~w(logsumexp cumulative_sum cumulative_product)a

  @type raw :: :formula | :raised | {:ok, Nx.Tensor.t()}

  @doc """
  The patterns of a result: the first alternative and others, by the oracle, the formula, or as BinaryBackend gave it. Throws
  `:no_value` where none of them says.
  """
  @spec patterns(tuple, tuple, {Nx.Type.t(), tuple}, raw, {non_neg_integer, pos_integer}) :: [[non_neg_integer]]
  def patterns({op, _, _, _} = spelled, {function, arguments}, {type, shape}, raw, {index, count}) do
    function = if count == 1, do: function, else: fn given -> elem(function.(given), index) end
    out = Nx.template(shape, type)

    cond do
      raw == :formula ->
        [Enum.map(floats(hd(arguments)), &Numbers.round_to(function.([&1]), type))]

      match?({:c, _}, type) and (arguments == [] or real_cast?(op, arguments)) ->
        [raw_complex(op, arguments, raw, type)]

      true ->
        [first | others] = oracle(spelled, function, arguments, out)
        [chosen(op, first, type) | others]
    end
  end

  defp floats(%Operand{} = operand) do
    operand |> Operand.on_host() |> Numbers.values() |> Enum.map(&if(is_integer(&1), do: &1 * 1.0, else: &1))
  end

  defp oracle(spelled, function, arguments, out) do
    {_how, [first | others]} = Oracle.expected(spelled, :node, function, arguments, out)
    [first | Enum.map(others, &if(is_function(&1), do: &1.(), else: &1))]
  rescue
    _ -> throw(:no_value)
  end

  # A real number as a complex one.
  defp real_cast?(op, arguments),
    do: op == :as_type and Enum.any?(arguments, &match?(%Operand{base: %{type: {kind, _}}} when kind != :c, &1))

  defp raw_complex(:as_type, [operand | _], _raw, {:c, size}) do
    half = {:f, div(size, 2)}
    operand |> Operand.on_host() |> Numbers.values() |> Enum.map(&Numbers.round_to(&1, half))
  end

  defp raw_complex(_op, _arguments, {:ok, raw}, _type), do: Numbers.patterns_of(raw)
  defp raw_complex(_op, _arguments, :raised, _type), do: throw(:no_value)

  # The principal values of acos and acosh have real parts that are not below 0.
  defp chosen(op, patterns, {:c, size}) when op in [:acos, :acosh] do
    half = div(size, 2)
    sign = 1 <<< (half - 1)
    for p <- patterns, do: if((p &&& sign) == 0, do: p, else: bxor(p, sign ||| sign <<< half))
  end

  defp chosen(_op, patterns, _type), do: patterns

  @doc "Why the patterns are not those that BinaryBackend gave."
  @spec rule(map, raw, [non_neg_integer], Nx.Type.t()) :: atom
  def rule(_wire, :formula, _expected, _type), do: :formula
  def rule(_wire, :raised, _expected, _type), do: :raises

  def rule(wire, {:ok, raw}, expected, type) do
    patterns = Numbers.patterns_of(raw)

    differing =
      for {r, e} <- Enum.zip(patterns, expected), Numbers.canonical(r, type) != Numbers.canonical(e, type), do: {r, e}

    inputs = Enum.map(wire.operands, & &1.type)

    cond do
      differing == [] ->
        :nx

      Enum.any?([type | inputs], &Type.packed?/1) ->
        :packed

      wire.op in [:acos, :acosh] and match?({:c, _}, type) ->
        :branch

      Enum.any?([raw | wire.operands], &f8_subnormal?/1) ->
        :f8_subnormal

      type in @small and Enum.all?(differing, fn {r, e} -> Numbers.distance(r, e, type) in [0, 1, :apart] end) ->
        :rounds_once

      wire.op in @composed ->
        :composed

      Exceptions.reasons(wire.op) != [] ->
        :corner

      wire.op == :conjugate or type in @small ->
        :rounds_once

      true ->
        raise "no rule says why #{Op.text(wire.op, plain(wire))} gives #{inspect(expected)}, not #{inspect(patterns)}"
    end
  end

  defp plain(wire), do: Enum.map(wire.operands, &%{type: &1.type, shape: &1.shape})

  defp f8_subnormal?(%{type: type} = tensor) when type in [{:f, 8}, {:f8_e4m3fn, 8}] do
    top = if type == {:f, 8}, do: 4, else: 8
    Enum.any?(Numbers.patterns_of(tensor), &((&1 &&& 0x7F) in 1..(top - 1)))
  end

  defp f8_subnormal?(_tensor), do: false
end

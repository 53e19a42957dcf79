defmodule Nx.Vulkan.Test.Check do
  @moduledoc false
  # Runs cases on the node and compares. All are issued before the first is read, so that the device works while the oracle does.

  alias Nx.Vulkan.Test.{Cases, Numbers, Operand, Oracle}

  @sums ~w(sum dot conv window_sum)a

  @doc "Texts of what failed."
  @spec all(tuple, [Nx.Vulkan.Test.Rows.case()]) :: [String.t()]
  def all({op, _, _, _} = row, cases) do
    cases
    |> Enum.map(fn {function, arguments} -> {function, arguments, issue(op, function, arguments)} end)
    |> Enum.flat_map(fn {function, arguments, issued} -> check(row, function, arguments, issued) end)
  end

  defp issue(op, function, arguments) do
    placed = Oracle.map_operands(arguments, &Operand.placed/1)
    {where, result} = Cases.watch(fn -> function.(placed) end)
    Cases.count(op, where)
    {where, result}
  rescue
    error in [GpuNode.Error] -> {:failed, error}
    error -> {:refused, error}
  end

  defp check({op, _, _, _}, _function, arguments, {:failed, error}),
    do: ["#{describe(op, arguments)}: #{Exception.message(error)}"]

  # What one backend refuses the other refuses.
  defp check({op, _, _, _}, function, arguments, {:refused, %kind{} = error}) do
    Nx.with_default_backend(Nx.BinaryBackend, fn ->
      # Some of what it cannot do shows when the result is read.
      arguments |> Oracle.map_operands(&Operand.on_host/1) |> function.() |> Numbers.patterns_of()
    end)

    ["#{describe(op, arguments)}: refused with #{Exception.message(error)}"]
  rescue
    other ->
      if is_struct(other, kind),
        do: [],
        else: ["#{describe(op, arguments)}: #{inspect(error)}, expected #{inspect(other)}"]
  end

  defp check({op, _, _, _} = row, function, arguments, {where, out}) do
    got = Numbers.patterns_of(out)
    {how, alternatives} = Oracle.expected(row, where, function, arguments, out)

    {got, alternatives} =
      if op in @sums, do: {unsigned(got, out), Enum.map(alternatives, &unsigned(&1, out))}, else: {got, alternatives}

    case wrong(got, alternatives, how, out.type) do
      nil -> backend(op, arguments, out)
      {index, text} -> ["#{describe(op, arguments)}, element #{index}: #{text}#{operands(arguments)}"]
    end
  rescue
    error ->
      ["#{describe(op, arguments)}: #{:error |> Exception.format(error, __STACKTRACE__) |> String.slice(0, 900)}"]
  end

  # Which zero a sum of zeros is depends on what it begins with.
  defp unsigned(patterns, _out) when is_function(patterns), do: patterns

  defp unsigned(patterns, %{type: {kind, size}}) do
    minus_zero = if kind in [:s, :u], do: nil, else: Bitwise.bsl(1, size - 1)
    Enum.map(patterns, &if(&1 == minus_zero, do: 0, else: &1))
  end

  defp backend(op, arguments, out) do
    if is_struct(out.data, Nx.Vulkan.Backend),
      do: [],
      else: ["#{describe(op, arguments)}: the result lies on #{inspect(out.data.__struct__)}"]
  end

  # The first element that no alternative has.
  defp wrong(got, [first | _] = alternatives, how, type) do
    cond do
      length(got) != length(first) ->
        {0, "#{length(got)} elements, expected #{length(first)}"}

      bad = Enum.find_index(Enum.zip(got, first), fn {g, e} -> not same?(how, g, e, type) end) ->
        alternative(bad, got, first, alternatives, how, type)

      true ->
        nil
    end
  end

  defp alternative(bad, got, first, [_ | rest], how, type) do
    rest = Enum.map(rest, & &1.())

    Enum.find_value(Enum.with_index(Enum.zip(got, first)), fn {{g, e}, index} ->
      if same?(how, g, e, type) or taken_for_zero?(how, g, e, type) or
           Enum.any?(rest, &same?(how, g, Enum.at(&1, index), type)),
         do: nil,
         else: {bad, "got #{text(g, type)}, expected #{text(e, type)} (#{inspect(how)})"}
    end)
  end

  defp taken_for_zero?({:ulp, _}, got, expected, type) when type in [{:f, 32}, {:bf, 16}] do
    value = Numbers.value(expected, type)
    Numbers.value(got, type) == 0 and is_float(value) and Numbers.flushed(value) == 0
  end

  defp taken_for_zero?(_how, _got, _expected, _type), do: false

  defp same?(_how, same, same, _type), do: true
  defp same?(:bits, _got, _expected, _type), do: false
  defp same?({:ulp, n}, got, expected, type), do: Numbers.distance(got, expected, type) <= n
  defp same?({:near, epsilon}, got, expected, type), do: near?(parts(got, type), parts(expected, type), epsilon)

  defp near?(got, expected, epsilon) do
    Enum.all?(Enum.zip(got, expected), fn
      {same, same} ->
        true

      {g, e} when is_number(g) and is_number(e) ->
        abs(g - e) <= epsilon * max(Enum.max([1 | Enum.filter(expected, &is_number/1) |> Enum.map(&abs/1)]), 1)

      _ ->
        false
    end)
  end

  defp parts(pattern, {:c, size}) do
    import Bitwise
    half = div(size, 2)
    for part <- [pattern &&& (1 <<< half) - 1, pattern >>> half], do: Numbers.value(part, {:f, half})
  end

  defp parts(pattern, type), do: [Numbers.decoded(pattern, type)]

  defp text(pattern, type), do: "#{inspect(parts(pattern, type))} (0x#{Integer.to_string(pattern, 16)})"

  defp describe(op, arguments) do
    "#{op}(#{Enum.map_join(arguments, ", ", fn
      %Operand{label: label} -> label
      list when is_list(list) -> inspect(Enum.map(list, &if(is_struct(&1, Operand), do: &1.label, else: &1)))
      other -> inspect(other)
    end)})"
  end

  defp operands(arguments) do
    for %Operand{} = operand <- List.flatten(arguments), into: "" do
      "\n    #{operand.label}: #{operand.base |> Numbers.patterns_of() |> Enum.map(&parts(&1, operand.base.type)) |> List.flatten() |> inspect(limit: 40)}"
    end
  end
end

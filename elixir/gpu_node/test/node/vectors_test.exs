defmodule GpuNode.VectorsTest do
  # Real calls of Nx, recorded: every op of the table, every type that it takes, without Nx. See test/vectors/README.md.
  use GpuNode.NodeCase, async: false

  alias GpuNode.{Op, Type, Vectors}

  @moduletag timeout: 600_000

  # What is not exact is within so many units of the last place: of reals, of complex numbers.
  @bound 1
  @complex_bound 2

  # What no rounding has a part in, or one that IEEE 754 says: to the bit.
  @exact ~w(add subtract multiply divide remainder sqrt abs negate sign ceil floor round real imag conjugate min max clip select as_type
            sum product reduce_max reduce_min dot conv window_sum window_product window_max window_min window_scatter_max
            window_scatter_min indexed_put iota eye constant sort top_k cumulative_sum cumulative_product cumulative_max
            cumulative_min pad put_slice gather take take_along_axis concatenate stack reshape squeeze transpose broadcast
            reverse slice bitcast)a

  # Of those what is a formula where an operand is complex.
  @formulas ~w(divide sqrt abs sign)a

  # Where the aims are not reached: ops, types of the first operand, the bound, and why.
  @further [
    {~w(asin acos acosh)a, [{:c, 128}], 10,
     "Complex takes the logarithm of a sum in which digits cancel: 8.5 measured; 1.9 here, against 72 digits"},
    {~w(pow)a, [{:c, 128}], 10, "both take e to the w log z, and lose |w log z| units: 9 measured"},
    {~w(tan tanh sigmoid)a, [{:c, 128}], 4,
     "quotients of what is rounded, on both sides: 3 measured; 3.2 here, against 72 digits"},
    {~w(sign)a, [{:c, 128}], 4, "the oracle divides by a rounded modulus: 3 measured; 1.4 here, against 72 digits"},
    {~w(lgamma)a, [{:f, 64}], 64, "GpuNode.Special is within 1e-14, near zeros in absolute terms: 23 measured"}
  ]

  # Where the sign of a zero is left open: ops, types of operands, and why.
  @open_zeros [
    {~w(sum dot conv window_sum cumulative_sum)a, Type.all(), "it depends on what a sum begins with"},
    {~w(product window_product cumulative_product)a, [{:c, 64}, {:c, 128}], "it depends on what a product begins with"},
    {~w(add subtract)a, [{:c, 64}, {:c, 128}],
     "a real number beside a complex one has an imaginary part of 0, and lavapipe (Mesa 25.0.7) takes -0 + 0 for -0 where it knows one of them"}
  ]

  # Cases in a program.
  @together 256

  setup_all do
    {cases, left_out} = Vectors.all()
    {:ok, cases: cases, left_out: left_out}
  end

  test "every op of the table has cases of every type that it takes, or it is said why not", %{
    cases: cases,
    left_out: left_out
  } do
    there = MapSet.new(cases, &{&1.op, type(&1)})
    said = MapSet.new(left_out, fn {op, type, _rule} -> {op, type} end)

    missing =
      for {op, row} <- Op.table(), type <- Type.all(), Vectors.takes?(row, type), do: {op, type}

    missing = Enum.reject(missing, &(&1 in there or &1 in said))
    assert missing == [], "no case and no reason: #{inspect(missing)}; test/vectors/record.exs makes them"

    apart = for {op, _type, rule} <- left_out, rule in ["not_by_element", "function"], uniq: true, do: op
    without = for {op, _row} <- Op.table(), op not in apart, not Enum.any?(cases, &(&1.op == op)), do: op
    assert without == []
    unknown = for %{op: op} <- cases, not is_map_key(Op.table(), op), uniq: true, do: op
    assert unknown == [], "ops that the table does not have; test/vectors/record.exs takes them out"
  end

  test "every op gives what it gave in Nx, on its own and in a program", %{cases: cases, gpu: gpu} do
    started = System.monotonic_time(:millisecond)
    # All are issued before the first is read, so that kernels are compiled while others run.
    issued = for one <- cases, {operands, made} = Vectors.issue(one, gpu), do: {one, operands, made}
    read = for {one, operands, made} <- issued, do: {one, operands, Enum.map(made, &bits/1)}
    alone = System.monotonic_time(:millisecond)
    together = read |> Enum.chunk_every(@together) |> Enum.flat_map(&together(&1, gpu))
    ended = System.monotonic_time(:millisecond)
    found = for {one, _operands, got} <- read, do: {one, compare(got, one)}

    IO.puts("""

    #{table(found)}
    #{length(cases)} cases: #{alone - started} ms on their own, #{ended - alone} ms in programs
    """)

    wrong = for({one, {:wrong, text}} <- found, do: "#{place(one)} #{text}") ++ together
    assert wrong == [], "#{length(wrong)} cases are wrong:\n#{wrong |> Enum.take(100) |> Enum.join("\n")}"
  end

  defp bits(tensor), do: Tensor.to_binary!(tensor, timeout: 300_000)
  defp place(one), do: "#{one.family}.txt:#{one.line}"

  # What is not the same in a program.
  defp together(read, gpu) do
    program = read |> Enum.map(&elem(&1, 0)) |> Vectors.program()
    inputs = for {_one, operands, _got} <- read, %Tensor{} = tensor <- operands, do: tensor
    {:ok, made} = GpuNode.run(gpu, program, inputs, timeout: 300_000)

    {differing, []} =
      Enum.flat_map_reduce(read, Enum.map(made, &bits/1), fn {one, _operands, got}, made ->
        {own, made} = Enum.split(made, length(got))
        {if(own == got, do: [], else: ["#{place(one)} #{text(one)}: other bits in a program"]), made}
      end)

    differing
  end

  defp type(%{operands: []} = one), do: one.results |> hd() |> elem(0)
  defp type(%{op: :select} = one), do: one.operands |> Enum.at(1) |> elem(1)
  defp type(one), do: one.operands |> hd() |> elem(1)

  # {:right, {op, type}, distance} or {:wrong, text}.
  defp compare(got, one) do
    one.results
    |> Enum.zip(got)
    |> Enum.map(fn {{type, _shape, alternatives}, bits} ->
      bound = bound(one, type)
      types = Enum.map(one.operands, &elem(&1, 1))

      options = [
        zeros: Enum.any?(@open_zeros, fn {ops, of, _why} -> one.op in ops and Enum.any?(types, &(&1 in of)) end)
      ]

      cond do
        bit_size(bits) != bit_size(hd(alternatives)) ->
          {:wrong, "#{text(one)}: #{bit_size(bits)} bits, expected #{bit_size(hd(alternatives))}"}

        true ->
          case Vectors.worst(bits, alternatives, type, options) do
            {distance, _, _, _} when distance <= bound ->
              {:right, type, distance}

            {distance, index, got, expected} ->
              {:wrong,
               "#{text(one)}, element #{index}: got #{inspect(got)}, expected #{inspect(expected)}, #{far(distance)}"}
          end
      end
    end)
    |> then(fn all -> Enum.find(all, hd(all), &match?({:wrong, _}, &1)) end)
  end

  defp far(:apart), do: "which no bound allows"
  defp far(distance), do: "#{distance} units of the last place"

  defp bound(%{op: op} = one, type) do
    first = type(one)
    complex? = Enum.any?([{nil, type, nil, nil} | one.operands], &Type.complex?(elem(&1, 1)))

    cond do
      further = Enum.find(@further, fn {ops, types, _bound, _why} -> op in ops and first in types end) ->
        elem(further, 2)

      Type.integer?(type) or (op in @exact and not (complex? and op in @formulas)) ->
        0

      complex? ->
        @complex_bound

      true ->
        @bound
    end
  end

  defp text(one) do
    operands =
      Enum.map_join(one.operands, ", ", fn {_, type, shape, bits} ->
        values = bits |> GpuNode.Element.unpack(type) |> GpuNode.Element.decode_all(type)
        "#{Type.text(type, shape)} #{inspect(values, limit: 6)}"
      end)

    "#{one.op}(#{operands}) #{if(one.attributes != %{}, do: inspect(one.attributes))} #{inspect(one.rules)}"
  end

  # A line for each family: cases, those that are wrong, and the largest distance of each op and type that is not exact.
  defp table(found) do
    found
    |> Enum.group_by(fn {one, _} -> one.family end)
    |> Enum.sort()
    |> Enum.map_join("\n", fn {family, list} ->
      wrong = Enum.count(list, &match?({_, {:wrong, _}}, &1))

      worst =
        for {one, {:right, type, distance}} when distance > 0 <- list do
          {{one.op, type}, distance}
        end
        |> Enum.group_by(&elem(&1, 0), &elem(&1, 1))
        |> Enum.map(fn {{op, type}, distances} -> {op, "#{Type.name(type)}=#{Enum.max(distances)}"} end)
        |> Enum.group_by(&elem(&1, 0), &elem(&1, 1))
        |> Enum.sort()
        |> Enum.map_join("; ", fn {op, texts} -> "#{op} #{Enum.join(Enum.sort(texts), " ")}" end)

      "#{family}: #{length(list)} cases, #{wrong} wrong#{if(worst != "", do: "; ulp: " <> worst)}"
    end)
  end
end

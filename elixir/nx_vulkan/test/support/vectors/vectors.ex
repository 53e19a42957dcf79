defmodule Nx.Vulkan.Test.Vectors do
  @moduledoc false
  # Real calls of Nx as vectors for tests without Nx: test/vectors/README.md describes the files, test/vectors/record.exs writes them.
  #
  # What a case must give is what Nx.Vulkan.Test.Oracle says, compared with what Nx.BinaryBackend gave: where they differ a rule
  # (`rules/0`) has to say why, or there are no vectors.

  alias GpuNode.{Op, Type}
  alias Nx.Vulkan.Test.{Operand, Oracle, Recorder}
  alias Nx.Vulkan.Test.Vectors.{Examples, Expected, Generators, Line, Wire}

  # Seeds an op and a type, whatever else is recorded.
  @seed 1
  # Cases of an op and a type. Each kernel takes a software driver 60 ms to compile, so what is one of its own is drawn for one type
  # in so many: cases of several types, shapes that broadcast, and further cases of what is planned by axes and lengths. Every
  # target of as_type is one.
  @drawn 3
  @seldom 6
  @targets 3
  @planned ~w(reduce arg_reduce dot conv window window_scatter order cumulative)a
  # Elements from which a case is large: of those an op has one.
  @large 100

  # Examples of Nx that differ, and why, has test/nx/known.exs.
  @known [{:erf_inv, {:f, 64}}]

  # Ops that have no cases, by the rule that says why.
  @apart [
    not_by_element: ~w(fft ifft rfft irfft fft2 ifft2 triangular_solve cholesky lu qr eigh svd)a,
    function: ~w(reduce window_reduce)a
  ]

  @rules [
    nx: "what Nx.BinaryBackend gave, to the bit",
    raises: "BinaryBackend raises, for some element at least; IEEE 754, or PROTOCOL.md (Corners), has a value",
    corner: "BinaryBackend loses signs of zeros or digits, or Nx leaves it open: PROTOCOL.md (Corners)",
    rounds_once:
      "BinaryBackend truncates bf16, and rounds f8 and f16 through other types; here it is rounded once, to nearest even",
    f8_subnormal: "BinaryBackend reads subnormal numbers of f8 as others",
    packed: "BinaryBackend computes types below a byte as bytes",
    composed: "Nx composes it of several ops, each of which rounds; here it is rounded once",
    branch: "BinaryBackend gives another branch of a complex function; here it is C99's",
    formula: "Nx has no such op: its formula, in double, rounded once",
    empty: "Nx has no tensors without elements: no element in, none out"
  ]

  @left_out [
    complex_truth: "a complex zero is true to BinaryBackend",
    refused:
      "Nx raises before the op is called: it does not take these types, or BinaryBackend not what lays out the operands",
    not_called: "Nx gives the operand back, or composes it of other ops",
    no_value: "BinaryBackend raises and nothing else says what it is",
    known: "an example in Nx's documentation whose digits are not the right ones (test/nx/known.exs)",
    not_by_element:
      "what is right of a result is its size as a whole, or what it gives multiplied out, not each of its numbers: device tests hold it",
    function: "a function of the caller's is no data: device tests hold it",
    no_generator: "the generators have no case of this type, as BinaryBackend has none",
    not_held:
      "f8_e4m3fn on the left wins over any float in Nx; the backend computes it wider and converts in an op of its own",
    other_type:
      "a number among the operands gives the result another type in Nx; the backend converts it in an op of its own"
  ]

  @doc "Why a result is not what BinaryBackend gave."
  def rules, do: @rules

  @doc "Why there is no case."
  def left_out, do: @left_out

  @doc "The ops of the table of which nobody said what cases they have."
  @spec without_generator() :: [atom]
  def without_generator do
    for {op, row} <- Enum.sort(Op.table()),
        apart(op) == nil,
        Generators.group(op, hd(types(row))) == nil,
        do: op
  end

  defp apart(op), do: Enum.find_value(@apart, fn {rule, ops} -> if op in ops, do: rule end)

  @doc "The files: family, cases, text."
  @spec files() :: [{atom, non_neg_integer, iodata}]
  def files do
    case without_generator() do
      [] -> :ok
      ops -> raise "no generator of cases for #{Enum.join(ops, ", ")}: give #{inspect(Generators)} a clause"
    end

    examples = Examples.by_op()

    Op.Table.rows()
    |> Enum.filter(&is_map_key(Op.table(), &1.name))
    |> Enum.group_by(& &1.family)
    |> Enum.sort()
    |> Task.async_stream(
      fn {family, rows} ->
        found = for row <- rows, do: {row, of_row(row, examples[row.name] || [])}
        lines = for {_row, list} <- found, {:case, line} <- list, uniq: true, do: line
        {family, length(lines), [header(family, found), Enum.map(lines, &[&1, "\n"])]}
      end,
      timeout: :infinity
    )
    |> Enum.map(fn {:ok, file} -> file end)
  end

  defp header(family, found) do
    left = for {row, list} <- found, {:left_out, rule, type} <- list, do: {rule, row.name, type}

    texts =
      for {rule, ops} <- left |> Enum.group_by(&elem(&1, 0)) |> Enum.sort() do
        names =
          ops
          |> Enum.group_by(&elem(&1, 1), &elem(&1, 2))
          |> Enum.sort()
          |> Enum.map(fn {op, types} ->
            counts =
              types |> Enum.frequencies() |> Enum.sort() |> Enum.map_join(",", fn {t, n} -> "#{Type.name(t)}=#{n}" end)

            "#{op} #{counts}"
          end)

        ["# left out, ", Atom.to_string(rule), ": ", Enum.join(names, "; "), "\n"]
      end

    ["# #{family}: written by record.exs, described in README.md\n", texts]
  end

  @spec types(Op.row()) :: [Type.t()]
  def types(%{type: :same_width}), do: Enum.reject(Type.all(), &Type.complex?/1)
  def types(%{takes: :integer}), do: Enum.filter(Type.all(), &Type.integer?/1)
  def types(%{takes: :ordered}), do: Enum.reject(Type.all(), &Type.complex?/1)
  def types(_row), do: Type.all()

  ## Cases

  defp of_row(row, examples) do
    case apart(row.name) do
      nil -> recorded(row) ++ examples(examples) ++ empty(row)
      rule -> for type <- types(row), do: {:left_out, rule, type}
    end
  end

  defp recorded(row) do
    types = types(row)
    large = Enum.at(types, :erlang.phash2(row.name, length(types)))

    for type <- types, found <- of_type(row, type, type == large), do: found
  end

  defp of_type(row, type, large?) do
    :rand.seed(:exsss, {@seed, :erlang.phash2(row.name), :erlang.phash2(type)})
    {kind, spelled, cases} = Generators.group(row.name, type)
    {large, usual} = Enum.split_with(cases, &(size(&1) > @large))
    {plain, mixed} = Enum.split_with(usual, &plain?(row, type, &1))

    seldom? = :erlang.phash2({row.name, type}, @seldom) == 0

    count =
      cond do
        row.name == :as_type -> @targets
        row.family in @planned and not seldom? -> 1
        true -> @drawn
      end

    drawn =
      Enum.take_random(plain, count) ++ some(mixed, plain == [] or seldom?) ++ some(large, large?)

    found = for one <- drawn, do: one(row, kind, spelled, one)

    found =
      Enum.map(found, fn
        {:left_out, rule} -> {:left_out, rule, type}
        line -> line
      end)

    cond do
      drawn == [] and match?({:c, _}, type) -> [{:left_out, :complex_truth, type}]
      drawn == [] -> [{:left_out, :no_generator, type}]
      true -> found
    end
  end

  defp some(cases, true), do: Enum.take_random(cases, 1)
  defp some(_cases, false), do: []

  # Operands of one type, and where they meet element by element of one shape: those of a type share a kernel.
  defp plain?(row, type, one) do
    data = for %Operand{role: :data, base: base} <- one |> arguments() |> List.flatten(), do: base
    flags = for %Operand{role: :free, base: base} <- one |> arguments() |> List.flatten(), do: base.type
    same? = Enum.all?(data, &(&1.type == type)) and Enum.all?(flags, &(&1 == {:u, 8}))
    same? and (row.shape != :elementwise or match?([_], Enum.uniq_by(data, & &1.shape)))
  end

  defp arguments({{_function, arguments}, _options}), do: arguments
  defp arguments({_function, arguments}), do: arguments

  defp size(one) do
    for(%Operand{base: base} <- one |> arguments() |> List.flatten(), do: Nx.size(base)) |> Enum.max(fn -> 0 end)
  end

  defp one(row, :composite, spelled, {{function, arguments} = one, options}) do
    operands = Enum.map(arguments, &Operand.on_host/1)
    attributes = Map.new(options)
    raw = with {:left_out, _} <- try_raw(function, operands), do: :raised
    {:ok, %{results: outs}} = Op.infer(row.name, Enum.map(operands, &%{type: &1.type, shape: &1.shape}), attributes)
    with {:ok, wire} <- Wire.finished(row, operands, attributes, outs), do: line(wire, spelled, one, [raw])
  end

  defp one(row, :formula, spelled, {_function, arguments} = one) do
    operands = arguments |> Enum.map(&Operand.on_host/1) |> Enum.map(&Nx.Vulkan.Eager.devectorized/1)
    type = Type.to_floating(hd(operands).type)

    with {:ok, wire} <- Wire.finished(row, operands, %{}, [{type, hd(operands).shape}]),
         do: line(wire, spelled, one, [:formula])
  end

  defp one(row, _kind, spelled, {function, arguments} = one) do
    ours = Oracle.map_operands(arguments, &Recorder.of(Operand.on_host(&1)))
    name = row.name

    case Enum.find(Recorder.calls(fn -> function.(ours) end), &match?({^name, _, _, _}, &1)) do
      nil ->
        not_called(row, spelled, one)

      {_op, _out, _arguments, result} = call ->
        with {:ok, wire} <- Wire.call(call), do: line(wire, spelled, one, raws(result, length(wire.outs)))
    end
  end

  # Nx has an answer of its own for some types: what it answers is what the op must give.
  defp not_called(row, spelled, {function, arguments} = one) do
    operands = Oracle.map_operands(arguments, &Operand.on_host/1)

    case try_raw(function, operands) do
      {:ok, out} when row.shape == :elementwise and row.operands == 1 ->
        operands = for %Nx.Tensor{} = operand <- operands, do: Nx.Vulkan.Eager.devectorized(operand)
        plain = Nx.Vulkan.Eager.devectorized(out)

        with {:ok, wire} <- Wire.finished(row, operands, %{}, [{plain.type, plain.shape}]),
             do: line(wire, spelled, one, [{:ok, plain}])

      {:ok, _out} ->
        {:left_out, :not_called}

      _ ->
        {:left_out, :refused}
    end
  end

  defp try_raw(function, operands) do
    {:ok, Nx.with_default_backend(Nx.BinaryBackend, fn -> function.(operands) end)}
  rescue
    _ -> {:left_out, :no_value}
  end

  defp raws(:raised, count), do: List.duplicate(:raised, count)

  defp raws({:ok, tuple}, _count) when is_tuple(tuple) and not is_struct(tuple),
    do: for(t <- Tuple.to_list(tuple), do: {:ok, t})

  defp raws({:ok, tensor}, _count), do: [{:ok, tensor}]

  defp line(wire, spelled, one, raws) do
    results =
      for {{type, shape} = out, raw, index} <- Enum.zip([wire.outs, raws, 0..(length(raws) - 1)]) do
        [first | others] = alternatives = Expected.patterns(spelled, one, out, raw, {index, length(raws)})
        {Expected.rule(wire, raw, first, type), {type, shape}, first, Enum.take(others, length(alternatives))}
      end

    rules = for {rule, _, _, _} <- results, uniq: true, do: rule
    {:case, Line.text(wire, results, rules)}
  catch
    :no_value -> {:left_out, :no_value}
  end

  defp examples(found) do
    for {%{outs: [{type, _shape} | _]} = wire, patterns} <- found do
      if {wire.op, type} in @known do
        {:left_out, :known, type}
      else
        results = for {out, own} <- Enum.zip(wire.outs, patterns), do: {:nx, out, own, []}
        {:case, Line.text(wire, results, [:nx])}
      end
    end
  end

  ## Without elements

  defp empty(%{shape: :elementwise, operands: count, list: false} = row) when count > 0 do
    type = if row.takes == :integer, do: {:s, 32}, else: {:f, 32}
    operands = List.duplicate(%{type: type, shape: {2, 0, 3}}, count)
    attributes = if row.type in [:declared, :same_width], do: %{type: type}, else: %{}

    case Op.infer(row.name, operands, attributes) do
      {:ok, %{results: outs}} ->
        results = for out <- outs, do: {:empty, out, [], []}
        [{:case, Line.text(%{op: row.name, operands: operands, attributes: attributes}, results, [:empty])}]

      {:error, _} ->
        []
    end
  end

  defp empty(_row), do: []
end

defmodule GpuNode.Vectors do
  @moduledoc false
  # The vectors of real Nx calls, test/vectors/ops, as test/vectors/README.md describes them: read, issued, compared.

  import Bitwise
  alias GpuNode.{Element, Op, Program, Tensor, Type}

  @folder Path.expand("../../../../test/vectors/ops", __DIR__)

  @type operand :: {:tensor | :number, Type.t(), tuple, bitstring}
  @type one :: %{
          family: atom,
          line: pos_integer,
          op: atom,
          attributes: map,
          operands: [operand],
          results: [{Type.t(), tuple, [bitstring]}],
          rules: [atom]
        }

  @doc "The cases of all files, and what each says it left out: `{op, type, rule}`."
  @spec all() :: {[one], [{atom, Type.t(), String.t()}]}
  def all do
    for path <- @folder |> Path.join("*.txt") |> Path.wildcard(), reduce: {[], []} do
      {cases, left_out} ->
        family = path |> Path.basename(".txt") |> String.to_existing_atom()
        lines = path |> File.read!() |> String.split("\n", trim: true) |> Enum.with_index(1)
        {comments, lines} = Enum.split_with(lines, fn {text, _} -> String.starts_with?(text, "#") end)

        {cases ++ Enum.map(lines, fn {text, line} -> read(family, text, line) end),
         left_out ++ Enum.flat_map(comments, fn {text, _} -> left_out(text) end)}
    end
  end

  # "# left out, RULE: OP TYPE=COUNT,...; ..."
  defp left_out("# left out, " <> text) do
    [rule, ops] = String.split(text, ": ", parts: 2)

    for group <- String.split(ops, "; "),
        [op, types] = String.split(group, " "),
        type <- String.split(types, ","),
        do: {String.to_atom(op), type |> String.split("=") |> hd() |> type(), rule}
  end

  defp left_out(_comment), do: []

  defp read(family, text, line) do
    [op, attributes, operands, results, rules] = String.split(text, "\t")

    %{
      family: family,
      line: line,
      op: String.to_atom(op),
      attributes: attributes(attributes),
      operands: operands |> String.split(" ", trim: true) |> Enum.map(&operand/1),
      results: results |> String.split(" ") |> Enum.map(&result/1),
      rules: rules |> String.split(",") |> Enum.map(&String.to_atom/1)
    }
  end

  defp operand(text) do
    [head, mark, base64] = Regex.run(~r/^([^:!]*)([:!])(.*)$/, text, capture: :all_but_first)
    {type, shape} = head(head)
    {if(mark == "!", do: :number, else: :tensor), type, shape, bits(base64, type, shape)}
  end

  defp result(text) do
    [head, alternatives] = String.split(text, ":")
    {type, shape} = head(head)
    {type, shape, for(base64 <- String.split(alternatives, "|"), do: bits(base64, type, shape))}
  end

  @doc "A tensor as it stands in the files, `TYPE[SHAPE]:ELEMENTS`."
  @spec tensor(String.t()) :: {Type.t(), tuple, bitstring}
  def tensor(text) do
    {type, shape, [bits]} = result(text)
    {type, shape, bits}
  end

  @doc "`TYPE[SHAPE]`."
  @spec head(String.t()) :: {Type.t(), tuple}
  def head(text) do
    [name, shape] = Regex.run(~r/^(\w+)\[([0-9,]*)\]$/, text, capture: :all_but_first)
    {type(name), shape(shape)}
  end

  @doc "An op's attributes, a JSON object or nothing."
  @spec attributes(String.t()) :: map
  def attributes(""), do: %{}
  def attributes(text), do: text |> JSON.decode!() |> Map.new(&attribute/1)

  defp type(name) do
    {:ok, type} = name |> String.to_atom() |> Type.normalize()
    type
  end

  defp shape(text), do: text |> String.split(",", trim: true) |> Enum.map(&String.to_integer/1) |> List.to_tuple()

  @doc "Elements, from base64 without filling."
  @spec bits(String.t(), Type.t(), tuple) :: bitstring
  def bits(base64, {_kind, size}, shape) do
    length = size * Tuple.product(shape)
    <<bits::bitstring-size(length), _fill::bitstring>> = Base.decode64!(base64, padding: false)
    bits
  end

  defp attribute({"shape", list}), do: {:shape, List.to_tuple(list)}
  defp attribute({"type", name}), do: {:type, String.to_atom(name)}
  defp attribute({"padding", list}), do: {:padding, Enum.map(list, &List.to_tuple/1)}
  defp attribute({"value", [re, im]}), do: {:value, {special(re), special(im)}}
  defp attribute({key, list}) when is_list(list), do: {String.to_atom(key), Enum.map(list, &special/1)}
  defp attribute({key, value}), do: {String.to_atom(key), special(value)}

  defp special(word) when is_binary(word), do: String.to_atom(word)
  defp special(other), do: other

  ## On the node

  @doc "Issues a case: its operands, tensors and typed numbers, and its results' handles."
  @spec issue(one, atom) :: {[Tensor.t() | {Type.t(), Element.value()}], [Tensor.t()]}
  def issue(one, node) do
    operands =
      Enum.map(one.operands, fn
        {:tensor, type, shape, bits} -> Tensor.from_binary!(node, bits, type, shape)
        {:number, type, _shape, bits} -> {type, number(bits, type)}
      end)

    {:ok, made} = GpuNode.op(node, one.op, operands, one.attributes)
    {operands, List.wrap(made)}
  end

  @doc "A program of all the cases, whose inputs are their tensors."
  @spec program([one]) :: Program.t()
  def program(cases) do
    {program, outputs} =
      Enum.reduce(cases, {Program.new(), []}, fn one, {program, outputs} ->
        {operands, program} =
          Enum.map_reduce(one.operands, program, fn
            {:number, type, _shape, bits}, program ->
              {{type, number(bits, type)}, program}

            {:tensor, type, shape, _bits}, program ->
              {program, value} = Program.input(program, type, shape)
              {value, program}
          end)

        {program, made} = Program.op!(program, one.op, operands, one.attributes)
        {program, [outputs, made]}
      end)

    Program.output(program, List.flatten(outputs))
  end

  defp number(bits, type) do
    [number] = bits |> Element.unpack(type) |> Element.decode_all(type)
    number
  end

  ## Comparing

  # {significant bits, bits} of the float types; what is above the largest number is no distance.
  @floats %{
    {:f, 8} => {3, 0x7C},
    {:f8_e4m3fn, 8} => {4, 0x7F},
    {:f, 16} => {11, 0x7C00},
    {:bf, 16} => {8, 0x7F80},
    {:f, 32} => {24, 0x7F800000},
    {:f, 64} => {53, 0x7FF0000000000000}
  }

  @doc "The element with the largest distance from the nearest alternative, `{distance, index, got, expected}`; 0 where all are right."
  @spec worst(bitstring, [bitstring], Type.t(), keyword) :: {number | :apart, non_neg_integer, term, term}
  def worst(got, alternatives, type, options \\ []) do
    columns = Enum.map([got | alternatives], &patterns(&1, type))

    columns
    |> Enum.zip()
    |> Enum.with_index()
    |> Enum.reduce({0, 0, nil, nil}, fn {row, index}, {most, _, _, _} = worst ->
      [got | expected] = Tuple.to_list(row)
      # A number is less than an atom.
      distance = expected |> Enum.map(&distance(got, &1, type, options)) |> Enum.min()
      if distance > most, do: {distance, index, text(got, type), text(hd(expected), type)}, else: worst
    end)
  end

  defp patterns(bits, {_, size}), do: for(<<p::little-size(size) <- bits>>, do: p)

  defp text(pattern, {_, size} = type),
    do: <<pattern::little-size(size)>> |> Element.unpack(type) |> Element.decode_all(type) |> hd()

  @doc """
  How far two elements lie apart, in units of the last place (of complex numbers in those of the greater part). `:apart`: a NaN
  beside a number, two integers, infinities, and zeros of two signs unless the option `zeros: true` says that these do not matter.
  """
  @spec distance(non_neg_integer, non_neg_integer, Type.t(), keyword) :: number | :apart
  def distance(same, same, _type, _options), do: 0

  def distance(a, b, {:c, size}, options) do
    half = div(size, 2)
    type = {:f, half}
    parts = for p <- [a, b], do: {p &&& (1 <<< half) - 1, p >>> half}
    [{a_re, a_im}, {b_re, b_im}] = parts
    one_by_one = [distance(a_re, b_re, type, options), distance(a_im, b_im, type, options)]

    if Enum.all?(one_by_one, &(&1 in [0, :apart])) or Enum.any?([a_re, a_im, b_re, b_im], &(not finite?(&1, type))),
      do: Enum.max(one_by_one),
      else: of_modulus({a_re, a_im}, {b_re, b_im}, type)
  end

  def distance(a, b, type, options) when is_map_key(@floats, type) do
    cond do
      nan?(a, type) and nan?(b, type) -> 0
      nan?(a, type) or nan?(b, type) -> :apart
      zero?(a, type) and zero?(b, type) -> if(options[:zeros], do: 0, else: :apart)
      # A device may take what is below the smallest normal f32 as zero.
      type in [{:f, 32}, {:bf, 16}] and zero?(a, type) and subnormal?(b, type) -> 0
      true -> abs(ordered(a, type) - ordered(b, type))
    end
  end

  def distance(_a, _b, _type, _options), do: :apart

  # The difference of the parts, in units of the last place of the greater one.
  defp of_modulus(a, b, type) do
    [{a_re, a_im}, {b_re, b_im}] = for {re, im} <- [a, b], do: {text(re, type), text(im, type)}
    unit = unit(max(abs(b_re), abs(b_im)), type)
    Float.round(max(abs(a_re - b_re), abs(a_im - b_im)) / unit, 2)
  end

  defp unit(value, type) do
    {precision, _} = @floats[type]
    {_, least} = %{{:f, 32} => {0, -126}, {:f, 64} => {0, -1022}}[type]
    :math.pow(2.0, max(exponent(value), least) - precision + 1)
  end

  defp exponent(value) when value == 0, do: -1100

  defp exponent(value) do
    <<_::1, e::11, _::52>> = <<value::float>>
    e - 1023
  end

  defp magnitude(p, {_, size}), do: p &&& (1 <<< (size - 1)) - 1
  defp zero?(p, type), do: magnitude(p, type) == 0
  defp nan?(p, {:f8_e4m3fn, 8} = type), do: magnitude(p, type) == 0x7F
  defp nan?(p, type), do: magnitude(p, type) > elem(@floats[type], 1)
  defp finite?(p, type), do: magnitude(p, type) < elem(@floats[type], 1)
  defp subnormal?(p, {_, size} = type), do: magnitude(p, type) < 1 <<< (elem(@floats[type], 0) - 1) and size > 0
  defp ordered(p, type), do: if(p == magnitude(p, type), do: p, else: -magnitude(p, type))

  @doc "Whether the op is of the table and takes the type at all."
  @spec takes?(Op.row(), Type.t()) :: boolean
  def takes?(%{takes: :integer}, type), do: Type.integer?(type)
  def takes?(%{type: :same_width}, type), do: not Type.complex?(type)
  def takes?(%{takes: :ordered}, type), do: not Type.complex?(type)
  def takes?(_row, _type), do: true
end

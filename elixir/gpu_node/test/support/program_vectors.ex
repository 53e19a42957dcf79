defmodule GpuNode.ProgramVectors do
  @moduledoc false
  # The programs of test/vectors/programs, as test/vectors/README.md describes them: read, built, compared.

  alias GpuNode.{Element, Program, Type, Vectors}

  @folder Path.expand("../../../../test/vectors/programs", __DIR__)

  @type one :: %{
          name: String.t(),
          program: Program.t(),
          inputs: [{Type.t(), tuple, bitstring}],
          outputs: [%{type: Type.t(), shape: tuple, bits: bitstring, bound: float, name: String.t()}]
        }

  @doc "All of them; `options` are those of `GpuNode.Program.new/1`."
  @spec all(keyword) :: [one]
  def all(options \\ []) do
    for path <- @folder |> Path.join("*.txt") |> Path.wildcard() |> Enum.sort(), do: read(path, options)
  end

  defp read(path, options) do
    lines = for line <- path |> File.read!() |> String.split("\n", trim: true), do: String.split(line, "\t")
    start = %{program: Program.new(options), values: %{}, inputs: [], outputs: []}
    read = Enum.reduce(lines, start, &line/2)
    {outputs, inputs} = {Enum.reverse(read.outputs), Enum.reverse(read.inputs)}
    program = Program.output(read.program, Enum.map(outputs, &Map.fetch!(read.values, &1.name)))
    %{name: Path.basename(path, ".txt"), program: program, inputs: inputs, outputs: outputs}
  end

  defp line(["# " <> _what], read), do: read

  defp line(["input", text], read) do
    {type, shape, bits} = Vectors.tensor(text)
    {program, value} = Program.input(read.program, type, shape)
    values = Map.put(read.values, "i#{length(read.inputs)}", value)
    %{read | program: program, values: values, inputs: [{type, shape, bits} | read.inputs]}
  end

  defp line(["output", name, text, bound], read) do
    {type, shape, bits} = Vectors.tensor(text)
    output = %{name: name, type: type, shape: shape, bits: bits, bound: String.to_float(bound)}
    %{read | outputs: [output | read.outputs]}
  end

  # As the compiler spells it: what the op gives is said, and the node looks whether it does.
  defp line([op, attributes, operands, results], read) do
    operands = operands |> String.split(" ", trim: true) |> Enum.map(&operand(&1, read.values))
    results = for text <- String.split(results, " "), do: Vectors.head(text)

    {program, made} =
      Program.append(read.program, String.to_existing_atom(op), operands, results, Vectors.attributes(attributes))

    first = Enum.count(read.values, fn {name, _} -> String.starts_with?(name, "v") end)
    values = made |> Enum.with_index(first) |> Enum.reduce(read.values, fn {v, n}, all -> Map.put(all, "v#{n}", v) end)
    %{read | program: program, values: values}
  end

  defp operand(text, values) do
    case String.split(text, "!") do
      [name] ->
        Map.fetch!(values, name)

      [head, base64] ->
        {type, {}} = Vectors.head(head)
        [number] = base64 |> Vectors.bits(type, {}) |> Element.unpack(type) |> Element.decode_all(type)
        {type, number}
    end
  end

  @doc """
  How far `got` is from what an output should be: the largest difference of two elements as a share of the largest finite number expected.
  `:apart` where one is NaN or infinite and the other is not the same.
  """
  @spec distance(bitstring, map) :: float | :apart
  def distance(bits, %{bits: bits}), do: 0.0

  def distance(got, %{type: type, bits: expected}) do
    decode = &(&1 |> Element.unpack(type) |> Element.decode_all(type))
    pairs = Enum.zip(decode.(got), decode.(expected))
    largest = for({_, number} <- pairs, is_number(number), do: abs(number)) |> Enum.max(fn -> 0 end)

    Enum.reduce(pairs, 0.0, fn
      _pair, :apart -> :apart
      {same, same}, most -> most
      {a, b}, most when is_number(a) and is_number(b) and largest > 0 -> max(most, abs(a - b) / largest)
      {a, b}, most when is_number(a) and is_number(b) -> max(most, abs(a - b) / 1)
      _pair, _most -> :apart
    end)
  end
end

defmodule Nx.Vulkan.Test.Vectors.Line do
  @moduledoc false
  # A case as the line that test/vectors/README.md describes.

  alias GpuNode.{Json, Op, Type}
  alias Nx.Vulkan.Test.Numbers

  @doc "A case as a line: op, attributes, operands, results, rules, between tabs."
  @spec text(map, [tuple], [atom]) :: String.t()
  def text(wire, results, rules) do
    operands = wire.operands |> Enum.with_index() |> Enum.map_join(" ", fn {t, index} -> operand(wire, t, index) end)

    results =
      Enum.map_join(results, " ", fn {_rule, {type, shape}, first, others} ->
        different = Enum.reject(others, &(canonical(&1, type) == canonical(first, type))) |> Enum.uniq()
        bits = Enum.map_join([first | different], "|", &base64(Numbers.bits(&1, type)))
        "#{head(type, shape)}:#{bits}"
      end)

    attributes =
      if wire.attributes == %{}, do: "", else: wire.attributes |> json() |> Json.value() |> IO.iodata_to_binary()

    Enum.join([wire.op, attributes, operands, results, Enum.join(rules, ",")], "\t")
  end

  defp canonical(patterns, type), do: Enum.map(patterns, &Numbers.canonical(&1, type))

  # Some scalars beside tensors are numbers of the instruction, no operands of their own: which, by their place and bits.
  defp operand(wire, tensor, index) do
    bits = bits(tensor)
    mark = if number?(wire, tensor, index, bits), do: "!", else: ":"
    "#{head(tensor.type, tensor.shape)}#{mark}#{base64(bits)}"
  end

  @numbers [:elementwise, :clip, :pad, :window_scatter]

  defp number?(wire, %{shape: {}} = tensor, index, bits) do
    {:ok, row} = Op.fetch(wire.op)

    row.shape in @numbers and :erlang.phash2({index, bits}, 2) == 0 and
      Enum.any?(wire.operands, &(&1.shape != {})) and finite?(tensor)
  end

  defp number?(_wire, _tensor, _index, _bits), do: false

  defp finite?(tensor),
    do:
      tensor
      |> Numbers.values()
      |> Enum.all?(&(is_number(&1) or (is_struct(&1) and is_number(&1.re) and is_number(&1.im))))

  defp bits(%Nx.Tensor{} = tensor), do: tensor |> Nx.Vulkan.Eager.devectorized() |> Nx.to_binary()
  defp bits(_empty), do: <<>>

  @doc "A tensor of BinaryBackend: type, shape and elements."
  @spec tensor(Nx.Tensor.t()) :: String.t()
  def tensor(%Nx.Tensor{} = tensor), do: "#{head(tensor.type, tensor.shape)}:#{base64(bits(tensor))}"

  @doc "A string of bits, filled up with zeros to whole bytes."
  @spec base64(bitstring) :: String.t()
  def base64(bits) do
    fill = rem(8 - rem(bit_size(bits), 8), 8)
    Base.encode64(<<bits::bitstring, 0::size(fill)>>, padding: false)
  end

  @doc "`TYPE[SHAPE]`."
  @spec head(Type.t() | atom, tuple) :: String.t()
  def head(name, shape) when is_atom(name), do: "#{name}[#{shape |> Tuple.to_list() |> Enum.join(",")}]"
  def head(type, shape), do: "#{Type.name(type)}[#{shape |> Tuple.to_list() |> Enum.join(",")}]"

  @doc "What JSON has for an attribute's value: see test/vectors/README.md."
  @spec json(term) :: term
  def json(%Complex{re: re, im: im}), do: [json(re), json(im)]

  def json(map) when is_map(map),
    do: Map.new(map, fn {key, value} -> {key, if(key == :type, do: Type.name(value), else: json(value))} end)

  def json(tuple) when is_tuple(tuple), do: tuple |> Tuple.to_list() |> json()
  def json(list) when is_list(list), do: Enum.map(list, &json/1)
  def json(other), do: other
end

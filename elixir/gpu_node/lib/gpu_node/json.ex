defmodule GpuNode.Json do
  @moduledoc false
  # JSON as it is written piece by piece: values as iodata, and arrays of numbers of any size as a stream. JSON has no NaN and no infinities:
  # the caller says what becomes of them.

  @typedoc "What has no digits in JSON, with the place in the array that it was found at."
  @type special :: :nan | :infinity | :neg_infinity

  @doc "A term of maps, lists, pairs (an object in their order), strings, atoms and numbers."
  @spec value(term) :: iodata
  def value(nil), do: "null"
  def value(x) when is_boolean(x), do: Atom.to_string(x)
  def value(x) when is_atom(x), do: x |> Atom.to_string() |> string()
  def value(x) when is_binary(x), do: string(x)
  def value(x) when is_integer(x), do: Integer.to_string(x)
  def value(x) when is_float(x), do: :erlang.float_to_binary(x, [:short])
  def value(%{} = map), do: map |> Enum.sort() |> object()
  def value([{_key, _value} | _] = pairs), do: object(pairs)
  def value(list) when is_list(list), do: [?[, list |> Enum.map(&value/1) |> Enum.intersperse(?,), ?]]

  defp object(pairs) do
    members = for {key, value} <- pairs, do: [string(to_string(key)), ?:, value(value)]
    [?{, Enum.intersperse(members, ?,), ?}]
  end

  @doc "A string, which is UTF-8."
  @spec string(String.t()) :: iodata
  def string(text), do: [?", for(<<c::utf8 <- text>>, do: character(c)), ?"]

  defp character(?"), do: ~S(\")
  defp character(?\\), do: ~S(\\)
  defp character(c) when c < 0x20, do: ["\\u", c |> Integer.to_string(16) |> String.pad_leading(4, "0")]
  defp character(c), do: <<c::utf8>>

  @doc """
  An array of `shape` as a stream of iodata, from a stream of lists of its elements in row-major order. `special` is called with what is no
  number and its indices, and gives what stands there.
  """
  @spec array(Enumerable.t(), tuple, (special, [non_neg_integer] -> iodata)) :: Enumerable.t()
  def array(lists, shape, special) do
    dims = Tuple.to_list(shape)

    if 0 in dims do
      [empty(dims)]
    else
      # How many elements each pair of brackets holds, outermost first.
      sizes = dims |> Enum.reverse() |> Enum.scan(&(&1 * &2)) |> Enum.reverse()

      Stream.transform(lists, 0, fn list, first ->
        {texts, next} = Enum.map_reduce(list, first, fn x, at -> {element(x, at, sizes, special), at + 1} end)
        {[texts], next}
      end)
    end
  end

  defp empty([0 | _]), do: "[]"
  defp empty([count | dims]), do: [?[, List.duplicate(empty(dims), count) |> Enum.intersperse(?,), ?]]

  defp element(x, at, sizes, special) do
    text = if x in [:nan, :infinity, :neg_infinity], do: special.(x, indices(at, tl(sizes ++ [1]))), else: value(x)
    comma = if at > 0, do: ",", else: ""
    [comma, brackets(at, sizes, "["), text, brackets(at + 1, sizes, "]")]
  end

  defp brackets(at, sizes, bracket), do: for(size <- sizes, rem(at, size) == 0, do: bracket)

  # |sizes|: of what is inside of each dimension.
  defp indices(at, sizes) do
    {indices, _} = Enum.map_reduce(sizes, at, fn size, rest -> {div(rest, size), rem(rest, size)} end)
    indices
  end
end

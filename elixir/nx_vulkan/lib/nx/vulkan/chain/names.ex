defmodule Nx.Vulkan.Chain.Names do
  @moduledoc false
  # What a family calls its indices, definitions, dimensions and data. A dimension is a length, so any two axes of one length may go together.

  alias Nx.Vulkan.Chain.{Places, Refused, Text}

  defstruct taken: MapSet.new(), dimensions: MapSet.new(), data: %{}, order: []

  # As many as a family may have.
  @most_data 64

  @type t :: %__MODULE__{}

  @doc "A name that begins with `letters`."
  @spec fresh(String.t(), t) :: {String.t(), t}
  def fresh(letters, names) do
    name = Enum.find_value(Stream.iterate(1, &(&1 + 1)), &free("#{letters}#{&1}", names.taken))
    {name, take(name, names)}
  end

  defp free(name, taken), do: if(not MapSet.member?(taken, name), do: name)

  @doc "Takes a name."
  @spec take(String.t(), t) :: t
  def take(name, names), do: %{names | taken: MapSet.put(names.taken, name)}

  @doc "An index over `n` places that nobody else has."
  @spec index(pos_integer, t) :: {Places.index(), t}
  def index(n, names) do
    {name, names} = fresh("i", names)
    {{name, n}, dimension(n, names)}
  end

  @doc "What a dimension is called."
  @spec dimension_name(pos_integer) :: String.t()
  def dimension_name(n), do: "n#{n}"

  @doc "Notes that there is a dimension."
  @spec dimension(pos_integer, t) :: t
  def dimension(n, names), do: %{names | dimensions: MapSet.put(names.dimensions, n)}

  @doc "What has axes, at places."
  @spec reference(String.t(), [{Places.place(), pos_integer}], t) :: {Text.t(), t}
  def reference(name, places, names) do
    {texts, names} =
      Enum.map_reduce(places, names, fn {place, n}, names -> bracketed(place, n, dimension(n, names)) end)

    {Text.reference(name, texts), names}
  end

  # A place as it stands in brackets.
  defp bracketed(number, _n, names) when is_integer(number), do: {Integer.to_string(number), names}
  defp bracketed({:index, {name, _n}}, _of, names), do: {name, names}

  defp bracketed({:table, table, indices}, n, names) do
    {text, names} = table(table, indices, "at", n, names)
    {text.text, names}
  end

  @doc "A place where a number stands."
  @spec number(Places.place(), t) :: {Text.t(), t}
  def number(number, names) when is_integer(number), do: {Text.number(number), names}
  def number({:index, {name, _}}, names), do: {Text.reference(name, []), names}
  def number({:table, table, indices}, names), do: table(table, indices, "c", nil, names)

  @doc "What is known over indices: data, wanted as a name or letters; of places the length of the axis that they are on."
  @spec table(Nx.Tensor.t(), [Places.index()], String.t(), pos_integer | nil, t) :: {Text.t(), t}
  def table(table, indices, wanted, into, names) do
    if length(indices) > 2, do: too_many(table)
    {name, names} = data(table, wanted, into, names)
    {Text.reference(name, Enum.map(indices, &elem(&1, 0))), names}
  end

  @doc "The name of data, which may be there already."
  @spec data(Nx.Tensor.t(), String.t(), pos_integer | nil, t) :: {String.t(), t}
  def data(tensor, wanted, into, names) do
    key = {:crypto.hash(:sha256, Nx.to_binary(tensor)), tensor.type, tensor.shape, into}

    case names.data do
      %{^key => {name, _, _}} ->
        {name, names}

      data when map_size(data) == @most_data ->
        why = "there is more data than that, or it is read in more than #{@most_data} ways"
        Refused.op(:tensor, tensor, [], [], why)

      data ->
        {name, names} = called(wanted, names)
        names = Enum.reduce(Tuple.to_list(tensor.shape) ++ List.wrap(into), names, &dimension/2)
        {name, %{names | data: Map.put(data, key, {name, tensor, into}), order: [key | names.order]}}
    end
  end

  # What the caller named keeps its name, where it is read as it is.
  defp called(wanted, names) do
    cond do
      wanted in ["c", "at"] or String.ends_with?(wanted, "_") -> fresh(wanted, names)
      MapSet.member?(names.taken, wanted) -> fresh(wanted <> "_", names)
      true -> {wanted, take(wanted, names)}
    end
  end

  @spec too_many(map) :: no_return
  def too_many(known), do: Refused.op(:tensor, known, [], [], "data is read over more than two axes at once")

  @doc "The data that was read, by name: a tensor, and of places the length of the axis that they are on."
  @spec all_data(t) :: [{String.t(), Nx.Tensor.t(), pos_integer | nil}]
  def all_data(names), do: for(key <- Enum.reverse(names.order), do: names.data[key])
end

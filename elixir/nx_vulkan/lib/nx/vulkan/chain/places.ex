defmodule Nx.Vulkan.Chain.Places do
  @moduledoc false
  # Where an element of a node is read: for each axis a place, which is a whole number, an index that goes over the axis, or a table of whole
  # numbers over indices. What moves elements about (reshape, slice, gather) is arithmetic of these, and what comes of it is as simple
  # as it can be: a table that counts is its index.

  alias Nx.Tensor, as: T

  # Members of groups may be so many times as many with what fills up the smaller ones.
  @most_padding 4

  @typedoc "An index of a loop: its name and how far it goes."
  @type index :: {String.t(), pos_integer}
  @type place :: non_neg_integer | {:index, index} | {:table, T.t(), [index]}

  @doc "The places of an operand that is broadcast to `shape`, axes aligned at the right as Nx does."
  @spec aligned([place], tuple, tuple) :: [place]
  def aligned(places, shape, own), do: places |> Enum.drop(tuple_size(shape) - tuple_size(own)) |> kept(own)

  @doc "Those of `inner` on `axes`, those of `outer` on the others in order."
  @spec spread([non_neg_integer], [place], [place]) :: [place]
  def spread(axes, inner, outer) do
    own = axes |> Enum.zip(inner) |> Map.new()
    rank = length(axes) + length(outer)

    {places, []} =
      Enum.map_reduce(0..(rank - 1)//1, outer, fn axis, outer ->
        if is_map_key(own, axis), do: {own[axis], outer}, else: {hd(outer), tl(outer)}
      end)

    places
  end

  @doc "Where an axis has one place, that is read."
  @spec kept([place], tuple) :: [place]
  def kept(places, shape),
    do: Enum.zip_with(places, Tuple.to_list(shape), fn place, n -> if n == 1, do: 0, else: place end)

  @doc "The places in what had `old` before it was made `new`."
  @spec reshaped([place], tuple, tuple) :: [place]
  def reshaped(places, new, old) do
    new = Tuple.to_list(new)
    wide = for {place, n} <- Enum.zip(places, new), n != 1, do: {place, n}

    if Enum.map(wide, &elem(&1, 1)) == Enum.reject(Tuple.to_list(old), &(&1 == 1)) do
      with_ones(wide, Tuple.to_list(old))
    else
      flat = combined(places, fn numbers -> flat(numbers, new) end)
      {old, _} = old |> Tuple.to_list() |> Enum.reverse() |> Enum.map_reduce(1, &{{&1, &2}, &1 * &2})
      for {n, stride} <- Enum.reverse(old), do: mapped(flat, n, &(&1 |> Nx.quotient(stride) |> Nx.remainder(n)))
    end
  end

  defp with_ones(wide, [1 | shape]), do: [0 | with_ones(wide, shape)]
  defp with_ones([{place, _} | wide], [_ | shape]), do: [place | with_ones(wide, shape)]
  defp with_ones([], []), do: []

  defp flat(numbers, shape) do
    numbers |> Enum.zip(shape) |> Enum.reduce(0, fn {number, n}, sum -> sum |> Nx.multiply(n) |> Nx.add(number) end)
  end

  @doc "A place on an axis of `n` that `fun` makes of another one; `fun` is given a tensor of whole numbers."
  @spec mapped(place, pos_integer, (T.t() -> T.t())) :: place
  def mapped(place, n, fun), do: combined([place], fn [numbers] -> fun.(numbers) end) |> simple(n)

  @doc "A table of what `fun` makes of the numbers of several places, which vary over the indices of all of these."
  @spec combined([place], ([T.t()] -> T.t())) :: {:table, T.t(), [index]}
  def combined(places, fun) do
    indices = indices(places)
    shape = indices |> Enum.map(&elem(&1, 1)) |> List.to_tuple()
    on_host(fn -> {:table, places |> Enum.map(&numbers(&1, indices)) |> fun.() |> Nx.broadcast(shape), indices} end)
  end

  @doc "What is known of a tensor at places: a tensor over indices."
  @spec read(T.t(), [place]) :: {T.t(), [index]}
  def read(tensor, places) do
    own = for {:index, index} <- places, do: index

    if Enum.all?(places, &(not match?({:table, _, _}, &1))) and Enum.uniq(own) == own do
      starts = Enum.map(places, &if(is_integer(&1), do: &1, else: 0))
      lengths = Enum.zip_with(places, Tuple.to_list(tensor.shape), &if(is_integer(&1), do: 1, else: &2))
      shape = own |> Enum.map(&elem(&1, 1)) |> List.to_tuple()
      {on_host(fn -> tensor |> Nx.slice(starts, lengths) |> Nx.reshape(shape) end), own}
    else
      {:table, table, indices} =
        combined(places, fn numbers ->
          [_ | _] = numbers = numbers |> Enum.map(&Nx.as_type(&1, :s64)) |> same_shape()
          Nx.gather(tensor, Nx.stack(numbers, axis: -1))
        end)

      {table, indices}
    end
  end

  defp same_shape(numbers) do
    shape = Enum.reduce(numbers, {}, fn number, shape -> larger(number.shape, shape) end)
    Enum.map(numbers, &Nx.broadcast(&1, shape))
  end

  # They are of one rank, an axis being long or 1.
  defp larger(shape, {}), do: shape
  defp larger({}, shape), do: shape
  defp larger(a, b), do: Enum.zip_with(Tuple.to_list(a), Tuple.to_list(b), &max/2) |> List.to_tuple()

  @doc "The simplest place on an axis of `n` that has the numbers of a table."
  @spec simple({:table, T.t(), [index]}, pos_integer) :: place
  def simple({:table, table, indices}, n), do: on_host(fn -> table |> without_constant(indices) |> simplest(n) end)

  @doc "A table without the indices over which it does not vary."
  @spec without_constant(T.t(), [index]) :: {T.t(), [index]}
  def without_constant(table, indices) do
    Enum.reduce(indices, {table, []}, fn index, {table, kept} ->
      axis = length(kept)
      first = Nx.slice_along_axis(table, 0, 1, axis: axis)

      if Nx.to_number(Nx.all(Nx.equal(table, first))) == 1,
        do: {Nx.squeeze(first, axes: [axis]), kept},
        else: {table, kept ++ [index]}
    end)
  end

  defp simplest({table, []}, _n), do: Nx.to_number(table)

  defp simplest({table, [{_, n} = index]}, n) do
    if Nx.to_number(Nx.all(Nx.equal(table, Nx.iota({n})))) == 1, do: {:index, index}, else: {:table, table, [index]}
  end

  defp simplest({table, indices}, _n), do: {:table, table, indices}

  @doc "A table's places of one index in classes, by what the table has there: for each place its class, and how many these are."
  @spec classes(T.t(), [index], index) :: {T.t(), pos_integer}
  def classes(table, over, {_, n} = index) do
    axis = place_of(over, index)

    rows =
      on_host(fn ->
        table |> Nx.transpose(axes: [axis | Enum.to_list(0..(length(over) - 1)) -- [axis]]) |> Nx.to_binary()
      end)

    bytes = div(byte_size(rows), n)

    {classes, seen} =
      Enum.map_reduce(0..(n - 1), %{}, fn i, seen ->
        row = binary_part(rows, i * bytes, bytes)
        seen = Map.put_new(seen, row, map_size(seen))
        {seen[row], seen}
      end)

    {Nx.tensor(classes, type: :s64, backend: Nx.BinaryBackend), map_size(seen)}
  end

  @doc """
  Of a table of groups, from 0 to `n` - 1, the places at which each group stands: a table `{n, most}`, or `{n}` where no group stands at two, and where
  groups are not of one size whether a place of that counts, 1 or 0. `:uneven` where most would not.
  """
  @spec members(T.t(), pos_integer) :: {:ok, T.t(), T.t() | nil} | :uneven
  def members(groups, n) do
    count = elem(groups.shape, 0)
    by_group = groups |> Nx.to_flat_list() |> Enum.with_index() |> Enum.group_by(&elem(&1, 0), &elem(&1, 1))
    most = by_group |> Map.values() |> Enum.map(&length/1) |> Enum.max()
    rows = for group <- 0..(n - 1), do: Map.get(by_group, group, [])

    if n * most > @most_padding * count,
      do: :uneven,
      else: {:ok, padded(rows, most), if(n * most > count, do: counted(rows, most))}
  end

  defp padded(rows, most) do
    table(for row <- rows, do: row ++ List.duplicate(List.first(row, 0), most - length(row)))
  end

  defp counted(rows, most) do
    table(for row <- rows, do: Enum.map(row, fn _ -> 1 end) ++ List.duplicate(0, most - length(row)))
  end

  defp table([[_] | _] = rows), do: rows |> List.flatten() |> Nx.tensor(type: :s64, backend: Nx.BinaryBackend)
  defp table(rows), do: Nx.tensor(rows, type: :s64, backend: Nx.BinaryBackend)

  @doc "The indices that places vary over."
  @spec indices([place]) :: [index]
  def indices(places) do
    places
    |> Enum.flat_map(fn
      {:index, index} -> [index]
      {:table, _table, indices} -> indices
      _number -> []
    end)
    |> Enum.uniq()
  end

  # The numbers of a place with an axis for each of `indices`, of length 1 where it does not vary.
  defp numbers(number, indices) when is_integer(number),
    do: number |> Nx.tensor(type: :s64) |> Nx.reshape(indices |> Enum.map(fn _ -> 1 end) |> List.to_tuple())

  defp numbers({:index, {_, n} = index}, indices), do: numbers({:table, Nx.iota({n}, type: :s64), [index]}, indices)

  defp numbers({:table, table, own}, indices) do
    order = own |> Enum.with_index() |> Enum.sort_by(fn {index, _} -> place_of(indices, index) end)
    shape = for {_, n} = index <- indices, do: if(index in own, do: n, else: 1)
    table |> Nx.transpose(axes: Enum.map(order, &elem(&1, 1))) |> Nx.reshape(List.to_tuple(shape))
  end

  defp place_of(indices, index), do: Enum.find_index(indices, &(&1 == index))

  defp on_host(fun), do: Nx.with_default_backend(Nx.BinaryBackend, fun)
end

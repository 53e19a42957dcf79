defmodule GpuNode.Diagnostics.Draws do
  @moduledoc """
  Draws of one or more parameters from one or more chains, as `GpuNode.Diagnostics` takes them.

  The binary of a chain shader's output is taken as it is. One parameter at a time is turned into f64 values, chain after chain, when
  something is computed of it.
  """

  alias GpuNode.{Argument, Element, Error, Options, Type}
  alias GpuNode.Chain.Samples

  @enforce_keys [:chains, :draws, :names, :data, :type, :strides]
  defstruct [:chains, :draws, :names, :data, :type, :strides]

  @type name :: String.t() | atom
  @type t :: %__MODULE__{
          chains: pos_integer,
          draws: pos_integer,
          names: [name],
          data: binary,
          type: {:f, 32 | 64},
          strides: %{chains: pos_integer, draws: pos_integer, parameters: pos_integer}
        }

  @typedoc "Chains of draws: one list per chain, all of one length. Not a number is `:nan`, `:infinity`, `:neg_infinity`."
  @type chains :: [[number | Type.special()]]

  @names [type: {:custom, "a list of names, atoms or strings", &__MODULE__.names?/1}]
  @pair {:custom, "a name with its chains, {name, chains}", &__MODULE__.pair?/1}
  @lists [names: @names ++ [doc: "of the parameters; default `\"x\"`, or what they are given with"]]
  @binary [
    shape: [
      type: {:custom, "a tuple of integers of at least 1", &__MODULE__.shape?/1},
      required: true,
      doc: "the sizes, as `{4096, 1000}` or `{4096, 1000, 8}`"
    ],
    layout: [
      type: {:custom, "a list of :chains, :draws, :parameters, each once", &__MODULE__.layout?/1},
      doc:
        "what the sizes count, outermost first: a list of `:chains`, `:draws`, `:parameters` in any order. Without it " <>
          "`[:chains, :draws]` or `[:chains, :draws, :parameters]`. What is not named is 1"
    ],
    type: [type: {:in, [:f32, :f64, {:f, 32}, {:f, 64}]}, default: :f32, doc: "`:f32` or `:f64`"],
    names: @names ++ [doc: "of the parameters; default `\"x\"`, or `\"x1\"`, `\"x2\"` and so on"]
  ]

  @doc """
  Takes draws.

    * A list of chains: one parameter, named `"x"`.
    * A list of `{name, chains}`, or a map: several, of the same numbers of chains and draws.
    * A binary of little-endian floats, row-major.
    * `GpuNode.Chain.Samples`: the numbers of all its variables, in the model's order, named as the rows of its summary are. They are
      brought here, all of them: `GpuNode.Chain.Samples.fetch/2` brings one variable.
    * Draws, which are returned as they are.

  Options of lists and maps:

  #{Options.docs(@lists)}

  Options of a binary:

  #{Options.docs(@binary)}
  """
  @spec new(chains | [{name, chains}] | %{name => chains} | binary | Samples.t() | t, keyword) ::
          {:ok, t} | {:error, Error.t()}
  def new(data, options \\ [])

  def new(%__MODULE__{} = draws, options),
    do: with({:ok, _} <- Options.check(options, [], "draws of draws"), do: {:ok, draws})

  def new(samples, options) when is_struct(samples, Samples),
    do: with({:ok, _} <- Options.check(options, [], "draws of samples"), do: of_samples(samples))

  def new(%{} = parameters, options) when not is_struct(parameters), do: new(Enum.sort(parameters), options)

  def new(binary, options) when is_binary(binary) do
    with {:ok, options} <- Options.check(options, @binary, "draws of a binary"),
         shape = options[:shape],
         layout = options[:layout] || Enum.take([:chains, :draws, :parameters], max(tuple_size(shape), 2)),
         {:ok, {:f, bits} = type} = Type.normalize(options[:type]),
         {:ok, sizes} <- sizes(shape, layout),
         :ok <- fits(binary, sizes, div(bits, 8)),
         {:ok, names} <- names(options[:names], sizes.parameters) do
      {:ok,
       %__MODULE__{
         chains: sizes.chains,
         draws: sizes.draws,
         names: names,
         data: binary,
         type: type,
         strides: strides(layout, sizes)
       }}
    end
  end

  def new([{_name, _chains} | _] = parameters, options) do
    with :ok <- Argument.check(parameters, {:list, @pair}, "parameters", "draws of lists"),
         {:ok, options} <- Options.check(options, @lists, "draws of lists"),
         {:ok, bytes} <- encode(Enum.map(parameters, &elem(&1, 1))) do
      {_name, [chain | _] = chains} = hd(parameters)

      new(bytes,
        type: :f64,
        layout: [:parameters, :chains, :draws],
        shape: {length(parameters), length(chains), length(chain)},
        names: Keyword.get(options, :names, Enum.map(parameters, &elem(&1, 0)))
      )
    end
  end

  def new([_ | _] = chains, options), do: new([{"x", chains}], options)

  def new(other, _options) do
    invalid(
      "draws are a list of chains, names with their chains, a binary with its shape, GpuNode.Chain.Samples or " <>
        "GpuNode.Diagnostics.Draws, got #{Options.show(other)}#{lists_of(other)}"
    )
  end

  defp lists_of(%GpuNode.Tensor{}), do: "; GpuNode.Tensor.to_list!(tensor) gives the lists of a tensor"
  defp lists_of(tensor) when is_struct(tensor, Nx.Tensor), do: "; Nx.to_list(tensor) gives the lists of a tensor"
  defp lists_of(_other), do: ""

  # One variable after the other, each number's chains in one piece.
  defp of_samples(%{draws: none}) when none == %{} do
    invalid(
      "the samples have no draws, as keep_draws: false has it: GpuNode.Chain.Samples.warnings/1 looks at what is known of the run"
    )
  end

  defp of_samples(samples) do
    samples.model.variables
    |> Enum.reduce_while({:ok, []}, fn %{name: name}, {:ok, all} ->
      case Samples.fetch(samples, name) do
        {:ok, draws} -> {:cont, {:ok, [draws | all]}}
        {:error, _} = error -> {:halt, error}
      end
    end)
    |> case do
      {:ok, [%{type: type} | _] = all} ->
        all = Enum.reverse(all)
        names = Enum.flat_map(all, & &1.names)
        data = for draws <- all, index <- 0..(length(draws.names) - 1), into: <<>>, do: apart(draws, index)
        sizes = {length(names), samples.chains, samples.count}
        new(data, type: type, names: names, layout: [:parameters, :chains, :draws], shape: sizes)

      {:error, _} = error ->
        error
    end
  end

  defp apart(%{names: [_], data: data}, _index), do: data

  defp apart(%{names: names, data: data, type: {:f, bits}}, index) do
    {before, width, behind} = {index * bits, div(bits, 8), (length(names) - index - 1) * bits}
    for <<_::size(before), x::binary-size(width), _::size(behind) <- data>>, into: <<>>, do: x
  end

  @doc "As `new/2`, raising `GpuNode.Error`."
  @spec new!(t | term, keyword) :: t
  def new!(data, options \\ []), do: Error.unwrap!(new(data, options))

  @doc false
  def pair?(pair), do: match?({_name, _chains}, pair)

  @doc false
  def names?(names),
    do: is_list(names) and not List.improper?(names) and Enum.all?(names, &(is_atom(&1) or is_binary(&1)))

  @doc false
  def shape?(shape), do: is_tuple(shape) and Enum.all?(Tuple.to_list(shape), &(is_integer(&1) and &1 > 0))

  @doc false
  def layout?(layout),
    do:
      is_list(layout) and not List.improper?(layout) and layout -- [:chains, :draws, :parameters] == [] and
        layout == Enum.uniq(layout)

  defp sizes(shape, layout) do
    sizes = Tuple.to_list(shape)

    if length(sizes) == length(layout),
      do: {:ok, Map.merge(%{chains: 1, draws: 1, parameters: 1}, Map.new(Enum.zip(layout, sizes)))},
      else: invalid("shape #{inspect(shape)} is none of the layout #{inspect(layout)}")
  end

  defp fits(binary, sizes, width) do
    expected = sizes.chains * sizes.draws * sizes.parameters * width

    if byte_size(binary) == expected,
      do: :ok,
      else: invalid("#{GpuNode.Text.count(byte_size(binary), "byte")} of draws, where the shape has #{expected}")
  end

  defp names(nil, 1), do: {:ok, ["x"]}
  defp names(nil, count), do: {:ok, Enum.map(1..count, &"x#{&1}")}

  defp names(names, count) do
    if is_list(names) and length(names) == count,
      do: {:ok, names},
      else: invalid("#{count} parameters, and the names #{inspect(names)}")
  end

  defp strides(layout, sizes) do
    {strides, _} =
      layout
      |> Enum.reverse()
      |> Enum.reduce({%{}, 1}, fn axis, {all, s} -> {Map.put(all, axis, s), s * sizes[axis]} end)

    Map.merge(%{chains: 1, draws: 1, parameters: 1}, strides)
  end

  defp encode(parameters) do
    lengths = for chains <- parameters, do: if(list?(chains), do: Enum.map(chains, &(list?(&1) && length(&1))))

    case Enum.uniq(lengths) do
      [[count | _] = counts] when is_integer(count) and count > 0 ->
        if Enum.all?(counts, &(&1 == count)), do: encode_all(parameters), else: unequal()

      _ ->
        unequal()
    end
  end

  defp list?(value), do: is_list(value) and not List.improper?(value)

  defp unequal, do: invalid("chains are lists of draws, one at least, and of one length")

  defp encode_all(parameters) do
    {:ok, for(chains <- parameters, chain <- chains, x <- chain, into: <<>>, do: bytes(x))}
  catch
    {:no_number, x} -> invalid("#{inspect(x)} is no draw")
  end

  defp bytes(x) when is_float(x), do: <<x::float-little-64>>

  defp bytes(x) do
    case Element.encode(x, {:f, 64}) do
      {:ok, bytes} -> bytes
      :error -> throw({:no_number, x})
    end
  end

  @doc "The number of a parameter that is given by name or number."
  @spec index(t, name | non_neg_integer) :: {:ok, non_neg_integer} | {:error, Error.t()}
  def index(draws, parameter) do
    with :ok <- Argument.check(draws, {:struct, __MODULE__}, "draws", "GpuNode.Diagnostics.Draws.index/2"),
         do: place(draws, parameter)
  end

  defp place(%{names: names}, number) when is_integer(number) and number >= 0 do
    if number < length(names), do: {:ok, number}, else: invalid("no parameter #{number} of #{length(names)}")
  end

  defp place(%{names: names}, name) do
    case Enum.find_index(names, &(&1 == name)) do
      nil -> invalid("no parameter #{Options.show(name)} among #{Options.show(names)}")
      index -> {:ok, index}
    end
  end

  @doc false
  # One parameter as f64 values, one chain after the other; `:non_finite` when one of them is not a finite number.
  @spec values(t, non_neg_integer) :: {:ok, binary} | :non_finite
  def values(%{data: data, type: {:f, bits}, strides: strides} = draws, parameter) do
    width = div(bits, 8)
    size = draws.draws * width
    reader = if bits == 32, do: &read32/4, else: &read64/4

    chains =
      for chain <- 0..(draws.chains - 1) do
        at = (chain * strides.chains + parameter * strides.parameters) * width

        # A chain that lies in one piece ends where its last draw does; one with gaps reads on to it.
        bytes =
          if strides.draws == 1, do: binary_part(data, at, size), else: binary_part(data, at, byte_size(data) - at)

        reader.(bytes, draws.draws, (strides.draws - 1) * width, <<>>)
      end

    if :non_finite in chains, do: :non_finite, else: {:ok, IO.iodata_to_binary(chains)}
  end

  # One draw at a time, as a comprehension would leave out what is not finite and say nothing.
  for {read, bits} <- [read32: 32, read64: 64] do
    defp unquote(read)(<<x::float-little-unquote(bits), _::binary>>, 1, _skip, acc),
      do: <<acc::binary, x::float-little-64>>

    defp unquote(read)(bytes, count, skip, acc) do
      case bytes do
        <<x::float-little-unquote(bits), _::binary-size(skip), rest::binary>> ->
          unquote(read)(rest, count - 1, skip, <<acc::binary, x::float-little-64>>)

        _ ->
          :non_finite
      end
    end
  end

  defp invalid(message), do: {:error, Error.new(:invalid_argument, message)}
end

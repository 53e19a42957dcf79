defmodule GpuNode.Chain.InferenceData do
  @moduledoc """
  Samples in the form of ArviZ's InferenceData, as JSON: what `GpuNode.Chain.Samples.write_inference_data/3` writes.

      import arviz, json
      with open("samples.json") as file:
          data = arviz.from_dict(**json.load(file))      # ArviZ 0.x

  It is written by the published schema and by what `from_dict` of ArviZ 0.23 says that it takes; a test holds an export against the
  schema's words. It was not read with ArviZ itself. `from_dict` of ArviZ 1 takes the groups as one argument: `d = json.load(file)`, then
  `arviz.from_dict({g: d[g] for g in ("posterior", "sample_stats")}, coords=d["coords"], dims=d["dims"])`.

  The file is one object:

    * `posterior` - each variable as nested lists, `[chain][draw]` and its own dimension where it has one
    * `sample_stats`, all of them `[chain][draw]`:
      * `lp` - the log density of the unconstrained coordinates, log-Jacobian included
      * `energy` - the Hamiltonian, and `diverging` - whether the path to this draw diverged; where the node tells them
      * `acceptance_rate` - of a chain its mean acceptance, at each of its draws: the node keeps no other
    * `observed_data` - what the option of that name gives; the node does not give a model's data back
    * `dims`, `coords` - the names of own dimensions by variable (`VARIABLE_dim_0` unless named) and the labels along all dimensions
      (numbers from 0 unless given)
    * `attrs`, `posterior_attrs`, `sample_stats_attrs` - `created_at`, `inference_library`, `inference_library_version`, `family`, `step_size`,
      `path_length` and those of the option `:attributes`

  JSON has neither NaN nor infinities. Such a number is an error that names its place, or `null` with `non_finite: :null`, which ArviZ will not
  take as a number. Draws come from the node in slices and go to the file as they come, so that no more than a few megabytes are here at
  a time.
  """

  import GpuNode.Chain.NxTensors, only: [is_nx: 1]
  alias GpuNode.Chain.{NxTensors, Samples}
  alias GpuNode.{Argument, Element, Error, Json, Options, Shape, Tensor, Type}
  require Type

  @version Mix.Project.config()[:version]
  @slice_bytes 256 * 1024
  @path {:custom, "the path of a file, a string", &GpuNode.Chain.path?/1}

  names = {:custom, "lists of names", &GpuNode.Chain.InferenceData.names?/1}
  labels = {:custom, "lists of strings and numbers", &GpuNode.Chain.InferenceData.labels?/1}
  told = {:custom, "strings, numbers and lists of them", &GpuNode.Chain.InferenceData.told?/1}

  @options [
    observed_data: [
      type: :named,
      default: [],
      doc:
        "what the density is conditional on, by name: nested lists of numbers, tensors of Nx, or `{binary, shape}` of little-endian f64"
    ],
    dims: [
      type: {:named, names},
      default: [],
      doc: "by variable, the names of its own dimensions: `[eta: [\"school\"]]`"
    ],
    coords: [
      type: {:named, labels},
      default: [],
      doc: "by dimension, its labels, strings or numbers: `[school: ~w(A B C)]`"
    ],
    attributes: [type: {:named, told}, default: [], doc: "more attributes: strings, numbers, lists of them"],
    created_at: [
      type: {:custom, "a DateTime", &GpuNode.Chain.InferenceData.time?/1},
      doc: "when the samples were made; default now"
    ],
    non_finite: [type: {:in, [:error, :null]}, default: :error, doc: "what becomes of NaN and infinities"]
  ]

  @type statistic :: %{name: String.t(), shape: tuple, lists: Enumerable.t()}
  @type variable :: statistic

  @doc false
  def names?(names), do: is_list(names) and Enum.all?(names, &name?/1)

  @doc false
  def labels?(labels), do: is_list(labels) and Enum.all?(labels, &label?/1)

  @doc false
  def told?(value), do: label?(value) or labels?(value)

  defp name?(name), do: is_atom(name) or (is_binary(name) and String.valid?(name))
  defp label?(label), do: is_number(label) or name?(label)

  @doc false
  def time?(value), do: is_struct(value, DateTime)

  @doc false
  @spec options() :: Options.schema()
  def options, do: @options

  @doc """
  Writes the file at `path`, whole or not at all. Options:

  #{Options.docs(@options)}
  """
  @spec write(Samples.t(), Path.t(), keyword) :: :ok | {:error, Error.t()}
  def write(samples, path, options \\ []) do
    with :ok <- Argument.check(samples, {:struct, Samples}, "samples", "GpuNode.Chain.InferenceData.write/3"),
         :ok <- Argument.check(path, @path, "path", "GpuNode.Chain.InferenceData.write/3"),
         {:ok, options} <- Options.check(options, @options, "GpuNode.Chain.InferenceData.write/3"),
         :ok <- kept(samples),
         {:ok, statistics} <- statistics(samples),
         {:ok, observed} <- observed(options[:observed_data]),
         attributes = [family: samples.model.family, step_size: samples.step_size, path_length: samples.path_length],
         {:ok, text} <- json(posterior(samples), statistics, observed, attributes, options),
         do: to_file(path, text)
  rescue
    # While it is read.
    error in Error -> {:error, error}
  end

  defp kept(%{draws: draws}) when draws == %{}, do: invalid("the samples have no draws: they were not kept")
  defp kept(_samples), do: :ok

  # A reader never finds half of a file.
  defp to_file(path, text) do
    made = "#{path}.#{System.unique_integer([:positive])}.part"

    try do
      with {:ok, file} <- File.open(made, [:write, :raw, :binary, delayed_write: {1024 * 1024, 1000}]),
           :ok <- write_all(file, text),
           :ok <- File.close(file),
           :ok <- File.rename(made, path) do
        :ok
      else
        {:error, reason} -> invalid("#{path}: #{:file.format_error(reason)}")
      end
    after
      File.rm(made)
    end
  end

  defp write_all(file, text) do
    Enum.reduce_while(text, :ok, fn piece, :ok ->
      case :file.write(file, piece) do
        :ok -> {:cont, :ok}
        {:error, _} = error -> {:halt, error}
      end
    end)
  rescue
    error ->
      File.close(file)
      reraise error, __STACKTRACE__
  end

  ## Where the numbers come from

  @doc false
  # The draws by variable, as they come from the node.
  @spec posterior(Samples.t()) :: [variable]
  def posterior(samples) do
    for %{name: name} <- samples.model.variables, tensor = samples.draws[name], do: read(name, tensor)
  end

  @doc false
  # What the sampler says of each draw.
  @spec statistics(Samples.t()) :: {:ok, [statistic]} | {:error, Error.t()}
  def statistics(%{logp: nil}), do: {:ok, []}

  def statistics(samples) do
    with {:ok, acceptance} <- Tensor.to_list(samples.acceptance) do
      shape = {samples.chains, samples.count}
      rates = Stream.map(acceptance, &List.duplicate(&1, samples.count))
      diverging = samples.diverged && read("diverging", samples.diverged)

      {:ok,
       Enum.reject(
         [
           read("lp", samples.logp),
           samples.energy && read("energy", samples.energy),
           diverging && %{diverging | lists: Stream.map(diverging.lists, fn list -> Enum.map(list, &(&1 != 0)) end)},
           %{name: "acceptance_rate", shape: shape, lists: rates}
         ],
         &is_nil/1
       )}
    end
  end

  defp read(name, tensor) do
    slices = Tensor.stream_binary(tensor, slice_bytes: @slice_bytes)
    %{name: name, shape: tensor.shape, lists: Stream.map(slices, &Element.decode_all(&1, tensor.type))}
  end

  defp observed(data) do
    Enum.reduce_while(data, {:ok, []}, fn {name, value}, {:ok, all} ->
      case array("observed_data #{name}", value) do
        {:ok, shape, numbers} -> {:cont, {:ok, all ++ [%{name: to_string(name), shape: shape, lists: [numbers]}]}}
        {:error, _} = error -> {:halt, error}
      end
    end)
  end

  defp array(name, tensor) when is_nx(tensor) do
    with {:ok, taken} <- NxTensors.take(name, tensor, {:f, 64}, nil), do: array(name, taken)
  end

  defp array(name, %Tensor{shape: shape} = tensor) do
    with {:ok, list} <- Tensor.to_list(tensor), do: array(name, list, shape)
  end

  defp array(name, {binary, shape}) when is_binary(binary) and is_tuple(shape) do
    if byte_size(binary) == 8 * Tuple.product(shape),
      do: {:ok, shape, Element.decode_all(binary, {:f, 64})},
      else: invalid("#{name}: #{byte_size(binary)} bytes are no f64 numbers of shape #{inspect(shape)}")
  end

  defp array(name, numbers) do
    case Shape.of_lists(numbers) do
      {:ok, shape} -> array(name, numbers, shape)
      :error -> no_numbers(name, numbers)
    end
  end

  defp array(name, lists, shape) do
    numbers = List.flatten([lists])
    if Enum.all?(numbers, &Type.is_literal(&1)), do: {:ok, shape, numbers}, else: no_numbers(name, lists)
  end

  defp no_numbers(name, lists),
    do: invalid("#{name}: #{inspect(lists, limit: 10)} are no numbers in lists of one length")

  ## The object

  @doc false
  # The file as a stream of iodata, of options that write/3 has checked. It raises GpuNode.Error while it is read, for a number that JSON has
  # not.
  @spec json([variable], [statistic], [variable], keyword, keyword) :: {:ok, Enumerable.t()} | {:error, Error.t()}
  def json(posterior, statistics, observed, attributes, options) do
    dims = dims(posterior, options[:dims], 2) |> Map.merge(dims(observed, options[:dims], 0))
    given = Map.new(options[:coords], fn {dim, labels} -> {to_string(dim), labels} end)

    sampled =
      for {name, index} <- [{"chain", 0}, {"draw", 1}], v <- Enum.take(posterior, 1), do: {name, elem(v.shape, index)}

    with {:ok, sizes} <- sizes(posterior, observed, dims, sampled),
         :ok <- known(options[:dims], posterior ++ observed, "dims", "variable"),
         :ok <- enough(options[:dims], dims),
         :ok <- known(given, Enum.map(sizes, &%{name: elem(&1, 0)}), "coords", "dimension"),
         {:ok, coords} <- coords(sizes, given),
         :ok <- apart(posterior ++ observed, sizes) do
      created = Keyword.get_lazy(options, :created_at, &DateTime.utc_now/0)

      attributes =
        Map.merge(
          Map.new(attributes, fn {key, value} -> {to_string(key), attribute(value)} end),
          Map.new(options[:attributes], fn {key, value} -> {to_string(key), value} end)
        )
        |> Map.merge(%{
          "created_at" => DateTime.to_iso8601(created),
          "inference_library" => "gpu_node",
          "inference_library_version" => @version
        })

      groups = [posterior: posterior, sample_stats: statistics, observed_data: observed]

      rest = [
        dims: dims,
        coords: coords,
        attrs: attributes,
        posterior_attrs: attributes,
        sample_stats_attrs: attributes
      ]

      {:ok, object(Enum.reject(groups, &(elem(&1, 1) == [])), rest, options[:non_finite])}
    end
  end

  # A step size that was not a number would be one in the draws too.
  defp attribute(x) when x in [:nan, :infinity, :neg_infinity], do: nil
  defp attribute(x), do: x

  defp object(groups, rest, non_finite) do
    members =
      Enum.map(groups, fn {group, variables} ->
        Stream.concat([[~s("#{group}":{)], join(variables, non_finite), ["}"]])
      end) ++
        for {key, value} <- rest, do: [[~s("#{key}":), Json.value(value)]]

    Stream.concat([["{"], members |> Enum.intersperse([","]) |> Stream.concat(), ["}\n"]])
  end

  defp join(variables, non_finite) do
    variables
    |> Enum.map(fn %{name: name, shape: shape, lists: lists} ->
      Stream.concat([[Json.string(name), ":"]], Json.array(lists, shape, &special(name, non_finite, &1, &2)))
    end)
    |> Enum.intersperse([","])
    |> Stream.concat()
  end

  defp special(_name, :null, _number, _indices), do: "null"

  defp special(name, :error, number, indices) do
    Error.raise!(
      Error.new(
        :invalid_argument,
        "#{name}#{Enum.map(indices, &"[#{&1}]")} is #{number}, which JSON has no number for; non_finite: :null writes null"
      )
    )
  end

  # Names of the dimensions behind the first |sampled|, by variable.
  defp dims(variables, given, sampled) do
    given = Map.new(given, fn {name, dims} -> {to_string(name), dims} end)

    for %{name: name, shape: shape} <- variables, tuple_size(shape) > sampled, into: %{} do
      names = given |> Map.get(name, []) |> Enum.map(&to_string/1)
      own = for index <- 0..(tuple_size(shape) - sampled - 1), do: Enum.at(names, index, "#{name}_dim_#{index}")
      {name, own}
    end
  end

  # By dimension how long it is: the same wherever it is named.
  defp sizes(posterior, observed, dims, sampled) do
    all =
      sampled ++
        for {variables, skipped} <- [{posterior, 2}, {observed, 0}],
            %{name: name, shape: shape} <- variables,
            pair <- Enum.zip(dims[name] || [], shape |> Tuple.to_list() |> Enum.drop(skipped)),
            do: pair

    case all
         |> Enum.group_by(&elem(&1, 0), &elem(&1, 1))
         |> Enum.find(fn {_, sizes} -> length(Enum.uniq(sizes)) > 1 end) do
      nil -> {:ok, Map.new(all)}
      {dim, sizes} -> invalid("the dimension #{dim} has #{sizes |> Enum.uniq() |> Enum.join(" and ")} places")
    end
  end

  defp coords(sizes, given) do
    Enum.reduce_while(sizes, {:ok, %{}}, fn {dim, size}, {:ok, coords} ->
      labels = Map.get_lazy(given, dim, fn -> Enum.to_list(0..(size - 1)//1) end)

      if length(labels) == size,
        do: {:cont, {:ok, Map.put(coords, dim, labels)}},
        else: {:halt, invalid("coords: #{dim} has #{size} places, and the labels #{inspect(labels, limit: 10)}")}
    end)
  end

  defp known(given, things, option, what) do
    names = Enum.map(things, & &1.name)

    case Enum.find(given, fn {name, _} -> to_string(name) not in names end) do
      nil -> :ok
      {name, _} -> invalid("#{option}: there is no #{what} #{name}; there are #{Enum.join(names, ", ")}")
    end
  end

  defp enough(given, dims) do
    case Enum.find(given, fn {name, names} -> length(names) > length(dims[to_string(name)] || []) end) do
      nil ->
        :ok

      {name, names} ->
        invalid(
          "dims: #{name} has #{length(dims[to_string(name)] || [])} dimensions of its own, and the names #{inspect(names)}"
        )
    end
  end

  # A variable has no name of a dimension, says the schema.
  defp apart(variables, sizes) do
    case Enum.find(variables, &is_map_key(sizes, &1.name)) do
      nil -> :ok
      %{name: name} -> invalid("#{name} is the name of a variable and of a dimension; :dims names dimensions")
    end
  end

  defp invalid(text), do: {:error, Error.new(:invalid_argument, text)}
end

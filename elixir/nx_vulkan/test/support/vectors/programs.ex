defmodule Nx.Vulkan.Test.Vectors.Programs do
  @moduledoc false
  # Programs that the compiler makes of functions of Nx.Defn, as the files that test/vectors/README.md
  # describes. A node says what it can do, and is asked nothing else: what is expected comes from Nx.BinaryBackend.

  alias GpuNode.{Json, Type}
  alias Nx.Defn.Composite
  alias Nx.Vulkan.Compiler.{Build, Executable}
  alias Nx.Vulkan.Test.Vectors.{Line, ProgramFunctions}

  @name :vectors

  @doc "The files: name, how many instructions, text."
  @spec files() :: [{String.t(), non_neg_integer, String.t()}]
  def files do
    {:ok, _} = Application.ensure_all_started(:nx_vulkan)
    {:ok, _} = GpuNode.start_link([name: @name] ++ Nx.Vulkan.Test.Case.device())

    Nx.with_default_backend(Nx.BinaryBackend, fn ->
      for {name, what, fun, args, bound} <- ProgramFunctions.all(), do: file(name, what, fun, args, bound)
    end)
  end

  defp file(name, what, fun, args, bound) do
    {executable, flat} = compiled(fun, args)
    [{:run, program, inputs, outputs, _done}] = executable.steps
    expected = [Nx.Defn.jit_apply(fun, args, compiler: Nx.Defn.Evaluator)] |> Composite.flatten_list()
    given = given(executable, flat)
    commands = Enum.reverse(program.commands)

    values =
      commands |> Enum.flat_map(&elem(&1, 1)) |> Enum.with_index() |> Map.new(fn {{id, _, _}, n} -> {id, "v#{n}"} end)

    names = inputs |> Enum.with_index() |> Map.new(fn {_number, place} -> {place, "i#{place}"} end) |> Map.merge(values)

    # The numbers of the function's values by what the program calls them.
    made = outputs |> Enum.zip(program.outputs) |> Map.new(fn {number, value} -> {number, names[value.name]} end)

    lines =
      ["# #{what}"] ++
        Enum.map(inputs, &"input\t#{Line.tensor(given[&1])}") ++
        Enum.map(commands, &command(&1, names)) ++
        for {number, tensor} <- Enum.zip(executable.results, expected),
            is_map_key(made, number),
            do: "output\t#{made[number]}\t#{Line.tensor(tensor)}\t#{if(exact?(tensor), do: 0.0, else: bound)}"

    {name, length(commands), Enum.map_join(lines, &(&1 <> "\n"))}
  end

  defp exact?(%{type: {kind, _}}), do: kind in [:s, :u]

  defp compiled(fun, args) do
    {:ok, %{node: node}} = GpuNode.status(@name)
    me = self()
    ref = make_ref()

    capture = fn _key, vars, fun ->
      {executable, _times} = Build.executable(vars, fun, node, %{}, [])
      send(me, {ref, executable})
    end

    Process.put(__MODULE__, capture)
    Nx.Defn.jit_apply(fun, args, compiler: __MODULE__.Capture)
    Process.delete(__MODULE__)

    receive do
      {^ref, %Executable{} = executable} -> {executable, Composite.flatten_list(args)}
    end
  end

  defmodule Capture do
    @moduledoc false
    @behaviour Nx.Defn.Compiler

    @impl true
    def __jit__(key, vars, fun, args_list, _options) do
      Process.get(Nx.Vulkan.Test.Vectors.Programs).(key, vars, fun)
      Enum.map(args_list, fn _arguments -> :captured end)
    end

    @impl true
    def __compile__(_key, _vars, _fun, _options), do: raise("it captures by __jit__")
    @impl true
    def __partitions_options__(_options), do: raise("it has no partitions")
    @impl true
    def __to_backend__(_options), do: {Nx.BinaryBackend, []}
    @impl true
    def __shard_jit__(_key, _mesh, _vars, _fun, _args_list, _options), do: raise("it has no shards")
  end

  # What each input is given: an argument, or bits that the function closes over.
  defp given(executable, flat) do
    arguments = for {place, number} <- executable.parameters, into: %{}, do: {number, Enum.at(flat, place)}

    for {number, {:bits, bits}, type, shape} <- executable.captured,
        into: arguments,
        do: {number, bits |> Nx.from_binary(type) |> Nx.reshape(shape)}
  end

  defp command({op, results, operands, attributes}, names) do
    results = for {_id, type, shape} <- results, do: Line.head(type, shape)
    operands = Enum.map(operands, &operand(&1, names))
    attributes = if attributes == %{}, do: "", else: attributes |> Line.json() |> Json.value() |> IO.iodata_to_binary()
    Enum.join([op, attributes, Enum.join(operands, " "), Enum.join(results, " ")], "\t")
  end

  defp operand(name, names) when is_integer(name), do: Map.fetch!(names, name)

  defp operand({type, number}, _names) do
    {:ok, type} = Type.normalize(type)
    "#{Line.head(type, {})}!#{Line.base64(literal(type, number))}"
  end

  defp literal(type, number) do
    {:ok, bytes} = GpuNode.Element.encode(number, type)
    bytes
  end
end

defmodule Nx.Vulkan.Compiler do
  @moduledoc """
  `Nx.Defn` on a GPU node: a function becomes a program of the node, which is sent once; from then on a call is one message of a few
  bytes.

      Nx.Defn.default_options(compiler: Nx.Vulkan)
      Nx.Defn.jit(&Nx.sin/1, compiler: Nx.Vulkan, node: :"gpu0@host").(x)

  `Nx.Vulkan` is the same compiler by a shorter name. Results are tensors of `Nx.Vulkan.Backend`, of whatever backend the arguments are.
  A function is traced once for each kind of arguments (types, shapes, names and vectorized axes) and each node.

  Options:

    * `:node` - the node, as for `Nx.Vulkan.Backend`; the one of new tensors where it is not given
    * `:on_unsupported` - what is done about a function with an op that the node lacks: `:raise` (default) raises
      `GpuNode.Error` with code `:unsupported`, which names it; `:evaluate` has `Nx.Defn.Evaluator` compute the function op by op, and
      counts it among `Nx.Vulkan.fallbacks/0` as `:defn`
    * `:fuse` - whether the node carries out ops together where it can (`true`); the results' bits are the same
    * `:hooks` - a map of functions by the names of hooks, as Nx has it

    * `:max_concurrency` - as `Nx.Defn.Evaluator` has it, how many partitions a serving on one node has

  Others, which Nx's libraries pass, are left alone.

  `Nx.Defn.shard_jit/3` runs a function on the parts of data, each on a node: `:node` is a list with one for each place of the mesh,
  or one node for all of them. Arguments that lie on another node are copied. Parts are of the same types and shapes, run at once, and
  each by itself: what is reduced over an axis that was divided is reduced in each part, and the caller adds up the parts
  (`:input_shardings`, by which EXLA would, is an error). A part has a process of its own, which calls its hooks. Arguments that are no
  tensors, such as options, are the first part's, as Nx has it.

      mesh = %Nx.Mesh{name: "pair", shape: {2}}
      step = Nx.Defn.shard_jit(&gradient/2, mesh, compiler: Nx.Vulkan, node: [:"gpu0@a", :"gpu0@b"])
      [left, right] = step.([[params, half], [params, other_half]])

  A function that is compiled executes the telemetry event `[:nx_vulkan, :compile, :stop]` with `duration`, and what of that was Nx tracing it
  (`trace`), making ops of its expression (`lower`) and programs of those (`build`), in native units; its metadata has the `node`. What the node
  takes behind that, and what the function came to, says `Nx.Vulkan.explain/3`.

  `while` and `cond`: a loop that counts integers is written out where that is short, others run on the node with the branches in
  them; branches that are short are all computed and one selected. Of other branches, and of loops with hooks in them, the
  process that calls asks the node for each predicate. Hooks and `Nx.runtime_call` are called by that process, with tensors of the node.
  """

  @behaviour Nx.Defn.Compiler

  alias GpuNode.Error
  alias Nx.Defn.{Composite, Evaluator}
  alias Nx.Tensor, as: T
  alias Nx.Vulkan.Compiler.{Build, Cache, Executable, Shards}
  alias Nx.Vulkan.{Backend, Config, Fallback, Placement}

  @options [
    node: Placement.options()[:node],
    fuse: [type: :boolean, default: true, doc: "whether ops are carried out together"],
    on_unsupported: [
      type: {:in, [:raise, :evaluate]},
      default: :raise,
      doc: "what is done about an op that the node lacks"
    ]
  ]

  @way_around ". The option on_unsupported: :evaluate has such a function computed op by op"

  @impl true
  def __partitions_options__(options) do
    case options[:node] do
      [_ | _] = nodes -> Enum.map(nodes, &Keyword.put(options, :node, &1))
      _ -> List.duplicate(options, Keyword.get(options, :max_concurrency, 1))
    end
  end

  @impl true
  def __to_backend__(options), do: {Backend, Keyword.take(options, [:node])}

  @impl true
  def __jit__(key, vars, fun, args_list, options), do: __compile__(key, vars, fun, options).(args_list)

  @impl true
  def __compile__(key, vars, fun, options) do
    hooks = Keyword.get(options, :hooks, %{})
    {own, node} = own(options)
    kind = Enum.map(vars, &Composite.traverse(&1, fn tensor -> kind(tensor) end))
    key = {key, kind, node, Enum.sort(Map.keys(hooks)), own[:fuse], Config.get!(:fold_constants)}

    case Cache.fetch(key, fn -> compiled(vars, fun, node, hooks, fuse: own[:fuse]) end) do
      {:ok, executable} ->
        fn args_list -> Enum.map(args_list, &Executable.run(executable, &1, %{hooks: hooks})) end

      {:error, error} ->
        if own[:on_unsupported] == :raise, do: Error.raise!(%{error | message: error.message <> @way_around})
        Fallback.announce(:defn, node, error.message)
        evaluated = Evaluator.__compile__(key, vars, fun, hooks: hooks)
        fn args_list -> Nx.with_default_backend({Backend, node: node}, fn -> evaluated.(args_list) end) end
    end
  end

  @doc false
  # The options that are this compiler's, and the node that they name.
  @spec own(keyword) :: {keyword, node}
  def own(options) do
    own = options |> Keyword.take(Keyword.keys(@options)) |> Config.nx_options!(@options, "Nx.Vulkan")
    {own, own |> Keyword.take([:node]) |> Enum.reject(&match?({_, nil}, &1)) |> node!()}
  end

  @doc false
  @spec options() :: keyword
  def options, do: @options

  @impl true
  def __shard_jit__(key, mesh, vars, fun, args_list, options) do
    if options[:input_shardings] do
      raise ArgumentError,
            "Nx.Vulkan has no :input_shardings: it runs the function on each part's arguments by themselves, which are given divided"
    end

    # Found once: what a list of nodes stands for depends on the process.
    nodes = Shards.nodes!(mesh, options[:node], &elem(own(Keyword.put(options, :node, &1)), 1))
    args_list = Shards.check!(args_list, vars, length(nodes))

    Shards.each(Enum.zip(Enum.zip(nodes, args_list), nodes), fn {node, arguments} ->
      run = __compile__(key, vars, fun, Keyword.put(options, :node, node))
      hd(run.([Shards.on(arguments, node)]))
    end)
  end

  defp node!([]),
    do: with({Backend, options} <- Nx.default_backend(), do: Placement.node!(options), else: (_ -> Placement.node!([])))

  defp node!(options), do: Placement.node!(options)

  defp kind(%T{} = tensor) do
    %{type: type, shape: shape, names: names, vectorized_axes: axes} = tensor
    %{Nx.template({}, type) | shape: shape, names: names, vectorized_axes: axes}
  end

  # An error is of an op that the node lacks; others are raised.
  defp compiled(vars, fun, node, hooks, options) do
    {executable, _times} = Build.executable(vars, fun, node, hooks, options)
    {:ok, executable}
  catch
    {:lacks, error} -> {:error, error}
  end
end

defmodule GpuNode.Chain do
  @moduledoc """
  Chain shaders: many leapfrog steps of Hamiltonian dynamics, of any number of chains, in one request.

  A *family* is a log density as data: JSON as `specs/README.md` of the project describes it, or the name of one that the node has built
  in (`families/1`). `compile/3` gives it its numbers and makes a model; gradient, log-Jacobian and shader are derived. `run/2` runs
  steps of it, `sample/3` draws from it:

      {:ok, model} = GpuNode.Chain.compile(:gpu0, :normal, parameters: %{mu: 0.3, sigma: 1.7}, dimensions: %{d: 2})
      {:ok, run} = GpuNode.Chain.run(model, position: [0.35, -0.2], momentum: [0.2, -0.1], step_size: 0.05, steps: 3)
      GpuNode.Tensor.to_list!(run.logp)

  The package `nx_vulkan` makes models of log densities that are written in `defn` (`from_defn`).

  ## Coordinates

  Positions, momenta, gradients and inverse masses are of unconstrained coordinates: the variables of the family one after the other, in the order
  in which it has them, of each its numbers one after the other. `coordinates/1` names them in order; `model.variables` has
  each variable's `offset` and `size` among them, and its `transform`, which makes the variable of its coordinate: a variable with
  `:exp` begins at 2 where its coordinate is the logarithm of 2.

      GpuNode.Chain.coordinates(GpuNode.Chain.compile!(:gpu0, :eight_schools_noncentered))
      #=> ["mu", "tau", "eta[0]", "eta[1]", ...]

  The force is the
  gradient of the log density; row k of what comes out is the state after step k + 1. A negative step size goes backwards in time.
  """

  alias GpuNode.{Argument, Capabilities, Client, Error, Link, Options, Protocol, Tensor, Type}
  alias GpuNode.Chain.{Model, Numbers, Samples, Sampling, Spans}

  # A kernel of a large family takes a driver seconds to compile; many steps of many chains take as long as they take.
  @timeout [type: :timeout, default: 60_000, doc: "in ms"]
  @compile_options [
    parameters: [type: :named, default: [], doc: "from the names of parameters to numbers, a map or keyword list"],
    dimensions: [type: :named, default: [], doc: "from the names of dimensions to their lengths, likewise"],
    data: [
      type: :named,
      default: [],
      doc:
        "from the names of data, likewise, to numbers or nested lists of them, tensors, tensors of Nx, or `{binary, shape}` of little-endian f64"
    ],
    type: [type: {:in, [:f32, :f64, {:f, 32}, {:f, 64}]}, default: :f64, doc: "`:f64` or `:f32`"],
    chains: [
      type: :pos_integer,
      # As many as it takes to see whether they agree.
      default: 4,
      doc:
        "how many will be run together: the kernel for as many is compiled, and `sample/3` runs as many where it is not told"
    ],
    timeout: @timeout
  ]
  @run [
    position: [
      type: :any,
      required: true,
      doc: "`{chains, d}` numbers (one chain: `{d}`), in the order of `coordinates/1`; see `t:numbers/0`"
    ],
    momentum: [type: :any, required: true, doc: "likewise"],
    step_size: [
      type: :any,
      required: true,
      doc: "one number, or one for each chain; below 0 it goes backwards in time, 0 stays in place"
    ],
    inverse_mass: [type: :any, doc: "the diagonal, `{d}` or `{chains, d}` numbers above 0; ones by default"],
    steps: [type: :pos_integer, default: 1, doc: "how many leapfrog steps"],
    rows: [type: {:in, [:all, :last]}, default: :all, doc: "`:all` steps or the `:last` alone"],
    results: [
      type: {:in, [:tensors, :binaries]},
      default: :tensors,
      doc: "`:tensors` or `:binaries`: in the reply itself, up to 1 MiB in all"
    ],
    mapping: [
      type: {:in, [:thread, :subgroup, :workgroup]},
      doc:
        "what computes a chain, `:thread`, `:subgroup` or `:workgroup`; all give the same bits; by default the node chooses"
    ],
    timeout: @timeout
  ]

  @typedoc """
  Numbers: a tensor of the model's type, its bytes, (nested lists of) numbers, or a tensor of Nx of any real type. One that lies on the model's
  node stays there.
  """
  @type numbers :: Tensor.t() | binary | [number] | [[number]] | number | struct

  @typedoc "The states after steps: tensors or binaries of `{chains, rows, d}` numbers, `logp` of `{chains, rows}`."
  @type run :: %{
          positions: Tensor.t() | binary,
          momenta: Tensor.t() | binary,
          gradients: Tensor.t() | binary,
          logp: Tensor.t() | binary,
          chains: pos_integer,
          rows: pos_integer,
          mapping: atom,
          timing: map
        }

  @doc "The names of the families that the node has built in."
  @spec families(atom) :: {:ok, [atom]} | {:error, Error.t()}
  def families(node), do: with({:ok, node} <- Capabilities.fetch(node), do: {:ok, node.families})

  @doc """
  Makes a model of `family`: JSON text, `{:file, path}`, or the name of a built-in family.

  Options:

  #{Options.docs(@compile_options)}

  A family that needs data has none of its own, but for the eight schools.

  Errors have `details` with the stage: `:invalid_argument` (stages `:parse` and `:check`, with file, path and line), `:compile_failed`
  (`:glsl`, `:spirv`, `:driver`: a defect, please report it); `:not_found` (no such built-in family), `:out_of_memory`, `:quota`, `:deadline`,
  `:node_down`.
  """
  @spec compile(atom, atom | String.t() | {:file, Path.t()}, keyword) :: {:ok, Model.t()} | {:error, Error.t()}
  def compile(node, family, options \\ []) do
    Spans.compile(node, family, options, @compile_options, fn -> compiled(node, family, options) end)
  end

  defp compiled(node, family, options) do
    with {:ok, options} <- Options.check(options, @compile_options, "GpuNode.Chain.compile/3"),
         {:ok, type} = Type.normalize(options[:type]),
         {:ok, link} <- Link.fetch(node),
         {:ok, text, file} <- source(family),
         deadline = Client.deadline(link, options),
         {:ok, session} <- Client.session(link, deadline),
         {:ok, inputs, kept} <- Numbers.inputs(options, link, session, deadline) do
      id = Link.next_id(link)
      ref = Client.handle(link, id, 0)
      own = Map.merge(file, %{type: Type.name(type), chains: options[:chains]})

      case Client.request(link, session, deadline, Protocol.compile_family(id, text, inputs, own)) do
        {:ok, answer} ->
          Client.keep(kept)
          {:ok, %{model(link, session, id, ref, answer) | chains: options[:chains]}}

        {:error, _} = error ->
          Client.free(link, ref, id)
          error
      end
    end
  end

  @doc "As `compile/3`, raising `GpuNode.Error`."
  @spec compile!(atom, atom | String.t() | {:file, Path.t()}, keyword) :: Model.t()
  def compile!(node, family, options \\ []), do: node |> compile(family, options) |> Error.unwrap!()

  @doc """
  The names of the model's coordinates, in the order that positions, momenta, gradients and inverse masses have them: `x` of a variable that is
  one number, `x[0]`, `x[1]` and so on of others. Raises `GpuNode.Error` for what is no model.
  """
  @spec coordinates(Model.t()) :: [String.t()]
  def coordinates(model) do
    Argument.check!(model, {:struct, Model}, "model", "GpuNode.Chain.coordinates/1")
    Model.coordinates(model)
  end

  @doc """
  Frees the model's memory on the node now; `:already` when that was done before. Raises `GpuNode.Error` for what is no model.
  """
  @spec free(Model.t()) :: :ok | :already
  def free(model) do
    Argument.check!(model, {:struct, Model}, "model", "GpuNode.Chain.free/1")

    with {:ok, link} <- Link.fetch(model.node),
         true <- Link.get(link, :session) == model.session do
      Client.free(link, model.ref, model.id)
    else
      _ -> :already
    end
  end

  @doc """
  Runs leapfrog steps of `model`.

  Options:

  #{Options.docs(@run)}

  A chain's numbers are the same bits in any company, with any mapping. A position whose density is not finite gives NaN from there on. Step sizes
  that are not finite and masses that are not above 0 and finite are refused, but for those in a tensor that lies on the node, which nobody looks at.

  Errors: `:invalid_argument` (sizes, types), `:unsupported` (more than the device can hold, with the numbers), `:out_of_memory`, `:quota`,
  `:stale`, `:deadline`, `:node_down`.
  """
  @spec run(Model.t(), keyword) :: {:ok, run} | {:error, Error.t()}
  def run(model, options) do
    with :ok <- Argument.check(model, {:struct, Model}, "model", "GpuNode.Chain.run/2"),
         {:ok, options} <- Options.check(options, @run, "GpuNode.Chain.run/2"),
         {:ok, link} <- Link.fetch(model.node),
         deadline = Client.deadline(link, options),
         operands = Map.new([:position, :momentum, :inverse_mass, :step_size], &{&1, options[&1]}),
         operands = Map.update!(operands, :inverse_mass, &(&1 || List.duplicate(1.0, model.coordinates))),
         {:ok, operands} <- Numbers.place(operands, model, link, deadline),
         {:ok, run} <- request_run(model, link, operands, options, deadline) do
      Client.keep({model, operands})
      {:ok, run}
    end
  end

  @doc "As `run/2`, raising `GpuNode.Error`."
  @spec run!(Model.t(), keyword) :: run
  def run!(model, options), do: model |> run(options) |> Error.unwrap!()

  @doc """
  Takes `draws` draws of each chain from `model`, by Hamiltonian Monte Carlo on the node: nothing but the reports leaves it.

  Options:

  #{Options.docs(Sampling.options())}

  Chains all begin where the density and its gradient are finite, or nobody does: an error names the first chain that cannot, its coordinates,
  and the term of the family that is not finite there. A chain that cannot move in spite of that does not hold back the others:
  `never_moved` of the result tells it.

  Whether the draws are to be believed: `GpuNode.Chain.Samples.warnings/1`, which are part of its `summary/1`. The run ends when the calling process
  does. Divergences (an energy that rises by more than 1000, or is not finite) are counted, not hidden: see
  `GpuNode.Chain.Samples`.

  Errors: as `run/2`, `:invalid_argument` for numbers out of their bounds and for starts without a finite density, and `:cancelled`.

      {:ok, samples} = GpuNode.Chain.sample(model, 250, chains: 1024, seed: 1)
      IO.puts(GpuNode.Diagnostics.Plot.table(GpuNode.Chain.Samples.summary!(samples)))
  """
  @spec sample(Model.t(), pos_integer, keyword) :: {:ok, Samples.t()} | {:error, Error.t()}
  def sample(model, draws, options \\ []) do
    with :ok <- Argument.check(model, {:struct, Model}, "model", "GpuNode.Chain.sample/3"),
         do: Spans.sample(model, draws, options, Sampling.options(), fn -> Sampling.run(model, draws, options) end)
  end

  @doc "As `sample/3`, raising `GpuNode.Error`."
  @spec sample!(Model.t(), pos_integer, keyword) :: Samples.t()
  def sample!(model, draws, options \\ []), do: model |> sample(draws, options) |> Error.unwrap!()

  defp request_run(model, link, operands, options, deadline) do
    own = options |> Keyword.take([:steps, :rows, :mapping]) |> Map.new()
    names = [:positions, :momenta, :gradients, :logp]

    ids =
      if options[:results] == :binaries, do: [], else: Enum.map(names, fn _ -> Link.next_id(link) end)

    with {:ok, operands} <- Numbers.wire(operands, model.session, link, deadline),
         request = Protocol.chain(model.id, operands, ids, own),
         {:ok, answer} <- Client.request(link, model.session, deadline, request) do
      {timing, answer} = Map.split(answer, [:queue_us, :execute_us, :longest_us, :dispatches])
      answer = Map.put(answer, :timing, timing)
      {:ok, if(ids == [], do: answer, else: Map.merge(answer, tensors(link, model, names, ids, answer)))}
    end
  end

  defp tensors(link, model, names, ids, %{chains: chains, rows: rows}) do
    for {name, id} <- Enum.zip(names, ids), into: %{} do
      shape = if name == :logp, do: {chains, rows}, else: {chains, rows, model.coordinates}
      {name, Tensor.new(link, model.session, id, model.type, shape)}
    end
  end

  ## Compilation

  defp source({:file, path}) do
    case path?(path) && File.read(path) do
      false -> invalid("a family's file is {:file, path}, path a string, got #{Options.show({:file, path})}")
      {:ok, text} -> {:ok, text, %{file: path |> Path.basename() |> String.slice(0, 200)}}
      {:error, reason} -> invalid("#{Path.expand(path)}: #{:file.format_error(reason)}")
    end
  end

  defp source(name) when is_atom(name) and name not in [nil, true, false], do: {:ok, name, %{}}
  # Whoever gives a path forgets at times to say so.
  defp source(text) when is_binary(text) and byte_size(text) < 4096 do
    if String.contains?(text, "{"),
      do: {:ok, text, %{}},
      else: invalid("#{inspect(text)} is no JSON text of a family; a file is {:file, path}, a built-in family an atom")
  end

  defp source(text) when is_binary(text), do: {:ok, text, %{}}

  defp source(other), do: invalid("#{inspect(other, limit: 5)} is not a family: JSON text, {:file, path} or a name")

  @doc false
  # Not what would end a path early, or names no file.
  def path?(path), do: is_binary(path) and path != "" and not String.contains?(path, <<0>>)

  defp model(link, session, id, ref, answer) do
    variables =
      for {name, offset, size, scalar?, transform} <- answer.variables,
          do: %{name: name, offset: offset, size: size, scalar?: scalar?, transform: transform}

    {:ok, type} = Type.normalize(answer.type)

    %Model{
      node: link.node,
      incarnation: Link.get(link, :incarnation),
      session: session,
      id: id,
      ref: ref,
      family: answer.family,
      type: type,
      coordinates: answer.coordinates,
      variables: variables,
      mapping: answer.mapping,
      compiled?: answer.compiled,
      timing: answer.timing
    }
  end

  defp invalid(text), do: {:error, Error.new(:invalid_argument, text)}
end

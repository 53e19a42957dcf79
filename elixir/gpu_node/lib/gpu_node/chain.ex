defmodule GpuNode.Chain do
  @moduledoc """
  Chain shaders: many leapfrog steps of Hamiltonian dynamics, of any number of chains, in one request.

  A *family* is a log density as data: JSON as `specs/README.md` of the project describes it, or the name of one that the node has built
  in (`families/1`). `compile/3` gives it its numbers and makes a model; gradient, log-Jacobian and shader are derived. `run/2` runs
  steps of it, `sample/3` draws from it:

      {:ok, model} = GpuNode.Chain.compile(:gpu0, :normal, parameters: %{mu: 0.3, sigma: 1.7}, dimensions: %{d: 2})
      {:ok, run} = GpuNode.Chain.run(model, position: [0.35, -0.2], momentum: [0.2, -0.1], step_size: 0.05, steps: 3)
      GpuNode.Tensor.to_list!(run.logp)

  Positions are unconstrained coordinates, the variables of the family one after the other (`model.variables`). The force is the
  gradient of the log density; row k of what comes out is the state after step k + 1. A negative step size goes backwards in time.
  """

  alias GpuNode.{Capabilities, Client, Error, Link, Protocol, Tensor, Type}
  alias GpuNode.Chain.{Model, Numbers, Samples, Sampling}

  # A kernel of a large family takes a driver seconds to compile; many steps of many chains take as long as they take.
  @timeout 60_000

  @typedoc "Numbers: a tensor of the model's type, its bytes, or (nested lists of) numbers."
  @type numbers :: Tensor.t() | binary | [number] | [[number]] | number

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

  Options: `:parameters`, `:dimensions`, `:data` (maps or keywords from names to numbers; data may be nested lists, a tensor, or `{binary, shape}`
  of little-endian f64; a family that needs data has none of its own, but for the eight schools), `:type` (`:f64`, the default, or `:f32`), `:chains` (how many will be run together: the kernel for as many is
  compiled; default 1), `:timeout` in ms (default 60,000).

  Errors have `details` with the stage: `:invalid_argument` (stages `:parse` and `:check`, with file, path and line), `:compile_failed`
  (`:glsl`, `:spirv`, `:driver`: a defect, please report it); `:not_found` (no such built-in family), `:out_of_memory`, `:quota`, `:deadline`,
  `:node_down`.
  """
  @spec compile(atom, atom | String.t() | {:file, Path.t()}, keyword) :: {:ok, Model.t()} | {:error, Error.t()}
  def compile(node, family, options \\ []) do
    with {:ok, link} <- Link.fetch(node),
         {:ok, type} <- float_type(Keyword.get(options, :type, :f64)),
         {:ok, text, file} <- source(family),
         deadline = deadline(link, options),
         {:ok, session} <- Client.session(link, deadline),
         {:ok, inputs, kept} <- Numbers.inputs(options, link, session, deadline) do
      id = Link.next_id(link)
      ref = Client.handle(link, id, 0)
      own = Map.merge(file, %{type: Type.name(type), chains: Keyword.get(options, :chains, 1)})

      case Client.request(link, session, deadline, Protocol.compile_family(id, text, inputs, own)) do
        {:ok, answer} ->
          Client.keep(kept)
          {:ok, model(link, session, id, ref, answer)}

        {:error, _} = error ->
          Client.free(link, ref, id)
          error
      end
    end
  end

  @doc "As `compile/3`, raising `GpuNode.Error`."
  @spec compile!(atom, atom | String.t() | {:file, Path.t()}, keyword) :: Model.t()
  def compile!(node, family, options \\ []), do: node |> compile(family, options) |> Error.unwrap!()

  @doc "Frees the model's memory on the node now; `:already` when that was done before."
  @spec free(Model.t()) :: :ok | :already
  def free(%Model{} = model) do
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

    * `:position`, `:momentum` - `{chains, d}` numbers (one chain: `{d}`), required; see `t:numbers/0`
    * `:step_size` - one number, or one for each chain; required
    * `:inverse_mass` - the diagonal, `{d}` or `{chains, d}` numbers; ones by default
    * `:steps` - default 1
    * `:rows` - `:all` steps (default) or the `:last` alone
    * `:results` - `:tensors` (default) or `:binaries`: in the reply itself, up to 1 MiB in all
    * `:mapping` - `:thread`, `:subgroup` or `:workgroup` for each chain; all give the same bits; by default the node chooses
    * `:timeout` - in ms, default 60,000

  A chain's numbers are the same bits in any company, with any mapping. A position whose density is not finite gives NaN from there on.

  Errors: `:invalid_argument` (sizes, types), `:unsupported` (more than the device can hold, with the numbers), `:out_of_memory`, `:quota`,
  `:stale`, `:deadline`, `:node_down`.
  """
  @spec run(Model.t(), keyword) :: {:ok, run} | {:error, Error.t()}
  def run(%Model{} = model, options) do
    with {:ok, options} <- run_options(options),
         {:ok, link} <- Link.fetch(model.node),
         deadline = deadline(link, options),
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

    * `:chains` - default 1; thousands cost a GPU little more than one
    * `:warmup` - iterations before the draws, default 1000; in them step size, path length and scales are learned
    * `:thin` - iterations for each draw, default 1
    * `:seed` - 64 bits, default 0: the same seed gives the same draws
    * `:target_accept` - the acceptance that the step size is learned for, default 0.8
    * `:step_size`, `:path_length`, `:inverse_mass` - given instead of learned. The path length is learned by the ChEES criterion (Hoffman,
      Radul and Sountsov, 2021); `:jitter` is the share of it that varies from iteration to iteration, default 1.0
    * `:max_steps` - the most leapfrog steps of an iteration, default 1000
    * `:position` - where the chains begin, unconstrained, `{chains, d}`; else uniform in [-2, 2)
    * `:constrained` - whether draws and moments are of the variables (default) or of the unconstrained coordinates
    * `:keep_draws` - false keeps only the moments of each chain's halves
    * `:mapping` - as of `run/2`
    * `:progress` - a function that hears every `:progress_ms` (default 200) how far the run is: a map with `phase` (`:search`, `:warmup`, `:draw`),
      `iteration`, `iterations`, `step_size`, `path_length`, `acceptance`, `divergences`, `leapfrog_steps`. Returns `:cancel` to end it.
    * `:timeout` - in ms; default a day

  The run ends when the calling process does. Divergences (an energy that rises by more than 1000, or is not finite) are counted, not hidden: see
  `GpuNode.Chain.Samples`.

  Errors: as `run/2`, and `:cancelled`.

      {:ok, samples} = GpuNode.Chain.sample(model, 250, chains: 1024, seed: 1)
      IO.puts(GpuNode.Diagnostics.Plot.table(GpuNode.Chain.Samples.summary!(samples)))
  """
  @spec sample(Model.t(), pos_integer, keyword) :: {:ok, Samples.t()} | {:error, Error.t()}
  def sample(%Model{} = model, draws, options \\ []), do: Sampling.run(model, draws, options)

  @doc "As `sample/3`, raising `GpuNode.Error`."
  @spec sample!(Model.t(), pos_integer, keyword) :: Samples.t()
  def sample!(model, draws, options \\ []), do: model |> sample(draws, options) |> Error.unwrap!()

  @known [:position, :momentum, :step_size, :inverse_mass, :steps, :rows, :results, :mapping, :timeout]
  @required [:position, :momentum, :step_size]

  defp run_options(options) do
    unknown = Keyword.keys(options) -- @known
    missing = @required -- Keyword.keys(options)
    results = Keyword.get(options, :results, :tensors)

    cond do
      unknown != [] -> invalid("unknown options #{inspect(unknown)}; there are #{inspect(@known)}")
      missing != [] -> invalid("the options #{inspect(missing)} are missing")
      results not in [:tensors, :binaries] -> invalid("results: #{inspect(results)} is not :tensors or :binaries")
      true -> {:ok, options}
    end
  end

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
    case File.read(path) do
      {:ok, text} -> {:ok, text, %{file: path |> Path.basename() |> String.slice(0, 200)}}
      {:error, reason} -> invalid("#{path}: #{:file.format_error(reason)}")
    end
  end

  defp source(name) when is_atom(name), do: {:ok, name, %{}}
  defp source(text) when is_binary(text), do: {:ok, text, %{}}
  defp source(other), do: invalid("#{inspect(other, limit: 5)} is not a family: JSON text, {:file, path} or a name")

  defp float_type(type) do
    case Type.normalize(type) do
      {:ok, {:f, bits} = type} when bits in [32, 64] -> {:ok, type}
      _ -> invalid("type: #{inspect(type)} is not :f32 or :f64")
    end
  end

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

  defp deadline(link, options), do: Client.deadline(link, Keyword.put_new(options, :timeout, @timeout))
  defp invalid(text), do: {:error, Error.new(:invalid_argument, text)}
end

defmodule Nx.Vulkan.Compiler.Shards do
  @moduledoc false
  # `Nx.Defn.shard_jit`: a function on the parts of data, each on a node of its own. Each part is computed by itself, so a sum over
  # an axis that was divided is one of each part.

  alias GpuNode.Error
  alias Nx.Defn.Composite
  alias Nx.Tensor, as: T
  alias Nx.Vulkan.Backend

  @doc "The nodes of a mesh's parts: each is given, or one for all."
  @spec nodes!(Nx.Mesh.t(), term) :: [atom | nil]
  def nodes!(%Nx.Mesh{shape: shape} = mesh, node) do
    parts = Tuple.product(shape)

    case node do
      nodes when is_list(nodes) and length(nodes) == parts ->
        nodes

      [node] ->
        List.duplicate(node, parts)

      nodes when is_list(nodes) ->
        raise ArgumentError,
              "the mesh #{inspect(mesh.name)} of shape #{inspect(shape)} has #{parts} parts, :node names #{length(nodes)} nodes: " <>
                "#{inspect(nodes)}. It takes a node for each part, or one for all"

      node ->
        List.duplicate(node, parts)
    end
  end

  @doc "Raises unless there are arguments for each part, of the types and shapes of the first."
  @spec check!([[(-> T.t())]], [term], pos_integer) :: [[(-> T.t())]]
  def check!(args_list, _vars, parts) when length(args_list) != parts do
    raise ArgumentError, "the mesh has #{parts} parts, arguments are given for #{length(args_list)}"
  end

  def check!(args_list, vars, parts) do
    templates = Composite.flatten_list(vars)

    for {arguments, part} <- Enum.with_index(args_list) do
      for {{argument, template}, place} <- arguments |> Enum.zip(templates) |> Enum.with_index() do
        tensor = argument.()

        unless same?(tensor, template) do
          raise ArgumentError,
                "part #{part} of #{parts}: tensor #{place} of its arguments is #{text(tensor)}, that of the first part " <>
                  "#{text(template)}: all parts are of the same types and shapes"
        end

        fn -> tensor end
      end
    end
  end

  @doc "The arguments on `node`: what lies on another one is copied."
  @spec on([(-> T.t())], node) :: [(-> T.t())]
  def on(arguments, node) do
    for argument <- arguments do
      case argument.() do
        %T{data: %Backend{node: ^node}} -> argument
        %T{data: %Backend{}} = tensor -> fn -> Nx.backend_copy(tensor, {Backend, node: node}) end
        _tensor -> argument
      end
    end
  end

  defp same?(tensor, template) do
    Map.take(tensor, [:type, :shape, :names, :vectorized_axes]) ==
      Map.take(template, [:type, :shape, :names, :vectorized_axes])
  end

  defp text(%T{type: type, shape: shape, vectorized_axes: axes}) do
    vectorized = if axes == [], do: "", else: ", vectorized by #{inspect(axes)}"
    "#{Nx.Type.to_string(type)} #{inspect(shape)}#{vectorized}"
  end

  @doc """
  What `run` gives for each of `parts`, in order. All run at once; an error is raised when all are over, that of the first part that
  failed, which it names.
  """
  @spec each([{part, node | atom}], (part -> result)) :: [result] when part: term, result: term
  def each(parts, run) do
    count = length(parts)
    backend = Nx.default_backend()

    parts
    |> Enum.map(fn {part, _node} -> Task.async(fn -> outcome(part, run, backend) end) end)
    |> Task.await_many(:infinity)
    |> Enum.zip(parts)
    |> Enum.with_index()
    |> Enum.map(fn
      {{{:ok, result}, _part}, _index} ->
        result

      {{{:error, error, stacktrace}, {_part, node}}, index} ->
        reraise named(error, {index, count, node}), stacktrace
    end)
  end

  defp outcome(part, run, backend) do
    Nx.default_backend(backend)
    {:ok, run.(part)}
  rescue
    error -> {:error, error, __STACKTRACE__}
  end

  defp named(%Error{message: message} = error, place), do: %{error | message: where(place) <> message}
  defp named(error, place), do: RuntimeError.exception(where(place) <> Exception.message(error))

  defp where({index, count, nil}), do: "part #{index} of #{count}: "
  defp where({index, count, node}), do: "part #{index} of #{count}, on #{node}: "
end

defmodule Nx.Vulkan.Compiler.Shards do
  @moduledoc false
  # `Nx.Defn.shard_jit`: a function on the parts of data, each on a node of its own. Each part is computed by itself, so a sum over
  # an axis that was divided is one of each part.

  alias Nx.Defn.Composite
  alias Nx.Tensor, as: T
  alias Nx.Vulkan.Backend

  @doc "The nodes of a mesh's parts, as `find` finds what is given of each, or of all."
  @spec nodes!(Nx.Mesh.t(), term, (term -> node)) :: [node]
  def nodes!(%Nx.Mesh{shape: shape} = mesh, node, find) do
    parts = Tuple.product(shape)

    case node do
      nodes when is_list(nodes) and length(nodes) == parts ->
        for {node, part} <- Enum.with_index(nodes), do: found(node, find, "part #{part} of #{parts}: ")

      [node] ->
        List.duplicate(find.(node), parts)

      nodes when is_list(nodes) ->
        raise ArgumentError,
              "the mesh #{inspect(mesh.name)} of shape #{inspect(shape)} has #{parts} parts, :node names #{length(nodes)} nodes: " <>
                "#{inspect(nodes)}. It takes a node for each part, or one for all"

      node ->
        List.duplicate(find.(node), parts)
    end
  end

  defp found(node, find, where) do
    find.(node)
  rescue
    error -> reraise named(error, where), __STACKTRACE__
  end

  @doc "Raises unless there are arguments for each part, of the types and shapes of the first."
  @spec check!([[(-> T.t())]], [term], pos_integer) :: [[(-> T.t())]]
  def check!(args_list, _vars, parts) when length(args_list) != parts do
    raise ArgumentError, "the mesh has #{parts} parts, arguments are given for #{length(args_list)}"
  end

  def check!(args_list, vars, parts) do
    templates = Composite.flatten_list(vars)

    for {arguments, part} <- Enum.with_index(args_list) do
      if length(arguments) != length(templates) do
        raise ArgumentError,
              "part #{part} of #{parts} has #{length(arguments)} tensors among its arguments, the first part #{length(templates)}"
      end

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

  defp text(%T{type: type, shape: shape, names: names, vectorized_axes: axes}) do
    vectorized = if axes == [], do: "", else: ", vectorized by #{inspect(axes)}"
    named = if Enum.all?(names, &is_nil/1), do: "", else: " of #{inspect(names)}"
    "#{Nx.Type.to_string(type)} #{inspect(shape)}#{named}#{vectorized}"
  end

  @doc """
  What `run` gives for each of `parts`, in order. All run at once; an error is raised when all are over, that of the first part that
  failed, which it names.
  """
  @spec each([{part, node}], (part -> result)) :: [result] when part: term, result: term
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

      {{{kind, reason, stacktrace}, {_part, node}}, index} ->
        :erlang.raise(kind, named(reason, "part #{index} of #{count}, on #{node}: "), stacktrace)
    end)
  end

  defp outcome(part, run, backend) do
    Nx.default_backend(backend)
    {:ok, run.(part)}
  catch
    kind, reason -> {kind, reason, __STACKTRACE__}
  end

  defp named(%{__exception__: true, message: message} = error, where) when is_binary(message),
    do: %{error | message: where <> message}

  defp named(other, _where), do: other
end

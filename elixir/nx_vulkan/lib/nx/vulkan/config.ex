defmodule Nx.Vulkan.Config do
  alias GpuNode.{Error, Options}

  @schema [
    nodes: [
      type: {:custom, "a list of options of GpuNode.start_link/1", &__MODULE__.nodes?/1},
      default: [],
      doc:
        "a list of options of `GpuNode.start_link/1`; started or attached with the application, each of a name of its own, the first is the default"
    ],
    fallback: [
      type: {:in, [:warn, :count, :raise]},
      default: :warn,
      doc: "what happens to ops that are computed on the host, `:warn`, `:count` or `:raise`: see `Nx.Vulkan.Fallback`"
    ],
    fold_constants: [type: :boolean, default: true, doc: "whether constants stay numbers: see `Nx.Vulkan.Backend`"],
    add_backend_on_inspect: [
      type: :boolean,
      default: true,
      doc: "whether `inspect/1` of a tensor names node and device"
    ],
    node_timeout_ms: [
      # As long as a timer of the VM runs.
      type: {:or, [{:integer, 1, 0xFFFF_FFFF}, {:in, [:infinity]}]},
      default: :infinity,
      doc: "in ms, what a function may take that is called through `with_node` of earlier versions"
    ]
  ]

  @moduledoc """
  What `config :nx_vulkan` may say. It is checked when the application starts, and what is set later when it is read: anything else is
  a `GpuNode.Error`, `:invalid_argument`, that lists what there is.

  #{Options.docs(@schema)}
  """

  @doc """
  Checks all of it, the options of its nodes included, and that no two of these have one name or are one node of the cluster. Error:
  `:invalid_argument`.
  """
  @spec check() :: :ok | {:error, Error.t()}
  def check do
    with {:ok, config} <- Options.check_config(:nx_vulkan, @schema),
         {:ok, nodes} <- check_nodes(config[:nodes]),
         :ok <- differ(nodes, :name),
         do: differ(nodes, :node)
  end

  defp check_nodes(nodes) do
    nodes
    |> Enum.with_index(1)
    |> Enum.reduce_while({:ok, []}, fn {node, number}, {:ok, checked} ->
      case GpuNode.Supervisor.check(node, "config :nx_vulkan, nodes: number #{number}") do
        {:ok, options} -> {:cont, {:ok, checked ++ [options]}}
        {:error, _} = error -> {:halt, error}
      end
    end)
  end

  defp differ(nodes, key) do
    numbers = nodes |> Enum.with_index(1) |> Enum.group_by(&elem(&1, 0)[key], &elem(&1, 1)) |> Map.delete(nil)

    case Enum.find(numbers, &match?({_value, [_, _ | _]}, &1)) do
      nil ->
        :ok

      {value, those} ->
        text = "config :nx_vulkan, nodes: numbers #{Enum.join(those, " and ")} all have #{key}: #{inspect(value)}"
        text = if key == :name, do: text <> " (:gpu0, or the node's, where none is given)", else: text
        {:error, Error.new(:invalid_argument, text <> "; each needs one of its own")}
    end
  end

  @doc "The value of `key`."
  @spec get!(atom) :: term
  for {key, entry} <- @schema do
    # Tensors are made by what this says: what is right costs a look.
    def get!(unquote(key)) do
      value = Application.get_env(:nx_vulkan, unquote(key), unquote(entry[:default]))
      if Options.valid?(@schema[unquote(key)][:type], value), do: value, else: refuse!(unquote(key), value)
    end
  end

  def get!(key) do
    keys = Enum.map_join(keys(), ", ", &inspect/1)
    raise ArgumentError, "there is no key #{inspect(key)} of config :nx_vulkan; there are #{keys}"
  end

  defp refuse!(key, value), do: Options.check!([{key, value}], Keyword.take(@schema, [key]), "config :nx_vulkan")[key]

  @doc "The keys that there are."
  @spec keys() :: [atom]
  def keys, do: Keyword.keys(@schema)

  @doc false
  def nodes?(value), do: is_list(value) and not List.improper?(value) and Enum.all?(value, &Keyword.keyword?/1)

  @doc false
  # Options that came through Nx: what they cannot be is refused as Nx does.
  @spec nx_options!(term, Options.schema(), String.t()) :: keyword
  def nx_options!(options, schema, what) do
    case Options.check(options, schema, what) do
      {:ok, options} -> options
      {:error, error} -> raise ArgumentError, error.message
    end
  end
end

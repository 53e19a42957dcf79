defmodule Nx.Vulkan.Placement do
  @moduledoc false
  # Which GPU node a new tensor is made on: what the backend's options name, else what the application's configuration
  # starts, else what somebody started by hand.
  #
  # Names are resolved at every creation, so a node that is attached later, or again, is found; what costs time (starting,
  # attaching) is done once, under Nx.Vulkan.Nodes.

  alias GpuNode.{Capabilities, Error, Link, Options}
  alias Nx.Vulkan.Config

  @options [
    node: [
      type: {:custom, "the name of a GPU node (:gpu0, :\"gpu0@host\") or a list of names", &__MODULE__.names?/1},
      doc:
        "the node for new tensors, by the name it was started under or by its Erlang name. One with a host part is attached " <>
          "when it is first used. A list of nodes spreads the processes over them; a process keeps to one as long as that one is " <>
          "up. Without the option: the first of `config :nx_vulkan, nodes: [...]`, else what `GpuNode.start_link/1` started"
    ]
  ]

  @type name :: atom

  @doc "Checks the options of `{Nx.Vulkan.Backend, options}`; raises `ArgumentError` on others."
  @spec validate!(keyword) :: keyword
  def validate!(options), do: Config.nx_options!(options, @options, "Nx.Vulkan.Backend")

  @doc "The options of the backend."
  @spec options() :: Options.schema()
  def options, do: @options

  @doc false
  def names?(name) when is_atom(name), do: true
  def names?([_ | _] = names), do: Enum.all?(names, &(is_atom(&1) and &1 != nil))
  def names?(_other), do: false

  @doc "The node for a new tensor, by its Erlang name. Raises `GpuNode.Error` when there is none, or none can be reached."
  @spec node!(keyword | nil) :: node
  def node!(options) when options in [nil, []], do: default!()
  def node!(node: name) when is_atom(name) and name != nil, do: attach!(name)

  # Nx checks options only where they become a default.
  def node!(options) do
    case validate!(options)[:node] do
      nil -> default!()
      [name] -> attach!(name)
      names when is_list(names) -> one_of!(names)
      name -> attach!(name)
    end
  end

  @doc "The node that new tensors of this process are made on, and what it can do."
  @spec device() :: {:ok, node, Capabilities.t()} | {:error, Error.t()}
  def device do
    # By whatever name the backend goes: no other has this option.
    {_module, options} = Nx.default_backend()
    node = options |> Keyword.take([:node]) |> node!()
    with {:ok, capabilities} <- Capabilities.fetch(node), do: {:ok, node, capabilities}
  rescue
    error in Error -> {:error, error}
  end

  # The tensors of a process meet in ops, so a process stays with one node as long as that is up.
  defp one_of!(names) do
    first = :erlang.phash2(self(), length(names))
    {tail, head} = Enum.split(names, first)
    names = head ++ tail

    Enum.find_value(names, &up/1) || attach!(hd(names))
  end

  defp up(name) do
    with {:ok, node} <- attach(name),
         {:ok, link} <- Link.fetch(node),
         true <- Link.get(link, :session) != 0 do
      node
    else
      _ -> nil
    end
  end

  @doc """
  Attaches the GPU node `node` of a tensor that came from the VM `maker`, with the cookie that the maker has for it: a node
  that was started locally there has one of its own.
  """
  @spec reach!(node, node) :: node
  def reach!(node, maker) when maker == node(), do: attach!(node)

  def reach!(node, maker) do
    known = Enum.any?(configured(), &(&1[:node] == node))
    cookie = fn -> :erpc.call(maker, :erlang, :get_cookie, [node], 5000) end
    if(known, do: attach(node), else: start({:ok, [node: node, cookie: cookie]})) |> Error.unwrap!()
  end

  defp attach!(name), do: name |> attach() |> Error.unwrap!()

  defp attach(name) do
    with {:error, _} <- named(node: name), do: start(options_of(name))
  end

  # A name with a host is a node that runs somewhere; without one it is a node that the configuration describes.
  defp options_of(name) do
    configured = Enum.find(configured(), &(name in [&1[:name], &1[:node]]))

    cond do
      configured -> {:ok, configured}
      name |> Atom.to_string() |> String.contains?("@") -> {:ok, [node: name]}
      true -> {:error, Error.new(:not_found, "no GPU node is called #{inspect(name)}. " <> remedy())}
    end
  end

  defp start({:error, _} = error), do: error

  defp start({:ok, options}) do
    case DynamicSupervisor.start_child(Nx.Vulkan.Nodes, {GpuNode, options}) do
      {:ok, _pid} -> named(options)
      {:error, {:already_started, _pid}} -> named(options)
      {:error, %Error{} = error} -> raced(options, error)
      {:error, reason} -> {:error, Error.new(:internal, "starting #{inspect(options)} failed: #{inspect(reason)}")}
    end
  end

  # Another process may have attached it between the look and the start.
  defp raced(options, error) do
    with {:error, _} <- named(options), do: {:error, error}
  end

  defp named(options) do
    with {:ok, link} <- Link.fetch(options[:name] || options[:node] || :gpu0), do: {:ok, link.node}
  end

  defp default! do
    case configured() do
      [] -> started!()
      [options | _] -> attach!(options[:name] || options[:node] || :gpu0)
    end
  end

  defp started! do
    case GpuNode.nodes() do
      [] -> Error.raise!(Error.new(:not_found, "there is no GPU node. " <> remedy()))
      names -> names |> List.last() |> attach!()
    end
  end

  defp remedy do
    """
    Start one, in one of these ways:

      * config :nx_vulkan, nodes: [[name: :gpu0]]            a local one, started with the application
      * {:ok, _} = GpuNode.start_link(name: :gpu0)           the same by hand
      * {Nx.Vulkan.Backend, node: :"gpu0@host"}              one that runs elsewhere in the cluster

    `mix nx_vulkan.doctor` says what is missing for it.
    """
  end

  @doc "The nodes of the configuration: a list of options of `GpuNode.start_link/1`."
  @spec configured() :: [keyword]
  def configured, do: Config.get!(:nodes)

  @doc "Starts every configured node. One that cannot start is logged, and tried again when a tensor is to be made on it."
  @spec start_configured() :: :ok
  def start_configured do
    require Logger

    for options <- configured(), {:error, error} <- [start({:ok, options})] do
      Logger.error(
        "GPU node #{inspect(options[:name] || options[:node] || :gpu0)} did not start: #{Exception.message(error)}"
      )
    end

    :ok
  end
end

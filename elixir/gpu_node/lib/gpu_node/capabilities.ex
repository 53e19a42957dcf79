defmodule GpuNode.Capabilities do
  @moduledoc """
  What a node can do, as it said when it was last reached: its ops, the element types it computes, the families
  of log densities that it has built in, its limits and its device, and what it does with `shaders` of clients: whether it takes any
  (`raw`), and what tells its compiler from others (`toolchain`).

  Kept where every process of this VM reads it without asking anybody, so that a caller can look before each op.
  """

  alias GpuNode.{Client, Error, Link, Type}

  defstruct [:version, :ops, :types, :families, :shaders, :device, :limits]

  @type t :: %__MODULE__{
          version: String.t() | nil,
          ops: %{atom => map},
          types: %{Type.t() => true},
          families: [atom],
          shaders: %{raw: boolean, toolchain: String.t(), pipelines: String.t()},
          device: map,
          limits: map
        }

  @doc "The capabilities of the node `name`; waits for one that is coming up. Errors: `:not_found`, `:node_down`, `:deadline`."
  @spec fetch(atom) :: {:ok, t} | {:error, Error.t()}
  def fetch(name) do
    case :persistent_term.get({__MODULE__, name}, nil) do
      nil ->
        with {:ok, link} <- Link.fetch(name),
             {:ok, _session} <- Client.session(link),
             do: {:ok, :persistent_term.get({__MODULE__, link.node})}

      capabilities ->
        {:ok, capabilities}
    end
  end

  @doc false
  # The limits that the node of `link` said last; none before it has.
  @spec limits(Link.t()) :: map
  def limits(link) do
    case :persistent_term.get({__MODULE__, link.node}, nil) do
      nil -> %{}
      capabilities -> capabilities.limits
    end
  end

  @doc false
  @spec publish(Link.t(), map) :: :ok
  def publish(link, describe) do
    capabilities = %__MODULE__{
      version: describe[:version],
      ops: describe.ops,
      types: for(name <- describe.types, {:ok, type} <- [Type.normalize(name)], into: %{}, do: {type, true}),
      families: describe.families,
      shaders: describe.shaders,
      device: describe.device,
      limits: describe.limits
    }

    # Writing a persistent term costs every process of the VM a scan, so a node that comes back unchanged writes nothing.
    for key <- Enum.uniq([link.name, link.node]),
        :persistent_term.get({__MODULE__, key}, nil) != capabilities,
        do: :persistent_term.put({__MODULE__, key}, capabilities)

    :ok
  end
end

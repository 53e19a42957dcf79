defmodule GpuNode.Chain.Model do
  @moduledoc """
  A log density with its numbers on a GPU node: a handle, as `GpuNode.Tensor` is one. Freed when its last copy is collected; `:stale`
  once its node's process or the connection to it is gone. It is of the VM that compiled it.

  Fields: `family`, `type` (`{:f, 64}`), `coordinates` (how many there are), `variables` (maps of `name`, `offset` and `size` among the
  coordinates, `scalar?`, `transform`), `mapping` (what computes one chain: `:thread`, `:subgroup` or `:workgroup`, for the number of
  chains it was compiled for), `chains` (that number), `compiled?` (false when the node had the family already) and `timing`, in microseconds by stage.
  """

  alias GpuNode.{Protocol, Type}

  @enforce_keys [:node, :incarnation, :session, :id, :ref]
  defstruct @enforce_keys ++ [:family, :type, :coordinates, :variables, :mapping, :chains, :compiled?, :timing]

  @type variable :: %{
          name: String.t(),
          offset: non_neg_integer,
          size: pos_integer,
          scalar?: boolean,
          transform: :identity | :exp | :softplus | :sigmoid
        }
  @type t :: %__MODULE__{
          node: node,
          incarnation: non_neg_integer,
          session: pos_integer,
          id: Protocol.id(),
          ref: reference,
          family: String.t(),
          type: Type.t(),
          coordinates: pos_integer,
          variables: [variable],
          mapping: atom,
          chains: pos_integer,
          compiled?: boolean,
          timing: map
        }

  @doc false
  # The names of the coordinates, in order: see `GpuNode.Chain.coordinates/1`.
  @spec coordinates(t) :: [String.t()]
  def coordinates(model), do: model.variables |> Enum.sort_by(& &1.offset) |> Enum.flat_map(&numbers/1)

  @doc false
  # The names of a variable's numbers.
  @spec numbers(variable) :: [String.t()]
  def numbers(%{name: name, scalar?: true}), do: [name]
  def numbers(%{name: name, size: size}), do: Enum.map(0..(size - 1), &"#{name}[#{&1}]")

  defimpl Inspect do
    def inspect(model, _options) do
      "#GpuNode.Chain.Model<#{model.family}, #{GpuNode.Text.count(model.coordinates, "coordinate")} in #{GpuNode.Type.name(model.type)}, #{model.node} ##{model.id}>"
    end
  end
end

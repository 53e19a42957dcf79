defmodule Nx.Vulkan.Chain.Known do
  @moduledoc false
  # What does not depend on variables is computed at once, by Nx.BinaryBackend, with floats in f64 whatever they were.

  alias Nx.Tensor, as: T
  alias Nx.Vulkan.Chain.Node

  @doc "What a known node is."
  @spec tensor(Node.t()) :: T.t()
  def tensor(%Node{op: :tensor, args: [tensor, _name]}), do: tensor

  def tensor(%Node{op: :literal, args: [number], shape: shape, type: type}),
    do: Nx.BinaryBackend.constant(Nx.template(shape, type), number, [])

  @doc "A known node of one element as a number."
  @spec number(Node.t()) :: number | atom
  def number(node), do: node |> tensor() |> Nx.to_number()

  @doc "What `fun` gives on the host. Where Nx's own code calls functions of defn, they are evaluated."
  @spec compute((-> result)) :: result when result: T.t() | tuple
  def compute(fun) do
    options = Nx.Defn.default_options(compiler: Nx.Defn.Evaluator)

    try do
      Nx.with_default_backend(Nx.BinaryBackend, fun)
    after
      Nx.Defn.default_options(options)
    end
  end

  @doc "A callback of the backend, with known nodes among its arguments."
  @spec call(atom, T.t(), list) :: T.t()
  def call(op, out, args), do: apply(Nx.BinaryBackend, op, [doubled(out) | Enum.map(args, &unwrapped/1)])

  defp unwrapped(%Node{} = node), do: tensor(node)
  defp unwrapped([%Node{} | _] = nodes), do: Enum.map(nodes, &tensor/1)
  defp unwrapped(other), do: other

  @doc "A tensor of the host, floats in f64."
  @spec double(T.t()) :: T.t()
  def double(tensor) do
    tensor = tensor |> Nx.devectorize() |> Nx.backend_copy(Nx.BinaryBackend)
    tensor = %{tensor | names: List.duplicate(nil, tuple_size(tensor.shape))}
    if Nx.Type.float?(tensor.type), do: Nx.as_type(tensor, :f64), else: tensor
  end

  @doc "A template likewise."
  @spec doubled(T.t()) :: T.t()
  def doubled(%T{type: {kind, _}} = out) when kind in [:f, :bf], do: %{out | type: {:f, 64}}
  def doubled(out), do: out
end

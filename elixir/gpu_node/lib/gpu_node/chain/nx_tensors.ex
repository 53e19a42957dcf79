defmodule GpuNode.Chain.NxTensors do
  @moduledoc false
  # Tensors of Nx in the place of numbers, and draws as such. This package does without Nx: what is called here is called where somebody has
  # it.

  alias GpuNode.{Error, Tensor, Type}

  @typedoc "A tensor of Nx."
  @type t :: struct

  defguard is_nx(value) when is_struct(value) and :erlang.map_get(:__struct__, value) == Nx.Tensor

  @doc """
  A tensor of Nx as a handle where it lies on `node` already, else as little-endian bytes and their shape. `type` is what the handle or the bytes are
  of; `:real` leaves a handle its own and makes the bytes f64. Vectorized axes become leading ones.
  """
  @spec take(atom | String.t(), t, Type.t() | :real, node) ::
          {:ok, Tensor.t() | {binary, tuple}} | {:error, Error.t()}
  def take(name, %{type: {:c, _}} = tensor, _type, _node),
    do: invalid("#{name} is #{Type.text(tensor.type, tensor.shape)}, where real numbers are wanted")

  def take(_name, tensor, type, node) do
    tensor = apply(Nx, :devectorize, [tensor])

    case on_node(tensor, node) || bytes(tensor, type) do
      # Its backend converts it where it is.
      %Tensor{type: own} when type != :real and own != type ->
        tensor = apply(Nx, :as_type, [tensor, type])
        {:ok, on_node(tensor, node) || bytes(tensor, type)}

      taken ->
        {:ok, taken}
    end
  rescue
    error in Error -> {:error, error}
  end

  # A backend that keeps its tensors on nodes has the handle under this key of its data.
  defp on_node(%{data: %{value: %Tensor{node: node} = handle}}, node), do: handle
  defp on_node(_tensor, _node), do: nil

  defp bytes(tensor, :real), do: bytes(tensor, {:f, 64})
  defp bytes(tensor, type), do: {binary(apply(Nx, :as_type, [tensor, type]), type), tensor.shape}

  # Nx has numbers in the byte order of the machine.
  defp binary(tensor, {_, bits}) do
    binary = apply(Nx, :to_binary, [tensor])

    if System.endianness() == :little,
      do: binary,
      else: for(<<x::size(bits) <- binary>>, into: <<>>, do: <<x::little-size(bits)>>)
  end

  @doc "The number in a tensor of one element without axes."
  @spec number(atom | String.t(), t) :: {:ok, number | Type.special()} | {:error, Error.t()}
  def number(_name, %{shape: {}, type: {kind, _}} = tensor) when kind != :c do
    {:ok, apply(Nx, :to_number, [tensor])}
  rescue
    error in Error -> {:error, error}
  end

  def number(name, tensor),
    do: invalid("#{name} is #{Type.text(tensor.type, tensor.shape)}, where one real number is wanted")

  @doc false
  @spec config() :: GpuNode.Options.schema()
  def config do
    [
      nx_tensors: [
        type: {:custom, "{module, function, arguments}", &__MODULE__.function?/1},
        doc: "what makes a tensor of this package one of Nx without a copy: see `make/2`"
      ]
    ]
  end

  @doc false
  def function?({module, function, arguments}), do: is_atom(module) and is_atom(function) and is_list(arguments)
  def function?(_other), do: false

  @doc """
  A tensor of this package as one of Nx, on the default backend. Where that keeps its tensors on the same node nothing is copied: both are
  names of one storage, each of which may end before the other. Such a backend says so by `config :gpu_node, nx_tensors: {module, function, arguments}`: what that gives of the tensor,
  and nil where the default is another one.
  """
  @spec make(Tensor.t(), [atom]) :: {:ok, t} | {:error, Error.t()}
  def make(%Tensor{} = tensor, names) do
    if Code.ensure_loaded?(Nx) do
      with {:ok, made} <- if(shared = share(tensor), do: {:ok, shared}, else: copy(tensor)),
           do: {:ok, apply(Nx, :rename, [made, names])}
    else
      {:error, Error.new(:unsupported, "Nx is not loaded: add {:nx, \"~> 0.12\"} to the dependencies", tensor.node)}
    end
  rescue
    error in Error -> {:error, error}
  end

  defp share(tensor) do
    with {module, function, arguments} <- Application.get_env(:gpu_node, :nx_tensors),
         do: apply(module, function, [tensor | arguments])
  end

  defp copy(%{type: {_, bits} = type} = tensor) do
    with {:ok, binary} <- Tensor.to_binary(tensor) do
      native =
        if System.endianness() == :little,
          do: binary,
          else: for(<<x::little-size(bits) <- binary>>, into: <<>>, do: <<x::size(bits)>>)

      {:ok, Nx |> apply(:from_binary, [native, type]) |> then(&apply(Nx, :reshape, [&1, tensor.shape]))}
    end
  end

  defp invalid(text), do: {:error, Error.new(:invalid_argument, text)}
end

defmodule Nx.Vulkan.Calls do
  @moduledoc false
  # What Nx.Vulkan.Native and Nx.Vulkan.NativeV share: op codes as Nx ops, buffers without a type as tensors of one, and errors
  # as values. Everything is computed by Nx on Nx.Vulkan.Backend.

  alias GpuNode.{Error, Options}
  alias Nx.Tensor, as: T
  alias Nx.Vulkan.{Backend, VulkanoBackend}
  require Logger

  @doc "Runs `fun` with new tensors on a GPU node. `refuse/1`, `GpuNode.Error` and what Nx refuses become values."
  @spec run((-> value)) :: {:ok, value} | {:error, atom | Error.t()} when value: term
  def run(fun) do
    {:ok, Nx.with_default_backend(backend(), fun)}
  rescue
    error in Error -> {:error, error}
    error in ArgumentError -> {:error, Error.new(:invalid_argument, Exception.message(error))}
  catch
    {:refused, reason} -> {:error, reason}
  end

  defp backend do
    case Nx.default_backend() do
      {module, options} when module in [Backend, VulkanoBackend] -> {Backend, options}
      _other -> Backend
    end
  end

  @doc "Ends the `run/1` around it with `{:error, reason}`."
  @spec refuse(atom) :: no_return
  def refuse(reason), do: throw({:refused, reason})

  @doc "Refuses with `:size_mismatch` unless `fits?`."
  @spec fit!(boolean) :: :ok
  def fit!(true), do: :ok
  def fit!(false), do: refuse(:size_mismatch)

  @doc "An atom for an error, as the callers of old know it; what it says is logged."
  @spec atom(atom | Error.t(), atom) :: atom
  def atom(reason, _otherwise) when is_atom(reason), do: reason

  def atom(%Error{} = error, otherwise) do
    Logger.warning("Nx.Vulkan: #{Exception.message(error)}")

    case error do
      %{code: code} when code in [:out_of_memory, :quota] -> :alloc_failed
      %{code: :not_found, node: nil} -> :no_device
      _other -> otherwise
    end
  end

  ## Op codes

  @binary ~w(add multiply subtract divide pow max min equal less greater)a
  @unary ~w(exp log sqrt abs negate sigmoid tanh relu ceil floor sign reciprocal square erf expm1)a

  @doc "Op names in the order of their codes."
  @spec names(:binary | :unary) :: [atom]
  def names(:binary), do: @binary
  def names(:unary), do: @unary

  @doc "The result is of the operands' type, comparisons too. Refuses an unknown code with `:bad_op`."
  @spec binary(integer, T.t(), T.t()) :: T.t()
  for {name, code} <- Enum.with_index(@binary) do
    if name in [:equal, :less, :greater],
      do: def(binary(unquote(code), a, b), do: a |> Nx.unquote(name)(b) |> Nx.as_type(a.type)),
      else: def(binary(unquote(code), a, b), do: Nx.unquote(name)(a, b))
  end

  def binary(_code, _a, _b), do: refuse(:bad_op)

  @spec unary(integer, T.t()) :: T.t()
  for {name, code} <- Enum.with_index(@unary) do
    case name do
      :relu -> def unary(unquote(code), a), do: Nx.max(a, Nx.tensor(0, type: a.type))
      :reciprocal -> def unary(unquote(code), a), do: Nx.divide(Nx.tensor(1, type: a.type), a)
      :square -> def unary(unquote(code), a), do: Nx.multiply(a, a)
      _ -> def unary(unquote(code), a), do: Nx.unquote(name)(a)
    end
  end

  def unary(_code, _a), do: refuse(:bad_op)

  @doc "Reduces `axes` by name: `:sum`, `:max`, `:min`."
  @spec reduce(atom, T.t(), [non_neg_integer]) :: T.t()
  def reduce(:sum, a, axes), do: Nx.sum(a, axes: axes)
  def reduce(:max, a, axes), do: Nx.reduce_max(a, axes: axes)
  def reduce(:min, a, axes), do: Nx.reduce_min(a, axes: axes)
  def reduce(_other, _a, _axes), do: refuse(:bad_op)

  ## Types

  @spec bytes(T.t()) :: non_neg_integer
  def bytes(%T{} = tensor), do: Nx.byte_size(tensor)
  def bytes(other), do: raise(ArgumentError, "a tensor of Nx is taken, got #{Options.show(other)}")

  @doc "Refuses what is no size in words."
  @spec size!(term) :: :ok
  def size!(size) when is_integer(size) and size > 0, do: :ok
  def size!(size), do: raise(ArgumentError, "a size is an integer of at least 1, got #{Options.show(size)}")

  @doc "Refuses what is no list in words, and what is named by `of` is its elements."
  @spec list!(term, String.t()) :: :ok
  def list!(list, of) do
    if is_list(list) and not List.improper?(list),
      do: :ok,
      else: raise(ArgumentError, "a list of #{of} is taken, got #{Options.show(list)}")
  end

  @doc "The flat tensor that these bytes are; its type is a guess, which `as/2` corrects."
  @spec from_bytes(binary, Nx.Type.t()) :: T.t()
  def from_bytes(<<>>, _guess), do: refuse(:bad_input)

  def from_bytes(other, _guess) when not is_binary(other),
    do: raise(ArgumentError, "a binary is taken, got #{Options.show(other)}")

  def from_bytes(binary, {_, bits} = guess) do
    type = if rem(byte_size(binary) * 8, bits) == 0, do: guess, else: {:u, 8}
    Nx.from_binary(binary, type)
  end

  @doc "The same bytes as a flat tensor of `type`, by ops on the node. Refuses where they are no whole number of elements."
  @spec as(T.t(), Nx.Type.t()) :: T.t()
  def as(tensor, type) do
    fit!(rem(bytes(tensor) * 8, elem(type, 1)) == 0)
    tensor = if tuple_size(tensor.shape) == 1, do: tensor, else: Nx.flatten(tensor)
    convert(tensor, elem(tensor.type, 1), type)
  end

  defp convert(%{type: type} = tensor, _bits, type), do: tensor
  defp convert(tensor, bits, {_, bits} = type), do: Nx.bitcast(tensor, type)

  # The first of several elements holds the low bits.
  defp convert(tensor, from, {_, to} = type) when from < to do
    tensor
    |> Nx.bitcast({:u, from})
    |> Nx.as_type({:u, to})
    |> Nx.reshape({:auto, div(to, from)})
    |> Nx.left_shift(shifts(div(to, from), from, to))
    |> Nx.sum(axes: [1])
    |> Nx.bitcast(type)
  end

  defp convert(tensor, from, {_, to} = type) do
    tensor
    |> Nx.bitcast({:u, from})
    |> Nx.reshape({:auto, 1})
    |> Nx.right_shift(shifts(div(from, to), to, from))
    |> Nx.as_type({:u, to})
    |> Nx.flatten()
    |> Nx.bitcast(type)
  end

  defp shifts(count, step, bits), do: Nx.tensor([for(i <- 0..(count - 1), do: i * step)], type: {:u, bits})
end

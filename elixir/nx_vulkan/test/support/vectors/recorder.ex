defmodule Nx.Vulkan.Test.Recorder do
  @moduledoc false
  # A backend of Nx that computes what Nx.BinaryBackend does, and remembers which callback was called with what: `calls/1`.

  alias Nx.Tensor, as: T
  alias Nx.Vulkan.Callbacks

  @behaviour Nx.Backend
  @enforce_keys [:host]
  defstruct @enforce_keys

  @typedoc "The callback, its template (several: of a block), its arguments with tensors of BinaryBackend, and what that gave."
  @type call :: {atom, T.t() | tuple, [term], {:ok, T.t() | tuple} | :raised}

  @doc "The calls that `fun` made, the last first, with this as the default backend; what `fun` raises ends it, and is no fault."
  @spec calls((-> term)) :: [call]
  def calls(fun) do
    Process.put(__MODULE__, [])

    try do
      Nx.with_default_backend(__MODULE__, fun)
    rescue
      _ -> :raised
    end

    Process.delete(__MODULE__)
  end

  @doc "The tensor, which another backend has, as one of this."
  @spec of(T.t()) :: T.t()
  def of(%T{data: %Nx.BinaryBackend{} = host} = tensor), do: %{tensor | data: %__MODULE__{host: host}}

  @impl true
  def init(options), do: options

  @impl true
  def block(%module{} = struct, output, arguments, fun) do
    host = unwrapped(arguments)

    case Callbacks.block(module) do
      nil -> Nx.with_default_backend(__MODULE__, fn -> apply(fun, [struct | arguments]) end)
      op -> recorded(op, output, [struct | host], fn -> apply(fun, [struct | host]) end)
    end
  end

  # What moves tensors, reads them or calls a function of Elixir is no op.
  @others ~w(backend_copy backend_transfer backend_deallocate to_batched to_binary inspect from_binary from_pointer to_pointer reduce
             window_reduce)a

  for {name, arity} <- Nx.Backend.behaviour_info(:callbacks), name not in [:init, :block] do
    arguments = Macro.generate_arguments(arity, __MODULE__)
    @impl true
    def unquote(name)(unquote_splicing(arguments)) do
      [first | rest] = host = unwrapped(unquote(arguments))

      compute = fn ->
        Nx.with_default_backend(Nx.BinaryBackend, fn -> apply(Nx.BinaryBackend, unquote(name), host) end)
      end

      if unquote(name in @others),
        do: wrapped(compute.()),
        else: recorded(unquote(name), first, rest, compute)
    end
  end

  defp recorded(op, out, arguments, compute) do
    result = Nx.with_default_backend(Nx.BinaryBackend, compute)
    note({op, out, arguments, {:ok, result}})
    wrapped(result)
  rescue
    error ->
      note({op, out, arguments, :raised})
      reraise error, __STACKTRACE__
  end

  defp note(call), do: if(calls = Process.get(__MODULE__), do: Process.put(__MODULE__, [call | calls]))

  defp unwrapped(%T{data: %__MODULE__{host: host}} = tensor), do: %{tensor | data: host}
  defp unwrapped(list) when is_list(list), do: Enum.map(list, &unwrapped/1)
  defp unwrapped(other), do: other

  defp wrapped(%T{data: %Nx.BinaryBackend{}} = tensor), do: of(tensor)
  defp wrapped(tuple) when is_tuple(tuple), do: tuple |> Tuple.to_list() |> Enum.map(&wrapped/1) |> List.to_tuple()
  defp wrapped(other), do: other
end

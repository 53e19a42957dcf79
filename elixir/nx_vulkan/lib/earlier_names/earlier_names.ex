defmodule Nx.Vulkan.EarlierNames do
  @moduledoc """
  What `Nx.Vulkan` had in earlier versions, and has still.

  The modules of this folder are kept for the code that calls them, eXMC's and others'. Nothing outside of it uses them, here or in
  `:gpu_node`: only `Nx.Vulkan` passes these functions on, and the application starts what keeps buffers.

  Code that calls tensors by `{:ok, tensor}` goes on: what it gets are Nx tensors of `Nx.Vulkan.Backend`, f32 and flat. New code calls
  Nx.

  | name | what it is |
  | --- | --- |
  | `init/0`, `device_name/0`, `has_f64?/0`, `device/0` | the node that new tensors are made on |
  | `upload_f32/1`, `download_f32/2`, `upload_binary/1`, `download_binary/2`, `byte_size/1` | `Nx.tensor/2`, `Nx.to_flat_list/1`, `Nx.to_binary/1` |
  | `add/2`, `multiply/2`, ... `exp/1`, `relu/1`, ... `sum/1`, `mean/1`, `matmul/5`, `transpose_2d/3`, `select/3`, `clip/3`, ... | Nx's op of that name, through `Nx.Vulkan.Native` |
  | `jit/2` | `Nx.Defn.jit/2` with `compiler: Nx.Vulkan` |
  | `Nx.Vulkan.Fast` | its expressions |
  | `Nx.Vulkan.VulkanoBackend` | `Nx.Vulkan.Backend` |
  | `Nx.Vulkan.Native`, `Nx.Vulkan.NativeV` | calls by op code, on tensors and on buffers |
  | `Nx.Vulkan.Node` | functions with a deadline; one that hangs is ended |
  | `Nx.Vulkan.Synthesis`, `Nx.Vulkan.ShaderTemplate`, `Nx.Vulkan.ChainShaderSpecs`, `Nx.Vulkan.ChainShaderSpecsF64` | chain shaders; the GPU node compiles them |
  | `Nx.Vulkan.PipelineCache` | the node's own cache of compiled kernels |
  """

  import Kernel, except: [abs: 1, byte_size: 1, ceil: 1, floor: 1, max: 2, min: 2]
  alias GpuNode.{Element, Options}
  alias Nx.Vulkan.{Calls, Native}
  require Logger

  @type tensor :: Nx.Tensor.t()
  @type result :: {:ok, tensor} | {:error, atom}

  ## The node

  @doc """
  Sees to it that there is a GPU node: one that is configured or runs already, else a local one, `:gpu0`, which is started and stays.
  `{:error, :no_device}` when that fails; why is logged, and `mix nx_vulkan.doctor` says more. Not needed before using
  `Nx.Vulkan.Backend` with configured nodes.
  """
  @spec init() :: :ok | {:error, :no_device}
  def init do
    with {:error, error} <- Nx.Vulkan.ensure_node() do
      Logger.error("Nx.Vulkan: there is no GPU node: #{Exception.message(error)}")
      {:error, :no_device}
    end
  end

  @doc "Its name, or nil when there is no node."
  @spec device_name() :: String.t() | nil
  defdelegate device_name(), to: Native

  @doc "Whether it computes f64."
  @spec has_f64?() :: boolean
  defdelegate has_f64?(), to: Native, as: :has_f64

  @doc "The node's buffers, used again and allocated. See `Nx.Vulkan.Native.pool_stats/0`."
  @spec pool_stats() :: {:ok, map} | {:error, atom}
  defdelegate pool_stats(), to: Native

  @spec pool_clear() :: :ok
  defdelegate pool_clear(), to: Native

  ## Tensors by {:ok, tensor}

  @doc "A flat f32 tensor of these numbers; `:nan`, `:infinity`, `:neg_infinity` among them."
  @spec upload_f32([number | atom]) :: result
  def upload_f32(list) do
    Calls.list!(list, "numbers")
    list |> Enum.map(&f32/1) |> IO.iodata_to_binary() |> upload_binary()
  end

  defp f32(number) do
    case Element.encode(number, {:f, 32}) do
      {:ok, bytes} -> bytes
      :error -> raise ArgumentError, "#{inspect(number)} is not a number"
    end
  end

  @doc "Its `count` numbers. Special values are `:nan`, `:infinity`, `:neg_infinity`."
  @spec download_f32(tensor, non_neg_integer) :: {:ok, [number | atom]} | {:error, atom}
  def download_f32(tensor, count) do
    if not (is_integer(count) and count >= 0),
      do: raise(ArgumentError, "a count is an integer of at least 0, got #{Options.show(count)}")

    with {:ok, binary} <- download_binary(tensor, count * 4), do: {:ok, Element.decode_all(binary, {:f, 32})}
  end

  @spec upload_binary(binary) :: result
  defdelegate upload_binary(binary), to: Native

  @spec download_binary(tensor, non_neg_integer) :: {:ok, binary} | {:error, atom}
  defdelegate download_binary(tensor, n_bytes), to: Native

  @spec byte_size(tensor) :: non_neg_integer
  defdelegate byte_size(tensor), to: Native

  for {name, code} <- Enum.with_index(Calls.names(:binary)) do
    @doc "Elementwise `#{name}` of two f32 tensors of one size. `{:error, :size_mismatch}` for others."
    @spec unquote(name)(tensor, tensor) :: result
    def unquote(name)(a, b), do: Native.apply_binary(a, b, unquote(code), nil)
  end

  for {name, code} <- Enum.with_index(Calls.names(:unary)) do
    @doc "Elementwise `#{name}` of an f32 tensor."
    @spec unquote(name)(tensor) :: result
    def unquote(name)(a), do: Native.apply_unary(a, unquote(code), nil)
  end

  for {name, code} <- [sum: 0, reduce_min: 1, reduce_max: 2] do
    @doc "`#{name}` of an f32 tensor, as a number."
    @spec unquote(name)(tensor) :: {:ok, number | atom} | {:error, atom}
    def unquote(name)(a), do: Native.reduce_scalar(a, unquote(code), nil)
  end

  @doc "The mean of an f32 tensor, as a number."
  @spec mean(tensor) :: {:ok, number | atom} | {:error, atom}
  def mean(a) do
    with {:ok, sum} when is_number(sum) <- sum(a), do: {:ok, sum / div(byte_size(a), 4)}
  end

  @doc "`m`×`k` times `k`×`n`, row-major f32."
  @spec matmul(tensor, tensor, pos_integer, pos_integer, pos_integer) :: result
  def matmul(a, b, m, n, k), do: Native.matmul(a, b, m, n, k, nil)

  @doc "`m`×`n` to `n`×`m`, f32."
  @spec transpose_2d(tensor, pos_integer, pos_integer) :: result
  def transpose_2d(a, m, n), do: Native.transpose(a, m, n, nil)

  @doc "Over the middle axis of (outer, reduce, inner): 0 sum, 1 max, 2 min."
  @spec reduce_axis(tensor, pos_integer, pos_integer, pos_integer, 0..2) :: result
  def reduce_axis(a, outer, reduce, inner, op), do: Native.reduce_axis(a, outer, reduce, inner, op, nil)

  @doc "`condition` is 0 or 1: `on_true` where it is 1."
  @spec select(tensor, tensor, tensor) :: result
  def select(condition, on_true, on_false) do
    attempt(fn ->
      [condition, on_true, on_false] = same_size([condition, on_true, on_false])
      Nx.select(condition, on_true, on_false)
    end)
  end

  @doc "Every element between `low` and `high`, which are numbers."
  @spec clip(tensor, number, number) :: result
  def clip(a, low, high) do
    if bad = Enum.find([{low}, {high}], &(not is_number(elem(&1, 0)))),
      do: raise(ArgumentError, "low and high are numbers, got #{Options.show(elem(bad, 0))}")

    attempt(fn -> a |> Calls.as({:f, 32}) |> Nx.clip(low * 1.0, high * 1.0) end)
  end

  defp same_size([first | _] = tensors) do
    Calls.fit!(Enum.all?(tensors, &(byte_size(&1) == byte_size(first))))
    Enum.map(tensors, &Calls.as(&1, {:f, 32}))
  end

  defp attempt(fun) do
    with {:error, reason} <- Calls.run(fun), do: {:error, Calls.atom(reason, :dispatch_failed)}
  end

  @doc "`n` f32 values in [0, 1) of `seed`."
  @spec uniform(pos_integer, integer) :: result
  def uniform(n, seed \\ 42), do: Native.random(n, seed, 0, nil)

  @doc "`n` standard normal f32 values of `seed`."
  @spec normal(pos_integer, integer) :: result
  def normal(n, seed \\ 42), do: Native.random(n, seed, 1, nil)

  @doc "`n` f32 elements as f64."
  @spec cast_f32_to_f64(tensor, pos_integer) :: result
  def cast_f32_to_f64(a, n), do: Native.cast(a, n, 8, nil)

  @doc "`n` f64 elements as f32."
  @spec cast_f64_to_f32(tensor, pos_integer) :: result
  def cast_f64_to_f32(a, n), do: Native.cast(a, n, 4, nil)

  @doc "log(sum(exp(x))) over the middle axis of (outer, reduce, inner), f32."
  @spec logsumexp(tensor, pos_integer, pos_integer, pos_integer) :: result
  def logsumexp(a, outer, reduce, inner), do: Native.logsumexp(a, outer, reduce, inner, nil)

  @doc "½·p²·inv_mass, f32, summed over every 256 elements."
  @spec kinetic_energy(tensor, tensor) :: result
  def kinetic_energy(p, inv_mass), do: Native.kinetic_energy(p, inv_mass, nil)

  @doc "log N(x; mu, sigma) for each element, f32."
  @spec normal_logpdf(tensor, tensor, tensor) :: result
  def normal_logpdf(x, mu, sigma), do: Native.normal_logpdf(x, mu, sigma, nil)

  @doc "Elementwise op of two f64 tensors, by name."
  @spec apply_binary_f64(tensor, tensor, atom) :: result
  def apply_binary_f64(a, b, op), do: Native.apply_binary_f64(a, b, chained(op), nil)

  @doc "Elementwise op of an f64 tensor, by name."
  @spec apply_unary_f64(tensor, atom) :: result
  def apply_unary_f64(a, op), do: Native.apply_unary_f64(a, chained(op) - 100, nil)

  @doc "As `reduce_axis/5`, f64."
  @spec reduce_axis_f64(tensor, pos_integer, pos_integer, pos_integer, 0..2) :: result
  def reduce_axis_f64(a, outer, reduce, inner, op), do: Native.reduce_axis_f64(a, outer, reduce, inner, op, nil)

  @doc "Up to eight ops by name: a binary one combines what there is with `b`, a unary one changes it."
  @spec fused_chain(tensor, tensor, [atom]) :: result
  def fused_chain(a, b, ops) do
    Calls.list!(ops, "names of ops")
    Native.fused_chain(a, b, Enum.map(ops, &chained/1), nil)
  end

  @doc "The same over four tensors: a binary op is `{name, index}`, 1 to 3 for `b`, `c`, `d`."
  @spec fused_chain_4(tensor, tensor, tensor, tensor, [atom | {atom, 1..3}]) :: result
  def fused_chain_4(a, b, c, d, ops) do
    Calls.list!(ops, "names of ops, or {name, 1 to 3}")
    ops = Enum.map(ops, &if(is_tuple(&1) and tuple_size(&1) == 2, do: &1, else: {&1, 1}))
    {names, indices} = Enum.unzip(ops)
    Native.fused_chain_4(a, b, c, d, Enum.map(names, &chained/1), indices, nil)
  end

  @doc "As `matmul/5`; the node chooses its kernel itself, so the variant's name changes nothing."
  @spec matmul_variant(tensor, tensor, pos_integer, pos_integer, pos_integer, atom) :: result
  def matmul_variant(a, b, m, n, k, variant) do
    if variant not in [:matmul, :matmul_tiled, :matmul_tiled32, :matmul_tiled16x2],
      do: raise(ArgumentError, "there is no variant #{Options.show(variant)}")

    matmul(a, b, m, n, k)
  end

  @doc """
  Strides by which a row-major tensor of the shape `source` is seen as one of `shape`, four of them; 0 where it is repeated.

      iex> Nx.Vulkan.broadcast_strides({1, 4}, {3, 4})
      [0, 1, 0, 0]
  """
  @spec broadcast_strides(tuple, tuple) :: [non_neg_integer]
  def broadcast_strides(source, shape) do
    if bad = Enum.find([{source}, {shape}], &(not shape?(elem(&1, 0)))),
      do: raise(ArgumentError, "a shape is a tuple of lengths, got #{Options.show(elem(bad, 0))}")

    missing = tuple_size(shape) - tuple_size(source)
    if missing < 0, do: not_broadcast!(source, shape)
    aligned = List.duplicate(1, missing) ++ Tuple.to_list(source)

    {strides, _} =
      aligned
      |> Enum.zip(Tuple.to_list(shape))
      |> List.foldr({[], 1}, fn
        {same, same}, {strides, next} -> {[next | strides], next * same}
        {1, _wider}, {strides, next} -> {[0 | strides], next}
        _other, _acc -> not_broadcast!(source, shape)
      end)

    four(strides)
  end

  defp shape?(shape), do: is_tuple(shape) and shape |> Tuple.to_list() |> Enum.all?(&(is_integer(&1) and &1 >= 0))

  defp not_broadcast!(source, shape),
    do: raise(ArgumentError, "#{inspect(source)} is not broadcast to #{inspect(shape)}")

  defp four(list) do
    Calls.list!(list, "lengths or strides")
    Enum.take(list ++ [0, 0, 0, 0], 4)
  end

  for {suffix, type} <- [{"", "f32"}, {"_f64", "f64"}] do
    @doc "Elementwise op, by name, of two #{type} tensors that broadcast: `broadcast_strides/2` has the strides."
    @spec unquote(:"apply_binary_broadcast#{suffix}")(tensor, tensor, atom, 1..4, [integer], [integer], [integer]) ::
            result
    def unquote(:"apply_binary_broadcast#{suffix}")(a, b, op, ndim, out_shape, a_strides, b_strides) do
      [out, of_a, of_b] = Enum.map([out_shape, a_strides, b_strides], &four/1)
      Native.unquote(:"apply_binary_broadcast#{suffix}")(a, b, chained(op), ndim, out, of_a, of_b, nil)
    end
  end

  ## Functions of Nx.Defn

  @doc """
  `Nx.Defn.jit/2` with the compiler `Nx.Vulkan`, or that of the options. New tensors of the VM are made on the node from then on, where no
  node's were before.
  """
  @spec jit(fun, keyword) :: fun
  def jit(fun, options \\ []) do
    if not is_function(fun), do: raise(ArgumentError, "a function is what is compiled, got #{Options.show(fun)}")

    if not Keyword.keyword?(options),
      do: raise(ArgumentError, "options are a keyword list, got #{Options.show(options)}")

    if not match?({Nx.Vulkan.Backend, _options}, Nx.default_backend()) do
      with {:error, error} <- Nx.Vulkan.ensure_node(), do: raise(error)
      Nx.global_default_backend(Nx.Vulkan.Backend)
      Nx.default_backend(Nx.Vulkan.Backend)
    end

    Nx.Defn.jit(fun, Keyword.put_new(options, :compiler, Nx.Vulkan))
  end

  for {name, code} <- Enum.with_index(Calls.names(:binary)), do: defp(chained(unquote(name)), do: unquote(code))
  for {name, code} <- Enum.with_index(Calls.names(:unary)), do: defp(chained(unquote(name)), do: unquote(code + 100))
  defp chained(other), do: raise(ArgumentError, "there is no op #{inspect(other)}")
end

defmodule Nx.Vulkan.Native do
  @moduledoc """
  The tensor calls of the names that existing code uses, with their op codes and their `{:ok, tensor}` or `{:error, atom}`. There is
  no native code here: a tensor is an `Nx.Tensor` of `Nx.Vulkan.Backend`, flat, and mixes with any other. New code calls Nx.

  | call | what it is |
  | --- | --- |
  | `upload_binary/1`, `download_binary/2`, `byte_size/1` | `Nx.from_binary/2`, `Nx.to_binary/1`, `Nx.byte_size/1` |
  | `apply_binary/4` | 0 `add`, 1 `multiply`, 2 `subtract`, 3 `divide`, 4 `pow`, 5 `max`, 6 `min`, 7 `equal`, 8 `less`, 9 `greater` |
  | `apply_unary/3` | 0 `exp`, 1 `log`, 2 `sqrt`, 3 `abs`, 4 `negate`, 5 `sigmoid`, 6 `tanh`, 7 relu, 8 `ceil`, 9 `floor`, 10 `sign`, 11 reciprocal, 12 square, 13 `erf`, 14 `expm1` |
  | `reduce_scalar/3` | 0 `sum`, 1 `reduce_min`, 2 `reduce_max`: a number, here |
  | `reduce_axis/6`, `logsumexp/5` | 0 `sum`, 1 `reduce_max`, 2 `reduce_min` over the middle axis of (outer, reduce, inner) |
  | `matmul/6`, `matmul_v/8`, `transpose/4`, `cast/4`, `random/4` | `Nx.dot/2`, `Nx.transpose/1`, `Nx.as_type/2`, `Nx.Random` |
  | `fused_chain/4`, `fused_chain_4/7` | the ops one after another: binary codes as above, unary ones from 100 |
  | `leapfrog_chain_synth/6` | leapfrog steps by a SPIR-V file (`Nx.Vulkan.Synthesis`) |
  | `pool_stats/0`, `pool_clear/0` | the node's counters; it looks after its pool itself |

  Bytes are f32, or f64 in the calls that say so, whatever was uploaded. `spv_path` arguments are taken and not read: the node
  generates the kernels of its ops itself, for shapes and types as they are.

  Errors: `:no_device` (no node can be had), `:alloc_failed` (out of memory), `:upload_failed`, `:download_failed`, `:dispatch_failed`,
  `:size_mismatch`, `:bad_op`. The reason is logged. As ops are not waited for, what fails on the node is an error of the download.
  """

  import Kernel, except: [byte_size: 1]
  alias Nx.Tensor, as: T
  alias Nx.Vulkan.{Calls, ChainDispatch, Placement}
  require Logger

  @type result :: {:ok, T.t()} | {:error, atom}
  @type op_code :: non_neg_integer
  @type spv_path :: term

  @doc "See `Nx.Vulkan.init/0`."
  @spec init() :: :ok | {:error, :no_device}
  defdelegate init(), to: Nx.Vulkan

  @doc "The name of the device, or nil when there is none."
  @spec device_name() :: String.t() | nil
  def device_name, do: with({:ok, _node, %{device: device}} <- Placement.device(), do: device.name, else: (_ -> nil))

  @doc "Whether the device computes f64."
  @spec has_f64() :: boolean
  def has_f64 do
    case Placement.device() do
      {:ok, _node, %{types: types}} -> is_map_key(types, {:f, 64})
      {:error, _} -> false
    end
  end

  @doc "A tensor of these bytes: f32, or u8 where their number is no multiple of four."
  @spec upload_binary(binary) :: result
  def upload_binary(binary), do: attempt(:upload_failed, fn -> Calls.from_bytes(binary, {:f, 32}) end)

  @doc "The bytes of a tensor, which must be `n_bytes`."
  @spec download_binary(T.t(), non_neg_integer) :: {:ok, binary} | {:error, atom}
  def download_binary(tensor, n_bytes) do
    attempt(:download_failed, fn ->
      Calls.fit!(Calls.bytes(tensor) == n_bytes)
      Nx.to_binary(tensor)
    end)
  end

  @doc "Its size in bytes."
  @spec byte_size(T.t()) :: non_neg_integer
  def byte_size(tensor), do: Calls.bytes(tensor)

  for {suffix, type} <- [{"", {:f, 32}}, {"_f64", {:f, 64}}] do
    @doc "Elementwise op of two #{Nx.Type.to_string(type)} tensors of one size, by code."
    @spec unquote(:"apply_binary#{suffix}")(T.t(), T.t(), op_code, spv_path) :: result
    def unquote(:"apply_binary#{suffix}")(a, b, op, _spv_path) do
      attempt(fn ->
        Calls.fit!(Calls.bytes(a) == Calls.bytes(b))
        Calls.binary(op, Calls.as(a, unquote(Macro.escape(type))), Calls.as(b, unquote(Macro.escape(type))))
      end)
    end

    @doc "Elementwise op of a #{Nx.Type.to_string(type)} tensor, by code."
    @spec unquote(:"apply_unary#{suffix}")(T.t(), op_code, spv_path) :: result
    def unquote(:"apply_unary#{suffix}")(a, op, _spv_path),
      do: attempt(fn -> Calls.unary(op, Calls.as(a, unquote(Macro.escape(type)))) end)

    @doc "Reduces the middle axis of (outer, reduce, inner), #{Nx.Type.to_string(type)}: 0 sum, 1 max, 2 min."
    @spec unquote(:"reduce_axis#{suffix}")(T.t(), pos_integer, pos_integer, pos_integer, op_code, spv_path) :: result
    def unquote(:"reduce_axis#{suffix}")(a, outer, reduce, inner, op, _spv_path) do
      attempt(fn ->
        a = shaped(a, unquote(Macro.escape(type)), {outer, reduce, inner})
        [:sum, :max, :min] |> coded(op) |> Calls.reduce(a, [1]) |> Nx.flatten()
      end)
    end

    @doc """
    Elementwise op of two #{Nx.Type.to_string(type)} tensors that broadcast: shapes and strides are lists of which the first `ndim`
    count; a stride of 0 stretches its axis. The operands lie in row-major order, else the answer is `:bad_op`.
    """
    @spec unquote(:"apply_binary_broadcast#{suffix}")(
            T.t(),
            T.t(),
            op_code,
            1..4,
            [pos_integer],
            [non_neg_integer],
            [non_neg_integer],
            spv_path
          ) :: result
    def unquote(:"apply_binary_broadcast#{suffix}")(a, b, op, ndim, out_shape, a_strides, b_strides, _spv_path) do
      attempt(fn ->
        type = unquote(Macro.escape(type))
        out = Enum.take(out_shape, ndim)
        a = shaped(a, type, unstretched(out, Enum.take(a_strides, ndim)))
        b = shaped(b, type, unstretched(out, Enum.take(b_strides, ndim)))
        op |> Calls.binary(a, b) |> Nx.broadcast(List.to_tuple(out)) |> Nx.flatten()
      end)
    end
  end

  # A code is a place.
  defp coded(names, code), do: if(code in 0..2, do: Enum.at(names, code), else: Calls.refuse(:bad_op))

  # The shape of an operand from its strides: 1 where it is stretched.
  defp unstretched(out, strides) do
    shape = Enum.zip_with(out, strides, fn dim, stride -> if stride == 0, do: 1, else: dim end)
    if dense(shape) != Enum.zip_with(dense(shape), strides, &if(&2 == 0, do: &1, else: &2)), do: Calls.refuse(:bad_op)
    List.to_tuple(shape)
  end

  defp dense(shape) do
    {strides, _} = List.foldr(shape, {[], 1}, fn dim, {strides, size} -> {[size | strides], size * dim} end)
    strides
  end

  @doc "Reduces an f32 tensor to a number: 0 sum, 1 min, 2 max. `:nan`, `:infinity`, `:neg_infinity` stand for themselves."
  @spec reduce_scalar(T.t(), op_code, spv_path) :: {:ok, number | atom} | {:error, atom}
  def reduce_scalar(a, op, _spv_path) do
    attempt(fn ->
      [:sum, :min, :max] |> coded(op) |> Calls.reduce(Calls.as(a, {:f, 32}), [0]) |> Nx.to_number()
    end)
  end

  @doc "`m`×`k` times `k`×`n`, row-major f32."
  @spec matmul(T.t(), T.t(), pos_integer, pos_integer, pos_integer, spv_path) :: result
  def matmul(a, b, m, n, k, _spv_path) do
    attempt(fn -> shaped(a, {:f, 32}, {m, k}) |> Nx.dot(shaped(b, {:f, 32}, {k, n})) |> Nx.flatten() end)
  end

  @doc "As `matmul/6`: the node chooses its tiles itself."
  @spec matmul_v(T.t(), T.t(), pos_integer, pos_integer, pos_integer, term, term, spv_path) :: result
  def matmul_v(a, b, m, n, k, _tile_m, _tile_n, spv_path), do: matmul(a, b, m, n, k, spv_path)

  @doc "`m`×`n` to `n`×`m`, f32."
  @spec transpose(T.t(), pos_integer, pos_integer, spv_path) :: result
  def transpose(a, m, n, _spv_path),
    do: attempt(fn -> a |> shaped({:f, 32}, {m, n}) |> Nx.transpose() |> Nx.flatten() end)

  @doc "`n` elements to the float type of 4 or 8 bytes."
  @spec cast(T.t(), pos_integer, 4 | 8, spv_path) :: result
  def cast(a, n, out_bytes, _spv_path) do
    attempt(fn ->
      Calls.size!(n)
      Calls.fit!(Calls.bytes(a) in [n * 4, n * 8] and out_bytes in [4, 8])
      a |> Calls.as({:f, div(Calls.bytes(a), n) * 8}) |> Nx.as_type({:f, out_bytes * 8})
    end)
  end

  @doc "log(sum(exp(x))) over the middle axis of (outer, reduce, inner), f32, without overflow."
  @spec logsumexp(T.t(), pos_integer, pos_integer, pos_integer, spv_path) :: result
  def logsumexp(a, outer, reduce, inner, _spv_path),
    do: attempt(fn -> a |> shaped({:f, 32}, {outer, reduce, inner}) |> Nx.logsumexp(axes: [1]) |> Nx.flatten() end)

  @doc "`n` f32 values of `seed`: distribution 0 is uniform in [0, 1), 1 is standard normal. By `Nx.Random`."
  @spec random(pos_integer, integer, 0 | 1, spv_path) :: result
  def random(n, seed, distribution, _spv_path) do
    attempt(fn ->
      Calls.size!(n)

      # A key is made of 64 bits.
      if not (is_integer(seed) and seed >= -0x8000_0000_0000_0000 and seed <= 0xFFFF_FFFF_FFFF_FFFF),
        do: raise(ArgumentError, "a seed is an integer of 64 bits, got #{GpuNode.Options.show(seed)}")

      key = Nx.Random.key(seed)

      {values, _key} =
        case distribution do
          0 -> Nx.Random.uniform(key, shape: {n}, type: :f32)
          1 -> Nx.Random.normal(key, shape: {n}, type: :f32)
          _ -> Calls.refuse(:bad_op)
        end

      values
    end)
  end

  @doc "One to eight ops by code: a binary one combines what there is with `b`, a unary one (100 and up) changes it."
  @spec fused_chain(T.t(), T.t(), [op_code], spv_path) :: result
  def fused_chain(a, b, ops, spv_path) do
    with {:ok, _} <- attempt(fn -> Calls.list!(ops, "op codes") end),
         do: fused_chain_4(a, b, b, b, ops, List.duplicate(1, length(ops)), spv_path)
  end

  @doc "As `fused_chain/4`; `indices` says for each op which of `b`, `c`, `d` (1, 2, 3) it takes."
  @spec fused_chain_4(T.t(), T.t(), T.t(), T.t(), [op_code], [1..3], spv_path) :: result
  def fused_chain_4(a, b, c, d, ops, indices, _spv_path) do
    attempt(fn ->
      Calls.list!(ops, "op codes")
      Calls.list!(indices, "numbers from 1 to 3")

      if length(ops) not in 1..8 or length(indices) != length(ops) or Enum.any?(indices, &(&1 not in 1..3)),
        do: Calls.refuse(:bad_op)

      Calls.fit!(Enum.all?([b, c, d], &(Calls.bytes(&1) == Calls.bytes(a))))

      ops
      |> Enum.zip(indices)
      |> Enum.reduce(Calls.as(a, {:f, 32}), fn
        {op, _index}, value when op >= 100 -> Calls.unary(op - 100, value)
        {op, index}, value -> Calls.binary(op, value, [b, c, d] |> Enum.at(index - 1) |> Calls.as({:f, 32}))
      end)
    end)
  end

  @doc "½·p²·inv_mass, f32, summed over every 256 elements."
  @spec kinetic_energy(T.t(), T.t(), spv_path) :: result
  def kinetic_energy(p, inv_mass, _spv_path) do
    attempt(fn ->
      Calls.fit!(Calls.bytes(p) == Calls.bytes(inv_mass))
      p = Calls.as(p, {:f, 32})
      energy = p |> Nx.multiply(p) |> Nx.multiply(Calls.as(inv_mass, {:f, 32})) |> Nx.multiply(0.5)
      missing = Integer.mod(-Nx.size(energy), 256)
      energy = if missing == 0, do: energy, else: Nx.pad(energy, 0.0, [{0, missing, 0}])
      energy |> Nx.reshape({:auto, 256}) |> Nx.sum(axes: [1])
    end)
  end

  @doc "log N(x; mu, sigma) for each element, f32."
  @spec normal_logpdf(T.t(), T.t(), T.t(), spv_path) :: result
  def normal_logpdf(x, mu, sigma, _spv_path) do
    attempt(fn ->
      Calls.fit!(Calls.bytes(x) == Calls.bytes(mu) and Calls.bytes(x) == Calls.bytes(sigma))
      [x, mu, sigma] = Enum.map([x, mu, sigma], &Calls.as(&1, {:f, 32}))
      z = x |> Nx.subtract(mu) |> Nx.divide(sigma)
      half_log_2pi = 0.5 * :math.log(2 * :math.pi())
      z |> Nx.multiply(z) |> Nx.multiply(-0.5) |> Nx.subtract(Nx.log(sigma)) |> Nx.subtract(half_log_2pi)
    end)
  end

  @doc """
  `k` leapfrog steps in f32 by the SPIR-V file at `spv_path`, whose parameters are in its push constants: `n u32, K u32, eps f32`, then
  the family's (`Nx.Vulkan.ChainShaderSpecs.beta_push/6`, ...). `q`, `p` and `inv_mass` have `n` numbers each. Gives q, p and gradient of
  `k` rows and `k` log densities, flat; row i is the state after step i + 1.
  """
  @spec leapfrog_chain_synth(T.t(), T.t(), T.t(), binary, non_neg_integer, spv_path) ::
          {:ok, {T.t(), T.t(), T.t(), T.t()}} | {:error, atom}
  def leapfrog_chain_synth(q, p, inv_mass, push, k, spv_path) do
    attempt(fn ->
      node = with({:error, error} <- Placement.device(), do: raise(error)) |> elem(1)
      [q, p, inv_mass] = Enum.map([q, p, inv_mass], &Nx.to_binary(Calls.as(&1, {:f, 32})))

      case ChainDispatch.run_pushed(node, q, p, inv_mass, push, k, spv_path) do
        {:ok, {q, p, gradient, logp}} ->
          {Nx.from_binary(q, :f32), Nx.from_binary(p, :f32), Nx.from_binary(gradient, :f32), Nx.from_binary(logp, :f32)}

        {:error, reason} ->
          Calls.refuse(reason)

        {:error, reason, message} ->
          Logger.warning("Nx.Vulkan: #{message}")
          Calls.refuse(reason)
      end
    end)
  end

  @doc "Nothing: the node gives its pool back when something else needs the memory."
  @spec pool_clear() :: :ok
  def pool_clear, do: :ok

  @doc """
  The node's buffers: `hits` (used again), `misses` (allocated), `pooled_bytes`; `freed`, `size_classes` and `total_pooled` are nil,
  as the node does not count them.
  """
  @spec pool_stats() :: {:ok, map} | {:error, atom}
  def pool_stats do
    with {:ok, node, _capabilities} <- Placement.device(),
         {:ok, %{counters: counters, memory: memory}} <- GpuNode.stats(node) do
      {:ok,
       %{
         hits: counters.buffers_reused,
         misses: counters.allocations,
         pooled_bytes: memory.pooled_bytes,
         freed: nil,
         size_classes: nil,
         total_pooled: nil
       }}
    else
      {:error, error} -> {:error, Calls.atom(error, :no_device)}
    end
  end

  defp shaped(tensor, {_, bits} = type, shape) do
    shape |> Tuple.to_list() |> Enum.each(&Calls.size!/1)
    Calls.fit!(Calls.bytes(tensor) == Tuple.product(shape) * div(bits, 8))
    tensor |> Calls.as(type) |> Nx.reshape(shape)
  end

  defp attempt(otherwise \\ :dispatch_failed, fun) do
    with {:error, reason} <- Calls.run(fun), do: {:error, Calls.atom(reason, otherwise)}
  end
end

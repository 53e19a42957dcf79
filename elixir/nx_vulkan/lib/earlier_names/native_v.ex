defmodule Nx.Vulkan.NativeV do
  @moduledoc """
  Calls on buffers, under the names that existing code uses: an op reads buffers and writes one. There is no native code here: a
  buffer is an `Nx.Vulkan.Buffer`, and everything is computed by Nx on `Nx.Vulkan.Backend`. New code calls Nx.

  | call | what it is |
  | --- | --- |
  | `buf_upload/1`, `buf_alloc/1`, `buf_download/1`, `buf_upload_into/2`, `buf_byte_size/1` | bytes to and from a buffer |
  | `apply_binary/6`, `apply_binary_broadcast/8`, `apply_unary/5` | the codes of `Nx.Vulkan.Native`, binary 0 to 6, unary 0 to 12 |
  | `apply_compare/8`, `apply_select/8` | 0 `equal`, 1 `not_equal`, 2 `less`, 3 `less_equal`, 4 `greater`, 5 `greater_equal`; `Nx.select/3` |
  | `reduce_axis/7`, `matmul/7`, `matmul_batched/8`, `cast/4` | 0 `sum`, 1 `reduce_max`, 2 `reduce_min`; `Nx.dot`; `Nx.as_type/2` |
  | `transpose_2d/5`, `transpose_nd/6`, `reverse_nd/6`, `broadcast_nd/5`, `concat_buffers/1` | the moves of Nx |
  | `apply_slice/6`, `apply_put_slice/7`, `apply_pad/7` | `Nx.slice/4`, `Nx.put_slice/3`, `Nx.pad/3` |
  | `leapfrog_chain_synth/6`, `_f64/6`, `_batch/6`, `_batch_f64/6` | leapfrog steps by a SPIR-V file (`Nx.Vulkan.Synthesis`) |
  | `flush/0`, `device_name/0`, `device_supports_f64/0` | `GpuNode.sync/1`, the device |

  What Nx does with whole tensors is not here: gather, scatter, windows, FFT and convolution are `Nx.gather/3`, `Nx.indexed_add/4`,
  `Nx.window_max/3`, `Nx.fft/2`, `Nx.conv/3` on the backend.

  Buffers have no type. The sizes say whether elements are f32 or f64: the bytes of a buffer over the number of elements that a
  call names. `spv_path` arguments are taken and not read: the node generates the kernels of its ops itself, for shapes and types
  as they are. A `params` buffer of 32-bit integers is read back, which waits; calls without one do not wait.

  Errors: `{:error, :size_mismatch}`, `{:error, :bad_input}` (nothing to upload, no such op), and with what the node said
  `{:error, :vulkan_init_failed, message}` where no node can be had and `{:error, :dispatch_failed, message}` for everything else. As
  ops are not waited for, what fails on the node is an error of the download.
  """

  alias GpuNode.Error
  alias Nx.Vulkan.{Buffer, Calls, ChainDispatch, Native, Placement}

  @type failure :: {:error, :size_mismatch | :bad_input} | {:error, :vulkan_init_failed | :dispatch_failed, String.t()}
  @type done :: :ok | failure
  @type buffer :: Buffer.t()
  @type count :: pos_integer
  @type spv_path :: term

  ## Buffers

  @doc "A buffer of these bytes."
  @spec buf_upload(binary) :: {:ok, buffer} | failure
  def buf_upload(binary), do: made(fn -> Calls.from_bytes(binary, {:u, 32}) end)

  @doc "A buffer of so many zeros."
  @spec buf_alloc(count) :: {:ok, buffer} | failure
  def buf_alloc(bytes) when is_integer(bytes) and bytes > 0 do
    {type, size} = if rem(bytes, 4) == 0, do: {{:u, 32}, div(bytes, 4)}, else: {{:u, 8}, bytes}
    made(fn -> Nx.broadcast(Nx.tensor(0, type: type), {size}) end)
  end

  def buf_alloc(_bytes), do: {:error, :bad_input}

  @doc "The bytes of a buffer. Waits for what was written before."
  @spec buf_download(buffer) :: {:ok, binary} | failure
  def buf_download(buffer), do: value(fn -> buffer |> Buffer.tensor() |> Nx.to_binary() end)

  @spec buf_byte_size(buffer) :: count
  def buf_byte_size(%Buffer{bytes: bytes}), do: bytes

  @doc "Overwrites a buffer with as many bytes."
  @spec buf_upload_into(buffer, binary) :: done
  def buf_upload_into(buffer, binary) do
    write(buffer, fn ->
      Calls.fit!(byte_size(binary) == buffer.bytes)
      Calls.from_bytes(binary, {:u, 32})
    end)
  end

  @doc "One buffer after another, as a new one."
  @spec concat_buffers([buffer]) :: {:ok, buffer} | failure
  def concat_buffers([_ | _] = buffers) do
    type = if Enum.all?(buffers, &(rem(&1.bytes, 4) == 0)), do: {:u, 32}, else: {:u, 8}
    made(fn -> buffers |> Enum.map(&Calls.as(Buffer.tensor(&1), type)) |> Nx.concatenate() end)
  end

  def concat_buffers([]), do: {:error, :bad_input}

  @doc "Waits until everything that was called before is done."
  @spec flush() :: done
  def flush do
    with {:ok, node, _capabilities} <- Placement.device(),
         {:ok, _timing} <- GpuNode.sync(node) do
      :ok
    else
      {:error, error} -> failure(error)
    end
  end

  @doc "The device and its kind: `\"DiscreteGpu\"`, `\"IntegratedGpu\"`, or `\"Cpu\"` for a software driver."
  @spec device_name() :: {:ok, String.t(), String.t()} | failure
  def device_name do
    case Placement.device() do
      {:ok, _node, %{device: %{software: true} = device}} -> {:ok, device.name, "Cpu"}
      {:ok, _node, %{device: %{unified_memory: true} = device}} -> {:ok, device.name, "IntegratedGpu"}
      {:ok, _node, %{device: device}} -> {:ok, device.name, "DiscreteGpu"}
      {:error, error} -> failure(error)
    end
  end

  @spec device_supports_f64() :: {:ok, boolean}
  def device_supports_f64, do: {:ok, Native.has_f64()}

  ## Chains

  @typedoc "K rows of q, p and gradient for each chain, and K log densities."
  @type chains :: {:ok, {binary, binary, binary, binary}} | failure

  for {suffix, element, batch?, what} <- [
        {"", 4, false, "f32 leapfrog steps"},
        {"_f64", 8, false, "f64 leapfrog steps"},
        {"_batch", 4, true, "f32 leapfrog steps of several chains, one workgroup each"},
        {"_batch_f64", 8, true, "f64 leapfrog steps of several chains, one workgroup each"}
      ] do
    @doc """
    `k` #{what} by the SPIR-V file at `spv_path`, on binaries of little-endian floats.

    `push` begins `K u32, n_obs u32, d u32, #{if batch?, do: "chains", else: "0"} u32, eps f#{element * 8}`; #{4 * 4 + element} to 128 bytes, cut to what the module declares.
    `q` and `p` have `d` numbers, `extras` `n_obs` observations and then `d` of the inverse mass#{if batch?, do: ", all of them for one chain after another"}. Row i of a
    result is the state after step i + 1.

    `:size_mismatch`: `q` and `p` differ, `d` is 0, or there is less than the header says. `:bad_input`: `k` is 0 or not the header's, the push
    constants are too short or too long#{if batch?, do: ", no chains"}, or `d` is above 256 and the shader has one lane of 256 for each coordinate.
    """
    @spec unquote(:"leapfrog_chain_synth#{suffix}")(binary, binary, binary, binary, non_neg_integer, Path.t()) :: chains
    def unquote(:"leapfrog_chain_synth#{suffix}")(q, p, extras, push, k, spv_path) do
      case Placement.device() do
        {:ok, node, _capabilities} ->
          ChainDispatch.run(node, q, p, extras, push, k, spv_path, unquote(element), unquote(batch?))

        {:error, error} ->
          failure(error)
      end
    end
  end

  ## Elementwise

  @doc "`out` = a op b, `n` elements each."
  @spec apply_binary(buffer, buffer, buffer, count, 0..6, spv_path) :: done
  def apply_binary(out, a, b, n, op, _spv_path) when op in 0..6,
    do: write(out, fn -> Calls.binary(op, floats(a, n), floats(b, n)) end)

  def apply_binary(_out, _a, _b, _n, _op, _spv_path), do: {:error, :bad_input}

  @doc "As `apply_binary/6` with operands that broadcast; `params`: rank, then the shapes of out, a, b, four dimensions each."
  @spec apply_binary_broadcast(buffer, buffer, buffer, buffer, count, 1..4, 0..6, spv_path) :: done
  def apply_binary_broadcast(out, a, b, params, n, rank, op, _spv_path) when op in 0..6 do
    write(out, fn ->
      [to, left, right] = shapes(params, 1, rank, 3)
      Calls.fit!(Tuple.product(to) == n)
      op |> Calls.binary(floats(a, left), floats(b, right)) |> Nx.broadcast(to)
    end)
  end

  def apply_binary_broadcast(_out, _a, _b, _params, _n, _rank, _op, _spv_path), do: {:error, :bad_input}

  @doc "`out` = op a, `n` elements."
  @spec apply_unary(buffer, buffer, count, 0..12, spv_path) :: done
  def apply_unary(out, a, n, op, _spv_path) when op in 0..12, do: write(out, fn -> Calls.unary(op, floats(a, n)) end)
  def apply_unary(_out, _a, _n, _op, _spv_path), do: {:error, :bad_input}

  @comparisons ~w(equal not_equal less less_equal greater greater_equal)a

  @doc "`out` = a op b as bytes of 0 and 1, padded to a multiple of four; `params` as in `apply_binary_broadcast/8`."
  @spec apply_compare(buffer, buffer, buffer, buffer, count, 1..4, 0..5, spv_path) :: done
  def apply_compare(out, a, b, params, n, rank, op, _spv_path) when op in 0..5 do
    write(out, fn ->
      [to, left, right] = shapes(params, 1, rank, 3)
      Calls.fit!(Tuple.product(to) == n and out.bytes >= n)
      mask = apply(Nx, Enum.at(@comparisons, op), [floats(a, left), floats(b, right)])
      mask = mask |> Nx.broadcast(to) |> Nx.flatten()
      if out.bytes == n, do: mask, else: Nx.concatenate([mask, zeros(out.bytes - n)])
    end)
  end

  def apply_compare(_out, _a, _b, _params, _n, _rank, _op, _spv_path), do: {:error, :bad_input}

  @doc "`out` = pred ? t : f; `pred` is bytes; `params`: rank, then the shapes of out, pred, t, f, four dimensions each."
  @spec apply_select(buffer, buffer, buffer, buffer, buffer, count, 1..4, spv_path) :: done
  def apply_select(out, pred, on_true, on_false, params, n, rank, _spv_path) do
    write(out, fn ->
      [to, mask, left, right] = shapes(params, 1, rank, 4)
      # The mask may be padded to whole words.
      Calls.fit!(Tuple.product(to) == n and pred.bytes >= Tuple.product(mask))
      bytes = pred |> Buffer.tensor() |> Calls.as({:u, 8})
      bytes = if pred.bytes == Tuple.product(mask), do: bytes, else: Nx.slice(bytes, [0], [Tuple.product(mask)])

      bytes
      |> Nx.reshape(mask)
      |> Nx.broadcast(to)
      |> Nx.select(Nx.broadcast(floats(on_true, left), to), Nx.broadcast(floats(on_false, right), to))
    end)
  end

  @doc "`n` floats from the width of `a` to that of `out`."
  @spec cast(buffer, buffer, count, spv_path) :: done
  def cast(out, a, n, _spv_path), do: write(out, fn -> a |> floats(n) |> Nx.as_type(float(out.bytes, n)) end)

  ## Reductions and products

  @doc "Reduces the middle axis of (outer, reduce, inner): 0 sum, 1 max, 2 min."
  @spec reduce_axis(buffer, buffer, count, count, count, 0..2, spv_path) :: done
  def reduce_axis(out, a, outer, reduce, inner, op, _spv_path) when op in 0..2,
    do: write(out, fn -> [:sum, :max, :min] |> Enum.at(op) |> Calls.reduce(floats(a, {outer, reduce, inner}), [1]) end)

  def reduce_axis(_out, _a, _outer, _reduce, _inner, _op, _spv_path), do: {:error, :bad_input}

  @doc "`m`×`k` times `k`×`n`, row-major."
  @spec matmul(buffer, buffer, buffer, count, count, count, spv_path) :: done
  def matmul(out, a, b, m, n, k, _spv_path),
    do: write(out, fn -> Nx.dot(floats(a, {m, k}), floats(b, {k, n})) end)

  @doc "`batch` products of `m`×`k` and `k`×`n`."
  @spec matmul_batched(buffer, buffer, buffer, count, count, count, count, spv_path) :: done
  def matmul_batched(out, a, b, batch, m, n, k, _spv_path),
    do: write(out, fn -> Nx.dot(floats(a, {batch, m, k}), [2], [0], floats(b, {batch, k, n}), [1], [0]) end)

  ## Moves

  @doc "`m`×`n` to `n`×`m`."
  @spec transpose_2d(buffer, buffer, count, count, spv_path) :: done
  def transpose_2d(out, a, m, n, _spv_path), do: write(out, fn -> a |> words({m, n}) |> Nx.transpose() end)

  @doc "Output axis d is input axis perm[d]; `params`: rank, the shape, that of out, perm, four integers each."
  @spec transpose_nd(buffer, buffer, buffer, count, 1..4, spv_path) :: done
  def transpose_nd(out, a, params, _n, rank, _spv_path) do
    write(out, fn ->
      [from, _to, axes] = shapes(params, 1, rank, 3)
      a |> words(from) |> Nx.transpose(axes: Tuple.to_list(axes))
    end)
  end

  @doc "Reverses the axes that have a 1; `params`: rank, the shape, a flag for each axis, four integers each."
  @spec reverse_nd(buffer, buffer, buffer, count, 1..4, spv_path) :: done
  def reverse_nd(out, a, params, _n, rank, _spv_path) do
    write(out, fn ->
      [shape, flags] = shapes(params, 1, rank, 2)
      axes = for axis <- 0..(rank - 1), elem(flags, axis) == 1, do: axis
      a |> words(shape) |> Nx.reverse(axes: axes)
    end)
  end

  @doc "Input axis i becomes output axis axes[i]; `params`: rank of out, of a, then out, a, axes, four integers each."
  @spec broadcast_nd(buffer, buffer, buffer, count, spv_path) :: done
  def broadcast_nd(out, a, params, _n, _spv_path) do
    write(out, fn ->
      [out_rank, in_rank | rest] = integers(params)
      [to, from, axes] = rest |> Enum.chunk_every(4) |> Enum.take(3)
      shape = from |> Enum.take(in_rank) |> List.to_tuple()
      a |> words(shape) |> Nx.broadcast(to |> Enum.take(out_rank) |> List.to_tuple(), axes: Enum.take(axes, in_rank))
    end)
  end

  @doc "`params`: rank, words of an element, the shape, that of out, starts, strides, four integers each."
  @spec apply_slice(buffer, buffer, buffer, count, 1..4, spv_path) :: done
  def apply_slice(out, a, params, _n, rank, _spv_path) do
    write(out, fn ->
      [from, to, starts, strides] = params |> shapes(2, rank, 4) |> Enum.map(&Tuple.to_list/1)
      lengths = Enum.zip_with(to, strides, fn dim, stride -> (dim - 1) * stride + 1 end)
      a |> words(List.to_tuple(from)) |> Nx.slice(starts, lengths, strides: strides)
    end)
  end

  @doc "`out` = a with the slice in it; `params`: rank, words of an element, the shape, that of the slice, starts, four each."
  @spec apply_put_slice(buffer, buffer, buffer, buffer, count, 1..4, spv_path) :: done
  def apply_put_slice(out, a, slice, params, _n, rank, _spv_path) do
    write(out, fn ->
      [shape, small, starts] = shapes(params, 2, rank, 3)
      a = words(a, shape)
      Nx.put_slice(a, Tuple.to_list(starts), slice |> Buffer.tensor() |> Calls.as(a.type) |> Nx.reshape(small))
    end)
  end

  @doc "`params`: rank, words of an element, the shape, that of out, low, interior, four each; `value` is one element."
  @spec apply_pad(buffer, buffer, buffer, buffer, count, 1..4, spv_path) :: done
  def apply_pad(out, a, params, value, _n, rank, _spv_path) do
    write(out, fn ->
      [from, to, low, interior] = params |> shapes(2, rank, 4) |> Enum.map(&Tuple.to_list/1)
      a = words(a, List.to_tuple(from))

      padding =
        Enum.zip_with([from, to, low, interior], fn [size, wanted, low, interior] ->
          {low, wanted - low - size - (size - 1) * interior, interior}
        end)

      Nx.pad(a, value |> Buffer.tensor() |> Calls.as(a.type) |> Nx.reshape({}), padding)
    end)
  end

  ## Operands

  # |n| is a number of elements or a shape.
  defp floats(buffer, n) when is_integer(n), do: buffer |> Buffer.tensor() |> Calls.as(float(buffer.bytes, n))
  defp floats(buffer, shape), do: buffer |> floats(Tuple.product(shape)) |> Nx.reshape(shape)

  defp float(bytes, n) when bytes == 4 * n, do: {:f, 32}
  defp float(bytes, n) when bytes == 8 * n, do: {:f, 64}
  defp float(_bytes, _n), do: Calls.refuse(:size_mismatch)

  # What only moves keeps its bits, whatever they are.
  defp words(buffer, shape) do
    n = Tuple.product(shape)
    Calls.fit!(buffer.bytes in [n, 2 * n, 4 * n, 8 * n])
    tensor = Buffer.tensor(buffer)
    bits = div(buffer.bytes, n) * 8
    type = if elem(tensor.type, 1) == bits, do: tensor.type, else: {:u, bits}
    tensor |> Calls.as(type) |> Nx.reshape(shape)
  end

  defp integers(params), do: params |> Buffer.tensor() |> Calls.as({:s, 32}) |> Nx.to_flat_list()

  # |count| shapes of |rank| in slots of four, behind |skip| numbers.
  defp shapes(params, skip, rank, count) do
    slots = params |> integers() |> Enum.drop(skip) |> Enum.chunk_every(4) |> Enum.take(count)
    Calls.fit!(length(slots) == count and rank in 1..4)
    Enum.map(slots, &(&1 |> Enum.take(rank) |> List.to_tuple()))
  end

  defp zeros(bytes), do: Nx.broadcast(Nx.tensor(0, type: {:u, 8}), {bytes})

  ## Results

  defp made(fun), do: with({:ok, tensor} <- value(fun), do: {:ok, Buffer.new(tensor)})

  defp write(out, fun), do: with({:ok, tensor} <- value(fun), do: Buffer.put(out, tensor))

  defp value(fun) do
    case Calls.run(fun) do
      {:error, :bad_op} -> {:error, :bad_input}
      {:error, %Error{} = error} -> failure(error)
      result -> result
    end
  end

  defp failure(%Error{code: :not_found, node: nil, message: message}), do: {:error, :vulkan_init_failed, message}
  defp failure(%Error{} = error), do: {:error, :dispatch_failed, Exception.message(error)}
end

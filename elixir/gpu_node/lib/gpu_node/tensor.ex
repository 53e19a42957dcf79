defmodule GpuNode.Tensor do
  @moduledoc """
  A tensor on a GPU node: a handle. The data stays there until it is read; the handle may be kept, copied and sent like any term.

  When the last copy of the handle in this VM is collected, the tensor is freed. A handle outlives neither its node's process
  (`incarnation`) nor the connection to it (`session`): afterwards it is `:stale`.

  ## On other VMs

  A handle that is sent to another VM (a message, `:erpc`, `GenServer.call`) works there, if that VM is attached to the same GPU node. Its first
  use attaches the tensor, which takes a request; the attachment goes when every process that used it is dead, when none has used it for
  `:attached_ms` (an option of `GpuNode.start_link/1`), or with `free/1`. A later use attaches it again, if it is still there.

  The collector of the VM that made a tensor knows nothing of copies elsewhere. So what it collects stays on the node for `:grace_ms`, in which the
  receiver must have used it once; after that it is `:not_found`. Large tensors (above a sixteenth of the node's memory) have no grace. To
  be safe without any hurry, keep the handle until the receiver has answered. A receiver that keeps a handle calls `attach/2`, and then has one of its own.

  Fields: `node`, `incarnation`, `session`, `id`, `type` (`{:f, 32}`), `shape` (a tuple), `ref` (what the collector watches).
  """

  alias GpuNode.{
    Argument,
    Attachments,
    Client,
    Element,
    Error,
    Link,
    Options,
    Pressure,
    Protocol,
    Shape,
    Text,
    Transfer,
    Type
  }

  @enforce_keys [:node, :incarnation, :session, :id, :type, :shape, :ref]
  defstruct @enforce_keys

  @type t :: %__MODULE__{
          node: node,
          incarnation: non_neg_integer,
          session: pos_integer,
          id: Protocol.id(),
          type: Type.t(),
          shape: tuple,
          ref: reference
        }

  @bulk_timeout [type: :timeout, doc: "in ms; default that of the node, and a second for every 64 MiB"]
  @limit [
    type: {:or, [:non_neg_integer, {:in, [:infinity]}]},
    default: :infinity,
    doc: "only the first so many elements"
  ]
  @upload [timeout: @bulk_timeout]
  @read [limit: @limit, timeout: @bulk_timeout]
  @number [timeout: @bulk_timeout]
  @stream [
    slice_bytes: [
      type: :pos_integer,
      default: 64 * 1024 * 1024,
      doc: "of a binary, rounded down to whole elements, one at least"
    ],
    timeout: [type: :timeout, doc: "of each slice, in ms; default that of the node, and a second for every 64 MiB"]
  ]
  @attach [timeout: [type: :timeout, doc: "in ms; default that of the node"]]

  # Answers up to this size come over the control connection, through the session.
  @small_bytes 65_536

  # Extra time that an upload or a download without :timeout has, per byte: 64 MiB a second at worst.
  @bytes_per_ms 64 * 1024

  @doc """
  Makes a tensor of `binary`, which is laid out as Nx has it: row-major, little-endian, types below 8 bits packed.

  Up to 64 KiB this is one message and errors come when the tensor is read; larger data has arrived when this returns. Options:

  #{Options.docs(@upload)}

  Errors: `:invalid_argument` (size, type or shape), `:out_of_memory`, `:quota`, `:deadline`, `:node_down`.
  """
  @spec from_binary(atom, bitstring, Type.t() | atom, tuple, keyword) :: {:ok, t} | {:error, Error.t()}
  def from_binary(node, binary, type, shape, options \\ []) do
    with {:ok, options} <- Options.check(options, @upload, "GpuNode.Tensor.from_binary/5"),
         {:ok, link} <- Link.fetch(node),
         {:ok, type} <- check_data(binary, type, shape, link.node),
         bytes = Element.unpack(binary, type),
         deadline = bulk_deadline(link, byte_size(bytes), options),
         {:ok, session} <- Client.session(link, deadline) do
      put(link, session, bytes, type, shape, deadline)
    end
  end

  @doc "As `from_binary/5`, raising `GpuNode.Error`."
  @spec from_binary!(atom, bitstring, Type.t() | atom, tuple, keyword) :: t
  def from_binary!(node, binary, type, shape, options \\ []),
    do: node |> from_binary(binary, type, shape, options) |> Error.unwrap!()

  defp put(link, session, bytes, type, shape, deadline) do
    if byte_size(bytes) <= Link.get(link, :inline_bytes) do
      tensor = new(link, session, type, shape)
      command = Protocol.alloc(tensor.id, type, shape, bytes)
      with :ok <- Client.command(link, session, command, byte_size(bytes), deadline), do: {:ok, tensor}
    else
      with {:error, %{code: :out_of_memory}} <- upload(link, session, bytes, type, shape, deadline) do
        # What processes of this VM have let go of may still be there.
        Pressure.relieve(link, :now)
        upload(link, session, bytes, type, shape, deadline)
      end
    end
  end

  defp upload(link, session, bytes, type, shape, deadline) do
    tensor = new(link, session, type, shape)

    case Transfer.upload(link, session, tensor.id, {type, shape}, bytes, deadline) do
      {:ok, _bytes} ->
        {:ok, tensor}

      {:error, _} = error ->
        Client.free(link, tensor.ref, tensor.id)
        error
    end
  end

  @doc """
  A tensor from (nested lists of) numbers: `from_list(:gpu0, [[1, 2], [3, 4]], :f32)`. Errors as `from_binary/5`. Options:

  #{Options.docs(@upload)}
  """
  @spec from_list(atom, list | Element.value(), Type.t() | atom, keyword) :: {:ok, t} | {:error, Error.t()}
  def from_list(node, list, type, options \\ []) do
    with {:ok, options} <- Options.check(options, @upload, "GpuNode.Tensor.from_list/4"),
         {:ok, type} <- normalize(type, nil),
         {:ok, shape} <- list_shape(list),
         {:ok, bytes} <- encode(list, type) do
      from_binary(node, Element.pack(bytes, type), type, shape, options)
    end
  end

  @doc "As `from_list/4`, raising `GpuNode.Error`."
  @spec from_list!(atom, list | Element.value(), Type.t() | atom, keyword) :: t
  def from_list!(node, list, type, options \\ []), do: node |> from_list(list, type, options) |> Error.unwrap!()

  defp list_shape(list) do
    with :error <- Shape.of_lists(list),
         do: {:error, Error.new(:invalid_argument, "the lists of a tensor must be of the same length at every depth")}
  end

  defp encode(list, type) do
    with {:error, value} <- Element.encode_all(list, type),
         do: {:error, Error.new(:invalid_argument, "#{inspect(value)} is not a #{Type.name(type)}")}
  end

  @doc """
  The bytes of a tensor, as `from_binary/5` takes them. Waits for everything issued before. Options:

  #{Options.docs(@read)}

  Errors: the first one of the ops that made it, `:stale`, `:not_found` (freed), `:deadline`, `:node_down`.
  """
  @spec to_binary(t, keyword) :: {:ok, bitstring} | {:error, Error.t()}
  def to_binary(tensor, options \\ []) do
    with :ok <- own(tensor, "GpuNode.Tensor.to_binary/2"),
         {:ok, options} <- Options.check(options, @read, "GpuNode.Tensor.to_binary/2"),
         {:ok, bytes} <- wire(tensor, options),
         do: {:ok, Element.pack(bytes, tensor.type)}
  end

  @doc "As `to_binary/2`, raising `GpuNode.Error`."
  @spec to_binary!(t, keyword) :: bitstring
  def to_binary!(tensor, options \\ []), do: tensor |> to_binary(options) |> Error.unwrap!()

  defp wire(tensor, options) do
    limit = min(Keyword.get(options, :limit, :infinity), Shape.size(tensor.shape))
    size = limit * Type.wire_bytes(tensor.type)
    with {:ok, link} <- Link.fetch(tensor.node), do: slice(link, tensor, 0, size, bulk_deadline(link, size, options))
  end

  defp slice(link, tensor, offset, size, deadline) do
    with {:ok, session, id} <- Attachments.locate(link, tensor, deadline) do
      result = Attachments.holding(link, tensor, session, fn -> read(link, session, id, offset, size, deadline) end)
      Client.keep(tensor)
      result
    end
  end

  defp read(link, session, id, offset, size, deadline) when size <= @small_bytes do
    with {:ok, binary, _timing} <- Client.request(link, session, deadline, Protocol.download(id, offset, size)),
         do: {:ok, binary}
  end

  defp read(link, session, id, offset, size, deadline),
    do: Transfer.download(link, session, id, offset, size, deadline)

  @doc """
  The bytes of a tensor as a stream of binaries, for what is too big to hold. Types of 8 bits or more only. Raises `GpuNode.Error` while it
  is read, and at once for what is no option. Options:

  #{Options.docs(@stream)}
  """
  @spec stream_binary(t, keyword) :: Enumerable.t()
  def stream_binary(tensor, options \\ []) do
    tensor |> own("GpuNode.Tensor.stream_binary/2") |> Error.unwrap!()
    options = Options.check!(options, @stream, "GpuNode.Tensor.stream_binary/2")
    size = byte_size_of(tensor)
    unit = Type.wire_bytes(tensor.type)
    slice_bytes = max(div(options[:slice_bytes], unit), 1) * unit

    Stream.map(0..(size - 1)//slice_bytes, fn offset ->
      with :ok <- check(not Type.packed?(tensor.type), "packed types are read whole"),
           {:ok, link} <- Link.fetch(tensor.node) do
        now = min(slice_bytes, size - offset)
        slice(link, tensor, offset, now, bulk_deadline(link, now, options))
      end
      |> Error.unwrap!()
    end)
  end

  @doc """
  The elements in nested lists, a number for a scalar. `:nan`, `:infinity`, `:neg_infinity` stand for themselves; complex numbers
  are `{real, imaginary}`. Errors as `to_binary/2`. Options:

  #{Options.docs(@read)}
  """
  @spec to_list(t, keyword) :: {:ok, list | Element.value()} | {:error, Error.t()}
  def to_list(tensor, options \\ []) do
    with :ok <- own(tensor, "GpuNode.Tensor.to_list/2"),
         {:ok, options} <- Options.check(options, @read, "GpuNode.Tensor.to_list/2"),
         {:ok, bytes} <- wire(tensor, options),
         do: {:ok, bytes |> Element.decode_all(tensor.type) |> nest(Tuple.to_list(tensor.shape))}
  end

  @doc "As `to_list/2`, raising `GpuNode.Error`."
  @spec to_list!(t, keyword) :: list | Element.value()
  def to_list!(tensor, options \\ []), do: tensor |> to_list(options) |> Error.unwrap!()

  @doc false
  # Elements in row-major order, as lists of these lengths.
  @spec nest([Element.value()], [non_neg_integer]) :: list | Element.value()
  def nest([value], []), do: value
  def nest(values, [_]), do: values

  def nest(values, [count | dims]) do
    case Enum.product(dims) do
      0 -> List.duplicate(nest([], dims), count)
      size -> values |> Enum.chunk_every(size) |> Enum.map(&nest(&1, dims))
    end
  end

  @doc """
  The number in a tensor of one element. Errors as `to_binary/2`, and `:invalid_argument` when it has more or fewer. Options:

  #{Options.docs(@number)}
  """
  @spec to_number(t, keyword) :: {:ok, Element.value()} | {:error, Error.t()}
  def to_number(tensor, options \\ []) do
    with :ok <- own(tensor, "GpuNode.Tensor.to_number/2"),
         {:ok, options} <- Options.check(options, @number, "GpuNode.Tensor.to_number/2"),
         :ok <- check(Shape.size(tensor.shape) == 1, "#{text(tensor)} is not one number"),
         {:ok, bytes} <- wire(tensor, options),
         do: {:ok, bytes |> Element.decode_all(tensor.type) |> hd()}
  end

  @doc "As `to_number/2`, raising `GpuNode.Error`."
  @spec to_number!(t, keyword) :: Element.value()
  def to_number!(tensor, options \\ []), do: tensor |> to_number(options) |> Error.unwrap!()

  @doc """
  A handle of this VM for a tensor that another VM made: the tensor stays as long as this handle, whatever becomes of the first one. A
  handle that is of this VM already is returned as it is. Options:

  #{Options.docs(@attach)}

  Errors: `:not_found` (freed, or let go of too long ago), `:stale` (its maker's session or the node's process is gone), `:deadline`,
  `:node_down`.
  """
  @spec attach(t, keyword) :: {:ok, t} | {:error, Error.t()}
  def attach(tensor, options \\ []) do
    with :ok <- own(tensor, "GpuNode.Tensor.attach/2"),
         {:ok, options} <- Options.check(options, @attach, "GpuNode.Tensor.attach/2"),
         {:ok, link} <- Link.fetch(tensor.node),
         deadline = Client.deadline(link, options),
         {:ok, session} <- Client.session(link, deadline) do
      if tensor.session == session and Client.watched?(link, tensor.ref),
        do: {:ok, tensor},
        else: attach(link, session, tensor, deadline)
    end
  end

  @doc "As `attach/2`, raising `GpuNode.Error`."
  @spec attach!(t, keyword) :: t
  def attach!(tensor, options \\ []), do: tensor |> attach(options) |> Error.unwrap!()

  defp attach(link, session, tensor, deadline) do
    attached = new(link, session, tensor.type, tensor.shape)

    with {:error, _} = error <- Attachments.attach(link, session, attached.id, tensor, deadline) do
      Client.free(link, attached.ref, attached.id)
      error
    else
      :ok -> {:ok, attached}
    end
  end

  @doc """
  Frees the tensor now, for every holder of the handle in this VM and, on the VM that made it, for all that have not attached it. On
  another VM only that one's attachment goes. `:already` when that was done before, or when its session is gone. Raises `GpuNode.Error` for
  what is no tensor.
  """
  @spec free(t) :: :ok | :already
  def free(tensor) do
    tensor |> own("GpuNode.Tensor.free/1") |> Error.unwrap!()

    case Link.fetch(tensor.node) do
      {:ok, link} -> free(link, Link.get(link, :session), tensor)
      {:error, _} -> :already
    end
  end

  defp free(link, session, %{session: session} = tensor), do: Client.free(link, tensor.ref, tensor.id)
  defp free(link, session, tensor), do: Attachments.drop(link, session, tensor)

  @doc "Bytes of the tensor on the node and on the wire."
  @spec byte_size_of(t) :: non_neg_integer
  def byte_size_of(tensor) do
    tensor |> own("GpuNode.Tensor.byte_size_of/1") |> Error.unwrap!()
    Shape.size(tensor.shape) * Type.wire_bytes(tensor.type)
  end

  @doc false
  # A handle under a new id, of a tensor that a command is about to make.
  @spec new(Link.t(), pos_integer, Type.t(), tuple) :: t
  def new(link, session, type, shape), do: new(link, session, Link.next_id(link), type, shape)

  @doc false
  @spec new(Link.t(), pos_integer, Protocol.id(), Type.t(), tuple) :: t
  def new(link, session, id, type, shape) do
    %__MODULE__{
      node: link.node,
      incarnation: Link.get(link, :incarnation),
      session: session,
      id: id,
      type: type,
      shape: shape,
      ref: Client.handle(link, id, Shape.size(shape) * Type.wire_bytes(type))
    }
  end

  defp check_data(binary, type, shape, node) do
    with {:ok, type} <- normalize(type, node),
         :ok <- check_shape(shape, node) do
      want = Shape.size(shape) * elem(type, 1)
      got = if is_bitstring(binary), do: bit_size(binary), else: -1

      if got == want do
        {:ok, type}
      else
        text =
          if got < 0,
            do:
              "#{Type.text(type, shape)} takes a binary of #{Text.count(div(want + 7, 8), "byte")}, got #{inspect(binary, limit: 5)}",
            else:
              "#{Type.text(type, shape)} takes #{Text.count(div(want + 7, 8), "byte")} (#{Text.count(want, "bit")}), " <>
                "got #{Text.count(div(got + 7, 8), "byte")} (#{Text.count(got, "bit")})"

        {:error, Error.new(:invalid_argument, text, node)}
      end
    end
  end

  defp normalize(type, node) do
    with :error <- Type.normalize(type),
         do: {:error, Error.new(:invalid_argument, "#{inspect(type)} is not a type", node)}
  end

  defp check_shape(shape, node) do
    with {:error, text} <- Shape.check(shape), do: {:error, Error.new(:invalid_argument, text, node)}
  end

  defp own(%__MODULE__{}, _function), do: :ok
  defp own(other, function), do: Argument.check(other, {:struct, __MODULE__}, "tensor", function)

  defp check(true, _text), do: :ok
  defp check(false, text), do: {:error, Error.new(:invalid_argument, text)}

  defp text(tensor), do: Type.text(tensor.type, tensor.shape)

  defp bulk_deadline(link, bytes, options),
    do: Client.deadline(link, Keyword.put_new(options, :timeout, link.timeout + div(bytes, @bytes_per_ms)))

  defimpl Inspect do
    def inspect(tensor, _options) do
      "#GpuNode.Tensor<#{GpuNode.Type.text(tensor.type, tensor.shape)} #{tensor.node} ##{tensor.id}>"
    end
  end
end

defmodule GpuNode.Protocol do
  @moduledoc """
  The wire terms, version 2: the only module that builds or reads them. `cnode/PROTOCOL.md` is the page they are from.

  Requests are built without session and options where the caller makes them (`{:sync, ids}`), and completed by `request/3`
  where the session is known.
  """

  alias GpuNode.{Error, Op, Type}
  require Type

  @version 2
  @name :gpu_node
  @max_message_bytes 0x7FFF_0000
  @least_integer -0x8000_0000_0000_0000
  @most_integer 0xFFFF_FFFF_FFFF_FFFF

  @typedoc "The name of a tensor on the node: 0 or more, or negative inside one program."
  @type id :: integer
  @type command :: tuple
  @type literal :: {atom, GpuNode.Element.value()}
  @typedoc "A request as a caller of this VM states it, before the session is known."
  @type request ::
          :ping
          | :stats
          | {:heartbeat}
          | {:close}
          | {:sync, [id]}
          | {:download, id, non_neg_integer, integer}
          | {:upload_open, id, Type.t(), tuple}
          | {:attach, id, pos_integer, id}
          | {:compile_family, id, atom | binary, map, map}
          | {:chain, id, map, [id], map}
          | {:sample, id, [id], map}
          | {:compile_glsl, binary}
          | {:load_spirv, binary}
          | {:dispatch_spirv, binary, [shader_buffer], binary, groups}
          | {:save_pipelines}
          | {:explain_program, id, map}

  @typedoc "What a shader's binding is: bytes, a tensor, bytes that the reply has, or a tensor that is made."
  @type shader_buffer :: binary | id | {:out, pos_integer} | {:out, id, Type.t(), tuple}
  @type groups :: {pos_integer, pos_integer, pos_integer}

  @doc "The registered name under which a node takes control messages and upload chunks."
  @spec name() :: atom
  def name, do: @name

  @spec version() :: pos_integer
  def version, do: @version

  @doc "The bulk name of a node, before `describe` has said it: `gpu0@host` has `gpu0_bulk@host`."
  @spec bulk_node(node) :: node
  def bulk_node(node) do
    [alive, host] = node |> Atom.to_string() |> String.split("@", parts: 2)
    :"#{alive}_bulk@#{host}"
  end

  ## Commands

  @doc "An instruction with its results."
  @spec instruction(atom, [{id, Type.t(), tuple}], [id | literal], map) :: command
  def instruction(op, results, operands, attributes),
    do: {op, for({id, type, shape} <- results, do: {id, Type.name(type), shape}), operands, attributes}

  @doc "About how many bytes a long list of operands takes in a message; 0 for a short one."
  @spec operand_bytes([id | literal]) :: non_neg_integer
  def operand_bytes([_, _, _, _, _, _, _, _ | _] = operands), do: 12 * length(operands)
  def operand_bytes(_operands), do: 0

  @doc "A number of an element type, or `{real, imaginary}`. Integers wrap into integer types, as values do on the node."
  @spec literal(Type.t(), GpuNode.Element.value()) :: literal
  def literal({:s, bits} = type, number) when is_integer(number) do
    <<wrapped::signed-size(bits)>> = <<number::size(bits)>>
    {Type.name(type), wrapped}
  end

  def literal({:u, bits} = type, number) when is_integer(number) do
    <<wrapped::size(bits)>> = <<number::size(bits)>>
    {Type.name(type), wrapped}
  end

  def literal({:c, size} = type, {re, im}) do
    part = {:f, div(size, 2)}
    {Type.name(type), {part |> literal(re) |> elem(1), part |> literal(im) |> elem(1)}}
  end

  # The wire's integers have 64 bits; a float rounds larger ones anyway.
  def literal(type, number) when is_integer(number) and (number > @most_integer or number < @least_integer),
    do: {Type.name(type), to_float(number)}

  def literal(type, number), do: {Type.name(type), number}

  defp to_float(number) do
    number * 1.0
  rescue
    ArithmeticError -> if number > 0, do: :infinity, else: :neg_infinity
  end

  @doc "A tensor of zeros, or of the wire bytes `binary` (at most the node's `inline_bytes`)."
  @spec alloc(id, Type.t(), tuple, binary | nil) :: command
  def alloc(id, type, shape, binary \\ nil)
  def alloc(id, type, shape, nil), do: {:alloc, id, Type.name(type), shape}
  def alloc(id, type, shape, binary), do: {:alloc, id, Type.name(type), shape, binary}

  @doc "Makes `id` a program of these inputs and instructions, whose outputs are the locals `outputs`."
  @spec compile_program(id, [{Type.t(), tuple}], [command], [id], [body], map) :: command
  def compile_program(id, inputs, instructions, outputs, bodies \\ [], options \\ %{}) do
    {inputs, instructions, outputs, bodies} = body(inputs, instructions, outputs, bodies)

    if options == %{},
      do: {:compile_program, id, inputs, instructions, outputs, bodies},
      else: {:compile_program, id, inputs, instructions, outputs, bodies, options}
  end

  @typedoc "What an instruction repeats: a program in a program."
  @type body :: {[{atom, tuple}], [command], [id], [body]}

  @doc "A body of a program."
  @spec body([{Type.t(), tuple}], [command], [id], [body]) :: body
  def body(inputs, instructions, outputs, bodies),
    do: {for({type, shape} <- inputs, do: {Type.name(type), shape}), instructions, outputs, bodies}

  @doc "Runs the node's program `id`; its outputs become `results`."
  @spec run_program(id, [id | literal], [id]) :: command
  def run_program(id, inputs, results), do: {:run_program, id, inputs, results}

  @doc "Drops tensors at once."
  @spec free([id]) :: command
  def free(ids), do: {:free, ids}

  @doc "Drops tensors whose handles were collected: the node keeps for a while what another VM may have been sent."
  @spec release([id]) :: command
  def release(ids), do: {:release, ids}

  @doc "The cast that carries `commands`; it is acknowledged with `seq`."
  @spec run(integer, non_neg_integer, [command]) :: tuple
  def run(session, seq, commands), do: {:run, session, seq, commands}

  @doc """
  An upload chunk, answered `{tag, :ok}` to the calling process. A message of 2^31 bytes or more would end this VM, so no
  chunk may come near it.
  """
  @spec upload(integer, id, non_neg_integer, term, binary) :: tuple
  def upload(session, id, offset, tag, chunk) when byte_size(chunk) < @max_message_bytes,
    do: {:upload, session, id, offset, {self(), tag}, chunk}

  @doc "A pattern: the node has carried out the `run` cast with `seq`."
  defmacro ack(session, seq), do: quote(do: {:gpu_node_ack, unquote(session), unquote(seq)})

  @doc "A pattern: how far the request with `tag` is."
  defmacro progress(tag, report), do: quote(do: {:gpu_node_progress, unquote(tag), unquote(report)})

  ## Requests

  @doc "Asks for everything before it to be done, and for the first error among `ids`."
  @spec sync([id]) :: request
  def sync(ids), do: {:sync, ids}

  @doc "Asks for `size` bytes of a tensor from byte `offset`."
  @spec download(id, non_neg_integer, non_neg_integer) :: request
  def download(id, offset, size), do: {:download, id, offset, size}

  @doc "Makes a tensor whose bytes come as chunks."
  @spec upload_open(id, Type.t(), tuple) :: request
  def upload_open(id, type, shape), do: {:upload_open, id, type, shape}

  @doc "Makes `id` another name of tensor `from_id` of the session `from_session`."
  @spec attach(id, pos_integer, id) :: request
  def attach(id, from_session, from_id), do: {:attach, id, from_session, from_id}

  @doc """
  Makes model `id` of a family, JSON text or the name of a built-in one. `inputs` are the maps `:parameters`, `:dimensions`, `:data` from
  names to numbers, lengths, and `{shape, binary of f64}` or a tensor's id; `options` are `:type`, `:file`, `:chains`.
  """
  @spec compile_family(id, atom | binary, map, map) :: request
  def compile_family(id, family, inputs, options), do: {:compile_family, id, family, inputs, options}

  @doc """
  Runs leapfrog steps of a model. `operands` are ids or binaries, `results` the ids of positions, momenta, gradients and logp, or none
  to have them in the reply; `options` are `:steps`, `:rows`, `:mapping`.
  """
  @spec chain(id, map, [id], map) :: request
  def chain(model, operands, results, options), do: {:chain, model, operands, results, options}

  @doc "Draws from a model. `results` and `options` are those of the protocol's page."
  @spec sample(id, [id], map) :: request
  def sample(model, results, options), do: {:sample, model, results, options}

  @doc "A shader's text, to become SPIR-V."
  @spec compile_glsl(binary) :: request
  def compile_glsl(text), do: {:compile_glsl, text}

  @doc "A module, to be dispatched by its hash."
  @spec load_spirv(binary) :: request
  def load_spirv(spirv), do: {:load_spirv, spirv}

  @doc "One dispatch of the module with that hash."
  @spec dispatch_spirv(binary, [shader_buffer], binary, groups) :: request
  def dispatch_spirv(hash, buffers, push, groups) do
    buffers =
      Enum.map(buffers, fn
        {:out, id, type, shape} -> {:out, id, Type.name(type), shape}
        other -> other
      end)

    {:dispatch_spirv, hash, buffers, push, groups}
  end

  @doc "Has the node write its driver's cache of compiled kernels."
  @spec save_pipelines() :: request
  def save_pipelines, do: {:save_pipelines}

  @doc "What program `id` comes to. `options` are `:glsl`."
  @spec explain_program(id, map) :: request
  def explain_program(id, options), do: {:explain_program, id, options}

  @spec heartbeat() :: request
  def heartbeat, do: {:heartbeat}

  @spec close() :: request
  def close, do: {:close}

  @doc "The message that asks for `request`; the node answers `{tag, reply}` to `pid`."
  @spec call(pid, term, term) :: tuple
  def call(pid, tag, request), do: {:"$gen_call", {pid, tag}, request}

  @spec describe() :: term
  def describe, do: {:describe, @version}

  @spec open(pid, map) :: term
  def open(pid, options), do: {:open, pid, options}

  @spec cancel(integer, reference) :: term
  def cancel(session, ref), do: {:cancel, session, ref}

  @doc "Completes `request` with the session and its options (`deadline_ms`, `ref`)."
  @spec request(request, integer, map) :: term
  def request(:ping, _session, _options), do: :ping
  def request(:stats, _session, _options), do: :stats
  def request({:heartbeat}, session, _options), do: {:heartbeat, session}
  def request({:close}, session, _options), do: {:close, session}
  def request({:sync, ids}, session, options), do: {:sync, session, ids, options}
  def request({:download, id, offset, size}, session, options), do: {:download, session, id, offset, size, options}

  def request({:upload_open, id, type, shape}, session, options),
    do: {:upload_open, session, id, Type.name(type), shape, options}

  def request({:attach, id, from_session, from_id}, session, options),
    do: {:attach, session, id, from_session, from_id, options}

  def request({:compile_family, id, family, inputs, own}, session, options),
    do: {:compile_family, session, id, family, inputs, Map.merge(own, options)}

  def request({:sample, model, results, own}, session, options),
    do: {:sample, session, model, results, Map.merge(own, options)}

  def request({:compile_glsl, text}, session, options), do: {:compile_glsl, session, text, options}
  def request({:load_spirv, spirv}, session, options), do: {:load_spirv, session, spirv, options}
  def request({:save_pipelines}, session, options), do: {:save_pipelines, session, options}

  def request({:explain_program, id, own}, session, options),
    do: {:explain_program, session, id, Map.merge(own, options)}

  def request({:dispatch_spirv, hash, buffers, push, groups}, session, options),
    do: {:dispatch_spirv, session, hash, buffers, push, groups, options}

  def request({:chain, model, operands, results, own}, session, options),
    do: {:chain, session, model, operands, results, Map.merge(own, options)}

  ## Replies

  @doc "Reads a reply: `{:error, {code, message}}` becomes a `GpuNode.Error` of `node`, with the details of a compilation."
  @spec reply(term, node) :: :ok | :pong | {:ok, term} | {:ok, term, map} | {:error, Error.t()}
  def reply({:error, {code, message}}, node) when is_atom(code) and is_binary(message),
    do: {:error, Error.new(code, message, node)}

  def reply({:error, {code, message, details}}, node) when is_atom(code) and is_binary(message) and is_map(details),
    do: {:error, Error.new(code, message, node, details)}

  # What the session itself answers for a node that is gone.
  def reply({:error, %Error{}} = error, _node), do: error
  def reply(reply, _node) when reply in [:ok, :pong], do: reply
  def reply({:ok, _value} = reply, _node), do: reply
  def reply({:ok, _value, timing} = reply, _node) when is_map(timing), do: reply

  def reply(other, node) do
    text = inspect(other, limit: 5, printable_limit: 200)
    {:error, Error.new(:internal, "the node gave an answer that is not of the protocol: #{text}", node)}
  end

  @doc """
  Checks what `describe` said: every op of this side must be there, and be there what it is here.

  Error: `:protocol_mismatch`, naming what differs.
  """
  @spec check_describe(term, node) :: {:ok, map} | {:error, Error.t()}
  def check_describe({:ok, %{protocol: @version, ops: ops, limits: limits} = map}, node)
      when is_map(ops) and is_map(limits) do
    wrong = for {name, row} <- Enum.sort(Op.description()), text = difference(row, ops[name]), do: "#{name} #{text}"
    if wrong == [], do: {:ok, map}, else: mismatch("of its ops #{Enum.join(wrong, "; ")}", map, node)
  end

  def check_describe({:ok, %{protocol: other} = map}, node), do: mismatch("it speaks protocol #{other}", map, node)
  def check_describe({:error, {:unsupported, message}}, node), do: mismatch(message, %{}, node)
  def check_describe({:error, _} = error, node), do: reply(error, node)
  def check_describe(other, node), do: mismatch("it answered #{inspect(other, limit: 5)}", %{}, node)

  # What a row of the node says otherwise than ours, or nil. Its words for people may differ.
  defp difference(_row, nil), do: "is missing"

  defp difference(row, other) do
    Enum.find_value(row, fn {key, value} ->
      if key != :doc and other[key] != value, do: "has #{key} #{inspect(other[key])}, here #{inspect(value)}"
    end)
  end

  defp mismatch(text, map, node) do
    version = if map[:version], do: " (version #{map.version})", else: ""
    this = "this package speaks protocol #{@version}"
    text = "node #{node}#{version} does not match: #{text}; #{this}. Install the same version on both sides."
    {:error, Error.new(:protocol_mismatch, text, node)}
  end
end

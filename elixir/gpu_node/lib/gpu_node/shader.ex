defmodule GpuNode.Shader do
  @moduledoc """
  Compute shaders of your own, on nodes that take them: a local node does unless it was started with `raw_shaders: false`, any other
  where its operator allows it (`--allow-raw-shaders`).

      {:ok, spirv} = GpuNode.Shader.compile(:gpu0, glsl)
      {:ok, [doubled]} = GpuNode.Shader.dispatch(:gpu0, spirv, [floats, {:out, 4096}], groups: {16, 1, 1})

  A shader binds storage buffers of set 0, in the order of the list: a binary, a `GpuNode.Tensor`, or `{:out, bytes}`, which begins as
  zeros and comes back. A tensor that the shader could write is copied first.

  GLSL begins with `#version 450` or another of 4xx. A line `#pragma gpu_node_library m_exp.f64 m_log1p.f32 ...` brings functions of the node's
  library, correct to about a unit in the last place, f64 included.

  SPIR-V is validated before the driver sees it, yet a shader may run for very long: then the node's watchdog ends its process, which
  supervision starts again.
  """

  alias GpuNode.{Attachments, Client, Error, Link, Options, Protocol, Tensor}

  @timeout [type: :timeout, default: 60_000, doc: "in ms"]
  @compile_options [timeout: @timeout]
  @dispatch [
    groups: [
      type: {:custom, "three counts of groups, integers of at least 1 and of 32 bits", &__MODULE__.groups?/1},
      default: {1, 1, 1},
      doc: "how many workgroups along each axis"
    ],
    push: [type: :string, default: "", doc: "push constants, a binary, cut to what the module declares"],
    timeout: @timeout
  ]
  # What a message carries of one buffer, and of all; more travels as tensors.
  @inline_bytes 1024 * 1024
  @inline_bytes_of_all 4 * 1024 * 1024

  @type buffer :: binary | Tensor.t() | {:out, pos_integer}

  @doc false
  def groups?({x, y, z}), do: Enum.all?([x, y, z], &(is_integer(&1) and &1 in 1..0xFFFFFFFF))
  def groups?(_other), do: false

  @doc """
  Compiles a compute shader's text to SPIR-V. What was compiled before is read from the node's disk.

  Errors: `:compile_failed` with `details` (`stage` `:glsl` or `:spirv`, `line`, `source`), `:unsupported` (the node takes none),
  `:deadline`, `:node_down`. Options:

  #{Options.docs(@compile_options)}
  """
  @spec compile(atom, String.t(), keyword) :: {:ok, binary} | {:error, Error.t()}
  def compile(node, glsl, options \\ []) when is_binary(glsl) do
    with {:ok, options} <- Options.check(options, @compile_options, "GpuNode.Shader.compile/3"),
         {:ok, link} <- Link.fetch(node),
         deadline = Client.deadline(link, options),
         {:ok, session} <- Client.session(link, deadline),
         do: Client.request(link, session, deadline, Protocol.compile_glsl(glsl))
  end

  @doc """
  Sends a module, which `dispatch/4` otherwise does by itself: `hash`, `buffers` (how many it binds), `push_bytes` (what its push constants
  declare). Errors: `:compile_failed` (stage `:spirv` or `:driver`), `:unsupported` (more than the device has, with the limit), `:quota`. Options:

  #{Options.docs(@compile_options)}
  """
  @spec load(atom, binary, keyword) ::
          {:ok, %{hash: String.t(), buffers: non_neg_integer, push_bytes: non_neg_integer}} | {:error, Error.t()}
  def load(node, spirv, options \\ []) when is_binary(spirv) do
    with {:ok, options} <- Options.check(options, @compile_options, "GpuNode.Shader.load/3"),
         {:ok, link} <- Link.fetch(node),
         deadline = Client.deadline(link, options),
         {:ok, session} <- Client.session(link, deadline),
         do: Client.request(link, session, deadline, Protocol.load_spirv(spirv))
  end

  @doc """
  Runs a module once and returns the bytes of its `{:out, bytes}` buffers, in order. The module is sent when the node does not have it.
  Options:

  #{Options.docs(@dispatch)}

  Errors: those of `load/3`; `:invalid_argument` (too few buffers or push constants, too many groups, sizes that are no multiple of 4),
  `:stale`, `:out_of_memory`, `:deadline`, `:node_down`.
  """
  @spec dispatch(atom, binary, [buffer], keyword) :: {:ok, [binary]} | {:error, Error.t()}
  def dispatch(node, spirv, buffers, options \\ []) do
    with {:ok, options} <- Options.check(options, @dispatch, "GpuNode.Shader.dispatch/4"),
         {:ok, link} <- Link.fetch(node),
         deadline = Client.deadline(link, options),
         {:ok, session} <- Client.session(link, deadline),
         inline? = inline?(buffers),
         {:ok, placed} <- place(buffers, inline?, link, deadline),
         {:ok, wire, made} <- wire(placed, inline?, link, session, deadline) do
      hash = Base.encode16(:crypto.hash(:sha256, spirv), case: :lower)
      request = Protocol.dispatch_spirv(hash, wire, options[:push], options[:groups])
      result = ask(link, session, deadline, request, spirv)
      Client.keep(placed)
      result(result, made, deadline)
    end
  end

  # The node forgets modules when it starts anew.
  defp ask(link, session, deadline, request, spirv) do
    with {:error, %Error{code: :not_found, message: "dispatch_spirv: module " <> _}} <-
           Client.request(link, session, deadline, request),
         {:ok, _loaded} <- Client.request(link, session, deadline, Protocol.load_spirv(spirv)),
         do: Client.request(link, session, deadline, request)
  end

  defp result({:error, _} = error, made, _deadline) do
    Enum.each(made, &Tensor.free/1)
    error
  end

  defp result({:ok, outputs, _timing}, [], _deadline), do: {:ok, outputs}

  defp result({:ok, [], _timing}, made, deadline) do
    outputs = Enum.map(made, &Tensor.to_binary(&1, timeout: Client.left(deadline)))
    Enum.each(made, &Tensor.free/1)
    Enum.find(outputs, &match?({:error, _}, &1)) || {:ok, Enum.map(outputs, &elem(&1, 1))}
  end

  ## Buffers

  defp inline?(buffers), do: Enum.sum(for {:out, bytes} <- buffers, do: bytes) <= @inline_bytes

  # Large binaries become tensors, which must be referred to while they are used.
  defp place(buffers, _inline?, link, deadline) do
    all = Enum.sum(for binary <- buffers, is_binary(binary), do: byte_size(binary))
    most = if all > @inline_bytes_of_all, do: div(@inline_bytes_of_all, length(buffers)), else: @inline_bytes

    collect(buffers, fn
      binary when is_binary(binary) and byte_size(binary) > most and rem(byte_size(binary), 4) == 0 ->
        timeout = Client.left(deadline)
        Tensor.from_binary(link.name, binary, {:u, 32}, {div(byte_size(binary), 4)}, timeout: timeout)

      other ->
        {:ok, other}
    end)
  end

  defp wire(placed, inline?, link, session, deadline) do
    with {:ok, wired} <- collect(placed, &wire_one(&1, inline?, link, session, deadline)) do
      made = for {{:out, _, _, _}, tensor} <- wired, do: tensor
      {:ok, Enum.map(wired, &elem(&1, 0)), made}
    end
  end

  defp wire_one(binary, _inline?, _link, _session, _deadline) when is_binary(binary), do: {:ok, {binary, nil}}

  defp wire_one(%Tensor{} = tensor, _inline?, link, session, deadline) do
    case Attachments.locate(link, tensor, deadline) do
      {:ok, ^session, id} -> {:ok, {id, nil}}
      {:ok, _other, _id} -> {:error, Error.new(:stale, "the tensor is of a session that is gone", link.node)}
      {:error, _} = error -> error
    end
  end

  defp wire_one({:out, bytes} = out, true, _link, _session, _deadline) when is_integer(bytes), do: {:ok, {out, nil}}

  defp wire_one({:out, bytes}, false, link, session, _deadline) when is_integer(bytes) and rem(bytes, 4) == 0 do
    tensor = Tensor.new(link, session, {:u, 32}, {div(bytes, 4)})
    {:ok, {{:out, tensor.id, {:u, 32}, tensor.shape}, tensor}}
  end

  defp wire_one(other, _inline?, link, _session, _deadline) do
    text = "#{inspect(other, limit: 5)} is no buffer of a shader: a binary, a tensor, or {:out, bytes}, a multiple of 4"
    {:error, Error.new(:invalid_argument, text, link.node)}
  end

  defp collect(values, fun) do
    values
    |> Enum.reduce_while({:ok, []}, fn value, {:ok, done} ->
      case fun.(value) do
        {:ok, new} -> {:cont, {:ok, [new | done]}}
        {:error, _} = error -> {:halt, error}
      end
    end)
    |> case do
      {:ok, done} -> {:ok, Enum.reverse(done)}
      error -> error
    end
  end

  ## Where

  @config [
    default_node: [
      type: {:custom, "a name, or {module, function, arguments}", &__MODULE__.named?/1},
      doc: "a name, or `{module, function, arguments}` that gives `{:ok, name}`"
    ]
  ]

  @doc """
  The node that shaders are compiled on where none is named: what `config :gpu_node` says, else the first that was started here. Its keys:

  #{Options.docs(@config)}
  """
  @spec default_node() :: {:ok, atom} | {:error, Error.t()}
  def default_node do
    with {:ok, config} <- GpuNode.Application.config() do
      case {config[:default_node], Link.names()} do
        {{module, function, arguments}, _names} -> apply(module, function, arguments)
        {name, _names} when name != nil -> {:ok, name}
        {nil, []} -> {:error, Error.new(:not_found, "no GPU node is started here: GpuNode.start_link/1 starts one")}
        {nil, names} -> {:ok, List.last(names)}
      end
    end
  end

  @doc false
  @spec config() :: Options.schema()
  def config, do: @config

  @doc false
  def named?({module, function, arguments}), do: is_atom(module) and is_atom(function) and is_list(arguments)
  def named?(name), do: is_atom(name)
end

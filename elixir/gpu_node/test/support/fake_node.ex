defmodule GpuNode.FakeNode do
  @moduledoc false
  # A process on another VM that speaks the node's side of the protocol, registered as :gpu_node there; control and bulk node are the
  # same. Holds tensors as bytes, computes only `add` of f32; can be told to fall silent, to hold acknowledgements back, or to answer one
  # request with an error. Everything it gets is recorded. Tests speak to it past the distribution, over the peer's standard input, so that
  # its connection may break.

  use GenServer
  alias GpuNode.{Element, NodeCase, Op, Type}

  @doc "Starts the VM; it lives until `halt/0` or the end of this VM."
  def start_vm(name) do
    {peer, node} = NodeCase.start_peer(name: name, link: false)
    :persistent_term.put(__MODULE__, peer)
    node
  end

  @doc "Ends the VM as `kill -9` would."
  def halt do
    os_pid = :peer.call(peer(), System, :pid, [])
    NodeCase.signal_pid(os_pid, "KILL")
  end

  @doc "Starts the process there, in place of an earlier one."
  def start(options \\ []), do: :peer.call(peer(), __MODULE__, :restart, [options])

  @doc false
  def restart(options) do
    if pid = Process.whereis(:gpu_node) do
      monitor = Process.monitor(pid)
      Process.exit(pid, :kill)
      receive(do: ({:DOWN, ^monitor, _, _, _} -> :ok))
    end

    {:ok, _pid} = GenServer.start(__MODULE__, options, name: :gpu_node)
  end

  @doc "Changes its behaviour: `silent: true`, `hold_acks: true`, `fail: {request, {code, message}}`."
  def set(options), do: call({:fake, :set, options})
  def recorded, do: call({:fake, :recorded})
  @doc "Drops what it recorded, which may be much to hand over."
  def forget, do: call({:fake, :forget})
  @doc "Of what it recorded the messages of commands: `{seq, commands}`."
  def runs, do: for({:run, _, seq, commands} <- recorded(), do: {seq, commands})
  def tensors, do: call({:fake, :tensors})
  def release_acks, do: call({:fake, :release_acks})
  @doc "Stops and continues it, as SIGSTOP and SIGCONT would but for the VM around it."
  def suspend, do: :peer.call(peer(), :sys, :suspend, [:gpu_node])
  def resume, do: :peer.call(peer(), :sys, :resume, [:gpu_node])

  defp call(request), do: :peer.call(peer(), GenServer, :call, [:gpu_node, request])
  defp peer, do: :persistent_term.get(__MODULE__)

  @impl true
  def init(options) do
    limits = %{inline_bytes: 65_536, max_commands: 4096}

    state = %{
      session: nil,
      pid: nil,
      incarnation: 7,
      protocol: 2,
      ops: Op.description(),
      credit: 4096,
      limits: limits,
      silent: false,
      hold_acks: false,
      held: [],
      fail: nil,
      tensors: %{},
      recorded: []
    }

    {:ok, Map.merge(state, Map.new(options))}
  end

  @impl true
  def handle_call({:fake, :set, options}, _from, state), do: {:reply, :ok, Map.merge(state, Map.new(options))}
  def handle_call({:fake, :recorded}, _from, state), do: {:reply, Enum.reverse(state.recorded), %{state | recorded: []}}
  def handle_call({:fake, :forget}, _from, state), do: {:reply, :ok, %{state | recorded: []}}
  def handle_call({:fake, :tensors}, _from, state), do: {:reply, state.tensors, state}

  def handle_call({:fake, :release_acks}, _from, state) do
    for seq <- Enum.reverse(state.held), do: send(state.pid, {:gpu_node_ack, state.session, seq})
    {:reply, length(state.held), %{state | held: [], hold_acks: false}}
  end

  def handle_call(_request, _from, %{silent: true} = state), do: {:noreply, state}

  def handle_call(request, from, state) do
    state = record(state, request)
    kind = if is_tuple(request), do: elem(request, 0), else: request

    case state.fail do
      {^kind, error} -> {:reply, {:error, error}, %{state | fail: nil}}
      _ -> answer(request, from, state)
    end
  end

  defp answer(:ping, _from, state), do: {:reply, :pong, state}

  defp answer({:describe, _version}, _from, state) do
    description = %{
      name: node(),
      bulk_name: node(),
      version: "0.0.0",
      protocol: state.protocol,
      incarnation: state.incarnation,
      device: %{name: "fake"},
      types: [],
      families: [],
      shaders: %{raw: false, toolchain: "none", pipelines: ""},
      ops: state.ops,
      limits: state.limits
    }

    {:reply, {:ok, description}, state}
  end

  defp answer({:open, pid, _options}, _from, state) do
    session = :rand.uniform(0xFFFFFFFFFFFF)
    open = %{session: session, incarnation: state.incarnation, lease_ms: 30_000}
    open = Map.merge(open, %{max_pending_instructions: state.credit, upload_chunk_bytes: 1_048_576, upload_window: 4})
    {:reply, {:ok, open}, %{state | session: session, pid: pid, tensors: %{}}}
  end

  defp answer({:heartbeat, session}, _from, %{session: session} = state),
    do: {:reply, {:ok, %{queued: 0, busy_ms: 3}}, state}

  defp answer({:heartbeat, _}, _from, state), do: {:reply, {:error, {:stale, "no such session"}}, state}
  defp answer({:close, _}, _from, state), do: {:reply, :ok, state}
  defp answer({:cancel, _, _}, _from, state), do: {:reply, {:ok, false}, state}
  defp answer(:stats, _from, state), do: {:reply, {:ok, %{memory: %{live_bytes: live(state)}}}, state}

  defp answer({:sync, _session, ids, _options}, _from, state) do
    case Enum.find_value(ids, &poison(state.tensors[&1])) do
      nil -> {:reply, {:ok, %{queue_us: 1, execute_us: 2, transfer_us: 0}}, state}
      error -> {:reply, {:error, error}, state}
    end
  end

  defp answer({:attach, _session, id, _from_session, from_id, _options}, _from, state) do
    case state.tensors[from_id] do
      nil -> {:reply, {:error, {:stale, "that session has ended"}}, state}
      tensor -> {:reply, :ok, %{state | tensors: Map.put(state.tensors, id, tensor)}}
    end
  end

  defp answer({:upload_open, _session, id, type, shape, _options}, _from, state) do
    bytes = :binary.copy(<<0>>, GpuNode.Shape.size(shape) * Type.wire_bytes(type!(type)))
    {:reply, {:ok, %{chunk_bytes: 1_048_576, window: 4}}, put(state, id, type, shape, bytes)}
  end

  defp answer({:download, _session, id, offset, size, _options}, _from, state) do
    case state.tensors[id] do
      nil -> {:reply, {:error, {:not_found, "no tensor #{id}"}}, state}
      {:poisoned, error} -> {:reply, {:error, error}, state}
      {_type, _shape, bytes} -> {:reply, {:ok, binary_part(bytes, offset, size), %{queue_us: 0}}, state}
    end
  end

  @impl true
  def handle_info(_message, %{silent: true} = state), do: {:noreply, state}

  def handle_info({:run, session, seq, commands} = message, %{session: session} = state) do
    state = commands |> Enum.reduce(record(state, message), &carry_out/2) |> Map.update!(:tensors, &without_locals/1)

    if state.hold_acks do
      {:noreply, %{state | held: [seq | state.held]}}
    else
      send(state.pid, {:gpu_node_ack, session, seq})
      {:noreply, state}
    end
  end

  def handle_info({:upload, _session, id, offset, {pid, tag}, chunk}, state) do
    {type, shape, bytes} = state.tensors[id]
    <<head::binary-size(offset), _::binary-size(byte_size(chunk)), tail::binary>> = bytes
    send(pid, {tag, :ok})
    {:noreply, put(state, id, type, shape, head <> chunk <> tail)}
  end

  def handle_info(_other, state), do: {:noreply, state}

  defp carry_out({:free, ids}, state), do: %{state | tensors: Map.drop(state.tensors, ids)}
  defp carry_out({:release, ids}, state), do: carry_out({:free, ids}, state)
  defp carry_out({:alloc, id, type, shape, bytes}, state), do: put(state, id, type, shape, bytes)

  defp carry_out({:alloc, id, type, shape}, state),
    do: put(state, id, type, shape, :binary.copy(<<0>>, GpuNode.Shape.size(shape) * Type.wire_bytes(type!(type))))

  defp carry_out({:add, [{id, :f32 = type, shape}], operands, _attributes}, state) do
    values = Enum.map(operands, &values(&1, GpuNode.Shape.size(shape), state))

    case Enum.find(values, &match?({:error, _}, &1)) do
      {:error, error} ->
        %{state | tensors: Map.put(state.tensors, id, {:poisoned, error})}

      nil ->
        bytes = values |> Enum.zip() |> Enum.map(fn {a, b} -> element(a + b) end) |> IO.iodata_to_binary()
        put(state, id, type, shape, bytes)
    end
  end

  defp carry_out({:compile_program, id, inputs, instructions, outputs, []}, state),
    do: %{state | tensors: Map.put(state.tensors, id, {:program, length(inputs), instructions, outputs})}

  # As a message: inputs and outputs under their names of this run, locals from the program.
  defp carry_out({:run_program, id, inputs, results}, state) do
    {:program, count, instructions, outputs} = Map.fetch!(state.tensors, id)
    ^count = length(inputs)

    names =
      Map.merge(Map.new(Enum.with_index(inputs), fn {name, at} -> {at, name} end), Map.new(Enum.zip(outputs, results)))

    rename = fn name -> Map.get(names, name, name) end

    for {op, made, operands, attributes} <- instructions, reduce: state do
      state ->
        made = for {name, type, shape} <- made, do: {rename.(name), type, shape}
        carry_out({op, made, Enum.map(operands, rename), attributes}, state)
    end
  end

  defp carry_out({op, [{id, _type, _shape}], _operands, _attributes}, state),
    do: %{state | tensors: Map.put(state.tensors, id, {:poisoned, {:unsupported, "the fake node has no #{op}"}})}

  defp element(number) do
    {:ok, bytes} = Element.encode(number, {:f, 32})
    bytes
  end

  defp values({_type, number}, size, _state), do: List.duplicate(number, size)

  defp values(id, size, state) do
    case state.tensors[id] do
      nil -> {:error, {:not_found, "no tensor #{id}"}}
      {:poisoned, error} -> {:error, error}
      {_type, {}, bytes} -> bytes |> Element.decode_all({:f, 32}) |> hd() |> List.duplicate(size)
      {_type, _shape, bytes} -> Element.decode_all(bytes, {:f, 32})
    end
  end

  defp poison({:poisoned, error}), do: error
  defp poison(_tensor), do: nil

  defp put(state, id, type, shape, bytes), do: %{state | tensors: Map.put(state.tensors, id, {type, shape, bytes})}
  defp without_locals(tensors), do: Map.reject(tensors, fn {id, _} -> id < 0 end)
  defp live(state), do: Enum.sum(for {_, {_, _, bytes}} <- state.tensors, do: byte_size(bytes))

  defp record(state, {:heartbeat, _}), do: state
  defp record(state, message), do: %{state | recorded: [message | state.recorded]}

  defp type!(name) do
    {:ok, type} = Type.normalize(name)
    type
  end
end

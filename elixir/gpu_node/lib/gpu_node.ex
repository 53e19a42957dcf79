defmodule GpuNode do
  @moduledoc """
  A GPU as a node of the Erlang cluster.

  A *local* node is an OS process that this VM starts, watches and restarts:

      {:ok, _} = GpuNode.start_link(name: :gpu0)
      x = GpuNode.Tensor.from_list!(:gpu0, [1.0, 2.0, 3.0], :f32)
      x |> GpuNode.Ops.multiply(2) |> GpuNode.Tensor.to_list!()
      #=> [2.0, 4.0, 6.0]

  `:gpu0` is how this VM calls it. In the cluster it is `gpu0-SUFFIX@HOST`, the suffix being this VM's own: so a server, `iex` beside it and
  `mix test` beside both have a node each. `shared: true` gives it the name `gpu0@HOST`, by which other VMs attach to it.

  A *remote* node runs elsewhere, and this VM attaches to it: `GpuNode.start_link(node: :"gpu0@host", cookie: :secret)`. Under a
  supervisor: `{GpuNode, name: :gpu0}`.

  Functions take the name given at start, or the node's name. Options that a function does not take, values that an option cannot
  have and keys that are given twice are errors that say what it takes. Each call has its deadline (`:timeout` in ms, default
  15,000); errors are `{:error, %GpuNode.Error{}}`.

  The options of both are with `start_link/1`.
  """

  alias GpuNode.{
    Argument,
    Client,
    Error,
    Link,
    Op,
    Ops,
    Options,
    Program,
    Programs,
    Protocol,
    Shape,
    Telemetry,
    Tensor,
    Text,
    Type
  }

  @type name :: atom

  @timeout [timeout: [type: :timeout, doc: "in ms; default that of the node"]]
  @explain @timeout ++ [glsl: [type: :boolean, default: false, doc: "whether the kernels' texts are told too"]]
  @alive [timeout: [type: :timeout, default: 1000, doc: "in ms"]]

  @doc """
  Starts a local node or attaches to a remote one, linked to the caller. Returns when it is up. Errors: see `GpuNode.Error`.

  Options for both:

  #{GpuNode.Supervisor.docs(:both)}

  Of a local node:

  #{GpuNode.Supervisor.docs(:local)}

  Of a remote one:

  #{GpuNode.Supervisor.docs(:remote)}
  """
  @spec start_link(keyword) :: {:ok, pid} | {:error, Error.t() | {:already_started, pid}}
  def start_link(options \\ []), do: GpuNode.Supervisor.start_link(options)

  @doc "For supervisors: `{GpuNode, options}`. What is wrong with them is said by `start_link/1`."
  @spec child_spec(keyword) :: Supervisor.child_spec()
  def child_spec(options) do
    id = {__MODULE__, GpuNode.Supervisor.name(options)}
    %{id: id, start: {__MODULE__, :start_link, [options]}, type: :supervisor, shutdown: :infinity}
  end

  @doc "Stops a node that was started here: a local one drains and exits, a remote one is left. `:ok` when there is none."
  @spec stop(name) :: :ok
  def stop(name), do: GpuNode.Supervisor.stop(name)

  @doc "Starts a node as `start_link/1`, calls `fun` with its name, and stops it again, whatever happened."
  @spec with_node(keyword, (name -> result)) :: result | {:error, Error.t()} when result: term
  def with_node(options, fun) do
    with :ok <- Argument.check(fun, {:fun, 1}, "fun", "GpuNode.with_node/2"),
         {:ok, pid} <- start_link(options) do
      # A crash of |fun| is the caller's; only the node must not outlive it.
      name = GpuNode.Supervisor.name(options)

      try do
        fun.(name)
      after
        stop(name)
        Process.unlink(pid)
      end
    end
  end

  @doc "Names of the nodes that are started or attached here."
  @spec nodes() :: [name]
  def nodes, do: Link.names()

  @doc """
  What is known of a node: `state` (`:up`, `:down`), `node`, `incarnation`, `device`, `version`, `queued`, `unacknowledged`, `waiting`,
  `busy_ms` (how long the device is at its oldest work), `finalizer` (`:nif` or `:sweep`), `connections`, `last_error`, and for a
  local one `os_pid`, `restarts`, `binary`. Answered here, whatever the node does.

  What the last heartbeat told, `nil` or `[]` before the first: `busy` (share of the time that the device was, 0.0 to 1.0, over the last seconds),
  `rates` (`window_ms`, `ops_per_s`, `bytes_in_per_s`, `bytes_out_per_s`), `jobs` (those that run: `kind`, `session`, `done` `of` how much, `nil` where
  nobody can say: of a `:while` the rounds so far; `elapsed_ms`) and `sessions` (the largest eight: `owner_node`, `bytes`, `tensors`, ...).
  """
  @spec status(name) :: {:ok, map} | {:error, Error.t()}
  def status(name) do
    with {:ok, link} <- Link.fetch(name) do
      {:ok, Map.merge(GpuNode.Session.status(link.pid), GpuNode.Supervisor.worker_status(link.name))}
    end
  catch
    :exit, _ -> {:error, Error.new(:node_down, "the client of #{name} is not running")}
  end

  @doc """
  Whether the node answers now. What is no option raises `GpuNode.Error`. Options:

  #{Options.docs(@alive)}
  """
  @spec alive?(name, keyword) :: boolean
  def alive?(name, options \\ []) do
    options = Options.check!(options, @alive, "GpuNode.alive?/2")
    match?(:pong, ask(name, :ping, options))
  end

  @doc """
  Asks the node's reader for a sign of life, whatever its device does. Returns the time it took in µs. Options:

  #{Options.docs(@timeout)}
  """
  @spec ping(name, keyword) :: {:ok, non_neg_integer} | {:error, Error.t()}
  def ping(name, options \\ []) do
    started = System.monotonic_time(:microsecond)

    with {:ok, options} <- Options.check(options, @timeout, "GpuNode.ping/2"),
         :pong <- ask(name, :ping, options),
         do: {:ok, System.monotonic_time(:microsecond) - started}
  end

  @doc """
  The node's own figures: `memory`, `tensors`, `sessions`, `queue`, `counters`, `uptime_ms`, ... Options:

  #{Options.docs(@timeout)}
  """
  @spec stats(name, keyword) :: {:ok, map} | {:error, Error.t()}
  def stats(name, options \\ []) do
    with {:ok, options} <- Options.check(options, @timeout, "GpuNode.stats/2"), do: ask(name, :stats, options)
  end

  @doc """
  Bytes on the node: `live_bytes`, `pooled_bytes`, `peak_bytes` (of live and pooled), `kept_bytes` (live, of tensors whose handles were
  collected), `staging_bytes` (on its host), `limit_bytes` (of live and pooled, as things are) and `limit_source`, what says so. Options:

  #{Options.docs(@timeout)}
  """
  @spec memory(name, keyword) :: {:ok, map} | {:error, Error.t()}
  def memory(name, options \\ []) do
    with {:ok, options} <- Options.check(options, @timeout, "GpuNode.memory/2"),
         {:ok, link} <- Link.fetch(name),
         {:ok, %{memory: memory}} <- ask(name, :stats, options) do
      Telemetry.execute([:memory], Map.delete(memory, :limit_source), %{node: link.node})
      {:ok, memory}
    end
  end

  defp ask(name, request, options) do
    with {:ok, link} <- Link.fetch(name), do: Client.request(link, nil, Client.deadline(link, options), request)
  end

  @doc """
  Waits until everything that was issued before is done on the device. The first error among `tensors`, if one failed.
  Returns the node's timing: `queue_us`, `execute_us`, `transfer_us`. Options:

  #{Options.docs(@timeout)}
  """
  @spec sync(name, [Tensor.t()], keyword) :: {:ok, map} | {:error, Error.t()}
  def sync(name, tensors \\ [], options \\ []) do
    with {:ok, options} <- Options.check(options, @timeout, "GpuNode.sync/3"),
         :ok <- Argument.check(tensors, {:list, {:struct, Tensor}}, "tensors", "GpuNode.sync/3"),
         {:ok, link} <- Link.fetch(name),
         deadline = Client.deadline(link, options),
         {:ok, session} <- Client.session(link, deadline),
         {:ok, ids} <- Ops.names(tensors, {:u, 8}, link, session, deadline) do
      result = Client.request(link, session, deadline, Protocol.sync(ids))
      Client.keep(tensors)
      result
    end
  end

  @doc """
  Issues one op: `GpuNode.op(:gpu0, :add, [tensor, 1])`. The result's handle comes at once, those of several results as a list; what goes wrong on the node comes with
  the first read. Errors here: `:invalid_argument` (the op cannot be right), `:stale`, `:node_down`, `:deadline` (the queue stays full).
  """
  @spec op(name, atom, [Ops.operand()], keyword | map) :: {:ok, Tensor.t() | [Tensor.t()]} | {:error, Error.t()}
  def op(name, op, operands, attributes \\ []), do: Ops.op(name, op, operands, attributes)

  @doc "As `op/4`, raising `GpuNode.Error`."
  @spec op!(name, atom, [Ops.operand()], keyword | map) :: Tensor.t() | [Tensor.t()]
  def op!(name, op, operands, attributes \\ []), do: name |> op(op, operands, attributes) |> Error.unwrap!()

  @doc """
  A tensor of zeros. Options:

  #{Options.docs(@timeout)}
  """
  @spec zeros(name, Type.t() | atom, tuple, keyword) :: {:ok, Tensor.t()} | {:error, Error.t()}
  def zeros(name, type, shape, options \\ []) do
    with {:ok, options} <- Options.check(options, @timeout, "GpuNode.zeros/4"),
         {:ok, link} <- Link.fetch(name),
         {:ok, type} <- check_type(type),
         :ok <- check_shape(shape),
         deadline = Client.deadline(link, options),
         {:ok, session} <- Client.session(link, deadline) do
      tensor = Tensor.new(link, session, type, shape)
      with :ok <- Client.command(link, session, Protocol.alloc(tensor.id, type, shape), 0, deadline), do: {:ok, tensor}
    end
  end

  @doc """
  Runs `program` with `inputs` (tensors; for scalars also numbers, alone or as `{type, number}` of the declared type): one message, no
  answer waited for. From its second run on the program lives on the node, and the message has a few bytes. Returns the handles of its
  outputs; what goes wrong on the node comes with the first read. Options:

  #{Options.docs(@timeout)}

  Errors here: `:invalid_argument` (inputs are not as declared), `:stale`, `:node_down`, `:deadline`.
  """
  @spec run(name, Program.t(), [Ops.operand()], keyword) :: {:ok, [Tensor.t()]} | {:error, Error.t()}
  def run(name, program, inputs \\ [], options \\ []) do
    with {:ok, options} <- Options.check(options, @timeout, "GpuNode.run/4"),
         :ok <- Argument.check(program, {:struct, Program}, "program", "GpuNode.run/4"),
         :ok <- Argument.check(inputs, {:list, :any}, "inputs", "GpuNode.run/4"),
         {:ok, link} <- Link.fetch(name),
         deadline = Client.deadline(link, options),
         {:ok, session} <- Client.session(link, deadline),
         {:ok, names} <- input_names(Enum.reverse(program.inputs), inputs, link, session, deadline) do
      # Before anything is sent: what an error leaves on the node is then collected.
      handles = fn ids -> handles(program.outputs, ids, inputs, link, session) end

      with {:ok, tensors} <- issue(link, session, program, names, handles, deadline) do
        Client.keep(inputs)
        {:ok, tensors}
      end
    end
  end

  @doc """
  What `program` comes to on the node, for inputs that lie row by row; it is not run. Options:

  #{Options.docs(@explain)}

  A map:

    * `steps` - what is carried out, in order: its `kind` (`:map`, several elementwise ops as one; `:rows`, reductions of the same rows with
      what is computed beside them; `:product`, a dot with what is computed of each of its elements where it is stored;
      `:instruction`; `:loop`, whose dispatches nobody knows; `:view`, another way
      to see the same elements), `ops`, the names of the program's ops that it carries out, and `instructions`, which of the program those
      are; `takes` and `gives`, the names of values (0 and more: inputs), those with types and shapes; `dispatches`, of each the kernel and how
      many workgroups; `read_bytes` and `written_bytes`, if a dispatch touches each element once; `refusal` where the device cannot
    * `apart` - which steps take what others give and are not one with them, `{maker, user, why}`: `:own_kernel` (one of them is no elementwise op),
      `:steps`, `:reads`, `:results`, `:buffers` (together they would have too many), `:elements` (they have different numbers), `:view` (a view is in
      the way), `:waits` (one waits for a third that waits for the other, or others want what it gives)
    * `kernels` - of each its `key`, where it is compiled what that took (`emit_us`, `glsl_us`, `spirv_us`, `driver_us`, `from_disk`), and its
      `glsl` if asked for
    * `outputs`, and what it took to fuse and to plan it: `fuse_us`, `plan_us`

  Errors: `:invalid_argument`, `:node_down`, `:stale`, `:deadline`.
  """
  @spec explain(name, Program.t(), keyword) :: {:ok, map} | {:error, Error.t()}
  def explain(name, program, options \\ []) do
    with {:ok, options} <- Options.check(options, @explain, "GpuNode.explain/3"),
         :ok <- Argument.check(program, {:struct, Program}, "program", "GpuNode.explain/3"),
         {:ok, link} <- Link.fetch(name),
         deadline = Client.deadline(link, options),
         {:ok, session} <- Client.session(link, deadline),
         :ok <- compilable(program, link),
         {:ok, told} <- Programs.explain(link, session, program, Map.new(Keyword.take(options, [:glsl])), deadline),
         do: {:ok, Map.update!(told, :steps, &Program.with_ops(program, &1))}
  end

  defp compilable(program, link) do
    if Program.compilable?(program, Link.get(link, :max_commands)),
      do: :ok,
      else:
        {:error,
         Error.new(:invalid_argument, "#{inspect(program)} makes nothing, or is longer than a program of a node may be")}
  end

  defp issue(link, session, program, names, handles, deadline) do
    with :plain <- Programs.run(link, session, program, names, handles, deadline) do
      limit = Link.get(link, :max_commands)
      {messages, outputs} = Program.commands(program, names, limit, fn -> Link.next_id(link) end)
      tensors = handles.(outputs)
      with :ok <- cast(messages, link, session, deadline), do: {:ok, tensors}
    end
  end

  @doc "As `run/4`, raising `GpuNode.Error`."
  @spec run!(name, Program.t(), [Ops.operand()], keyword) :: [Tensor.t()]
  def run!(name, program, inputs \\ [], options \\ []), do: name |> run(program, inputs, options) |> Error.unwrap!()

  # What a program keeps from message to message its last one frees. When that is not to come, because one before it could not be
  # queued, it is freed here; the outputs have handles, which are collected.
  defp cast(messages, link, session, deadline) do
    messages
    |> Enum.with_index()
    |> Enum.find_value(:ok, fn {commands, sent} ->
      case Client.program(link, session, length(commands), commands, deadline) do
        :ok ->
          nil

        error ->
          messages |> Program.kept(sent) |> Enum.each(&Client.drop(link, &1))
          error
      end
    end)
  end

  defp input_names(declared, inputs, link, session, deadline) do
    wrong =
      declared
      |> Enum.zip(inputs)
      |> Enum.find_index(fn {value, input} -> not fits?(value, input) end)

    cond do
      length(declared) != length(inputs) ->
        invalid("the program takes #{Text.count(length(declared), "input")}, got #{length(inputs)}")

      wrong ->
        %{type: type, shape: shape} = Enum.at(declared, wrong)
        invalid("input #{wrong} is declared as #{Type.text(type, shape)}, got #{Op.text(Enum.at(inputs, wrong))}")

      true ->
        declared
        |> Enum.zip(inputs)
        |> Enum.reduce_while({:ok, []}, fn {value, input}, {:ok, names} ->
          case Ops.names([input], value.type, link, session, deadline) do
            {:ok, [name]} -> {:cont, {:ok, [name | names]}}
            error -> {:halt, error}
          end
        end)
        |> case do
          {:ok, names} -> {:ok, Enum.reverse(names)}
          error -> error
        end
    end
  end

  defp fits?(%{type: type, shape: shape}, %Tensor{type: type, shape: shape}), do: true
  defp fits?(%{type: type, shape: {}}, {type, number}), do: Type.holds?(type, number)
  defp fits?(%{type: {kind, _}, shape: {}}, number) when kind in [:s, :u], do: is_integer(number)
  defp fits?(%{shape: {}}, number), do: is_number(number) or number in [:nan, :infinity, :neg_infinity]
  defp fits?(_value, _input), do: false

  # An output that is an input is that input; one that is declared twice is one tensor.
  defp handles(values, ids, inputs, link, session) do
    {tensors, _made} =
      values
      |> Enum.zip(ids)
      |> Enum.map_reduce(%{}, fn
        {%{name: index}, _id}, made when index >= 0 ->
          {Enum.at(inputs, index), made}

        {value, id}, made ->
          tensor = made[id] || Tensor.new(link, session, id, value.type, value.shape)
          {tensor, Map.put(made, id, tensor)}
      end)

    tensors
  end

  defp check_type(type), do: with(:error <- Type.normalize(type), do: invalid("#{inspect(type)} is not a type"))
  defp check_shape(shape), do: with({:error, text} <- Shape.check(shape), do: invalid(text))
  defp invalid(text), do: {:error, Error.new(:invalid_argument, text)}
end

defmodule GpuNode.Supervisor do
  @moduledoc false
  # One node of this VM: the worker (local nodes only) and the session with what belongs to it. Registered as {:node, name}, so that a
  # name is taken once.

  alias GpuNode.{Application, Client, Distribution, Error, Link, Options, Session, Worker}

  # Options of both kinds of nodes, and of one of them.
  @both [
    name: [
      type: {:custom, "a name, an atom", &__MODULE__.name?/1},
      doc: "how it is called here; default the node's name, `:gpu0` for a local one"
    ],
    timeout: [type: {:integer, 1, 86_400_000}, default: 15_000, doc: "of its calls, in ms"],
    heartbeat_ms: [
      type: {:integer, 1, 86_400_000},
      default: 1000,
      doc: "three unanswered ones and the node counts as gone"
    ],
    lease_ms: [
      type: {:integer, 1000, 600_000},
      doc:
        "of this VM's session on the node: so long after its last message it ends; default what the node says, 30,000"
    ],
    quota_bytes: [type: :pos_integer, doc: "the most that this VM's session may have on the node; default no limit"],
    grace_ms: [
      type: {:integer, 0, 600_000},
      doc:
        "how long a tensor whose handle was collected here can still be used by a VM that it was sent to; default what the node says, 10,000"
    ],
    attached_ms: [
      type: {:integer, 1, 86_400_000},
      default: 10_000,
      doc: "how long a tensor of another VM stays attached here after its last use"
    ],
    collect_above_bytes: [
      type: :pos_integer,
      default: 64 * 1024 * 1024,
      doc: "a process that has made that much since it last did so collects its garbage"
    ],
    finalizer: [type: {:in, [:nif, :sweep]}, doc: "how collected handles are found; default the NIF where it is there"],
    start_timeout: [type: {:integer, 1, 86_400_000}, default: 20_000, doc: "ms until it must be up"]
  ]
  # It is part of a node name.
  @local_name [
    type:
      {:custom, "an atom of 1 to 100 letters, digits, - and _, as it is part of a node name", &__MODULE__.local_name?/1}
  ]
  @cookie {:custom, "an atom of at most 255 characters, or a function that gives it", &__MODULE__.cookie?/1}
  @local [
    binary: [
      type: :string,
      doc:
        "the program; else `GPU_NODE_BINARY`, the package's `priv/gpu_node`, the project's `build/release`, `build/dev`"
    ],
    device: [
      type: {:or, [:string, :non_neg_integer]},
      doc: "a part of the device's name, or its number; default the node's choice"
    ],
    memory_limit: [type: :pos_integer, doc: "bytes; default what the node says"],
    cookie: [type: @cookie, secret: true, doc: "an atom or a function that gives it; default a random one of its own"],
    listen: [type: :string, doc: "the address that it listens on; default this VM's"],
    args: [
      type: {:custom, "a list of strings", &__MODULE__.arguments?/1},
      default: [],
      doc: "more arguments of the program"
    ],
    env: [
      type:
        {:custom, "a list of pairs of strings, nil for a variable that it must not have", &__MODULE__.environment?/1},
      default: [],
      doc: "more environment variables of the program"
    ],
    hang_ms: [
      type: {:integer, 1, 86_400_000},
      default: 10_000,
      doc: "how long it may stay unresponsive before it is killed"
    ],
    shared: [
      type: :boolean,
      default: false,
      doc: "`true`: its node name is `NAME@HOST`, without a suffix, for others to attach to; `:name_taken` when it is"
    ],
    distribution: [type: :boolean, default: true, doc: "`false`: do not make this VM a node when it is none"],
    raw_shaders: [type: :boolean, default: true, doc: "whether it takes shaders of its users: see `GpuNode.Shader`"]
  ]
  @remote [
    node: [
      type: {:custom, "a node's name such as :\"gpu0@host\"", &__MODULE__.node?/1},
      required: true,
      doc: "the node that is attached"
    ],
    cookie: [type: @cookie, secret: true, doc: "default the VM's"],
    wait: [type: :boolean, default: true, doc: "`false`: attach in the background"]
  ]

  @doc "The list of options of both kinds of nodes, of `:local` or of `:remote` ones, for docstrings."
  @spec docs(:both | :local | :remote) :: String.t()
  def docs(:both), do: Options.docs(@both)
  def docs(:local), do: Options.docs(@local)
  def docs(:remote), do: Options.docs(@remote)

  @doc """
  The options of a node that is started with `options`, defaults filled in. Error: `:invalid_argument`. Whose they are is said by `what`.
  """
  @spec check(term, String.t() | nil) :: {:ok, keyword} | {:error, Error.t()}
  def check(options, what \\ nil) do
    remote? = Keyword.keyword?(options) and Keyword.has_key?(options, :node)

    {kind, schema} =
      if remote?,
        do: {"a remote node", @both ++ @remote},
        else: {"a local node", Keyword.replace!(@both, :name, @local_name) ++ @local}

    with {:ok, options} <- Options.check(options, schema, if(what, do: "#{what}: #{kind}", else: kind)),
         do: {:ok, Keyword.put_new(options, :name, name(options))}
  end

  @doc false
  def name?(value), do: is_atom(value) and value != nil

  @doc false
  def local_name?(value), do: name?(value) and Atom.to_string(value) =~ ~r/^[A-Za-z0-9_-]{1,100}$/

  @doc false
  def node?(value), do: is_atom(value) and String.match?(Atom.to_string(value), ~r/^[^@]+@[^@]+$/)

  @doc false
  def cookie?(value),
    do: is_function(value, 0) or (name?(value) and byte_size(Atom.to_string(value)) < 256)

  @doc false
  def arguments?(value), do: is_list(value) and Enum.all?(value, &(is_binary(&1) or is_atom(&1) or is_number(&1)))

  @doc false
  def environment?(value) do
    (is_list(value) or is_map(value)) and
      Enum.all?(value, fn
        {key, value} ->
          (is_binary(key) or is_list(key) or is_atom(key)) and
            (is_binary(value) or is_list(value) or value in [nil, false])

        _other ->
          false
      end)
  end

  @doc "The name under which `options` start a node."
  @spec name(keyword) :: atom
  def name(options),
    do: if(Keyword.keyword?(options), do: options[:name] || options[:node] || :gpu0, else: :gpu0)

  @spec start_link(keyword) :: {:ok, pid} | {:error, Error.t() | {:already_started, pid}}
  def start_link(options) do
    with :ok <- check_application(),
         {:ok, options} <- check(options),
         options = hide_cookie(options),
         :ok <- Distribution.ensure(start_distribution?(options)),
         {:ok, pid} <- start(options) do
      if Keyword.get(options, :wait, true), do: await(pid, options), else: {:ok, pid}
    end
  end

  defp check_application do
    if Process.whereis(GpuNode.Registry) do
      :ok
    else
      text =
        "the application :gpu_node is not started: call Application.ensure_all_started(:gpu_node) first " <>
          "(in a project that lists it in its deps this has happened before your own application starts)"

      {:error, Error.new(:configuration, text)}
    end
  end

  # A VM that is no node is made one for a node of its own, or for one on its own loopback address; elsewhere it could not be met.
  defp start_distribution?(options) do
    case options[:node] do
      nil -> options[:distribution]
      node -> node |> Atom.to_string() |> String.ends_with?("@127.0.0.1")
    end
  end

  # Reports of supervisors and crashes print what processes were started with; a function prints nothing of what it holds.
  defp hide_cookie(options) do
    case options[:cookie] do
      nil -> Keyword.delete(options, :cookie)
      cookie when is_atom(cookie) -> Keyword.put(options, :cookie, fn -> cookie end)
      function -> Keyword.put(options, :cookie, function)
    end
  end

  # The children are started one by one under a supervisor that runs already: a first start that fails is then a result, and not an
  # exit signal for whoever called.
  defp start(options) do
    name = Application.via(:node, options[:name])

    with {:ok, pid} <-
           Supervisor.start_link([], strategy: :rest_for_one, name: name, max_restarts: 3, max_seconds: 30) do
      start_children(pid, children(options), options)
    end
  end

  # The worker before the session: rest_for_one, so that a new worker gets a new session.
  defp children(options) do
    if options[:node] do
      [{Session.Supervisor, options}]
    else
      [
        %{id: Worker, start: {Worker, :start_link, [options]}, shutdown: 10_000},
        Supervisor.child_spec({Session.Supervisor, options}, start: {__MODULE__, :start_session, [options]})
      ]
    end
  end

  defp start_children(pid, [], _options), do: {:ok, pid}

  defp start_children(pid, [child | rest], options) do
    case Supervisor.start_child(pid, child) do
      {:ok, _child} ->
        start_children(pid, rest, options)

      {:error, {%Error{} = error, _child}} ->
        give_up(pid, error)

      {:error, {{:shutdown, {:failed_to_start_child, _, %Error{} = error}}, _child}} ->
        give_up(pid, error)

      {:error, reason} ->
        give_up(pid, Error.new(:internal, "the node cannot be started: #{inspect(reason)}", options[:node]))
    end
  end

  defp give_up(pid, error) do
    Process.unlink(pid)
    Supervisor.stop(pid)
    {:error, error}
  end

  @doc false
  # The session of a local node learns its name and cookie from the worker beside it.
  def start_session(options) do
    [{worker, _}] = Registry.lookup(GpuNode.Registry, {:worker, options[:name]})
    %{node: node, cookie: cookie} = Worker.status(worker)
    Session.Supervisor.start_link(Keyword.merge(options, node: node, cookie: cookie, worker: worker))
  end

  defp await(pid, options) do
    {:ok, link} = Link.fetch(options[:name])
    deadline = System.monotonic_time(:millisecond) + options[:start_timeout]

    case Client.request(link, nil, deadline, :await_first) do
      :ok -> {:ok, pid}
      {:error, error} -> give_up(pid, error)
    end
  end

  @spec stop(atom) :: :ok
  def stop(name) do
    case Process.whereis(GpuNode.Registry) && Registry.lookup(GpuNode.Registry, {:node, name}) do
      [{pid, _}] -> Supervisor.stop(pid)
      _none -> :ok
    end
  catch
    # It was going down already.
    :exit, _ -> :ok
  end

  @doc "The worker's part of `GpuNode.status/1`; empty for a remote node."
  @spec worker_status(atom) :: map
  def worker_status(name) do
    case Registry.lookup(GpuNode.Registry, {:worker, name}) do
      [{worker, _}] -> worker |> Worker.status() |> Map.take([:os_pid, :restarts, :binary, :worker_state])
      [] -> %{}
    end
  end
end

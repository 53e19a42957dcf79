defmodule GpuNode.Supervisor do
  @moduledoc false
  # One node of this VM: the worker (local nodes only) and the session with what belongs to it. Registered as {:node, name}, so that a
  # name is taken once.

  alias GpuNode.{Application, Client, Distribution, Error, Link, Session, Worker}

  @both ~w(name timeout heartbeat_ms lease_ms quota_bytes collect_above_bytes grace_ms attached_ms finalizer start_timeout
          cookie)a
  @local ~w(binary device memory_limit listen args env hang_ms distribution raw_shaders shared)a
  @remote ~w(node wait)a

  @start_timeout_ms 20_000

  @doc "The name under which `options` start a node."
  @spec name(keyword) :: atom
  def name(options), do: options[:name] || options[:node] || :gpu0

  @spec start_link(keyword) :: {:ok, pid} | {:error, Error.t() | {:already_started, pid}}
  def start_link(options) do
    options = Keyword.put(options, :name, name(options))

    with :ok <- check_application(),
         :ok <- check(options),
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
      nil -> Keyword.get(options, :distribution, true)
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
    timeout = Keyword.get(options, :start_timeout, @start_timeout_ms)

    case Client.request(link, nil, System.monotonic_time(:millisecond) + timeout, :await_first) do
      :ok -> {:ok, pid}
      {:error, error} -> give_up(pid, error)
    end
  end

  defp check(options) do
    allowed = @both ++ if(options[:node], do: @remote, else: @local)

    case Enum.reject(Keyword.keys(options), &(&1 in allowed)) do
      [] ->
        check_values(options)

      unknown ->
        kind = if options[:node], do: "remote", else: "local"

        text =
          "a #{kind} node takes no option #{Enum.map_join(unknown, ", ", &inspect/1)}; it takes #{inspect(allowed)}"

        {:error, Error.new(:invalid_argument, text)}
    end
  end

  defp check_values(options) do
    wrong =
      Enum.find(options, fn
        {key, value} when key in [:timeout, :heartbeat_ms, :lease_ms, :quota_bytes, :start_timeout, :memory_limit] ->
          not (is_integer(value) and value > 0)

        {:grace_ms, value} ->
          value not in 0..600_000

        {:attached_ms, value} ->
          not (is_integer(value) and value > 0)

        {:name, value} ->
          not (is_atom(value) and (options[:node] != nil or Atom.to_string(value) =~ ~r/^[A-Za-z0-9_-]{1,100}$/))

        {:node, value} ->
          not (is_atom(value) and String.match?(Atom.to_string(value), ~r/^[^@]+@[^@]+$/))

        {:cookie, value} ->
          not (is_function(value, 0) or (is_atom(value) and byte_size(Atom.to_string(value)) < 256))

        {key, value} when key in [:raw_shaders, :shared] ->
          not is_boolean(value)

        {:finalizer, value} ->
          value not in [:nif, :sweep]

        _other ->
          false
      end)

    case wrong do
      nil ->
        :ok

      {:cookie, _secret} ->
        {:error,
         Error.new(
           :invalid_argument,
           "option :cookie is an atom of at most 255 characters, or a function that gives it"
         )}

      {:name, value} ->
        text =
          if options[:node],
            do: "option :name is an atom, got #{inspect(value)}",
            else:
              "option :name is an atom of 1 to 100 letters, digits, - and _, got #{inspect(value)}: it is part of a node name"

        {:error, Error.new(:invalid_argument, text)}

      {key, value} ->
        {:error, Error.new(:invalid_argument, "option #{inspect(key)} cannot be #{inspect(value)}")}
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

defmodule GpuNode.Distribution do
  @moduledoc """
  This VM as a node: starts distribution where it is missing, finds names that meet, and says why a node cannot be
  reached.
  """

  require Logger
  alias GpuNode.Error

  @confirm_ms 100
  @connect_probe_ms 1000
  @suffix {__MODULE__, :suffix}

  @doc """
  Makes this VM a node unless it is one: on loopback, with a generated name and cookie; epmd is started when it is missing.

  With `start?` false a VM that is not distributed is an error. Errors: `:distribution`.
  """
  @spec ensure(boolean) :: :ok | {:error, Error.t()}
  def ensure(start?) do
    cond do
      Node.alive?() ->
        check_transport()

      not start? ->
        error(
          :distribution,
          "this VM is not distributed: start it with --name or --sname (a local node starts distribution, unless `distribution: false`)"
        )

      :init.get_argument(:name) != :error or :init.get_argument(:sname) != :error ->
        error(
          :distribution,
          "this VM was started with --name or --sname but is no node yet (a dynamic name cannot meet a GPU node): give it a full name"
        )

      true ->
        start()
    end
  end

  defp start do
    # Only this host can reach a VM that nobody meant to be a node.
    Application.put_env(:kernel, :inet_dist_use_interface, {127, 0, 0, 1})

    with :ok <- ensure_epmd() do
      name = :"gpu_client_#{random(6)}@127.0.0.1"

      case :net_kernel.start(name, %{name_domain: :longnames}) do
        {:ok, _pid} ->
          Node.set_cookie(String.to_atom(random(24)))
          Logger.info("This VM was no node and is now #{name}, on 127.0.0.1 only, to meet GPU nodes")
          :ok

        {:error, {:already_started, _pid}} ->
          :ok

        {:error, reason} ->
          error(:distribution, "distribution cannot be started as #{name}: #{inspect(reason, limit: 10)}")
      end
    end
  end

  @doc "Random letters and digits, of `bytes` bytes of randomness: for names and cookies."
  @spec random(pos_integer) :: String.t()
  def random(bytes), do: bytes |> :crypto.strong_rand_bytes() |> Base.encode32(case: :lower, padding: false)

  defp ensure_epmd do
    case :erl_epmd.names({127, 0, 0, 1}) do
      {:ok, _names} -> :ok
      {:error, _} -> start_epmd()
    end
  end

  defp start_epmd do
    beside = Path.join([:code.root_dir(), "erts-#{:erlang.system_info(:version)}", "bin", "epmd"])
    epmd = if File.exists?(beside), do: beside, else: System.find_executable("epmd")

    if epmd do
      System.cmd(epmd, ["-daemon"], env: [{"ERL_EPMD_ADDRESS", "127.0.0.1"}], stderr_to_stdout: true)
      await_epmd(50)
    else
      error(:distribution, "epmd is not running and not installed: install Erlang's epmd or start it by hand")
    end
  end

  defp await_epmd(0), do: error(:distribution, "epmd was started but does not answer on 127.0.0.1: see `epmd -names`")

  defp await_epmd(tries) do
    case :erl_epmd.names({127, 0, 0, 1}) do
      {:ok, _names} ->
        :ok

      {:error, _} ->
        Process.sleep(20)
        await_epmd(tries - 1)
    end
  end

  @doc "The host part of this VM's own name."
  @spec host() :: String.t()
  def host, do: node() |> Atom.to_string() |> String.split("@", parts: 2) |> List.last()

  @doc """
  The name of a node that this VM starts: `name` at this VM's host where it is `shared?`, so that others can find it, else with a suffix that is
  this VM's own, the same for all its nodes and all their starts: two VMs never want one name, and no start makes a new atom.
  """
  @spec own_node(atom, boolean) :: node
  def own_node(name, true), do: :"#{name}@#{host()}"
  def own_node(name, false), do: :"#{name}-#{:persistent_term.get(@suffix)}@#{host()}"

  @doc false
  # When the application starts, before anybody can ask for a name.
  def choose_suffix do
    if :persistent_term.get(@suffix, nil) == nil, do: :persistent_term.put(@suffix, binary_part(random(5), 0, 6))
    :ok
  end

  @doc """
  The address that peers of this VM reach `host` by, for a worker to listen on. Error: `:distribution` when the name has no
  address.
  """
  @spec listen_address(String.t()) :: {:ok, String.t()} | {:error, Error.t()}
  def listen_address(host) do
    case :inet.getaddr(String.to_charlist(host), :inet) do
      {:ok, address} ->
        {:ok, address |> :inet.ntoa() |> to_string()}

      {:error, _} ->
        error(
          :distribution,
          "this VM is #{node()}, but #{host} has no address, so no node of that host can be reached: " <>
            "add it to /etc/hosts or start the VM as NAME@localhost (--sname) or NAME@127.0.0.1 (--name)"
        )
    end
  end

  @doc "Checks that this VM and `node` can meet: both with long names or both with short ones."
  @spec check_name_style(node) :: :ok | {:error, Error.t()}
  def check_name_style(node) do
    host = node |> Atom.to_string() |> String.split("@", parts: 2) |> List.last()
    long? = String.contains?(host, ".")

    case :net_kernel.longnames() do
      true when not long? ->
        error(:distribution, "#{node} is a short name, but this VM uses long ones (--name): they cannot meet", node)

      false when long? ->
        error(:distribution, "#{node} is a long name, but this VM uses short ones (--sname): they cannot meet", node)

      _ ->
        :ok
    end
  end

  @doc """
  Checks that this VM speaks distribution over TCP and IPv4, as GPU nodes do. Error: `:distribution`.
  """
  @spec check_transport() :: :ok | {:error, Error.t()}
  def check_transport do
    case :init.get_argument(:proto_dist) do
      {:ok, [_ | _] = given} ->
        # The last one counts.
        case given |> List.last() |> List.last() |> to_string() do
          "inet_tcp" ->
            :ok

          other ->
            error(
              :distribution,
              "this VM speaks distribution over #{other} (-proto_dist), a GPU node over TCP and IPv4 (inet_tcp): they cannot meet"
            )
        end

      _none ->
        :ok
    end
  end

  @doc "Checks that `:net_kernel.allow/1` of this VM does not leave `node` out. Error: `:distribution`."
  @spec check_allowed(node) :: :ok | {:error, Error.t()}
  def check_allowed(node) do
    case :net_kernel.allowed() do
      {:ok, [_ | _] = allowed} ->
        if node in allowed,
          do: :ok,
          else:
            error(
              :distribution,
              "this VM connects only to nodes that :net_kernel.allow/1 named, and #{node} is none of them: allow it",
              node
            )

      _all ->
        :ok
    end
  end

  @doc "Connects to `node`. Errors say why not: `:unreachable`, `:wrong_cookie`, `:distribution`."
  @spec connect(node) :: :ok | {:error, Error.t()}
  def connect(node) do
    with :ok <- check_name_style(node),
         :ok <- check_transport(),
         :ok <- check_allowed(node) do
      case Node.connect(node) do
        true -> :ok
        false -> diagnose(node)
        :ignored -> error(:distribution, "this VM is not distributed: start it with --name or --sname", node)
      end
    end
  end

  defp diagnose(node) do
    [alive, host] = node |> Atom.to_string() |> String.split("@", parts: 2)

    with {:ok, address} <- :inet.getaddr(String.to_charlist(host), :inet),
         {:port, port, _version} <- registered(alive, address),
         {:ok, socket} <- :gen_tcp.connect(address, port, [], @connect_probe_ms) do
      :gen_tcp.close(socket)
      confirm(node, alive, address)
    else
      {:error, :nxdomain} ->
        error(:unreachable, "host #{host} of #{node} has no address: correct the name or add it to /etc/hosts", node)

      :noport ->
        error(
          :unreachable,
          "no node #{alive} is registered on #{host}: start it there, `epmd -names` lists those that are",
          node
        )

      {:error, reason} ->
        error(
          :unreachable,
          "#{node} cannot be reached (#{inspect(reason)}): is it running, and is epmd (port 4369) open?",
          node
        )
    end
  end

  defp registered(alive, address), do: :erl_epmd.port_please(String.to_charlist(alive), address, @connect_probe_ms)

  # A node that listens and yet did not connect may have been dying, or been started, a moment ago.
  defp confirm(node, alive, address) do
    Process.sleep(@confirm_ms)

    cond do
      Node.connect(node) == true ->
        :ok

      # A GPU node has its bulk name beside it.
      not String.ends_with?(alive, "_bulk") and registered(alive <> "_bulk", address) == :noport ->
        {:error, no_gpu_node(node)}

      true ->
        error(
          :wrong_cookie,
          "#{node} is there but refuses the connection: most likely the cookies differ. Give `cookie:` the cookie that the node was started with",
          node
        )
    end
  end

  @doc "The error of a `node` that is no GPU node."
  @spec no_gpu_node(node) :: Error.t()
  def no_gpu_node(node) do
    text =
      "#{node} is an Erlang node, not a GPU node: name one that `gpu_node run` started, or another VM with `shared: true`"

    Error.new(:unreachable, text, node)
  end

  @doc "Whether there is a connection to `node` now."
  @spec connected?(node) :: boolean
  def connected?(node), do: node in Node.list(:connected)

  @doc """
  Drops the connections to `nodes` without waiting, by processes under `tasks`: the only way out when a peer has stopped reading.
  """
  @spec disconnect([node], pid) :: [pid]
  def disconnect(nodes, tasks) do
    for node <- nodes do
      {:ok, pid} = Task.Supervisor.start_child(tasks, :erlang, :disconnect_node, [node])
      pid
    end
  end

  defp error(code, text, node \\ nil), do: {:error, Error.new(code, text, node)}
end

defmodule Nx.Vulkan.TestPeer do
  @moduledoc false
  # Another BEAM node of the test's cluster, and a process on it that keeps tensors and computes with them.

  use GenServer

  @doc "Starts a BEAM node that knows this one's code and nothing of any GPU."
  def start(alive) do
    cookie = Atom.to_charlist(Node.get_cookie())
    args = [~c"-setcookie", cookie, ~c"-connect_all", ~c"false"] ++ Enum.flat_map(:code.get_path(), &[~c"-pa", &1])
    name = :"#{alive}_#{System.unique_integer([:positive])}"
    # What the peer's loggers print is not the test's.
    env = [{~c"GPU_NODE_BINARY", ~c"/nonexistent"}]
    {:ok, peer, node} = :peer.start_link(%{name: name, host: ~c"127.0.0.1", longnames: true, args: args, env: env})
    :ok = :erpc.call(node, Logger, :configure, [[level: :none]])
    :ok = :erpc.call(node, Application, :put_all_env, [[nx_vulkan: [fallback: :count, add_backend_on_inspect: false]]])
    {:ok, _} = :erpc.call(node, :application, :ensure_all_started, [:nx_vulkan])
    %{peer: peer, node: node}
  end

  @doc "A process on `node` that runs functions with what it holds, and survives them."
  def holder(node) do
    {:ok, pid} = :erpc.call(node, GenServer, :start, [__MODULE__, nil])
    pid
  end

  @doc "Calls `function` of `Nx.Vulkan.TestWork` there with what is held and `arguments`; it returns `{reply, held}`."
  def run(pid, function, arguments \\ []), do: GenServer.call(pid, {:run, function, arguments}, 60_000)

  @impl true
  def init(_), do: {:ok, nil}

  @impl true
  def handle_call({:run, function, arguments}, _from, held) do
    {reply, held} =
      try do
        apply(Nx.Vulkan.TestWork, function, [held | arguments])
      rescue
        error -> {{:raised, error}, held}
      end

    {:reply, reply, held, {:continue, :collect}}
  end

  @impl true
  def handle_continue(:collect, held) do
    :erlang.garbage_collect()
    {:noreply, held}
  end
end

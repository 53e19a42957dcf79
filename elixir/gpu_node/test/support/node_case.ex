defmodule GpuNode.NodeCase do
  @moduledoc false
  # For tests against the real binary: a local node of its own for each module, under `gpu` in the context; another VM; signals.

  use ExUnit.CaseTemplate

  using do
    quote do
      import GpuNode.NodeCase
      alias GpuNode.{Error, Ops, Program, Tensor}
      @moduletag :node
      @moduletag timeout: 120_000
    end
  end

  setup_all context do
    options = Map.get(context, :node_options, [])
    name = unique()
    start_supervised!({GpuNode, [name: name] ++ device() ++ options})
    {:ok, gpu: name}
  end

  @doc "The option that names the device of the tests, where GPU_NODE_TEST_DEVICE does."
  def device, do: if(name = System.get_env("GPU_NODE_TEST_DEVICE"), do: [device: name], else: [])

  @doc "A node name that no other test run on this machine uses."
  def unique(prefix \\ "gpu_test"), do: :"#{prefix}_#{GpuNode.Distribution.random(5)}"

  def status!(name) do
    {:ok, status} = GpuNode.status(name)
    status
  end

  def live_bytes(name) do
    {:ok, %{live_bytes: bytes}} = GpuNode.memory(name)
    bytes
  end

  @doc "Sends a signal (\"STOP\", \"CONT\", \"KILL\") to the node's OS process."
  def signal(name, signal), do: signal_pid(status!(name).os_pid, signal)

  def signal_pid(os_pid, signal) do
    {_, 0} = System.cmd("/bin/sh", ["-c", "kill -#{signal} #{os_pid}"])
    :ok
  end

  @doc "Whether the OS process lives; one that is dead and not yet waited for does not."
  def os_alive?(os_pid) do
    case File.read("/proc/#{os_pid}/stat") do
      {:ok, stat} -> not String.contains?(stat, ") Z ")
      _ -> false
    end
  end

  @doc "Runs `fun` until it is true, for at most `ms`. Returns how long it took."
  def eventually(ms \\ 2000, fun) do
    started = System.monotonic_time(:millisecond)
    wait(fun, started, started + ms)
  end

  defp wait(fun, started, deadline) do
    now = System.monotonic_time(:millisecond)

    cond do
      fun.() -> now - started
      now > deadline -> ExUnit.Assertions.flunk("it did not come about within #{deadline - started} ms")
      true -> Process.sleep(5) && wait(fun, started, deadline)
    end
  end

  @doc """
  Another VM with this package in it, spoken to over its standard input, so that its connection to this VM may break. Its
  application runs; it does not know the cookie of any node. Linked to the caller unless `link: false`; it ends with this VM.
  """
  def start_peer(options \\ []) do
    paths = Enum.filter(:code.get_path(), &(&1 != ~c"."))
    cookie = Node.get_cookie() |> Atom.to_charlist()

    peer_options = %{
      name: Keyword.get_lazy(options, :name, fn -> unique("peer") end),
      host: ~c"127.0.0.1",
      longnames: true,
      connection: :standard_io,
      args: [~c"-hidden", ~c"-setcookie", cookie, ~c"-pa" | paths]
    }

    {:ok, peer, node} =
      if Keyword.get(options, :link, true), do: :peer.start_link(peer_options), else: :peer.start(peer_options)

    {:ok, _} = :peer.call(peer, :application, :ensure_all_started, [:gpu_node])
    {peer, node}
  end

  def time(fun) do
    {us, result} = :timer.tc(fun)
    {us / 1000, result}
  end

  ## Called on a peer. Nodes and tensors must outlive the call, so processes that stay hold them.

  @doc "Starts a node as `GpuNode.start_link/1`, held by a process that stays."
  def attach(options), do: stay(fn -> GpuNode.start_link(options) end)

  @doc "Computes [2.0, 4.0] on `name` and keeps a tensor of 1 MB."
  def compute(name) do
    stay(fn ->
      kept = GpuNode.Tensor.from_binary!(name, :binary.copy(<<0>>, 1_000_000), :u8, {1_000_000})
      x = GpuNode.Tensor.from_list!(name, [1, 2], :f32)
      {kept, x |> GpuNode.Ops.multiply(2) |> GpuNode.Tensor.to_list!()}
    end)
    |> elem(1)
  end

  defp stay(fun) do
    caller = self()

    spawn(fn ->
      result = fun.()
      send(caller, {:result, result})
      Process.sleep(:infinity)
      GpuNode.Client.keep(result)
    end)

    receive do
      {:result, result} -> result
    end
  end
end

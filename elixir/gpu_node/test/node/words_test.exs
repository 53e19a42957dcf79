defmodule GpuNode.WordsTest do
  # Errors say what is the matter, once, in whole sentences.
  use GpuNode.NodeCase, async: false
  import ExUnit.CaptureLog
  alias GpuNode.Chain

  @moduletag :truth

  defp failed({:error, %Error{code: code, message: text}}), do: {code, text}

  defp start_vm(options) do
    paths = Enum.filter(:code.get_path(), &(&1 != ~c"."))
    {arguments, options} = Map.pop(options, :args, [])
    defaults = %{connection: :standard_io, args: arguments ++ [~c"-pa" | paths]}
    {:ok, peer, node} = :peer.start_link(Map.merge(defaults, options))
    {peer, node}
  end

  defp loopback(options \\ %{}), do: Map.merge(%{name: unique("peer"), host: ~c"127.0.0.1", longnames: true}, options)
  defp run_app(peer), do: {:ok, _} = :peer.call(peer, :application, :ensure_all_started, [:gpu_node])

  test "a tensor that was freed says so, and how", %{gpu: name} do
    x = Tensor.from_list!(name, [1.0], :f32)
    Tensor.free(x)
    assert {:not_found, text} = failed(Tensor.to_list(x))
    assert text =~ "tensor #{x.id} was freed on request"
    assert {:not_found, text} = failed(Tensor.to_list(Ops.add(x, 1)))
    assert text =~ ~r/^add: tensor #{x.id} was freed on request$/
    refute inspect(x) =~ "\n"

    {:ok, link} = GpuNode.Link.fetch(name)
    y = Tensor.from_list!(name, [1.0], :f32)
    send(link.pid, {:gpu_node_released, [y.id]})
    assert {:not_found, text} = failed(Tensor.to_list(y))
    assert text =~ "tensor #{y.id} was freed when its last handle was collected"

    never = %{y | id: y.id + 1_000_000}
    assert {:not_found, text} = failed(Tensor.to_list(never))
    assert text =~ "does not exist"
  end

  test "a session that ended says why", %{gpu: name} do
    %{node: node} = status!(name)
    {:ok, %{session: session}} = GenServer.call({:gpu_node, node}, {:open, self(), %{}})
    :ok = GenServer.call({:gpu_node, node}, {:close, session})
    assert {:error, {:not_found, text}} = GenServer.call({:gpu_node, node}, {:heartbeat, session})
    assert text =~ "has ended: it was closed"
  end

  test "one is not many", %{gpu: name} do
    x = Tensor.from_list!(name, [1.0], :f32)
    assert {:invalid_argument, text} = failed(GpuNode.op(name, :exp, [x, x]))
    assert text =~ "takes 1 operand,"
    assert {:invalid_argument, text} = failed(Tensor.from_binary(name, <<1>>, :u16, {1}))
    assert text =~ "takes 2 bytes (16 bits), got 1 byte (8 bits)"
    model = Chain.compile!(name, :normal, parameters: [mu: 0.0, sigma: 1.0], dimensions: [d: 1])
    assert inspect(model) =~ "1 coordinate in"
  end

  test "what was expected is told with what was got", %{gpu: name} do
    model = Chain.compile!(name, :normal, parameters: [mu: 0.0, sigma: 1.0], dimensions: [d: 1])
    {:ok, link} = GpuNode.Link.fetch(name)
    request = GpuNode.Protocol.sample(model.id, [], %{draws: 0})
    deadline = GpuNode.Client.deadline(link, [])
    assert {:invalid_argument, text} = failed(GpuNode.Client.request(link, model.session, deadline, request))
    assert text == "sample: the option draws is an integer of at least 1, got the integer 0"
  end

  test "no device of that name: those that there are" do
    assert {:no_driver, text} = failed(GpuNode.start_link(name: unique(), device: "radeon"))
    assert text =~ "no Vulkan device named radeon; there is: 0 \""
    assert text =~ "`device:` is a number or a part of the name"
    refute text =~ "install"
  end

  test "an Erlang node is called that, whether the cookies agree or not" do
    {_peer, node} = start_peer()
    assert {:unreachable, text} = failed(GpuNode.start_link(node: node))
    assert text =~ "#{node} is an Erlang node, not a GPU node"
    assert {:unreachable, text} = failed(GpuNode.start_link(node: node, cookie: :another, name: :again))
    assert text =~ "#{node} is an Erlang node, not a GPU node"
  end

  test "a VM that speaks IPv6, one whose net_kernel allows others only", %{gpu: name} do
    %{node: node} = status!(name)
    {peer, _} = start_vm(loopback(%{host: ~c"::1", args: [~c"-proto_dist", ~c"inet6_tcp"]}))
    run_app(peer)
    assert {:distribution, text} = failed(:peer.call(peer, GpuNode, :start_link, [[node: node]], 60_000))
    assert text =~ "inet6_tcp (-proto_dist)"
    refute text =~ "cookie"

    {peer, _} = start_vm(loopback())
    run_app(peer)
    :ok = :peer.call(peer, :net_kernel, :allow, [[:"somebody@127.0.0.1"]])
    assert {:distribution, text} = failed(:peer.call(peer, GpuNode, :start_link, [[node: node]], 60_000))
    assert text =~ ":net_kernel.allow/1" and text =~ "#{node}"
  end

  test "before the application has started", %{gpu: name} do
    {peer, _} = start_vm(loopback())
    assert {:configuration, text} = failed(:peer.call(peer, GpuNode, :start_link, [[name: name]], 60_000))
    assert text =~ "Application.ensure_all_started(:gpu_node)"
    assert :peer.call(peer, GpuNode, :stop, [name], 60_000) == :ok
  end

  test "the log of a restart has its reason, and nothing that somebody else did" do
    name = unique()
    start_supervised!({GpuNode, [name: name, heartbeat_ms: 100, hang_ms: 100] ++ device()}, id: name)
    %{node: node, os_pid: os_pid} = status!(name)

    log =
      capture_log(fn ->
        # A line of the node's log that is no reason.
        send({:gpu_node, node}, :nonsense)
        signal_pid(os_pid, "STOP")
        eventually(20_000, fn -> match?(%{state: :up, os_pid: new} when new != os_pid, status!(name)) end)
      end)

    assert log =~ "GPU node #{node} was ended by SIGKILL; it hung: nothing came of it for 100 ms; it is started again"
  end

  test "the name that a VM takes is said in one line" do
    {peer, _} = start_vm(%{})
    run_app(peer)

    code = """
    ExUnit.CaptureLog.capture_log(fn -> GpuNode.Distribution.ensure(true) end)
    """

    {:ok, _} = :peer.call(peer, :application, :ensure_all_started, [:ex_unit])
    {log, _} = :peer.call(peer, Code, :eval_string, [code], 60_000)
    own = :peer.call(peer, Node, :self, [])
    assert log =~ "This VM was no node and is now #{own}"
  end
end

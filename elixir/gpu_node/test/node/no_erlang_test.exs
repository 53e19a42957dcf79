defmodule GpuNode.NoErlangTest do
  use GpuNode.NodeCase, async: true

  @moduletag :truth

  test "a GPU node runs no Erlang, and says so at once", %{gpu: gpu} do
    %{node: node} = status!(gpu)
    assert {:badrpc, :notsup} = :rpc.call(node, :erlang, :node, [], 2000)
    assert_raise ErlangError, ~r/notsup/, fn -> :erpc.call(node, :erlang, :node, [], 2000) end
    assert_raise ErlangError, ~r/notsup/, fn -> Node.spawn_monitor(node, fn -> :ok end) end

    log =
      ExUnit.CaptureLog.capture_log(fn ->
        pid = Node.spawn(node, fn -> :ok end)
        assert node(pid) == Node.self()
        eventually(fn -> not Process.alive?(pid) end)
      end)

    assert log =~ "Can not start"
    assert Tensor.to_list!(Ops.add(Tensor.from_list!(gpu, [1, 2], :s32), 1)) == [2, 3]
  end
end

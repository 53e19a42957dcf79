defmodule GpuNode.System.AttachTest do
  # Handles that travel: made on one BEAM node, used on others, and gone when nobody has them any more.
  use ExUnit.Case
  import GpuNode.SystemCase
  alias GpuNode.SystemCase.Remote

  @grace_ms 400
  @attached_ms 200
  @options [grace_ms: @grace_ms, attached_ms: @attached_ms]

  setup do
    node = start_binary()
    a = start_peer("a")
    b = start_peer("b")
    %{node: node, gpu: node.name, a: holder(a, node), b: holder(b, node), peer_a: a, peer_b: b}
  end

  defp holder(peer, node, options \\ @options), do: :erpc.call(peer.node, Remote, :start_holder, [node.name, options])
  defp on(holder, function, arguments), do: Remote.on(holder, {function, arguments})
  defp drop(holder), do: Remote.on(holder, :drop)
  defp memory(node), do: Map.take(stats(node).memory, [:live_bytes, :kept_bytes])
  defp empty?(node), do: memory(node) == %{live_bytes: 0, kept_bytes: 0}

  test "dropped where it was made before it is used elsewhere, then dropped there: right values, nothing left", context do
    %{node: node, gpu: gpu, a: a, b: b} = context
    tensor = on(a, :make, [gpu, [1, 2, 3]])
    drop(a)
    assert eventually(fn -> memory(node).kept_bytes == 12 end)
    assert on(b, :read_sum, [tensor]) == {:ok, [2.0, 3.0, 4.0]}
    # The lease outlives what the maker's grace kept.
    for _ <- 1..6 do
      Process.sleep(div(@grace_ms, 4))
      assert on(b, :read, [tensor]) == {:ok, [1.0, 2.0, 3.0]}
    end

    assert stats(node).counters.attached == 1
    drop(b)
    assert eventually(fn -> empty?(node) end)
    assert {:error, %{code: :not_found, message: text}} = on(b, :read, [tensor])
    assert text =~ "Tensor.attach"
  end
end

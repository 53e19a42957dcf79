defmodule GpuNode.MemoryTest do
  # A node with little memory: what is refused, and what the client's own garbage has to do with it.
  use GpuNode.NodeCase, async: false

  @mib 1024 * 1024
  @moduletag node_options: [memory_limit: 96 * @mib, quota_bytes: 80 * @mib, collect_above_bytes: 1024 * @mib]

  defp upload(name, mib), do: Tensor.from_binary(name, :binary.copy(<<1>>, mib * @mib), :u8, {mib * @mib})

  test "more than there is: an error that says so, and what lives is as it was", %{gpu: name} do
    {:ok, kept} = upload(name, 1)
    assert {:error, %Error{code: code, message: text}} = upload(name, 200)
    assert code in [:out_of_memory, :quota]
    assert text =~ ~r/\d/
    assert Tensor.to_binary!(kept) == :binary.copy(<<1>>, @mib)
  end

  test "garbage that is not collected yet does not stand in the way", %{gpu: name} do
    for _ <- 1..10 do
      assert {:ok, tensor} = upload(name, 60)
      assert tensor.shape == {60 * @mib}
    end
  end
end

defmodule Nx.Vulkan.BackendTest do
  use Nx.Vulkan.Test.Case

  defp ours?(%Nx.Tensor{data: %module{}}), do: module == Nx.Vulkan.Backend

  test "a constant costs nothing until an op wants it" do
    zeros = Nx.broadcast(0.0, {1000, 1000})
    assert ours?(zeros)
    sum = Nx.add(Nx.tensor([1.0, 2.0]), 3)
    assert ours?(sum)
    assert Nx.to_list(sum) == [4.0, 5.0]
  end

  test "constants stay numbers, are counted, and become tensors when that is switched off" do
    before = Nx.Vulkan.folded_constants()
    assert %{data: %{value: {:literal, 2.5}}} = Nx.tensor(2.5)
    assert Nx.Vulkan.folded_constants() > before
    Application.put_env(:nx_vulkan, :fold_constants, false)
    on_exit(fn -> Application.delete_env(:nx_vulkan, :fold_constants) end)
    assert %{data: %{value: %GpuNode.Tensor{}}} = tensor = Nx.tensor(2.5)
    assert Nx.to_number(tensor) == 2.5
  end

  test "tensors of BinaryBackend among ours are taken in" do
    host = Nx.tensor([1, 2, 3], backend: Nx.BinaryBackend)
    assert Nx.to_list(Nx.add(Nx.tensor([10, 20, 30]), host)) == [11, 22, 33]
  end

  test "an op falls back where the node has none, is counted, and says so when told to raise" do
    Nx.Vulkan.reset_fallbacks()
    assert Nx.to_list(Nx.sort(Nx.tensor([3, 1, 2]))) == [1, 2, 3]

    case GpuNode.Capabilities.fetch(gpu()) do
      {:ok, %{ops: %{sort: _}}} -> assert Nx.Vulkan.fallbacks() == %{}
      {:ok, _} -> assert %{sort: 1} = Nx.Vulkan.fallbacks()
    end
  end

  test "a tensor that was given away is gone" do
    tensor = Nx.tensor([1, 2, 3])
    assert Nx.backend_deallocate(tensor) == :ok
    assert Nx.backend_deallocate(tensor) == :already_deallocated
    assert %GpuNode.Error{code: :not_found} = catch_error(Nx.to_binary(tensor))
  end
end

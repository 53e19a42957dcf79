defmodule Nx.Vulkan.InterfaceTest do
  # What Nx asks of a backend beside computing: batches, pointers, printing, placement and its errors.
  use Nx.Vulkan.Test.Case

  defmodule ForeignBackend do
    defstruct [:value]
  end

  test "batches are lazy, repeat or discard what is left over" do
    batches = Nx.to_batched(Nx.iota({5, 2}), 2)
    refute is_list(batches)
    assert Enum.map(batches, &Nx.to_list/1) == [[[0, 1], [2, 3]], [[4, 5], [6, 7]], [[8, 9], [0, 1]]]
    assert Nx.iota({5}) |> Nx.to_batched(2, leftover: :discard) |> Enum.map(&Nx.to_list/1) == [[0, 1], [2, 3]]
    assert [first] = Enum.take(Nx.to_batched(Nx.iota({4}, names: [:x]), 2), 1)
    assert first.names == [:x]
    assert is_struct(first.data, Nx.Vulkan.Backend)
  end

  test "a pointer between processes and back, of every type" do
    for type <- Nx.Vulkan.Test.Numbers.types() do
      tensor =
        Nx.Vulkan.Test.Numbers.patterns(type, 6, :any)
        |> Nx.Vulkan.Test.Numbers.tensor(type, {2, 3})
        |> Nx.backend_copy(Nx.Vulkan.Backend)

      pointer = Nx.to_pointer(tensor, mode: :ipc)
      assert %Nx.Pointer{kind: :ipc} = pointer
      back = Nx.from_pointer(Nx.Vulkan.Backend, pointer, type, {2, 3}, names: [:a, nil])
      assert back.names == [:a, nil]
      assert Nx.to_binary(back) == Nx.to_binary(tensor)
    end

    assert_raise ArgumentError, ~r/another process/, fn -> Nx.to_pointer(Nx.iota({2}), mode: :local) end
  end

  test "printing: limit over vectorized axes too, names, whose it is" do
    with_env(:add_backend_on_inspect, false, fn ->
      vectorized = Nx.iota({2, 3}) |> Nx.vectorize(:rows)
      host = on_host(fn -> Nx.iota({2, 3}) |> Nx.vectorize(:rows) end)

      for limit <- [1, 3, 4, 6, 7, :infinity],
          do: assert(inspect(vectorized, limit: limit) == inspect(host, limit: limit))

      named = fn -> Nx.iota({2, 2, 2}, names: [:x, nil, :z], type: :f32) end
      assert inspect(named.()) == inspect(on_host(named))
      odd = fn -> Nx.tensor([:nan, :infinity, :neg_infinity, -0.0, 1.0e-40], type: :f32) end
      assert inspect(odd.()) == inspect(on_host(odd))
      assert inspect(Nx.broadcast(7, {3, 2})) == inspect(on_host(fn -> Nx.broadcast(7, {3, 2}) end))
    end)

    {:ok, %{node: node, device: %{name: device}}} = GpuNode.status(gpu())
    text = with_env(:add_backend_on_inspect, true, fn -> inspect(Nx.iota({2})) end)
    assert text =~ "Nx.Vulkan.Backend<#{node}, #{device}>"
  end

  test "tensors of two nodes in one op: the error names both" do
    other = unique()
    start_supervised!({GpuNode, [name: other] ++ device()})
    here = Nx.iota({2})
    there = Nx.iota({2}, backend: {Nx.Vulkan.Backend, node: other})
    error = catch_error(Nx.add(here, there))
    assert %GpuNode.Error{code: :invalid_argument, message: text} = error
    assert text =~ Atom.to_string(gpu()) and text =~ Atom.to_string(other)
    moved = Nx.backend_transfer(there, {Nx.Vulkan.Backend, node: gpu()})
    assert Nx.to_list(Nx.add(here, moved)) == [0, 2]
    # A constant goes wherever the others are.
    assert Nx.to_list(Nx.add(Nx.tensor(1, backend: {Nx.Vulkan.Backend, node: other}), here)) == [1, 2]
  end

  test "a tensor of another backend: the error names both" do
    foreign = %{Nx.template({2}, :s32) | data: %ForeignBackend{}}
    error = catch_error(Nx.add(Nx.iota({2}), foreign))
    assert Exception.message(error) =~ "ForeignBackend"
    assert Exception.message(error) =~ "Nx.Vulkan.Backend"
  end

  test "no node of that name: the error says how to get one" do
    error = catch_error(Nx.iota({2}, backend: {Nx.Vulkan.Backend, node: :nowhere}))
    assert %GpuNode.Error{code: :not_found, message: text} = error
    assert text =~ ":nowhere" and text =~ "GpuNode.start_link"
    assert_raise ArgumentError, ~r/:node/, fn -> Nx.iota({2}, backend: {Nx.Vulkan.Backend, node: "gpu0"}) end
    assert_raise ArgumentError, fn -> Nx.iota({2}, backend: {Nx.Vulkan.Backend, device: 1}) end
  end

  test "tensors of GpuNode and of Nx are names of one storage" do
    handle = Nx.Vulkan.to_handle(Nx.tensor([[1.0, 2.0], [3.0, 4.0]]))
    assert %GpuNode.Tensor{type: {:f, 32}, shape: {2, 2}} = handle
    tensor = Nx.Vulkan.from_handle(handle)
    assert tensor.shape == {2, 2} and tensor.type == {:f, 32}
    assert Nx.to_flat_list(Nx.add(tensor, 1)) == [2.0, 3.0, 4.0, 5.0]
    assert GpuNode.Tensor.to_list!(Nx.Vulkan.to_handle(tensor)) == GpuNode.Tensor.to_list!(handle)
    assert GpuNode.Tensor.to_list!(Nx.Vulkan.to_handle(Nx.tensor(7))) == 7
    on_host = Nx.tensor([5, 6], backend: Nx.BinaryBackend)
    assert GpuNode.Tensor.to_list!(Nx.Vulkan.to_handle(on_host)) == [5, 6]
  end

  test "draws of a sampler are tensors of Nx" do
    %{data: %{node: node}} = Nx.tensor([1.0])
    model = GpuNode.Chain.compile!(node, :normal, parameters: [mu: 3.0], dimensions: [d: 2])
    samples = GpuNode.Chain.sample!(model, 100, chains: 32, warmup: 100)
    draws = Nx.Vulkan.from_handle(samples.draws["x"])
    assert draws.shape == {32, 100, 2}
    assert_in_delta draws |> Nx.mean() |> Nx.to_number(), 3.0, 0.2
  end
end

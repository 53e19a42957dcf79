defmodule Nx.Vulkan.ChainTensorsTest do
  # Tensors of Nx where GpuNode.Chain takes numbers, and its draws as such.
  use Nx.Vulkan.Test.Case

  alias GpuNode.{Chain, Tensor}
  alias GpuNode.Chain.Samples

  @moduletag :truth

  @mean """
  {"name": "mean", "description": "", "dimensions": [{"name": "n"}, {"name": "k"}], "variables": [{"name": "m"}],
   "parameters": [{"name": "width", "default": 1.0}],
   "data": [{"name": "y", "shape": ["n", "k"]}],
   "terms": [{"index": "i", "over": "n", "expression": "-0.5 * (y[i, 0] + y[i, 1] - m)^2 * width"}],
   "example": {"data": {"y": [[1, 2]]}, "unconstrained": {"m": 0}, "logp": -4.5, "gradient": {"m": 3}}}
  """

  @position [0.35, -0.2]
  @momentum [0.2, -0.1]

  defp start(wrap), do: [position: wrap.(@position), momentum: wrap.(@momentum), step_size: 0.05, results: :binaries]

  test "positions, momenta, step sizes and masses, from either backend and of either type" do
    model = Chain.compile!(gpu(), :normal, dimensions: [d: 2])
    wanted = Chain.run!(model, start(&Function.identity/1)).positions

    for backend <- [Nx.BinaryBackend, Nx.Vulkan.Backend] do
      nx = &Nx.tensor(&1, type: :f64, backend: backend)
      assert Chain.run!(model, start(nx)).positions == wanted
      assert Chain.run!(model, start(nx) ++ [inverse_mass: nx.([1.0, 1.0])]).positions == wanted
      assert Chain.run!(model, Keyword.put(start(nx), :step_size, nx.(0.05))).positions == wanted

      # f32 is made f64, as the number that it is.
      f32 = &Nx.tensor(&1, type: :f32, backend: backend)
      rounded = &(&1 |> Nx.tensor(type: :f32, backend: Nx.BinaryBackend) |> Nx.as_type(:f64) |> Nx.to_list())
      assert Chain.run!(model, start(f32)).positions == Chain.run!(model, start(rounded)).positions

      # A tensor of whole numbers, and one whose first axis is vectorized.
      ones = Nx.tensor([[1, 1], [1, 1]], backend: backend) |> Nx.vectorize(:chain)
      assert Chain.run!(model, position: ones, momentum: ones, step_size: 0).chains == 2
    end

    samples =
      Chain.sample!(model, 5,
        chains: 1,
        warmup: 0,
        step_size: 0.5,
        path_length: 1.0,
        position: Nx.tensor(@position),
        inverse_mass: Nx.tensor([1.0, 2.0])
      )

    assert samples.inverse_mass == [1.0, 2.0]
  end

  test "a tensor that lies on the node is used where it is" do
    model = Chain.compile!(gpu(), :normal, dimensions: [d: 200_000])
    position = Nx.iota({200_000}, type: :f64) |> Nx.divide(200_000)
    handle = Nx.Vulkan.to_handle(position)
    assert {:ok, %Tensor{id: id}} = GpuNode.Chain.NxTensors.take("position", position, {:f, 64}, handle.node)
    assert id == handle.id
    assert %{chains: 1} = Chain.run!(model, position: position, momentum: position, step_size: 0)
  end

  test "data of any real type and shape, parameters and dimensions" do
    logp = fn data, options ->
      model = Chain.compile!(gpu(), @mean, [data: [y: data]] ++ options)

      <<logp::float-little-64>> =
        Chain.run!(model, position: [0.0], momentum: [0.0], step_size: 0, results: :binaries).logp

      logp
    end

    wanted = -0.5 * (9 + 49)

    for backend <- [Nx.BinaryBackend, Nx.Vulkan.Backend], type <- [:f64, :f32, :s32, :u8, :bf16] do
      assert logp.(Nx.tensor([[1, 2], [3, 4]], type: type, backend: backend), []) == wanted
    end

    assert logp.(Nx.broadcast(1.5, {2, 2}), []) == -9.0
    assert logp.([[1, 2], [3, 4]], parameters: [width: Nx.tensor(2.0)]) == 2 * wanted
    # More than a message carries.
    big = Nx.iota({60_000, 2}, type: :s64, backend: Nx.BinaryBackend) |> Nx.remainder(3)
    assert logp.(big, []) == logp.(Nx.to_list(big), [])
    assert %{coordinates: 3} = Chain.compile!(gpu(), :normal, dimensions: [d: Nx.tensor(3)])
  end

  test "what is not real, or no number, is refused by name" do
    complex = Nx.tensor([[Complex.new(1, 2), 1]], backend: Nx.BinaryBackend)
    assert {:error, %{code: :invalid_argument, message: text}} = Chain.compile(gpu(), @mean, data: [y: complex])
    assert text =~ "data y is c64{1, 2}, where real numbers are wanted"

    assert {:error, %{code: :invalid_argument, message: text}} =
             Chain.compile(gpu(), :normal, parameters: [mu: Nx.tensor([1, 2])], dimensions: [d: 1])

    assert text =~ "mu is s32{2}, where one real number is wanted"
    freed = Nx.tensor([[1.0, 2.0]])
    Nx.backend_deallocate(freed)
    assert {:error, %GpuNode.Error{code: :not_found}} = Chain.compile(gpu(), @mean, data: [y: freed])
  end

  @tag :truth
  test "what is deallocated of to_nx, or of from_handle, leaves the samples, and the other way around" do
    model = Chain.compile!(gpu(), :eight_schools_noncentered, chains: 16)
    samples = Chain.sample!(model, 20, chains: 16, warmup: 50)
    known = Tensor.to_list!(samples.draws["mu"])
    for {_, tensor} <- Samples.to_nx!(samples), do: assert(Nx.backend_deallocate(tensor) == :ok)
    assert Nx.backend_deallocate(Nx.Vulkan.from_handle(samples.draws["mu"])) == :ok
    assert Tensor.to_list!(samples.draws["mu"]) == known
    assert length(Samples.summary!(samples).rows) == 10

    kept = Samples.to_nx!(samples)["mu"]
    other = Nx.Vulkan.from_handle(samples.draws["mu"])
    assert Tensor.free(samples.draws["mu"]) == :ok
    assert Nx.to_list(kept) == known and Nx.to_list(other) == known
    assert {:error, %GpuNode.Error{}} = Samples.summary(samples)
  end

  test "draws are tensors of Nx, on the node where that is the default and here where it is not" do
    model = Chain.compile!(gpu(), :eight_schools_noncentered, chains: 16)
    samples = Chain.sample!(model, 20, chains: 16, warmup: 50)

    assert %{"mu" => mu, "eta" => eta, "tau" => _} = Samples.to_nx!(samples)
    assert {mu.shape, mu.names, mu.type} == {{16, 20}, [:chain, :draw], {:f, 64}}
    assert {eta.shape, eta.names} == {{16, 20, 8}, [:chain, :draw, nil]}
    # The same storage, by another name.
    before = live_bytes(gpu())
    again = Samples.to_nx!(samples)
    assert live_bytes(gpu()) == before
    refute Nx.Vulkan.to_handle(again["mu"]).id == samples.draws["mu"].id
    assert eta |> Nx.mean(axes: [:draw]) |> Nx.shape() == {16, 8}

    %{"eta" => host} = on_host(fn -> Samples.to_nx!(samples) end)
    assert %Nx.BinaryBackend{} = host.data
    assert host.names == [:chain, :draw, nil]
    assert Nx.to_list(host) == Tensor.to_list!(samples.draws["eta"])
    assert Nx.to_list(eta) == Nx.to_list(host)
  end

  test "observed data of an export may be a tensor of Nx" do
    samples = Chain.sample!(Chain.compile!(gpu(), :normal, dimensions: [d: 2]), 8, warmup: 20)
    path = Path.join(System.tmp_dir!(), "#{unique()}.json")
    on_exit(fn -> File.rm(path) end)
    assert Samples.write_inference_data(samples, path, observed_data: [y: Nx.tensor([[1, 2, 3]])]) == :ok
    assert path |> File.read!() |> :json.decode() |> get_in(["observed_data", "y"]) == [[1.0, 2.0, 3.0]]
  end
end

defmodule GpuNode.ChainExportTest do
  @moduledoc "Draws of a node as a map and as a file for ArviZ."
  use GpuNode.NodeCase, async: false
  alias GpuNode.Chain
  alias GpuNode.Chain.Samples
  alias GpuNode.Test.InferenceDataSchema, as: Schema

  @moduletag :truth

  setup_all %{gpu: node} do
    model = Chain.compile!(node, :eight_schools_noncentered, chains: 8)
    {:ok, samples: Chain.sample!(model, 60, chains: 8, warmup: 100, seed: 4)}
  end

  setup do
    folder = Path.join(System.tmp_dir!(), unique("gpu_node_export") |> to_string())
    File.mkdir_p!(folder)
    on_exit(fn -> File.rm_rf!(folder) end)
    {:ok, folder: folder}
  end

  test "a file follows the schema and has the draws, to the last bit", %{samples: samples, folder: folder} do
    path = Path.join(folder, "samples.json")

    options = [
      dims: [eta: ["school"]],
      coords: [school: ~w(A B C D E F G H)],
      observed_data: [y: [28, 8, -3, 7, -1, 1, 18, 12]]
    ]

    assert Samples.write_inference_data(samples, path, options) == :ok
    data = path |> File.read!() |> :json.decode()
    assert Schema.problems(data) == []
    for name <- ~w(eta mu tau), do: assert(data["posterior"][name] == Tensor.to_list!(samples.draws[name]))
    assert data["sample_stats"]["lp"] == Tensor.to_list!(samples.logp)
    assert data["observed_data"]["y"] == [28, 8, -3, 7, -1, 1, 18, 12]
    assert data["attrs"]["family"] == "eight_schools_noncentered"
    assert File.ls!(folder) == ["samples.json"]
  end

  test "a file that cannot be written is an error and leaves nothing", %{samples: samples, folder: folder} do
    assert {:error, %{code: :invalid_argument, message: text}} =
             Samples.write_inference_data(samples, Path.join(folder, "none/x.json"))

    assert text =~ "no such file or directory"
    not_finite = [observed_data: [y: [1.0, :nan]]]

    assert {:error, %{message: "y[1] is nan" <> _}} =
             Samples.write_inference_data(samples, Path.join(folder, "x.json"), not_finite)

    uneven = [observed_data: [y: [[1], [2, 3]]]]

    assert {:error, %{message: "observed_data y: " <> _}} =
             Samples.write_inference_data(samples, Path.join(folder, "x.json"), uneven)

    assert File.ls!(folder) == []
  end

  test "a map has lists by variable and the statistics of each draw", %{samples: samples} do
    assert %{posterior: posterior, sample_stats: statistics} = Samples.to_map!(samples)
    assert posterior == Map.new(samples.draws, fn {name, tensor} -> {name, Tensor.to_list!(tensor)} end)
    assert statistics["lp"] == Tensor.to_list!(samples.logp)

    assert Enum.map(statistics["acceptance_rate"], &{hd(&1), length(&1)}) ==
             Enum.map(Tensor.to_list!(samples.acceptance), &{&1, 60})
  end

  test "without Nx its tensors are unsupported, in words", %{samples: samples} do
    refute Code.ensure_loaded?(Nx)
    assert {:error, %{code: :unsupported, message: "Nx is not loaded" <> _}} = Samples.to_nx(samples)
  end
end

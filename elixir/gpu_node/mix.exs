defmodule GpuNode.MixProject do
  use Mix.Project

  @version "0.1.0"

  def project do
    [
      app: :gpu_node,
      version: @version,
      elixir: "~> 1.17",
      elixirc_paths: if(Mix.env() == :test, do: ["lib", "test/support"], else: ["lib"]),
      start_permanent: Mix.env() == :prod,
      deps: [],
      aliases: [compile: [&copy_finalizer/1, "compile"]],
      description: "A GPU as a node of the Erlang cluster: supervision, tensors as handles, programs"
    ]
  end

  def application do
    [mod: {GpuNode.Application, []}, extra_applications: [:logger, :crypto]]
  end

  # The finalizer library is built by the project's CMake. Whatever build is newest goes to priv/, where releases take it
  # from; without one the package works all the same and says so in GpuNode.status/1.
  defp copy_finalizer(_args) do
    folders =
      [System.get_env("GPU_NODE_BUILD_DIR") | Enum.map(~w(release dev), &Path.expand("../../build/#{&1}", __DIR__))]

    newest =
      folders
      |> Enum.reject(&is_nil/1)
      |> Enum.map(&Path.join(&1, "gpu_node_finalizer.so"))
      |> Enum.filter(&File.regular?/1)
      |> Enum.max_by(&File.stat!(&1).mtime, fn -> nil end)

    if newest do
      target = Path.join(__DIR__, "priv/gpu_node_finalizer.so")
      File.mkdir_p!(Path.dirname(target))

      # A new file, never a rewrite: a running VM may have the old one mapped.
      if File.read(target) != File.read(newest) do
        File.cp!(newest, target <> ".new")
        File.rename!(target <> ".new", target)
      end
    end

    :ok
  end
end

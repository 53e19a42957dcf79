defmodule Nx.Vulkan.MixProject do
  use Mix.Project

  @version "0.1.0"

  def project do
    [
      app: :nx_vulkan,
      version: @version,
      elixir: "~> 1.17",
      elixirc_paths:
        if(Mix.env() == :test,
          do: ["lib", "test/support", Path.expand("../gpu_node/test/support/page", __DIR__)],
          else: ["lib"]
        ),
      # The tests of Nx implement its protocols for structs of their own.
      consolidate_protocols: Mix.env() != :test,
      start_permanent: Mix.env() == :prod,
      deps: deps(System.get_env("NX_PATH")),
      description: "Nx on any GPU with a Vulkan driver, in a node of its own"
    ]
  end

  def application do
    [mod: {Nx.Vulkan.Application, []}, extra_applications: [:logger, :crypto]]
  end

  defp deps(nil), do: [{:gpu_node, path: "../gpu_node"}, {:nx, "~> 0.12"}, {:telemetry, "~> 1.0"}]

  # A folder with checkouts of nx, complex and telemetry beside each other, for development without a package registry.
  # Their versions are whatever is there, so they override what nx asks for.
  defp deps(folder) do
    [
      {:gpu_node, path: "../gpu_node"},
      {:nx, path: nx_path(folder), override: true},
      {:complex, path: Path.join(folder, "complex"), override: true},
      {:telemetry, path: Path.join(folder, "telemetry"), override: true}
    ]
  end

  # The repository of Nx has the package in a folder of its own.
  defp nx_path(folder) do
    Enum.find([Path.join(folder, "nx/nx"), Path.join(folder, "nx")], &File.regular?(Path.join(&1, "mix.exs")))
  end
end

defmodule GpuNode.ReadmeTest do
  @moduledoc "The examples of the pages run and give what they say; `:gpu0` is the test's node."
  use GpuNode.NodeCase, async: false
  import ExUnit.CaptureIO
  alias GpuNode.Page

  @root Path.expand("../../../..", __DIR__)
  @pages ~w(README.md elixir/gpu_node/README.md specs/README.md)

  for page <- @pages do
    @external_resource Path.join(@root, page)

    test page, %{gpu: gpu} do
      text = File.read!(Path.join(@root, unquote(page)))
      folder = Path.join(System.tmp_dir!(), "gpu_node_readme_#{GpuNode.Distribution.random(5)}")
      File.mkdir_p!(folder)
      on_exit(fn -> File.rm_rf!(folder) end)
      for json <- Page.blocks(text, "json"), do: File.write!(Path.join(folder, "#{name(json)}.json"), json)

      # Nx is another package's.
      examples = for source <- Page.blocks(text, "elixir"), source =~ "GpuNode" or source =~ "Chain", do: source
      assert examples != []
      capture_io(fn -> examples |> Enum.flat_map(&steps(&1, gpu, folder)) |> Page.run(__ENV__) end)
    end
  end

  defp name(json) do
    [_, name] = Regex.run(~r/"name": "(\w+)"/, json)
    name
  end

  defp steps(source, gpu, folder) do
    source
    |> String.replace(~r/^\{:ok, _\} = GpuNode\.start_link\(name: :gpu0\)[^\n]*\n/, "")
    |> String.replace(":gpu0", inspect(gpu))
    |> String.replace(~r/\{:file, "(\w+\.json)"\}/, "{:file, #{inspect(folder)} <> \"/\\1\"}")
    |> Page.steps()
  end
end

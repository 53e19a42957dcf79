defmodule GpuNode.ReadmeTest do
  @moduledoc "The Elixir of the pages runs as it stands and gives what it says."
  use ExUnit.Case, async: false
  import ExUnit.CaptureIO
  alias GpuNode.{NodeCase, Page}

  @moduletag :node
  @moduletag timeout: 120_000
  @moduletag capture_log: true

  @root Path.expand("../../../..", __DIR__)
  @pages ~w(README.md elixir/gpu_node/README.md specs/README.md)

  for page <- @pages do
    @external_resource Path.join(@root, page)

    test page do
      text = File.read!(Path.join(@root, unquote(page)))
      # Nx is another package's, whose tests run those blocks.
      blocks = for source <- Page.blocks(text, "elixir"), not (source =~ ~r/\bNx\./), do: source
      assert length(blocks) > 1

      # A page that says that there is a node `:gpu0` has one.
      starts? = hd(blocks) =~ "GpuNode.start_link(name: :gpu0)"
      unless starts?, do: {:ok, _} = GpuNode.start_link([name: :gpu0] ++ NodeCase.device())

      folder = Path.join(System.tmp_dir!(), "gpu_node_readme_#{GpuNode.Distribution.random(5)}")
      File.mkdir_p!(folder)

      on_exit(fn ->
        GpuNode.stop(:gpu0)
        File.rm_rf!(folder)
      end)

      # Files that the page shows are where its reader is.
      for json <- Page.blocks(text, "json"), do: File.write!(Path.join(folder, "#{name(json)}.json"), json)
      capture_io(fn -> File.cd!(folder, fn -> blocks |> Enum.flat_map(&Page.steps/1) |> Page.run(__ENV__) end) end)
    end
  end

  defp name(json) do
    [_, name] = Regex.run(~r/"name": "(\w+)"/, json)
    name
  end
end

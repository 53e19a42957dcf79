defmodule Nx.Vulkan.ReadmeTest do
  # What the page and the notebooks name exists, and the page's code runs as it stands, as that of the project's README does that has Nx.
  use ExUnit.Case, async: false
  import ExUnit.CaptureIO
  alias GpuNode.Page

  @moduletag capture_log: true
  @root Path.expand("..", __DIR__)
  @pages [Path.join(@root, "README.md") | Path.wildcard(Path.join(@root, "../notebooks/*.livemd"))]

  for page <- @pages do
    @page page
    @external_resource page

    test "functions that #{Path.basename(page)} names" do
      named = Regex.scan(~r/`((?:Nx|GpuNode)[A-Za-z.]*)\.([a-z_]\w*[?!]?)\/(\d)`/, File.read!(@page))

      for [text, module, name, arity] <- named do
        module = Module.concat([module])
        assert Code.ensure_loaded?(module), "there is no #{inspect(module)}"
        assert function_exported?(module, String.to_atom(name), String.to_integer(arity)), "there is no #{text}"
      end
    end
  end

  @project_readme Path.join(@root, "../../README.md")
  @external_resource @project_readme

  test "the code of the README runs as it stands, and gives what it says" do
    {module, options} = Nx.default_backend()

    on_exit(fn ->
      GpuNode.stop(:gpu0)
      Nx.global_default_backend({module, options})
      Nx.Defn.global_default_options([])
      Application.delete_env(:nx_vulkan, :node_timeout_ms)
    end)

    {settings, code} =
      @root
      |> Path.join("README.md")
      |> File.read!()
      |> Page.blocks("elixir")
      |> Enum.split_with(&(&1 =~ ~r/^config /m))

    assert [_] = settings

    for source <- settings,
        do: assert([_ | _] = Config.Reader.eval!("README.md", "import Config\n" <> source))

    with_nx = @project_readme |> File.read!() |> Page.blocks("elixir") |> Enum.filter(&(&1 =~ "Nx."))
    assert [_] = with_nx
    capture_io(fn -> (code ++ with_nx) |> Enum.flat_map(&Page.steps/1) |> Page.run(__ENV__) end)
  end

  test "every code of GpuNode.Error is in the README" do
    readme = File.read!(Path.join(@root, "README.md"))
    for code <- GpuNode.Error.codes(), do: assert(readme =~ "`#{inspect(code)}`", "#{code} is missing")
  end
end

defmodule Nx.Vulkan.ReadmeTest do
  # What the page and the notebooks name exists, and their code can be read.
  use ExUnit.Case, async: true

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

    test "code in #{Path.basename(page)}" do
      for [_, source] <- Regex.scan(~r/^```elixir\n(.*?)\n```/ms, File.read!(@page)),
          do: assert({:ok, _} = Code.string_to_quoted(source))
    end
  end

  test "every code of GpuNode.Error is in the README" do
    readme = File.read!(Path.join(@root, "README.md"))
    for code <- GpuNode.Error.codes(), do: assert(readme =~ "`#{inspect(code)}`", "#{code} is missing")
  end
end

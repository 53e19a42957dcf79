defmodule GpuNode.ReadmeTest do
  @moduledoc """
  The examples of the pages run and give what they say: a line `#=> value` states the value of what stands before it, "..." in it
  stands for anything. `:gpu0` is the test's node.
  """
  use GpuNode.NodeCase, async: false
  import ExUnit.CaptureIO

  @root Path.expand("../../../..", __DIR__)
  @pages ~w(README.md elixir/gpu_node/README.md specs/README.md)

  for page <- @pages do
    @external_resource Path.join(@root, page)

    test page, %{gpu: gpu} do
      text = File.read!(Path.join(@root, unquote(page)))
      folder = Path.join(System.tmp_dir!(), "gpu_node_readme_#{GpuNode.Distribution.random(5)}")
      File.mkdir_p!(folder)
      on_exit(fn -> File.rm_rf!(folder) end)
      for json <- blocks(text, "json"), do: File.write!(Path.join(folder, "#{name(json)}.json"), json)

      # Nx is another package's.
      examples = for source <- blocks(text, "elixir"), source =~ "GpuNode" or source =~ "Chain", do: source
      assert examples != []

      capture_io(fn ->
        examples
        |> Enum.flat_map(&steps(&1, gpu, folder))
        |> Enum.reduce({[], Code.env_for_eval(__ENV__)}, &evaluate/2)
      end)
    end
  end

  defp blocks(text, language) do
    for [_, source] <- Regex.scan(~r/^```#{language}\n(.*?)\n```/ms, text), do: source
  end

  defp name(json) do
    [_, name] = Regex.run(~r/"name": "(\w+)"/, json)
    name
  end

  # Pairs of source and the value that it states.
  defp steps(source, gpu, folder) do
    source
    |> String.replace(~r/^\{:ok, _\} = GpuNode\.start_link\(name: :gpu0\)[^\n]*\n/, "")
    |> String.replace(":gpu0", inspect(gpu))
    |> String.replace(~r/\{:file, "(\w+\.json)"\}/, "{:file, #{inspect(folder)} <> \"/\\1\"}")
    |> String.split("\n")
    |> Enum.chunk_while([], &chunk/2, fn lines -> {:cont, {lines, nil}, []} end)
    |> Enum.map(fn {lines, value} -> {lines |> Enum.reverse() |> Enum.join("\n"), value} end)
  end

  defp chunk("#=> " <> value, lines), do: {:cont, {lines, value}, []}
  defp chunk(line, lines), do: {:cont, [line | lines]}

  defp evaluate({source, stated}, {binding, env}) do
    {value, binding, env} = source |> Code.string_to_quoted!() |> Code.eval_quoted_with_env(binding, env)
    if stated, do: check(source, stated, inspect(value))
    {binding, env}
  end

  defp check(source, stated, got) do
    pattern = stated |> Regex.escape() |> String.replace("\\.\\.\\.", ".*")
    assert got =~ ~r/\A#{pattern}\z/s, "#{source}\n\nstates\n\n#{stated}\n\ngot\n\n#{got}"
  end
end

defmodule Nx.Vulkan.NotebooksTest do
  # The notebooks do what they say: cells are evaluated in order, and what the text states as their outputs is compared. "..." in an
  # output stands for anything.
  use ExUnit.Case, async: false

  @moduletag capture_log: true
  @moduletag timeout: 180_000

  @folder Path.expand("../../notebooks", __DIR__)
  @cell ~r/^```elixir\n(?<source>.*?)\n```\n(?:\n<!-- livebook:\{"output":true\} -->\n\n```\n(?<output>.*?)\n```\n)?/ms

  setup do
    inspected = Application.fetch_env(:nx_vulkan, :add_backend_on_inspect)
    Application.put_env(:nx_vulkan, :add_backend_on_inspect, true)
    {module, options} = Nx.default_backend()

    on_exit(fn ->
      Nx.global_default_backend({module, options})
      with {:ok, value} <- inspected, do: Application.put_env(:nx_vulkan, :add_backend_on_inspect, value)
    end)
  end

  for name <- ~w(first_tour gpu_process eight_schools) do
    test name do
      text = File.read!(Path.join(@folder, unquote(name) <> ".livemd"))
      cells = for [_, source | output] <- Regex.scan(@cell, text), do: {source, List.first(output)}
      assert length(cells) > 5
      assert {"# From a checkout." <> _, nil} = hd(cells)

      # Test runs on one machine must not meet under one name.
      suffix = GpuNode.Distribution.random(4)

      ExUnit.CaptureIO.capture_io(fn ->
        cells
        |> tl()
        |> Enum.map(fn {source, output} ->
          {String.replace(source, ~r/:(tour|crashing|schools)\b/, ":\\1_#{suffix}"), output}
        end)
        |> Enum.reduce({[], Code.env_for_eval(__ENV__)}, &evaluate/2)
      end)
    end
  end

  defp evaluate({source, output}, {binding, env}) do
    quoted = Code.string_to_quoted!(source)
    {value, binding, env} = Code.eval_quoted_with_env(quoted, binding, env)

    if output do
      got = inspect(value, pretty: true, custom_options: [sort_maps: true])
      pattern = output |> Regex.escape() |> String.replace("\\.\\.\\.", ".*")
      assert got =~ Regex.compile!("\\A" <> pattern <> "\\z", "s"), "#{source}\n\nstates\n\n#{output}\n\ngot\n\n#{got}"
    end

    {binding, env}
  end
end

defmodule Nx.Vulkan.NotebooksTest do
  # The notebooks do what they say: cells are evaluated in order, and what the text states as their outputs is compared. "..." in an
  # output stands for anything.
  use ExUnit.Case, async: false

  @moduletag capture_log: true
  @moduletag timeout: 180_000

  alias GpuNode.Page

  @folder Path.expand("../../notebooks", __DIR__)

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
      cells = Page.cells(text)
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
        |> Page.run(__ENV__)
      end)
    end
  end
end

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
        |> then(fn {binding, _env} -> claims(unquote(name), binding) end)
      end)
    end
  end

  # What the text says of numbers that it does not state to the last digit.
  defp claims("eight_schools", found) do
    assert found[:drift] < 0.02
    assert found[:samples].divergent < 50
    assert found[:largest_rhat] < 1.01
    assert found[:farthest] < 4
    assert found[:rhat] > 1.01 and found[:stuck].divergent > 0
    assert found[:stuck].leapfrog_steps > 4 * found[:samples].leapfrog_steps
    assert found[:pooled_tau] < 2
  end

  defp claims(_other, _found), do: :ok
end

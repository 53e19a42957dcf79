defmodule Nx.Vulkan.LooksWrongTest do
  # What the page says is Nx's is so: the examples give what they state on the node and on the host.
  use Nx.Vulkan.Test.Case, async: false
  alias GpuNode.Page

  @moduletag :truth
  @page Path.expand("../LOOKS_WRONG.md", __DIR__)
  @external_resource @page

  defp parts, do: @page |> File.read!() |> String.split("## Where `Nx.BinaryBackend` raises")
  defp steps(text), do: text |> Page.blocks("elixir") |> Enum.flat_map(&Page.steps/1)

  test "what looks wrong and is Nx's is the same on the node and on the host" do
    [both, ours] = parts()
    assert length(steps(both)) > 10
    Page.run(steps(both) ++ steps(ours), __ENV__)
    on_host(fn -> Page.run(steps(both), __ENV__) end)
  end

  test "where the page says that the host raises it does" do
    [_both, ours] = parts()

    for step <- steps(ours),
        do: assert_raise(ArithmeticError, fn -> on_host(fn -> Page.run([step], __ENV__) end) end)
  end
end

defmodule Nx.Vulkan.InspectTest do
  use Nx.Vulkan.Test.Case, async: false

  @moduletag :truth

  test "a tensor that cannot be read is shown in one line, with why" do
    tensor = Nx.add(Nx.tensor([1, 2, 3]), 1)
    Nx.backend_deallocate(tensor)
    text = inspect(tensor)
    assert text =~ "was freed on request"
    assert [_] = text |> String.split("\n") |> Enum.filter(&(&1 =~ "Nx.Vulkan.Backend"))
    refute text =~ "Inspect.Error"
  end
end

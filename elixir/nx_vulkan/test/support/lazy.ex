defmodule Nx.Vulkan.Test.Lazy do
  @moduledoc false
  # A container whose tensors are made when they are asked for: `parts` are {template, function}.
  defstruct parts: []

  defimpl Nx.LazyContainer do
    def traverse(%{parts: parts}, acc, fun) do
      {parts, acc} = Enum.map_reduce(parts, acc, fn {template, make}, acc -> fun.(template, make, acc) end)
      {List.to_tuple(parts), acc}
    end
  end
end

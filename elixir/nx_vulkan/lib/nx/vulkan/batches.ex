defmodule Nx.Vulkan.Batches do
  @moduledoc false
  # Nx.to_batched/3: a tensor cut along its first axis, lazily. Each batch is cut when it is asked for, by ops like any others.

  alias Nx.Tensor, as: T

  @spec stream(T.t(), T.t(), :repeat | :discard) :: Enumerable.t()
  def stream(%T{shape: shape} = out, tensor, leftover) do
    size = elem(shape, 0)
    count = elem(tensor.shape, 0)
    whole = div(count, size)
    left = rem(count, size)

    last = if left > 0 and leftover == :repeat, do: [:last], else: []

    0..(whole - 1)//1
    |> Stream.concat(last)
    |> Stream.map(fn
      :last -> %{repeat(tensor, whole * size, left, size - left) | names: out.names}
      index -> %{Nx.slice_along_axis(tensor, index * size, size, axis: 0) | names: out.names}
    end)
  end

  # What is left over, and the beginning again.
  defp repeat(tensor, start, left, missing) do
    rest = Nx.slice_along_axis(tensor, start, left, axis: 0)
    Nx.concatenate([rest, Nx.slice_along_axis(tensor, 0, missing, axis: 0)], axis: 0)
  end
end

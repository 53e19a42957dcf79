defmodule Nx.Vulkan.TestWork do
  @moduledoc false
  # What the processes of Nx.Vulkan.TestPeer do. Each function takes what its process holds and returns {reply, held}.

  def make(_held, gpu) do
    tensor = {1000} |> Nx.iota(type: :f32, backend: {Nx.Vulkan.Backend, node: gpu}) |> Nx.multiply(2) |> Nx.add(1)
    {tensor, tensor}
  end

  def take(_held, tensor), do: {Nx.to_number(Nx.sum(tensor)), tensor}
  def last(tensor), do: {Nx.to_number(tensor[999]), tensor}
  def sum(tensor), do: {Nx.to_number(Nx.sum(tensor)), tensor}
  def own(tensor), do: {:ok, Nx.backend_copy(tensor, Nx.Vulkan.Backend)}
  def drop(_held), do: {:ok, nil}

  def serve(_held, name, gpu) do
    {:ok, pid} = Nx.Serving.start_link(serving: serving(gpu), name: name, batch_size: 4, batch_timeout: 10)
    {:ok, pid}
  end

  def serving(gpu) do
    Nx.Serving.new(
      fn options ->
        Nx.default_backend({Nx.Vulkan.Backend, node: gpu})
        Nx.Defn.jit(&Nx.multiply(&1, 2), options)
      end,
      compiler: Nx.Defn.Evaluator
    )
  end

  def serve_compiled(_held, name, gpu) do
    {:ok, pid} = Nx.Serving.start_link(serving: compiled(gpu), name: name, batch_size: 8, batch_timeout: 20)
    {:ok, pid}
  end

  @doc "A layer and its softmax, compiled for a GPU node and for batches of eight."
  def compiled(gpu) do
    Nx.Serving.new(
      fn options ->
        weights = {16, 4} |> Nx.iota(type: :f32, backend: Nx.BinaryBackend) |> Nx.divide(64)
        compiled = Nx.Defn.compile(&layer(&1, weights), [Nx.template({8, 16}, :f32)], options)
        fn batch -> batch |> Nx.Batch.pad(8 - batch.size) |> compiled.() end
      end,
      compiler: Nx.Vulkan,
      node: gpu
    )
  end

  def layer(x, weights) do
    e = x |> Nx.dot(weights) |> Nx.exp()
    Nx.divide(e, Nx.sum(e, axes: [1], keep_axes: true))
  end

  def default_to(held, gpu), do: {Nx.global_default_backend({Nx.Vulkan.Backend, node: gpu}), held}

  def program(held), do: {program(), held}
  def program_for_ever(held), do: {Enum.each(Stream.cycle([0]), fn _ -> program() end), held}

  def program do
    x = {64, 64} |> Nx.iota(type: :f32) |> Nx.divide(4096)
    x |> Nx.dot(Nx.sigmoid(x)) |> Nx.sum() |> Nx.to_number()
  end
end

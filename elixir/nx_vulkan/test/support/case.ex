defmodule Nx.Vulkan.Test.Case do
  @moduledoc false
  # For tests against the node of the run, whose name is `gpu/0`. Tensors are made on it unless a backend is named.

  use ExUnit.CaseTemplate

  using do
    quote do
      import Nx.Vulkan.Test.Case
    end
  end

  setup do
    Nx.default_backend(Nx.Vulkan.Backend)
    :ok
  end

  @doc "Starts the node of the run, and returns its name."
  def start_gpu do
    name = unique()
    {:ok, _} = GpuNode.start_link([name: name] ++ device())
    :persistent_term.put(__MODULE__, name)
    name
  end

  @doc "The name under which the node of the run was started."
  def gpu, do: :persistent_term.get(__MODULE__)

  @doc "The name that it has in the cluster."
  def gpu_node do
    {:ok, %{node: node}} = GpuNode.status(gpu())
    node
  end

  @doc "A node name that no other test run on this machine uses."
  def unique, do: :"nx_vulkan_#{GpuNode.Distribution.random(5)}"

  @doc "The option that names the device of the tests, where GPU_NODE_TEST_DEVICE does."
  def device, do: if(name = System.get_env("GPU_NODE_TEST_DEVICE"), do: [device: name], else: [])

  @doc "Runs `fun` with a setting of the application."
  def with_env(key, value, fun) do
    before = Application.fetch_env(:nx_vulkan, key)
    Application.put_env(:nx_vulkan, key, value)

    try do
      fun.()
    after
      case before do
        {:ok, value} -> Application.put_env(:nx_vulkan, key, value)
        :error -> Application.delete_env(:nx_vulkan, key)
      end
    end
  end

  @doc "What `fun` gives with new tensors on the host."
  def on_host(fun), do: Nx.with_default_backend(Nx.BinaryBackend, fun)

  @doc "Bytes that live on a node once everything before is done."
  def live_bytes(name) do
    {:ok, _} = GpuNode.sync(name)
    {:ok, %{live_bytes: bytes}} = GpuNode.memory(name)
    bytes
  end

  @doc "Runs `fun` until it is true, for at most `ms`."
  def eventually(ms \\ 5000, fun) do
    deadline = System.monotonic_time(:millisecond) + ms
    wait(fun, deadline, ms)
  end

  defp wait(fun, deadline, ms) do
    cond do
      fun.() -> :ok
      System.monotonic_time(:millisecond) > deadline -> flunk("it did not come about within #{ms} ms")
      true -> Process.sleep(5) && wait(fun, deadline, ms)
    end
  end
end

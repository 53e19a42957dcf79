defmodule Nx.Vulkan.Test.Compiled do
  @moduledoc false
  # Functions of defn, compiled, beside the same functions op by op.

  import ExUnit.Assertions
  import Nx.Vulkan.Test.Case

  @doc "What the compiled function gives."
  def compiled(fun, arguments, options \\ []),
    do: Nx.Defn.jit_apply(fun, arguments, [compiler: Nx.Vulkan] ++ options)

  @doc "What it gives op by op."
  def evaluated(fun, arguments, options \\ []),
    do: Nx.Defn.jit_apply(fun, arguments, [compiler: Nx.Defn.Evaluator] ++ options)

  @doc "All tensors of a container: their types, shapes, names, vectorised axes and bytes."
  def bits(container) do
    {_, tensors} =
      Nx.Defn.Composite.traverse(
        container,
        [],
        &{&1, [{&1.type, &1.shape, &1.names, &1.vectorized_axes, Nx.to_binary(&1)} | &2]}
      )

    Enum.reverse(tensors)
  end

  @doc "Compiled, fused or not, a function gives the bits that it gives op by op, and nothing on the host: what it gave."
  def check(fun, arguments) do
    Nx.Vulkan.Fallback.reset()
    expected = evaluated(fun, arguments)
    got = compiled(fun, arguments)
    assert bits(got) == bits(expected)
    assert bits(compiled(fun, arguments, fuse: false)) == bits(expected)
    # Once more, now that it is known.
    assert bits(compiled(fun, arguments)) == bits(expected)
    assert Nx.Vulkan.fallbacks() == %{}
    got
  end

  @doc "Dispatches and instructions of a call that is known already."
  def counted(fun) do
    fun.()
    before = counters()
    fun.()
    now = counters()
    Map.new([:instructions, :dispatches], &{&1, now[&1] - before[&1]})
  end

  defp counters do
    {:ok, %{counters: counters}} = GpuNode.stats(gpu())
    counters
  end
end

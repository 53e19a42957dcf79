defmodule Nx.Vulkan.Compiler.Build do
  @moduledoc false
  # From a function and what its arguments are to what is run: traced by Nx, lowered to what the recorder notes, and that as steps with
  # their programs. Each stage is timed; the node's own (fusing, planning, kernels) are told by GpuNode.explain/3.

  alias Nx.Defn.Composite
  alias Nx.Tensor, as: T
  alias Nx.Vulkan.{Backend, Eager}
  alias Nx.Vulkan.Compiler.{Executable, Lowering, Recorder, Steps}

  @typedoc "What the stages took, in native units."
  @type times :: %{trace: integer, lower: integer, build: integer}

  @doc """
  What `fun` comes to for `vars`, and what that took; `:telemetry` is told as `[:nx_vulkan, :compile, :stop]`. Throws `{:lacks, error}` where
  the node lacks an op.
  """
  @spec executable(list, fun, node, map, keyword) :: {Executable.t(), times}
  def executable(vars, fun, node, hooks, options) do
    {{expression, output}, trace} = timed(fn -> trace(vars, fun) end)

    Nx.with_default_backend({Backend, node: node}, fn ->
      {{{parameters, results, entries}, captured}, lower} =
        timed(fn -> Recorder.record(node, fn -> lower(vars, expression, node, hooks) end) end)

      {executable, build} =
        timed(fn ->
          {{steps, _wanted}, needed} =
            Steps.of(entries, for(%Recorder.Value{} = value <- results, do: value), options)

          %Executable{
            id: make_ref(),
            node: node,
            steps: steps,
            parameters:
              for(
                {{_tensor, %{number: number}}, place} <- Enum.with_index(parameters),
                number in needed,
                do: {place, number}
              ),
            captured:
              for(
                {%{number: number} = value, source} <- captured,
                number in needed,
                do: {number, source, value.type, value.shape}
              ),
            results: Enum.map(results, &with(%Recorder.Value{number: number} <- &1, do: number)),
            output: output
          }
        end)

      times = %{trace: trace, lower: lower, build: build}
      measurements = Map.put(times, :duration, trace + lower + build)
      :telemetry.execute([:nx_vulkan, :compile, :stop], measurements, %{node: node})
      {executable, times}
    end)
  end

  defp trace(vars, fun) do
    {expression, output} =
      vars |> fun.() |> Composite.traverse([], &{Nx.devectorize(&1), [Nx.to_template(&1) | &2]})

    {container, []} =
      Composite.traverse(expression, Enum.reverse(output), fn _tensor, [template | rest] -> {template, rest} end)

    {expression, container}
  end

  defp lower(vars, expression, node, hooks) do
    parameters = vars |> Composite.flatten_list() |> Enum.map(&parameter(&1, node))

    {results, entries} =
      Recorder.body(fn ->
        expression
        |> Lowering.closed(Enum.map(parameters, &elem(&1, 0)), %Lowering{node: node, hooks: hooks})
        |> then(&Composite.flatten_list([&1]))
        |> Enum.map(&result/1)
      end)

    {parameters, results, entries}
  end

  defp parameter(template, node) do
    flat = Nx.devectorize(template)
    value = Recorder.value(flat.type, flat.shape)
    {Eager.ours(flat, node, value), value}
  end

  defp result(%T{data: %Backend{value: {:literal, _} = constant}}), do: {:constant, constant}
  defp result(%T{data: %Backend{value: handle}}), do: Recorder.operand(handle)
  defp result(%T{data: %Nx.BinaryBackend{}} = tensor), do: {:host, tensor}

  defp timed(fun) do
    started = System.monotonic_time()
    result = fun.()
    {result, System.monotonic_time() - started}
  end
end

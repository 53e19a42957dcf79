defmodule Nx.Vulkan.Compiler.Explain do
  @moduledoc false
  # A compiler of Nx.Defn whose functions give what they come to in place of running: Nx.Vulkan.explain/3.

  @behaviour Nx.Defn.Compiler

  alias GpuNode.{Error, Type}
  alias Nx.Vulkan.{Compiler, Explanation}
  alias Nx.Vulkan.Compiler.{Build, Executable}

  @impl true
  def __jit__(_key, vars, fun, args_list, options) do
    {own, node} = Compiler.own(options)
    {glsl, hooks} = {Keyword.get(options, :glsl, false), Keyword.get(options, :hooks, %{})}
    explanation = explanation(vars, fun, node, hooks, [fuse: own[:fuse]], glsl)
    Enum.map(args_list, fn _arguments -> explanation end)
  end

  @impl true
  def __compile__(_key, _vars, _fun, _options), do: raise(ArgumentError, "Nx.Vulkan.explain/3 compiles nothing")

  @impl true
  def __partitions_options__(_options), do: raise(ArgumentError, "Nx.Vulkan.explain/3 has no partitions")

  @impl true
  def __to_backend__(options), do: Compiler.__to_backend__(options)

  @impl true
  def __shard_jit__(_key, _mesh, _vars, _fun, _args_list, _options),
    do: raise(ArgumentError, "Nx.Vulkan.explain/3 has no shards")

  defp explanation(vars, fun, node, hooks, options, glsl) do
    {%Executable{} = executable, times} = Build.executable(vars, fun, node, hooks, options)
    {steps, told} = steps(executable.steps, {node, glsl}, [])
    templates = vars |> Nx.Defn.Composite.flatten_list() |> List.to_tuple()

    arguments =
      for {place, number} <- executable.parameters,
          %{type: type, shape: shape} = templates |> elem(place) |> Nx.devectorize(),
          do: {number, type, shape}

    captured = for {number, _source, type, shape} <- executable.captured, do: {number, type, shape}

    results =
      for {result, %{type: type, shape: shape}} <-
            Enum.zip(executable.results, Nx.Defn.Composite.flatten_list([executable.output])),
          do: {if(is_integer(result), do: result), type, shape}

    made = for {number, type, shape} <- results, number != nil, uniq: true, do: {number, type, shape}

    %Explanation{
      node: node,
      fuse: options[:fuse],
      arguments: arguments,
      captured: captured,
      results: results,
      steps: steps,
      dispatches: total(steps, &length(&1.dispatches)),
      moved_bytes: total(steps, &(&1.read_bytes + &1.written_bytes)),
      ideal_bytes: bytes(arguments) + bytes(captured) + bytes(made),
      kernels: kernels(told),
      times: times(times, told)
    }
  catch
    {:lacks, error} -> Error.raise!(error)
  end

  # Steps as they are told of, and what the node said of their programs, the last first.
  defp steps(steps, how, told), do: Enum.map_reduce(steps, told, &step(&1, how, &2))

  defp step({:run, program, inputs, outputs, _done}, {node, glsl}, told) do
    answer = node |> GpuNode.explain(program, glsl: glsl) |> Error.unwrap!()

    apart =
      Enum.group_by(answer.apart, fn {_maker, user, _why} -> user end, fn {maker, _user, why} -> {maker, why} end)

    groups =
      for {step, index} <- Enum.with_index(answer.steps),
          do: step |> with_bodies(program) |> Map.delete(:instructions) |> Map.put(:apart, Map.get(apart, index, []))

    step = %{
      kind: :program,
      ops: length(program.commands),
      groups: groups,
      takes: inputs,
      gives: Enum.zip(answer.outputs, outputs)
    }

    {step, [answer | told]}
  end

  defp step({:while, initial, state, {asking, _}, {body, _}, results, _done}, how, told) do
    {condition, told} = steps(asking, how, told)
    {body, told} = steps(body, how, told)
    step = %{kind: :while, condition: condition, body: body}
    {Map.merge(step, %{takes: initial, carries: state, gives: results}), told}
  end

  defp step({:cond, clauses, {last, _}, results, _done}, how, told) do
    {clauses, told} =
      Enum.map_reduce(clauses, told, fn {{asking, _}, {body, _}}, told ->
        {asking, told} = steps(asking, how, told)
        {body, told} = steps(body, how, told)
        {{asking, body}, told}
      end)

    {last, told} = steps(last, how, told)
    {%{kind: :cond, clauses: clauses, last: last, gives: results}, told}
  end

  defp step({:call, _fun, inputs, results, _done}, _how, told),
    do: {%{kind: :call, takes: inputs, gives: results}, told}

  # A loop of the node has the names of what its condition and its body are.
  defp with_bodies(%{kind: :loop, instructions: [place]} = step, program) do
    {_op, _results, _operands, %{condition: condition, body: body}} = Enum.at(program.commands, -1 - place)
    Map.merge(step, %{condition: ops(program, condition), body: ops(program, body)})
  end

  defp with_bodies(step, _program), do: step

  defp ops(program, place), do: for({op, _, _, _} <- Enum.reverse(Enum.at(program.bodies, -1 - place).commands), do: op)

  defp total(steps, count),
    do: Enum.sum(for %{kind: :program, groups: groups} <- steps, group <- groups, do: count.(group))

  defp bytes(values),
    do: Enum.sum(for {_number, type, shape} <- values, do: Tuple.product(shape) * Type.wire_bytes(type))

  defp kernels(told), do: for(%{kernels: kernels} <- told, kernel <- kernels, into: %{}, do: {kernel.key, kernel})

  defp times(times, told) do
    ours =
      for {stage, time} <- times, into: %{}, do: {stage, System.convert_time_unit(time, :native, :microsecond)}

    compiled = told |> kernels() |> Map.values() |> Enum.filter(&is_map_key(&1, :driver_us))
    sum = fn list, keys -> Enum.sum(for one <- list, key <- keys, do: Map.fetch!(one, key)) end

    Map.merge(ours, %{
      fuse: sum.(told, [:fuse_us]),
      plan: sum.(told, [:plan_us]),
      glsl: sum.(compiled, [:emit_us, :glsl_us]),
      driver: sum.(compiled, [:spirv_us, :driver_us]),
      compiled: length(compiled)
    })
  end
end

defmodule Nx.Vulkan.Explanation.Mermaid do
  @moduledoc false
  # An explanation as a flowchart. Programs are boxes around what they carry out; loops and branches around programs.

  alias GpuNode.Type
  alias Nx.Vulkan.Explanation
  alias Nx.Vulkan.Explanation.Text

  @spec text(Explanation.t()) :: String.t()
  def text(%Explanation{} = told) do
    arguments =
      for {{number, type, shape}, index} <- Enum.with_index(told.arguments), do: {"a#{index}", number, type, shape}

    captured =
      for {{number, type, shape}, index} <- Enum.with_index(told.captured), do: {"c#{index}", number, type, shape}

    nodes = for {id, _number, type, shape} <- arguments ++ captured, do: "#{id}([\"#{Type.text(type, shape)}\"])"
    makers = for {id, number, type, shape} <- arguments ++ captured, into: %{}, do: {number, {id, type, shape}}
    {lines, {makers, _count}} = Enum.flat_map_reduce(told.steps, {makers, 0}, &step/2)

    results =
      for {{number, type, shape}, index} <- Enum.with_index(told.results) do
        ["r#{index}([\"#{Type.text(type, shape)}\"])" | for({id, _, _} <- [makers[number]], do: "#{id} --> r#{index}")]
      end

    Enum.map_join(["flowchart TD" | nodes ++ lines ++ List.flatten(results)], "", &(&1 <> "\n"))
  end

  defp step(%{kind: :program} = program, {makers, count}) do
    id = "p#{count}"
    inputs = for {number, place} <- Enum.with_index(program.takes), into: %{}, do: {place, makers[number]}

    {lines, inner} =
      program.groups
      |> Enum.with_index(1)
      |> Enum.flat_map_reduce(inputs, fn {group, index}, values -> group(group, "#{id}g#{index}", values) end)

    {boxed, edges} = Enum.split_with(lines, &match?({:box, _}, &1))
    box = ["subgraph #{id}[\"program\"]" | for({:box, line} <- boxed, do: line)] ++ ["end"]
    made = for {name, number} <- program.gives, into: makers, do: {number, inner[name]}
    {box ++ for({:edge, line} <- edges, do: line), {made, count + 1}}
  end

  defp step(%{kind: :while} = loop, state),
    do: boxed(loop, "while", [condition: loop.condition, round: loop.body], state, loop.takes)

  defp step(%{kind: :cond} = branches, state) do
    parts = Enum.flat_map(branches.clauses, fn {asking, body} -> [if: asking, then: body] end)
    boxed(branches, "cond", parts ++ [else: branches.last], state, [])
  end

  defp step(%{kind: :call} = call, state), do: boxed(call, "call of the host", [], state, call.takes)

  # One node for what the calling process drives, with what is in it by name.
  defp boxed(step, name, parts, {makers, count}, takes) do
    id = "p#{count}"

    inside =
      for {part, steps} <- parts,
          do: "<br/>#{part}: #{steps |> count() |> Text.dispatches()}"

    edges = for number <- Enum.uniq(takes), value = makers[number], do: edge(value, id)
    made = for number <- step.gives, into: makers, do: {number, {id, nil, nil}}
    {["#{id}{{\"#{name}#{inside}\"}}" | edges], {made, count + 1}}
  end

  defp count(steps) do
    Enum.sum(for %{kind: :program, groups: groups} <- steps, group <- groups, do: length(group.dispatches))
  end

  defp group(group, id, values) do
    shape = if group.kind == :view, do: {"[/", "/]"}, else: {"[", "]"}
    {open, close} = shape
    label = "#{Text.label(group)}#{cost(group)}"
    edges = for name <- Enum.uniq(group.takes), value = values[name], do: {:edge, edge(value, id)}
    made = for {name, type, shape} <- group.gives, into: values, do: {name, {id, type, shape}}
    {[{:box, "#{id}#{open}\"#{label}\"#{close}"} | edges], made}
  end

  defp cost(%{dispatches: []}), do: ""
  defp cost(group), do: "<br/>reads #{Text.size(group.read_bytes)}, writes #{Text.size(group.written_bytes)}"

  defp edge({from, nil, nil}, to), do: "#{from} --> #{to}"
  defp edge({from, type, shape}, to), do: "#{from} -- \"#{Type.text(type, shape)}\" --> #{to}"
end

defmodule Nx.Vulkan.Explanation.Text do
  @moduledoc false
  # An explanation for a terminal.

  alias GpuNode.{Op, Text, Type}
  alias Nx.Vulkan.Explanation

  @most_ops 8
  @elementwise ~w(unary binary ternary cast)a

  @spec text(Explanation.t()) :: String.t()
  def text(%Explanation{} = told) do
    IO.iodata_to_binary([head(told), steps(told.steps, ""), times(told)])
  end

  defp head(told) do
    takes = types(told.arguments ++ told.captured)

    [
      "#{if(takes == "", do: "nothing", else: takes)} -> #{types(told.results)} on #{told.node}\n",
      "#{dispatches(told.dispatches)}#{loops(told.steps)}, moves #{size(told.moved_bytes)}; ",
      "arguments and results have #{size(told.ideal_bytes)}#{ratio(told)}\n"
    ]
  end

  defp loops(steps),
    do: if(Enum.any?(steps, &unknown?/1), do: " outside of loops and branches", else: "")

  defp unknown?(%{kind: :program, groups: groups}), do: Enum.any?(groups, &(&1.kind == :loop))
  defp unknown?(%{kind: kind}), do: kind in [:while, :cond]

  defp ratio(%{ideal_bytes: 0}), do: ""
  defp ratio(told), do: " (#{Float.round(told.moved_bytes / told.ideal_bytes, 2)} times)"

  defp types(values), do: Enum.map_join(values, ", ", fn {_number, type, shape} -> Type.text(type, shape) end)

  defp steps(steps, indent), do: Enum.map(steps, &step(&1, indent))

  defp step(%{kind: :program} = program, indent) do
    width = program.groups |> Enum.map(&String.length(label(&1))) |> Enum.max(fn -> 0 end) |> min(60)
    groups = program.groups |> Enum.with_index(1) |> Enum.map(&group(&1, program.groups, width, indent))
    ["#{indent}program: #{Text.count(program.ops, "op")} in #{Text.count(length(program.groups), "step")}\n", groups]
  end

  defp step(%{kind: :while} = loop, indent) do
    inner = indent <> "    "

    [
      ["#{indent}while, asked for by the calling process\n", "#{indent}  condition\n", steps(loop.condition, inner)],
      ["#{indent}  a round\n", steps(loop.body, inner)]
    ]
  end

  defp step(%{kind: :cond} = branches, indent) do
    inner = indent <> "    "

    clauses =
      for {asking, body} <- branches.clauses,
          do: ["#{indent}  if\n", steps(asking, inner), "#{indent}  then\n", steps(body, inner)]

    ["#{indent}cond, asked for by the calling process\n", clauses, "#{indent}  else\n", steps(branches.last, inner)]
  end

  defp step(%{kind: :call}, indent), do: "#{indent}a call of the host\n"

  defp group({group, number}, groups, width, indent) do
    text =
      "#{indent}  #{String.pad_leading("#{number}", 2)}  #{String.pad_trailing(label(group), width)}  " <>
        "#{Enum.map_join(group.gives, ", ", fn {_name, type, shape} -> Type.text(type, shape) end)}#{cost(group)}\n"

    apart =
      for {maker, why} <- group.apart,
          do: "#{indent}      not with #{maker + 1}: #{why(why, Enum.at(groups, maker), group)}\n"

    refusal = if why = group[:refusal], do: "#{indent}      #{why}\n", else: ""
    [text, apart, refusal]
  end

  @doc "What a group carries out, in a few words."
  @spec label(map) :: String.t()
  def label(%{kind: :map, ops: ops}), do: "map of " <> ops(ops)
  def label(%{kind: :rows, ops: ops}), do: "rows of " <> ops(ops)
  def label(%{kind: :product, ops: ops}), do: "dot with " <> ops(ops -- [:dot])
  def label(%{kind: :loop} = loop), do: "while #{ops(loop.condition)}: rounds of #{ops(loop.body)}"
  def label(%{ops: ops}), do: ops(ops)

  defp ops(ops) do
    counted = ops |> Enum.uniq() |> Enum.map(fn op -> {op, Enum.count(ops, &(&1 == op))} end)
    named = counted |> Enum.take(@most_ops) |> Enum.map_join(", ", &times_text/1)
    more = counted |> Enum.drop(@most_ops) |> Enum.map(&elem(&1, 1)) |> Enum.sum()
    if more > 0, do: "#{named} and #{more} more", else: named
  end

  defp times_text({op, 1}), do: "#{op}"
  defp times_text({op, count}), do: "#{op} x#{count}"

  defp cost(%{dispatches: []}), do: ""

  defp cost(group) do
    "  #{dispatches(length(group.dispatches))}, reads #{size(group.read_bytes)}, writes #{size(group.written_bytes)}"
  end

  defp why(:own_kernel, maker, user) do
    own = Enum.find([maker, user], user, &Enum.any?(&1.ops, fn op -> Op.table()[op][:family] not in @elementwise end))
    "#{ops(own.ops)} is a kernel of its own"
  end

  defp why(:steps, _maker, _user), do: "a kernel of both would be too long"
  defp why(:reads, _maker, _user), do: "a kernel of both would read too many tensors"
  defp why(:results, _maker, _user), do: "a kernel of both would write too many tensors"
  defp why(:buffers, _maker, _user), do: "a kernel of both would bind more buffers than the device does"
  defp why(:elements, _maker, _user), do: "they have different numbers of elements"
  defp why(:view, _maker, _user), do: "what is between them is seen in another way"
  defp why(:waits, _maker, _user), do: "a third stands between them, or others want what is between them"

  defp times(%{times: times}) do
    compiled =
      if times.compiled > 0,
        do: "; #{Text.count(times.compiled, "kernel")} once: GLSL #{ms(times.glsl)}, driver #{ms(times.driver)}",
        else: ""

    "took: trace #{ms(times.trace)}, lower #{ms(times.lower)}, build #{ms(times.build)}, fuse #{ms(times.fuse)}, plan #{ms(times.plan)}#{compiled}\n"
  end

  defp ms(us), do: "#{Float.round(us / 1000, 1)} ms"

  @spec dispatches(non_neg_integer) :: String.t()
  def dispatches(1), do: "1 dispatch"
  def dispatches(count), do: "#{count} dispatches"

  @spec size(non_neg_integer) :: String.t()
  def size(bytes) do
    {unit, name} = Enum.find([{0x40000000, "GiB"}, {0x100000, "MiB"}, {1024, "KiB"}], {1, "B"}, &(bytes >= elem(&1, 0)))
    if unit == 1, do: "#{bytes} B", else: "#{Float.round(bytes / unit, 1)} #{name}"
  end
end

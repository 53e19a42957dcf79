defmodule Nx.Vulkan.ExplainTest do
  # What is told of a function, against what its run does. How much is one kernel is the node's to say: counts are from above.
  use Nx.Vulkan.Test.Case, async: false
  import Nx.Defn
  alias Nx.Vulkan.Explanation

  defn(softmax(x), do: Nx.exp(x) / Nx.sum(Nx.exp(x), axes: [1], keep_axes: true))
  defn(line(x), do: Nx.sqrt(Nx.abs(Nx.sin(x) * 2 + 1)) - x)

  defn halved(x, n) do
    {x, _} = while({x, n}, Nx.any(Nx.greater(x, n)), do: {Nx.dot(x, x) / 100 - 1, n})
    x
  end

  defn asked(x) do
    while(x, Nx.any(Nx.greater(x, 0.5)), do: x |> Nx.divide(2) |> print_value())
  end

  defn branched(x) do
    if Nx.sum(x) > 0, do: halved(x, 0.5), else: Nx.negate(x)
  end

  defn told(x), do: x |> Nx.add(1) |> print_value() |> Nx.multiply(2)

  defp groups(explanation), do: for(%{kind: :program, groups: groups} <- explanation.steps, group <- groups, do: group)

  defp dispatched(fun) do
    {:ok, _} = GpuNode.sync(gpu())
    {:ok, %{counters: before}} = GpuNode.stats(gpu())
    fun.()
    {:ok, _} = GpuNode.sync(gpu())
    {:ok, %{counters: later}} = GpuNode.stats(gpu())
    later.dispatches - before.dispatches
  end

  test "a line of ops is one kernel, which moves what must be moved" do
    explanation = Nx.Vulkan.explain(&line/1, [Nx.template({1000}, :f32)])
    assert %Explanation{dispatches: 1, moved_bytes: 8000, ideal_bytes: 8000} = explanation
    assert [%{kind: :map, apart: []} = group] = groups(explanation)
    assert Enum.sort(group.ops) == [:abs, :add, :multiply, :sin, :sqrt, :subtract]
    text = to_string(explanation)
    assert text =~ "f32{1000} -> f32{1000}"
    assert text =~ "1 dispatch, moves 7.8 KiB; arguments and results have 7.8 KiB (1.0 times)"
    assert text =~ "program: 6 ops in 1 step\n"
    assert text =~ "map of "
    assert inspect(explanation) == "#Nx.Vulkan.Explanation<\n#{text}>"
  end

  test "as many dispatches as a run has, nothing is run, and it names why steps are apart" do
    x = Nx.iota({8, 16}, type: :f32) |> Nx.divide(100)
    Nx.to_binary(x)
    template = Nx.template({8, 16}, :f32)
    assert dispatched(fn -> Nx.Vulkan.explain(&softmax/1, [template]) end) == 0
    explanation = Nx.Vulkan.explain(&softmax/1, [template])
    run = fn -> Nx.Defn.jit_apply(&softmax/1, [x], compiler: Nx.Vulkan) end
    run.()
    assert dispatched(run) == explanation.dispatches
    assert explanation.dispatches == 1
    assert [%{kind: :rows}] = groups(explanation)
    assert to_string(explanation) =~ "rows of "
    assert explanation.ideal_bytes == 2 * 8 * 16 * 4
    assert explanation.moved_bytes >= explanation.ideal_bytes
    # Each op once, but for what is the same.
    ops = explanation |> groups() |> Enum.flat_map(& &1.ops)
    assert :sum in ops and :divide in ops and Enum.count(ops, &(&1 == :exp)) >= 1
    apart = Nx.Vulkan.explain(&Nx.exp(Nx.cumulative_sum(&1)), [template])
    assert to_string(apart) =~ "not with 1: cumulative_sum is a kernel of its own"
    product = Nx.Vulkan.explain(&Nx.exp(Nx.dot(&1, [1], &1, [1])), [template])
    assert [%{kind: :product, dispatches: [_]}] = groups(product)
    assert to_string(product) =~ "dot with exp"
  end

  test "without fusing, an op is a step" do
    explanation = Nx.Vulkan.explain(&line/1, [Nx.template({10}, :f32)], fuse: false)
    assert [_, _, _, _, _, _] = groups(explanation)
    assert explanation.dispatches == 6
    assert explanation.moved_bytes > explanation.ideal_bytes
  end

  test "the kernels' texts" do
    explanation = Nx.Vulkan.explain(&line/1, [Nx.template({10}, :f32)], glsl: true)
    assert Explanation.glsl(explanation) =~ ~r/^\/\/ .*\n#version/
    assert explanation.dispatches == 1 and Explanation.glsl(explanation) =~ "void main()"
    assert Explanation.glsl(Nx.Vulkan.explain(&line/1, [Nx.template({10}, :f32)])) == ""
  end

  test "loops, branches and calls of the host" do
    x = Nx.template({4, 4}, :f32)
    explanation = Nx.Vulkan.explain(&halved/2, [x, 0.5])

    assert [%{kind: :program, groups: [%{kind: :loop, dispatches: []} = loop]}] = explanation.steps
    assert loop.condition == [:greater, :any] and loop.body == [:dot, :divide, :subtract]
    assert to_string(explanation) =~ "outside of loops and branches"
    assert to_string(explanation) =~ "while greater, any: rounds of dot, divide, subtract"
    asked = Nx.Vulkan.explain(&asked/1, [x])

    assert [%{condition: [%{kind: :program}], body: [_, %{kind: :call} | _]}] =
             for(%{kind: :while} = w <- asked.steps, do: w)

    assert to_string(asked) =~ "while, asked for by the calling process"

    assert explanation.results |> Enum.map(&Tuple.delete_at(&1, 0)) == [{{:f, 32}, {4, 4}}]
    branches = Nx.Vulkan.explain(&branched/1, [x])
    assert to_string(branches) =~ "f32{4, 4} -> f32{4, 4}"
    for %{kind: :cond} = step <- branches.steps, do: assert([{_asked, [_ | _]}] = step.clauses)
    hooked = Nx.Vulkan.explain(&told/1, [x])
    assert Enum.any?(hooked.steps, &(&1.kind == :call))
    assert to_string(hooked) =~ "a call of the host"
    for told <- [explanation, asked, branches, hooked], do: assert(Explanation.to_mermaid(told) =~ ~r/\Aflowchart TD\n/)
  end

  test "what is known beforehand is run nowhere; what is closed over counts among what is read" do
    explanation = Nx.Vulkan.explain(fn -> Nx.broadcast(3, {4}) end, [])
    assert explanation.dispatches == 0 and explanation.ideal_bytes == 0
    assert [{nil, {:s, 32}, {4}}] = explanation.results
    assert to_string(explanation) =~ "nothing -> s32{4}"
    tensor = on_host(fn -> Nx.iota({100}, type: :f32) end)
    explanation = Nx.Vulkan.explain(&Nx.add(&1, tensor), [Nx.template({100}, :f32)])
    assert [{_, {:f, 32}, {100}}] = explanation.captured
    assert explanation.ideal_bytes == 1200
  end

  test "the picture has a node for each step, and an edge for whatever a step takes" do
    explanation = Nx.Vulkan.explain(&softmax/1, [Nx.template({8, 16}, :f32)])
    lines = explanation |> Explanation.to_mermaid() |> String.split("\n", trim: true)
    assert ["flowchart TD", ~s|a0(["f32{8, 16}"])| | _] = lines
    assert ~s|r0(["f32{8, 16}"])| in lines
    assert length(Enum.filter(lines, &(&1 =~ ~r/^p0g\d+\[/))) == length(groups(explanation))
    edges = for line <- lines, [_, from, to] <- [Regex.run(~r/^(\w+) .*--> (\w+)$/, line)], do: {from, to}
    assert length(edges) == Enum.sum(for group <- groups(explanation), do: length(Enum.uniq(group.takes))) + 1
    named = for line <- lines, [_, id] <- [Regex.run(~r/^(\w+)[\[\(\{]/, line)], do: id
    assert Enum.all?(edges, fn {from, to} -> from in named and to in named end)
    assert Enum.any?(edges, &match?({_, "r0"}, &1))
  end

  test "stages are timed, and told to telemetry" do
    me = self()
    handler = {__MODULE__, me}
    :telemetry.attach(handler, [:nx_vulkan, :compile, :stop], &__MODULE__.told/4, me)
    on_exit(fn -> :telemetry.detach(handler) end)
    x = Nx.tensor([0.5, 0.25])
    Nx.Defn.jit_apply(&line/1, [x], compiler: Nx.Vulkan) |> Nx.to_binary()
    assert_receive {:told, %{duration: duration, trace: trace, lower: lower, build: build}, %{node: _}}
    assert duration == trace + lower + build and trace > 0 and lower > 0 and build > 0
    %{times: times} = explanation = Nx.Vulkan.explain(&line/1, [x])
    assert times.compiled == 1 and times.glsl + times.driver > 0
    assert to_string(explanation) =~ "1 kernel once: GLSL "
  end

  def told(_event, measurements, metadata, pid), do: send(pid, {:told, measurements, metadata})

  test "a function with what the node lacks is refused as it is by the compiler" do
    fun = fn x -> Nx.reduce(x, 0, fn x, acc -> Nx.add(Nx.sum(Nx.stack([x, x])), acc) end) end
    error = assert_raise GpuNode.Error, fn -> Nx.Vulkan.explain(fun, [Nx.template({2}, :s32)]) end
    assert error.code == :unsupported
  end

  defmodule Kino.Layout do
    def tabs(tabs), do: {:tabs, tabs}
  end

  defmodule Kino.Mermaid do
    def new(text), do: {:mermaid, text}
  end

  defmodule Kino.Text do
    def new(text, options), do: {:text, text, options}
  end

  test "in Livebook it is a picture and a text" do
    explanation = Nx.Vulkan.explain(&line/1, [Nx.template({10}, :f32)])
    path = Path.expand("../lib/nx/vulkan/explanation/livebook.ex", __DIR__)
    # Under names that stand for Kino's, which is not there.
    source = path |> File.read!() |> String.replace("Kino.", "#{inspect(__MODULE__)}.Kino.")

    Code.eval_string("""
    defprotocol #{inspect(__MODULE__)}.Kino.Render do
      @fallback_to_any true
      def to_livebook(term)
    end

    defimpl #{inspect(__MODULE__)}.Kino.Render, for: Any do
      def to_livebook(term), do: term
    end

    #{source}
    """)

    assert {:tabs, [Picture: {:mermaid, "flowchart TD" <> _}, Text: {:text, text, terminal: true}]} =
             apply(Kino.Render, :to_livebook, [explanation])

    assert text == to_string(explanation)
  end
end

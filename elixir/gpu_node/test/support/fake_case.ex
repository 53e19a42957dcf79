defmodule GpuNode.FakeCase do
  @moduledoc false
  # For tests against a fake node on another VM, one VM for each module (`vm`, its name, and `fake`, its node, in the context). Each test
  # has a fresh node in it (tag `behaviour`: what it is told, see GpuNode.FakeNode) and, unless tagged `start: false`, is attached to it as
  # :fake (tag `options`: those of the attachment).

  use ExUnit.CaseTemplate
  alias GpuNode.{FakeNode, NodeCase}

  setup_all do
    :ok = GpuNode.Distribution.ensure(true)
    name = NodeCase.unique("fake")
    fake = FakeNode.start_vm(name)
    on_exit(&FakeNode.halt/0)
    {:ok, vm: name, fake: fake}
  end

  setup %{fake: node} = context do
    FakeNode.start(Map.get(context, :behaviour, []))

    if Map.get(context, :start, true) do
      options = Keyword.merge([node: node, name: :fake, timeout: 1000], Map.get(context, :options, []))
      start_supervised!({GpuNode, options}, restart: :temporary)
    end

    :ok
  end
end

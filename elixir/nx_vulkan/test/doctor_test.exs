defmodule Nx.Vulkan.DoctorTest do
  use ExUnit.Case, async: true
  alias Nx.Vulkan.{Doctor, Doctor.Check, Doctor.Report, ForeignNode}

  @moduletag capture_log: true
  @moduletag timeout: 120_000

  defp find(checks, name), do: Enum.find(checks, &(&1.name == name))
  defp unique, do: :"doctor_test_#{GpuNode.Distribution.random(5)}"

  test "all is there: the node that runs here is asked, and goes on" do
    me = self()
    checks = Doctor.run(nodes: [], report: &send(me, {:check, &1}))
    assert Doctor.healthy?(checks)
    assert for(check <- checks, do: assert_receive({:check, ^check})) |> length() == length(checks)
    section = Atom.to_string(Nx.Vulkan.Test.Case.gpu())
    assert %{status: :ok, section: ^section} = find(checks, "round trip")
    assert find(checks, "round trip").text =~ "1 + 1 = 2"
    assert %{status: :ok} = find(checks, "driver")
    assert %{status: :ok} = find(checks, "protocol")
    assert find(checks, "device").status in [:ok, :note]
    assert GpuNode.alive?(Nx.Vulkan.Test.Case.gpu())
  end

  test "what would be computed on the host is what the node lacks" do
    {:ok, capabilities} = GpuNode.Capabilities.fetch(Nx.Vulkan.Test.Case.gpu())
    {ops, types} = Doctor.Node.lacking(capabilities)
    for op <- ops, do: refute(is_map_key(capabilities.ops, op))
    refute :add in ops
    assert :c64 in types == not is_map_key(capabilities.types, {:c, 64})
    assert {[], []} = Doctor.Node.lacking(everything(capabilities, ops))
  end

  defp everything(capabilities, ops) do
    %{
      capabilities
      | ops: Map.merge(capabilities.ops, Map.new(ops, &{&1, %{operands: 1}})),
        types: Map.new(GpuNode.Type.all(), &{&1, true})
    }
  end

  test "a configured node is started for it and stopped again" do
    name = unique()
    checks = Doctor.run(nodes: [[name: name]])
    assert Doctor.healthy?(checks)
    assert find(checks, "reached").text =~ "started in"
    refute name in GpuNode.nodes()
  end

  test "a binary that is not there: where it was looked for; what needs it is not tried" do
    checks = Doctor.run(nodes: [[name: unique(), binary: "/nowhere/gpu_node"]])
    refute Doctor.healthy?(checks)
    assert %{status: :missing, text: text} = find(checks, "binary")
    assert text =~ "/nowhere/gpu_node"
    assert %{status: :skipped} = find(checks, "driver")
    assert %{status: :skipped, text: "not tried: binary is missing"} = find(checks, "reached")
  end

  test "a binary that is something else" do
    checks = Doctor.run(nodes: [[name: unique(), binary: System.find_executable("false")]])
    assert %{status: :missing, text: text} = find(checks, "runs")
    assert text =~ "exit code 1"
  end

  test "no driver: which packages bring one" do
    env = [{"VK_DRIVER_FILES", "/nowhere.json"}, {"VK_ICD_FILENAMES", "/nowhere.json"}]
    checks = Doctor.run(nodes: [[name: unique(), env: env]])
    assert %{status: :missing, remedy: remedy} = find(checks, "driver")
    for word <- ~w(Debian FreeBSD macOS mesa-vulkan-drivers), do: assert(remedy =~ word)
    assert %{status: :skipped} = find(checks, "reached")
  end

  test "a device that is not there" do
    checks = Doctor.run(nodes: [[name: unique(), device: "no such device"]])
    assert %{status: :missing, text: text} = find(checks, "driver")
    assert text =~ "no such device"
  end

  describe "a node that runs elsewhere" do
    setup do
      {port, node, cookie} = ForeignNode.start()
      on_exit(fn -> if Port.info(port), do: Port.close(port) end)
      {:ok, node: node, cookie: cookie}
    end

    test "is attached to and left", %{node: node, cookie: cookie} do
      checks = Doctor.run(nodes: [], node: node, cookie: cookie)
      assert Doctor.healthy?(checks)
      assert find(checks, "reached").text =~ "attached"
      assert %{status: :skipped} = find(checks, "binary")
      refute node in GpuNode.nodes()
    end

    test "wrong cookie, name taken, unreachable are told apart", %{node: node} do
      assert %{status: :missing, text: "wrong cookie: " <> _, remedy: remedy} =
               [nodes: [], node: node, cookie: :some_other_cookie_of_length] |> Doctor.run() |> find("reached")

      assert remedy =~ "--cookie-file"

      [name, _host] = node |> Atom.to_string() |> String.split("@")

      assert %{status: :missing, text: "name taken: " <> _} =
               [nodes: [[name: String.to_atom(name), shared: true]]] |> Doctor.run() |> find("reached")

      assert %{status: :missing, text: "unreachable: " <> _} =
               [nodes: [], node: :"nobody_here@127.0.0.1"] |> Doctor.run() |> find("reached")
    end
  end

  test "lines are aligned, wrapped, headed by their node" do
    check = %Check{section: "gpu0", name: "driver", status: :missing, text: "none", remedy: "first\nsecond"}
    text = check |> Report.line(nil) |> IO.ANSI.format(false) |> IO.iodata_to_binary()

    assert text == """

           node gpu0
             driver        missing  none
                                    first
                                    second
           """

    long = %Check{name: "x", status: :ok, text: String.duplicate("word ", 60)}
    lines = long |> Report.line(nil) |> IO.ANSI.format(false) |> IO.iodata_to_binary() |> String.split("\n")
    assert Enum.all?(lines, &(String.length(&1) <= 110))
    assert Report.summary([check]) =~ "Missing: gpu0 driver."
    assert Report.summary([long]) =~ "Nothing is missing."
  end
end

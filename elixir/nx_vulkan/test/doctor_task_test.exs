defmodule Nx.Vulkan.DoctorTaskTest do
  # The task changes the log level and the configuration of this VM, so it runs alone.
  use ExUnit.Case, async: false
  import ExUnit.CaptureIO
  alias Mix.Tasks.NxVulkan.Doctor

  setup do
    level = Logger.level()
    nodes = Application.get_env(:nx_vulkan, :nodes, [])

    on_exit(fn ->
      Logger.configure(level: level)
      Application.put_env(:nx_vulkan, :nodes, nodes)
    end)
  end

  test "all is there: aligned lines, no exit" do
    text = capture_io(fn -> Doctor.run([]) end)
    assert text =~ ~r/^  binary        ok       \//m
    name = Nx.Vulkan.Test.Case.gpu()
    assert text =~ "node #{name}\n  reached       ok       #{Nx.Vulkan.Test.Case.gpu_node()}, running"
    assert text =~ "Nothing is missing."
  end

  test "something is missing: exit status 1, and no stack trace" do
    text =
      capture_io(fn -> assert catch_exit(Doctor.run(["--node", "nobody_here@127.0.0.1"])) == {:shutdown, 1} end)

    assert text =~ "unreachable"
    assert text =~ "Missing: nobody_here@127.0.0.1 reached."
    refute text =~ "** ("
  end

  test "arguments and files that are wrong" do
    assert_raise Mix.Error, ~r/usage/, fn -> Doctor.run(["--bogus"]) end
    assert_raise Mix.Error, ~r/nowhere/, fn -> Doctor.run(["--cookie-file", "/nowhere"]) end
  end
end

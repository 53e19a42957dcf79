defmodule GpuNode.CommandTest do
  use ExUnit.Case, async: true
  doctest GpuNode.Worker.Command
  alias GpuNode.Worker.Command

  @options [node: :gpu0@host, binary: "/bin/gpu_node"]
  @info "gpu_node info connection_up peer=a@host channel=bulk"
  @warning "gpu_node warning software_device device=\"llvmpipe\""
  @error ~s(gpu_node error name_refused reason="the name is taken")

  defp ended(code, said), do: Command.exit_error(code, said, @options)

  test "lines that tell what went well are no cause" do
    assert ended(137, [@info, @warning]).message == "gpu0@host was ended by SIGKILL; it is started again"
    assert ended(1, [@info]).message == "gpu0@host ended with exit code 1; it is started again"
    assert ended(1, []).message == "gpu0@host ended with exit code 1; it is started again"
  end

  test "the last error is, else a last line that is none of the log's; what ends it from outside is told by nothing it said" do
    assert %{code: :name_taken, message: text} = ended(73, [@info, @error, @warning])
    assert text =~ "ended with exit code 73; the name is taken; another node"
    assert ended(70, ["gpu_node error defect=here", @error]).message =~ "exit code 70; defect=here; it is"
    assert ended(1, [@warning, @info]).message == "gpu0@host ended with exit code 1; it is started again"
    assert ended(137, [@error]).message == "gpu0@host was ended by SIGKILL; it is started again"
    hung = Command.exit_error(137, [@error], @options ++ [cause: "it hung"])
    assert hung.message == "gpu0@host was ended by SIGKILL; it hung; it is started again"
    nowhere = ended(69, [~s(gpu_node error no_device reason="no Vulkan device named radeon; there is: 0 "llvmpipe"")])
    assert nowhere.message =~ ~s(there is: 0 "llvmpipe"; `device:` is a number or a part of the name)
    assert ended(127, ["libvulkan.so.1: cannot open"]).message =~ "exit code 127; libvulkan.so.1: cannot open; /bin"
  end

  @tag :truth
  test "what a start logs is in people's units, and what is no event of it as the node has it" do
    sentence = &Command.sentence/1

    assert sentence.(
             ~s(software_device device="llvmpipe {LLVM 19}" note="computes on the CPU; no real GPU was found or asked for")
           ) ==
             ~s(its device, "llvmpipe {LLVM 19}", computes on the CPU; no real GPU was found or asked for)

    assert sentence.("session_closed session=7 peer=a@b reason=closed bytes=1690688") ==
             "the session of a@b is over (closed), which had 1.6 MiB"

    assert sentence.("session_closed session=7 peer=a@b reason=lease_over bytes=1") =~ "(lease over), which had 1 byte"
    assert sentence.("draining reason=signal deadline_ms=5000") == "it ends what it has begun, for 5 s at most (signal)"
    assert sentence.("cookie_short bytes=3") == "cookie_short bytes=3"
    assert sentence.("memory_limit") == "memory_limit"
  end

  test "an exit code above 128 is a signal, by its name where it has one" do
    assert ended(134, ["terminate called"]).message =~ "was ended by SIGABRT; terminate called; it is started again"
    assert ended(139, []).message =~ "was ended by SIGSEGV"
    assert ended(192, []).message =~ "was ended by signal 64"
    assert %{code: :node_down} = ended(137, [])
  end
end

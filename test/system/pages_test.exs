defmodule GpuNode.PagesTest do
  @moduledoc """
  The shell blocks of the README run as they stand, from the folders that they name: what they start in the foreground stays until the
  block is over, and lines of `iex>` are typed into the shell before them. Only names are others: of hosts, of a node that somebody may have
  here, and of the build that is tested.
  """
  use ExUnit.Case, async: false
  import GpuNode.SystemCase

  @moduletag :truth
  @root Path.expand("../..", __DIR__)
  @readme File.read!(Path.join(@root, "README.md"))
  @external_resource Path.join(@root, "README.md")

  defp blocks, do: for([_, source] <- Regex.scan(~r/^```sh\n(.*?)\n```/ms, @readme), do: source)

  defp block(part) do
    assert [source] = Enum.filter(blocks(), &(&1 =~ part))
    source
  end

  # Runs |script| by bash in the project's folder, with a home of its own. What it starts ends with it.
  defp bash(script, home) do
    path = Path.join(home, "script.sh")
    File.write!(path, script)
    # A folder of running nodes of its own, too: others of this user may run.
    runtime = Path.join(home, "runtime")
    File.mkdir_p!(runtime)
    File.chmod!(runtime, 0o700)
    device = System.get_env("GPU_NODE_TEST_DEVICE")
    env = [{"HOME", home}, {"XDG_RUNTIME_DIR", runtime}, {"GPU_NODE_DEVICE", device}]
    System.cmd("bash", [path], cd: @root, env: env, stderr_to_stdout: true)
  end

  defp home do
    home = Path.join(System.tmp_dir!(), "gpu_node_pages_#{GpuNode.Distribution.random(5)}")
    File.mkdir_p!(home)
    on_exit(fn -> File.rm_rf!(home) end)
    home
  end

  defp here(source) do
    source
    |> String.replace("gpu0@", "gpu_pages#{System.pid()}@")
    |> String.replace("me@", "me_pages#{System.pid()}@")
    |> String.replace(["10.0.0.7", "10.0.0.8"], "127.0.0.1")
    |> String.replace("build/release/gpu_node", Path.relative_to(binary(), @root))
  end

  @prelude """
  set -e
  shopt -s expand_aliases
  trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT
  await_ready() { for _ in $(seq 600); do grep -q "gpu_node ready" node.log 2>/dev/null && return; sleep 0.1; done; cat node.log; exit 1; }
  """

  # What runs in the foreground of a shell, behind the others here.
  defp background(line) do
    [command | _comment] = String.split(line, ~r/\s+# /)
    "#{command} >\"$HOME/node.log\" 2>&1 &\n(cd \"$HOME\"; await_ready)"
  end

  defp foreground?(line), do: line =~ ~r/^(rel\/toolbox )?\S*gpu_node run /

  # What stays on the screen until somebody ends it.
  defp watched(line) do
    [command | _comment] = String.split(line, ~r/\s+# /)
    "(#{command}) >\"$HOME/watch.log\" 2>&1 & watch=$!; sleep 2; kill $watch; wait $watch || true; cat \"$HOME/watch.log\""
  end

  defp typed(line) do
    cond do
      foreground?(line) -> background(line)
      line =~ "--watch" -> watched(line)
      true -> line
    end
  end

  test "every shell block is one that is run, here or as a part of the tests" do
    known = ["rel/demo ", "cmake --preset release", "gpu_node check", "gpu_node run --name gpu0@10.0.0.7"]
    for source <- blocks(), do: assert(Enum.any?(known, &(source =~ &1)), "nobody runs\n#{source}")
    # The demo is the part of that name, test/run what this is a part of, and the build what it has made.
    for command <- ~w(rel/demo test/run rel/toolbox), do: assert(File.stat!(Path.join(@root, command)).mode |> Bitwise.band(0o111) > 0)
  end

  test "the process: checked, run, asked and explained" do
    lines = block("gpu_node check") |> here() |> String.split("\n")
    script = Enum.map_join(lines, "\n", &typed/1)
    {output, status} = bash(@prelude <> script, home())
    assert status == 0, output
    for word <- ["devices", "sessions", "--cookie-file", "Exit"], do: assert(output =~ ~r/#{word}/i, "no #{word} in\n#{output}")
  end

  test "from one machine to another" do
    [first, second] = block("10.0.0.8") |> here() |> String.split("\n\n")
    [_comment, run] = String.split(first, "\n")
    ["# The other one" <> where, shell | typed] = String.split(second, "\n")
    [_, folder] = Regex.run(~r/in (\S+):$/, where)
    typed = Enum.map_join(typed, "\n", fn "iex> " <> line -> line end)
    home = home()
    File.write!(Path.join(home, ".gpu_node.cookie"), GpuNode.Distribution.random(24))
    File.chmod!(Path.join(home, ".gpu_node.cookie"), 0o600)
    script = "#{background(run)}\ncd #{folder}\n#{shell} <<'TYPED'\n#{typed}\nTYPED\n"
    {output, status} = bash(@prelude <> script, home)
    assert status == 0, output
    assert output =~ "3.0", output
  end
end

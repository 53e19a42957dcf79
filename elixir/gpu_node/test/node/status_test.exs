defmodule GpuNode.StatusTest do
  # What a node is doing is told by itself, to programs and to people.
  use GpuNode.NodeCase, async: false
  alias GpuNode.Chain

  @moduletag :truth

  @folder Path.join(System.tmp_dir!(), "gpu_node_status_#{System.pid()}")
  # Before the node of the module is started.
  File.mkdir_p!(@folder)
  @moduletag node_options: [heartbeat_ms: 100, env: [{"XDG_RUNTIME_DIR", @folder}]]

  setup_all do
    on_exit(fn -> File.rm_rf!(@folder) end)
  end

  defp entries, do: @folder |> Path.join("gpu_node/*") |> Path.wildcard() |> Enum.map(&Path.basename/1) |> Enum.sort()

  defp status_command(arguments, folder \\ @folder) do
    {:ok, binary} = GpuNode.Worker.Command.binary(nil)
    options = [stderr_to_stdout: true, env: [{"XDG_RUNTIME_DIR", folder}, {"GPU_NODE_NAME", nil}]]
    System.cmd(binary, ["status" | arguments], options)
  end

  test "the running job, how busy the device is, who holds what, at what rate", %{gpu: name} do
    kept = Tensor.from_binary!(name, :binary.copy(<<1>>, 1_000_000), :u8, {1_000_000})
    model = Chain.compile!(name, :eight_schools_noncentered, chains: 512)
    test = self()

    sampler =
      spawn_link(fn ->
        hear = fn report -> send(test, {:at, report.phase}) && if(Process.get(:stop), do: :cancel) end

        stop = fn report ->
          receive(do: (:stop -> Process.put(:stop, true)), after: (0 -> :ok))
          hear.(report)
        end

        Chain.sample(model, 1_000_000, chains: 512, warmup: 20, keep_draws: false, progress: stop, progress_ms: 20)
        send(test, :ended)
      end)

    assert_receive {:at, :draw}, 60_000
    %{session: session} = status!(name)

    eventually(20_000, fn ->
      match?(
        %{busy: busy, jobs: [%{kind: :sample, session: ^session, done: done, of: 1_000_020, elapsed_ms: ms}]}
        when busy > 0.5 and done > 20 and ms > 0,
        status!(name)
      )
    end)

    assert [%{bytes: bytes, owner_node: owner} | _] = status!(name).sessions
    assert bytes >= 1_000_000 and owner == node()

    assert {text, 0} = status_command([])
    assert text =~ ~r/activity +busy \d+ % of the last .*; \d+ ops\/s, /
    assert text =~ ~r/jobs +sample of session #{session}, .* of 1\.0 million \(\d+ %\), for \d/
    assert text =~ ~r/#{node()}: \d+\.\d MiB in \d+ tensors, idle for/

    send(sampler, :stop)
    assert_receive :ended, 60_000
    eventually(5000, fn -> status!(name).jobs == [] end)
    Enum.reduce(1..500, kept, fn _, t -> Ops.add(t, 1) end) |> Tensor.to_binary!()
    eventually(5000, fn -> status!(name).rates.ops_per_s > 0 end)
  end

  test "status finds the node of this user; its file goes with it, and that of one that was killed with the next look",
       context do
    %{node: node} = status!(context.gpu)
    assert {text, 0} = status_command([])
    assert text =~ "node         #{node}"
    assert %{mode: mode} = File.stat!(Path.join(@folder, "gpu_node"))
    assert Bitwise.band(mode, 0o777) == 0o700
    assert entries() == ["#{node}.cookie", "#{node}.node"]

    other = unique()
    start_supervised!({GpuNode, [name: other, env: [{"XDG_RUNTIME_DIR", @folder}]] ++ device()}, id: other)
    %{node: other_node} = status!(other)
    assert {text, 78} = status_command([])
    assert text =~ "2 nodes of this user run here" and text =~ "#{node}" and text =~ "#{other_node}"
    # Of one that is named, the cookie is found.
    assert {text, 0} = status_command(["--name", "#{other_node}"])
    assert text =~ "node         #{other_node}"
    stop_supervised!(other)
    assert entries() == ["#{node}.cookie", "#{node}.node"]

    dead = Path.join(@folder, "gpu_node/dead@127.0.0.1")
    File.write!(dead <> ".cookie", "gone")
    File.write!(dead <> ".node", "name=dead@127.0.0.1\npid=#{os_pid_of_nobody()}\nstart=1\nport=0\ncookie_file=\n")
    File.chmod!(dead <> ".node", 0o600)
    assert {_text, 0} = status_command([])
    assert entries() == ["#{node}.cookie", "#{node}.node"]
  end

  # Of a process that has ended.
  defp os_pid_of_nobody do
    {pid, 0} = System.cmd("/bin/sh", ["-c", "echo $$"])
    String.trim(pid)
  end

  test "a folder that is not this user's alone is not used", %{gpu: _name} do
    folder = @folder <> "_open"
    File.mkdir_p!(Path.join(folder, "gpu_node"))
    File.chmod!(Path.join(folder, "gpu_node"), 0o777)
    on_exit(fn -> File.rm_rf!(folder) end)
    assert {text, code} = status_command([], folder)
    assert code != 0 and text =~ "is not a folder of this user alone"
  end

  test "JSON stays raw, help is its own, --watch goes on", %{gpu: _name} do
    assert {json, 0} = status_command(["--json"])
    assert json =~ ~r/"live_bytes": \d+, / and json =~ ~r/"busy_ms": \d+, /
    assert {help, 0} = status_command(["--help"])
    assert help =~ "--watch" and help =~ "Without --name"
    refute help =~ "--memory-limit"
    {:ok, binary} = GpuNode.Worker.Command.binary(nil)

    {text, _} =
      System.cmd("/bin/sh", ["-c", "#{binary} status --watch | grep -m 2 ^activity"],
        env: [{"XDG_RUNTIME_DIR", @folder}]
      )

    assert length(Regex.scan(~r/^activity/m, text)) == 2
  end
end

defmodule GpuNode.System.NodeTest do
  # The node as a cluster sees it: names, ping, cookie, epmd, handshakes, signals, exit codes, caches.
  use ExUnit.Case
  import GpuNode.SystemCase

  test "answers ping, describes itself and says ready with its device" do
    node = start_binary()
    assert Node.ping(node.name) == :pong
    assert node.ready =~ "name=#{node.name}"
    assert node.ready =~ "software="
    assert {:ok, describe} = call(node, {:describe, 2})
    assert describe.protocol == 2
    assert map_size(describe.ops) > 80
    assert {:error, {:unsupported, message}} = call(node, {:describe, 999})
    assert message =~ "999" and message =~ "2"
  end

  test "what it does not know is answered with an error, and it serves on" do
    node = start_binary()
    assert {:error, {code, _}} = call(node, {:no_such_request, 1, [2]})
    assert code in [:invalid_argument, :unsupported]
    assert {:noproc, _} = catch_exit(GenServer.call({:no_such_name, node.name}, :hello))

    for junk <- [:junk, {:run, 1}, {:run, 1, 2, [{:x}]}, {:free, 0, :what}, make_ref(), self(), fn -> 1 end, [1 | 2]] do
      send({:gpu_node, node.name}, junk)
      assert {:error, _} = call(node, junk)
    end

    assert Node.ping(node.name) == :pong
  end

  test "a wrong cookie is refused, and the right one still serves" do
    node = start_binary(cookie: "another_cookie_than_ours_0123456789")
    assert Node.ping(node.name) == :pang
    Node.set_cookie(node.name, :another_cookie_than_ours_0123456789)
    assert Node.ping(node.name) == :pong
  end

  test "a taken name, an unreadable cookie and bad configuration end with their exit codes and say why" do
    node = start_binary()
    file = cookie_file()
    assert {text, 73} = run_binary(["run", "--name", "#{node.name}", "--cookie-file", file])
    assert text =~ "#{node.name}" or text =~ "taken"

    File.chmod!(file, 0o644)
    assert {text, 77} = run_binary(["run", "--name", unique_name(), "--cookie-file", file])
    assert text =~ file

    assert {text, 64} = run_binary(["run", "--name", unique_name(), "--no-such-flag"])
    assert text =~ "--no-such-flag"

    config = cookie_file(~s({"name": "#{unique_name()}", "colour": "red"}))
    assert {text, 78} = run_binary(["run", "--config", config])
    assert text =~ "colour"

    assert {text, status} =
             run_binary(["run", "--name", unique_name(), "--device", "no such device", "--cookie-file", cookie_file()])

    assert status == 69
    assert text =~ "no such device"

    assert {text, 69} =
             run_binary(["check"],
               env: [{"VK_DRIVER_FILES", "/nonexistent.json"}, {"VK_ICD_FILENAMES", "/nonexistent.json"}]
             )

    assert text =~ "driver"
  end

  test "SIGTERM drains and exits 0; closing its standard input ends it" do
    node = start_binary()
    signal(node, "TERM")
    assert wait_exit(node) == 0

    other = start_binary()
    Port.close(other.port)
    assert eventually(fn -> not File.exists?("/proc/#{other.os_pid}") end, 2_000)
  end

  test "SIGPIPE and SIGHUP do not end it" do
    node = start_binary()
    for _ <- 1..5, name <- ["PIPE", "HUP"], do: signal(node, name)
    assert Node.ping(node.name) == :pong
  end

  test "a client that drips one byte a second delays nobody's handshake" do
    node = start_binary()
    [_, port] = Regex.run(~r/control_port=(\d+)/, node.ready)
    port = String.to_integer(port)

    sockets =
      for _ <- 1..40 do
        {:ok, socket} = :gen_tcp.connect(~c"127.0.0.1", port, [:binary, active: false])
        :gen_tcp.send(socket, <<0>>)
        socket
      end

    {ms, pong} = timed(fn -> Node.ping(node.name) end)
    assert pong == :pong
    assert ms < 1_000, "the handshake took #{ms} ms"
    Process.sleep(1_000)
    for socket <- sockets, do: :gen_tcp.send(socket, <<0>>)
    peer = start_peer()
    {ms, pong} = timed(fn -> :peer.call(peer.peer, Node, :ping, [node.name]) end)
    assert pong == :pong
    assert ms < 1_000, "the handshake took #{ms} ms"
  end

  test "it is published again when epmd comes back, and runs without epmd on a fixed port" do
    epmd_port = 20_000 + rem(System.unique_integer([:positive]) * 7 + String.to_integer(System.pid()), 10_000)
    env = [{"ERL_EPMD_PORT", "#{epmd_port}"}]
    epmd = fn args -> System.cmd("epmd", ["-port", "#{epmd_port}" | args], stderr_to_stdout: true) end
    node = start_binary(env: env)
    [alive, _] = String.split("#{node.name}", "@")
    assert {names, 0} = epmd.(["-names"])
    assert names =~ alive

    {pids, _} = System.cmd("pgrep", ["-f", "epmd.*#{epmd_port}|ERL_EPMD_PORT=#{epmd_port}"])

    pids =
      if pids == "",
        do:
          for(
            dir <- Path.wildcard("/proc/[0-9]*"),
            match?({:ok, "epmd\n"}, File.read(Path.join(dir, "comm"))),
            match?({:ok, e} when is_binary(e), File.read(Path.join(dir, "environ"))),
            String.contains?(
              File.read!(Path.join(dir, "environ")) <> File.read!(Path.join(dir, "cmdline")),
              "#{epmd_port}"
            ),
            do: Path.basename(dir)
          ),
        else: String.split(pids)

    assert pids != []
    for pid <- pids, do: signal(String.to_integer(pid), "KILL")
    assert eventually(fn -> match?({_, s} when s != 0, epmd.(["-names"])) end)
    {_, 0} = epmd.(["-daemon"])
    assert eventually(fn -> match?({_, 0}, epmd.(["-names"])) and elem(epmd.(["-names"]), 0) =~ alive end, 6_000)
    signal(node, "TERM")
    assert wait_exit(node) == 0

    for dir <- Path.wildcard("/proc/[0-9]*"), match?({:ok, "epmd\n"}, File.read(Path.join(dir, "comm"))) do
      with {:ok, cmd} <- File.read(Path.join(dir, "cmdline")), {:ok, environ} <- File.read(Path.join(dir, "environ")) do
        if String.contains?(cmd <> environ, "#{epmd_port}"), do: signal(String.to_integer(Path.basename(dir)), "KILL")
      end
    end

    fixed = start_binary(args: ["--port", "#{epmd_port + 1}", "--no-epmd"])
    assert fixed.ready =~ "control_port=#{epmd_port + 1}"
    assert fixed.ready =~ "bulk_port=#{epmd_port + 2}"
    assert {:ok, socket} = :gen_tcp.connect(~c"127.0.0.1", epmd_port + 1, [])
    :gen_tcp.close(socket)
  end

  test "the second start compiles no shader" do
    cache = Path.join(System.tmp_dir!(), "gpu_node_cache_#{System.unique_integer([:positive])}_#{System.pid()}")
    on_exit(fn -> File.rm_rf!(cache) end)

    counts =
      for round <- 1..2 do
        node = start_binary(args: ["--cache-dir", cache])
        gpu = attach(node)
        {:ok, x} = GpuNode.Tensor.from_binary(gpu, <<1.0::float-32-little, 2.0::float-32-little>>, {:f, 32}, {2})

        values =
          for op <- [:exp, :log, :sin, :negate], do: GpuNode.Tensor.to_list(apply(GpuNode.Ops, op, [x]))

        assert Enum.all?(values, &match?({:ok, [_, _]}, &1))
        {:ok, [_, _]} = GpuNode.Tensor.to_list(GpuNode.Ops.add(x, x))
        counters = stats(node).counters
        signal(node, "TERM")
        assert wait_exit(node) == 0, "round #{round}"
        counters
      end

    [first, second] = counts

    IO.puts(
      "\n  shader compiles: first start #{first.shader_compiles}, second start #{second.shader_compiles} (#{second.spirv_cache_hits} from disk)"
    )

    assert first.shader_compiles >= 5
    assert second.shader_compiles == 0
    assert second.spirv_cache_hits >= 5
  end

  test "status and check tell a person and a machine" do
    node = start_binary()
    assert {text, 0} = run_binary(["status", "--name", "#{node.name}", "--cookie-file", cookie_file()])
    assert text =~ "memory"
    assert {json, 0} = run_binary(["status", "--json", "--name", "#{node.name}", "--cookie-file", cookie_file()])
    assert %{"node" => %{"ops" => _}, "stats" => _} = :json.decode(json)
    assert {text, 0} = run_binary(["check"])
    assert text =~ "dispatch"
    assert {text, 0} = run_binary(["version"])
    assert text =~ ~r/\d+\.\d+\.\d+/
  end
end

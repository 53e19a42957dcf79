defmodule GpuNode.SystemCase do
  @moduledoc """
  Starts and watches the gpu_node binary, starts further BEAM nodes, and speaks the protocol without the client where a
  test is about the node itself.
  """

  @host "127.0.0.1"
  def host, do: @host
  def cookie, do: Node.get_cookie()

  @doc "Makes this VM a node with a random cookie, and epmd run."
  def start_distribution do
    {_, 0} = System.cmd("epmd", ["-daemon"])
    {:ok, _} = Node.start(:"system_test_#{System.pid()}@#{@host}", :longnames)
    Node.set_cookie(:"c#{Base.encode16(:crypto.strong_rand_bytes(16))}")
  end

  # A machine without the Khronos layer says so with GPU_NODE_TEST_VALIDATION=0.
  defp validation?, do: System.get_env("GPU_NODE_TEST_VALIDATION", "1") != "0"

  @doc "A fresh node name."
  def unique_name, do: "gpu#{System.unique_integer([:positive])}_#{System.pid()}@#{@host}"

  def binary, do: System.fetch_env!("GPU_NODE_BINARY")

  @doc """
  Starts the binary and waits for its ready line. Options: `:name`, `:args`, `:env`
  (`false` for a variable that is not to be there), `:cookie`, `:validation`, `:binary`. Returns a map with `name`
  (atom), `bulk`, `port`, `os_pid` and `ready` (the line). The binary ends with the test process.
  """
  def start_binary(options \\ []) do
    name = Keyword.get_lazy(options, :name, &unique_name/0)
    port = open(name, options)
    {:os_pid, os_pid} = Port.info(port, :os_pid)
    ready = wait_ready(port, os_pid, [])
    [alive, host] = String.split(name, "@")

    %{
      name: String.to_atom(name),
      bulk: :"#{alive}_bulk@#{host}",
      port: port,
      os_pid: os_pid,
      ready: ready
    }
  end

  @doc "Runs the binary until it ends by itself; its exit status and everything it printed."
  def run_binary(args, options \\ []) do
    System.cmd(binary(), args, [stderr_to_stdout: true] ++ Keyword.take(options, [:env]))
  end

  @doc "A file with the cookie that only its owner can ever read. It is removed when the suite ends."
  def cookie_file(cookie \\ cookie()) do
    path =
      Path.join(
        System.tmp_dir!(),
        "gpu_node_cookie_#{GpuNode.Distribution.random(5)}_#{System.pid()}"
      )

    File.write!(path, "", [:exclusive])
    File.chmod!(path, 0o600)
    File.write!(path, "#{cookie}")
    path
  end

  @doc "Removes the files of `cookie_file/1` of this VM."
  def remove_cookie_files do
    System.tmp_dir!()
    |> Path.join("gpu_node_cookie_*_#{System.pid()}")
    |> Path.wildcard()
    |> Enum.each(&File.rm/1)
  end

  defp open(name, options) do
    file = cookie_file(options[:cookie] || cookie())

    device =
      if device = System.get_env("GPU_NODE_TEST_DEVICE"), do: ["--device", device], else: []

    args =
      ["run", "--name", name, "--cookie-file", file, "--exit-on-stdin-eof"] ++
        if(Keyword.get(options, :validation, validation?()), do: ["--validation"], else: []) ++
        device ++ Keyword.get(options, :args, [])

    env = for {k, v} <- Keyword.get(options, :env, []), do: {to_charlist(k), v && to_charlist(v)}

    Port.open({:spawn_executable, options[:binary] || binary()}, [
      :binary,
      :exit_status,
      :stderr_to_stdout,
      args: args,
      env: env
    ])
  end

  defp wait_ready(port, os_pid, seen) do
    receive do
      {^port, {:data, data}} ->
        text = IO.iodata_to_binary([seen, data])

        case Regex.run(~r/gpu_node ready .*\n/, text) do
          [line] -> String.trim(line)
          nil -> wait_ready(port, os_pid, text)
        end

      {^port, {:exit_status, status}} ->
        raise "gpu_node ended with status #{status} before it was ready: #{IO.iodata_to_binary(seen)}"
    after
      30_000 -> raise "gpu_node was not ready in 30 s: #{IO.iodata_to_binary(seen)}"
    end
  end

  @doc "Waits for the exit status of a binary started here."
  def wait_exit(%{port: port} = node, timeout \\ 10_000) do
    receive do
      {^port, {:exit_status, status}} -> status
      {^port, {:data, _}} -> wait_exit(node, timeout)
    after
      timeout -> :timeout
    end
  end

  def signal(%{os_pid: os_pid}, signal), do: signal(os_pid, signal)

  def signal(os_pid, signal) when is_integer(os_pid) do
    {_, _} = System.cmd("kill", ["-#{signal}", "#{os_pid}"], stderr_to_stdout: true)
    :ok
  end

  @doc "A call in the node's own protocol."
  def call(node, request, timeout \\ 10_000)
  def call(%{name: name}, request, timeout), do: call(name, request, timeout)
  def call(name, request, timeout), do: GenServer.call({:gpu_node, name}, request, timeout)

  def stats(node) do
    {:ok, stats} = call(node, :stats)
    stats
  end

  def live_bytes(node), do: stats(node).memory.live_bytes

  @doc "Waits until `check` is true; false when it is not within `timeout` ms."
  def eventually(check, timeout \\ 5_000) do
    deadline = System.monotonic_time(:millisecond) + timeout

    Stream.repeatedly(fn -> check.() || (Process.sleep(10) && false) end)
    |> Enum.find(fn result -> result || System.monotonic_time(:millisecond) > deadline end) ||
      check.()
  end

  @doc "A further BEAM node with the client's modules and this cluster's cookie."
  def start_peer(prefix \\ "peer") do
    {:ok, peer, node} =
      :peer.start_link(%{
        name: :"#{prefix}#{System.unique_integer([:positive])}_#{System.pid()}",
        host: to_charlist(@host),
        longnames: true,
        connection: :standard_io,
        args: [~c"-setcookie", to_charlist(cookie()), ~c"-hidden"]
      })

    :ok = :peer.call(peer, :code, :add_pathsa, [:code.get_path()])
    {module, binary, file} = :persistent_term.get(__MODULE__)
    {:module, _} = :peer.call(peer, :code, :load_binary, [module, file, binary])
    {:ok, _} = :peer.call(peer, :application, :ensure_all_started, [:elixir])
    {:ok, _} = :peer.call(peer, :application, :ensure_all_started, [:gpu_node])
    %{peer: peer, node: node}
  end

  @doc "Attaches this BEAM node's client to a node started here; what client calls take as their node."
  def attach(%{name: name}) do
    {:ok, _pid} = GpuNode.start_link(node: name)
    name
  end

  @doc "A tensor of f32 values."
  def tensor(gpu, values) do
    binary = for v <- values, into: <<>>, do: <<v * 1.0::float-32-little>>
    {:ok, tensor} = GpuNode.Tensor.from_binary(gpu, binary, {:f, 32}, {length(values)})
    tensor
  end

  @doc "Milliseconds that `fun` took, with its result."
  def timed(fun) do
    from = System.monotonic_time(:microsecond)
    result = fun.()
    {(System.monotonic_time(:microsecond) - from) / 1000, result}
  end

  @doc "Processor seconds so far of the node's threads that decode (`reader`) and that infer and record (`device`)."
  def cpu_seconds(%{os_pid: os_pid}) do
    # In nanoseconds, where `stat` counts ticks of ten milliseconds.
    spent = fn task ->
      [running | _] = task |> Path.join("schedstat") |> File.read!() |> String.split()
      String.to_integer(running) / 1.0e9
    end

    for task <- Path.wildcard("/proc/#{os_pid}/task/*"),
        name = task |> Path.join("comm") |> File.read!() |> String.trim(),
        name in ["reader", "device"],
        reduce: %{} do
      sums -> Map.update(sums, String.to_atom(name), spent.(task), &(&1 + spent.(task)))
    end
  end

  def median(list), do: list |> Enum.sort() |> Enum.at(div(length(list), 2))
end

defmodule GpuNode.SystemCase.Remote do
  @moduledoc "What tests run on other BEAM nodes."
  alias GpuNode.{Chain, Ops, Tensor}

  @doc "Makes `count` tensors of `bytes` in a process that stays."
  def hold(node, count, bytes) do
    {:ok, gpu} = attach(node)
    parent = self()

    spawn(fn ->
      tensors =
        for _ <- 1..count,
            do: elem(Tensor.from_binary(gpu, :binary.copy(<<1>>, bytes), {:u, 8}, {bytes}), 1)

      send(parent, {:held, length(tensors)})
      Process.sleep(:infinity)
      send(parent, tensors)
    end)

    receive do: ({:held, n} -> n)
  end

  def add(node, a, b) do
    {:ok, gpu} = attach(node)
    {:ok, x} = Tensor.from_binary(gpu, <<a::float-32-little>>, {:f, 32}, {1})
    Tensor.to_list(Ops.add(x, b))
  end

  @doc "A process that runs what it is told (`on/3`) and keeps the results until it is told to drop them."
  def start_holder(node, options \\ []) do
    with {:ok, pid} <- GpuNode.start_link([node: node] ++ options), do: Process.unlink(pid)
    spawn(fn -> serve([]) end)
  end

  defp serve(held) do
    receive do
      {from, ref, :drop} ->
        :erlang.garbage_collect()
        send(from, {ref, :ok})
        serve([])

      {from, ref, {function, arguments}} ->
        result = apply(__MODULE__, function, arguments)
        send(from, {ref, result})
        serve([result | held])
    end
  end

  @doc "Runs a function of this module in `holder`, on whatever node that is; `:drop` makes it forget all it has."
  def on(holder, what) do
    ref = Process.monitor(holder)
    send(holder, {self(), ref, what})

    receive do
      {^ref, result} ->
        Process.demonitor(ref, [:flush])
        result

      {:DOWN, ^ref, _, _, reason} ->
        {:down, reason}
    end
  end

  def make(node, values), do: Tensor.from_list!(node, values, :f32)

  def make_large(node, mib),
    do: Tensor.from_binary!(node, :binary.copy(<<1>>, mib * 1_048_576), :u8, {mib * 1_048_576})

  def make_ok(node), do: Tensor.from_list(node, [1.0], :f32)
  def add_one(tensor), do: Ops.add(tensor, 1)

  def add_times(tensor, times),
    do: Enum.reduce(1..times, tensor, fn _, sum -> Ops.add(sum, 1) end)

  def read(tensor), do: Tensor.to_list(tensor)
  def read_first(tensor), do: Tensor.to_list(tensor, limit: 1)
  def read_sum(tensor), do: tensor |> Ops.add(1) |> Tensor.to_list()
  def sync(node, tensor), do: GpuNode.sync(node, [tensor])
  def stream(tensor), do: tensor |> Tensor.stream_binary(slice_bytes: 4) |> Enum.to_list()
  def inspect_it(tensor), do: inspect(tensor)

  # The declared type is not what the op gives.
  def poisoned(node) do
    {:ok, [tensor]} = Ops.issue(node, :divide, [make(node, [1]), 2], [{{:s, 32}, {1}}], %{})
    tensor
  end

  def run_program(node, tensor) do
    program = GpuNode.Program.new()
    {program, x} = GpuNode.Program.input(program, :f32, {2})
    {program, y} = GpuNode.Program.multiply(program, x, 3)
    {:ok, [result]} = GpuNode.run(node, GpuNode.Program.output(program, [y]), [tensor])
    Tensor.to_list(result)
  end

  @doc "The log densities after three leapfrog steps of a normal(0.3, 1.7) in four coordinates."
  def leapfrog(node) do
    model = Chain.compile!(node, :normal, parameters: [mu: 0.3, sigma: 1.7], dimensions: [d: 4])

    start = [
      position: [0.35, -0.2, 0.55, 0.1],
      momentum: [0.2, -0.1, 0.05, -0.3],
      inverse_mass: [1.0, 0.5, 2.0, 1.0]
    ]

    model
    |> Chain.run!([step_size: 0.05, steps: 3] ++ start)
    |> Map.fetch!(:logp)
    |> Tensor.to_list!()
    |> hd()
  end

  @doc "Draws from a normal(mu, 2): the row of their summary, and their bytes."
  def sample_normal(node, mu, seed) do
    model =
      Chain.compile!(node, :normal,
        parameters: [mu: mu, sigma: 2.0],
        dimensions: [d: 1],
        chains: 256
      )

    samples = Chain.sample!(model, 200, chains: 256, warmup: 200, seed: seed)
    {Enum.at(Chain.Samples.summary!(samples), 0), Tensor.to_binary!(samples.draws["x"])}
  end

  @doc "Samples eight schools for hours, or until told to stop: `watcher` hears once that it is under way, and when."
  def sample_for_hours(node, watcher) do
    model = Chain.compile!(node, :eight_schools_noncentered, chains: 4096)
    sampling = self()

    hear = fn report ->
      if report.phase == :draw and Process.put(:told, true) == nil,
        do: send(watcher, {:sampling, sampling, report})

      receive do
        :stop -> :cancel
      after
        0 -> :ok
      end
    end

    options = [chains: 4096, warmup: 30, keep_draws: false, progress: hear, progress_ms: 20]
    with {:ok, _samples} <- Chain.sample(model, 100_000_000, options), do: :ended
  end

  @doc "Adds two numbers on `node` again and again, until `watcher` says `:stop`, which then gets what each took, in ms."
  def add_until_told(node, watcher) do
    {:ok, gpu} = attach(node)
    x = make(gpu, [1.0, 2.0])
    [2.0, 4.0] = Tensor.to_list!(Ops.add(x, x))
    send(watcher, {:adding, self()})
    send(watcher, {:waits, keep_adding(x, [])})
  end

  defp keep_adding(x, waits) do
    {us, [2.0, 4.0]} = :timer.tc(fn -> Tensor.to_list!(Ops.add(x, x), timeout: 120_000) end)

    receive do
      :stop -> [us / 1000 | waits]
    after
      5 -> keep_adding(x, [us / 1000 | waits])
    end
  end

  def take(tensor), do: Tensor.attach(tensor)
  def free(tensor), do: Tensor.free(tensor)
  def timed(function, arguments), do: :timer.tc(fn -> apply(__MODULE__, function, arguments) end)
  def pass(tensor), do: tensor

  defp attach(node) do
    with {:ok, pid} <- GpuNode.start_link(node: node) do
      Process.unlink(pid)
      {:ok, node}
    end
  end
end

# Runs Nx's own tests and doctests with Nx.Vulkan.Backend as the default backend: `mix run test/nx/run.exs` in elixir/nx_vulkan.
#
# Nx comes from NX_PATH as a checkout, with its tests in it; of a package only the doctests can run, and that is said.
# Failures that are in test/nx/known.exs are expected, each with its reason; any other fails the run, and so does one of the list
# that passes now. An op that the node lacks is an error; GPU_NODE_NX_FALLBACK=count has it computed on the host.
# GPU_NODE_NX_TRACE=1 names each test and its time. GPU_NODE_NX_COMPILER=vulkan has functions of defn compiled by Nx.Vulkan, where
# they are evaluated op by op else; what differs with one and not with the other is in known_compiled.exs and known_evaluated.exs.

for file <- ["report.ex", "suite.ex", "cluster.ex"], do: Code.require_file(file, __DIR__)

fallback = if System.get_env("GPU_NODE_NX_FALLBACK") == "count", do: :count, else: :raise
trace? = System.get_env("GPU_NODE_NX_TRACE") == "1"
compiled? = System.get_env("GPU_NODE_NX_COMPILER") == "vulkan"
nx = Nx.module_info(:compile)[:source] |> Path.dirname() |> Path.dirname()
tests = Path.join(nx, "test")
distributed? = NxCluster.start_distribution()
{:ok, _} = Application.ensure_all_started(:nx_vulkan)
device = System.get_env("GPU_NODE_TEST_DEVICE")
{:ok, _} = GpuNode.start_link([name: :gpu0] ++ if(device, do: [device: device], else: []))
{:ok, %{device: %{name: device_name}}} = GpuNode.Capabilities.fetch(:gpu0)
Application.put_env(:nx_vulkan, :add_backend_on_inspect, false)
Application.put_env(:nx_vulkan, :fallback, fallback)

ExUnit.start(
  autorun: false,
  # One device does the work, and what is slow is slow: a test is not to be ended for it.
  timeout: 300_000,
  assert_receive_timeout: 5000,
  exclude: if(distributed?, do: [], else: [:distributed]),
  capture_log: true,
  trace: trace?,
  formatters: if(trace?, do: [NxReport, ExUnit.CLIFormatter], else: [NxReport])
)

functions = if compiled?, do: "compiled", else: "evaluated"
IO.puts("Nx #{Application.spec(:nx, :vsn)} on #{device_name}, functions of defn #{functions}, what the node lacks: #{fallback}")

own? = File.dir?(tests)

if own? do
  support = NxSuite.load(Path.wildcard(Path.join(tests, "support/*.ex")))
  if distributed?, do: NxCluster.start_peers(support)
  files = Path.wildcard(Path.join(tests, "**/*_test.exs"))
  only = System.argv()
  files = if only == [], do: files, else: Enum.filter(files, fn file -> Enum.any?(only, &String.contains?(file, &1)) end)
  # Some name files of theirs from there.
  File.cd!(nx)
  NxSuite.load(files)
else
  IO.puts("not run: Nx's own tests (#{nx} is a package without them)")
  Code.require_file("doctests.exs", __DIR__)
end

# After loading: tensors in module attributes are of the compiler's default, and a handle cannot be one.
Nx.global_default_backend({Nx.Vulkan.Backend, node: :gpu0})
if compiled?, do: Nx.Defn.global_default_options(compiler: Nx.Vulkan)
ExUnit.run()
NxReport.finish(["known.exs", "known_#{functions}.exs"])

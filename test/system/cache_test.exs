defmodule GpuNode.System.CacheTest do
  # What a start finds of the starts before it: with a home, without one, and after an update of the driver.
  use ExUnit.Case
  import GpuNode.SystemCase
  alias GpuNode.{Chain, Ops, Tensor}

  @no_home [{"HOME", false}, {"XDG_CACHE_HOME", false}, {"CACHE_DIRECTORY", false}]

  setup do
    folder =
      Path.join(
        System.tmp_dir!(),
        "gpu_node_cache_test_#{System.unique_integer([:positive])}_#{System.pid()}"
      )

    File.mkdir!(folder)
    on_exit(fn -> File.rm_rf!(folder) end)
    %{folder: folder}
  end

  # Starts the node, computes, samples and ends it: what was counted, and milliseconds.
  defp start_once(options) do
    node = start_binary([validation: false] ++ options)
    gpu = attach(node)
    x = tensor(gpu, [1.0])
    {op_ms, value} = timed(fn -> Tensor.to_list!(Ops.exp(x)) end)
    assert_in_delta hd(value), :math.exp(1), 1.0e-6
    assert Tensor.to_list!(Ops.negate(x)) == [-1.0]

    {sample_ms, count} =
      timed(fn ->
        model = Chain.compile!(gpu, :eight_schools_noncentered, chains: 64)
        Chain.sample!(model, 20, chains: 64, warmup: 20).count
      end)

    assert count == 20
    counters = stats(node).counters
    GpuNode.stop(gpu)
    signal(node, "TERM")
    assert wait_exit(node) == 0
    %{counters: counters, op_ms: op_ms, sample_ms: sample_ms}
  end

  defp cold?(start),
    do: start.counters.shader_compiles > 5 and start.counters.spirv_cache_hits == 0

  defp warm?(start),
    do: start.counters.shader_compiles == 0 and start.counters.spirv_cache_hits > 5

  defp files(folder),
    do: folder |> Path.join("**") |> Path.wildcard() |> Enum.filter(&File.regular?/1)

  defp pipelines(cache), do: cache |> Path.join("pipelines/*") |> Path.wildcard() |> Enum.sort()
  # Bytes of what Mesa has compiled; it appends what it did not find.
  defp mesa_bytes(cache),
    do: for(f <- files(Path.join(cache, "mesa")), reduce: 0, do: (n -> n + File.stat!(f).size))

  defp report(name, start),
    do:
      IO.puts(
        "  #{String.pad_trailing(name, 44)} first op #{ms(start.op_ms)} ms, first sample #{ms(start.sample_ms)} ms"
      )

  defp ms(number), do: number |> Float.round(1) |> Float.to_string() |> String.pad_leading(7)

  @lavapipe System.get_env("GPU_NODE_TEST_DEVICE", "llvmpipe") == "llvmpipe"
  @tag if(@lavapipe,
         do: [],
         else: [skip: "the driver's own cache is told by its files: only lavapipe's are known"]
       )
  test "without a home a second start is warm, the driver's cache included; after its update modules are",
       %{
         folder: folder
       } do
    cache = Path.join(folder, "cache")
    start = fn env -> start_once(env: env ++ @no_home, args: ["--cache-dir", cache]) end

    cold = start.([])
    assert cold?(cold)
    assert [pipelines] = pipelines(cache)
    compiled = mesa_bytes(cache)
    assert compiled > 0

    warm = start.([])
    assert warm?(warm)
    assert mesa_bytes(cache) == compiled
    assert pipelines(cache) == [pipelines]

    # Told to keep nothing, the driver does not: what a start without a home was before.
    untold = start.([{"MESA_SHADER_CACHE_DISABLE", "true"}])
    assert warm?(untold)
    assert mesa_bytes(cache) == compiled

    updated_driver = [{"VK_DRIVER_FILES", updated_lavapipe(folder)}]
    updated = start.(updated_driver)
    assert warm?(updated)
    assert mesa_bytes(cache) > compiled
    assert [_, _] = both = pipelines(cache)
    assert pipelines in both
    recompiled = mesa_bytes(cache)
    updated_again = start.(updated_driver)
    assert warm?(updated_again)
    assert mesa_bytes(cache) == recompiled
    assert pipelines(cache) == both

    # The build before it is still served.
    before = start.([])
    assert warm?(before)
    assert mesa_bytes(cache) == recompiled

    IO.puts("\n  without a home, --cache-dir given; #{compiled} bytes of Mesa's:")
    report("cold", cold)
    report("second start", warm)
    report("second start, the driver keeps nothing", untold)
    report("first start after an update of the driver", updated)
    report("second start after it", updated_again)
  end

  test "with a home the cache lies in it, and where somebody says where the driver's is, there",
       %{folder: folder} do
    home = [{"HOME", folder}, {"XDG_CACHE_HOME", false}, {"CACHE_DIRECTORY", false}]
    cache = Path.join(folder, ".cache/gpu_node")
    cold = start_once(env: home)
    assert cold?(cold)

    kinds =
      for file <- files(cache),
          uniq: true,
          do: file |> Path.relative_to(cache) |> Path.split() |> hd()

    assert "spirv" in kinds and "pipelines" in kinds
    if @lavapipe, do: assert("mesa" in kinds)
    warm = start_once(env: home)
    assert warm?(warm)
    IO.puts("\n  with a home:")
    report("cold", cold)
    report("second start", warm)

    File.rm_rf!(cache)
    elsewhere = Path.join(folder, "elsewhere")
    assert cold?(start_once(env: [{"MESA_SHADER_CACHE_DIR", elsewhere} | home]))
    refute File.exists?(Path.join(cache, "mesa"))
    if @lavapipe, do: assert(files(elsewhere) != [])
  end

  test "no home and no folder: nothing is kept, and that is said", %{folder: folder} do
    {text, 0} = run_binary(["check"], env: for({name, _} <- @no_home, do: {name, nil}))
    assert text =~ "warning no_cache_folder"
    {text, 0} = run_binary(["check", "--cache-dir", "none"], env: [{"HOME", folder}])
    refute text =~ "no_cache_folder"
    refute File.exists?(Path.join(folder, ".cache/gpu_node"))
  end

  @tag if(@lavapipe,
         do: [],
         else: [skip: "the driver's own cache is told by its files: only lavapipe's are known"]
       )
  test "what is no file in Mesa's folder is removed before Mesa looks", %{folder: folder} do
    args = ["--cache-dir", folder]
    assert cold?(start_once(args: args))
    odd = Path.join(folder, "mesa/odd")
    File.ln_s!("nowhere", odd)
    assert warm?(start_once(args: args))
    assert {:error, :enoent} = File.lstat(odd)
  end

  # The driver's file of a lavapipe that says it is of another package and another build, as after a security update.
  defp updated_lavapipe(folder) do
    icd = "VK_DRIVER_FILES" |> System.fetch_env!() |> File.read!() |> JSON.decode!()
    name = icd["ICD"]["library_path"]

    library =
      [name | Path.wildcard("/usr/lib/*/#{name}")]
      |> Enum.find(&(Path.type(&1) == :absolute))
      |> File.read!()

    # pipelineCacheUUID is the first sixteen bytes of the version.
    [_, version] = Regex.run(~r/Mesa (\d\S+) \(LLVM/, library)
    last = min(byte_size(version), 16) - 1
    library = String.replace(library, version, changed(version, last))
    # What Mesa's own cache goes by is the build's id, twenty bytes after the head of their note.
    [{at, size}] =
      :binary.matches(library, <<4::little-32, 20::little-32, 3::little-32, "GNU", 0>>)

    path = Path.join(folder, "libvulkan_lvp_updated.so")
    File.write!(path, changed(library, at + size))
    file = Path.join(folder, "updated_icd.json")
    File.write!(file, JSON.encode!(put_in(icd, ["ICD", "library_path"], path)))
    file
  end

  defp changed(binary, at) do
    <<before::binary-size(at), byte, rest::binary>> = binary
    <<before::binary, Bitwise.bxor(byte, 1), rest::binary>>
  end
end

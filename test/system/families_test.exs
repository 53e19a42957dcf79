defmodule GpuNode.System.FamiliesTest do
  # Many families, one after another: what a kernel took goes when no model uses it.
  use ExUnit.Case
  import GpuNode.SystemCase
  alias GpuNode.Chain

  @families 200
  @most_growth_mib 64

  defp text(number) do
    ~s|{"name": "shifted", "description": "a normal around a number", "variables": [{"name": "x", "support": "real"}], | <>
      ~s|"terms": [{"expression": "-0.5 * (x - #{number}.5)^2"}], "example": {"parameters": {}, "dimensions": {}, | <>
      ~s|"unconstrained": {"x": 0}, "logp": #{-0.5 * (number + 0.5) ** 2}, "gradient": {"x": #{number + 0.5}}}}|
  end

  # A model of its own kernel, run and freed.
  defp run(gpu, number) do
    model = Chain.compile!(gpu, text(number))

    run =
      Chain.run!(model,
        position: [number + 0.5],
        momentum: [0.0],
        step_size: 0.1,
        results: :binaries
      )

    <<logp::float-64-little>> = run.logp
    assert logp == 0
    Chain.free(model)
  end

  defp rss_mib(%{os_pid: os_pid}) do
    [kib] =
      Regex.run(~r/VmRSS:\s+(\d+)/, File.read!("/proc/#{os_pid}/status"), capture: :all_but_first)

    div(String.to_integer(kib), 1024)
  end

  # New families, |first| being the number of their first.
  defp grow(gpu, node, first, caches) do
    before = rss_mib(node)
    {ms, _} = timed(fn -> for number <- first..(first + @families - 1), do: run(gpu, number) end)
    returned? = eventually(fn -> rss_mib(node) - before <= @most_growth_mib end, 15_000)

    IO.puts(
      "#{@families} families, #{caches}, in #{round(ms / 1000)} s: resident #{before} MiB before, #{rss_mib(node)} after"
    )

    assert returned?
  end

  # What is kept of those that nobody uses is a few; the compilers have what they need.
  defp warm_up(gpu), do: for(number <- 1..20, do: run(gpu, number))

  test "200 families compiled, run and freed leave little behind, whether the caches have them or not" do
    folder =
      Path.join(
        System.tmp_dir!(),
        "gpu_node_families_#{System.unique_integer([:positive])}_#{System.pid()}"
      )

    on_exit(fn -> File.rm_rf!(folder) end)
    # No cache of the driver's elsewhere.
    env =
      for name <- ~w(SHADER_CACHE_DIR SHADER_CACHE_DISABLE GLSL_CACHE_DIR GLSL_CACHE_DISABLE),
          do: {"MESA_" <> name, false}

    for caches <- ["compiled here", "from the caches"] do
      node = start_binary(args: ["--cache-dir", folder], env: env)
      gpu = attach(node)
      warm_up(gpu)
      grow(gpu, node, 21, caches)
      assert {:ok, %{counters: counters}} = GpuNode.stats(gpu)

      if caches == "compiled here",
        do: assert(counters.spirv_cache_hits == 0 and counters.shader_compiles > @families)

      if caches == "from the caches", do: assert(counters.spirv_cache_hits > @families)
      run(gpu, 1)
      signal(node, "TERM")
      assert wait_exit(node) == 0
    end
  end
end

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

  test "200 families compiled, run and freed leave little behind" do
    node = start_binary()
    gpu = attach(node)
    # What is kept of those that nobody uses is a few; the compilers have what they need.
    for number <- 1..20, do: run(gpu, number)
    before = rss_mib(node)
    {ms, _} = timed(fn -> for number <- 21..(20 + @families), do: run(gpu, number) end)
    assert eventually(fn -> rss_mib(node) - before <= @most_growth_mib end, 15_000)

    IO.puts(
      "#{@families} families in #{round(ms / 1000)} s: resident #{before} MiB before, #{rss_mib(node)} after"
    )

    run(gpu, 1)
  end
end

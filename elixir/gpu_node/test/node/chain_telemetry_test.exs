defmodule GpuNode.ChainTelemetryTest do
  @moduledoc "Spans of compilations and samplings, where the telemetry library is: here a module of its name."
  use GpuNode.NodeCase, async: false
  alias GpuNode.Chain

  @moduletag :truth

  setup do
    defmodule :telemetry do
      def execute(event, measurements, metadata),
        do: if(pid = Process.whereis(:chain_telemetry_test), do: send(pid, {:event, event, measurements, metadata}))
    end

    Process.register(self(), :chain_telemetry_test)

    on_exit(fn ->
      :code.purge(:telemetry)
      :code.delete(:telemetry)
    end)
  end

  test "a compilation and a sampling are spans", %{gpu: node} do
    model = Chain.compile!(node, :normal, dimensions: [d: 2], chains: 8)
    assert_received {:event, [:gpu_node, :chain, :compile, :start], %{system_time: _, monotonic_time: _}, start}
    assert %{node: ^node, family: :normal, type: :f64, chains: 8, telemetry_span_context: span} = start
    assert_received {:event, [:gpu_node, :chain, :compile, :stop], measured, stop}
    assert %{duration: duration, monotonic_time: _, coordinates: 2, driver_us: _, family_us: _} = measured
    assert duration > 0
    assert %{result: :ok, family: "normal", mapping: _, compiled?: _, chains: 8, telemetry_span_context: ^span} = stop

    samples = Chain.sample!(model, 20, chains: 8, warmup: 30, thin: 2)
    assert_received {:event, [:gpu_node, :chain, :sample, :start], %{system_time: _, draws: 20}, start}
    assert %{family: "normal", coordinates: 2, chains: 8, warmup: 30, thin: 2, telemetry_span_context: span} = start
    assert_received {:event, [:gpu_node, :chain, :sample, :stop], measured, %{result: :ok} = stop}
    assert stop.telemetry_span_context == span
    assert measured.draws == 20 and measured.leapfrog_steps == samples.leapfrog_steps
    assert %{duration: _, divergences: _, acceptance: _, step_size: _, path_length: _, execute_us: _} = measured
    refute_received {:event, [:gpu_node, :chain, _, :exception], _, _}
  end

  test "an error stops a span with its code, what is raised in the caller is an exception", %{gpu: node} do
    {:error, %{code: code}} = Chain.compile(node, :no_such_family)

    assert_received {:event, [:gpu_node, :chain, :compile, :stop], %{duration: _},
                     %{result: ^code, family: :no_such_family}}

    model = Chain.compile!(node, :normal, dimensions: [d: 1])
    {:error, %{code: :invalid_argument}} = Chain.sample(model, 0, [])
    assert_received {:event, [:gpu_node, :chain, :sample, :stop], %{duration: _}, %{result: :invalid_argument}}

    assert_raise RuntimeError, fn ->
      Chain.sample(model, 100_000_000, keep_draws: false, progress: fn _ -> raise "no" end, progress_ms: 1)
    end

    assert_received {:event, [:gpu_node, :chain, :sample, :exception], %{duration: _}, metadata}
    assert %{kind: :error, reason: %RuntimeError{message: "no"}, stacktrace: [_ | _]} = metadata
  end
end

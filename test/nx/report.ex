defmodule NxReport do
  # An ExUnit formatter that compares what failed with the list of what may.
  use GenServer

  @dots 100

  @impl true
  def init(_options) do
    {:ok, %{passed: 0, skipped: 0, failed: [], count: 0}}
  end

  @impl true
  def handle_cast({:test_finished, test}, state) do
    state = if rem(state.count, @dots) == @dots - 1, do: tap(state, fn _ -> IO.write(".") end), else: state
    {:noreply, %{record(test, state) | count: state.count + 1}}
  end

  # ExUnit stops its formatters before it returns.
  def handle_cast({:suite_finished, _times}, state) do
    :persistent_term.put(__MODULE__, state)
    {:noreply, state}
  end

  def handle_cast(_event, state), do: {:noreply, state}

  defp record(%{state: nil}, state), do: %{state | passed: state.passed + 1}
  defp record(%{state: {kind, _}}, state) when kind in [:excluded, :skipped], do: %{state | skipped: state.skipped + 1}

  defp record(%{state: {:failed, failures}} = test, state) do
    text = ExUnit.Formatter.format_test_failure(test, failures, 0, 100, fn _, text -> text end)
    %{state | failed: [{{inspect(test.module), to_string(test.name)}, text} | state.failed]}
  end

  defp record(%{state: {:invalid, _}} = test, state),
    do: %{state | failed: [{{inspect(test.module), to_string(test.name)}, "the module's setup failed"} | state.failed]}

  # Prints the result and ends the VM with its status.
  def finish(strict?) do
    state = :persistent_term.get(__MODULE__)
    known = Path.join(__DIR__, "known.exs") |> Code.eval_file() |> elem(0)
    IO.puts("")
    fallbacks = Nx.Vulkan.fallbacks() |> Enum.sort_by(&(-elem(&1, 1)))

    if strict?,
      do: strict(state),
      else: compare(state, known, fallbacks)
  end

  defp strict(state) do
    IO.puts("nx-strict: #{state.passed} tests pass without a host fallback, #{length(state.failed)} do not, #{state.skipped} excluded")
    System.halt(0)
  end

  defp compare(state, known, fallbacks) do
    reasons = Map.new(known, fn {module, test, reason} -> {{module, test}, reason} end)
    {expected, new} = Enum.split_with(state.failed, fn {key, _} -> is_map_key(reasons, key) end)
    failed = MapSet.new(state.failed, &elem(&1, 0))
    partial? = System.argv() != []
    stale = if partial?, do: [], else: for({key, _} <- reasons, key not in failed, do: key)

    for {_key, text} <- Enum.reverse(new), do: IO.puts(text)
    for {module, test} <- stale, do: IO.puts("is in known.exs and did not fail: #{module}, #{test}")

    IO.puts("known differences, by reason:")
    for {reason, keys} <- Enum.group_by(expected, fn {key, _} -> reasons[key] end), do: IO.puts("  #{length(keys)}: #{reason}")

    IO.puts("ops computed on the host: #{Enum.map_join(fallbacks, ", ", fn {op, n} -> "#{op} #{n}" end)}")
    if path = System.get_env("GPU_NODE_NX_FAILURES"), do: File.write!(path, :erlang.term_to_binary(state.failed))
    bad = length(new) + length(stale)
    IO.puts("#{state.passed + length(state.failed)} tests, #{bad} failures, #{state.skipped} excluded, #{length(expected)} known differences")
    System.halt(if bad == 0, do: 0, else: 1)
  end
end

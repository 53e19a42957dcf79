defmodule NxReport do
  # An ExUnit formatter that compares what failed with the list of what may.
  use GenServer

  @dots 100

  @impl true
  def init(_options) do
    {:ok, %{passed: [], skipped: 0, failed: [], count: 0}}
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

  defp record(%{state: nil} = test, state), do: %{state | passed: [key(test) | state.passed]}
  defp record(%{state: {kind, _}}, state) when kind in [:excluded, :skipped], do: %{state | skipped: state.skipped + 1}

  defp record(%{state: {:failed, failures}} = test, state) do
    text = ExUnit.Formatter.format_test_failure(test, failures, 0, 100, fn _, text -> text end)
    %{state | failed: [{key(test), text} | state.failed]}
  end

  defp record(%{state: {:invalid, _}} = test, state),
    do: %{state | failed: [{key(test), "the module's setup failed"} | state.failed]}

  defp key(test), do: {inspect(test.module), test.name |> to_string() |> String.replace(~r/ \(\d+\)$/, "")}

  # Prints the result and ends the VM with its status. |lists| are the files of what is expected to fail.
  def finish(lists) do
    state = :persistent_term.get(__MODULE__)
    known = Enum.flat_map(lists, &(Path.join(__DIR__, &1) |> Code.eval_file() |> elem(0)))
    IO.puts("")
    compare(state, known, Nx.Vulkan.fallbacks() |> Enum.sort_by(&(-elem(&1, 1))))
  end

  defp compare(state, known, fallbacks) do
    reasons = for {reason, tests} <- known, key <- tests, into: %{}, do: {key, reason}
    {expected, new} = Enum.split_with(state.failed, fn {key, _} -> is_map_key(reasons, key) end)

    # Of the doctests of one function some differ and some do not.
    stale = for({_module, test} = key <- state.passed, is_map_key(reasons, key), not (test =~ "doctest"), do: key)

    for {_key, text} <- Enum.reverse(new), do: IO.puts(text)
    for {module, test} <- stale, do: IO.puts("is in a list of what fails and passes: #{module}, #{test}")

    for {reason, tests} <- Enum.group_by(expected, fn {key, _} -> reasons[key] end) do
      IO.puts("#{length(tests)} differ: #{reason}")
      for {{_module, "doctest " <> name}, text} <- tests, do: IO.puts("    #{name}: #{digits(text)}")
    end

    host = if fallbacks == [], do: "none", else: Enum.map_join(fallbacks, ", ", fn {op, n} -> "#{op} #{n}" end)
    IO.puts("ops computed on the host: #{host}")
    if path = System.get_env("GPU_NODE_NX_FAILURES"), do: File.write!(path, :erlang.term_to_binary(state.failed))
    bad = length(new) + length(stale)
    count = length(state.passed) + length(new)
    IO.puts("#{length(expected)} known differences, each with its reason above")
    IO.puts("#{count} tests, #{bad} failures, #{state.skipped} excluded")
    System.halt(if bad == 0, do: 0, else: 1)
  end

  # The numbers of a doctest that differ, as documented and as printed here; of one that documents an error there are none.
  defp digits(text) do
    case for side <- ["left", "right"], do: Regex.run(~r/^\s*#{side}:\s+(.*)$/m, text) do
      [[_, left], [_, right]] -> digits(numbers(left), numbers(right))
      [nil, nil] -> "documented an error, here none"
    end
  end

  defp numbers(line), do: ~r/-?\d[\d.e+-]*/ |> Regex.scan(line) |> List.flatten()

  defp digits(here, documented) do
    documented
    |> Enum.zip(here)
    |> Enum.reject(fn {a, b} -> a == b end)
    |> Enum.map_join(", ", fn {a, b} -> "documented #{a}, here #{b}" end)
  end
end

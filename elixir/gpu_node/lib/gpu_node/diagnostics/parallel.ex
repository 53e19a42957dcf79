defmodule GpuNode.Diagnostics.Parallel do
  @moduledoc """
  A function over a list by processes beside the caller, as many at once as there are schedulers.

  Nothing is linked to the caller: what is raised, thrown or exited in a part is raised, thrown or exited in the caller, where it can be
  caught, and leaves no message behind. When a part fails, or the caller ends, the other parts end too.
  """

  @doc "The results in the order of `items`."
  @spec map([item] | Range.t(), (item -> result)) :: [result] when item: term, result: term
  def map(items, fun) do
    items = Enum.to_list(items)
    caller = self()
    # An alias: what a part sends once nobody waits for it goes nowhere.
    to = :erlang.alias()

    {guard, monitor} = spawn_monitor(fn -> guard(caller, to, Enum.with_index(items), fun) end)

    result = collect(to, guard, monitor, length(items), [])
    Process.unalias(to)
    Process.demonitor(monitor, [:flush])
    forget(to)

    case result do
      {:ok, results} -> results |> List.keysort(0) |> Enum.map(&elem(&1, 1))
      {:failed, kind, reason, stacktrace} -> :erlang.raise(kind, reason, stacktrace)
      {:ended, reason} -> exit({reason, {__MODULE__, :map, [length(items)]}})
    end
  end

  @doc "What `fun` gives, computed in a process of its own, whose garbage goes with it."
  @spec run((-> result)) :: result when result: term
  def run(fun), do: [fun] |> map(& &1.()) |> hd()

  defp collect(_to, _guard, _monitor, 0, results), do: {:ok, results}

  defp collect(to, guard, monitor, left, results) do
    receive do
      {^to, index, {:ok, result}} ->
        collect(to, guard, monitor, left - 1, [{index, result} | results])

      {^to, _index, {:failed, _, _, _} = failed} ->
        Process.exit(guard, :kill)
        failed

      {:DOWN, ^monitor, _, _, {:part, reason}} ->
        {:ended, reason}

      {:DOWN, ^monitor, _, _, reason} when reason != :normal ->
        {:ended, reason}
    end
  end

  defp forget(to) do
    receive do
      {^to, _, _} -> forget(to)
    after
      0 -> :ok
    end
  end

  # Has the parts linked to itself, so that they end with it; it ends with the caller.
  defp guard(caller, to, items, fun) do
    Process.flag(:trap_exit, true)
    monitor = Process.monitor(caller)
    {first, rest} = Enum.split(items, System.schedulers_online())
    for item <- first, do: start(item, to, fun)
    watch(monitor, length(first), rest, to, fun)
  end

  defp watch(_monitor, 0, [], _to, _fun), do: :ok

  defp watch(monitor, running, items, to, fun) do
    receive do
      {:EXIT, _part, :normal} ->
        case items do
          [] ->
            watch(monitor, running - 1, [], to, fun)

          [item | rest] ->
            start(item, to, fun)
            watch(monitor, running, rest, to, fun)
        end

      {:EXIT, _part, reason} ->
        exit({:part, reason})

      {:DOWN, ^monitor, _, _, _} ->
        exit(:shutdown)
    end
  end

  defp start({item, index}, to, fun) do
    spawn_link(fn ->
      result =
        try do
          {:ok, fun.(item)}
        catch
          kind, reason -> {:failed, kind, reason, __STACKTRACE__}
        end

      send(to, {to, index, result})
    end)
  end
end

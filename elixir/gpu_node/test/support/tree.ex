defmodule GpuNode.Tree do
  @moduledoc false
  # The supervision tree of a started node as it is, and the processes of this package that stand outside of it.

  @doc "Ids and pids of the processes below the supervisor of the node `name`, depth first: `[{[Session.Supervisor, Session], pid}, ...]`."
  def of(name) do
    # One that was just stopped may still have its name.
    for {pid, _} <- Registry.lookup(GpuNode.Registry, {:node, name}),
        Process.alive?(pid),
        entry <- [{[], pid} | below(pid, [])],
        do: entry
  end

  @doc "The same of what all nodes share."
  def shared do
    pid = Process.whereis(GpuNode.RootSupervisor)
    [{[], pid} | below(pid, [])]
  end

  defp below(supervisor, path) do
    for {id, pid, type, _modules} <- Enum.reverse(Supervisor.which_children(supervisor)),
        is_pid(pid),
        # What a supervisor does not have a link to would outlive it.
        linked = linked?(supervisor, pid),
        entry <- [
          {path ++ [id] ++ if(linked, do: [], else: [:unlinked]), pid}
          | if(type == :supervisor, do: below(pid, path ++ [id]), else: [])
        ],
        do: entry
  end

  # A task may have ended since it was listed.
  defp linked?(supervisor, pid) do
    case Process.info(supervisor, :links) do
      {:links, links} -> pid in links or not Process.alive?(pid)
      nil -> false
    end
  end

  @doc "The pid of the process with this path in the tree of `name`."
  def pid(name, path) do
    {_path, pid} = List.keyfind!(of(name), path, 0)
    pid
  end

  @doc """
  Processes that run code of this package, or were spawned by those that do, and are in no tree, neither of a started node nor of what those
  share.
  """
  def strays do
    names = Registry.select(GpuNode.Registry, [{{{:node, :"$1"}, :_, :_}, [], [:"$1"]}])
    trees = for {_path, pid} <- Enum.flat_map(names, &of/1) ++ shared(), into: MapSet.new(), do: pid
    for pid <- Process.list(), pid not in trees, why = why_ours(pid, trees), do: {pid, why}
  end

  defp why_ours(pid, trees) do
    case Process.info(pid, [:initial_call, :current_stacktrace, :dictionary, :parent]) do
      nil ->
        nil

      info ->
        {begun, _, _} = info[:dictionary][:"$initial_call"] || begun(info)

        cond do
          begun in modules() -> {:runs, begun, info[:current_stacktrace]}
          info[:parent] in trees -> {:spawned_by, info[:parent], info[:current_stacktrace]}
          true -> nil
        end
    end
  end

  # A spawned function is not in `initial_call`; what it has called last stands at the bottom.
  defp begun(info) do
    case {info[:initial_call], List.last(info[:current_stacktrace])} do
      {{:erlang, :apply, 2}, {module, function, arity, _}} -> {module, function, arity}
      {initial, _} -> initial
    end
  end

  defp modules do
    with nil <- :persistent_term.get(__MODULE__, nil) do
      lib = Path.expand("../../lib", __DIR__)
      {:ok, all} = :application.get_key(:gpu_node, :modules)

      modules =
        for m <- all,
            m.module_info(:compile)[:source] |> to_string() |> String.starts_with?(lib),
            into: MapSet.new(),
            do: m

      :persistent_term.put(__MODULE__, modules)
      modules
    end
  end
end

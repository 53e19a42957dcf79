defmodule Nx.Vulkan.Compiler.Cache do
  @moduledoc false
  # Functions that were compiled, by what they were compiled for. They are read by every call and copied by none, so they lie
  # in persistent terms; what was used last stays.

  alias Nx.Vulkan.Compiler.{Executable, Lock}

  @table __MODULE__
  @kept 1024

  @spec init() :: :ok
  def init do
    :ets.new(@table, [:named_table, :public, :set, read_concurrency: true])
    Executable.init()
    :ok
  end

  # Terms in a key. A function that closes over an expression may have more of them than the expression has nodes, by any factor:
  # what nodes share is copied and hashed as often as it is named.
  @most_terms 4096

  @doc """
  What `make` gives for `key`; made by one process at a time for a key, and kept where it is no error. What closes over more
  terms than a key may have is made each time.
  """
  @spec fetch(term, (-> {:ok, Executable.t()} | error)) :: {:ok, Executable.t()} | error when error: {:error, term}
  def fetch(key, make), do: if(count(key, @most_terms) > 0, do: kept(key, make), else: make.())

  # What is left of |budget| after the terms of |term|; 0 or less once they are too many.
  defp count(_term, budget) when budget <= 0, do: budget
  defp count([head | tail], budget), do: count(tail, count(head, budget - 1))
  defp count(tuple, budget) when is_tuple(tuple), do: tuple |> Tuple.to_list() |> count(budget)
  defp count(map, budget) when is_map(map), do: map |> :maps.to_list() |> count(budget)

  defp count(fun, budget) when is_function(fun) do
    {:env, environment} = :erlang.fun_info(fun, :env)
    count(environment, budget)
  end

  defp count(_term, budget), do: budget - 1

  defp kept(key, make) do
    with :none <- look(key) do
      Lock.hold(:erlang.phash2(key), fn ->
        with :none <- look(key),
             {:ok, executable} <- make.(),
             do: keep(key, executable)
      end)
    end
  end

  defp look(key) do
    with [{_key, id, _used}] <- :ets.lookup(@table, key),
         executable when executable != nil <- :persistent_term.get({__MODULE__, id}, nil) do
      :ets.update_element(@table, key, {3, System.monotonic_time()})
      {:ok, executable}
    else
      _ -> :none
    end
  end

  defp keep(key, executable) do
    if :ets.info(@table, :size) >= @kept, do: forget()
    :persistent_term.put({__MODULE__, executable.id}, executable)
    :ets.insert(@table, {key, executable.id, System.monotonic_time()})
    {:ok, executable}
  end

  # The half that was not used for longest: each costs the VM a look at all processes.
  defp forget do
    rows = :ets.select(@table, [{{:"$1", :"$2", :"$3"}, [], [{{:"$3", :"$2", :"$1"}}]}])

    for {_used, id, key} <- rows |> Enum.sort() |> Enum.take(div(@kept, 2)) do
      :ets.delete(@table, key)
      :persistent_term.erase({__MODULE__, id})
      Executable.drop(id)
    end
  end
end

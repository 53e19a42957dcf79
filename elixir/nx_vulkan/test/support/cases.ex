defmodule Nx.Vulkan.Test.Cases do
  @moduledoc false
  # Counts the generated cases of each op, for the end of the run; the seed they come from (PROPERTY_SEED, else the same always)
  # and how many of those that there are for an op and a type are run (PROPERTY_CASES).

  def init do
    :ets.new(__MODULE__, [:named_table, :public, :set, write_concurrency: true])
    # Handlers run in the process that fell back: the counters are everybody's.
    :telemetry.attach(__MODULE__, [:nx_vulkan, :fallback], &__MODULE__.fell_back/4, nil)
  end

  def fell_back(_event, _measurements, _metadata, _config), do: Process.put(__MODULE__, :host)

  @doc "What `fun` gives, and whether the node did it all."
  def watch(fun) do
    Process.delete(__MODULE__)
    result = fun.()
    {Process.delete(__MODULE__) || :node, result}
  end

  def count(op, kind), do: :ets.update_counter(__MODULE__, {op, kind}, 1, {{op, kind}, 0})

  def seed, do: "PROPERTY_SEED" |> System.get_env("1") |> String.to_integer()

  @doc "So many of the cases, drawn."
  def some(cases), do: Enum.take_random(cases, "PROPERTY_CASES" |> System.get_env("6") |> String.to_integer())

  @doc "Seeds this process for one op, so that an op's cases do not depend on which others ran."
  def seed(op), do: :rand.seed(:exsss, {seed(), :erlang.phash2(op), 0})

  def print do
    case Enum.sort(:ets.tab2list(__MODULE__)) do
      [] ->
        :ok

      rows ->
        IO.puts(
          "\nGenerated cases, PROPERTY_SEED=#{seed()} (host: all or some of it was computed there, for want of an op or a type)"
        )

        rows
        |> Enum.group_by(fn {{op, _}, _} -> op end, fn {{_, kind}, n} -> "#{n}#{if kind == :host, do: " host"}" end)
        |> Enum.sort()
        |> Enum.map(fn {op, counts} -> "#{op} #{Enum.join(counts, " + ")}" end)
        |> Enum.chunk_every(6)
        |> Enum.each(&IO.puts("  " <> Enum.join(&1, ", ")))

        total = fn kind -> for({{_, ^kind}, n} <- rows, do: n) |> Enum.sum() end
        IO.puts("  #{total.(:node)} on the node, #{total.(:host)} on the host")
    end
  end
end

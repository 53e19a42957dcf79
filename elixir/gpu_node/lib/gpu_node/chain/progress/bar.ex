defmodule GpuNode.Chain.Progress.Bar do
  @moduledoc """
  A report of a sampling as a line of a fixed width, for a terminal that shows one over the other. Time comes in as an argument: nothing here
  asks a clock or writes anything.
  """

  alias GpuNode.Text

  @enforce_keys [:warmup, :draws, :width, :started]
  defstruct @enforce_keys ++ [:phase, :since, from: 0, shown?: false]

  @typedoc "Iterations, columns and ms; when and at which iteration the present phase was first seen."
  @type t :: %__MODULE__{
          warmup: non_neg_integer,
          draws: non_neg_integer,
          width: pos_integer,
          started: integer,
          phase: atom,
          since: integer | nil,
          from: non_neg_integer,
          shown?: boolean
        }

  @most 30
  @least 8

  @spec new({non_neg_integer, non_neg_integer}, integer, integer) :: t
  def new({warmup, draws}, width, now),
    do: %__MODULE__{warmup: warmup, draws: draws, width: max(width, 20), started: now}

  @doc "The line for a report at `now` (ms), of exactly the bar's width."
  @spec line(t, map, integer) :: {String.t(), t}
  def line(bar, report, now) do
    bar = seen(bar, report, now)
    {fields, done} = fields(bar, report, now)
    {fit(fields, done, bar.width), %{bar | shown?: true}}
  end

  defp seen(%{phase: phase} = bar, %{phase: phase}, _now), do: bar
  defp seen(bar, report, now), do: %{bar | phase: report.phase, since: now, from: Map.get(report, :iteration, 0)}

  # Pairs of importance and text, in the order of the line; what is least important goes first where there is no room.
  defp fields(_bar, %{phase: :search} = report, _now) do
    attempts = Text.count(report.attempts, "attempt")
    {[{0, "search"}, {1, attempts}, {2, "step #{number(report.step_size)}"}], nil}
  end

  defp fields(bar, %{phase: :done} = report, now) do
    total = bar.warmup + bar.draws
    iterations = "#{total} iterations in #{time(now - bar.started)}"
    {[{0, "done  "}, {0, :bar}, {0, "100 %"}, {1, iterations} | state(report)], 1.0}
  end

  defp fields(bar, report, now) do
    total = max(bar.warmup + bar.draws, 1)
    done = if report.phase == :warmup, do: report.iteration, else: bar.warmup + report.iteration
    share = min(done / total, 1.0)
    percent = String.pad_leading("#{trunc(share * 100)} %", 5)

    {[
       {0, String.pad_trailing(to_string(report.phase), 6)},
       {0, :bar},
       {0, percent},
       {4, counts(report)}
     ] ++ pace(bar, report, total - done, now) ++ state(report), share}
  end

  # Fields keep their width where they can, so that the bar keeps its own.
  defp counts(%{iteration: iteration, iterations: iterations}) do
    of = Integer.to_string(iterations)
    String.pad_leading("#{iteration}/#{of}", 2 * String.length(of) + 1)
  end

  # Nothing can be said of the pace before the second report of a phase.
  defp pace(bar, report, left, now) do
    seconds = (now - bar.since) / 1000
    iterations = report.iteration - bar.from

    if seconds > 0 and iterations > 0 do
      rate = iterations / seconds

      [
        {3, String.pad_leading("#{number(rate)}/s", 8)},
        {1, String.pad_leading("#{time(round(left / rate * 1000))} left", 9)}
      ]
    else
      [{3, String.duplicate(" ", 8)}, {1, String.duplicate(" ", 9)}]
    end
  end

  defp state(report) do
    text = Text.count(report.divergences, "divergence")
    step = String.pad_trailing("step #{number(report.step_size)}", 12)
    [{5, step}, {2, String.pad_trailing(text, 13)}]
  end

  defp fit(fields, share, width) do
    texts = for {_importance, text} when is_binary(text) <- fields, do: text
    # Two columns between fields.
    room = width - (texts |> Enum.map(&(String.length(&1) + 2)) |> Enum.sum())
    needed = if share, do: @least, else: -2
    least = fields |> Enum.map(&elem(&1, 0)) |> Enum.max()

    if room < needed and least > 0 do
      fit(Enum.reject(fields, fn {importance, _} -> importance == least end), share, width)
    else
      fields
      |> Enum.map(fn
        {_, :bar} -> blocks(share, room |> min(@most) |> max(1))
        {_, text} -> text
      end)
      |> Enum.join("  ")
      |> String.slice(0, width)
      |> String.pad_trailing(width)
    end
  end

  defp blocks(share, columns) do
    full = trunc(share * columns)
    String.duplicate("█", full) <> String.duplicate("░", columns - full)
  end

  defp number(x) when is_atom(x), do: to_string(x)
  defp number(x) when x == 0, do: "0"

  defp number(x) do
    case floor(:math.log10(abs(x))) do
      power when power in -3..5 -> :erlang.float_to_binary(x / 1, decimals: max(2 - power, 0))
      _ -> :erlang.float_to_binary(x / 1, [{:scientific, 1}])
    end
  end

  defp time(ms) do
    seconds = div(ms + 500, 1000)
    [minutes, rest] = [rem(div(seconds, 60), 60), rem(seconds, 60)]

    if seconds < 3600,
      do: "#{minutes}:#{two(rest)}",
      else: "#{div(seconds, 3600)}:#{two(minutes)}:#{two(rest)}"
  end

  defp two(n), do: n |> Integer.to_string() |> String.pad_leading(2, "0")
end

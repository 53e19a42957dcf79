defmodule Nx.Vulkan.Doctor.Report do
  @moduledoc false
  # The doctor's checks as aligned text.

  alias Nx.Vulkan.Doctor.Check

  @name_width 14
  @status_width 9
  @indent 2 + @name_width + @status_width
  @width 110

  @doc "One check; a heading before the first of a node. `previous` is the section of the check before it."
  @spec line(Check.t(), String.t() | nil) :: IO.ANSI.ansidata()
  def line(%Check{} = check, previous) do
    heading = if check.section != previous and check.section, do: ["\nnode ", check.section, "\n"], else: []
    name = String.pad_trailing(check.name, @name_width)
    status = String.pad_trailing(to_string(check.status), @status_width)

    [heading, "  ", name, color(check.status), status, :reset, fill(check.text), "\n"] ++
      if(check.remedy, do: [String.duplicate(" ", @indent), fill(check.remedy), "\n"], else: [])
  end

  @doc "The last line: what is missing, or that nothing is."
  @spec summary([Check.t()]) :: String.t()
  def summary(checks) do
    case for(
           %{status: :missing} = check <- checks,
           do: Enum.join(Enum.reject([check.section, check.name], &is_nil/1), " ")
         ) do
      [] -> "\nNothing is missing."
      names -> "\nMissing: #{Enum.join(names, ", ")}."
    end
  end

  defp color(:ok), do: :green
  defp color(:missing), do: :red
  defp color(:note), do: :yellow
  defp color(:skipped), do: :faint

  # Paragraphs stand under each other, words wrap.
  defp fill(text) do
    text
    |> String.trim()
    |> String.split("\n")
    |> Enum.map(fn paragraph -> paragraph |> String.split(" ") |> wrap() end)
    |> Enum.concat()
    |> Enum.join("\n" <> String.duplicate(" ", @indent))
  end

  defp wrap(words) do
    words
    |> Enum.chunk_while(
      [],
      fn word, line ->
        if line != [] and String.length(Enum.join([word | line], " ")) > @width - @indent,
          do: {:cont, line, [word]},
          else: {:cont, [word | line]}
      end,
      &{:cont, &1, []}
    )
    |> Enum.map(&(&1 |> Enum.reverse() |> Enum.join(" ")))
  end
end

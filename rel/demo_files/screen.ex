defmodule Demo.Screen do
  @moduledoc "What rel/demo prints, on a terminal and into a file."

  def title(text), do: IO.puts("\n#{mark("\e[1m")}#{text}#{mark("\e[0m")}")
  def line(label, text), do: IO.puts("   #{String.pad_trailing(label, 20)} #{text}")
  def block(text), do: text |> String.split("\n") |> Enum.each(&IO.puts("   #{&1}"))

  @doc "A line that the next one of these, or `settle/0`, takes the place of. Only for terminals."
  def fleeting(text) do
    # A line that wraps is not overwritten.
    {:ok, columns} = :io.columns()
    IO.write("\r   #{String.slice(text, 0, max(columns - 4, 0))}\e[K")
  end

  def settle, do: if(terminal?(), do: IO.write("\r\e[K"))

  def terminal?, do: match?({:ok, _}, :io.columns())
  defp mark(code), do: if(terminal?(), do: code, else: "")

  @doc "The milliseconds that `fun` took, and its result."
  def timed(fun) do
    from = System.monotonic_time(:microsecond)
    result = fun.()
    {(System.monotonic_time(:microsecond) - from) / 1000, result}
  end

  def fail(text) do
    IO.puts("\n   FAILED: #{text}")
    System.halt(1)
  end
end

defmodule GpuNode.Page do
  @moduledoc false
  # Pages and notebooks do what they say: their code is evaluated in order, and what they state as a value is compared with what comes.
  # "..." in a stated value stands for anything. nx_vulkan's tests have this file too.

  import ExUnit.Assertions

  @typedoc "Source and the value that the page states for it."
  @type step :: {String.t(), String.t() | nil}

  @cell ~r/^```elixir\n(?<source>.*?)\n```\n(?:\n<!-- livebook:\{"output":true\} -->\n\n```\n(?<output>.*?)\n```\n)?/ms

  @doc "The sources of the blocks in `language`."
  @spec blocks(String.t(), String.t()) :: [String.t()]
  def blocks(text, language), do: for([_, source] <- Regex.scan(~r/^```#{language}\n(.*?)\n```/ms, text), do: source)

  @doc "The cells of a notebook with their outputs."
  @spec cells(String.t()) :: [step]
  def cells(text), do: for([_, source | output] <- Regex.scan(@cell, text), do: {source, List.first(output)})

  @doc "The steps of a block: a line `#=> value` states the value of what stands before it, further lines of `#` go on with it."
  @spec steps(String.t()) :: [step]
  def steps(source) do
    source
    |> String.split("\n")
    |> Enum.chunk_while({[], nil}, &chunk/2, fn {lines, value} -> {:cont, {lines, value}, nil} end)
    |> Enum.map(fn {lines, value} -> {lines |> Enum.reverse() |> Enum.join("\n"), value} end)
  end

  defp chunk("#=> " <> value, {lines, nil}), do: {:cont, {lines, value}}

  defp chunk("#   " <> value, {lines, stated}) when stated != nil,
    do: {:cont, {lines, stated <> " " <> String.trim(value)}}

  defp chunk(line, {lines, nil}), do: {:cont, {[line | lines], nil}}
  defp chunk(line, done), do: {:cont, done, {[line], nil}}

  @doc "Evaluates steps one after the other; returns the bindings and the environment behind them."
  @spec run([step], keyword, Macro.Env.t()) :: {keyword, Macro.Env.t()}
  def run(steps, binding \\ [], env), do: Enum.reduce(steps, {binding, Code.env_for_eval(env)}, &evaluate/2)

  defp evaluate({source, stated}, {binding, env}) do
    {value, binding, env} = source |> Code.string_to_quoted!() |> Code.eval_quoted_with_env(binding, env)
    if stated, do: check(source, stated, value)
    {binding, env}
  end

  defp check(source, stated, value) do
    # As in one line, and as it is shown.
    got = [inspect(value), inspect(value, pretty: true, custom_options: [sort_maps: true])]
    pattern = stated |> Regex.escape() |> String.replace("\\.\\.\\.", ".*")

    assert Enum.any?(got, &(&1 =~ ~r/\A#{pattern}\z/s)),
           "#{source}\n\nstates\n\n#{stated}\n\ngot\n\n#{List.last(got)}"
  end
end

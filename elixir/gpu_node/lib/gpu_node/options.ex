defmodule GpuNode.Options do
  @moduledoc """
  Options of public functions as data. A schema is a keyword list; from it come the check, the defaults and the documentation:

      @schema [
        steps: [type: :pos_integer, default: 1, doc: "how many leapfrog steps"],
        position: [type: :any, required: true, doc: "`{chains, d}` numbers"]
      ]

      with {:ok, options} <- GpuNode.Options.check(options, @schema) do

  An entry has `type` (see `t:type/0`), `doc` and, where there is one, `default`, `required: true` or `secret: true` (its value
  is never shown). What is checked has the defaults in it; keys without one are missing where nothing was given. An unknown key, a key
  given twice and a value of another type are `:invalid_argument` and name what is taken.
  """

  alias GpuNode.{Error, Text}

  @typedoc """
  What a value may be: one of the names, one of a list, a whole number within bounds (`:infinity` for none), a function of so many
  arguments, one of several types, or what a function of the schema's owner says: `{:custom, text, function}`, where `text` says
  what is expected and `function` whether a value is that.
  """
  @type type ::
          :any
          | :boolean
          | :atom
          | :string
          | :pos_integer
          | :non_neg_integer
          | :number
          | :keyword
          | {:in, [term]}
          | {:integer, integer, integer | :infinity}
          | {:fun, arity}
          | {:or, [type]}
          | {:custom, String.t(), (term -> boolean)}
  @type schema :: [{atom, keyword}]

  @doc """
  `options` with the defaults of `schema`. `what` may say whose options they are, for the error's text. Error: `:invalid_argument`.

      iex> GpuNode.Options.check([steps: 3], steps: [type: :pos_integer, default: 1], rows: [type: {:in, [:all, :last]}, default: :all])
      {:ok, [rows: :all, steps: 3]}

      iex> {:error, error} = GpuNode.Options.check([step: 3], steps: [type: :pos_integer, default: 1])
      iex> error.message
      "unknown option :step; the options are :steps"
  """
  @spec check(term, schema, String.t() | nil) :: {:ok, keyword} | {:error, Error.t()}
  def check(options, schema, what \\ nil) do
    case problem(options, schema) do
      nil -> {:ok, Keyword.merge(defaults(schema), options)}
      text -> {:error, Error.new(:invalid_argument, if(what, do: "#{what}: #{text}", else: text))}
    end
  end

  @doc "As `check/3`, raising `GpuNode.Error`."
  @spec check!(term, schema, String.t() | nil) :: keyword
  def check!(options, schema, what \\ nil), do: options |> check(schema, what) |> Error.unwrap!()

  @doc "The options as a list in Markdown, for a docstring."
  @spec docs(schema) :: String.t()
  def docs(schema) do
    Enum.map_join(schema, "\n", fn {key, entry} ->
      note =
        cond do
          entry[:required] -> "; required"
          is_nil(entry[:default]) -> ""
          true -> "; default `#{inspect(entry[:default])}`"
        end

      "  * `#{inspect(key)}` - #{entry[:doc]}#{note}"
    end)
  end

  defp defaults(schema), do: for({key, entry} <- schema, Keyword.has_key?(entry, :default), do: {key, entry[:default]})

  defp problem(options, schema) do
    if Keyword.keyword?(options) do
      given = Keyword.keys(options)
      twice = given -- Enum.uniq(given)
      missing = for {key, entry} <- schema, entry[:required], key not in given, do: key

      cond do
        (unknown = Enum.uniq(given) -- Keyword.keys(schema)) != [] -> unknown(unknown, schema)
        twice != [] -> "#{these(Enum.uniq(twice))} given more than once"
        missing != [] -> "#{these(missing)} missing"
        true -> Enum.find_value(options, fn {key, value} -> wrong(key, value, schema[key]) end)
      end
    else
      "options are a keyword list, got #{show(options)}; #{known(schema)}"
    end
  end

  defp unknown([key], schema), do: "unknown option #{inspect(key)}; #{known(schema)}"
  defp unknown(keys, schema), do: "unknown options #{names(keys)}; #{known(schema)}"
  defp known([]), do: "there are none"
  defp known(schema), do: "the options are #{schema |> Keyword.keys() |> names()}"
  defp these([key]), do: "the option #{inspect(key)} is"
  defp these(keys), do: "the options #{names(keys)} are"
  defp names(keys), do: Enum.map_join(keys, ", ", &inspect/1)

  defp wrong(key, value, entry) do
    if not valid?(entry[:type], value) do
      got = if entry[:secret], do: "", else: ", got #{show(value)}"
      "the option #{inspect(key)} is #{expected(entry[:type])}#{got}"
    end
  end

  defp show(value), do: inspect(value, limit: 10, printable_limit: 100)

  defp valid?(:any, _value), do: true
  defp valid?(:boolean, value), do: is_boolean(value)
  defp valid?(:atom, value), do: is_atom(value)
  defp valid?(:string, value), do: is_binary(value)
  defp valid?(:pos_integer, value), do: is_integer(value) and value > 0
  defp valid?(:non_neg_integer, value), do: is_integer(value) and value >= 0
  defp valid?(:number, value), do: is_number(value)
  defp valid?(:keyword, value), do: Keyword.keyword?(value)
  defp valid?({:in, values}, value), do: value in values
  # An atom is greater than every number.
  defp valid?({:integer, low, high}, value), do: is_integer(value) and value >= low and value <= high
  defp valid?({:fun, arity}, value), do: is_function(value, arity)
  defp valid?({:or, types}, value), do: Enum.any?(types, &valid?(&1, value))
  defp valid?({:custom, _text, function}, value), do: function.(value)

  defp expected(:boolean), do: "true or false"
  defp expected(:atom), do: "an atom"
  defp expected(:string), do: "a string"
  defp expected(:pos_integer), do: "an integer of at least 1"
  defp expected(:non_neg_integer), do: "an integer of at least 0"
  defp expected(:number), do: "a number"
  defp expected(:keyword), do: "a keyword list"
  defp expected({:in, values}), do: Enum.map_join(values, " or ", &inspect/1)
  defp expected({:integer, low, :infinity}), do: "an integer of at least #{low}"
  defp expected({:integer, low, high}), do: "an integer from #{low} to #{high}"
  defp expected({:fun, arity}), do: "a function of #{Text.count(arity, "argument")}"
  defp expected({:or, types}), do: Enum.map_join(types, " or ", &expected/1)
  defp expected({:custom, text, _function}), do: text
end

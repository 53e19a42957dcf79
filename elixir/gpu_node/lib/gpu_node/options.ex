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

  # As long as a node lets a request wait.
  @longest_ms 86_400_000

  @typedoc """
  What a value may be: one of the names, one of a list, a whole number within bounds (`:infinity` for none), a function of so many
  arguments, one of several types, a struct, a list of one type, or what a function of the schema's owner says: `{:custom, text, function}`, where `text` says
  what is expected and `function` whether a value is that. `:timeout` is what a call may wait, in ms, a day at most, and
  `:named` a map or list of pairs from names to what they stand for, a name once, with `{:named, type}` to values of a type.
  """
  @type type ::
          :any
          | :boolean
          | :atom
          | :string
          | :pos_integer
          | :non_neg_integer
          | :number
          | :positive
          | :timeout
          | :keyword
          | :named
          | {:named, type}
          | {:in, [term]}
          | {:integer, integer, integer | :infinity}
          | {:fun, arity}
          | {:or, [type]}
          | {:struct, module}
          | {:list, type}
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
  def check(options, schema, what \\ nil)
  # Most calls give none.
  def check([], [], _what), do: {:ok, []}

  def check(options, schema, what) do
    case problem(options, schema) do
      nil -> {:ok, Keyword.merge(defaults(schema), options)}
      text -> {:error, Error.new(:invalid_argument, if(what, do: "#{what}: #{text}", else: text))}
    end
  end

  @doc "As `check/3`, raising `GpuNode.Error`."
  @spec check!(term, schema, String.t() | nil) :: keyword
  def check!(options, schema, what \\ nil), do: options |> check(schema, what) |> Error.unwrap!()

  @doc """
  The configuration of `application`, checked as options are. Error: `:invalid_argument`.

      iex> GpuNode.Options.check_config(:gpu_node, default_node: [type: :any, default: :gpu0])
      {:ok, [default_node: :gpu0]}
  """
  @spec check_config(atom, schema) :: {:ok, keyword} | {:error, Error.t()}
  def check_config(application, schema) do
    application
    |> Application.get_all_env()
    # Erlang's own.
    |> Keyword.delete(:included_applications)
    |> check(schema, "config #{inspect(application)}")
  end

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

  defp problem([], schema) do
    case for({key, entry} <- schema, entry[:required], do: key) do
      [] -> nil
      missing -> "#{these(missing)} missing"
    end
  end

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
      secret? = Enum.any?(schema, fn {_key, entry} -> entry[:secret] end)
      "options are a keyword list#{if secret?, do: "", else: ", got #{show(options)}"}; #{known(schema)}"
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

  @doc false
  @spec show(term) :: String.t()
  def show(value), do: inspect(value, limit: 10, printable_limit: 100)

  @doc false
  # Whether `value` is of a type: what is read often is looked at without making a list of it.
  @spec valid?(type, term) :: boolean
  def valid?(:any, _value), do: true
  def valid?(:boolean, value), do: is_boolean(value)
  def valid?(:atom, value), do: is_atom(value)
  def valid?(:string, value), do: is_binary(value)
  def valid?(:pos_integer, value), do: is_integer(value) and value > 0
  def valid?(:non_neg_integer, value), do: is_integer(value) and value >= 0
  def valid?(:number, value), do: is_number(value)
  def valid?(:positive, value), do: is_number(value) and value > 0
  def valid?(:timeout, value), do: is_integer(value) and value >= 0 and value <= @longest_ms
  def valid?(:named, value), do: named?(value) || false

  def valid?({:named, type}, value),
    do: valid?(:named, value) and Enum.all?(value, fn {_, one} -> valid?(type, one) end)

  def valid?(:keyword, value), do: Keyword.keyword?(value)
  def valid?({:in, values}, value), do: value in values
  # An atom is greater than every number.
  def valid?({:integer, low, high}, value), do: is_integer(value) and value >= low and value <= high
  def valid?({:fun, arity}, value), do: is_function(value, arity)
  def valid?({:or, types}, value), do: Enum.any?(types, &valid?(&1, value))
  def valid?({:struct, module}, value), do: is_struct(value, module)

  def valid?({:list, type}, value),
    do: is_list(value) and not List.improper?(value) and Enum.all?(value, &valid?(type, &1))

  def valid?({:custom, _text, function}, value), do: function.(value)

  # Names as the node has them: an atom is its text.
  defp named?(pairs) when is_map(pairs) and not is_struct(pairs), do: pairs |> Map.to_list() |> named?()

  defp named?(pairs) do
    if is_list(pairs) and not List.improper?(pairs) do
      names = for {name, _value} when is_atom(name) or is_binary(name) <- pairs, uniq: true, do: to_string(name)
      length(names) == length(pairs) and Enum.all?(names, &String.valid?/1)
    end
  end

  @doc false
  @spec expected(type) :: String.t()
  def expected(:any), do: "anything"
  def expected(:boolean), do: "true or false"
  def expected(:atom), do: "an atom"
  def expected(:string), do: "a string"
  def expected(:pos_integer), do: "an integer of at least 1"
  def expected(:non_neg_integer), do: "an integer of at least 0"
  def expected(:number), do: "a number"
  def expected(:positive), do: "a number above 0"
  def expected(:timeout), do: "a time in ms, an integer from 0 to #{@longest_ms}"
  def expected(:named), do: "a map or a list of pairs, each name (an atom or a string) given once"
  def expected({:named, type}), do: expected(:named) <> ", of " <> expected(type)
  def expected(:keyword), do: "a keyword list"
  def expected({:in, values}), do: Enum.map_join(values, " or ", &inspect/1)
  def expected({:integer, low, :infinity}), do: "an integer of at least #{low}"
  def expected({:integer, low, high}), do: "an integer from #{low} to #{high}"
  def expected({:fun, arity}), do: "a function of #{Text.count(arity, "argument")}"
  def expected({:or, types}), do: Enum.map_join(types, " or ", &expected/1)
  def expected({:struct, module}), do: "a #{inspect(module)}"
  def expected({:list, type}), do: "a list, each of it #{expected(type)}"
  def expected({:custom, text, _function}), do: text
end

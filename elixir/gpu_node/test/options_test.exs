defmodule GpuNode.OptionsTest do
  use ExUnit.Case, async: true

  alias GpuNode.Options

  doctest Options

  @schema [
    steps: [type: :pos_integer, default: 1, doc: "how many"],
    rows: [type: {:in, [:all, :last]}, default: :all, doc: "which"],
    seed: [type: {:integer, 0, 0xFFFF}, doc: "of the numbers"],
    limit: [type: {:integer, 2, :infinity}, doc: "of memory"],
    report: [type: {:or, [:boolean, {:fun, 1}]}, doc: "who hears"],
    sizes: [type: {:named, :pos_integer}, doc: "by name"],
    pair: [type: {:custom, "a pair", &__MODULE__.pair?/1}, doc: "of terms"],
    cookie: [type: :atom, secret: true, doc: "of the node"],
    at: [type: :any, required: true, doc: "where"]
  ]

  def pair?(value), do: is_tuple(value) and tuple_size(value) == 2

  defp said(options) do
    {:error, %{code: :invalid_argument, message: text}} = Options.check(options, @schema)
    text
  end

  test "defaults are filled in, what has none stays away" do
    assert {:ok, options} = Options.check([at: 1, steps: 5], @schema)
    assert Enum.sort(options) == [at: 1, rows: :all, steps: 5]
    assert {:ok, [a: nil]} = Options.check([], a: [type: :any, default: nil])
  end

  test "an unknown key names those there are" do
    known = ":steps, :rows, :seed, :limit, :report, :sizes, :pair, :cookie, :at"
    assert said(at: 1, stepps: 2) == "unknown option :stepps; the options are #{known}"
    assert said(at: 1, a: 1, b: 2, a: 3) == "unknown options :a, :b; the options are #{known}"
    assert {:error, %{message: "unknown option :a; there are none"}} = Options.check([a: 1], [])
  end

  test "a key that is missing, or given twice" do
    assert said(steps: 1) == "the option :at is missing"
    assert said(at: 1, at: 1) == "the option :at is given more than once"
  end

  test "a value of another type" do
    assert said(at: 1, steps: 0) == "the option :steps is an integer of at least 1, got 0"
    assert said(at: 1, rows: :some) == "the option :rows is :all or :last, got :some"
    assert said(at: 1, seed: 65_536) == "the option :seed is an integer from 0 to 65535, got 65536"
    assert said(at: 1, limit: 1) == "the option :limit is an integer of at least 2, got 1"
    assert said(at: 1, report: 3) == "the option :report is true or false or a function of 1 argument, got 3"

    assert said(at: 1, sizes: [a: 1, b: 0]) =~
             ~r/^the option :sizes is a map or a list of pairs, .*, of an integer of at least 1, got/

    assert said(at: 1, sizes: [{"a", 1}, {:a, 2}]) =~ "given once"
    assert {:ok, _} = Options.check([at: 1, sizes: %{"a" => 1}], @schema)
    assert said(at: 1, pair: {1}) == "the option :pair is a pair, got {1}"
    assert {:ok, _} = Options.check([at: 1, report: & &1, pair: {1, 2}, limit: 1_000_000], @schema)
  end

  test "a secret is not shown" do
    assert said(at: 1, cookie: "s3cret") == "the option :cookie is an atom"
  end

  test "what is no keyword list" do
    for options <- [nil, :a, %{at: 1}, [1], "text", [at: 1] ++ :b] do
      {:error, %{message: text}} = Options.check(options, Keyword.delete(@schema, :cookie))
      assert text =~ ~r/^options are a keyword list, got .*; the options are :steps, /
      # Among them may be what is never shown.
      assert said(options) =~ ~r/^options are a keyword list; the options are :steps, /
    end
  end

  test "whose options they are can be said" do
    assert {:error, %{message: "GpuNode.f/1: unknown option :b; the options are :a"}} =
             Options.check([b: 1], [a: [type: :any]], "GpuNode.f/1")
  end

  test "docs are made from the schema" do
    assert Options.docs(@schema) =~ "  * `:steps` - how many; default `1`\n  * `:rows` - which; default `:all`\n"
    assert Options.docs(@schema) =~ "  * `:at` - where; required"
  end
end

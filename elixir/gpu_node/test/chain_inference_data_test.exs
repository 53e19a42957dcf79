defmodule GpuNode.ChainInferenceDataTest do
  @moduledoc """
  The form for ArviZ, of numbers that are written down here. `test/vectors/inference_data.json` is what it comes to, to be read with ArviZ by whoever
  has it; GPU_NODE_PAGE=write makes it anew.
  """
  use ExUnit.Case, async: true
  alias GpuNode.Chain.{InferenceData, Samples}
  alias GpuNode.{Error, Json, Options}
  alias GpuNode.Test.InferenceDataSchema, as: Schema

  @moduletag :truth

  @vector Path.expand("vectors/inference_data.json", __DIR__)

  defp small(changes \\ []) do
    Keyword.merge(
      [
        posterior: [
          %{name: "mu", shape: {2, 3}, lists: [[0.5, -1.25, 1.0e-7], [3.0, 1.0e22, -0.0]]},
          # Slices end anywhere.
          %{name: "eta", shape: {2, 3, 2}, lists: [Enum.map(1..5, &(&1 / 8)), Enum.map(6..12, &(&1 / 8))]}
        ],
        statistics: [
          %{name: "lp", shape: {2, 3}, lists: [Enum.map(1..6, &(-&1 / 4))]},
          %{name: "energy", shape: {2, 3}, lists: [Enum.map(1..6, &(&1 / 4))]},
          %{name: "diverging", shape: {2, 3}, lists: [[false, false, true, false, false, false]]},
          %{name: "acceptance_rate", shape: {2, 3}, lists: [[0.75, 0.75, 0.75], [1.0, 1.0, 1.0]]}
        ],
        observed: [%{name: "y", shape: {2}, lists: [[28, 8]]}, %{name: "total", shape: {}, lists: [[36.0]]}],
        attributes: [family: "made_up", step_size: 0.5],
        options: [
          dims: [eta: [:school], y: ["school"]],
          coords: [school: ["A \"quoted\"", "Ä"]],
          created_at: ~U[2024-01-02 03:04:05Z]
        ]
      ],
      changes
    )
  end

  defp json(parts) do
    options = Options.check!(parts[:options], InferenceData.options())
    InferenceData.json(parts[:posterior], parts[:statistics], parts[:observed], parts[:attributes], options)
  end

  defp text(parts) do
    {:ok, stream} = json(parts)
    stream |> Enum.to_list() |> IO.iodata_to_binary()
  end

  defp decoded(parts), do: parts |> text() |> :json.decode()

  test "it follows the schema, and is the vector" do
    text = text(small())
    if System.get_env("GPU_NODE_PAGE") == "write", do: File.write!(@vector, text)
    assert text == File.read!(@vector)
    data = :json.decode(text)
    assert Schema.problems(data) == []

    assert data["posterior"] == %{
             "mu" => [[0.5, -1.25, 1.0e-7], [3.0, 1.0e22, -0.0]],
             "eta" => [[[0.125, 0.25], [0.375, 0.5], [0.625, 0.75]], [[0.875, 1.0], [1.125, 1.25], [1.375, 1.5]]]
           }

    assert data["sample_stats"]["diverging"] == [[false, false, true], [false, false, false]]
    assert data["observed_data"] == %{"y" => [28, 8], "total" => 36.0}
    assert data["dims"] == %{"eta" => ["school"], "y" => ["school"]}
    assert data["coords"] == %{"chain" => [0, 1], "draw" => [0, 1, 2], "school" => ["A \"quoted\"", "Ä"]}

    assert data["posterior_attrs"] == %{
             "created_at" => "2024-01-02T03:04:05Z",
             "inference_library" => "gpu_node",
             "inference_library_version" => Mix.Project.config()[:version],
             "family" => "made_up",
             "step_size" => 0.5
           }
  end

  test "the check of the schema finds what is wrong" do
    data = decoded(small())
    wrong = fn path, value -> data |> put_in(path, value) |> Schema.problems() end
    assert [_] = wrong.(["posterior", "mu"], [[1, 2, 3], [1, 2]])

    assert ["samples do not match" <> _ | _] =
             wrong.(["sample_stats", "lp"], [[1, 2], [3, 4]]) |> Enum.filter(&(&1 =~ "match"))

    assert [_] = wrong.(["posterior", "mu"], [[1, 2, nil], [1, 2, 3]])
    assert [_] = wrong.(["coords", "school"], ["A"]) |> Enum.take(1)
    assert [_] = wrong.(["sample_stats", "temperature"], [[1, 2, 3], [1, 2, 3]])
    assert [_] = wrong.(["posterior_attrs"], %{"created_at" => "", "inference_library" => ""})
    assert [_] = wrong.(["sample_stats", "diverging"], [[0, 0, 1], [0, 0, 0]])
    assert [_] = data |> Map.put("posterio", %{}) |> Schema.problems()
    assert [_ | _] = data |> Map.delete("posterior") |> Schema.problems()
  end

  test "own dimensions without names have some, and labels from 0" do
    data = decoded(small(options: []))
    assert data["dims"] == %{"eta" => ["eta_dim_0"], "y" => ["y_dim_0"]}
    assert data["coords"]["eta_dim_0"] == [0, 1]
    assert Schema.problems(data) == []
    data = decoded(small(statistics: [], observed: [], options: []))
    refute is_map_key(data, "sample_stats") or is_map_key(data, "observed_data")
  end

  test "a number that JSON has not is refused with its place, or is null" do
    parts =
      small(
        posterior: [%{name: "mu", shape: {1, 2, 2}, lists: [[1.0, 2.0, 3.0], [:nan]]}],
        statistics: [],
        observed: [],
        options: []
      )

    error = assert_raise Error, fn -> text(parts) end
    assert error.message == "mu[0][1][1] is nan, which JSON has no number for; non_finite: :null writes null"
    data = parts |> Keyword.put(:options, non_finite: :null) |> decoded()
    assert data["posterior"]["mu"] == [[[1.0, 2.0], [3.0, :null]]]
  end

  test "names that fit nothing are refused, with those there are" do
    refused = fn options, changes ->
      {:error, %{code: :invalid_argument, message: text}} = json(small([options: options] ++ changes))
      text
    end

    assert refused.([dims: [theta: ["school"]]], []) == "dims: there is no variable theta; there are mu, eta, y, total"

    assert refused.([coords: [house: [1]]], []) =~
             "coords: there is no dimension house; there are chain, draw, eta_dim_0"

    assert refused.([dims: [eta: ["s"]], coords: [s: [1]]], []) == "coords: s has 2 places, and the labels [1]"

    assert refused.([dims: [eta: ["s", "t"]]], []) ==
             ~s(dims: eta has 1 dimensions of its own, and the names ["s", "t"])

    assert refused.([dims: [mu: ["s"]]], []) =~ "mu has 0 dimensions"
    assert refused.([dims: [eta: ["mu"]]], []) =~ "mu is the name of a variable and of a dimension"
    assert refused.([dims: [eta: ["draw"]]], []) == "the dimension draw has 3 and 2 places"
  end

  test "what comes is taken piece by piece: nothing is read before it is asked for" do
    test = self()
    slices = Stream.map(1..4, fn slice -> send(test, {:read, slice}) && List.duplicate(slice / 1, 1000) end)

    {:ok, stream} =
      json(small(posterior: [%{name: "x", shape: {4, 1000}, lists: slices}], statistics: [], observed: [], options: []))

    refute_received {:read, 1}
    assert stream |> Enum.take(4) |> IO.iodata_to_binary() =~ "[[1.0,"
    assert_received {:read, 1}
    refute_received {:read, 2}
  end

  test "JSON of strings, numbers and empty arrays" do
    for value <- ["a\"\\\n\u0001ß", 1, -2.5, 1.0e-300, nil, true, [1, [2.0, "x"], []], %{"a" => %{"b" => []}}] do
      decoded = value |> Json.value() |> IO.iodata_to_binary() |> :json.decode()
      assert decoded == if(value == nil, do: :null, else: value)
    end

    array = fn lists, shape ->
      lists |> Json.array(shape, fn _, _ -> "null" end) |> Enum.to_list() |> IO.iodata_to_binary()
    end

    assert array.([], {0}) == "[]" and array.([[]], {2, 0}) == "[[],[]]"
    assert array.([[1], [2, 3]], {3, 1}) == "[[1],[2],[3]]" and array.([[7]], {}) == "7"
  end

  test "samples without draws, and options that are none, are refused" do
    samples = %Samples{model: nil, chains: 1, count: 1}

    assert {:error, %{code: :invalid_argument, message: "the samples have no draws" <> _}} =
             Samples.write_inference_data(samples, "x.json")

    assert {:error, %{message: "GpuNode.Chain.InferenceData.write/3: unknown option :data" <> _}} =
             Samples.write_inference_data(samples, "x.json", data: 1)

    assert {:error, %{message: text}} = Samples.write_inference_data(samples, "x.json", created_at: "today")
    assert text =~ "a DateTime"

    for {option, value} <- [
          dims: [eta: "school"],
          dims: [eta: [1]],
          coords: [school: [{1, 2}]],
          coords: [school: [<<255>>]],
          attributes: [by: self()],
          attributes: [{<<255>>, 1}],
          observed_data: [1, 2]
        ] do
      assert {:error, %{code: :invalid_argument, message: text}} =
               Samples.write_inference_data(samples, "x.json", [{option, value}])

      assert text =~ "the option :#{option} is a map or a list of pairs"
    end
  end
end

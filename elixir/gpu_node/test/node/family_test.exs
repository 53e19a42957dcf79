defmodule GpuNode.FamilyTest do
  @moduledoc "What a family sent as text and one that is built in promise, through the wire."
  use GpuNode.NodeCase, async: false
  alias GpuNode.Chain

  @least ~S({"name": "least", "variables": [{"name": "x"}], "terms": [{"expression": "-0.5 * x^2"}]})

  defp refused(node, family, options \\ []) do
    assert {:error, %{code: :invalid_argument} = error} = Chain.compile(node, family, options)
    error
  end

  defp at(model, position) do
    run = Chain.run!(model, position: position, momentum: Enum.map(position, fn _ -> 0.0 end), step_size: 1.0e-30)
    {run.logp |> Tensor.to_list!() |> List.flatten() |> hd(), run.gradients |> Tensor.to_list!() |> List.flatten()}
  end

  @tag :truth
  test "name, variables and terms make a family", %{gpu: node} do
    assert {-2.0, [-2.0]} = node |> Chain.compile!(@least) |> at([2.0])
  end

  @tag :truth
  test "an example that does not hold is an error that shows both values", %{gpu: node} do
    example = ~S(, "example": {"unconstrained": {"x": 2}, "logp": -2, "gradient": {"x": 2}}})
    error = refused(node, String.trim_trailing(@least, "}") <> example)
    assert error.message == "family: /example/gradient/x: check: the derivative is -2, the example says 2"
    assert %{stage: :check, path: "/example/gradient/x", line: 1} = error.details
  end

  @tag :truth
  test "each mistake in a text is called what it is, none an example that is missing", %{gpu: node} do
    for {from, to, said} <- [
          {~s("terms"), ~s("trems"), "unknown key 'trems'; there are name, variables, terms"},
          {~s("terms"), ~s("trems"), "did you mean 'terms'?"},
          {"least", "my model", "'my model' cannot be a name"},
          {~s({"name": "x"}), ~s({"name": "x", "support": "postive"}), "did you mean 'positive'?"},
          {"x^2", "x^2)", "/terms/0/expression: parse: "},
          {"x^2", "y^2", "nothing here is called 'y'"},
          {"x^2", "exq(x)", "there is no function 'exq'; did you mean 'exp'?"}
        ] do
      error = refused(node, String.replace(@least, from, to))
      assert error.message =~ said
      refute error.message =~ "missing"
    end
  end

  @tag :truth
  test "a family that needs data has none built in", %{gpu: node} do
    for {family, data} <- [linear_regression: ["X", "y"], logistic_regression: ["X", "y"], regime_mixture: ["y", "t"]],
        name <- data do
      shape = if name == "X", do: "{n, k}", else: "{n}"
      assert refused(node, family).message =~ "data '#{name}' of shape #{shape} is missing"
    end

    data = [X: [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], y: [0, 1, 1]]
    assert Chain.compile!(node, :logistic_regression, data: data).coordinates == 3
    # The eight schools are their data.
    assert Chain.compile!(node, :eight_schools_noncentered).coordinates == 10
  end

  @tag :truth
  test "inputs that do not fit say what there is", %{gpu: node} do
    data = [X: [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], y: [0, 1, 1]]
    said = fn options -> refused(node, :logistic_regression, options).message end
    assert said.(data: [observed: [1]] ++ data) =~ "there is no data 'observed'; there are X, y"

    assert said.(data: data, parameters: [scael: 1]) =~
             "there is no parameter 'scael'; there is scale; did you mean 'scale'?"

    assert said.(data: data, dimensions: [m: 1]) =~ "there is no dimension 'm'; there are n, k"
    assert said.(data: Keyword.put(data, :y, [0, 1])) =~ "dimension 'n' is 3 long by data 'X', but 2 by data 'y'"
    nan = {<<0::64, 0, 0, 0, 0, 0, 0, 0xF8, 0x7F, 0::64>>, {3}}

    assert said.(data: Keyword.put(data, :y, nan)) =~
             "data 'y' holds NaN at {1}, of which the family does not ask is_nan"
  end

  @tag :truth
  test "a missing observation adds nothing where the family asks for it", %{gpu: node} do
    family = """
    {"name": "gaps", "dimensions": [{"name": "n"}], "variables": [{"name": "m"}], "data": [{"name": "y", "shape": ["n"]}],
     "terms": [{"index": "i", "over": "n", "expression": "select(is_nan(y[i]), 0, -0.5 * (y[i] - m)^2)"}]}
    """

    for type <- [:f64, :f32] do
      gaps = {<<1.0::float-64-little, 0, 0, 0, 0, 0, 0, 0xF8, 0x7F, 3.0::float-64-little>>, {3}}
      assert {-5.0, [4.0]} = node |> Chain.compile!(family, data: [y: gaps], type: type) |> at([0.0])
    end
  end

  @tag :truth
  test "a branch that is not taken adds nothing to the gradient", %{gpu: node} do
    family = String.replace(@least, "-0.5 * x^2", "select(x > 0, -sqrt(x), x)")

    for type <- [:f64, :f32] do
      model = Chain.compile!(node, family, type: type)
      assert {-1.0, [1.0]} = at(model, [-1.0])
      assert {-2.0, [-0.25]} = at(model, [4.0])
    end
  end
end

defmodule GpuNode.ChainTest do
  @moduledoc "Families, models and leapfrog steps through the wire, against numbers computed elsewhere."
  use GpuNode.NodeCase, async: false
  alias GpuNode.Chain

  @position [0.35, -0.2, 0.55, 0.1]
  @momentum [0.2, -0.1, 0.05, -0.3]
  @inverse_mass [1.0, 0.5, 2.0, 1.0]

  defp normal(node, options \\ []),
    do: Chain.compile!(node, :normal, [parameters: [mu: 0.3, sigma: 1.7], dimensions: [d: 4]] ++ options)

  defp start(options \\ []),
    do: Keyword.merge([position: @position, momentum: @momentum, inverse_mass: @inverse_mass, step_size: 0.05], options)

  defp close(found, wanted, tolerance \\ 1.0e-11) do
    assert length(found) == length(wanted)
    for {a, b} <- Enum.zip(found, wanted), do: assert_in_delta(a, b, tolerance * max(1.0, abs(b)))
  end

  @tag :truth
  test "step sizes that are not finite and masses that are not above 0 and finite are refused, whatever they are given as",
       %{gpu: node} do
    for type <- [:f32, :f64] do
      model = normal(node, type: type)
      {:ok, bits} = GpuNode.Type.normalize(type)

      for bad <- [0, -0.5, :nan, :infinity, :neg_infinity], given <- [:list, :binary] do
        value = fn numbers ->
          {:ok, bytes} = GpuNode.Element.encode_all(numbers, bits)
          if given == :binary, do: bytes, else: numbers
        end

        if is_number(bad) do
          assert {:ok, _run} = Chain.run(model, start(step_size: value.([bad])))
        else
          assert {:error, %Error{code: :invalid_argument, message: text}} =
                   Chain.run(model, start(step_size: value.([bad])))

          assert text == "number 0 of step_size is #{bad} in #{type}, where what is finite is taken"
        end

        masses = value.([1.0, 0.5, bad, 1.0])
        assert {:error, %Error{code: :invalid_argument, message: text}} = Chain.run(model, start(inverse_mass: masses))

        assert text =~
                 ~r/^number 2 of inverse_mass is -?[0-9a-z_.]+ in #{type}, where what is above 0 and finite is taken$/
      end
    end

    # What is above 0, and is 0 in the model's type.
    tiny = [1.0, 1.0e-60, 1.0, 1.0]
    assert {:error, %Error{message: text}} = Chain.run(normal(node, type: :f32), start(inverse_mass: tiny))
    assert text =~ "number 1 of inverse_mass is 0.0 in f32"
  end

  test "three steps of a normal", %{gpu: node} do
    model = normal(node)
    assert %{family: "normal", coordinates: 4, type: {:f, 64}} = model
    assert [%{name: "x", offset: 0, size: 4, transform: :identity}] = model.variables
    assert {:ok, run} = Chain.run(model, start(steps: 3))
    assert %{chains: 1, rows: 3} = run
    assert run.positions.shape == {1, 3, 4} and run.logp.shape == {1, 3}
    close(hd(Tensor.to_list!(run.logp)), [-5.861778825262, -5.863899600491, -5.866040131111])
    last = run.positions |> Tensor.to_list!() |> hd() |> List.last()
    close(last, [0.37977088096, -0.206522772415, 0.563021290405, 0.055829989678])
    last = run.momenta |> Tensor.to_list!() |> hd() |> List.last()
    close(last, [0.196630299703, -0.073871631588, 0.036670916021, -0.288466443283])
    assert %{queue_us: _, execute_us: _, dispatches: _} = run.timing
  end

  test "the same in the reply, from tensors, with any mapping, and the last row alone", %{gpu: node} do
    model = normal(node)
    wanted = Chain.run!(model, start(steps: 3, results: :binaries))
    assert byte_size(wanted.positions) == 96 and byte_size(wanted.logp) == 24

    for mapping <- [:thread, :subgroup, :workgroup] do
      run = Chain.run!(model, start(steps: 3, results: :binaries, mapping: mapping))
      assert run.mapping == mapping
      assert run.positions == wanted.positions and run.logp == wanted.logp and run.gradients == wanted.gradients
    end

    tensor = &Tensor.from_list!(node, &1, :f64)
    given = start(steps: 3, position: tensor.([@position]), momentum: tensor.([@momentum]), step_size: tensor.([0.05]))
    run = Chain.run!(model, given)
    assert Tensor.to_binary!(run.momenta) == wanted.momenta

    last = Chain.run!(model, start(steps: 3, rows: :last, results: :binaries))
    assert last.positions == binary_part(wanted.positions, 64, 32)
  end

  test "chains of their own step sizes and masses, more than a message carries", %{gpu: node} do
    model = normal(node, chains: 3000)
    all = fn list -> List.duplicate(list, 3000) end
    steps = Enum.map(1..3000, &(0.0001 * &1))

    run =
      Chain.run!(model,
        position: all.(@position),
        momentum: all.(@momentum),
        inverse_mass: all.(@inverse_mass),
        step_size: steps
      )

    assert run.positions.shape == {3000, 1, 4}
    found = run.positions |> Tensor.to_list!() |> Enum.at(499) |> hd()
    alone = Chain.run!(model, start(step_size: 0.05))
    assert found == alone.positions |> Tensor.to_list!() |> hd() |> hd()
  end

  test "a family of one's own, with data, in f32", %{gpu: node} do
    family = """
    {"name": "line", "description": "", "dimensions": [{"name": "n"}], "variables": [{"name": "slope"}],
     "data": [{"name": "x", "shape": ["n"]}, {"name": "y", "shape": ["n"]}],
     "terms": [{"index": "i", "over": "n", "expression": "-0.5 * (y[i] - slope * x[i])^2"}],
     "example": {"data": {"x": [1], "y": [2]}, "unconstrained": {"slope": 1}, "logp": -0.5, "gradient": {"slope": 1}}}
    """

    data = [x: [1, 2, 3], y: Tensor.from_list!(node, [2.0, 4.0, 6.0], :f32)]
    model = Chain.compile!(node, family, data: data, type: :f32)
    run = Chain.run!(model, position: [1.0], momentum: [0.0], step_size: 0.125)
    # One step from slope 1: the force is 14, so p = 0.875, slope = 1.109375, and the residuals shrink.
    close(List.flatten(Tensor.to_list!(run.positions)), [1.109375], 1.0e-6)
    close(List.flatten(Tensor.to_list!(run.logp)), [-0.5 * 14 * (2 - 1.109375) ** 2], 1.0e-6)
  end

  test "data that no message carries, from lists, binaries and tensors of other types", %{gpu: node} do
    family = """
    {"name": "mean", "description": "", "dimensions": [{"name": "n"}], "variables": [{"name": "m"}],
     "data": [{"name": "y", "shape": ["n"]}],
     "terms": [{"index": "i", "over": "n", "expression": "-0.5 * (y[i] - m)^2"}],
     "example": {"data": {"y": [1]}, "unconstrained": {"m": 0}, "logp": -0.5, "gradient": {"m": 1}}}
    """

    n = 200_000

    logp = fn data ->
      Chain.compile!(node, family, data: [y: data])
      |> Chain.run!(position: [0.0], momentum: [0.0], step_size: 0, results: :binaries)
      |> Map.fetch!(:logp)
    end

    list = Enum.map(1..n, &rem(&1, 7))
    wanted = -0.5 * Enum.sum(Enum.map(list, &(&1 * &1)))
    <<found::float-little-64>> = logp.(list)
    assert_in_delta found, wanted, 1.0e-9 * abs(wanted)
    assert logp.({for(x <- list, into: <<>>, do: <<x::float-little-64>>), {n}}) == <<found::float-little-64>>
    assert logp.(Tensor.from_list!(node, list, :u8)) == <<found::float-little-64>>
    assert {:error, %{code: :not_found}} = Chain.compile(node, family, data: [y: freed(node)])

    assert {:error, %{code: :invalid_argument}} =
             Chain.compile(node, family, data: [y: Tensor.from_list!(node, [[1]], :f32)])
  end

  defp freed(node) do
    tensor = Tensor.from_list!(node, [1.0], :f64)
    Tensor.free(tensor)
    tensor
  end

  test "the second compilation of a family compiles nothing", %{gpu: node} do
    {:ok, families} = Chain.families(node)
    assert :normal in families and :eight_schools_noncentered in families
    assert Chain.compile!(node, :half_cauchy, dimensions: [d: 1]).coordinates == 1
    before = GpuNode.stats(node) |> elem(1) |> Map.fetch!(:counters)
    again = Chain.compile!(node, :half_cauchy, dimensions: [d: 1], parameters: [scale: 3.0])
    refute again.compiled?
    assert %{glsl_us: 0, spirv_us: 0, driver_us: 0} = again.timing
    now = GpuNode.stats(node) |> elem(1) |> Map.fetch!(:counters)
    assert now.shader_compiles == before.shader_compiles and now.pipelines_created == before.pipelines_created
  end

  test "errors say stage, file, path and line", %{gpu: node} do
    assert {:error, %{code: :invalid_argument, details: %{stage: :parse, line: 2} = details}} =
             Chain.compile(node, "{\"name\": \"x\",\n \"description\": }")

    assert details.file == "family"
    path = Path.join(System.tmp_dir!(), "broken_family.json")

    File.write!(path, """
    {"name": "x", "description": "", "variables": [{"name": "x"}],
     "terms": [
       {"expression": "x + y"}
     ],
     "example": {"unconstrained": {"x": 0}, "logp": 0, "gradient": {"x": 1}}}
    """)

    assert {:error, error} = Chain.compile(node, {:file, path})
    assert %{stage: :check, file: "broken_family.json", path: "/terms/0/expression", line: 3} = error.details
    assert error.message =~ "y"
    assert {:error, %{code: :not_found}} = Chain.compile(node, :no_such_family)

    assert {:error, %{code: :invalid_argument, details: %{stage: :check}}} =
             Chain.compile(node, :normal, parameters: [sigma: -1])

    assert {:error, %{code: :invalid_argument}} = Chain.compile(node, :normal, data: [x: [[1, 2], [3]]])
    assert {:error, %{code: :invalid_argument}} = Chain.compile(node, {:file, "/no/such/file"})
    assert GpuNode.alive?(node)
  end

  @tag :truth
  test "a place that a dimension does not have is refused where it is written", %{gpu: node} do
    family = """
    {"name": "odd", "dimensions": [{"name": "k", "size": 2}], "variables": [{"name": "x"}],
     "definitions": [{"name": "e", "index": "i", "over": "k", "expression": "2 * i"}],
     "terms": [
       {"expression": "-x^2 + e[9]"}]}
    """

    assert {:error, error} = Chain.compile(node, family)

    assert error.message ==
             "family: /terms/0/expression: inputs: column 8: 'e[9]' is read at place 9 of 'k', which are 0 to 1"

    assert %{stage: :check, file: "family", path: "/terms/0/expression", line: 4} = error.details
    assert %Chain.Model{} = Chain.compile!(node, family, dimensions: [k: 10])
  end

  test "requests that do not fit are refused", %{gpu: node} do
    model = normal(node)
    refused = fn options -> model |> Chain.run(options) |> elem(1) |> Map.fetch!(:code) end
    assert refused.(start(steps: 0)) == :invalid_argument
    assert refused.(start(position: [1.0, 2.0, 3.0])) == :invalid_argument
    assert refused.(start(momentum: [1.0, 2.0])) == :invalid_argument
    assert refused.(start(step_size: [0.1, 0.2])) == :invalid_argument
    assert refused.(start(position: Tensor.from_list!(node, @position, :f32))) == :invalid_argument
    assert refused.(start(mapping: :galaxy)) == :invalid_argument
    assert refused.(start(speed: 1)) == :invalid_argument
    assert refused.(Keyword.delete(start(), :momentum)) == :invalid_argument
    assert refused.(start(steps: 100_000, results: :binaries)) == :invalid_argument
    tensor = Tensor.from_list!(node, @position, :f64)
    assert {:error, %{code: :invalid_argument}} = Chain.run(%{model | id: tensor.id}, start())
    Tensor.free(tensor)
    assert Chain.free(model) == :ok
    assert refused.(start()) == :not_found
    assert Chain.free(model) == :already
  end

  test "a long run is cut: small calls go between, a deadline ends it, and the memory comes back", %{gpu: node} do
    model = normal(node, chains: 512)
    GpuNode.sync(node)
    numbers = List.duplicate(0.1, 512 * 4)
    long = [position: numbers, momentum: numbers, step_size: 0.01, steps: 1_000_000_000, rows: :last]
    task = Task.async(fn -> Chain.run(model, [timeout: 3000] ++ long) end)
    Process.sleep(300)

    waits =
      for _ <- 1..20 do
        {us, _} = :timer.tc(fn -> node |> Tensor.from_list!([1.0], :f64) |> Tensor.to_list!() end)
        us
      end

    assert {:error, %{code: :deadline}} = Task.await(task, 10_000)
    assert Enum.max(waits) < 1_000_000
    assert Chain.run!(model, start(results: :binaries)).rows == 1
  end
end

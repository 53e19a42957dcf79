defmodule Nx.Vulkan.ChainDefnTest do
  # Log densities in defn as chain shaders, beside the families of the same models and beside Nx.Defn.grad.
  use Nx.Vulkan.Test.Case

  alias GpuNode.Chain
  alias Nx.Vulkan.Test.Densities

  doctest Nx.Vulkan.Chain

  @bounds [f64: 1.0e-12, f32: 1.0e-5]

  for which <- [:centered, :noncentered], {type, bound} <- @bounds do
    test "eight schools, #{which}, in #{type}: density and gradient are the family's" do
      {fun, variables, family} = Densities.schools(unquote(which))
      data = Densities.schools_data()
      ours = Nx.Vulkan.Chain.from_defn!(fun, variables: variables, data: data, node: gpu(), type: unquote(type))
      theirs = Chain.compile!(gpu(), family, type: unquote(type))
      assert Chain.coordinates(ours) == Chain.coordinates(theirs)
      assert ours.variables == theirs.variables

      for point <- Densities.points(5, 10) do
        at = Densities.on_node(ours, point)
        assert Densities.difference(at, Densities.on_node(theirs, point)) < unquote(bound)
        assert Densities.difference(at, Densities.on_host(fun, variables, data, point)) < unquote(bound)
      end
    end
  end

  for {type, bound} <- @bounds do
    test "a regression with a hundred groups, in #{type}: density and gradient are those of the same by hand" do
      data = Densities.grouped_data()
      variables = Densities.grouped_variables()
      options = [variables: variables, data: data, node: gpu(), type: unquote(type)]
      ours = Nx.Vulkan.Chain.from_defn!(&Densities.grouped/2, options)
      own = Map.drop(data, [:scale])
      theirs = Chain.compile!(gpu(), Densities.grouped_family(), data: own, type: unquote(type))
      assert Chain.coordinates(ours) == Chain.coordinates(theirs)

      for point <- Densities.points(3, 105) do
        at = Densities.on_node(ours, point)
        assert Densities.difference(at, Densities.on_node(theirs, point)) < unquote(bound)

        assert Densities.difference(at, Densities.on_host(&Densities.grouped/2, variables, data, point)) <
                 unquote(bound)
      end
    end
  end

  test "names, order, transforms and sizes are those that were given" do
    variables = [b: [shape: {1}], tau: [support: :positive, transform: :softplus], a: [shape: {2}], p: :unit_interval]

    fun = fn %{a: a, b: b, tau: tau, p: p} ->
      Nx.subtract(Nx.log(p), Enum.reduce([Nx.sum(a), b[0], tau], &Nx.pow(Nx.add(&1, &2), 2)))
    end

    model = Nx.Vulkan.Chain.from_defn!(fun, variables: variables, node: gpu(), name: "four", chains: 2)
    assert Chain.coordinates(model) == ["b[0]", "tau", "a[0]", "a[1]", "p"]
    assert Enum.map(model.variables, & &1.transform) == [:identity, :softplus, :identity, :sigmoid]
    assert model.family == "four"

    for point <- Densities.points(3, 5),
        do:
          assert(
            Densities.difference(Densities.on_node(model, point), Densities.on_host(fun, variables, nil, point)) <
              1.0e-12
          )

    samples = Chain.sample!(model, 5, chains: 2, warmup: 10, seed: 1)
    assert samples.draws["b"].shape == {2, 5, 1}
    assert samples.draws["tau"].shape == {2, 5}
    assert Map.keys(samples.draws) == ["a", "b", "p", "tau"]
  end

  test "a density of many groups goes by groups, and what is known of it is data" do
    data = Densities.grouped_data()
    options = [variables: Densities.grouped_variables(), data: data]
    {:ok, family} = Nx.Vulkan.Chain.family(&Densities.grouped/2, options)
    shapes = Map.new(family.data, fn {name, tensor} -> {name, tensor.shape} end)
    assert shapes == %{"x" => {400, 2}, "y_1" => {100, 4}, "at1" => {100, 4}, "scale" => {}, "c1" => {}, "c2" => {}}
    refute family.text =~ "log(scale)"
    # Other numbers, the same text: the node has the kernel.
    other = Map.update!(data, :y, &Enum.map(&1, fn y -> y + 1 end))
    assert {:ok, %{text: text}} = Nx.Vulkan.Chain.family(&Densities.grouped/2, Keyword.put(options, :data, other))
    assert text == family.text
  end

  # Means of the draws, and what they may be off by: the standard error that the effective number of draws gives.
  defp posterior(model, options) do
    options = Keyword.merge([chains: 64, warmup: 400, seed: 11], options)
    samples = Chain.sample!(model, 250, options)
    for row <- Chain.Samples.summary!(samples), do: {row.name, row.mean, row.sd / :math.sqrt(row.ess_bulk)}
  end

  defp agree(ours, theirs) do
    assert length(ours) == length(theirs)

    for {{name, mean, error}, {name, wanted, other}} <- Enum.zip(ours, theirs) do
      allowed = 5 * :math.sqrt(error * error + other * other)
      assert abs(mean - wanted) < allowed, "#{name}: #{mean}, the family's is #{wanted}, which may be off by #{allowed}"
    end
  end

  for which <- [:centered, :noncentered] do
    @tag :truth
    test "eight schools, #{which}: the posterior is the family's" do
      {fun, variables, family} = Densities.schools(unquote(which))
      options = [variables: variables, data: Densities.schools_data(), node: gpu(), chains: 64]
      ours = Nx.Vulkan.Chain.from_defn!(fun, options)
      agree(posterior(ours, []), posterior(Chain.compile!(gpu(), family, chains: 64), seed: 12))
    end
  end

  @tag :truth
  test "a regression with a hundred groups: the posterior is that of the same by hand" do
    data = Densities.grouped_data()
    options = [variables: Densities.grouped_variables(), data: data, node: gpu(), chains: 16]
    ours = Nx.Vulkan.Chain.from_defn!(&Densities.grouped/2, options)
    theirs = Chain.compile!(gpu(), Densities.grouped_family(), data: Map.drop(data, [:scale]), chains: 16)
    few = [chains: 16, warmup: 200]
    agree(posterior(ours, few), posterior(theirs, few ++ [seed: 12]))
  end
end

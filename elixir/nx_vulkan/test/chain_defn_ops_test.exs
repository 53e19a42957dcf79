defmodule Nx.Vulkan.ChainDefnOpsTest do
  # Each op that a log density may have of what depends on its variables: density and gradient are those of Nx.Defn.grad on the host.
  use Nx.Vulkan.Test.Case

  alias Nx.Vulkan.Test.Densities

  defmodule Loops do
    @moduledoc false
    import Nx.Defn

    # The residuals of an autoregression, one after the other.
    defn autoregression(%{rho: rho, x: x}, %{y: y}) do
      {_, _, total, _, _, _} =
        while {i = 0, last = Nx.as_type(0.0, :f64), total = Nx.as_type(0.0, :f64), rho, x, y}, i < 6 do
          {i + 1, y[i] - rho * last, total - (y[i] - rho * last - Nx.sum(x)) ** 2, rho, x, y}
        end

      total
    end

    defn branches(%{a: a, x: x}) do
      y =
        cond do
          a > 0.5 -> Nx.exp(-a) * x
          a > -0.5 -> x ** 2
          true -> a * Nx.sin(x)
        end

      {p, q} = if Nx.sum(x) > 0, do: {Nx.sum(y), a}, else: {a, Nx.sum(x * y)}
      p - q ** 2
    end
  end

  # An own weight for each element, so that no two may be mistaken for each other.
  defp weighed(tensor) do
    flat = Nx.flatten(tensor)
    weights = flat |> Nx.shape() |> Nx.iota(type: :f64) |> Nx.remainder(7) |> Nx.add(1.0)
    Nx.dot(flat, Nx.divide(weights, 10.0))
  end

  defp check(fun, variables, data, options \\ []) do
    type = Keyword.get(options, :type, :f64)
    bound = Keyword.get(options, :bound, if(type == :f64, do: 1.0e-12, else: 1.0e-5))
    data_option = if data, do: [data: data], else: []
    model = Nx.Vulkan.Chain.from_defn!(fun, [variables: variables, node: gpu(), type: type] ++ data_option)

    for point <- Densities.points(3, model.coordinates) do
      found = Densities.on_node(model, point)
      wanted = Densities.on_host(options[:host] || fun, variables, data, point)
      difference = Densities.difference(found, wanted)
      assert difference < bound, "#{difference}: found #{inspect(found)}, wanted #{inspect(wanted)}"
    end
  end

  @real [x: [shape: {3}]]
  @positive [x: [shape: {3}, support: :positive]]

  @real_ops [:exp, :expm1, :sigmoid, :cos, :sin, :tan, :cosh, :sinh, :tanh, :asinh, :cbrt, :negate, :sign, :abs] ++
              [:floor, :ceil, :round, :erf, :erfc, :atan, :is_nan, :is_infinity]
  @positive_ops [:log, :log1p, :sqrt, :rsqrt]
  @unit_ops [:acos, :asin, :atanh]

  # Every op has an own weight in one density: a kernel takes its time to be compiled.
  for {support, ops} <- [real: @real_ops, positive: @positive_ops, unit_interval: @unit_ops] do
    test "functions of one number, #{support}" do
      fun = fn %{x: x} -> unquote(ops) |> Enum.map(&Nx.as_type(apply(Nx, &1, [x]), :f64)) |> Nx.stack() |> weighed() end
      check(fun, [x: [shape: {3}, support: unquote(support)]], nil)
    end
  end

  test "Nx.acosh, Nx.erf_inv, and log_gamma" do
    check(fn %{x: x} -> weighed(Nx.acosh(Nx.add(x, 1.5))) end, @positive, nil)
    # The host's has eight digits.
    check(fn %{x: x} -> weighed(Nx.erf_inv(Nx.multiply(Nx.tanh(x), 0.9))) end, @real, nil, bound: 1.0e-7)
    # On the host it is a series, and its derivative what comes of that.
    check(fn %{x: x} -> weighed(Nx.Vulkan.Chain.log_gamma(x)) end, @positive, nil, bound: 1.0e-11)
    check(fn %{x: x} -> weighed(Nx.Vulkan.Chain.log_gamma(x)) end, @positive, nil, type: :f32)
  end

  test "functions of two numbers" do
    ops = [:add, :subtract, :multiply, :divide, :pow, :remainder, :atan2, :min, :max]

    check(
      fn %{x: x, a: a, r: r}, %{y: y} ->
        of = &weighed(Nx.stack(for op <- ops, do: apply(Nx, op, [&1, &2])))
        Enum.reduce([of.(x, a), of.(y, x), of.(x, y), of.(x, 2.5), of.(a, y)], Nx.sum(r), &Nx.add/2)
      end,
      [x: [shape: {3}, support: :positive], a: :positive, r: [shape: {3}]],
      %{y: [0.5, 1.5, 2.25]}
    )
  end

  test "conditions" do
    ops = [:equal, :not_equal, :greater, :less, :greater_equal, :less_equal, :logical_and, :logical_or, :logical_xor]

    check(
      fn %{x: x}, %{y: y} ->
        for op <- ops do
          at = apply(Nx, op, [x, y])
          Nx.add(Nx.select(at, Nx.exp(x), Nx.multiply(x, 2.0)), Nx.as_type(at, :f64))
        end
        |> Nx.stack()
        |> weighed()
      end,
      @real,
      %{y: [0.0, 0.5, -0.25]}
    )
  end

  test "Nx.clip, and a select with a condition of its own" do
    check(fn %{x: x} -> weighed(Nx.select(Nx.logical_not(Nx.greater(x, 0)), x, Nx.exp(x))) end, @real, nil)
    check(fn %{x: x} -> weighed(Nx.clip(Nx.multiply(x, 2.0), -1.0, 1.5)) end, @real, nil)
    check(fn %{x: x}, %{m: m} -> weighed(Nx.select(m, x, Nx.exp(x))) end, @real, %{m: [1, 0, 1]})
    check(fn %{x: x, a: a} -> weighed(Nx.select(Nx.greater(a, 0), x, a)) end, @real ++ [a: :real], nil)
  end

  @six [x: [shape: {6}]]
  # Of other numbers of elements Nx.Defn.grad has means in f32: it multiplies by the inverse of the number.
  @sixteen [x: [shape: {16}]]

  test "what is moved" do
    moves = [
      {"a matrix", &Nx.reshape(&1, {2, 3})},
      {"three axes, in another order", &(&1 |> Nx.reshape({1, 3, 2}) |> Nx.transpose(axes: [2, 0, 1]))},
      {"a slice", & &1[1..3]},
      {"a slice from the first on", & &1[0..3]},
      {"a place", & &1[4]},
      {"a strided slice", &Nx.slice(&1, [1], [5], strides: [2])},
      {"a row", &Nx.reshape(&1, {2, 3})[1]},
      {"a column", &Nx.reshape(&1, {2, 3})[[.., 2]]},
      {"backwards", &Nx.reverse/1},
      {"new axes", &(&1 |> Nx.new_axis(0) |> Nx.new_axis(2) |> Nx.squeeze(axes: [0]))},
      {"tiles", &Nx.tile(&1, [2, 1])},
      {"a broadcast", &Nx.broadcast(&1, {6, 2}, axes: [0])},
      {"a pad", &Nx.pad(&1, 0.5, [{1, 2, 1}])},
      {"a pad of a matrix", &(&1 |> Nx.reshape({3, 2}) |> Nx.pad(-1.0, [{0, 1, 0}, {2, 0, 0}]))},
      {"a concatenation", &Nx.concatenate([&1, Nx.exp(&1)])},
      {"a concatenation of a variable and a number", &Nx.concatenate([Nx.tensor([2.0], type: :f64), &1[0..1]])},
      {"a stack", &Nx.stack([&1, Nx.sin(&1), Nx.pow(&1, 2)], axis: 1)},
      {"a slice put into another", &Nx.put_slice(Nx.exp(&1), [2], &1[3..5])},
      {"differences", &Nx.diff/1},
      {"a running sum", &Nx.cumulative_sum/1},
      {"a running sum from the end, of a part of which one place is read",
       &Nx.cumulative_sum(Nx.reshape(&1, {2, 3}), axis: 1, reverse: true)[[.., 1]]},
      {"a diagonal", &(&1 |> Nx.slice([0], [4]) |> Nx.reshape({2, 2}) |> Nx.take_diagonal())}
    ]

    # A few in one density: a kernel takes its time to be compiled.
    for moves <- Enum.chunk_every(moves, 6), type <- [:f64, :f32] do
      fun = fn %{x: x} ->
        for({_name, move} <- moves, do: x |> Nx.multiply(0.5) |> move.() |> Nx.exp() |> weighed())
        |> Enum.reduce(&Nx.add/2)
      end

      check(fun, @six, nil, type: type)
    end
  end

  test "what is taken at indices" do
    variables = [x: [shape: {4}], b: [shape: {6}]]
    data = %{i: [3, 0, 0, 2, 1], j: [[0, 1], [1, 1], [0, 0]], w: [0.5, -1.0, 2.0, 0.25, 1.5]}

    check(
      fn %{x: x, b: b}, %{i: i, j: j, w: w} ->
        matrix = Nx.reshape(b, {3, 2})
        along = Nx.take_along_axis(matrix, j, axis: 1)
        pairs = Nx.gather(matrix, Nx.tensor([[2, 1], [0, 0]]))

        several =
          Enum.map([Nx.multiply(Nx.take(x, i), w), Nx.take(matrix, j[[.., 0]], axis: 1), along, pairs], &weighed/1)

        Enum.reduce(several, &Nx.add/2)
      end,
      variables,
      data
    )
  end

  test "what is reduced" do
    reductions = [
      {"a sum over an axis", &Nx.sum(&1, axes: [0])},
      {"a sum that keeps its axis", &Nx.subtract(&1, Nx.sum(&1, axes: [1], keep_axes: true))},
      {"means", &Nx.add(Nx.mean(&1, axes: [1]), Nx.mean(&1))},
      {"variances", &Nx.add(Nx.variance(&1, axes: [0]), Nx.standard_deviation(&1))},
      {"products", &Nx.product(Nx.multiply(&1, 2.0), axes: [1])},
      {"the greatest", &Nx.reduce_max(&1, axes: [0])},
      {"the least", &Nx.reduce_min(&1, axes: [1])},
      {"logsumexp", &Nx.logsumexp(&1, axes: [1])},
      {"logsumexp of all", &Nx.logsumexp/1},
      {"a softmax", &Nx.divide(Nx.exp(&1), Nx.sum(Nx.exp(&1), axes: [1], keep_axes: true))}
    ]

    for reductions <- Enum.chunk_every(reductions, 4) do
      fun = fn %{x: x} ->
        for({_name, reduce} <- reductions, do: x |> Nx.reshape({4, 4}) |> reduce.() |> Nx.sin() |> weighed())
        |> Enum.reduce(&Nx.add/2)
      end

      check(fun, @sixteen, nil)
    end
  end

  test "a mixture, of stacked components" do
    variables = [w: :unit_interval, m: [shape: {2}], s: :positive]

    check(
      fn %{w: w, m: m, s: s}, %{y: y} ->
        parts = for k <- 0..1, do: y |> Nx.subtract(m[k]) |> Nx.divide(s) |> Nx.pow(2) |> Nx.multiply(-0.5)
        logs = Nx.stack([Nx.log(w), Nx.log1p(Nx.negate(w))])
        parts |> Nx.stack(axis: 1) |> Nx.add(logs) |> Nx.logsumexp(axes: [1]) |> Nx.subtract(Nx.log(s)) |> Nx.sum()
      end,
      variables,
      %{y: [0.3, -1.0, 2.2, 1.9, -0.4]}
    )
  end

  test "dots" do
    variables = [x: [shape: {3}], b: [shape: {6}], a: [shape: {4}]]
    matrix = [[1.0, 0.5, -0.25], [2.0, -1.0, 0.75], [0.0, 1.5, 1.0], [0.1, 0.2, 0.3]]

    check(
      fn %{x: x, b: b, a: a}, %{m: m} ->
        b = Nx.reshape(b, {3, 2})

        [
          Nx.dot(m, x),
          Nx.dot(x, x),
          Nx.dot(a, m),
          Nx.dot(m, b),
          Nx.dot(Nx.transpose(b), Nx.transpose(m)),
          Nx.outer(x, a),
          Nx.dot(Nx.stack([b, Nx.exp(b)]), [1], [0], Nx.stack([b, b]), [1], [0]),
          Nx.dot(m, [0, 1], Nx.outer(a, x), [0, 1])
        ]
        |> Enum.map(&weighed/1)
        |> Enum.reduce(&Nx.add/2)
      end,
      variables,
      %{m: matrix}
    )
  end

  test "anything may be done to data, in f64" do
    variables = [x: [shape: {3}]]
    data = %{s: [[2.0, 0.5, 0.1], [0.5, 1.0, 0.2], [0.1, 0.2, 3.0]], y: [3, 1, 2]}

    check(
      fn %{x: x}, %{s: s, y: y} ->
        centred = Nx.subtract(x, Nx.sort(y))
        inverse = Nx.LinAlg.invert(s)
        half = Nx.LinAlg.cholesky(s)
        order = Nx.as_type(Nx.argsort(y), :f64)
        quadratic = Nx.multiply(-0.5, Nx.dot(centred, Nx.dot(inverse, centred)))
        quadratic |> Nx.subtract(Nx.sum(Nx.log(Nx.take_diagonal(half)))) |> Nx.add(Nx.dot(order, x))
      end,
      variables,
      data,
      bound: 1.0e-11
    )
  end

  test "what has no gradient because it says so" do
    check(fn %{x: x} -> weighed(Nx.multiply(Nx.Defn.Kernel.stop_grad(Nx.exp(x)), x)) end, @real, nil)
  end

  test "data of either backend and of any real type" do
    fun = fn %{x: x}, %{y: y, m: m} -> Nx.dot(Nx.exp(x), Nx.add(y, m)) end

    for backend <- [Nx.BinaryBackend, Nx.Vulkan.Backend], type <- [:f64, :f32, :s32, :u8, :bf16] do
      y = Nx.tensor([1, 2, 3], type: type, backend: backend)
      {:ok, family} = Nx.Vulkan.Chain.family(fun, variables: @real, data: [y: y, m: 0.5])
      assert %{"c1" => %Nx.Tensor{data: %Nx.BinaryBackend{}, type: {:f, 64}} = known} = family.data
      assert Nx.to_list(known) == [1.5, 2.5, 3.5]
    end
  end

  test "loops whose rounds are known, and branches" do
    # Nx.Defn.grad does not go through this loop.
    by_hand = fn %{rho: rho, x: x}, %{y: y} ->
      {_, total} =
        for i <- 0..5, reduce: {Nx.tensor(0.0, type: :f64), Nx.tensor(0.0, type: :f64)} do
          {last, total} ->
            rest = Nx.subtract(y[i], Nx.multiply(rho, last))
            {rest, Nx.subtract(total, Nx.pow(Nx.subtract(rest, Nx.sum(x)), 2))}
        end

      total
    end

    variables = [rho: :unit_interval, x: [shape: {2}]]
    check(&Loops.autoregression/2, variables, %{y: [0.5, 1.0, -0.3, 0.2, 0.8, 1.1]}, host: by_hand)
    check(&Loops.branches/1, [a: :real, x: [shape: {3}]], nil)
  end

  test "a walk, by its steps and by its levels" do
    data = %{y: Enum.map(0..47, &:math.sin/1)}
    normal = &Nx.sum(Densities.normal(&1, &2, &3))

    check(
      fn %{z: z, s: s, l: l}, %{y: y} ->
        steps = Nx.add(normal.(z, 0.0, 1.0), normal.(y, Nx.cumulative_sum(Nx.multiply(s, z)), 1.0))
        Nx.add(steps, Nx.add(normal.(Nx.diff(l), 0.0, s), normal.(y, l, 1.0)))
      end,
      [z: [shape: {48}], s: :positive, l: [shape: {48}]],
      data
    )
  end

  test "slopes that differ between many groups" do
    group = for i <- 0..119, do: rem(i * 11, 40)
    x = for i <- 0..119, do: [1.0, :math.sin(i), :math.cos(2.0 * i)]
    data = %{g: group, x: x, y: Enum.map(0..119, &:math.sin(3.0 * &1))}
    variables = [b: [shape: {120}], m: [shape: {3}], t: [shape: {3}, support: :positive], s: :positive]

    fun = fn %{b: b, m: m, t: t, s: s}, %{x: x, y: y, g: g} ->
      b = Nx.reshape(b, {40, 3})
      eta = Nx.dot(Nx.take(b, g), [1], [0], x, [1], [0])
      Nx.add(Nx.sum(Densities.normal(b, m, t)), Nx.sum(Densities.normal(y, eta, s)))
    end

    check(fun, variables, data)
    # By groups, 40 of 3. What has a row for each observation is the predictors, and nothing else.
    {:ok, %{data: data}} = Nx.Vulkan.Chain.family(fun, variables: variables, data: data)

    assert data |> Map.values() |> Enum.map(& &1.shape) |> Enum.sort() == [
             {},
             {40, 3},
             {40, 3},
             {40, 3},
             {40, 3},
             {120, 3}
           ]
  end

  for {size, name} <- [{80, "even"}, {97, "uneven"}, {5, "few"}] do
    test "sums that read many groups: #{name}" do
      groups = 40
      n = unquote(size)
      group = for i <- 0..(n - 1), do: rem(i * i * 3 + i, groups)
      x = for i <- 0..(n - 1), do: [:math.sin(i), :math.cos(i), 0.1 * rem(i, 7)]
      data = %{g: group, h: Enum.map(group, &rem(&1 + 1, 3)), x: x, y: Enum.map(0..(n - 1), &:math.sin(2 * &1))}
      variables = [a: [shape: {groups}], c: [shape: {3}], b: [shape: {3}], t: :positive, s: :positive]

      for type <- [:f64, :f32] do
        check(
          fn %{a: a, b: b, c: c, t: t, s: s}, %{g: g, h: h, x: x, y: y} ->
            theta = Nx.multiply(t, a)
            eta = theta |> Nx.take(g) |> Nx.add(Nx.take(c, h)) |> Nx.add(Nx.dot(x, b))
            z = Nx.divide(Nx.subtract(y, eta), s)
            Nx.add(Nx.sum(Nx.subtract(Nx.multiply(-0.5, Nx.pow(z, 2)), Nx.log(s))), Nx.sum(Nx.sin(eta)))
          end,
          variables,
          data,
          type: type
        )
      end
    end
  end
end

defmodule Nx.Vulkan.CompilerPropertyTest do
  # Functions at random: compiled they give the bits that they give when nothing is fused and when they are evaluated op by op, and
  # each op gives what Nx.BinaryBackend does of the same operands, within its bound. A function that differs is cut down, op by op.
  #
  # GRAPHS says how many (120), PROPERTY_SEED with which one to begin (1).
  use Nx.Vulkan.Test.Case, async: false

  @moduletag timeout: 1_800_000

  @graphs String.to_integer(System.get_env("GRAPHS", "120"))
  @seed String.to_integer(System.get_env("PROPERTY_SEED", "1"))
  @shape {3, 4}
  @types [f: 32, f: 64, bf: 16, f: 16, s: 8, s: 16, s: 32, s: 64, u: 8, u: 16, u: 32, u: 64, f: 32, f: 32, c: 64]
  @unary ~w(negate abs sign exp sin tanh sqrt floor round is_nan logical_not sigmoid erf)a
  @binary ~w(add subtract multiply divide min max atan2 equal less greater_equal logical_and)a
  @others ~w(sum back roll reverse edges iota select cast cond counted long sort cumulative outer product constant)a

  # Every op takes tensors of one shape and gives one of it; `a` and `b` are earlier values, `n` is a small number.
  defp apply_op({name, a, _b, _n}, v) when name in @unary, do: apply(Nx, name, [v.(a)])
  defp apply_op({name, a, b, _n}, v) when name in @binary, do: apply(Nx, name, [v.(a), v.(b)])

  defp apply_op({:sum, a, b, n}, v),
    do: Nx.subtract(v.(b), Nx.sum(v.(a), axes: [rem(n, 2)], keep_axes: true))

  defp apply_op({:back, a, _, _}, v), do: v.(a) |> Nx.transpose() |> Nx.reshape(@shape)

  defp apply_op({:roll, a, b, _}, v),
    do: Nx.concatenate([Nx.slice(v.(a), [1, 0], [2, 4]), Nx.slice(v.(b), [0, 0], [1, 4])])

  defp apply_op({:reverse, a, _, n}, v), do: Nx.reverse(v.(a), axes: [rem(n, 2)])
  defp apply_op({:edges, a, _, n}, v), do: v.(a) |> Nx.pad(n, [{1, -1, 0}, {-1, 1, 0}])
  defp apply_op({:iota, a, _, n}, v), do: Nx.add(v.(a), Nx.iota(@shape, axis: rem(n, 2)))
  defp apply_op({:select, a, b, n}, v), do: Nx.select(Nx.greater(v.(a), n), v.(a), v.(b))
  defp apply_op({:cast, a, _, n}, v), do: Nx.as_type(v.(a), Enum.at(@types, rem(n, length(@types))))
  defp apply_op({:sort, a, _, n}, v), do: Nx.sort(v.(a), axis: rem(n, 2), direction: :desc)
  defp apply_op({:cumulative, a, _, n}, v), do: Nx.cumulative_max(v.(a), axis: rem(n, 2))
  defp apply_op({:outer, a, b, _}, v), do: Nx.dot(Nx.new_axis(v.(a)[[.., 0]], 1), Nx.new_axis(v.(b)[0], 0))
  defp apply_op({:product, a, b, _}, v), do: Nx.dot(v.(a), Nx.concatenate([v.(b), v.(b)[0..0]]))
  defp apply_op({:constant, a, _, n}, v), do: Nx.multiply(Nx.broadcast(n / 4, @shape), v.(a))

  defp apply_op({:cond, a, b, n}, v) do
    predicate = Nx.greater(Nx.reduce_max(v.(a)), n)
    branch(predicate, Nx.add(v.(a), n), Nx.multiply(v.(a), v.(b)))
  end

  defp apply_op({:counted, a, _, n}, v), do: counted(v.(a), rounds: n)
  defp apply_op({:long, a, _, n}, v), do: long(Nx.as_type(v.(a), :f32), n)

  import Nx.Defn

  defn(branch(predicate, a, b), do: if(predicate, do: a, else: b - a))

  defn(counted(x, opts \\ []),
    do: while({i = 0, x}, i < opts[:rounds], do: {i + 1, Nx.as_type(Nx.max(x, i), Nx.type(x))}) |> elem(1)
  )

  # An infinity never gets small: hence the count.
  defn(long(x, n),
    do: while({x, n, i = 0}, Nx.any(x > n) and i < 99, do: {x / 2 - 1, n, i + 1}) |> elem(0)
  )

  defp function(ops) do
    fn inputs ->
      values = inputs |> Tuple.to_list() |> Enum.with_index(&{&2, &1}) |> Map.new()

      values =
        Enum.reduce(ops, values, fn op, values ->
          Map.put(values, map_size(values), apply_op(op, &Map.fetch!(values, rem(&1, map_size(values)))))
        end)

      # Every op has a say.
      3..(map_size(values) - 1)//1 |> Enum.map(&Map.fetch!(values, &1)) |> List.to_tuple()
    end
  end

  defp inputs(seed) do
    :rand.seed(:exsss, {seed, 1, 2})

    for _ <- 1..3 do
      type = Enum.random(@types)

      list =
        for _ <- 1..12, do: Enum.random([0, 1, 2, 5, 100]) * if(elem(type, 0) == :u, do: 1, else: Enum.random([1, -1]))

      list |> Nx.tensor(type: type) |> Nx.reshape(@shape)
    end
    |> List.to_tuple()
  end

  # Ops that Nx takes: one that it refuses for the types that came about is left out.
  defp ops(seed, inputs) do
    :rand.seed(:exsss, {seed, 3, 4})

    wanted =
      for _ <- 1..Enum.random(2..14),
          do:
            {Enum.random(@unary ++ @binary ++ @others ++ @others), :rand.uniform(100), :rand.uniform(100),
             Enum.random(0..7)}

    Enum.reduce(wanted, [], fn op, ops -> if taken?(ops ++ [op], inputs), do: ops ++ [op], else: ops end)
  end

  defp taken?(ops, inputs) do
    Nx.Defn.debug_expr_apply(function(ops), [inputs]) && true
  rescue
    _error in [ArgumentError, FunctionClauseError, CompileError] -> false
  end

  defp results(fun, inputs, options) do
    {:ok,
     fun
     |> Nx.Defn.jit_apply([inputs], options)
     |> Tuple.to_list()
     |> Enum.map(&Nx.backend_copy(&1, Nx.BinaryBackend))}
  rescue
    error -> {:raised, Exception.message(error)}
  end

  defp bits({:ok, tensors}), do: Enum.map(tensors, &{&1.type, Nx.to_binary(&1)})
  defp bits(raised), do: raised

  # {:same, how many ops BinaryBackend was asked for}, :raised where all do, or {:differs, text}.
  defp verdict([], _inputs), do: {:same, 0}

  defp verdict(ops, inputs) do
    fun = function(ops)
    compiled = results(fun, inputs, compiler: Nx.Vulkan)
    unfused = results(fun, inputs, compiler: Nx.Vulkan, fuse: false)
    evaluated = results(fun, inputs, compiler: Nx.Defn.Evaluator)

    cond do
      bits(compiled) != bits(unfused) -> {:differs, both("fused", compiled, "not fused", unfused)}
      # The compiler refuses what the node lacks; the evaluator has the host compute it.
      match?({:raised, _}, compiled) and elem(compiled, 1) =~ "(unsupported, " -> :raised
      bits(compiled) != bits(evaluated) -> {:differs, both("compiled", compiled, "evaluated", evaluated)}
      match?({:raised, _}, compiled) -> :raised
      true -> ops |> Enum.with_index(3) |> by_host(values(inputs, elem(compiled, 1)))
    end
  end

  defp both(one, a, other, b), do: "#{one}\n#{inspect(a, limit: 20)}\n#{other}\n#{inspect(b, limit: 20)}"

  defp values(inputs, made),
    do: (inputs |> Tuple.to_list() |> Enum.map(&Nx.backend_copy(&1, Nx.BinaryBackend))) ++ made

  ## Against BinaryBackend, op by op, so that nothing grows what rounding made differ

  # What has to do with rounding that is not of its result alone: so many times the type's distance of two numbers, of the largest number
  # that comes into it.
  @units 8

  defp by_host(ops, values) do
    Enum.reduce_while(ops, {:same, 0}, fn {{name, a, b, _n} = op, place}, {:same, count} ->
      earlier = Enum.take(values, place)
      operands = for index <- [a, b], do: Enum.at(earlier, rem(index, place))
      got = Enum.at(values, place)

      with true <- asked?(op, operands),
           {:ok, expected} <- expected(op, earlier) do
        case wrong(got, expected, operands) do
          nil -> {:cont, {:same, count + 1}}
          text -> {:halt, {:differs, "#{name} of #{inspect(operands)}\n#{text}"}}
        end
      else
        _ -> {:cont, {:same, count}}
      end
    end)
  end

  # Neither infinite nor NaN, nor beyond what the smallest integers hold: what comes of those Nx leaves open (PROTOCOL.md, Corners), and they
  # are held by the vectors.
  defp tame?(tensor), do: tensor |> Nx.to_flat_list() |> Enum.all?(&(magnitude(&1) < 120))

  # A number is less than an atom.
  defp magnitude(%Complex{re: re, im: im}), do: max(magnitude(re), magnitude(im))
  defp magnitude(number) when is_number(number), do: Kernel.abs(number)
  defp magnitude(_special), do: :infinity

  # Where BinaryBackend gives another for complex numbers, and the op's vectors say so (test/vectors/README.md: branch, complex_truth).
  @of_reals ~w(sign logical_not logical_and cond select sqrt)a

  defp asked?({name, _a, _b, _n}, operands),
    do: Enum.all?(operands, &tame?/1) and not (name in @of_reals and Enum.any?(operands, &match?({:c, _}, &1.type)))

  # BinaryBackend raises where a number has no value, and lacks some ops of some types.
  defp expected(op, values) do
    Nx.with_default_backend(Nx.BinaryBackend, fn ->
      fun = fn values -> apply_op(op, &elem(values, rem(&1, tuple_size(values)))) end
      made = Nx.Defn.jit_apply(fun, [List.to_tuple(values)], compiler: Nx.Defn.Evaluator)
      {:ok, Nx.backend_copy(made, Nx.BinaryBackend)}
    end)
  rescue
    _error -> :raised
  end

  defp wrong(%{type: type, shape: shape}, %{type: other, shape: of}, _operands) when {type, shape} != {other, of},
    do: "got #{inspect({type, shape})}, BinaryBackend has #{inspect({other, of})}"

  defp wrong(got, expected, operands) do
    numbers = expected |> Nx.to_flat_list() |> Enum.map(&magnitude/1) |> Enum.filter(&is_number/1)

    largest =
      Enum.max(numbers ++ for(operand <- operands, n <- Nx.to_flat_list(operand), do: magnitude(n)), fn -> 0 end)

    bound = @units * unit([got | operands]) * largest
    pairs = Enum.zip(Nx.to_flat_list(got), Nx.to_flat_list(expected))

    if Enum.any?(pairs, fn {a, b} -> apart?(a, b, bound, got.type) end),
      do: "got #{inspect(got)}\nBinaryBackend has #{inspect(expected)}, the bound is #{bound}"
  end

  defp apart?(same, same, _bound, _type), do: false
  defp apart?(_a, _b, _bound, {kind, _size}) when kind in [:s, :u], do: true

  defp apart?(%Complex{} = a, %Complex{} = b, bound, _type) do
    # Which infinity or NaN it is depends on the formula.
    wild? = magnitude(a) == :infinity and magnitude(b) == :infinity
    not wild? and (apart?(a.re, b.re, bound, {:f, 32}) or apart?(a.im, b.im, bound, {:f, 32}))
  end

  defp apart?(a, b, bound, _type) when is_number(a) and is_number(b), do: Kernel.abs(a - b) > bound + 1.2e-38
  defp apart?(_a, _b, _bound, _type), do: true

  # The coarsest type that comes into it.
  defp unit(tensors), do: tensors |> Enum.map(&unit_of(&1.type)) |> Enum.max()
  defp unit_of({:f, 64}), do: 2.0e-16
  defp unit_of({:f, 16}), do: 1.0e-3
  defp unit_of({:bf, 16}), do: 8.0e-3
  defp unit_of(_f32_or_what_becomes_it), do: 1.2e-7

  ## A case that differs

  defp differs?(ops, inputs), do: match?({:differs, _}, verdict(ops, inputs))

  # With any op left out, as long as what is left differs. What took its result takes its first operand.
  defp smallest(ops, differs?) do
    shorter = for place <- 0..(length(ops) - 1)//1, length(ops) > 1, do: without(resolved(ops), place)
    if found = Enum.find(shorter, differs?), do: smallest(found, differs?), else: resolved(ops)
  end

  # Operands by their places, whatever stands before them.
  defp resolved(ops) do
    for {{name, a, b, n}, place} <- Enum.with_index(ops, 3), do: {name, rem(a, place), rem(b, place), n}
  end

  defp without(ops, place) do
    {before, [{_name, first, _b, _n} | behind]} = Enum.split(ops, place)
    gone = place + 3

    moved = fn
      ^gone -> first
      value when value > gone -> value - 1
      value -> value
    end

    before ++ for {name, a, b, n} <- behind, do: {name, moved.(a), moved.(b), n}
  end

  # An op a line: "v4 = add(v0, v3, 2)".
  defp readable(ops) do
    ops
    |> Enum.with_index(3)
    |> Enum.map_join("\n", fn {{name, a, b, n}, place} ->
      arguments = if name in @unary, do: "v#{rem(a, place)}", else: "v#{rem(a, place)}, v#{rem(b, place)}, #{n}"
      "v#{place} = #{name}(#{arguments})"
    end)
  end

  test "compiled is not fused is evaluated, to the bit, and each op is BinaryBackend's" do
    verdicts = Enum.map(@seed..(@seed + @graphs - 1), &checked/1)
    # What is refused, or out of hand, says nothing.
    assert Enum.count(verdicts, &(&1 == :raised)) * 10 <= @graphs
    assert Enum.sum(for {:same, count} <- verdicts, do: count) >= @graphs
  end

  defp checked(seed) do
    inputs = inputs(seed)
    ops = ops(seed, inputs)

    with {:differs, _text} <- verdict(ops, inputs) do
      ops = smallest(ops, &differs?(&1, inputs))
      {:differs, text} = verdict(ops, inputs)

      flunk("""
      PROPERTY_SEED=#{seed} GRAPHS=1
      #{inputs |> Tuple.to_list() |> Enum.with_index() |> Enum.map_join("\n", fn {t, i} -> "v#{i} = #{inspect(t)}" end)}
      #{readable(ops)}
      #{text}
      """)
    end
  end

  test "a function that differs is cut down to what makes it differ" do
    inputs = inputs(1)
    # As if logical_not were wrong, wherever it stands.
    wrong = fn ops -> Enum.any?(ops, &(elem(&1, 0) == :logical_not)) end
    long = [{:add, 0, 1, 0}, {:exp, 3, 0, 0}, {:logical_not, 4, 0, 0}, {:sum, 5, 1, 1}, {:sin, 2, 0, 0}]
    assert smallest(long, wrong) == [{:logical_not, 0, 0, 0}]
    assert readable(smallest(long, wrong)) == "v3 = logical_not(v0)"
    # Whatever is left out, what is left takes what is there.
    assert without(resolved(long), 1) == [{:add, 0, 1, 0}, {:logical_not, 3, 0, 0}, {:sum, 4, 1, 1}, {:sin, 2, 0, 0}]
    assert {:same, 1} = verdict([{:logical_not, 4, 0, 0}], inputs)
    # A result that is another is found: 3 beside 4, in integers and in floats.
    [three, four] = for n <- [3, 4], do: Nx.tensor([n], backend: Nx.BinaryBackend)
    assert wrong(three, four, []) =~ "BinaryBackend has"
    assert wrong(Nx.as_type(three, :f32), Nx.as_type(four, :f32), [three]) =~ "the bound is"
    refute wrong(three, three, [])
  end
end

defmodule Nx.Vulkan.CompilerPropertyTest do
  # Functions at random, compiled and evaluated op by op: the same bits. A function that differs is cut down, op by op, to a small one.
  #
  # GRAPHS says how many (60), PROPERTY_SEED with which one to begin (1).
  use Nx.Vulkan.Test.Case, async: false

  @graphs String.to_integer(System.get_env("GRAPHS", "60"))
  @seed String.to_integer(System.get_env("PROPERTY_SEED", "1"))
  @shape {3, 4}
  @types [f: 32, f: 64, bf: 16, f: 16, s: 32, s: 64, u: 8, u: 32, s: 16]
  @unary ~w(negate abs sign exp sin tanh sqrt floor round is_nan logical_not sigmoid erf)a
  @binary ~w(add subtract multiply divide min max atan2 equal less greater_equal logical_and)a
  @others ~w(sum back roll reverse edges iota select cast cond counted long sort cumulative outer constant)a

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

  defn(long(x, n), do: while({x, n}, Nx.any(x > n), do: {x / 2 - 1, n}) |> elem(0))

  defp function(ops) do
    fn inputs ->
      values = inputs |> Tuple.to_list() |> Enum.with_index(&{&2, &1}) |> Map.new()

      values =
        Enum.reduce(ops, values, fn op, values ->
          Map.put(values, map_size(values), apply_op(op, &Map.fetch!(values, rem(&1, map_size(values)))))
        end)

      # Of types and values that reach the end; every op has a say.
      values |> Map.drop([0, 1, 2]) |> Map.values() |> List.to_tuple()
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

  defp ops(seed) do
    :rand.seed(:exsss, {seed, 3, 4})

    for _ <- 1..Enum.random(2..14),
        do:
          {Enum.random(@unary ++ @binary ++ @others ++ @others), :rand.uniform(100), :rand.uniform(100),
           Enum.random(0..7)}
  end

  defp results(fun, inputs, compiler) do
    {fun
     |> Nx.Defn.jit_apply([inputs], compiler: compiler)
     |> Tuple.to_list()
     |> Enum.map(&{&1.type, Nx.to_binary(&1)}), nil}
  rescue
    error -> {nil, Exception.message(error)}
  end

  defp differs?(ops, inputs) do
    fun = function(ops)
    results(fun, inputs, Nx.Vulkan) != results(fun, inputs, Nx.Defn.Evaluator)
  end

  defp cut(ops, inputs) do
    shorter = for place <- 0..(length(ops) - 1)//1, length(ops) > 1, do: List.delete_at(ops, place)
    if found = Enum.find(shorter, &differs?(&1, inputs)), do: cut(found, inputs), else: ops
  end

  test "compiled is evaluated, to the bit" do
    raised = Enum.count(@seed..(@seed + @graphs - 1), &raises?/1)
    # What both refuse says nothing.
    assert raised * 10 <= @graphs
  end

  # Whether both raise; fails where they differ.
  defp raises?(seed) do
    {ops, inputs} = {ops(seed), inputs(seed)}

    if differs?(ops, inputs) do
      ops = cut(ops, inputs)
      fun = function(ops)

      flunk("""
      seed #{seed}: #{inspect(ops)}
      of #{inspect(inputs)}
      compiled  #{inspect(results(fun, inputs, Nx.Vulkan), limit: 20)}
      evaluated #{inspect(results(fun, inputs, Nx.Defn.Evaluator), limit: 20)}
      """)
    end

    match?({nil, _error}, results(function(ops), inputs, Nx.Vulkan))
  end
end

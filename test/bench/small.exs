# Algorithms of many small ops, compiled, beside the same functions evaluated op by op on the node and on Nx.BinaryBackend: medians,
# each with its result read, and ratios. In elixir/nx_vulkan:
#
#     MIX_ENV=prod mix run --no-start ../../test/bench/small.exs [ROUNDS]
#
# ROUNDS (100) of a row are taken; of one that takes long, as many as fit a second.
defmodule Bench.Small do
  import Nx.Defn

  # The classes of the five nearest of 100 points in three dimensions, by their votes.
  defn neighbours(points, classes, queries) do
    squares = Nx.sum((Nx.new_axis(queries, 1) - points) ** 2, axes: [2])
    nearest = Nx.argsort(squares, axis: 1)[[.., 0..4]]
    votes = Nx.take(classes, nearest)
    Nx.argmax(Nx.sum(Nx.new_axis(votes, 2) == Nx.iota({1, 1, 4}), axes: [1]), axis: 1)
  end

  # A step of t-SNE: 100 points in two dimensions against their affinities.
  defn tsne(y, affinities) do
    differences = Nx.new_axis(y, 1) - y
    near = 1 / (1 + Nx.sum(differences ** 2, axes: [2]))
    near = near * (1 - Nx.eye(100))
    q = near / Nx.sum(near)
    gradient = 4 * Nx.sum(Nx.new_axis((affinities - q) * near, 2) * differences, axes: [1])
    y - 10 * gradient
  end

  # A thousand steps of gradient descent on a quadratic form of ten dimensions.
  defn descent(x, matrix) do
    {x, _, _} =
      while {x, matrix, i = 0}, i < 1000 do
        {x - 0.01 * grad(x, fn x -> Nx.dot(x, Nx.dot(matrix, x)) / 2 + Nx.sum(Nx.cos(x)) end), matrix, i + 1}
      end

    x
  end

  # Until the step is short: how many rounds is not known before.
  defn newton(x) do
    {x, _} = while {x, step = x}, Nx.any(Nx.abs(step) > 1.0e-6), do: {x - step(x), step(x)}
    x
  end

  defnp(step(x), do: (x * x * x - 2) / (3 * x * x))

  defn means(points, centres) do
    squares = Nx.sum((Nx.new_axis(points, 1) - centres) ** 2, axes: [2])
    of = Nx.argmin(squares, axis: 1) |> Nx.new_axis(1) |> Nx.equal(Nx.iota({1, 4}))
    Nx.dot(Nx.transpose(of), points) / Nx.new_axis(Nx.max(Nx.sum(of, axes: [0]), 1), 1)
  end

  defn normal(key), do: Nx.Random.normal_split(key, 0.0, 1.0, shape: {2})
  defn sine(x), do: grad(x, &Nx.sum(Nx.sin(&1) * Nx.exp(&1)))
end

{:ok, _} = Application.ensure_all_started(:nx_vulkan)
device = System.get_env("GPU_NODE_TEST_DEVICE")
{:ok, _} = GpuNode.start_link([name: :bench] ++ if(device, do: [device: device], else: []))
rounds = System.argv() |> List.first("100") |> String.to_integer()

timed = fn run ->
  started = System.monotonic_time(:microsecond)
  run.()
  System.monotonic_time(:microsecond) - started
end

median = fn run ->
  run.()
  until = System.monotonic_time(:millisecond) + 1000

  taken =
    Stream.repeatedly(fn -> timed.(run) end)
    |> Stream.take(rounds)
    |> Stream.with_index(1)
    |> Enum.reduce_while([], fn {us, count}, taken ->
      over? = count >= 3 and System.monotonic_time(:millisecond) > until
      {if(over?, do: :halt, else: :cont), [us | taken]}
    end)

  taken |> Enum.sort() |> Enum.at(div(length(taken), 2))
end

ours = {Nx.Vulkan.Backend, node: :bench}

row = fn name, fun, arguments ->
  [compiled, evaluated, binary] =
    for {backend, compiler} <- [
          {ours, Nx.Vulkan},
          {ours, Nx.Defn.Evaluator},
          {Nx.BinaryBackend, Nx.Defn.Evaluator}
        ] do
      Nx.with_default_backend(backend, fn ->
        arguments = Enum.map(arguments, &Nx.backend_copy(&1, backend))
        function = Nx.Defn.jit(fun, compiler: compiler)
        median.(fn -> apply(function, arguments) |> Nx.to_binary() end)
      end)
    end

  figures = for us <- [compiled, evaluated, binary], do: String.pad_leading("#{Float.round(us / 1000, 3)}", 10)
  ratios = for us <- [evaluated, binary], do: String.pad_leading("#{Float.round(compiled / us, 2)}", 8)
  IO.puts(Enum.join([String.pad_trailing(name, 34) | figures] ++ ratios))
end

IO.puts(
  "#{String.pad_trailing("ms", 34)}  compiled evaluated    binary  /evaluated /binary"
)

alias Bench.Small, as: S
Nx.default_backend(Nx.BinaryBackend)
key = Nx.Random.key(7)
uniform = fn shape -> Nx.Random.uniform(key, -1.0, 1.0, shape: shape) |> elem(0) end
matrix = Nx.dot(uniform.({10, 10}), Nx.transpose(uniform.({10, 10}))) |> Nx.add(Nx.eye(10))
affinities = Nx.abs(uniform.({100, 100})) |> then(&Nx.divide(&1, Nx.sum(&1)))

row.("sine, gradient, 2 x 2", &S.sine/1, [uniform.({2, 2})])
row.("normal, 2", &S.normal/1, [key])
row.("5 nearest of 100 points", &S.neighbours/3, [uniform.({100, 3}), Nx.remainder(Nx.iota({100}), 4), uniform.({10, 3})])
row.("k-means step, 100 points", &S.means/2, [uniform.({100, 3}), uniform.({4, 3})])
row.("t-SNE step, 100 points", &S.tsne/2, [uniform.({100, 2}), affinities])
row.("Newton's method, 10 numbers", &S.newton/1, [Nx.abs(uniform.({10})) |> Nx.add(0.5)])
row.("descent, 1,000 steps of 10", &S.descent/2, [uniform.({10}), matrix])
System.halt(0)

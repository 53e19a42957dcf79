defmodule GpuNode.System.HeavyTest do
  # Ordinary work that takes a software device half a minute and more, with no option given: the node lives, results are right, and
  # another BEAM node's add of two numbers is answered meanwhile.
  use ExUnit.Case
  import GpuNode.SystemCase
  alias GpuNode.{Chain, Ops, Program, Tensor}
  alias GpuNode.SystemCase.Remote

  @timeout 600_000
  @moduletag timeout: @timeout

  setup do
    node = start_binary()
    %{node: node, gpu: attach(node), peer: start_peer()}
  end

  # Runs `work` and prints what the adds of the peer took beside it.
  defp beside(%{node: node, peer: peer}, label, work) do
    adding = Node.spawn_link(peer.node, Remote, :add_until_told, [node.name, self()])
    assert_receive {:adding, ^adding}, 30_000
    {ms, result} = timed(work)
    send(adding, :stop)
    assert_receive {:waits, waits}, @timeout
    {middle, worst} = {median(waits), Enum.max(waits)}

    IO.puts(
      "#{label}: #{Float.round(ms / 1000, 1)} s; beside it #{length(waits)} adds of another BEAM node, " <>
        "median #{Float.round(middle, 1)} ms, worst #{Float.round(worst, 1)} ms"
    )

    assert middle <= 100
    assert worst <= 1000
    assert call(node, :ping) == :pong
    result
  end

  test "400 sines of eight million numbers", %{gpu: gpu} = context do
    largest =
      beside(context, "400 sines of 8,000,000", fn ->
        x = Ops.iota(gpu, shape: {8_000_000}, type: :f32)
        y = Enum.reduce(1..400, x, fn _, y -> Ops.sin(y) end)
        Tensor.to_number!(Ops.reduce_max(y), timeout: @timeout)
      end)

    # sin from anywhere in [0, 1] comes to about sqrt(3 / n).
    assert_in_delta largest, :math.sqrt(3 / 400), 0.001
  end

  test "a product of 4096 by 4096", %{gpu: gpu} = context do
    product =
      beside(context, "dot of 4096 x 4096", fn ->
        a =
          Ops.multiply(Ops.add(Ops.iota(gpu, shape: {4096, 4096}, axis: 0, type: :f32), 1), 0.001)

        product = Ops.dot(a, a)
        Tensor.to_number!(Ops.reduce_max(product), timeout: @timeout)
        product
      end)

    # Row i of a is (i + 1) / 1000 throughout: every element of row i is that times the sum of a column.
    column = 4096 * 4097 / 2 / 1000
    {first, last} = extremes(product)
    assert_in_delta first / (0.001 * column), 1, 1.0e-4
    assert_in_delta last / (4.096 * column), 1, 1.0e-4
  end

  test "one message of 1,000 exponentials of four million numbers", %{gpu: gpu} = context do
    result =
      beside(context, "a program of 1,000 exps and negations of 4,000,000", fn ->
        x = Ops.multiply(Ops.iota(gpu, shape: {4_000_000}, type: :f32), -1.0e-3)
        {program, value} = Program.input(Program.new(), :f32, {4_000_000})

        {program, value} =
          Enum.reduce(1..1000, {program, value}, fn _, {program, value} ->
            {program, value} = Program.exp(program, value)
            Program.negate(program, value)
          end)

        {:ok, [y]} = GpuNode.run(gpu, Program.output(program, [value]), [x], timeout: @timeout)

        {Tensor.to_number!(Ops.reduce_max(y), timeout: @timeout),
         Tensor.to_number!(Ops.reduce_min(y))}
      end)

    # x = -exp(x) from any start: minus the omega constant.
    for bound <- Tuple.to_list(result), do: assert_in_delta(bound, -0.5671432904, 1.0e-6)
  end

  test "a run of ten million chains", %{gpu: gpu} = context do
    chains = 10_000_000

    {logp, position} =
      beside(context, "8 leapfrog steps of 10,000,000 chains", fn ->
        model =
          Chain.compile!(gpu, :normal,
            parameters: [mu: 0.0, sigma: 1.0],
            dimensions: [d: 1],
            type: :f32,
            chains: chains
          )

        ones = Ops.add(Ops.multiply(Ops.iota(gpu, shape: {chains, 1}, type: :f32), 0.0), 1.0)

        run =
          Chain.run!(model,
            position: ones,
            momentum: ones,
            step_size: 0.125,
            steps: 8,
            rows: :last,
            timeout: @timeout
          )

        assert run.chains == chains
        {extremes(run.logp), extremes(run.positions)}
      end)

    # All chains begin alike, and a leapfrog step of this density is a turn by nearly 0.125.
    for {low, high} <- [logp, position], do: assert(low == high)
    {q, _p} = Enum.reduce(1..8, {1.0, 1.0}, fn _, {q, p} -> leapfrog(q, p, 0.125) end)
    assert_in_delta elem(position, 0), q, 1.0e-5
    assert_in_delta elem(logp, 0), -0.5 * q * q - 0.5 * :math.log(2 * :math.pi()), 1.0e-5
  end

  defp extremes(tensor),
    do:
      {Tensor.to_number!(Ops.reduce_min(tensor), timeout: @timeout),
       Tensor.to_number!(Ops.reduce_max(tensor))}

  defp leapfrog(q, p, step) do
    half = p - 0.5 * step * q
    q = q + step * half
    {q, half - 0.5 * step * q}
  end
end

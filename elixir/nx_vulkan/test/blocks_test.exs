defmodule Nx.Vulkan.BlocksTest do
  # Every block of Nx.Vulkan.Callbacks, whether the node has an op for it or its default function runs on the node; and what makes
  # tensors of nothing.
  use Nx.Vulkan.Test.Case, async: true

  alias Nx.Vulkan.Callbacks
  alias Nx.Vulkan.Test.{Cases, Numbers, Operand}

  @moduletag timeout: 120_000

  # For a block: functions of one tensor of the given shape. Results may be tuples.
  defp cases(Nx.Block.LogicalNot), do: [{{3, 4}, &Nx.logical_not/1}]
  defp cases(Nx.Block.Phase), do: [{{3, 4}, &Nx.phase/1}]

  defp cases(Nx.Block.AllClose),
    do: [{{3, 4}, &Nx.all_close(&1, Nx.add(&1, 1.0e-9))}, {{3, 4}, &Nx.all_close(&1, Nx.add(&1, 1))}]

  defp cases(Nx.Block.Take),
    do: [{{3, 4}, &Nx.take(&1, Nx.tensor([2, 0, 0]))}, {{3, 4}, &Nx.take(&1, Nx.tensor([[3], [1]]), axis: 1)}]

  defp cases(Nx.Block.TakeAlongAxis),
    do: [{{3, 4}, &Nx.take_along_axis(&1, Nx.argsort(&1, axis: 1, stable: true), axis: 1)}]

  defp cases(Nx.Block.TopK), do: [{{3, 7}, &Nx.top_k(&1, k: 3)}]

  for {module, op} <- [
        {Nx.Block.CumulativeSum, :cumulative_sum},
        {Nx.Block.CumulativeProduct, :cumulative_product},
        {Nx.Block.CumulativeMin, :cumulative_min},
        {Nx.Block.CumulativeMax, :cumulative_max}
      ] do
    defp cases(unquote(module)),
      do:
        for(
          axis <- [0, 1],
          reverse <- [true, false],
          do: {{3, 5}, &apply(Nx, unquote(op), [&1, [axis: axis, reverse: reverse]])}
        )
  end

  defp cases(Nx.Block.FFT2), do: [{{4, 3}, &Nx.fft2/1}, {{4, 4}, &Nx.fft2(&1, lengths: [2, 6])}]
  defp cases(Nx.Block.IFFT2), do: [{{4, 3}, &Nx.ifft2/1}]
  defp cases(Nx.Block.RFFT), do: [{{2, 6}, &Nx.rfft/1}, {{2, 5}, &Nx.rfft/1}]
  defp cases(Nx.Block.IRFFT), do: [{{2, 4}, &Nx.irfft/1}]
  defp cases(Nx.Block.LinAlg.Cholesky), do: [{{3, 3}, &Nx.LinAlg.cholesky(positive(&1))}]

  defp cases(Nx.Block.LinAlg.Solve),
    do: [
      {{3, 3}, &Nx.LinAlg.solve(positive(&1), Nx.iota({3, 2}))},
      {{3, 3}, &Nx.LinAlg.solve(positive(&1), Nx.iota({3}))}
    ]

  defp cases(Nx.Block.LinAlg.QR), do: [{{4, 3}, &Nx.LinAlg.qr/1}, {{3, 3}, &Nx.LinAlg.qr(&1, mode: :complete)}]
  defp cases(Nx.Block.LinAlg.LU), do: [{{3, 3}, &Nx.LinAlg.lu(positive(&1))}]
  defp cases(Nx.Block.LinAlg.Determinant), do: [{{3, 3}, &Nx.LinAlg.determinant/1}, {{2, 2}, &Nx.LinAlg.determinant/1}]

  # Vectors of either sign are right: values, and what the factors give back. Nx's own iteration leaves alone what couples two
  # rows by less than 1.0e-5 of them, in f64 too.
  defp cases(Nx.Block.LinAlg.Eigh),
    do: [{{3, 3}, fn t -> t |> positive() |> Nx.LinAlg.eigh() |> elem(0) |> Nx.sort() |> Nx.as_type(:f32) end}]

  defp cases(Nx.Block.LinAlg.SVD), do: [{{3, 3}, fn t -> t |> positive() |> Nx.LinAlg.svd() |> elem(1) end}]
  defp cases(_new), do: nil

  defp positive(t), do: Nx.add(Nx.dot(t, Nx.transpose(t)), Nx.multiply(Nx.eye(Nx.axis_size(t, 0)), 2))

  # Sorted, so that axis 1 has no ties; small, so that products are exact or nearly.
  defp operand(shape, type, layout) do
    size = Tuple.product(shape) * if(layout == :vectorized, do: 2, else: 1)
    values = Enum.take_random(Enum.map(1..60, &(&1 - if(elem(type, 0) == :u, do: 1, else: 30))), size)

    patterns =
      for v <- values,
          do: if(Numbers.float?(type), do: Numbers.round_to(v / 8, type), else: Bitwise.band(v, 2 ** elem(type, 1) - 1))

    Operand.new(type, shape, layout: layout, patterns: patterns)
  end

  for {module, op} <- Callbacks.blocks() do
    test "#{op}" do
      Cases.seed(unquote(op))
      cases = cases(unquote(module)) || flunk("no cases for #{unquote(module)}")

      for {shape, fun} <- cases,
          type <- [{:f, 32}, {:f, 64}, {:s, 32}, {:u, 8}, {:f, 16}],
          layout <- [:contiguous, :transposed, :vectorized] do
        if fits?(unquote(module), unquote(op), type) do
          operand = operand(shape, type, layout)
          expected = on_host(fn -> fun.(Operand.on_host(operand)) end)
          placed = Operand.placed(operand)
          {where, got} = Cases.watch(fn -> fun.(placed) end)
          Cases.count(unquote(op), where)
          for {g, e} <- Enum.zip(flat(got), flat(expected)), do: assert_same(g, e, operand.label)
        end
      end
    end
  end

  # BinaryBackend's f16 is its own: only what moves or compares is the same everywhere. Matrices of u8 wrap, and are then not
  # what the decompositions want.
  defp fits?(_module, op, {:f, 16}),
    do: op in [:logical_not, :take, :take_along_axis, :top_k, :cumulative_min, :cumulative_max]

  defp fits?(module, _op, {:u, 8}), do: not match?(["Nx", "Block", "LinAlg", _], Module.split(module))
  defp fits?(_module, _op, _type), do: true

  # Rounded once, as everything is on the node.
  test "iota rounds to nearest even" do
    for type <- [{:f, 8}, {:f8_e4m3fn, 8}, {:bf, 16}, {:f, 16}],
        do: assert(Numbers.patterns_of(Nx.iota({3000}, type: type)) == Enum.map(0..2999, &Numbers.round_to(&1, type)))
  end

  defp flat(tuple) when is_tuple(tuple), do: Tuple.to_list(tuple)
  defp flat(tensor), do: [tensor]

  defp assert_same(got, expected, label) do
    assert {got.type, got.shape, got.names, got.vectorized_axes} ==
             {expected.type, expected.shape, expected.names, expected.vectorized_axes}

    assert is_struct(got.data, Nx.Vulkan.Backend)

    if Nx.Type.integer?(got.type) do
      assert Numbers.values(got) == Numbers.values(expected), label
    else
      tolerance = if got.type in [{:f, 64}, {:c, 128}], do: 1.0e-10, else: 2.0e-5
      values = Numbers.values(expected)
      scale = values |> Enum.map(&magnitude/1) |> Enum.max() |> max(1.0)

      for {g, e} <- Enum.zip(Numbers.values(got), values),
          do:
            assert(
              g == e or magnitude(Complex.subtract(g, e)) <= tolerance * scale,
              "#{label}: got #{inspect(g)}, expected #{inspect(e)}"
            )
    end
  end

  defp magnitude(value), do: if(is_number(value), do: abs(value), else: Complex.abs(value))

  test "iota, eye, constants and literals of every type" do
    for type <- Numbers.types() do
      makers = [
        fn -> Nx.iota({2, 3}, type: type) end,
        fn -> Nx.iota({2, 3}, type: type, axis: 0) end,
        fn -> Nx.iota({2, 3}, type: type, names: [:a, :b], vectorized_axes: [v: 2]) end,
        fn -> Nx.iota({}, type: type) end,
        fn -> Nx.eye({2, 3}, type: type) end,
        fn -> Nx.eye({2, 2}, type: type, vectorized_axes: [v: 2]) end,
        fn -> Nx.broadcast(Nx.tensor(1, type: type), {2, 3}) end,
        fn -> Nx.tensor([[0, 1], [1, 0]], type: type) end,
        fn -> Nx.tensor(1, type: type) end
      ]

      for {make, index} <- Enum.with_index(makers) do
        # BinaryBackend cannot stretch a packed scalar; the patterns are the same as those of its numbers.
        unless index == 6 and elem(type, 1) < 8 do
          {got, expected} = {make.(), on_host(make)}
          assert is_struct(got.data, Nx.Vulkan.Backend)

          assert {got.names, got.vectorized_axes, got.shape} ==
                   {expected.names, expected.vectorized_axes, expected.shape}

          assert Numbers.patterns_of(got) == Numbers.patterns_of(expected), "#{inspect(type)}, maker #{index}"
        end
      end
    end
  end
end

defmodule GpuNode.ProgramVectorsTest do
  # Programs that were made of functions of Nx.Defn, with what Nx gave: run without Nx. See test/vectors/README.md.
  use GpuNode.NodeCase, async: false
  alias GpuNode.{Op, ProgramVectors}

  @moduletag timeout: 600_000

  defp run(one, gpu) do
    inputs = for {type, shape, bits} <- one.inputs, do: Tensor.from_binary!(gpu, bits, type, shape)
    {:ok, made} = GpuNode.run(gpu, one.program, inputs, timeout: 300_000)
    made
  end

  defp read(made), do: Enum.map(made, &Tensor.to_binary!(&1, timeout: 300_000))

  defp wrong(one, got) do
    for {output, bits} <- Enum.zip(one.outputs, got),
        distance = ProgramVectors.distance(bits, output),
        # A number is less than an atom.
        distance > output.bound,
        do: "#{one.name}: #{output.name}, #{inspect(distance)} apart, #{output.bound} allowed"
  end

  test "there are at least thirty, of many ops" do
    all = ProgramVectors.all()
    assert length(all) >= 30
    assert length(Enum.uniq_by(all, & &1.name)) == length(all)
    ops = for one <- all, command <- one.program.commands, uniq: true, do: elem(command, 0)
    assert length(ops) >= 40 and Enum.all?(ops, &is_map_key(Op.table(), &1))
    for one <- all, output <- one.outputs, do: assert(output.bound <= 1.0e-4)
    # What is compared would be found wrong.
    output = %{type: {:f, 32}, bits: <<1.0::float-little-32, 4.0::float-little-32>>}
    assert_in_delta ProgramVectors.distance(<<1.0::float-little-32, 4.5::float-little-32>>, output), 0.125, 1.0e-9
    assert ProgramVectors.distance(<<0x7FC00000::little-32, 4.0::float-little-32>>, output) == :apart
  end

  test "they give what Nx gave, fused and not, at their first run and their second, to the same bits", %{gpu: gpu} do
    # All are issued before the first is read, so that kernels are compiled side by side.
    fused = for one <- ProgramVectors.all(compile: :first), do: {one, run(one, gpu), run(one, gpu)}
    plain = for one <- ProgramVectors.all(fuse: false, compile: :first), do: run(one, gpu)

    wrong =
      for {{one, first, second}, plain} <- Enum.zip(fused, plain) do
        got = read(first)
        again = if read(second) == got, do: [], else: ["#{one.name}: other bits at its second run"]
        apart = if read(plain) == got, do: [], else: ["#{one.name}: other bits where nothing is fused"]
        wrong(one, got) ++ again ++ apart
      end

    assert List.flatten(wrong) == []
  end
end

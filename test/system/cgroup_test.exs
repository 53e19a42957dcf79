defmodule GpuNode.System.CgroupTest do
  # A node in a control group of 700 MiB: what does not fit is refused with the group's numbers, and the kernel ends nobody.
  use ExUnit.Case
  import GpuNode.SystemCase
  alias GpuNode.{Ops, Tensor}

  @limit 700 * 1024 * 1024

  # A group below this process's own, of either version; or why there is none.
  defp make_group do
    name = "gpu_node_test_#{System.pid()}"

    places =
      for line <- String.split(File.read!("/proc/self/cgroup"), "\n", trim: true),
          [_, controllers, path] = String.split(line, ":", parts: 3),
          {root, file} <- roots(String.split(controllers, ",")),
          do: {Path.join([root, path, name]), file}

    Enum.find_value(
      places,
      {:error, "no group of this host could be made: #{inspect(Enum.map(places, &elem(&1, 0)))}"},
      fn
        {folder, file} ->
          with :ok <- File.mkdir(folder),
               :ok <- File.write(Path.join(folder, file), "#{@limit}") do
            {:ok, folder, file}
          else
            _ -> File.rmdir(folder) && nil
          end
      end
    )
  end

  defp roots(controllers) do
    if "memory" in controllers,
      do: [{"/sys/fs/cgroup/memory", "memory.limit_in_bytes"}],
      else:
        if(controllers == [""],
          do: [{"/sys/fs/cgroup", "memory.max"}, {"/sys/fs/cgroup/unified", "memory.max"}],
          else: []
        )
  end

  test "700 MiB" do
    case make_group() do
      {:error, reason} ->
        IO.puts("  not run: #{reason}")

      {:ok, group, file} ->
        on_exit(fn -> eventually(fn -> File.rmdir(group) == :ok end) end)
        within = Path.join(System.tmp_dir!(), "gpu_node_in_group_#{System.pid()}")
        on_exit(fn -> File.rm(within) end)

        File.write!(
          within,
          "#!/bin/sh\necho $$ > #{group}/cgroup.procs || exit 1\nexec #{binary()} \"$@\"\n"
        )

        File.chmod!(within, 0o755)
        node = start_binary(binary: within)
        fill(node, attach(node), file)
        signal(node, "TERM")
        assert wait_exit(node) == 0
    end
  end

  defp fill(node, gpu, file) do
    {kept, error} =
      Enum.reduce_while(1..100, [], fn _, kept ->
        tensor = Ops.iota(gpu, shape: {8 * 1024 * 1024}, type: :f32)

        case Tensor.to_number(Ops.reduce_max(tensor), timeout: 60_000) do
          {:ok, _} -> {:cont, [tensor | kept]}
          {:error, error} -> {:halt, {kept, error}}
        end
      end)

    IO.puts("  #{length(kept)} tensors of 32 MiB in 700 MiB, then: #{Exception.message(error)}")
    assert error.code == :out_of_memory
    assert error.message =~ "#{file} of cgroup"
    assert error.message =~ "#{@limit} bytes"
    assert length(kept) in 8..21
    # The kernel has ended nobody, and what is there is right.
    assert {:ok, [2.0]} = Tensor.to_list(Ops.add(tensor(gpu, [1.0]), 1.0))

    for tensor <- kept,
        do: assert(Tensor.to_number!(Ops.reduce_max(tensor)) == 8 * 1024 * 1024 - 1)

    assert stats(node).memory.live_bytes <= @limit
  end
end

defmodule Nx.Vulkan.PressureTest do
  # A node with little memory, and processes that let go of tensors without collecting garbage. What lives fits, so nothing may
  # fail. No process collects of its own accord: the budget of each is far above what it makes.
  use Nx.Vulkan.Test.Case

  @moduletag timeout: 120_000
  @mib 1024 * 1024
  @limit 64 * @mib

  for finalizer <- [:nif, :sweep] do
    describe "finalizer #{finalizer}" do
      setup do
        name = unique()
        options = [memory_limit: @limit, collect_above_bytes: 1024 * @limit, finalizer: unquote(finalizer)]
        start_supervised!({GpuNode, [name: name] ++ device() ++ options})
        {:ok, small: name}
      end

      test "one process, fifty times the memory", %{small: name} do
        Nx.default_backend({Nx.Vulkan.Backend, node: name})
        kept = Nx.iota({512, 1024}, type: :f32)
        last = churn(kept, div(50 * @limit, 2 * @mib))
        assert Nx.to_number(last[0][0]) == 1599.0
        assert peak(name) <= @limit
      end

      test "a process that holds garbage and sleeps does not stand in another's way", %{small: name} do
        test = self()

        sleeper =
          spawn_link(fn ->
            Nx.default_backend({Nx.Vulkan.Backend, node: name})
            # A heap so large that nothing here collects by itself.
            make_garbage(20)
            send(test, :made)
            receive(do: (:stop -> :ok))
          end)

        assert_receive :made, 10_000
        Nx.default_backend({Nx.Vulkan.Backend, node: name})
        tensors = for i <- 1..20, do: Nx.add(Nx.iota({512, 1024}, type: :f32), i)
        for {tensor, i} <- Enum.with_index(tensors, 1), do: assert(Nx.to_number(tensor[0][0]) == i)
        send(sleeper, :stop)
      end

      test "eight processes at once", %{small: name} do
        1..8
        |> Enum.map(fn number ->
          Task.async(fn ->
            Nx.default_backend({Nx.Vulkan.Backend, node: name})
            kept = Nx.add(Nx.iota({256, 1024}, type: :f32), number)
            Nx.to_number(churn(kept, 100)[0][0])
          end)
        end)
        |> Task.await_many(60_000)
        |> Enum.with_index(1)
        |> Enum.each(fn {value, number} -> assert value == number + 99 end)
      end

      test "what does not fit is out of memory, and then what fits goes on", %{small: name} do
        Nx.default_backend({Nx.Vulkan.Backend, node: name})
        too_much = for i <- 1..40, do: Nx.add(Nx.iota({512, 1024}, type: :f32), i)

        errors =
          for %{data: %{value: handle}} <- too_much,
              {:error, error} <- [GpuNode.Tensor.to_binary(handle, limit: 1)],
              do: error.code

        assert Enum.uniq(errors) == [:out_of_memory]
        Enum.each(too_much, &Nx.backend_deallocate/1)
        assert Nx.to_number(churn(Nx.iota({512, 1024}, type: :f32), 100)[0][0]) == 99.0
      end
    end
  end

  # Every result but the last is dropped where the next is made.
  defp churn(kept, times), do: Enum.reduce(0..(times - 1), kept, fn i, _last -> Nx.add(kept, i) end)

  defp make_garbage(count), do: Enum.each(1..count, fn i -> Nx.add(Nx.iota({512, 1024}, type: :f32), i) end)

  defp peak(name) do
    {:ok, %{peak_bytes: bytes}} = GpuNode.memory(name)
    bytes
  end
end

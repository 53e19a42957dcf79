defmodule NxSuite do
  # Loads Nx's test files for a backend whose tensors are handles.
  #
  # Those tests compare with ==, which for BinaryBackend compares contents and for an opaque backend the identity of handles. So
  # inside assert, refute and unless both sides of == and != are brought to the host first, whatever they are nested in.

  # Returns the modules with their code.
  def load(files) do
    files
    |> Task.async_stream(&compile/1, timeout: :infinity, ordered: false, max_concurrency: System.schedulers_online())
    |> Enum.flat_map(fn {:ok, modules} -> modules end)
  end

  defp compile(file) do
    file
    |> File.read!()
    |> Code.string_to_quoted!(file: file, columns: true)
    |> Macro.prewalk(&by_value/1)
    |> Code.compile_quoted(file)
  end

  defp by_value({check, meta, [{comparison, inner, [left, right]} | message]})
       when check in [:assert, :refute, :unless] and comparison in [:==, :!=] do
    {check, meta, [{comparison, inner, [host(left), host(right)]} | message]}
  end

  defp by_value(other), do: other

  defp host(side), do: quote(do: NxSuite.to_host(unquote(side)))

  def to_host(%Nx.Tensor{data: %Nx.Vulkan.Backend{}} = tensor), do: Nx.backend_copy(tensor, Nx.BinaryBackend)
  def to_host(%module{} = struct), do: struct |> Map.from_struct() |> to_host() |> then(&Map.put(&1, :__struct__, module))
  def to_host(map) when is_map(map), do: Map.new(map, fn {key, value} -> {key, to_host(value)} end)
  def to_host(tuple) when is_tuple(tuple), do: tuple |> Tuple.to_list() |> to_host() |> List.to_tuple()
  def to_host([head | tail]), do: [to_host(head) | to_host(tail)]
  def to_host(other), do: other
end

defmodule Nx.Vulkan.WrongArgumentsTest do
  # That whatever a public function is given, what comes of it is a result or an error in words: each is called with every one of its
  # arguments in turn replaced by what it does not take.
  use Nx.Vulkan.Test.Case
  use ExUnit.Case

  @moduletag :truth

  @modules [Nx.Vulkan, Nx.Vulkan.Node, Nx.Vulkan.Config, Nx.Vulkan.Fallback, Nx.Vulkan.Doctor]

  defp wrong(c) do
    [nil, :nope, -1, 2, 0.5, "text", <<1::3>>, [], [:a], [1 | 2], [[]], [nil], %{}, %{a: 1}, {}, {1, :b}, {:file, nil}] ++
      [
        {:f, 32},
        self(),
        make_ref(),
        &is_nil/1,
        1.0e308,
        2 ** 70,
        :nan,
        c.tensor,
        c.handle,
        %URI{},
        [c.tensor],
        1..3,
        {2, 2},
        fn -> 1 end
      ]
  end

  setup_all do
    tensor = Nx.tensor([1.0, 2.0], backend: {Nx.Vulkan.Backend, node: gpu()})
    start_supervised!({Nx.Vulkan.Node, node: gpu()})
    {:ok, %{tensor: tensor, handle: Nx.Vulkan.to_handle(tensor)}}
  end

  defp functions(module) do
    {:docs_v1, _, _, _, _, _, docs} = Code.fetch_docs(module)

    for {{:function, name, arity}, _, _, text, _} <- docs,
        text != :hidden,
        arity > 0,
        {module, name} not in [{Nx.Vulkan.Node, :start_link}],
        do: {name, arity}
  end

  defp outcome(module, function, arguments) do
    result = apply(module, function, arguments)
    if match?({:error, %GpuNode.Error{code: :internal}}, result), do: {:bad, inspect(result)}, else: :ok
  rescue
    error in [GpuNode.Error, ArgumentError] ->
      said(Exception.message(error))

    error ->
      {:bad, error |> Exception.message() |> String.split("\n") |> hd() |> then(&"#{inspect(error.__struct__)}: #{&1}")}
  catch
    kind, reason -> {:bad, inspect({kind, reason}, limit: 5, printable_limit: 200)}
  end

  defp said(text) do
    if text =~ ~r/^argument error|errors were found at the given arguments|^out of range/ or text == "",
      do: {:bad, text},
      else: :ok
  end

  for module <- @modules do
    test "no function of #{inspect(module)} ends in an error of its inside, whatever it is given", c do
      module = unquote(module)

      bad =
        for {function, arity} <- functions(module),
            at <- 0..(arity - 1),
            value <- wrong(c),
            {:bad, text} <- [outcome(module, function, List.replace_at(List.duplicate(c.tensor, arity), at, value))],
            do: "#{function}/#{arity}, #{at} = #{inspect(value, limit: 3, printable_limit: 30)}: #{text}"

      assert bad == [], "#{length(bad)}\n" <> Enum.join(bad, "\n")
    end
  end
end

defmodule Nx.Vulkan.Chain.Family do
  @moduledoc false
  # A traced log density as the text of a family (specs/README.md) and the data that it reads.

  alias Nx.Vulkan.Chain.{Elements, Known, Names, Node, Text}

  # As many as a family may have.
  @most_terms 64

  @doc """
  `variables`: of each its name, shape, support and transform or nil.
  """
  @spec make(Node.t(), String.t(), [map]) :: %{text: String.t(), data: %{String.t() => Nx.Tensor.t()}}
  def make(root, name, variables) do
    state = Enum.reduce(variables, Elements.new(root, Enum.map(variables, & &1.name)), &own_dimension/2)
    {terms, state} = root |> summands(true) |> joined() |> Enum.map_reduce(state, &term/2)
    data = Names.all_data(state.names)

    family = [
      name: name,
      dimensions: for(n <- Enum.sort(state.names.dimensions), do: [name: Names.dimension_name(n), size: n]),
      variables: Enum.map(variables, &variable/1),
      data: for({name, tensor, into} <- data, do: datum(name, tensor, into)),
      definitions: for({name, index, text} <- Enum.reverse(state.definitions), do: [name: name] ++ over(index, text)),
      terms: terms
    ]

    %{
      text: family |> GpuNode.Json.value() |> IO.iodata_to_binary(),
      data: Map.new(data, fn {name, x, _} -> {name, x} end)
    }
  end

  defp own_dimension(%{shape: {n}}, state), do: %{state | names: Names.dimension(n, state.names)}
  defp own_dimension(_scalar, state), do: state

  defp variable(%{name: name, shape: shape, support: support, transform: transform}) do
    [name: name, shape: shape |> Tuple.to_list() |> Enum.map(&Names.dimension_name/1), support: support] ++
      if(transform, do: [transform: transform], else: [])
  end

  defp datum(name, tensor, into) do
    shape = tensor.shape |> Tuple.to_list() |> Enum.map(&Names.dimension_name/1)
    [name: name, shape: shape] ++ if(into, do: [indexes_into: Names.dimension_name(into)], else: [])
  end

  ## Terms: what the density is a sum of has an error message of its own

  defp summands(%Node{op: :add, args: [a, b]}, positive?), do: summands(a, positive?) ++ summands(b, positive?)
  defp summands(%Node{op: :subtract, args: [a, b]}, positive?), do: summands(a, positive?) ++ summands(b, not positive?)
  defp summands(%Node{op: :negate, args: [a]}, positive?), do: summands(a, not positive?)
  defp summands(%Node{op: :reshape, args: [%{shape: {}} = node]}, positive?), do: summands(node, positive?)
  defp summands(node, positive?), do: [{node, positive?}]

  # What is known is one of them, and so is what is too much.
  defp joined(summands) do
    {known, others} = Enum.split_with(summands, fn {node, _} -> Node.known?(node) end)
    {own, rest} = Enum.split(others, @most_terms - 2)
    Enum.map(own, &[&1]) ++ Enum.reject([rest, constant(known)], &(&1 == []))
  end

  defp constant(known) do
    if Enum.all?(known, fn {node, _} -> node.op == :literal end) do
      known
    else
      total = Known.compute(fn -> known |> Enum.map(&constant_part/1) |> Enum.reduce(&Nx.add/2) |> Known.double() end)
      # No node of the trace has this number.
      [{%Node{id: 0, op: :tensor, shape: {}, type: total.type, args: [total, nil]}, true}]
    end
  end

  defp constant_part({node, positive?}), do: node |> Known.tensor() |> Nx.multiply(if(positive?, do: 1, else: -1))

  defp term(summands, state) do
    {texts, state} = Enum.map_reduce(summands, state, fn {node, _}, state -> Elements.element(node, [], state) end)

    case Enum.zip(texts, Enum.map(summands, &elem(&1, 1))) do
      [{%Text{loop: {index, dimension, body}}, positive?}] ->
        {[index: index, over: dimension, expression: signed(body, positive?).text], state}

      signed ->
        {[expression: total(signed).text], state}
    end
  end

  defp total([{first, positive?} | rest]) do
    Enum.reduce(rest, signed(first, positive?), fn {text, positive?}, total ->
      Text.call(if(positive?, do: :add, else: :subtract), [total, text])
    end)
  end

  defp signed(text, true), do: text
  defp signed(text, false), do: Text.call(:negate, [text])

  defp over(nil, text), do: [expression: text.text]
  defp over({name, n}, text), do: [index: name, over: Names.dimension_name(n), expression: text.text]
end

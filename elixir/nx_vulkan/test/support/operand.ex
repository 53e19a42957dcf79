defmodule Nx.Vulkan.Test.Operand do
  @moduledoc false
  # An operand of a generated case: elements, the layout in which they come, and the place where they lie.
  #
  # `role` says what the op does with it: :data (takes the result's type), :index, :flag (only true or false), :free (as it is).

  alias Nx.Vulkan.Test.Numbers

  @enforce_keys [:base, :wrap, :place, :role, :label]
  defstruct @enforce_keys

  @type layout :: :contiguous | :transposed | :broadcast | :sliced | :scalar | :vectorized | :names
  @type t :: %__MODULE__{}

  @layouts [:contiguous, :transposed, :broadcast, :sliced, :scalar, :vectorized, :names]
  @names [:a, :b, :c, :d, :e]

  def layouts, do: @layouts

  @doc "A tensor of `type` and `shape` with random elements. Options: `layout`, `place`, `style`, `role`, `patterns`."
  @spec new(Nx.Type.t(), tuple, keyword) :: t
  def new(type, shape, options \\ []) do
    layout = if shape == {}, do: :scalar, else: Keyword.get(options, :layout, :contiguous)
    place = Keyword.get(options, :place, :ours)
    {base_shape, wrap} = if place == :literal, do: literal(shape, layout), else: layout(layout, shape)
    count = Tuple.product(base_shape)
    patterns = options[:patterns] || Numbers.patterns(type, count, Keyword.get(options, :style, :any))
    # A constant is a number, so NaN is one NaN.
    patterns = if place == :literal, do: Enum.map(patterns, &Numbers.canonical(&1, type)), else: patterns

    %__MODULE__{
      base: Numbers.tensor(patterns, type, base_shape),
      wrap: wrap,
      place: place,
      role: Keyword.get(options, :role, :data),
      label: "#{Nx.Type.to_string(type)}#{inspect(shape)} #{layout} #{place}"
    }
  end

  defp literal(shape, :vectorized), do: {{}, &Nx.vectorize(Nx.broadcast(&1, prepend(2, shape)), :v)}
  defp literal(shape, _layout), do: {{}, &Nx.broadcast(&1, shape)}

  defp layout(layout, shape) when layout in [:contiguous, :scalar], do: {shape, & &1}
  defp layout(:transposed, shape), do: {reverse(shape), &Nx.transpose/1}
  defp layout(:broadcast, shape), do: {put_elem(shape, 0, 1), &Nx.broadcast(&1, shape)}
  defp layout(:vectorized, shape), do: {prepend(2, shape), &Nx.vectorize(&1, :v)}
  defp layout(:names, shape), do: {shape, &Nx.rename(&1, Enum.take(@names, tuple_size(shape)))}

  defp layout(:sliced, shape) do
    lengths = Tuple.to_list(shape)
    {lengths |> Enum.map(&(&1 + 2)) |> List.to_tuple(), &Nx.slice(&1, Enum.map(lengths, fn _ -> 1 end), lengths)}
  end

  defp prepend(size, shape), do: Tuple.insert_at(shape, 0, size)
  defp reverse(shape), do: shape |> Tuple.to_list() |> Enum.reverse() |> List.to_tuple()

  @doc "The operand as the backend under test gets it; to be called with that as the default backend."
  @spec placed(t) :: Nx.Tensor.t()
  def placed(%{place: :ours} = operand), do: operand.wrap.(Nx.backend_copy(operand.base, Nx.Vulkan.Backend))
  def placed(%{place: :host} = operand), do: on_host(operand)

  # The backend keeps the shape of a constant beside its number.
  def placed(%{place: :literal} = operand) do
    seen = on_host(operand)
    [number] = Numbers.values(operand.base)
    plain = Nx.Vulkan.Eager.devectorized(seen)
    %{seen | data: Nx.Vulkan.Backend.constant(plain, number, []).data}
  end

  @doc "The operand as the oracle gets it."
  @spec on_host(t) :: Nx.Tensor.t()
  def on_host(%{base: %{type: {_, size} = type} = base} = operand) when size < 8 do
    # Not every op of BinaryBackend takes packed types: the elements go through the layout as bytes.
    bytes = base |> Numbers.patterns_of() |> Numbers.tensor({:u, 8}, base.shape) |> operand.wrap.()
    Numbers.rebuilt(bytes, Numbers.patterns_of(bytes), type)
  end

  def on_host(operand), do: operand.wrap.(operand.base)
end

defmodule Nx.Vulkan.Test.Vectors.Generators do
  @moduledoc false
  # Cases for each op of the table and each type that it takes. Ops that are callbacks of Nx.Backend have those of
  # Nx.Vulkan.Test.Rows; here are those of blocks, of what is composed in Nx, of what is made from nothing, and of what Nx lacks.
  #
  # A group is {kind, row, cases}; what the kinds mean says Nx.Vulkan.Test.Vectors.

  import Nx.Vulkan.Test.Rows, only: [any: 2, exact: 2]

  alias GpuNode.Special
  alias Nx.Vulkan.Callbacks
  alias Nx.Vulkan.Test.{MoreRows, Numbers, Operand, Rows}

  @callbacks Map.new(Callbacks.rows(), &{elem(&1, 0), &1})
  @created [
    {:iota, [:axis, :options], [], [axis: :axis]},
    {:eye, [:options], [], []},
    {:constant, [:value, :options], [], [value: :value]}
  ]
  @cumulative ~w(cumulative_sum cumulative_product cumulative_max cumulative_min)a
  @formulas ~w(softplus log_sigmoid lgamma digamma)a

  @type kind :: :callback | :composite | :created | :formula
  @type group :: {kind, tuple, [Rows.case() | {Rows.case(), keyword}]}

  @doc "Rows of what is made from nothing, as Nx.Vulkan.Callbacks has the others."
  def created, do: @created

  @doc "The cases of an op whose first operand, or result where there is none, is of `type`; nil where no generator knows the op."
  @spec group(atom, Nx.Type.t()) :: group | nil
  def group(op, type) when is_map_key(@callbacks, op) do
    row = @callbacks[op]
    with list when is_list(list) <- Rows.cases(row, type), do: {:callback, row, list}
  end

  def group(:logical_not, type) do
    row = {:logical_not, [:tensor], [:tensor], []}
    {:callback, row, Rows.cases(row, type)}
  end

  def group(op, type) when op in @formulas do
    row = {op, [:tensor], [:tensor], []}
    cases = for {_function, arguments} <- Rows.cases(row, type), do: {fn [x] -> value(op, x) end, arguments}
    {:formula, row, cases}
  end

  def group(:logsumexp, type) do
    cases =
      for axes <- [nil, [0], [1], [0, 2]], keep <- [false, true], axes != nil or not keep do
        options = [keep_axes: keep] ++ if(axes, do: [axes: axes], else: [])
        style = if Numbers.float?(type), do: Enum.random([:exact, :moderate]), else: :small
        {{fn [t] -> Nx.logsumexp(t, options) end, [Operand.new(type, {2, 3, 4}, style: style)]}, options}
      end

    {:composite, {:logsumexp, [:tensor, :opts], [:tensor], []}, cases}
  end

  def group(op, type) when op in @cumulative do
    cases =
      for shape <- [{5}, {3, 4}, {2, 3, 4}, {1, 201}, {2, 1, 2, 1, 3, 1}], reverse <- [false, true] do
        axis = Enum.random(0..(tuple_size(shape) - 1))
        {fn [t] -> apply(Nx, op, [t, [axis: axis, reverse: reverse]]) end, [exact(type, shape)]}
      end

    {:callback, {op, [:tensor, :opts], [:tensor], []}, cases}
  end

  def group(:take, type) do
    cases =
      for {shape, axis} <- [{{7}, 0}, {{4, 5}, 0}, {{4, 5}, 1}, {{2, 3, 4}, 1}, {{2, 1, 3, 1, 2, 4}, 5}],
          rows <- [[[0], [3], [0]], [[1, 0], [2, 1]]] do
        size = elem(shape, axis)
        rows = for row <- rows, do: Enum.map(row, &rem(&1, size))
        {fn [t, i] -> Nx.take(t, i, axis: axis) end, [any(type, shape), MoreRows.indices(rows, :ours)]}
      end

    {:callback, {:take, [:tensor, :indices, :opts], [:tensor, :indices], []}, cases}
  end

  def group(:take_along_axis, type) do
    cases =
      for {shape, axis, indices} <- [
            {{4}, 0, {6}},
            {{4, 5}, 0, {2, 5}},
            {{4, 5}, 1, {4, 7}},
            {{2, 3, 4}, 1, {2, 2, 4}},
            {{1, 1, 1, 1, 2, 3}, 5, {1, 1, 1, 1, 2, 2}}
          ] do
        places = for _ <- 1..Tuple.product(indices), do: Enum.random(0..(elem(shape, axis) - 1))
        index = Operand.new(Enum.random(s: 32, s: 64, u: 8), indices, role: :index, patterns: places)
        {fn [t, i] -> Nx.take_along_axis(t, i, axis: axis) end, [any(type, shape), index]}
      end

    {:callback, {:take_along_axis, [:tensor, :indices, :opts], [:tensor, :indices], []}, cases}
  end

  def group(:top_k, type) do
    cases =
      for {shape, k} <- [{{5}, 2}, {{5}, 5}, {{3, 4}, 3}, {{2, 3, 4}, 1}, {{1, 201}, 7}, {{1, 2, 1, 1, 2, 3}, 2}] do
        {fn [t] -> Nx.top_k(t, k: k) end, [any(type, shape)]}
      end

    {:callback, {:top_k, [:tensor, :opts], [:tensor], []}, cases}
  end

  def group(:iota, type) do
    cases =
      for {shape, axis} <- [{{}, nil}, {{1}, 0}, {{5}, nil}, {{2, 3}, 1}, {{3, 2, 2}, 0}, {{2, 1, 2, 1, 2, 1}, nil}],
          do: {fn [] -> Nx.iota(shape, axis: axis, type: type) end, []}

    {:created, {:iota, [:axis, :options], [], []}, cases}
  end

  def group(:eye, type) do
    cases = for shape <- [{1, 1}, {3, 3}, {2, 5}, {5, 2}], do: {fn [] -> Nx.eye(shape, type: type) end, []}
    {:created, {:eye, [:options], [], []}, cases}
  end

  def group(:constant, type) do
    cases =
      for pattern <- Numbers.patterns(type, 5, :any), value = Numbers.decoded(pattern, type), value != :nan do
        {fn [] -> Nx.tensor(value, type: type) end, []}
      end

    {:created, {:constant, [:value, :options], [], []}, cases}
  end

  def group(_op, _type), do: nil

  ## What Nx lacks, in double

  defp value(_op, :nan), do: :nan
  defp value(:softplus, :infinity), do: :infinity
  defp value(:softplus, :neg_infinity), do: 0.0
  defp value(:softplus, x), do: max(x, 0.0) + log1p(exp(-abs(x)))
  defp value(:log_sigmoid, :infinity), do: -0.0
  defp value(:log_sigmoid, :neg_infinity), do: :neg_infinity
  defp value(:log_sigmoid, x), do: -value(:softplus, -x)
  defp value(:lgamma, x) when x in [:infinity, :neg_infinity], do: :infinity
  defp value(:lgamma, x), do: Special.lgamma(x)
  defp value(:digamma, :infinity), do: :infinity
  defp value(:digamma, :neg_infinity), do: :nan
  # Special has NaN at both zeros, the node the limit from the zero's side (PROTOCOL.md, Corners).
  defp value(:digamma, x) when x == 0, do: if(<<x::float>> == <<0.0::float>>, do: :neg_infinity, else: :infinity)
  defp value(:digamma, x), do: Special.digamma(x)

  defp exp(x) when x < -745.2, do: 0.0
  defp exp(x), do: :math.exp(x)

  defp log1p(x), do: if(1 + x == 1, do: x, else: :math.log(1 + x) * (x / (1 + x - 1)))
end

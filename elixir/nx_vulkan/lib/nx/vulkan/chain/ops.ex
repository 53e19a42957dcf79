defmodule Nx.Vulkan.Chain.Ops do
  @moduledoc false
  # The ops of Nx that families have words for, which are the same.

  @unary ~w(exp expm1 log log1p sigmoid cos sin tan cosh sinh tanh acosh asinh atanh sqrt rsqrt cbrt negate sign abs)a ++
           ~w(is_nan is_infinity floor ceil round erf erfc erf_inv acos asin atan)a
  @arithmetic ~w(add subtract multiply divide pow remainder atan2)a
  @choices ~w(min max select clip)a
  @conditions ~w(equal not_equal greater less greater_equal less_equal logical_and logical_or logical_xor)a
  @reductions ~w(sum product reduce_max reduce_min)a

  # What is made of these, or moves elements.
  @others ~w(as_type broadcast concatenate cond cumulative_sum diff dot gather logical_not logsumexp mean new_axis pad put_slice reshape)a ++
            ~w(reverse slice squeeze stack take take_along_axis tile transpose variance)a

  defguard is_elementwise(op) when op in @unary or op in @arithmetic or op in @choices or op in @conditions

  @doc "Whether what it gives is a number of its own, and no choice of its operands or 1 or 0."
  defguard is_arithmetic(op) when op not in [:is_nan, :is_infinity] and (op in @unary or op in @arithmetic)

  defguard is_reduction(op) when op in @reductions

  @doc "What may be done to what depends on variables, for messages."
  @spec possible() :: [atom]
  def possible, do: Enum.sort(@unary ++ @arithmetic ++ @choices ++ @conditions ++ @reductions ++ @others)
end

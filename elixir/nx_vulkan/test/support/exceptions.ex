defmodule Nx.Vulkan.Test.Exceptions do
  @moduledoc false
  # Where Nx.BinaryBackend is not the oracle, and what is: each row with its reason. A row's function gets the elements (as f64 for
  # float results) and the result's type, and gives the value or :none to leave the element to BinaryBackend.

  import Bitwise

  @ieee "BinaryBackend raises ArithmeticError; IEEE 754 has a value"
  @corner "PROTOCOL.md, Corners"

  @inverse_domain ~w(acos asin acosh atanh sqrt rsqrt log log1p erf_inv)a
  @overflowing ~w(exp expm1 cosh sinh sigmoid)a

  # f(-0) is -0.
  @odd ~w(sin tan sinh tanh asin atan asinh atanh expm1 log1p sqrt cbrt erf erf_inv sign floor ceil round real)a

  @doc "Every row: ops and reason."
  def rows do
    [
      {@overflowing, @ieee},
      {@inverse_domain, @ieee},
      {[:add, :subtract, :multiply, :divide, :remainder, :pow], @ieee},
      {@odd, "BinaryBackend loses the sign of zero, or has no value at the infinities, where IEEE 754 has one"},
      {[:divide, :ceil, :round], "BinaryBackend loses the sign of a zero that IEEE 754 gives one"},
      {[:atan2], "BinaryBackend loses signs where an operand is infinite or zero"},
      {[:count_leading_zeros, :population_count], "BinaryBackend has none for types below a byte"},
      {[:cbrt], "BinaryBackend takes the power 1/3, which is not the cube root and is none of negative numbers"},
      {[:log1p, :expm1], "BinaryBackend takes log(1 + x) and exp(x) - 1, which lose every digit of a small x"},
      {[:erf_inv], "BinaryBackend's rational approximation has half of the digits of f64"},
      {[:quotient], @corner <> ": by 0 all bits are set"},
      {[:left_shift, :right_shift], @corner <> ": counts that are negative or too large move every bit out"},
      {[:ceil, :floor, :round, :sign], "BinaryBackend raises for NaN and infinities, which stay; the sign of NaN is 1"},
      {[:clip], @corner <> ": min(max(x, low), high), where low stands for NaN"},
      {[:min, :max], @corner <> ": NaN when an operand is; of -0 and 0 the first"},
      {[:as_type], @corner <> ": infinities give the ends of the type, NaN 0"}
    ]
  end

  @doc "The reasons for `op`."
  def reasons(op), do: for({ops, reason} <- rows(), op in ops, do: reason)

  @doc "The value of one element where a row says it; :none leaves it to BinaryBackend."
  @spec value(atom, [term], Nx.Type.t()) :: term | :none
  def value(op, values, type), do: if(reasons(op) == [], do: :none, else: row(op, values, type))

  defp row(op, [x], _) when op in @odd and is_float(x) and x == 0, do: x
  defp row(:tanh, [:infinity], _), do: 1.0
  defp row(:tanh, [:neg_infinity], _), do: -1.0

  defp row(op, [:nan], _) when op in @inverse_domain, do: :nan

  # Kahan's ways around the loss.
  defp row(:log1p, [x], _) when is_float(x) and abs(x) < 0.5,
    do: if(1 + x == 1, do: x, else: :math.log(1 + x) * (x / (1 + x - 1)))

  defp row(:expm1, [x], _) when is_float(x) and abs(x) < 0.5,
    do: if(:math.exp(x) == 1, do: x, else: (:math.exp(x) - 1) * (x / :math.log(:math.exp(x))))

  defp row(:erf_inv, [x], type) when is_float(x) and abs(x) < 1 and type == {:f, 64} do
    [start] = Nx.to_flat_list(Nx.erf_inv(Nx.tensor(abs(x), type: :f64, backend: Nx.BinaryBackend)))
    signed(Enum.reduce(1..3, start, fn _, root -> root - residue(root, abs(x)) end), x)
  end

  defp row(:exp, [x], _) when is_number(x) and x > 709.0, do: :infinity
  defp row(:expm1, [x], _) when is_number(x) and x > 709.0, do: :infinity
  defp row(:exp, [x], _) when is_number(x) and x < -746.0, do: 0.0
  defp row(:cosh, [x], _) when is_number(x) and abs(x) > 710.4, do: :infinity
  defp row(:sinh, [x], _) when is_number(x) and abs(x) > 710.4, do: if(x > 0, do: :infinity, else: :neg_infinity)
  defp row(:sigmoid, [x], _) when is_number(x) and x < -709.0, do: if(x < -745.2, do: 0.0, else: :math.exp(x))

  defp row(op, [x], _) when op in [:acos, :asin] and is_number(x) and abs(x) > 1, do: :nan
  defp row(:acosh, [x], _) when is_number(x) and x < 1, do: :nan
  defp row(:atanh, [x], _) when is_number(x) and abs(x) == 1, do: if(x > 0, do: :infinity, else: :neg_infinity)
  defp row(op, [x], _) when op in [:atanh, :erf_inv] and is_number(x) and abs(x) > 1, do: :nan
  defp row(:erf_inv, [x], _) when is_number(x) and abs(x) == 1, do: if(x > 0, do: :infinity, else: :neg_infinity)
  defp row(op, [x], _) when op in [:acos, :asin, :atanh, :erf_inv] and x in [:infinity, :neg_infinity], do: :nan
  defp row(op, [x], _) when op in [:sqrt, :rsqrt, :log] and is_number(x) and x < 0, do: :nan
  defp row(:log1p, [x], _) when is_number(x) and x < -1, do: :nan
  defp row(:log1p, [x], _) when is_number(x) and x == -1, do: :neg_infinity
  defp row(:log, [x], _) when is_number(x) and x == 0, do: :neg_infinity
  defp row(:rsqrt, [x], _) when is_number(x) and x == 0, do: if(negative?(x), do: :neg_infinity, else: :infinity)
  defp row(op, [:neg_infinity], _) when op in [:sqrt, :rsqrt, :log, :log1p, :acosh], do: :nan

  defp row(:cbrt, [x], _) when is_number(x) and x != 0, do: cube_root(x)
  defp row(:cbrt, [x], _), do: x

  defp row(op, [x], _) when op in [:ceil, :floor, :round] and not is_number(x), do: x
  defp row(:ceil, [x], _) when is_float(x) and x < 0 and x > -1, do: -0.0
  defp row(:round, [x], _) when is_float(x) and x < 0 and x > -0.5, do: -0.0
  defp row(:sign, [:nan], _), do: 1.0
  defp row(:sign, [:infinity], _), do: 1.0
  defp row(:sign, [:neg_infinity], _), do: -1.0

  defp row(:multiply, [x, y], _) when is_float(x) and is_float(y) do
    x * y
  rescue
    ArithmeticError -> if negative?(x) != negative?(y), do: :neg_infinity, else: :infinity
  end

  defp row(:subtract, [x, y], type) when is_float(x) and is_float(y), do: row(:add, [x, -y], type)

  defp row(:add, [x, y], _) when is_float(x) and is_float(y) do
    x + y
  rescue
    ArithmeticError -> if x < 0, do: :neg_infinity, else: :infinity
  end

  defp row(:divide, [x, y], _) when is_number(y) and y == 0 do
    cond do
      x == :nan or (is_number(x) and x == 0) -> :nan
      negative?(x) != negative?(y) -> :neg_infinity
      true -> :infinity
    end
  end

  defp row(:divide, [x, y], _) when is_number(x) and y in [:infinity, :neg_infinity],
    do: if(negative?(x) != negative?(y), do: -0.0, else: 0.0)

  defp row(:divide, [x, y], _) when is_number(x) and is_number(y) do
    x / y
  rescue
    ArithmeticError -> if negative?(x) != negative?(y), do: :neg_infinity, else: :infinity
  end

  defp row(:remainder, [x, y], {kind, _}) when kind in [:s, :u], do: if(y == 0, do: x, else: rem(x, y))
  defp row(:remainder, [x, y], _) when x in [:nan, :infinity, :neg_infinity] or y == :nan, do: :nan
  defp row(:remainder, [x, y], _) when y in [:infinity, :neg_infinity], do: x
  defp row(:remainder, [_x, y], _) when y == 0, do: :nan

  defp row(:pow, [x, y], {kind, size}) when kind in [:s, :u] do
    cond do
      y >= 0 -> modular(x, y, 1, 1 <<< size)
      x == 1 -> 1
      x == -1 -> if (y &&& 1) == 1, do: -1, else: 1
      true -> 0
    end
  end

  defp row(:pow, [x, y], _), do: power(x, y)

  defp row(:atan2, [y, x], _) when y == :nan or x == :nan, do: :nan
  defp row(:atan2, [y, x], _), do: signed(angle(y, x), y)

  defp row(:count_leading_zeros, [x], {_, size}) when size < 8 do
    <<pattern::size(size)>> = <<x::size(size)>>
    size - length(Integer.digits(pattern, 2)) + if(pattern == 0, do: 1, else: 0)
  end

  defp row(:population_count, [x], {_, size}) when size < 8 do
    <<pattern::size(size)>> = <<x::size(size)>>
    Enum.sum(Integer.digits(pattern, 2))
  end

  defp row(:quotient, [_x, 0], _), do: -1

  defp row(:left_shift, [_x, n], {_, size}) when n < 0 or n >= size, do: 0
  defp row(:right_shift, [x, n], {_, size}) when n < 0 or n >= size, do: if(x < 0, do: -1, else: 0)

  defp row(:clip, [:nan, low, high], type) when low != :nan, do: row(:clip, [low, low, high], type)

  defp row(:clip, [x, low, high], _) when is_number(x) and is_number(low) and is_number(high),
    do: min(max(x, low), high)

  defp row(:clip, [x, low, high], type), do: row(:min, [row(:max, [x, low], type), high], type)

  defp row(op, [x, y], _) when op in [:min, :max] and (x == :nan or y == :nan), do: :nan

  defp row(op, [x, y], _) when op in [:min, :max] do
    cond do
      order(x) == order(y) -> x
      order(x) < order(y) == (op == :min) -> x
      true -> y
    end
  end

  defp row(:as_type, [x, _], {:s, size}) when x in [:infinity, :neg_infinity],
    do: if(x == :infinity, do: (1 <<< (size - 1)) - 1, else: -(1 <<< (size - 1)))

  defp row(:as_type, [x, _], {:u, size}) when x in [:infinity, :neg_infinity],
    do: if(x == :infinity, do: (1 <<< size) - 1, else: 0)

  defp row(:as_type, [:nan, _], {kind, _}) when kind in [:s, :u], do: 0
  defp row(:as_type, [x, _], {kind, _}) when kind in [:s, :u] and is_number(x), do: trunc(x)

  defp row(_op, _values, _type), do: :none

  # A step of Newton's method for erf(root) = y, by the function that keeps the digits there.
  defp residue(root, y) do
    off = if y < 0.5, do: :math.erf(root) - y, else: 1 - y - :math.erfc(root)
    off * :math.sqrt(:math.pi()) / 2 * :math.exp(root * root)
  end

  # The angle of |y| and x, in IEEE's table where one is infinite or zero.
  defp angle(y, :infinity), do: if(y in [:infinity, :neg_infinity], do: :math.pi() / 4, else: 0.0)
  defp angle(y, :neg_infinity), do: if(y in [:infinity, :neg_infinity], do: 3 * :math.pi() / 4, else: :math.pi())
  defp angle(y, _x) when y in [:infinity, :neg_infinity], do: :math.pi() / 2
  defp angle(y, x) when y == 0, do: if(negative?(x), do: :math.pi(), else: 0.0)
  defp angle(y, x), do: :math.atan2(abs(y), x)

  defp signed(value, like), do: if(negative?(like), do: -value, else: value)

  # Infinities beside numbers of any size.
  defp order(:infinity), do: {1, 0}
  defp order(:neg_infinity), do: {-1, 0}
  defp order(x), do: {0, x + 0}

  defp negative?(:neg_infinity), do: true
  defp negative?(x) when is_float(x), do: match?(<<1::1, _::63>>, <<x::float-64>>)
  defp negative?(x), do: is_integer(x) and x < 0

  # Scaled to where cubes of the root and what they are off by are normal numbers.
  defp cube_root(x) when abs(x) < 1.0e-200, do: cube_root(x * :math.pow(2.0, 600)) / :math.pow(2.0, 200)

  defp cube_root(x) do
    root = if x < 0, do: -:math.pow(-x, 1 / 3), else: :math.pow(x, 1 / 3)

    # A step of Newton's method, its residue computed exactly, takes away what the exponent is off by.
    {n, d} = Float.ratio(root)
    {p, q} = Float.ratio(x * 1.0)
    root - ratio(n * n * n * q - p * d * d * d, d * d * d * q) / (3 * root) / root
  end

  # A quotient of integers of any size.
  defp ratio(0, _q), do: 0.0

  defp ratio(p, q) do
    shift = length(Integer.digits(abs(p), 2)) - length(Integer.digits(q, 2)) - 64
    scaled = if shift >= 0, do: div(p, q <<< shift), else: div(p <<< -shift, q)
    if shift < -1500, do: 0.0, else: scaled * :math.pow(2.0, div(shift, 2)) * :math.pow(2.0, shift - div(shift, 2))
  end

  defp modular(_x, 0, result, modulus), do: rem(result, modulus)

  defp modular(x, y, result, modulus) do
    result = if (y &&& 1) == 1, do: rem(result * x, modulus), else: result
    modular(rem(x * x, modulus), y >>> 1, result, modulus)
  end

  # The table of IEEE 754 for pow.
  defp power(_x, y) when is_number(y) and y == 0, do: 1.0
  defp power(x, _y) when is_number(x) and x == 1, do: 1.0
  defp power(x, y) when x == :nan or y == :nan, do: :nan

  defp power(x, y) when y in [:infinity, :neg_infinity] do
    cond do
      is_number(x) and abs(x) == 1 -> 1.0
      not is_number(x) or abs(x) > 1 -> if(y == :infinity, do: :infinity, else: 0.0)
      true -> if(y == :infinity, do: 0.0, else: :infinity)
    end
  end

  defp power(x, y) when x in [:infinity, :neg_infinity] do
    flip? = x == :neg_infinity and odd?(y)

    cond do
      y > 0 -> if(flip?, do: :neg_infinity, else: :infinity)
      flip? -> -0.0
      true -> 0.0
    end
  end

  defp power(x, y) when x == 0 do
    flip? = negative?(x) and odd?(y)

    cond do
      y < 0 -> if(flip?, do: :neg_infinity, else: :infinity)
      flip? -> -0.0
      true -> 0.0
    end
  end

  defp power(x, y) when x < 0 and y != trunc(y), do: :nan

  defp power(x, y) do
    :math.pow(x, y)
  rescue
    ArithmeticError -> if x < 0 and odd?(y), do: :neg_infinity, else: :infinity
  end

  defp odd?(y), do: y == trunc(y) and (trunc(y) &&& 1) == 1
end

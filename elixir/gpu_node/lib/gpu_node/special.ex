defmodule GpuNode.Special do
  @moduledoc """
  Special functions in double precision that Erlang's `:math` lacks: `lgamma`, `digamma`, the normal distribution.

  Relative error is below 1e-14, with one reservation: at the zeros of `lgamma` and `digamma` on the negative axis it is the
  absolute error that stays below 1e-14. What is no number is an atom: `:infinity`, `:neg_infinity`, `:nan`.

  Sources: Abramowitz and Stegun, Handbook of Mathematical Functions, 6.1.33 (Taylor series of log gamma at 2), 6.1.40 and 6.3.18
  (asymptotic series), 6.1.17 and 6.3.7 (reflection); M. J. Wichura, Algorithm AS 241, Applied Statistics 37 (1988) 477-484.
  """

  @type real :: float | GpuNode.Type.special()

  @log_pi 1.1447298858494002
  @half_log_2pi 0.9189385332046728

  # Evaluated in place: a list walked at run time would cost more than the arithmetic.
  defmacrop horner(x, coefficients) do
    {list, _} = Code.eval_quoted(coefficients, [], __CALLER__)
    [last | rest] = Enum.reverse(list)
    Enum.reduce(rest, last, fn c, acc -> quote(do: unquote(c) + unquote(x) * unquote(acc)) end)
  end

  @doc """
  The logarithm of the absolute value of the gamma function.

  `:infinity` at zero, at negative integers and where the result is no double (above 2.55e305).
  """
  @spec lgamma(number) :: float | :infinity
  def lgamma(x) when is_number(x), do: log_gamma(x / 1)

  defp log_gamma(x) when x >= 2.5e305, do: :infinity

  defp log_gamma(x) when x >= 10.0 do
    r = 1.0 / x
    x * (:math.log(x) - 1.0) - 0.5 * :math.log(x) + @half_log_2pi + r * stirling(r * r)
  end

  defp log_gamma(x) when x >= 2.5, do: descend(x - 1.0, x - 1.0)
  defp log_gamma(x) when x >= 1.5, do: around_two(x - 2.0)
  defp log_gamma(x) when x >= 0.5, do: around_two(x - 1.0) - :math.log(x)
  defp log_gamma(x) when x > 0.0, do: around_two(x) - :math.log(x * (1.0 + x))

  defp log_gamma(x) do
    case distance(x) do
      d when d == 0 -> :infinity
      # The sine of what is this small is it; of subnormal numbers pi times it has no digits.
      d when abs(d) < 1.0e-9 -> -:math.log(-x) - :math.log(abs(d)) - log_gamma(-x)
      d -> @log_pi - :math.log(-x) - :math.log(abs(:math.sin(:math.pi() * d))) - log_gamma(-x)
    end
  end

  defp descend(x, product) when x >= 2.5, do: descend(x - 1.0, product * (x - 1.0))
  defp descend(x, product), do: :math.log(product) + log_gamma(x)

  # The signed distance to the nearest integer: exact, so that sines near a pole are.
  defp distance(x) when abs(x) >= 4_503_599_627_370_496.0, do: 0.0
  defp distance(x), do: x - round(x)

  # lgamma(2 + z) for |z| <= 0.5; the coefficients are (-1)^k (zeta(k) - 1) / k.
  defp around_two(z) do
    z *
      horner(z, [
        0.42278433509846714,
        0.32246703342411322,
        -0.067352301053198095,
        0.020580808427784548,
        -0.0073855510286739853,
        0.0028905103307415233,
        -0.001192753911703261,
        0.00050966952474304242,
        -0.00022315475845357938,
        9.9457512781808534e-5,
        -4.4926236738133142e-5,
        2.0507212775670692e-5,
        -9.4394882752683959e-6,
        4.3748667899074878e-6,
        -2.0392157538013662e-6,
        9.5514121304074198e-7,
        -4.492469198764566e-7,
        2.1207184805554666e-7,
        -1.00432248239681e-7,
        4.7698101693639806e-8,
        -2.2711094608943165e-8,
        1.0838659214896954e-8,
        -5.1834750419700467e-9,
        2.4836745438024783e-9,
        -1.1921401405860912e-9,
        5.731367241678862e-10,
        -2.7595228851242331e-10
      ])
  end

  # B(2k) / (2k (2k - 1)).
  defp stirling(r2) do
    horner(r2, [
      0.083333333333333333,
      -0.0027777777777777778,
      0.00079365079365079365,
      -0.00059523809523809524,
      0.00084175084175084175,
      -0.0019175269175269175,
      0.0064102564102564103,
      -0.029550653594771242,
      0.17964437236883057
    ])
  end

  # The positive zero of digamma, as a sum of two doubles.
  @zero 1.4616321449683622
  @zero_rest 9.5499954299656977e-17

  # What is nearer to zero has a reciprocal that is no double.
  @reciprocal 5.57e-309

  @doc "The derivative of `lgamma/1`; `:nan` at zero and at negative integers, an infinity where the result is no double."
  @spec digamma(number) :: real
  def digamma(x) when is_number(x), do: psi(x / 1)

  defp psi(x) when x > 0.0 and x < @reciprocal, do: :neg_infinity
  defp psi(x) when x < 0.0 and x > -@reciprocal, do: :infinity

  defp psi(x) when x >= 10.0 do
    r = 1.0 / x
    r2 = r * r

    :math.log(x) -
      (0.5 * r +
         r2 *
           horner(r2, [
             0.083333333333333333,
             -0.0083333333333333333,
             0.0039682539682539683,
             -0.0041666666666666667,
             0.0075757575757575758,
             -0.021092796092796093,
             0.083333333333333333,
             -0.44325980392156863,
             3.0539543302701197
           ]))
  end

  defp psi(x) when abs(x - @zero) <= 0.35 do
    z = x - @zero - @zero_rest

    z *
      horner(z, [
        0.96767224544762117,
        -0.44276316898359211,
        0.25849976095565101,
        -0.16394270544240653,
        0.10782405069126237,
        -0.072199561256454711,
        0.048804288164143107,
        -0.033161126474847359,
        0.022597648232218105,
        -0.015424765904948959,
        0.010538791616612175,
        -0.0072045343863568682,
        0.0049267813957298534,
        -0.0033698016554393281,
        0.0023051263267349278,
        -0.0015769367714301973,
        0.0010788252019162966,
        -0.00073807093899600513,
        0.00050495326583460204,
        -0.0003454680251063077,
        0.00023635601564027053,
        -0.00016170622091974803,
        0.00011063372768747411,
        -7.5691795821650659e-5,
        5.1785757952220809e-5,
        -3.5430070947659606e-5
      ])
  end

  defp psi(x) when x > 0.0, do: ascend(x, 0.0)

  defp psi(x) do
    case distance(x) do
      d when d == 0 ->
        :nan

      d ->
        angle = :math.pi() * d
        psi(1.0 - x) - :math.pi() * :math.cos(angle) / :math.sin(angle)
    end
  end

  defp ascend(x, sum) when x < 10.0 and abs(x - @zero) > 0.35, do: ascend(x + 1.0, sum + 1.0 / x)
  defp ascend(x, sum), do: psi(x) - sum

  # 1 / sqrt(2), as a sum of two doubles.
  @rsqrt2 0.7071067811865476
  @rsqrt2_rest -4.8336466567264565e-17

  @doc """
  The distribution function of the standard normal, accurate relative to its value in both tails (while that is a normal double).
  """
  @spec normal_cdf(number) :: float
  def normal_cdf(x) when is_number(x) and x < -40, do: 0.0
  def normal_cdf(x) when is_number(x) and x > 40, do: 1.0

  def normal_cdf(x) when is_number(x) do
    x = x / 1
    y = -x * @rsqrt2
    tail = 0.5 * :math.erfc(y)
    # What rounding took from y counts 2 y^2 times in the far tail.
    tail - (-x * @rsqrt2_rest + product_error(-x, @rsqrt2, y)) * :math.exp(-y * y) / :math.sqrt(:math.pi())
  end

  # a * b - p exactly, by Dekker's splitting.
  defp product_error(a, b, p) do
    {ah, al} = split(a)
    {bh, bl} = split(b)
    ah * bh - p + ah * bl + al * bh + al * bl
  end

  defp split(a) do
    c = 134_217_729.0 * a
    high = c - (c - a)
    {high, a - high}
  end

  @doc """
  The quantile function of the standard normal; `:neg_infinity` at 0, `:infinity` at 1, `:nan` outside of them.
  """
  @spec normal_quantile(number) :: real
  def normal_quantile(p) when is_number(p) and p > 0 and p < 1 do
    q = p - 0.5

    if abs(q) <= 0.425 do
      r = 0.180625 - q * q

      q *
        horner(r, [
          3.3871328727963666080,
          1.3314166789178437745e2,
          1.9715909503065514427e3,
          1.3731693765509461125e4,
          4.5921953931549871457e4,
          6.7265770927008700853e4,
          3.3430575583588128105e4,
          2.5090809287301226727e3
        ]) /
        horner(r, [
          1.0,
          4.2313330701600911252e1,
          6.8718700749205790830e2,
          5.3941960214247511077e3,
          2.1213794301586595867e4,
          3.9307895800092710610e4,
          2.8729085735721942674e4,
          5.2264952788528545610e3
        ])
    else
      z = normal_tail(:math.sqrt(-:math.log(min(p, 1.0 - p))))
      if q < 0.0, do: -z, else: z
    end
  end

  def normal_quantile(p) when p == 0, do: :neg_infinity
  def normal_quantile(p) when p == 1, do: :infinity
  def normal_quantile(p) when is_number(p), do: :nan

  defp normal_tail(r) when r <= 5.0 do
    r = r - 1.6

    horner(r, [
      1.42343711074968357734,
      4.63033784615654529590,
      5.76949722146069140550,
      3.64784832476320460504,
      1.27045825245236838258,
      2.41780725177450611770e-1,
      2.27238449892691845833e-2,
      7.74545014278341407640e-4
    ]) /
      horner(r, [
        1.0,
        2.05319162663775882187,
        1.67638483018380384940,
        6.89767334985100004550e-1,
        1.48103976427480074590e-1,
        1.51986665636164571966e-2,
        5.47593808499534494600e-4,
        1.05075007164441684324e-9
      ])
  end

  defp normal_tail(r) do
    r = r - 5.0

    horner(r, [
      6.65790464350110377720,
      5.46378491116411436990,
      1.78482653991729133580,
      2.96560571828504891230e-1,
      2.65321895265761230930e-2,
      1.24266094738807843860e-3,
      2.71155556874348757815e-5,
      2.01033439929228813265e-7
    ]) /
      horner(r, [
        1.0,
        5.99832206555887937690e-1,
        1.36929880922735805310e-1,
        1.48753612908506148525e-2,
        7.86869131145613259100e-4,
        1.84631831751005468180e-5,
        1.42151175831644588870e-7,
        2.04426310338993978564e-15
      ])
  end
end

defmodule GpuNode.SpecialTest do
  use ExUnit.Case, async: true
  alias GpuNode.Special
  alias GpuNode.Special.Beta

  @euler 0.5772156649015329

  defp assert_close(actual, expected, relative \\ 1.0e-14) do
    assert abs(actual - expected) <= relative * abs(expected), "#{actual} is not #{expected}"
  end

  defp factorial(n), do: Enum.product(1..max(n, 1))

  test "lgamma at integers is the logarithm of a factorial" do
    assert Special.lgamma(1) == 0.0
    assert Special.lgamma(2) == 0.0
    for n <- 3..160, do: assert_close(Special.lgamma(n), :math.log(factorial(n - 1)))
  end

  test "lgamma at half-integers: Gamma(n + 1/2) = (2n)! sqrt(pi) / (4^n n!)" do
    for n <- 0..80 do
      assert_close(
        Special.lgamma(n + 0.5),
        :math.log(factorial(2 * n) / (4 ** n * factorial(n))) + 0.5 * :math.log(:math.pi()),
        3.0e-14
      )
    end
  end

  test "lgamma keeps its digits beside its zeros and where it is large or its argument tiny" do
    # The slopes at 1 and 2 are -gamma and 1 - gamma; the second terms are zeta(2) / 2 and (zeta(2) - 1) / 2.
    h = :math.pow(2, -30)
    assert_close(Special.lgamma(1 + h), -@euler * h + :math.pi() ** 2 / 12 * h * h)
    assert_close(Special.lgamma(1 - h), @euler * h + :math.pi() ** 2 / 12 * h * h)
    assert_close(Special.lgamma(2 + h), (1 - @euler) * h + (:math.pi() ** 2 / 12 - 0.5) * h * h)
    assert_close(Special.lgamma(1.0e-300), 300 * :math.log(10))

    assert_close(
      Special.lgamma(1.0e10),
      1.0e10 * (:math.log(1.0e10) - 1) - 0.5 * :math.log(1.0e10) + 0.9189385332046728
    )

    # Recorded, computed with fifty digits.
    assert_close(Special.lgamma(0.1), 2.252712651734206)
    assert_close(Special.lgamma(9.99), 12.779315214350193)
    assert_close(Special.lgamma(10.01), 12.824350262448247)
    assert_close(Special.lgamma(1.4616321449683622), -0.12148629053584961)
  end

  test "lgamma reflects, and has its poles" do
    for x <- [0.25, 1.5, 2.3, 7.75, 20.1] do
      reflected = :math.log(:math.pi() / abs(x * :math.sin(:math.pi() * x))) - Special.lgamma(x)
      assert abs(Special.lgamma(-x) - reflected) <= 1.0e-13 * max(1.0, abs(reflected))
    end

    # Gamma(-1/2) = -2 sqrt(pi)
    assert_close(Special.lgamma(-0.5), :math.log(2 * :math.sqrt(:math.pi())))
    for n <- [0, -0.0, -1, -7, -1.0e20], do: assert(Special.lgamma(n) == :infinity)
    assert Special.lgamma(1.0e306) == :infinity
    for x <- [5.0e-324, 1.0e-300, 1.0e-12], do: assert_close(Special.lgamma(-x), -:math.log(x) + @euler * x)
  end

  test "digamma at integers and half-integers" do
    for n <- 1..40 do
      harmonic = Enum.sum(for k <- (n - 1)..1//-1, do: 1 / k)
      assert_close(Special.digamma(n), harmonic - @euler)
      odd = Enum.sum(for k <- n..1//-1, do: 2 / (2 * k - 1))
      assert_close(Special.digamma(n + 0.5), odd - @euler - 2 * :math.log(2))
    end
  end

  test "digamma beside its zero, reflected, and at its poles" do
    assert_close(Special.digamma(1.4616321449683622), -9.241265521729427e-17)
    assert_close(Special.digamma(1.4616321449683622 + :math.pow(2, -20)), 9.228437643996164e-7)

    for x <- [0.3, 2.6, 9.1],
        do: assert_close(Special.digamma(-x), Special.digamma(1 + x) + :math.pi() / :math.tan(:math.pi() * x), 1.0e-13)

    for zero <- [0, 0.0, -0.0], do: assert(Special.digamma(zero) == :nan)
    assert {Special.digamma(5.0e-324), Special.digamma(-5.0e-324)} == {:neg_infinity, :infinity}
    assert_close(Special.digamma(6.0e-309), -1 / 6.0e-309)
    assert_close(Special.digamma(-6.0e-309), 1 / 6.0e-309)
    assert Special.digamma(-3) == :nan
  end

  test "the normal distribution function, in both tails" do
    assert Special.normal_cdf(0) == 0.5
    # Recorded, computed with fifty digits.
    assert_close(Special.normal_cdf(1), 0.8413447460685429)
    assert_close(Special.normal_cdf(-1), 0.15865525393145705)
    assert_close(Special.normal_cdf(-5.5), 1.8989562465887718e-08)
    assert_close(Special.normal_cdf(-10.1), 2.762109471764517e-24)
    assert_close(Special.normal_cdf(-30.3), 5.731723503315496e-202)
    assert_close(Special.normal_cdf(-37), 5.725571222524577e-300)
    assert Special.normal_cdf(9) == 1.0
    assert Special.normal_cdf(-1000) == 0.0
    assert Special.normal_cdf(1.0e300) == 1.0
  end

  test "the normal quantile function is its inverse" do
    assert Special.normal_quantile(0.5) == 0.0
    assert_close(Special.normal_quantile(0.975), 1.959963984540054)
    assert_close(Special.normal_quantile(0.05), -1.6448536269514729)
    assert Special.normal_quantile(0) == :neg_infinity
    assert Special.normal_quantile(1.0) == :infinity
    assert Special.normal_quantile(-0.1) == :nan
    assert Special.normal_quantile(2) == :nan

    # The distribution function turns an error of z into one z^2 times as large.
    for e <- 1..1000//7 do
      p = :math.pow(2, -e)
      z = Special.normal_quantile(p)
      assert_close(Special.normal_cdf(z), p, 1.0e-15 * (2 + z * z))
    end
  end

  test "the beta distribution, where it is a polynomial, symmetric, and inverted" do
    for x <- [0.1, 0.37, 0.5, 0.93] do
      assert_close(Beta.cdf(x, 1, 1), x)
      assert_close(Beta.cdf(x, 3, 1), x ** 3)
      assert_close(Beta.cdf(x, 1, 4), 1 - (1 - x) ** 4)
      assert_close(Beta.cdf(x, 2, 3), 6 * x ** 2 - 8 * x ** 3 + 3 * x ** 4)
      assert_close(Beta.cdf(x, 0.5, 0.5), 2 / :math.pi() * :math.asin(:math.sqrt(x)))
      assert_close(Beta.quantile(Beta.cdf(x, 7.5, 2.25), 7.5, 2.25), x, 1.0e-13)
    end

    assert_close(Beta.quantile(0.5, 2.0e6, 2.0e6), 0.5, 1.0e-10)
    assert Beta.cdf(0, 2, 3) == 0.0 and Beta.cdf(1, 2, 3) == 1.0
    assert Beta.quantile(0, 2, 3) == 0.0 and Beta.quantile(1, 2, 3) == 1.0
  end
end

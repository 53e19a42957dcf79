defmodule Nx.Vulkan.ChainShaderSpecsTest do
  use ExUnit.Case, async: true
  alias Nx.Vulkan.ChainShaderSpecs, as: F32
  alias Nx.Vulkan.ChainShaderSpecsF64, as: F64

  # 0.5, 2.0, 5.0, -1.25, 0.0 have few bits, so that their bytes can be read here.
  test "f32 push constants, byte for byte" do
    expected = <<4, 0, 0, 0, 32, 1, 0, 0, 0, 0, 0, 0x3F, 0, 0, 0, 0x40, 0, 0, 0xA0, 0x40, 0, 0, 0xA0, 0xBF>>
    assert F32.beta_push(4, 288, 0.5, 2, 5.0, -1.25) == expected
    assert F32.gamma_push(4, 288, 0.5, 2.0, 5, -1.25) == expected

    assert <<4::little-32, 288::little-32, 0, 0, 0, 0x3F, 0, 0, 0, 0x40, 0, 0, 0x80, 0x3F, const::float-little-32>> =
             F32.lognormal_push(4, 288, 0.5, 2, 1)

    assert_in_delta const, -0.9189385, 1.0e-7
    assert F32.push(3, 2, 258, 0.5) == <<3, 0, 0, 0, 2, 0, 0, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x3F>>
    assert F32.batch_push(3, 2, 258, 7, 0.5) == <<3, 0, 0, 0, 2, 0, 0, 0, 2, 1, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0x3F>>
  end

  test "f64 headers, byte for byte: the step size at offset 16" do
    assert F64.push(3, 2, 258, 0.5) == <<3, 0, 0, 0, 2, 0, 0, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xE0, 0x3F>>

    assert F64.batch_push(3, 2, 258, 7, -0.5) ==
             <<3, 0, 0, 0, 2, 0, 0, 0, 2, 1, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xE0, 0xBF>>
  end

  test "f64 push constants of the families: sizes and fields" do
    assert F64.normal_push(4, 3, 0.5, 2, 5.0) ==
             <<4::little-32, 3::little-32, 0.5::float-little-64, 2.0::float-little-64, 5.0::float-little-64>>

    sizes = [
      {F64.normal_push(1, 2, 0.5, 0, 1), 32},
      {F64.cauchy_push(1, 2, 0.5, 0, 1), 40},
      {F64.exponential_push(1, 2, 0.5, 1), 24},
      {F64.halfnormal_push(1, 2, 0.5, 1), 32},
      {F64.studentt_push(1, 2, 0.5, 0, 1, 4), 48},
      {F64.weibull_push(1, 2, 0.5, 1, 2), 40}
    ]

    for {push, size} <- sizes, do: assert(byte_size(push) == size)
    assert <<_::binary-32, log_pi_scale::float-little-64>> = F64.cauchy_push(1, 2, 0.5, 0, 2)
    assert_in_delta log_pi_scale, :math.log(2 * :math.pi()), 1.0e-15
    assert <<_::binary-32, const::float-little-64>> = F64.weibull_push(4, 2, 0.5, 1.8, 1.2)
    assert_in_delta const, 4 * F32.weibull_const(1.8, 1.2), 1.0e-15
  end

  # log density at u without its constant; with it the integral over u is one.
  @families [
    {"normal", &__MODULE__.normal/1, F32.normal_const(1.7)},
    {"beta", &__MODULE__.beta/1, F32.beta_const(2, 5)},
    {"gamma", &__MODULE__.gamma/1, F32.gamma_const(3, 2)},
    {"lognormal", &__MODULE__.lognormal/1, F32.lognormal_const(0.7)},
    {"exponential", &__MODULE__.exponential/1, F32.exponential_const(1.5)},
    {"halfnormal", &__MODULE__.halfnormal/1, F32.halfnormal_const(1.3)},
    {"studentt", &__MODULE__.studentt/1, F32.studentt_const(0.9, 4)},
    {"weibull", &__MODULE__.weibull/1, F32.weibull_const(1.8, 1.2)},
    {"halfcauchy", &__MODULE__.halfcauchy/1, F32.halfcauchy_const(2)}
  ]

  def normal(u), do: -0.5 * ((u - 0.3) / 1.7) ** 2
  def beta(u), do: -2 * :math.log(1 + :math.exp(-u)) - 5 * :math.log(1 + :math.exp(u))
  def gamma(u), do: 3 * u - 2 * :math.exp(u)
  def lognormal(u), do: -0.5 * ((u - 0.2) / 0.7) ** 2
  def exponential(u), do: u - 1.5 * :math.exp(u)
  def halfnormal(u), do: u - 0.5 * :math.exp(2 * u) / 1.3 ** 2
  def studentt(u), do: -2.5 * :math.log(1 + ((u - 0.2) / 0.9) ** 2 / 4)
  def weibull(u), do: 1.8 * u - (:math.exp(u) / 1.2) ** 1.8
  def halfcauchy(u), do: u - :math.log(1 + :math.exp(2 * u) / 4)

  test "the constants make densities integrate to one" do
    h = 0.02

    for {name, lp, const} <- @families do
      {low, high} = if name == "studentt", do: {-400, 400}, else: {-45, 45}
      steps = round((high - low) / h)
      total = Enum.sum(for i <- 0..steps, do: h * :math.exp(max(lp.(low + i * h) + const, -700)))
      assert_in_delta total, 1.0, 1.0e-8, name
    end

    # Cauchy, over the angle: its tails are too long for a sum.
    assert_in_delta F32.cauchy_const(2), -:math.log(2 * :math.pi()), 1.0e-15
  end

  test "with the constants of the checked vectors: the first log density of four coordinates" do
    q = [0.35, -0.2, 0.55, 0.1]
    p = [0.2, -0.1, 0.05, -0.3]
    mass = [1.0, 0.5, 2.0, 1.0]

    # Beta(2, 5): one leapfrog step of 0.05, gradient 2 - 7 sigmoid(u).
    gradient = fn u -> 2 - 7 / (1 + :math.exp(-u)) end
    q1 = Enum.zip_with([q, p, mass], fn [q, p, m] -> q + 0.05 * m * (p + 0.025 * gradient.(q)) end)
    assert_in_delta Enum.sum(Enum.map(q1, &beta/1)) + 4 * F32.beta_const(2, 5), -7.395898409979, 1.0e-11

    gradient = fn u -> 3 - 2 * :math.exp(u) end
    q1 = Enum.zip_with([q, p, mass], fn [q, p, m] -> q + 0.05 * m * (p + 0.025 * gradient.(q)) end)
    assert_in_delta Enum.sum(Enum.map(q1, &gamma/1)) + 4 * F32.gamma_const(3, 2), -2.221107486168, 1.0e-11
  end
end

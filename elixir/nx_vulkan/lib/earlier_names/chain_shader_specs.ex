defmodule Nx.Vulkan.ChainShaderSpecs do
  @moduledoc """
  Families of chain shaders in f32 for `Nx.Vulkan.Synthesis`, under the names that existing code uses, their push constants in its layouts, and
  the log densities' constants that go with them. Push constants are little-endian and without padding.

  | family | coordinate | parameters |
  | --- | --- | --- |
  | `beta/0`, `gamma/0`, `lognormal/0` | logit, logarithm, logarithm | in the push constants: `beta_push/6`, `gamma_push/6`, `lognormal_push/5` |
  | `beta/3`, `gamma/3`, `lognormal/2` | the same | in the text; the push constants are `push/4` or `batch_push/5` |

  | function | fields, in order | bytes |
  | --- | --- | --- |
  | `beta_push/6`, `gamma_push/6` | `n u32, k u32, eps f32, alpha f32, beta f32, logp_const f32` | 24 |
  | `lognormal_push/5` | `n u32, k u32, eps f32, mu f32, sigma f32, logp_const f32` | 24 |
  | `push/4` | `k u32, n_obs u32, d u32, 0 u32, eps f32` | 20 |
  | `batch_push/5` | `k u32, n_obs u32, d u32, n_instances u32, eps f32` | 20 |

  `n` and `d` are the dimension, the number of independent coordinates, and not one of chains. `k` is the number of leapfrog steps.

  ## Constants

  What makes a log density over unconstrained coordinates (its log-Jacobian included) integrate to one. They are **for each coordinate**: a
  shader that adds its constant once a chain (Weibull's does) takes it times `d`.

  | family | function | constant |
  | --- | --- | --- |
  | Normal(mu, sigma) | `normal_const/1` | `-log sigma - log(2 pi) / 2` |
  | Beta(alpha, beta) | `beta_const/2` | `lgamma(alpha + beta) - lgamma alpha - lgamma beta` |
  | Gamma(alpha, rate beta) | `gamma_const/2` | `alpha log beta - lgamma alpha` |
  | Lognormal(mu, sigma) | `lognormal_const/1` | `-log(2 pi sigma^2) / 2` |
  | Exponential(lambda) | `exponential_const/1` | `log lambda` |
  | HalfNormal(sigma) | `halfnormal_const/1` | `log(2 / pi) / 2 - log sigma` |
  | StudentT(mu, sigma, nu) | `studentt_const/2` | `lgamma((nu + 1) / 2) - lgamma(nu / 2) - log(pi nu) / 2 - log sigma` |
  | Cauchy(loc, scale) | `cauchy_const/1` | `-log(pi scale)` |
  | Weibull(shape k, lambda) | `weibull_const/2` | `log k - k log lambda` |
  | HalfCauchy(scale) | `halfcauchy_const/1` | `log 2 - log(pi scale)` |

  Where shaders want another form of it, `log_pi_scale` is `-cauchy_const(scale)`. Parameters are positive numbers, except locations.
  """

  alias GpuNode.Special
  alias Nx.Vulkan.ShaderTemplate.FamilySpec

  @type count :: non_neg_integer
  @type push :: binary

  @log_2pi 1.8378770664093453
  @log_pi 1.1447298858494002
  @log_2 0.6931471805599453

  ## Families. Every constant is that of one coordinate.

  @doc "Beta over the logit, parameters in the push constants."
  @spec beta() :: FamilySpec.t()
  def beta, do: pushed(beta_density(), ["alpha", "beta_param", "logp_const"])

  @doc "Beta over the logit; `logp_const` as `beta_const/2` has it."
  @spec beta(number, number, number) :: FamilySpec.t()
  def beta(alpha, beta, logp_const),
    do: baked(beta_density(), %{"alpha" => alpha, "beta_param" => beta, "logp_const" => logp_const})

  @doc "Gamma of a rate over the logarithm, parameters in the push constants."
  @spec gamma() :: FamilySpec.t()
  def gamma, do: pushed(gamma_density(), ["alpha", "beta_param", "logp_const"])

  @doc "Gamma of a rate `beta` over the logarithm; `logp_const` as `gamma_const/2` has it."
  @spec gamma(number, number, number) :: FamilySpec.t()
  def gamma(alpha, beta, logp_const),
    do: baked(gamma_density(), %{"alpha" => alpha, "beta_param" => beta, "logp_const" => logp_const})

  @doc "Lognormal over the logarithm, parameters in the push constants."
  @spec lognormal() :: FamilySpec.t()
  def lognormal, do: pushed(lognormal_density(), ["mu", "sigma", "logp_const"])

  @doc "Lognormal over the logarithm."
  @spec lognormal(number, number) :: FamilySpec.t()
  def lognormal(mu, sigma),
    do: baked(lognormal_density(), %{"mu" => mu, "sigma" => sigma, "logp_const" => lognormal_const(sigma)})

  @doc "The same family for several instances in one dispatch, whose push constants are `batch_push/5`."
  @spec batched(FamilySpec.t()) :: FamilySpec.t()
  def batched(%FamilySpec{batched: true} = spec), do: spec
  def batched(%FamilySpec{} = spec), do: %{spec | name: spec.name <> "_batch", batched: true}

  # log(sigmoid(q)) = min(q, 0) - log(1 + e^-|q|), and log(1 - sigmoid(q)) is that less q: neither overflows, neither cancels.
  defp beta_density do
    %FamilySpec{
      name: "beta",
      grad_block: "float grad_q = pc.alpha - (pc.alpha + pc.beta_param) / (1.0 + exp(-qi));",
      logp_block: """
      float log_s = min(qi, 0.0) - log(1.0 + exp(-abs(qi)));
      float lp_i = pc.alpha * log_s + pc.beta_param * (log_s - qi);
      """,
      logp_final: "partial[0]"
    }
  end

  defp gamma_density do
    %FamilySpec{
      name: "gamma",
      grad_block: "float grad_q = pc.alpha - pc.beta_param * exp(qi);",
      logp_block: "float lp_i = pc.alpha * qi - pc.beta_param * exp(qi);",
      logp_final: "partial[0]"
    }
  end

  # The log-Jacobian cancels: a normal density of the logarithm.
  defp lognormal_density do
    %FamilySpec{
      name: "lognormal",
      grad_block: "float grad_q = -(qi - pc.mu) / (pc.sigma * pc.sigma);",
      logp_block: "float z = (qi - pc.mu) / pc.sigma;\nfloat lp_i = -0.5 * z * z;",
      logp_final: "partial[0]"
    }
  end

  defp pushed(density, fields) do
    %{
      density
      | push_fields: Enum.map_join(fields, "\n", &"  float #{&1};"),
        logp_final: density.logp_final <> " + float(pc.n) * pc.logp_const"
    }
  end

  defp baked(density, params),
    do: %{density | params: params, logp_final: density.logp_final <> " + float(pc.d) * pc.logp_const"}

  ## Push constants

  @doc "Push constants of the Beta shader; `logp_const` as `beta_const/2` has it."
  @spec beta_push(count, count, number, number, number, number) :: push
  def beta_push(n, k, eps, alpha, beta, logp_const), do: counted(n, k, [eps, alpha, beta, logp_const])

  @doc "Push constants of the Gamma shader, of a rate `beta`; `logp_const` as `gamma_const/2` has it."
  @spec gamma_push(count, count, number, number, number, number) :: push
  def gamma_push(n, k, eps, alpha, beta, logp_const), do: counted(n, k, [eps, alpha, beta, logp_const])

  @doc "Push constants of the Lognormal shader, with the constant of `lognormal_const/1`."
  @spec lognormal_push(count, count, number, number, number) :: push
  def lognormal_push(n, k, eps, mu, sigma), do: counted(n, k, [eps, mu, sigma, lognormal_const(sigma)])

  @doc "The header of a shader whose parameters are in its code."
  @spec push(count, count, count, number) :: push
  def push(k, n_obs, d, eps), do: batch_push(k, n_obs, d, 0, eps)

  @doc "The header of a shader for several instances in one dispatch."
  @spec batch_push(count, count, count, count, number) :: push
  def batch_push(k, n_obs, d, n_instances, eps),
    do: <<k::little-32, n_obs::little-32, d::little-32, n_instances::little-32, eps::float-little-32>>

  defp counted(n, k, floats),
    do: <<n::little-32, k::little-32, for(x <- floats, into: <<>>, do: <<x::float-little-32>>)::binary>>

  ## Constants

  @doc "The constant of a normal density."
  @spec normal_const(number) :: float
  def normal_const(sigma), do: -:math.log(sigma) - 0.5 * @log_2pi

  @doc "The constant of a beta density over the logit."
  @spec beta_const(number, number) :: float
  def beta_const(alpha, beta), do: Special.lgamma(alpha + beta) - Special.lgamma(alpha) - Special.lgamma(beta)

  @doc "The constant of a gamma density, of a rate, over the logarithm."
  @spec gamma_const(number, number) :: float
  def gamma_const(alpha, beta), do: alpha * :math.log(beta) - Special.lgamma(alpha)

  @doc "The constant of a lognormal density over the logarithm."
  @spec lognormal_const(number) :: float
  def lognormal_const(sigma), do: normal_const(sigma)

  @doc "The constant of an exponential density over the logarithm."
  @spec exponential_const(number) :: float
  def exponential_const(lambda), do: :math.log(lambda)

  @doc "The constant of a half-normal density over the logarithm."
  @spec halfnormal_const(number) :: float
  def halfnormal_const(sigma), do: 0.5 * (@log_2 - @log_pi) - :math.log(sigma)

  @doc "The constant of Student's density."
  @spec studentt_const(number, number) :: float
  def studentt_const(sigma, nu) do
    Special.lgamma((nu + 1) / 2) - Special.lgamma(nu / 2) - 0.5 * (@log_pi + :math.log(nu)) - :math.log(sigma)
  end

  @doc "The constant of a Cauchy density."
  @spec cauchy_const(number) :: float
  def cauchy_const(scale), do: -@log_pi - :math.log(scale)

  @doc "The constant of a Weibull density over the logarithm."
  @spec weibull_const(number, number) :: float
  def weibull_const(shape, lambda), do: :math.log(shape) - shape * :math.log(lambda)

  @doc "The constant of a half-Cauchy density over the logarithm."
  @spec halfcauchy_const(number) :: float
  def halfcauchy_const(scale), do: @log_2 + cauchy_const(scale)
end

defmodule Nx.Vulkan.ChainShaderSpecsF64 do
  @moduledoc """
  Families of chain shaders in f64 for `Nx.Vulkan.Synthesis`, and push constants in f64, little-endian. The constants are those of
  `Nx.Vulkan.ChainShaderSpecs`: of one coordinate each.

  | family | coordinate |
  | --- | --- |
  | `normal/2`, `cauchy/3`, `studentt/4` | the number itself |
  | `exponential/1`, `halfnormal/2`, `weibull/3` | its logarithm |

  Their exponentials and logarithms are of the node's library, in full double precision. Their push constants are `push/4`, or
  `batch_push/5` for `batched/1`.

  | function | fields, in order | bytes |
  | --- | --- | --- |
  | `push/4` | `k u32, n_obs u32, d u32, 0 u32, eps f64` | 24 |
  | `batch_push/5` | `k u32, n_obs u32, d u32, n_instances u32, eps f64` | 24 |
  | `normal_push/5` | `n u32, k u32, eps f64, mu f64, sigma f64` | 32 |
  | `cauchy_push/5` | `n u32, k u32, eps f64, loc f64, scale f64, log_pi_scale f64` | 40 |
  | `exponential_push/4` | `n u32, k u32, eps f64, lambda f64` | 24 |
  | `halfnormal_push/4` | `n u32, k u32, eps f64, sigma f64, log_const f64` | 32 |
  | `studentt_push/6` | `n u32, k u32, eps f64, mu f64, sigma f64, nu f64, logp_const f64` | 48 |
  | `weibull_push/5` | `n u32, k u32, eps f64, shape f64, lambda f64, logp_const f64` | 40 |

  The first two are the headers of shaders whose parameters are in their code; the others are of the shaders that take them, with
  `n` the dimension. `weibull_push/5` has the constant of all `n` coordinates, as that shader adds it once; `weibull/3` takes that of one.
  """

  alias Nx.Vulkan.ChainShaderSpecs
  alias Nx.Vulkan.ShaderTemplate.FamilySpec

  @type count :: non_neg_integer
  @type push :: binary

  ## Families

  @doc "Normal."
  @spec normal(number, number) :: FamilySpec.t()
  def normal(mu, sigma) do
    family("normal", %{"mu" => mu, "sigma" => sigma, "logp_const" => ChainShaderSpecs.normal_const(sigma)},
      grad_block: "double grad_q = -(qi - pc.mu) / (pc.sigma * pc.sigma);",
      logp_block: "double z = (qi - pc.mu) / pc.sigma;\ndouble lp_i = -0.5lf * z * z;"
    )
  end

  @doc "Cauchy; `log_pi_scale` is log(pi scale), `-ChainShaderSpecs.cauchy_const(scale)`."
  @spec cauchy(number, number, number) :: FamilySpec.t()
  def cauchy(loc, scale, log_pi_scale) do
    family("cauchy", %{"loc" => loc, "scale" => scale, "logp_const" => -log_pi_scale},
      grad_block: "double r = qi - pc.loc;\ndouble grad_q = -2.0lf * r / (pc.scale * pc.scale + r * r);",
      logp_block: "double z = (qi - pc.loc) / pc.scale;\ndouble lp_i = -m_log1p(z * z);"
    )
  end

  @doc "Exponential of a rate, over the logarithm."
  @spec exponential(number) :: FamilySpec.t()
  def exponential(lambda) do
    family("exponential", %{"lambda" => lambda, "logp_const" => ChainShaderSpecs.exponential_const(lambda)},
      grad_block: "double grad_q = 1.0lf - pc.lambda * m_exp(qi);",
      logp_block: "double lp_i = qi - pc.lambda * m_exp(qi);"
    )
  end

  @doc "HalfNormal over the logarithm; `log_const` as `ChainShaderSpecs.halfnormal_const/1` has it."
  @spec halfnormal(number, number) :: FamilySpec.t()
  def halfnormal(sigma, log_const) do
    family("halfnormal", %{"sigma" => sigma, "logp_const" => log_const},
      grad_block: "double grad_q = 1.0lf - m_exp(2.0lf * qi) / (pc.sigma * pc.sigma);",
      logp_block: "double lp_i = qi - 0.5lf * m_exp(2.0lf * qi) / (pc.sigma * pc.sigma);"
    )
  end

  @doc "StudentT of `nu` degrees of freedom; `logp_const` as `ChainShaderSpecs.studentt_const/2` has it."
  @spec studentt(number, number, number, number) :: FamilySpec.t()
  def studentt(mu, sigma, nu, logp_const) do
    family("studentt", %{"mu" => mu, "sigma" => sigma, "nu" => nu, "logp_const" => logp_const},
      grad_block: """
      double r = qi - pc.mu;
      double grad_q = -(pc.nu + 1.0lf) * r / (pc.nu * pc.sigma * pc.sigma + r * r);
      """,
      logp_block: """
      double z = (qi - pc.mu) / pc.sigma;
      double lp_i = -0.5lf * (pc.nu + 1.0lf) * m_log1p(z * z / pc.nu);
      """
    )
  end

  @doc "Weibull over the logarithm; `logp_const` as `ChainShaderSpecs.weibull_const/2` has it, of one coordinate."
  @spec weibull(number, number, number) :: FamilySpec.t()
  def weibull(shape, lambda, logp_const) do
    params = %{"shape" => shape, "log_lambda" => :math.log(lambda), "logp_const" => logp_const}

    family("weibull", params,
      # (e^q / lambda)^shape, without a power.
      grad_block: "double grad_q = pc.shape - pc.shape * m_exp(pc.shape * (qi - pc.log_lambda));",
      logp_block: "double lp_i = pc.shape * qi - m_exp(pc.shape * (qi - pc.log_lambda));"
    )
  end

  @doc "One of each, with usual parameters and normalised; called `normal_f64` and so on."
  @spec all() :: [FamilySpec.t()]
  def all do
    [
      normal(0.0, 1.0),
      cauchy(0.0, 1.0, -ChainShaderSpecs.cauchy_const(1.0)),
      exponential(1.0),
      halfnormal(1.0, ChainShaderSpecs.halfnormal_const(1.0)),
      studentt(0.0, 1.0, 4.0, ChainShaderSpecs.studentt_const(1.0, 4.0)),
      weibull(2.0, 1.0, ChainShaderSpecs.weibull_const(2.0, 1.0))
    ]
  end

  @doc "See `Nx.Vulkan.ChainShaderSpecs.batched/1`."
  @spec batched(FamilySpec.t()) :: FamilySpec.t()
  defdelegate batched(spec), to: ChainShaderSpecs

  defp family(name, params, blocks) do
    fields = [
      name: name <> "_f64",
      dtype: :f64,
      params: params,
      logp_final: "partial[0] + double(pc.d) * pc.logp_const"
    ]

    struct!(FamilySpec, fields ++ blocks)
  end

  ## Push constants

  @doc "The header of a shader whose parameters are in its code."
  @spec push(count, count, count, number) :: push
  def push(k, n_obs, d, eps), do: batch_push(k, n_obs, d, 0, eps)

  @doc "The header of a shader for several instances in one dispatch."
  @spec batch_push(count, count, count, count, number) :: push
  def batch_push(k, n_obs, d, n_instances, eps),
    do: <<k::little-32, n_obs::little-32, d::little-32, n_instances::little-32, eps::float-little-64>>

  @doc "Push constants of the Normal shader."
  @spec normal_push(count, count, number, number, number) :: push
  def normal_push(n, k, eps, mu, sigma), do: counted(n, k, [eps, mu, sigma])

  @doc "Push constants of the Cauchy shader, with `log(pi scale)`."
  @spec cauchy_push(count, count, number, number, number) :: push
  def cauchy_push(n, k, eps, loc, scale),
    do: counted(n, k, [eps, loc, scale, -ChainShaderSpecs.cauchy_const(scale)])

  @doc "Push constants of the Exponential shader."
  @spec exponential_push(count, count, number, number) :: push
  def exponential_push(n, k, eps, lambda), do: counted(n, k, [eps, lambda])

  @doc "Push constants of the HalfNormal shader."
  @spec halfnormal_push(count, count, number, number) :: push
  def halfnormal_push(n, k, eps, sigma), do: counted(n, k, [eps, sigma, ChainShaderSpecs.halfnormal_const(sigma)])

  @doc "Push constants of the StudentT shader."
  @spec studentt_push(count, count, number, number, number, number) :: push
  def studentt_push(n, k, eps, mu, sigma, nu),
    do: counted(n, k, [eps, mu, sigma, nu, ChainShaderSpecs.studentt_const(sigma, nu)])

  @doc "Push constants of the Weibull shader, whose constant is that of all coordinates."
  @spec weibull_push(count, count, number, number, number) :: push
  def weibull_push(n, k, eps, shape, lambda),
    do: counted(n, k, [eps, shape, lambda, n * ChainShaderSpecs.weibull_const(shape, lambda)])

  defp counted(n, k, floats),
    do: <<n::little-32, k::little-32, for(x <- floats, into: <<>>, do: <<x::float-little-64>>)::binary>>
end

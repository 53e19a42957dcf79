defmodule Nx.Vulkan.ChainShaderSpecsF64 do
  @moduledoc """
  Push constants of chain shaders in f64, little-endian, and what each family's parameters are in them. The constants are those of
  `Nx.Vulkan.ChainShaderSpecs`.

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
  `n` the dimension. `weibull_push/5` has the constant of all `n` coordinates, as that shader adds it once.
  """

  alias Nx.Vulkan.ChainShaderSpecs

  @type count :: non_neg_integer
  @type push :: binary

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

defmodule Nx.Vulkan.Test.Chains do
  @moduledoc false
  # Chains for tests of leapfrog shaders: numbers as bytes, checked trajectories, calls.

  alias Nx.Vulkan.{ChainShaderSpecs, ChainShaderSpecsF64, NativeV, Synthesis}
  alias Nx.Vulkan.ShaderTemplate.FamilySpec

  def f32(list), do: for(x <- List.wrap(list), into: <<>>, do: <<x::float-little-32>>)
  def f64(list), do: for(x <- List.wrap(list), into: <<>>, do: <<x::float-little-64>>)

  @doc "The floats of a binary; one that is NaN or infinite is an atom, so that none is lost."
  def floats(binary, bits), do: GpuNode.Element.decode_all(binary, {:f, bits})

  def finite?(binary, bits), do: Enum.all?(floats(binary, bits), &is_float/1)

  def spv!(spec) do
    case Synthesis.compile(spec) do
      {:ok, path} -> path
      {:error, %{stderr: text}} -> raise text
    end
  end

  @doc "Steps of one chain: `{q, p, gradient, logp}` as binaries."
  def run!(spec, q, p, mass, k, eps) do
    d = length(q)
    make = if spec.dtype == :f64, do: &f64/1, else: &f32/1
    {:ok, chains} = call(spec, make.(q), make.(p), make.(mass), push(spec, k, d, eps), k, spv!(spec))
    chains
  end

  def push(%{dtype: :f64}, k, d, eps), do: ChainShaderSpecsF64.push(k, 0, d, eps)
  def push(%{dtype: :f32}, k, d, eps), do: ChainShaderSpecs.push(k, 0, d, eps)

  def call(%{dtype: :f64}, q, p, extras, push, k, spv), do: NativeV.leapfrog_chain_synth_f64(q, p, extras, push, k, spv)
  def call(%{dtype: :f32}, q, p, extras, push, k, spv), do: NativeV.leapfrog_chain_synth(q, p, extras, push, k, spv)

  def call_batch(%{dtype: :f64}, q, p, extras, push, k, spv),
    do: NativeV.leapfrog_chain_synth_batch_f64(q, p, extras, push, k, spv)

  def call_batch(%{dtype: :f32}, q, p, extras, push, k, spv),
    do: NativeV.leapfrog_chain_synth_batch(q, p, extras, push, k, spv)

  ## Trajectories that were computed elsewhere, in f64.

  @doc "Where they begin: q, p, inverse mass, step size, steps."
  def start, do: {[0.35, -0.2, 0.55, 0.1], [0.2, -0.1, 0.05, -0.3], [1.0, 0.5, 2.0, 1.0], 0.05, 3}

  @doc "`{spec, q after three steps, p after three steps, log density after each step}`."
  def vectors do
    c = &apply(ChainShaderSpecs, &1, &2)

    [
      {ChainShaderSpecsF64.normal(0.3, 1.7), [0.37977088096, -0.206522772415, 0.563021290405, 0.055829989678],
       [0.196630299703, -0.073871631588, 0.036670916021, -0.288466443283],
       [-5.861778825262, -5.863899600491, -5.866040131111]},
      {beta64(2, 5, c.(:beta_const, [2, 5])), [0.35620136283, -0.213944303454, 0.510258466775, 0.036474426828],
       [-0.117636665858, -0.271110273712, -0.312961277311, -0.543614166645],
       [-7.395898409979, -7.328257146276, -7.21378127987]},
      {gamma64(3, 2, c.(:gamma_const, [3, 2])), [0.381526792084, -0.199825726051, 0.554278907438, 0.064179126091],
       [0.217578596692, 0.104638586634, -0.021928830277, -0.175235331397],
       [-2.221107486168, -2.230450221068, -2.235067388519]},
      {lognormal64(0.2, 0.7), [0.376364005033, -0.202890475256, 0.548834153924, 0.057593847748],
       [0.149875543968, 0.023100932777, -0.057699561908, -0.262770169709],
       [-2.580687231254, -2.58766534628, -2.591288822846]},
      {ChainShaderSpecsF64.exponential(1.5), [0.367134721913, -0.208766417113, 0.529054606414, 0.047865785323],
       [0.027337947416, -0.133443552703, -0.187985644042, -0.39254842185],
       [-5.193047957193, -5.17707330875, -5.145151771935]},
      {ChainShaderSpecsF64.halfnormal(1.3, c.(:halfnormal_const, [1.3])),
       [0.377612120376, -0.204098445497, 0.547356080572, 0.05832404475],
       [0.166093232933, -0.009192964876, -0.067338947575, -0.25391355522],
       [-3.206771574547, -3.213270126812, -3.216323032615]},
      {ChainShaderSpecsF64.studentt(0.2, 0.9, 4, c.(:studentt_const, [0.9, 4])),
       [0.377269597061, -0.204178216531, 0.553206198302, 0.056954999734],
       [0.162340026909, -0.011249290877, -0.028760281926, -0.271930961751],
       [-3.74810545614, -3.754474400555, -3.75917317798]},
      {ChainShaderSpecsF64.cauchy(0.1, 2, -c.(:cauchy_const, [2])),
       [0.378568912873, -0.20666929978, 0.560145436002, 0.055074966035],
       [0.180504579089, -0.077752870641, 0.017503379282, -0.29831437849],
       [-7.441254536456, -7.443725272092, -7.446046491334]},
      {ChainShaderSpecsF64.weibull(1.8, 1.2, c.(:weibull_const, [1.8, 1.2])),
       [0.372476126995, -0.202449234046, 0.527164971738, 0.058186501091],
       [0.096607091445, 0.034808635072, -0.197920355196, -0.254074503492],
       [-2.189996544685, -2.187381247588, -2.170343377267]}
    ]
  end

  @doc "The trajectory of a family by name, and the families in f32 that have one."
  def vector(name), do: Enum.find(vectors(), fn {spec, _, _, _} -> spec.name == name end)

  def baked32 do
    [
      {ChainShaderSpecs.beta(2, 5, ChainShaderSpecs.beta_const(2, 5)), "beta_f64"},
      {ChainShaderSpecs.gamma(3, 2, ChainShaderSpecs.gamma_const(3, 2)), "gamma_f64"},
      {ChainShaderSpecs.lognormal(0.2, 0.7), "lognormal_f64"}
    ]
  end

  # The families in f32, as somebody would write them in f64.
  def beta64(alpha, beta, const) do
    family64("beta_f64", %{alpha: alpha, beta: beta, const: const},
      grad_block: "double grad_q = pc.alpha - (pc.alpha + pc.beta) * m_sigmoid(qi);",
      logp_block: "double lp_i = pc.alpha * m_log_sigmoid(qi) + pc.beta * m_log_sigmoid(-qi);"
    )
  end

  def gamma64(alpha, beta, const) do
    family64("gamma_f64", %{alpha: alpha, beta: beta, const: const},
      grad_block: "double grad_q = pc.alpha - pc.beta * m_exp(qi);",
      logp_block: "double lp_i = pc.alpha * qi - pc.beta * m_exp(qi);"
    )
  end

  def lognormal64(mu, sigma), do: %{ChainShaderSpecsF64.normal(mu, sigma) | name: "lognormal_f64"}

  defp family64(name, params, blocks) do
    fields = [name: name, dtype: :f64, params: params, logp_final: "partial[0] + double(pc.d) * pc.const"]
    struct!(FamilySpec, fields ++ blocks)
  end
end

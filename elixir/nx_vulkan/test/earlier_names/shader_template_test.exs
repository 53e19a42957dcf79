defmodule Nx.Vulkan.ShaderTemplateTest do
  # The text alone; that it compiles and computes is tested where a node is.
  use ExUnit.Case, async: true
  alias Nx.Vulkan.{ChainShaderSpecs, ChainShaderSpecsF64, ShaderTemplate}
  alias Nx.Vulkan.ShaderTemplate.FamilySpec

  defp spec(fields \\ []) do
    struct!(
      %FamilySpec{
        name: "demo",
        grad_block: "float grad_q = in_bounds ? -pc.p1 * qi : 0.0;",
        logp_block: "float lp_i = in_bounds ? -0.5 * pc.p1 * qi * qi : 0.0;",
        logp_final: "partial[0] + float(pc.d) * pc.p2",
        params: %{"p1" => 1.5, "p2" => 2.25}
      },
      fields
    )
  end

  # Every pc.field of the text, without the declarations.
  defp fields(glsl), do: ~r/\bpc\.\w+/ |> Regex.scan(glsl) |> List.flatten() |> Enum.uniq() |> Enum.sort()

  test "the skeleton: header, buffers, tree, and parameters as numbers" do
    glsl = ShaderTemplate.render(spec())
    assert String.starts_with?(glsl, "#version 450\n")

    for part <- [
          "for family: demo",
          "layout (local_size_x = 256) in;",
          "shared float partial[256];",
          "uint  K;\n  uint  n_obs;\n  uint  d;\n  uint  n_instances;\n  float eps;",
          "float grad_q = in_bounds ? -1.5 * qi : 0.0;",
          "float grad_qn = in_bounds ? -1.5 * qi : 0.0;",
          "float lp_i = in_bounds ? -0.5 * 1.5 * qi * qi : 0.0;",
          "= partial[0] + float(pc.d) * 2.25;",
          "#{ShaderTemplate.strided_mark()}()"
        ],
        do: assert(glsl =~ part)

    for binding <- 0..6, do: assert(glsl =~ "binding = #{binding})")
    assert fields(glsl) == ["pc.K", "pc.d", "pc.eps", "pc.n_obs"]
    assert glsl == ShaderTemplate.render(spec())
  end

  test "with push_fields: the other header, fields behind it, the inverse mass alone" do
    glsl =
      ShaderTemplate.render(
        spec(params: %{}, push_fields: "  float p1;\n  float p2;", logp_final: "partial[0] + float(pc.n) * pc.p2")
      )

    assert glsl =~ "uint  n;\n  uint  K;\n  float eps;\n  float p1;\n  float p2;\n} pc;"
    assert glsl =~ "inv_mass[first + i]"
    assert fields(glsl) == ["pc.K", "pc.eps", "pc.n", "pc.p1", "pc.p2"]
  end

  test "the block of a step's end is derived by renaming, or taken as it is" do
    block = "float q = exp(qi);\nfloat grad_q = 1.0 - q;"
    derived = ShaderTemplate.render(spec(grad_block: block))
    assert derived =~ "float qn = exp(qi);\nfloat grad_qn = 1.0 - qn;"
    assert derived =~ block
    own = ShaderTemplate.render(spec(grad_block: block, grad_block_n: "float grad_qn = 7.0;"))
    assert own =~ "float grad_qn = 7.0;"
    refute own =~ "float qn = exp(qi);"
  end

  test "numbers: f64 by their suffix, negative ones in parentheses, whole names only" do
    params = %{a: -2, ab: 1.0e-8, b: 3}

    glsl =
      ShaderTemplate.render(
        spec(dtype: :f64, params: params, grad_block: "double grad_q = -pc.a * pc.ab + pc.b * pc.K;")
      )

    assert glsl =~ "double grad_q = -(-2.0lf) * 1.0e-8lf + 3.0lf * pc.K;"
    assert glsl =~ "shared double partial[256];"
    assert glsl =~ "double eps;"
  end

  test "the library's functions that are called, and no others, are asked for" do
    glsl =
      ShaderTemplate.render(
        spec(
          dtype: :f64,
          helpers: "double m_own(double x) { return m_log1p(x); }",
          grad_block: "double grad_q = m_exp(qi) + m_own(qi);",
          logp_block: "double lp_i = m_exp (qi);"
        )
      )

    assert glsl =~ "\n#pragma gpu_node_library m_exp.f64 m_log1p.f64\n"
    refute ShaderTemplate.render(spec()) =~ "#pragma"

    assert ShaderTemplate.render(spec(grad_block: "float grad_q = m_exp(qi);")) =~
             "#pragma gpu_node_library m_exp.f32\n"
  end

  test "what is no spec is refused, with what is wrong" do
    for {fields, message} <- [
          {[dtype: :f16], "dtype of family demo is :f32 or :f64, got: :f16"},
          {[params: %{"p1" => "1.0; }"}], "parameter p1 of family demo is no number"},
          {[push_fields: "float x;"], "both params and push_fields"},
          {[grad_block: nil], "grad_block of a family spec is a text, got: nil"},
          {[name: "two\n#error"], "one line of text"}
        ] do
      assert_raise ArgumentError, ~r/#{Regex.escape(message)}/, fn -> ShaderTemplate.render(spec(fields)) end
    end
  end

  test "every family of the catalogue is another text, batched ones too, and carries no parameter by name" do
    baked = [ChainShaderSpecs.beta(2.0, 5.0, 1.7), ChainShaderSpecs.gamma(3, 2, 0.9), ChainShaderSpecs.lognormal(0, 1)]
    specs = baked ++ ChainShaderSpecsF64.all()

    assert Enum.map(ChainShaderSpecsF64.all(), & &1.name) ==
             ~w(normal cauchy exponential halfnormal studentt weibull) |> Enum.map(&(&1 <> "_f64"))

    for spec <- specs, do: assert(fields(ShaderTemplate.render(spec)) == ["pc.K", "pc.d", "pc.eps", "pc.n_obs"])
    pushed = [ChainShaderSpecs.beta(), ChainShaderSpecs.gamma(), ChainShaderSpecs.lognormal()]
    all = specs ++ pushed ++ Enum.map(specs, &ChainShaderSpecsF64.batched/1)
    assert length(Enum.uniq_by(all, &ShaderTemplate.render/1)) == length(all)
    batched = ChainShaderSpecs.batched(hd(baked))
    assert ChainShaderSpecs.batched(batched) == batched
    # The same but for what it is called: so it computes the same bits.
    assert String.replace(ShaderTemplate.render(batched), ~r/^\/\/.*$/m, "") ==
             String.replace(ShaderTemplate.render(hd(baked)), ~r/^\/\/.*$/m, "")
  end
end

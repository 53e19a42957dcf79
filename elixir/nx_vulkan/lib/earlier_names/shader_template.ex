defmodule Nx.Vulkan.ShaderTemplate do
  @moduledoc """
  Leapfrog steps of Hamiltonian dynamics as a GLSL compute shader, around the gradient and the log density of a family.

      glsl = Nx.Vulkan.ShaderTemplate.render(Nx.Vulkan.ChainShaderSpecs.gamma(3.0, 2.0, -0.6931))

  Every step is

      p += eps / 2 * gradient(q);  q += eps * inv_mass * p;  p += eps / 2 * gradient(q)

  and row k of every output is the state **after** step k. The gradient at the end of a step is that of the next one's beginning.

  One workgroup of 256 runs a chain, whatever its dimension; further chains are further workgroups, one after another in every
  buffer. The sum over coordinates is a tree over 256 lanes, each of which has every 256th coordinate.

  | | with `params` | with `push_fields` |
  | --- | --- | --- |
  | push constants | `K u32, n_obs u32, d u32, instances u32, eps` | `n u32, K u32, eps`, then the fields |
  | binding 0, 1 | q, p: `d` numbers | `n` numbers |
  | binding 2 | `n_obs` observations, then the inverse mass | the inverse mass |
  | outputs | bindings 3 to 6: q, p, gradient (K rows), log density (K numbers) | the same |

  Functions of `f64` that GLSL does not have (`m_exp`, `m_log`, `m_log1p`, `m_expm1`, `m_pow`, `m_sqrt`, `m_lgamma`, `m_digamma`, `m_erf`,
  `m_sigmoid`, `m_softplus`, `m_log_sigmoid`, ... of the node's own library) may be called in the blocks, in `f32` too: the text names those it calls in a
  `#pragma gpu_node_library` line, for which `Nx.Vulkan.Synthesis` has the node put them in.
  """

  alias Nx.Vulkan.ShaderTemplate.FamilySpec

  # The name of a function, which stays in the SPIR-V: whoever dispatches it may see that the dimension is not bounded by 256.
  @strided "gpu_node_strided_chain"

  @doc "The shader's text. Raises `ArgumentError` for a spec that is none."
  @spec render(FamilySpec.t()) :: String.t()
  def render(%FamilySpec{} = spec) do
    check!(spec)
    real = real(spec)

    """
    #version 450
    // A chain of leapfrog steps, #{if spec.batched, do: "for several instances, "}for family: #{spec.name}
    #{library(spec)}layout (local_size_x = 256) in;

    layout (push_constant, std430) uniform Push {
    #{push(spec, real)}
    } pc;

    #{buffers(spec, real)}
    shared #{real} partial[256];

    #{bake(spec.helpers, spec)}
    #{function("chain_gradient", "q", spec.grad_block, "grad_q", spec, real)}
    #{function("chain_gradient_n", "qn", gradient_n(spec), "grad_qn", spec, real)}
    #{function("chain_logp", "q", spec.logp_block, "lp_i", spec, real)}
    #{chain(spec, real)}
    void main() { #{@strided}(); }
    """
  end

  @doc false
  @spec strided_mark() :: String.t()
  def strided_mark, do: @strided

  ## Checks

  defp check!(spec) do
    for field <- [:name, :grad_block, :logp_block, :logp_final, :helpers], not is_binary(Map.fetch!(spec, field)) do
      raise ArgumentError, "#{field} of a family spec is a text, got: #{inspect(Map.fetch!(spec, field))}"
    end

    cond do
      spec.dtype not in [:f32, :f64] ->
        raise ArgumentError, "dtype of family #{spec.name} is :f32 or :f64, got: #{inspect(spec.dtype)}"

      String.contains?(spec.name, ["\n", "\r", "\\"]) ->
        raise ArgumentError, "the name of a family is one line of text, got: #{inspect(spec.name)}"

      spec.push_fields != nil and spec.params != %{} ->
        raise ArgumentError, "family #{spec.name} has both params and push_fields"

      param = Enum.find(spec.params, fn {_name, value} -> not is_number(value) end) ->
        raise ArgumentError,
              "parameter #{elem(param, 0)} of family #{spec.name} is no number: #{inspect(elem(param, 1))}"

      true ->
        :ok
    end
  end

  ## Pieces of the text

  defp real(%{dtype: :f32}), do: "float"
  defp real(%{dtype: :f64}), do: "double"

  defp dimension(%{push_fields: nil}), do: "pc.d"
  defp dimension(_spec), do: "pc.n"

  defp library(spec) do
    text = Enum.join([spec.helpers, spec.grad_block, gradient_n(spec), spec.logp_block, spec.logp_final], "\n")
    own = for [_, name] <- Regex.scan(~r/\b(?:float|double)\s+(m_\w+)\s*\(/, spec.helpers), do: name
    called = for [name] <- Regex.scan(~r/\bm_[a-z0-9_]+(?=\s*\()/, text), do: name

    case Enum.sort(Enum.uniq(called) -- own) do
      [] -> ""
      names -> "#pragma gpu_node_library #{Enum.map_join(names, " ", &"#{&1}.#{spec.dtype}")}\n"
    end
  end

  defp push(%{push_fields: nil}, real),
    do: "  uint  K;\n  uint  n_obs;\n  uint  d;\n  uint  n_instances;\n  #{real} eps;"

  defp push(spec, real), do: "  uint  n;\n  uint  K;\n  #{real} eps;\n" <> String.trim_trailing(spec.push_fields)

  defp buffers(spec, real) do
    third = if spec.push_fields, do: "inv_mass", else: "extras"

    for {name, binding} <-
          Enum.with_index(["q_init", "p_init", third, "q_chain", "p_chain", "grad_chain", "logp_chain"]),
        into: "" do
      access = if binding < 3, do: "readonly ", else: ""
      "layout (std430, set = 0, binding = #{binding}) #{access}buffer B#{binding} { #{real} #{name}[]; };\n"
    end
  end

  # The block in a scope of its own: it may declare what it likes.
  defp function(name, variable, block, result, spec, real) do
    """
    #{real} #{name}(#{real} qi, #{real} #{variable}, uint i, bool in_bounds) {
      {
    #{bake(String.trim_trailing(block), spec)}
        return #{result};
      }
    }
    """
  end

  defp gradient_n(%{grad_block_n: nil} = spec),
    do: Regex.replace(~r/\bq\b/, Regex.replace(~r/\bgrad_q\b/, spec.grad_block, "grad_qn"), "qn")

  defp gradient_n(spec), do: spec.grad_block_n

  defp chain(spec, real) do
    n = dimension(spec)
    mass = if spec.push_fields, do: "inv_mass[first + i]", else: "extras[chain * (pc.n_obs + pc.d) + pc.n_obs + i]"

    """
    #define ADD_HALF(half_width) \\
      if (lane < half_width) partial[lane] += partial[lane + half_width]; \\
      barrier();

    void #{@strided}() {
      uint lane = gl_LocalInvocationID.x;
      uint chain = gl_WorkGroupID.x;
      uint first = chain * #{n};
      #{real} half_eps = #{literal(0.5, spec.dtype)} * pc.eps;
      for (uint k = 0u; k < pc.K; ++k) {
        uint row = (chain * pc.K + k) * #{n};
        #{real} sum = #{literal(0.0, spec.dtype)};
        for (uint i = lane; i < #{n}; i += 256u) {
          // A lane reads only what it has written itself.
          uint before = row - #{n} + i;
          #{real} q = k == 0u ? q_init[first + i] : q_chain[before];
          #{real} p = k == 0u ? p_init[first + i] : p_chain[before];
          #{real} g;
          if (k == 0u) g = chain_gradient(q, q, i, true);
          else g = grad_chain[before];
          p = p + half_eps * g;
          q = q + pc.eps * #{mass} * p;
          g = chain_gradient_n(q, q, i, true);
          p = p + half_eps * g;
          q_chain[row + i] = q;
          p_chain[row + i] = p;
          grad_chain[row + i] = g;
          sum = sum + chain_logp(q, q, i, true);
        }
        partial[lane] = sum;
        barrier();
        // No loop: software drivers end an invocation's loops after so many iterations in all.
        ADD_HALF(128u) ADD_HALF(64u) ADD_HALF(32u) ADD_HALF(16u) ADD_HALF(8u) ADD_HALF(4u) ADD_HALF(2u) ADD_HALF(1u)
        if (lane == 0u) logp_chain[chain * pc.K + k] = #{bake(spec.logp_final, spec)};
        barrier();
      }
    }
    """
  end

  ## Numbers

  # `pc.name` of a parameter is its number.
  defp bake(text, %{params: params}) when params == %{}, do: text

  defp bake(text, spec) do
    Regex.replace(~r/\bpc\.([A-Za-z_]\w*)\b/, text, fn whole, name ->
      case Enum.find(spec.params, fn {key, _} -> to_string(key) == name end) do
        {_, value} -> literal(value, spec.dtype)
        nil -> whole
      end
    end)
  end

  # In parentheses when negative: a minus may stand before it.
  defp literal(value, dtype) do
    text = Float.to_string(value / 1) <> if(dtype == :f64, do: "lf", else: "")
    if value < 0, do: "(#{text})", else: text
  end
end

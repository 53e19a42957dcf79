defmodule Nx.Vulkan.Fast do
  @moduledoc """
  Expressions of Hamiltonian Monte Carlo by name, for code that has them: see `Nx.Vulkan.EarlierNames`. In a function that is compiled
  they are carried out with what is around them, as any ops are. `GpuNode.Chain` samples as a whole.
  """

  import Nx.Defn

  @doc "`q + eps * p`"
  defn(leapfrog_position(q, eps, p), do: q + eps * p)

  @doc "`p + half_eps * grad`"
  defn(leapfrog_momentum_half(p, half_eps, grad), do: p + half_eps * grad)

  @doc "`p + eps * grad`"
  defn(momentum_step(p, eps, grad), do: p + eps * grad)

  @doc "`p * inv_mass`"
  defn(inv_mass_apply(p, inv_mass), do: p * inv_mass)

  @doc "`sum(p * p * inv_mass) / 2`"
  defn(kinetic_energy(p, inv_mass), do: Nx.sum(p * p * inv_mass) * 0.5)

  @doc "The logarithm of the normal density of each element."
  defn normal_logpdf(x, mu, sigma) do
    z = (x - mu) / sigma
    z * z * -0.5 - Nx.log(sigma) - 0.9189385332046727
  end
end

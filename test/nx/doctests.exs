# The doctests of Nx, for an Nx without its own tests.
for module <- [Nx, Nx.LinAlg, Nx.Random, Nx.Constants, Nx.Batch, Nx.Defn, Nx.Defn.Kernel, Nx.Type, Nx.Shape] do
  defmodule Module.concat(NxDoctests, module) do
    use ExUnit.Case, async: true
    import Nx, only: :sigils
    doctest module, import: false
  end
end

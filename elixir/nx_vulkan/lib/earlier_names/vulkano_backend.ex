defmodule Nx.Vulkan.VulkanoBackend do
  @moduledoc """
  `Nx.Vulkan.Backend` under the name that applications already configure:

      Nx.global_default_backend(Nx.Vulkan.VulkanoBackend)

  Options, ops and tensors are those of `Nx.Vulkan.Backend`: what is made through either name mixes with the other's, and says
  `Nx.Vulkan.Backend` of itself.
  """

  @behaviour Nx.Backend
  alias Nx.Vulkan.Backend

  Code.ensure_compiled!(Backend)

  for {name, arity} <- Nx.Backend.behaviour_info(:callbacks), function_exported?(Backend, name, arity) do
    arguments = Macro.generate_arguments(arity, __MODULE__)
    @impl true
    defdelegate unquote(name)(unquote_splicing(arguments)), to: Backend
  end
end

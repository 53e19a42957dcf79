defmodule Nx.Vulkan.Constants do
  @moduledoc false
  # Counts the constants for which nothing was made, and says whether that is wanted: `config :nx_vulkan, fold_constants: false`
  # makes a tensor of each.

  @spec init() :: :ok
  def init, do: :persistent_term.put(__MODULE__, :counters.new(1, [:write_concurrency]))

  @doc "Whether a constant that is made now stays a number; counts it if so."
  @spec folded?() :: boolean
  def folded? do
    folded? = Nx.Vulkan.Config.get!(:fold_constants)
    if folded?, do: :counters.add(:persistent_term.get(__MODULE__), 1, 1)
    folded?
  end

  @spec count() :: non_neg_integer
  def count, do: :counters.get(:persistent_term.get(__MODULE__), 1)
end

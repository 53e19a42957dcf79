defmodule GpuNode.Diagnostics.Warning do
  @moduledoc """
  One thing that speaks against draws, found by `GpuNode.Diagnostics.warnings/2`.

    * `code` - what it is, from the table below
    * `variable` - the name of the parameter, or nil where it is about the run
    * `chains` - the numbers of the chains concerned, counted from 0, or nil for all
    * `value`, `bound` - what was found and what it was held against
    * `message` - a sentence that says both, which chains (the first few of them) and what to do, at most three lines of 100 columns.
      `to_string/1` gives it

  | code | when | `value`, `bound` |
  | --- | --- | --- |
  | `:never_moved` | chains whose draws are all one point | how many, 0 |
  | `:not_finite` | draws that are infinite or NaN | how many parameters' draws can be used: 0, 1 |
  | `:constant` | draws that are all one number | their spread, 0; 0 |
  | `:few_draws` | fewer than 6 draws a chain, too few for effective sample sizes | draws of a chain, 6 |
  | `:divergences` | any divergence | how many, 0 |
  | `:improper` | draws that are an eighth, a quarter and half of the run apart are ever further from each other, as of a walk that does not come back: by more than the bound from the first to the last | how many times, 1.5 |
  | `:rhat` | R-hat above 1.01, of two chains or more. It is about `1 + 1 / (2 n)` where half a chain is worth n independent draws, so many short chains have it too: more iterations for each draw (`:thin`) help | R-hat, 1.01 |
  | `:ess_bulk`, `:ess_tail` | effective sample sizes below 100 for each chain, of four chains at least and of 16 at most: beyond that the total counts | the size, 400 to 1,600 |
  | `:ebfmi` | E-BFMI below 0.3: of each chain, with fewer than 100 draws a chain of all together | the lowest, 0.3 |
  | `:max_steps` | more than a tenth of the paths are cut at `:max_steps`, or the path length was learned up to nine tenths of what that allows | the share, 0.1; or that of what is allowed, 0.9 |
  | `:acceptance` | mean acceptance 0.15 below the target, or a tenth of the rejections that the target allows | the acceptance, the target |
  | `:few_chains` | fewer than four chains | how many, 4 |
  """

  @enforce_keys [:code, :value, :bound, :message]
  defstruct [:code, :variable, :chains, :value, :bound, :message]

  @type code ::
          :never_moved
          | :not_finite
          | :constant
          | :few_draws
          | :divergences
          | :improper
          | :rhat
          | :ess_bulk
          | :ess_tail
          | :ebfmi
          | :max_steps
          | :acceptance
          | :few_chains
  @type t :: %__MODULE__{
          code: code,
          variable: GpuNode.Diagnostics.Draws.name() | nil,
          chains: [non_neg_integer] | nil,
          value: number | :infinity,
          bound: number,
          message: String.t()
        }

  defimpl String.Chars do
    def to_string(warning), do: warning.message
  end
end

defmodule GpuNode.Diagnostics.Paths do
  @moduledoc false
  # What speaks against the lengths of a sampler's paths: see GpuNode.Diagnostics.Warning.

  alias GpuNode.Diagnostics.Warning

  # Of the paths so many may be cut, and of what max_steps allows so much may be learned.
  @cut 0.1
  @near 0.9

  # Iteration n's path takes the share 1 - jitter (1 - v) of its length, v even from 0 to 1, in whole steps.
  @doc "The warning of a run whose paths are known."
  @spec max_steps(map | nil) :: [Warning.t()]
  def max_steps(%{steps: steps, max_steps: most, jitter: jitter, learned?: learned?}) when is_number(steps) do
    # A length that is a whole number of steps may be one more by rounding, which cuts nothing.
    over = 1 - most / (steps * (1 - 1.0e-9))

    cut =
      cond do
        jitter > 0 -> max(min(over / jitter, 1.0), 0.0)
        over > 0 -> 1.0
        true -> 0.0
      end

    cond do
      cut > @cut ->
        [
          new(
            :max_steps,
            cut,
            @cut,
            "#{percent(cut)} of the paths were cut at max_steps, #{most}, as the path length takes #{round(steps)}: chains go less far " <>
              "than they should; raise max_steps, or take a larger step size or a shorter path_length"
          )
        ]

      learned? and steps > @near * most ->
        [
          new(
            :max_steps,
            steps / most,
            @near,
            "The path length was learned up to what max_steps, #{most}, allows: chains may go less far than they should; " <>
              "raise max_steps, or take coordinates of like scales"
          )
        ]

      true ->
        []
    end
  end

  def max_steps(_unknown), do: []

  defp percent(share), do: "#{round(100 * share)} %"

  defp new(code, value, bound, message),
    do: %Warning{code: code, value: value, bound: bound, message: message <> "."}
end

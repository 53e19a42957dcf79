defmodule Nx.Vulkan.ShaderTemplate.FamilySpec do
  @moduledoc """
  A family of densities for `Nx.Vulkan.ShaderTemplate`: pieces of GLSL and the numbers in them.

  | field | meaning |
  | --- | --- |
  | `name` | what it is called; part of the text |
  | `dtype` | `:f32` (default) or `:f64`: the type of every number |
  | `grad_block` | statements that define `grad_q`, the gradient of the log density at `qi` |
  | `grad_block_n` | the same at the end of a step, defining `grad_qn`; `nil` (default): derived from `grad_block` |
  | `logp_block` | statements that define `lp_i`, the log density at `qi` |
  | `logp_final` | an expression: the log density of all coordinates, from their sum, `partial[0]` |
  | `params` | `%{"name" => number}`: `pc.name` stands for the number, which becomes part of the text |
  | `push_fields` | instead of `params`: declarations of further push constants, which are `pc.name` |
  | `helpers` | functions, before everything else |
  | `batched` | whether it is meant for several instances in a dispatch (see `ShaderTemplate`) |

  In the blocks `qi` (and `q`, or `qn` in `grad_block_n`) is the coordinate, `i` its number, `in_bounds` is true, and what the push
  constants' header has is `pc.K`, `pc.eps`, and `pc.d` (`pc.n` with `push_fields`), the number of coordinates.
  """

  @enforce_keys [:name, :grad_block, :logp_block, :logp_final]
  defstruct [
    :name,
    :grad_block,
    :grad_block_n,
    :logp_block,
    :logp_final,
    :push_fields,
    params: %{},
    helpers: "",
    dtype: :f32,
    batched: false
  ]

  @type t :: %__MODULE__{
          name: String.t(),
          grad_block: String.t(),
          grad_block_n: String.t() | nil,
          logp_block: String.t(),
          logp_final: String.t(),
          push_fields: String.t() | nil,
          params: %{optional(String.t() | atom) => number},
          helpers: String.t(),
          dtype: :f32 | :f64,
          batched: boolean
        }
end

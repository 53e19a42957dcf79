defmodule Nx.Vulkan.Explanation do
  @moduledoc """
  What a function of `Nx.Defn` comes to on a GPU node: what `Nx.Vulkan.explain/3` gives.

  `inspect/1`, `to_string/1` and IEx print it; `to_mermaid/1` is a picture, which Livebook shows by itself where `Kino` was there when this
  package was compiled, and else by `explanation |> Nx.Vulkan.Explanation.to_mermaid() |> Kino.Mermaid.new()`.

  Fields:

    * `node`, `fuse` - of which node it speaks, and whether that fuses
    * `arguments`, `captured`, `results` - `{value, type, shape}` of the arguments that are used, of tensors that the function closes over, of
      what it gives (a value of nil: known without running anything)
    * `steps` - in order, each a map with its `kind`:
      * `:program` - what the node does by one message: `ops`, how many it was told, and `groups`, what it carries out, each with its `kind` (`:map`:
        several elementwise ops as one; `:rows`: reductions of the same rows with what is computed beside them; `:product`: a dot or conv with
        what is computed of each of its elements where it is stored; `:instruction`; `:view`:
        nothing but another way to see a tensor; `:loop`: a `while` of the node, with the ops of its `condition` and its `body`), the names of its `ops`, what it
        `takes` and `gives`, its `dispatches`, `read_bytes`, `written_bytes`, and `apart`: `{group, why}` of those whose results it takes
        without being one with them (`GpuNode.explain/3` has the reasons)
      * `:while` - a loop that calls the host: the calling process asks for the `condition` and runs the `body`, lists of steps
      * `:cond` - it asks for the conditions of `clauses`, `{steps, steps}`, and runs one of those or the `last`
      * `:call` - it calls a hook or a function of the host
    * `dispatches`, `moved_bytes` - of all programs but those in loops and branches, whose rounds nobody knows
    * `ideal_bytes` - what must be read and written at least: arguments once, results once
    * `kernels` - by key; `:glsl` among what each has where it was asked for
    * `times` - in µs, what this function took: `trace` (Nx), `lower` (ops of the expression), `build` (programs of these), `fuse` and `plan` (the node),
      and for the `compiled` kernels that the node has already, `glsl` (text to SPIR-V) and `driver` (that to a kernel), which may have been for others
  """

  alias Nx.Vulkan.Explanation.{Mermaid, Text}

  @enforce_keys [
    :node,
    :fuse,
    :arguments,
    :captured,
    :results,
    :steps,
    :dispatches,
    :moved_bytes,
    :ideal_bytes,
    :kernels,
    :times
  ]
  defstruct @enforce_keys

  @type value :: {non_neg_integer | nil, Nx.Type.t(), tuple}
  @type t :: %__MODULE__{
          node: node,
          fuse: boolean,
          arguments: [value],
          captured: [value],
          results: [value],
          steps: [map],
          dispatches: non_neg_integer,
          moved_bytes: non_neg_integer,
          ideal_bytes: non_neg_integer,
          kernels: %{String.t() => map},
          times: %{atom => non_neg_integer}
        }

  @doc "A picture of it, a flowchart of Mermaid: arguments, what is carried out, results, and what goes from one to another."
  @spec to_mermaid(t) :: String.t()
  def to_mermaid(%__MODULE__{} = explanation), do: Mermaid.text(explanation)

  @doc "The GLSL of its kernels, one behind the other, where it was asked for by `glsl: true`."
  @spec glsl(t) :: String.t()
  def glsl(%__MODULE__{kernels: kernels}) do
    for {key, %{glsl: text}} <- Enum.sort(kernels), into: "", do: "// #{key}\n#{text}\n"
  end

  defimpl String.Chars do
    def to_string(explanation), do: Text.text(explanation)
  end

  defimpl Inspect do
    def inspect(explanation, _options), do: "#Nx.Vulkan.Explanation<\n" <> Text.text(explanation) <> ">"
  end
end

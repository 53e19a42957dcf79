defmodule GpuNode.Error do
  @moduledoc """
  What went wrong, as every function of this package returns it (`{:error, error}`) and every `!` function raises it.

  `code` is an atom of a closed list and says what to do; `message` names op, shapes, types and limits with their values;
  `node` is the GPU node concerned, or nil. `details`, of a text that did not compile, is a map: `stage` (`:parse`, `:check`, `:glsl`,
  `:spirv` or `:driver`), `file`, `path` (a JSON pointer into a family), `line` (from 1; 0: not known) and `source` (the shader).

  Codes of the node, as in its protocol:

    * `:invalid_argument` - correct the call
    * `:unsupported` - this node or its device cannot do it
    * `:not_found` - the tensor or name does not exist (freed, or never made)
    * `:stale` - the tensor is of a session that is gone: make it again
    * `:out_of_memory`, `:quota` - free tensors or ask for less
    * `:busy` - a queue is full: send again later
    * `:deadline` - the time given ran out
    * `:compile_failed` - correct a shader of your own; else a defect, as `:internal`: please report the message
    * `:device_lost` - the device failed; the node restarts
    * `:shutting_down` - the node takes no new work

  Codes of this side:

    * `:node_down` - the node died, hangs or is not connected; a supervised one comes back by itself
    * `:unreachable` - no GPU node of that name answers
    * `:cancelled` - the caller itself ended the request
    * `:wrong_cookie`, `:name_taken`, `:no_binary`, `:no_driver`, `:configuration`, `:distribution`,
      `:protocol_mismatch` - the node could not be started or reached; the message says what to do
  """

  @codes [
    :invalid_argument,
    :unsupported,
    :not_found,
    :stale,
    :out_of_memory,
    :quota,
    :busy,
    :deadline,
    :compile_failed,
    :device_lost,
    :shutting_down,
    :internal,
    :node_down,
    :unreachable,
    :cancelled,
    :wrong_cookie,
    :name_taken,
    :no_binary,
    :no_driver,
    :configuration,
    :distribution,
    :protocol_mismatch
  ]

  @type code :: unquote(Enum.reduce(Enum.reverse(@codes), &{:|, [], [&1, &2]}))
  @type details :: %{
          stage: :parse | :check | :glsl | :spirv | :driver,
          file: String.t(),
          path: String.t(),
          line: non_neg_integer,
          source: String.t()
        }
  @type t :: %__MODULE__{code: code, message: String.t(), node: node | nil, details: details | nil}

  @enforce_keys [:code, :message]
  defexception [:code, :message, :node, :details]

  @doc "Every code there is."
  @spec codes() :: [code]
  def codes, do: @codes

  @doc "Builds an error. An unknown code, of a newer node, becomes `:internal` with the code in the message."
  @spec new(atom, String.t(), node | nil, details | nil) :: t
  def new(code, message, node \\ nil, details \\ nil)

  def new(code, message, node, details) when code in @codes,
    do: %__MODULE__{code: code, message: message, node: node, details: details}

  def new(code, message, node, details) when is_atom(code),
    do: %__MODULE__{code: :internal, message: "#{code}: #{message}", node: node, details: details}

  def new(code, _message, _node, _details),
    do: raise(ArgumentError, "the code of a GpuNode.Error is an atom, got #{inspect(code)}")

  @doc "The value of `{:ok, value}`, `:ok` for `:ok`. Raises the error of `{:error, error}`."
  @spec unwrap!(:ok | {:ok, value} | {:error, t}) :: :ok | value when value: term
  def unwrap!(:ok), do: :ok
  def unwrap!({:ok, value}), do: value
  def unwrap!({:error, %__MODULE__{} = error}), do: raise!(error)

  def unwrap!(other),
    do:
      raise(ArgumentError, "GpuNode.Error.unwrap!/1 takes :ok, {:ok, value} or {:error, error}, got #{inspect(other)}")

  @doc "Raises `error`: the one place that does."
  @spec raise!(t) :: no_return
  def raise!(%__MODULE__{} = error), do: raise(error)
  def raise!(other), do: raise(ArgumentError, "GpuNode.Error.raise!/1 takes a GpuNode.Error, got #{inspect(other)}")

  @impl true
  def message(%{code: code, message: message, node: nil}), do: "#{message} (#{code})"
  def message(%{code: code, message: message, node: node}), do: "#{message} (#{code}, #{node})"
end

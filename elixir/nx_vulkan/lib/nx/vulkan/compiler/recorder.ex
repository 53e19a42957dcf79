defmodule Nx.Vulkan.Compiler.Recorder do
  @moduledoc false
  # What a function does on a node, noted while the backend runs on values that are not there yet: so eager ops and compiled ones
  # are spelled by the same code. The process that compiles holds what is noted, in its dictionary.
  #
  # A value has a number that no other has, whatever loop or branch it belongs to. What is noted is a list of entries:
  #
  #   * {:op, name, results, operands, attributes}: results are values, operands values or {type, number}
  #   * {:while, initial, state, condition, body, results}, {:cond, clauses, last, results}, {:call, fun, inputs, results}:
  #     see Nx.Vulkan.Compiler.Steps, which makes steps of them

  alias GpuNode.Tensor
  alias Nx.Tensor, as: T

  defmodule Value do
    @moduledoc false
    @enforce_keys [:number, :type, :shape]
    defstruct @enforce_keys
    @type t :: %__MODULE__{number: non_neg_integer, type: Nx.Type.t(), shape: tuple}
  end

  defstruct [:node, count: 0, noted: 0, entries: [], captured: [], handles: %{}]

  @typedoc "What a value of the function stands for before anything runs: a handle, or bits of the host."
  @type source :: Tensor.t() | {:bits, bitstring}

  @doc "Whether this process notes ops."
  @spec active?() :: boolean
  def active?, do: Process.get(__MODULE__) != nil

  @doc "Calls `fun` with ops noted: what it returns, and what it came to."
  @spec record(node, (-> result)) :: {result, [{Value.t(), source}]} when result: term
  def record(node, fun) do
    previous = Process.put(__MODULE__, %__MODULE__{node: node})

    try do
      result = fun.()
      {result, Enum.reverse(get().captured)}
    after
      if previous, do: Process.put(__MODULE__, previous), else: Process.delete(__MODULE__)
    end
  end

  @doc "Calls `fun` for a body of its own: what it returns, and the entries that it noted, in order."
  @spec body((-> result)) :: {result, [tuple]} when result: term
  def body(fun) do
    %{entries: outer, noted: noted} = state = get()
    put(%{state | entries: [], noted: 0})
    result = fun.()
    %{entries: entries} = state = get()
    put(%{state | entries: outer, noted: noted})
    {result, Enum.reverse(entries)}
  end

  @doc "Calls `fun`, and forgets all that it noted unless it returns `{:ok, result}`."
  @spec attempt((-> {:ok, result} | other)) :: {:ok, result} | other when result: term, other: term
  def attempt(fun) do
    state = get()

    with other when not (is_tuple(other) and elem(other, 0) == :ok) <- fun.() do
      put(state)
      other
    end
  end

  @doc "How many entries the present body has."
  @spec noted() :: non_neg_integer
  def noted, do: get().noted

  @doc "Whether what was noted since there were `noted` entries is ops alone, at most `limit`."
  @spec plain?(non_neg_integer, non_neg_integer) :: boolean
  def plain?(noted, limit) do
    %{noted: now, entries: entries} = get()
    now - noted <= limit and entries |> Enum.take(now - noted) |> Enum.all?(&(elem(&1, 0) == :op))
  end

  @doc "A value that nothing noted makes: a parameter, or what a step gives."
  @spec value(Nx.Type.t(), tuple) :: Value.t()
  def value(type, shape) do
    state = get()
    put(%{state | count: state.count + 1})
    %Value{number: state.count, type: type, shape: shape}
  end

  @doc "Notes an op, as `GpuNode.Ops.issue/5` would issue it."
  @spec op(atom, [Value.t() | Tensor.t() | {Nx.Type.t(), term}], [{Nx.Type.t(), tuple}], map) :: [Value.t()]
  def op(name, operands, results, attributes) do
    operands = Enum.map(operands, &operand/1)
    values = for {type, shape} <- results, do: value(type, shape)
    note({:op, name, values, operands, attributes})
    values
  end

  @spec note(tuple) :: :ok
  def note(entry) do
    state = get()
    put(%{state | entries: [entry | state.entries], noted: state.noted + 1})
    :ok
  end

  @doc "Bits of the host, which are brought to the node once."
  @spec captured(T.t(), bitstring) :: Value.t()
  def captured(%T{type: type, shape: shape}, bits), do: capture({:bits, bits}, bits, type, shape)

  @doc "The value that stands for a handle among what is noted."
  @spec operand(Value.t() | Tensor.t() | literal) :: Value.t() | literal when literal: {Nx.Type.t(), term}
  def operand(%Tensor{} = handle), do: capture(handle, {handle.ref, handle.id}, handle.type, handle.shape)
  def operand(other), do: other

  defp capture(source, key, type, shape) do
    case get().handles do
      %{{^key, ^type, ^shape} => value} ->
        value

      _ ->
        value = value(type, shape)
        state = get()
        handles = Map.put(state.handles, {key, type, shape}, value)
        put(%{state | captured: [{value, source} | state.captured], handles: handles})
        value
    end
  end

  defp get, do: Process.get(__MODULE__)
  defp put(state), do: Process.put(__MODULE__, state)
end

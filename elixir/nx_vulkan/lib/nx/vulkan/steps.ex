defmodule Nx.Vulkan.Steps do
  @moduledoc false
  # A function of the caller's for a reduction, as the steps that the node computes of two numbers: called once with tensors whose
  # backend is this module, which notes what is done with them. Both are of the result's type, as Nx.Defn has it. A function of defn
  # comes here as a closure of its evaluator, which takes any tensors but expressions.

  alias GpuNode.{Capabilities, Op, Protocol, Type}
  alias Nx.Tensor, as: T
  alias Nx.Vulkan.{Callbacks, Lacking}

  @enforce_keys [:id, :op, :operands]
  defstruct @enforce_keys

  @doc "The steps of `fun`, or why the node cannot compute them."
  @spec of((T.t(), T.t() -> term), Nx.Type.t(), Capabilities.t()) :: {:ok, Op.Function.steps()} | {:error, String.t()}
  def of(fun, type, capabilities) do
    with {:ok, value} <- traced(fun, type) do
      {last, made} = step(value, %{count: 0, steps: [], names: %{}, capabilities: capabilities})
      done? = made.count > 0 and last == -made.count and value.type == type
      {_last, made} = if done?, do: {last, made}, else: add(:as_type, type, [last], made)

      if made.count > Op.Function.max_steps(),
        do: {:error, "its function has #{made.count} steps, the limit is #{Op.Function.max_steps()}"},
        else: {:ok, Enum.reverse(made.steps)}
    end
  catch
    {:lacks, reason} -> {:error, reason}
  end

  # Numbers in it are of BinaryBackend, which yields to any other.
  defp traced(fun, type) do
    arguments = for place <- 0..1, do: noted(%T{type: type, shape: {}, names: []}, :argument, [place])

    case Nx.with_default_backend(Nx.BinaryBackend, fn -> Nx.to_tensor(apply(fun, arguments)) end) do
      %T{shape: {}, vectorized_axes: []} = value -> {:ok, value}
      _other -> {:error, "its function gives no scalar"}
    end
  rescue
    # Whatever it does with what is no number yet.
    error in UndefinedFunctionError -> {:error, "its function uses #{error.function}, which is no step"}
    error -> {:error, "its function cannot be called for steps (#{inspect(error.__struct__)})"}
  end

  ## As a backend: the ops that are steps, and no others

  for {name, arguments, _operands, []} <- Callbacks.rows(), Op.Function.op?(name) do
    variables = Enum.map(arguments, &Macro.var(&1, __MODULE__))

    @doc false
    def unquote(name)(out, unquote_splicing(variables)), do: noted(out, unquote(name), unquote(variables))
  end

  @doc false
  def block(struct, _output, arguments, fun), do: apply(fun, [struct | arguments])

  defp noted(out, op, operands), do: %{out | data: %__MODULE__{id: make_ref(), op: op, operands: operands}}

  ## What was noted, as steps

  # What names the value, and all that is made so far. What is used twice is one step.
  defp step(%T{data: %__MODULE__{op: :argument, operands: [place]}}, made), do: {place, made}

  defp step(%T{data: %__MODULE__{id: id}}, %{names: names} = made) when is_map_key(names, id), do: {names[id], made}

  defp step(%T{shape: {}, data: %__MODULE__{id: id, op: op, operands: operands}} = value, made) do
    {names, made} = Enum.map_reduce(operands, made, &step/2)

    if reason = Lacking.reason(made.capabilities, op, [value | operands]),
      do: throw({:lacks, "#{op} in its function: #{reason}"})

    {name, made} = add(op, value.type, names, made)
    {name, %{made | names: Map.put(made.names, id, name)}}
  end

  defp step(%T{type: type, shape: {}, data: %Nx.BinaryBackend{}} = value, made),
    do: {Protocol.literal(type, plain(Nx.to_number(value))), made}

  defp step(%T{shape: shape}, _made), do: throw({:lacks, "its function makes a tensor of shape #{inspect(shape)}"})

  defp add(op, type, operands, made) do
    count = made.count + 1
    {-count, %{made | count: count, steps: [{op, Type.name(type), operands} | made.steps]}}
  end

  defp plain(%Complex{re: re, im: im}), do: {re, im}
  defp plain(number), do: number
end

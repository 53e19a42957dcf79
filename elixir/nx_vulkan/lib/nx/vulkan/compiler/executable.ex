defmodule Nx.Vulkan.Compiler.Executable do
  @moduledoc false
  # A function as it is run: steps, and where its arguments, captured tensors and results are among their values.

  alias GpuNode.{Client, Error, Link}
  alias Nx.Tensor, as: T
  alias Nx.Vulkan.{Backend, Eager}

  @enforce_keys [:id, :node, :steps, :parameters, :captured, :results, :output]
  defstruct @enforce_keys

  @typedoc """
  `parameters`: which argument is which value. `captured`: values of before any run. `results`: of each tensor of `output` its number,
  a constant, or a tensor of the host.
  """
  @type t :: %__MODULE__{
          id: reference,
          node: node,
          steps: [tuple],
          parameters: [{non_neg_integer, non_neg_integer}],
          captured: [{non_neg_integer, term, Nx.Type.t(), tuple}],
          results: [non_neg_integer | {:constant, Backend.value()} | {:host, T.t()}],
          output: term
        }

  @table __MODULE__

  @doc false
  def init, do: :ets.new(@table, [:named_table, :public, :set, read_concurrency: true])

  @doc "Runs it for `arguments`, functions that give tensors: the results, in a container as the function's. Nothing is waited for."
  @spec run(t, [(-> T.t())], map) :: term
  def run(%__MODULE__{node: node} = executable, arguments, options) do
    environment = Map.new(executable.captured, &captured(&1, executable))
    arguments = List.to_tuple(arguments)

    environment =
      Enum.reduce(executable.parameters, environment, fn {place, number}, environment ->
        Map.put(environment, number, argument(elem(arguments, place).(), node))
      end)

    environment = take(executable.steps, environment, {node, options})

    {output, []} =
      Nx.Defn.Composite.traverse(executable.output, executable.results, fn template, [result | rest] ->
        {result(result, template, environment, node), rest}
      end)

    output
  end

  defp result({:constant, value}, template, _environment, node), do: Eager.ours(template, node, value)
  defp result({:host, tensor}, template, _environment, node), do: %{template | data: Eager.from_host(tensor, node).data}

  defp result(number, template, environment, node) do
    Eager.given(template, node, Map.fetch!(environment, number))
  end

  defp argument(%T{data: %Nx.Defn.Expr{}} = tensor, _node) do
    raise ArgumentError, "cannot pass a tensor expression as argument to defn, got: #{inspect(tensor)}"
  end

  # Raises as every op of a template does.
  defp argument(%T{data: %Nx.TemplateBackend{}} = tensor, _node), do: Nx.backend_copy(tensor)

  defp argument(%T{data: %Backend{node: other, value: %GpuNode.Tensor{}}} = tensor, node) when other != node do
    text =
      "an argument, #{Nx.Type.to_string(tensor.type)}#{inspect(tensor.shape)}, lies on #{other}, and the function is for #{node}"

    Error.raise!(
      Error.new(:invalid_argument, text <> ": say node: for the other, or bring it with Nx.backend_transfer/2", node)
    )
  end

  defp argument(%T{shape: {}, vectorized_axes: []} = tensor, node) do
    if number = Eager.number(tensor), do: {tensor.type, number}, else: Eager.tensor(tensor, node)
  end

  defp argument(tensor, node), do: Eager.tensor(tensor, node)

  # Bits of the host are on the node once, and again after it has started anew.
  defp captured({number, {:bits, bits}, type, shape}, %{id: id, node: node}) do
    session = node |> Link.fetch() |> Error.unwrap!() |> Client.session() |> Error.unwrap!()

    case :ets.lookup(@table, {id, number}) do
      [{_key, ^session, handle}] ->
        {number, handle}

      _ ->
        handle = GpuNode.Tensor.from_binary!(node, bits, type, shape)
        :ets.insert(@table, {{id, number}, handle.session, handle})
        {number, handle}
    end
  end

  defp captured({number, handle, _type, _shape}, _executable), do: {number, handle}

  @doc "Lets go of what it keeps on its node."
  @spec drop(reference) :: :ok
  def drop(id) do
    :ets.match_delete(@table, {{id, :_}, :_, :_})
    :ok
  end

  ## Steps

  defp take(steps, environment, run), do: Enum.reduce(steps, environment, &step(&1, &2, run))

  defp step({:run, program, inputs, outputs, done}, environment, {node, _options}) do
    made = GpuNode.run!(node, program, values(inputs, environment))
    environment |> bind(outputs, made) |> Map.drop(done)
  end

  defp step({:while, initial, state, condition, body, results, done}, environment, run) do
    last = initial |> values(environment) |> loop(state, condition, body, environment, run)
    environment |> bind(results, last) |> Map.drop(done)
  end

  defp step({:cond, clauses, last, results, done}, environment, run) do
    {steps, wanted} =
      Enum.find_value(clauses, last, fn {asking, body} -> if(true?(asking, environment, run), do: body) end)

    made = wanted |> values(take(steps, environment, run))
    environment |> bind(results, made) |> Map.drop(done)
  end

  defp step({:call, fun, inputs, results, done}, environment, {_node, options}) do
    made = inputs |> values(environment) |> fun.(options)
    environment |> bind(results, made) |> Map.drop(done)
  end

  # The body gives the first of the state's values.
  defp loop(values, state, condition, {steps, wanted} = body, environment, run) do
    inner = bind(environment, state, values)

    if true?(condition, inner, run) do
      made = wanted |> values(take(steps, inner, run))
      loop(made ++ Enum.drop(values, length(made)), state, condition, body, environment, run)
    else
      values
    end
  end

  defp true?({steps, [predicate]}, environment, run),
    do: steps |> take(environment, run) |> Map.fetch!(predicate) |> true?(run)

  # Waits for the node.
  defp true?({_type, number}, _run), do: number != 0

  defp true?(handle, {node, _options}),
    do: {} |> Nx.template(handle.type) |> Eager.ours(node, handle) |> Nx.to_number() |> Kernel.!=(0)

  defp values(numbers, environment), do: Enum.map(numbers, &Map.fetch!(environment, &1))
  defp bind(environment, numbers, values), do: numbers |> Enum.zip(values) |> Enum.into(environment)
end

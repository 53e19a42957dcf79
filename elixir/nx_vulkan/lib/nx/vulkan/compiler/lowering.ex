defmodule Nx.Vulkan.Compiler.Lowering do
  @moduledoc false
  # From Nx.Defn.Expr to what the recorder notes: every node of the expression is given to the backend once, with values for
  # tensors. What the backend does with an op, a constant or a block it does here too.
  #
  # Integers that are known now (counters, tables of rotations, sizes) are computed now, by Nx.BinaryBackend, as Nx itself folds
  # constants; so a loop whose condition is known is written out, where that is short.

  alias Nx.Defn.{Composite, Expr, Tree}
  alias Nx.Tensor, as: T
  alias Nx.Vulkan.Compiler.{Branches, Loops, Recorder}
  alias Nx.Vulkan.{Backend, Callbacks, Eager}

  @creation [:eye, :iota, :from_binary]

  # Numbers of which computing them now costs nothing.
  @most_known 64

  defstruct [:node, hooks: %{}, params: %{}, scope: %{}, memo: %{}, asking?: false, looping?: false]

  @typedoc """
  `params` by index, `scope` the ids of the expressions around, `memo` what was lowered so far, by id; `asking?` where nothing is
  wanted but what is known now; `looping?` in a loop that is noted.
  """
  @type t :: %__MODULE__{
          node: node,
          hooks: %{atom => term},
          params: %{non_neg_integer => T.t()},
          scope: map,
          memo: %{reference => term},
          asking?: boolean,
          looping?: boolean
        }

  @doc "The values of a container of expressions, in the same container."
  @spec composite(term, t) :: {term, t}
  def composite(container, state), do: Composite.traverse(container, state, &value/2)

  @doc "As composite/2 for a body with parameters of its own, of which nothing is remembered."
  @spec closed(term, [T.t()], t) :: term
  def closed(container, params, state) do
    params = params |> Enum.with_index(&{&2, &1}) |> Map.new()
    state = %{state | params: params, scope: Tree.scope_ids(container), memo: %{}}
    container |> composite(state) |> elem(0)
  end

  @doc "The number that an expression is known to be now, by `lower`, which is given a state; nothing is noted."
  @spec known(t, (t -> T.t())) :: {:ok, number} | :unknown
  def known(state, lower) do
    case lower.(%{state | asking?: true}) do
      %T{data: %Nx.BinaryBackend{}} = tensor -> {:ok, Nx.to_number(tensor)}
      _ -> :unknown
    end
  catch
    :unknown -> :unknown
  end

  @doc "The value of an expression: a tensor, or a tuple of such."
  @spec value(T.t(), t) :: {T.t() | tuple, t}
  def value(%T{data: %Expr{op: :metadata, args: [inner, _]}}, state), do: composite(inner, state)
  def value(%T{data: %Expr{op: :tensor, args: [tensor]}}, state), do: {Nx.devectorize(tensor), state}
  def value(%T{data: %Expr{op: :constant, args: [number]}} = out, state), do: {constant(out, number), state}

  def value(%T{data: %Expr{id: id}}, %{memo: memo} = state) when is_map_key(memo, id), do: {memo[id], state}

  def value(%T{data: %Expr{id: id, op: op, args: args}} = out, state) do
    {value, state} = lower(op, args, out, state)
    {value, %{state | memo: Map.put(state.memo, id, value)}}
  end

  defp lower(:parameter, [place], _out, state), do: {Map.fetch!(state.params, place), state}

  defp lower(:elem, [tuple, place], _out, state) do
    {tuple, state} = composite(tuple, state)
    {elem(tuple, place), state}
  end

  defp lower(:fun, [arguments, body, _mfa], _out, state), do: {function(length(arguments), body, state), state}

  defp lower(op, _args, _out, %{asking?: true}) when op in [:cond, :while, :hook, :runtime_call, :fun],
    do: throw(:unknown)

  defp lower(:cond, [clauses, last], out, state), do: Branches.lower(clauses, last, out, state)

  defp lower(:while, [initial, _arguments, condition, body], _out, state) do
    {initial, state} = composite(initial, state)
    {Loops.lower(initial, condition, body, state), state}
  end

  defp lower(:block, [struct, arguments, default, _callback], out, state) do
    {tensors, options} = Enum.split_while(arguments, &(not is_list(&1)))
    {tensors, state} = Enum.map_reduce(tensors, state, &value/2)
    out = if match?({:tuple, _}, out.type), do: default, else: out
    {block(struct, out, tensors, options, default, state), state}
  end

  defp lower(:hook, [container, spec, template, _ref], _out, state) do
    {value, state} = composite(container, state)
    state = hook(spec, value, state)
    {as_result(value, template), state}
  end

  defp lower(:runtime_call, [container, fun, template, options], _out, state) do
    {value, state} = composite(container, state)
    {call(value, fun, template, options, state.node), state}
  end

  defp lower(op, _args, out, state) do
    {args, state} = Tree.apply_args(out, state, &value/2)
    {apply_op(op, out, args, state), state}
  end

  ## Ops

  defp apply_op(op, out, args, state) do
    if known?(op, out, args),
      do: now(op, out, args) || on_node(op, out, args, state),
      else: on_node(op, out, args, state)
  end

  defp on_node(_op, _out, _args, %{asking?: true}), do: throw(:unknown)

  defp on_node(op, out, args, _state) when op in @creation do
    {backend, options} = Nx.default_backend()
    apply(backend, op, [out | args] ++ [options])
  end

  defp on_node(op, out, args, %{node: node}) do
    case args |> tensors() |> Nx.Shared.list_impl!() do
      # Nothing among them is on the node yet.
      Nx.BinaryBackend -> call_op(Backend, op, out, bring(args, node))
      backend -> call_op(backend, op, out, args)
    end
  end

  defp call_op(backend, op, %T{type: {:tuple, _}}, args), do: apply(backend, op, args)
  defp call_op(backend, op, out, args), do: apply(backend, op, [out | args])

  defp bring(list, node) when is_list(list), do: Enum.map(list, &bring(&1, node))
  defp bring(%T{} = tensor, node), do: Eager.brought(tensor, node)
  defp bring(other, _node), do: other

  defp constant(%T{type: type} = out, number) do
    {backend, options} = if integers?(type) and small?(out), do: {Nx.BinaryBackend, []}, else: Nx.default_backend()
    backend.constant(out, number, options)
  end

  ## What is known now

  defp known?(op, out, args) do
    op not in @creation and match?(%T{}, out) and integers?(out.type) and small?(out) and
      (Callbacks.elementwise?(op) or Callbacks.moving?(op)) and
      args |> tensors() |> Enum.all?(&(match?(%T{data: %Nx.BinaryBackend{}}, &1) and integers?(&1.type) and small?(&1)))
  end

  # Where BinaryBackend raises, as it does for a division by 0, the node says what comes of it.
  defp now(op, out, args) do
    Nx.with_default_backend(Nx.BinaryBackend, fn -> apply(Nx.BinaryBackend, op, [out | args]) end)
  rescue
    _error -> nil
  end

  defp tensors(args), do: args |> List.flatten() |> Enum.filter(&is_struct(&1, T))
  defp integers?({kind, _size}), do: kind in [:s, :u]
  defp small?(tensor), do: Nx.size(tensor) <= @most_known

  ## Blocks, functions and what the host does

  defp block(_struct, _out, tensors, _options, default, %{asking?: true} = state), do: closed(default, tensors, state)

  defp block(struct, out, tensors, options, default, state) do
    with [_ | _] <- tensors, {:ok, known} <- known_block(default, tensors, state) do
      known
    else
      _ ->
        Eager.block(
          struct,
          out,
          tensors ++ options,
          &closed(default, Enum.filter(&1, fn x -> is_struct(x, T) end), state)
        )
    end
  end

  defp known_block(default, tensors, state) do
    if Enum.all?(tensors, &match?(%T{data: %Nx.BinaryBackend{}}, &1)),
      do: {:ok, closed(default, tensors, %{state | asking?: true})},
      else: :unknown
  catch
    :unknown -> :unknown
  end

  # What a reduction calls, with tensors of whichever backend notes its steps.
  defp function(1, body, state), do: &closed(body, [&1], state)
  defp function(2, body, state), do: &closed(body, [&1, &2], state)

  defp hook({:token_hook, hooked, spec}, _value, state) do
    {value, state} = composite(hooked, state)
    hook(spec, value, state)
  end

  defp hook({:named, name, nil}, _value, %{hooks: hooks} = state) when not is_map_key(hooks, name), do: state

  defp hook(spec, value, state) do
    note_call(value, [], state.node, fn given, options ->
      callback = with {:named, name, default} <- spec, do: options.hooks[name] || default
      {:fn, callback} = with fun when is_function(fun) <- callback, do: {:fn, fun}
      callback.(given)
      []
    end)

    state
  end

  # Called with tensors of the node, as the evaluator does.
  defp call(value, fun, template, options, node) do
    templates = Composite.flatten_list([template])

    results =
      note_call(value, templates, node, fn given, _options ->
        result = fun.(given, options)

        unless Nx.compatible?(template, result),
          do: raise("expected the runtime_call function to match the given output template")

        Composite.flatten_list([result])
      end)

    as_result(List.to_tuple(results), template)
  end

  # Notes a call of the host: `fun` is given the container with tensors of the node, and returns tensors as `templates` say.
  defp note_call(container, templates, node, fun) do
    {template, inputs} = Composite.traverse(container, [], &{Nx.to_template(&1), [handle(&1, node) | &2]})
    results = Enum.map(templates, &Recorder.value(&1.type, &1.shape))

    call = fn values, options ->
      {given, []} =
        Composite.traverse(template, values, fn out, [value | rest] -> {Eager.given(out, node, value), rest} end)

      given |> fun.(options) |> Enum.map(&Eager.tensor(&1, node))
    end

    Recorder.note({:call, call, Enum.reverse(inputs), results})
    Enum.zip_with(templates, results, &Eager.ours(&1, node, &2))
  end

  @doc "The recorder's value for a tensor, made where it is a constant."
  @spec handle(T.t(), node) :: Recorder.Value.t()
  def handle(tensor, node), do: tensor |> Eager.tensor(node) |> Recorder.operand()

  defp as_result({one}, %T{}), do: one
  defp as_result(%T{} = value, %T{}), do: value
  defp as_result(value, _template), do: [value] |> Composite.flatten_list() |> List.to_tuple()
end

defmodule GpuNode.Program.Loop do
  @moduledoc false
  # The condition and the body of a loop: programs of the types of its state, made by functions and checked against it.

  alias GpuNode.{Program, Text, Type}

  @type maker :: (Program.t(), [Program.Value.t()] -> {Program.t(), Program.Value.t() | [Program.Value.t()]})

  @doc "The program that `fun` makes of the state, with one output, a `u8` of shape `{}`."
  @spec condition(maker, [Program.Value.t()]) :: {:ok, Program.t()} | {:error, String.t()}
  def condition(fun, state) do
    with {:ok, %{outputs: outputs} = condition} <- made(fun, state, "condition") do
      case outputs do
        [%{type: {:u, 8}, shape: {}}] -> {:ok, condition}
        _ -> {:error, "condition gives #{Enum.map_join(outputs, ", ", &text/1)}, not u8{}"}
      end
    end
  end

  @doc "The program that `fun` makes of the state, whose outputs are the first values of the next round's."
  @spec body(maker, [Program.Value.t()]) :: {:ok, Program.t()} | {:error, String.t()}
  def body(fun, state) do
    with {:ok, %{outputs: outputs} = body} <- made(fun, state, "body") do
      different =
        outputs
        |> Enum.zip(state)
        |> Enum.find(fn {made, given} -> {made.type, made.shape} != {given.type, given.shape} end)

      case different do
        _ when outputs == [] or length(outputs) > length(state) ->
          {:error, "body gives #{Text.count(length(outputs), "value")} for a state of #{length(state)}"}

        nil ->
          {:ok, body}

        {made, given} ->
          {:error, "body gives #{text(made)} for #{text(given)}"}
      end
    end
  end

  defp made(fun, state, name) do
    {values, inner} =
      Enum.map_reduce(state, Program.new(), fn value, inner ->
        {inner, made} = Program.input(inner, value.type, value.shape)
        {made, inner}
      end)

    case fun.(inner, values) do
      {%Program{} = inner, made} -> {:ok, Program.output(inner, List.wrap(made))}
      other -> {:error, "#{name} returns its program and what that gives, {program, values}; here #{inspect(other)}"}
    end
  end

  defp text(value), do: Type.text(value.type, value.shape)
end

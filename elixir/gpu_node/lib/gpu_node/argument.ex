defmodule GpuNode.Argument do
  @moduledoc false
  # Arguments of public functions that are no options: what is no such thing is said as of an option (GpuNode.Options), and where another
  # call makes one of what was given, that call is named.

  alias GpuNode.{Error, Options}

  # What was given where something else is taken, and what makes the one of the other.
  @made [
    {GpuNode.Chain.Samples, GpuNode.Chain.Model, "GpuNode.Chain.sample!(model, draws) gives the samples of a model"},
    {GpuNode.Chain.Samples, GpuNode.Diagnostics.Draws,
     "GpuNode.Chain.sample!(model, draws) gives samples, GpuNode.Diagnostics what is to say of draws"},
    {GpuNode.Chain.Model, GpuNode.Chain.Samples, "samples.model is the model that samples are of"},
    {GpuNode.Tensor, Nx.Tensor,
     "to_handle/1 of its backend's package gives the handle of a tensor of Nx that lies on a node"},
    {GpuNode.Tensor, GpuNode.Chain.Samples, "samples.draws has the tensors of samples by variable"},
    {GpuNode.Diagnostics.Warning, GpuNode.Chain.Samples,
     "GpuNode.Chain.Samples.warnings!(samples) gives the warnings of samples"},
    {GpuNode.Program.Value, GpuNode.Tensor, "GpuNode.Program.input(program, type, shape) declares an input for it"}
  ]

  @doc "Whether `value` is of `type` (see `t:GpuNode.Options.type/0`). Error: `:invalid_argument`, naming the function and the argument."
  @spec check(term, Options.type(), String.t(), String.t()) :: :ok | {:error, Error.t()}
  def check(value, type, name, function) do
    if Options.valid?(type, value), do: :ok, else: {:error, error(value, type, name, function)}
  end

  @doc "As `check/4`, raising the error."
  @spec check!(term, Options.type(), String.t(), String.t()) :: :ok
  def check!(value, type, name, function), do: value |> check(type, name, function) |> Error.unwrap!()

  @doc "The error of what is not of a type."
  @spec error(term, Options.type(), String.t(), String.t()) :: Error.t()
  def error(value, type, name, function) do
    text = "#{function}: the argument #{name} is #{Options.expected(type)}, got #{Options.show(value)}"
    Error.new(:invalid_argument, if(way = way(type, value), do: "#{text}; #{way}", else: text))
  end

  defp way({:struct, wanted}, %given{}) do
    Enum.find_value(@made, fn
      {^wanted, ^given, text} -> text
      _other -> nil
    end)
  end

  defp way({:list, type}, [value | _]), do: way(type, value)
  defp way({:list, type}, value), do: way(type, value)
  defp way(_type, _value), do: nil
end

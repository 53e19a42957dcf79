defmodule GpuNode.Chain.Numbers do
  @moduledoc false
  # What callers of GpuNode.Chain give as numbers, on its way to the node: in the message where it is small, else in a tensor.

  import GpuNode.Chain.NxTensors, only: [is_nx: 1]
  alias GpuNode.{Attachments, Chain, Client, Element, Error, Link, Shape, Tensor, Text, Type}
  alias GpuNode.Chain.{Model, NxTensors}

  @typedoc "By name: tensors, and what a message carries."
  @type placed :: %{(atom | String.t()) => Tensor.t() | binary | {tuple, binary}}

  @doc "The operands as tensors, which must be referred to while they are used, or as bytes small enough for a message."
  @spec place(%{atom => Chain.numbers()}, Model.t(), Link.t(), Client.deadline()) :: {:ok, placed} | {:error, Error.t()}
  def place(operands, model, link, deadline) do
    Enum.reduce_while(operands, {:ok, %{}}, fn {name, value}, {:ok, placed} ->
      case place(name, value, model, link, deadline) do
        {:ok, value} -> {:cont, {:ok, Map.put(placed, name, value)}}
        {:error, _} = error -> {:halt, error}
      end
    end)
  end

  defp place(name, %Tensor{type: type} = tensor, %{type: type} = model, _link, _deadline),
    do: with(:ok <- fits(name, tensor.shape, model), do: {:ok, tensor})

  defp place(name, %Tensor{} = tensor, model, _link, _deadline),
    do: invalid("#{name} is #{Type.text(tensor.type, tensor.shape)}, the model is of #{Type.name(model.type)}")

  defp place(name, tensor, model, link, deadline) when is_nx(tensor) do
    case NxTensors.take(name, tensor, model.type, link.node) do
      {:ok, %Tensor{} = handle} -> place(name, handle, model, link, deadline)
      {:ok, {binary, shape}} -> with :ok <- fits(name, shape, model), do: place(name, binary, model, link, deadline)
      {:error, _} = error -> error
    end
  end

  defp place(name, binary, model, link, deadline) when is_binary(binary),
    do: with(:ok <- possible(name, binary, model.type), do: placed(binary, model, link, deadline))

  defp place(name, numbers, model, link, deadline) do
    with {:ok, shape} <- shape(name, numbers),
         :ok <- fits(name, shape, model),
         {:ok, bytes} <- bytes(name, numbers, model.type),
         do: place(name, bytes, model, link, deadline)
  end

  defp placed(binary, model, link, deadline) do
    count = div(byte_size(binary), Type.wire_bytes(model.type))

    if byte_size(binary) <= Link.get(link, :inline_bytes) do
      {:ok, binary}
    else
      Tensor.from_binary(link.name, binary, model.type, {count}, timeout: Client.left(deadline))
    end
  end

  # As the model's type has them: what is above 0 may be 0 there.
  defp possible(name, binary, type) when name in [:step_size, :inverse_mass] do
    whole = binary_part(binary, 0, byte_size(binary) - rem(byte_size(binary), Type.wire_bytes(type)))
    numbers = Element.decode_all(whole, type)

    positive? = name == :inverse_mass
    what = if positive?, do: "above 0 and finite", else: "finite"

    case Enum.find_index(numbers, &(not (is_number(&1) and (&1 > 0 or not positive?)))) do
      nil ->
        :ok

      at ->
        invalid(
          "number #{at} of #{name} is #{Enum.at(numbers, at)} in #{Type.name(type)}, where what is #{what} is taken"
        )
    end
  end

  defp possible(_name, _binary, _type), do: :ok

  # Rows are chains. How many there are is the node's to say, as the operands must agree in it.
  defp fits(name, shape, model) do
    own = if name == :step_size, do: 1, else: model.coordinates

    case shape do
      {_, ^own} ->
        :ok

      shape when tuple_size(shape) <= 1 ->
        :ok

      shape when name == :step_size ->
        invalid("step_size is of shape #{inspect(shape)}, not {chains}")

      shape ->
        invalid(
          "#{name} is of shape #{inspect(shape)}, not {chains, #{own}}: the model has #{Text.count(own, "coordinate")}"
        )
    end
  end

  @doc "What stands for placed operands on the wire, in `session`."
  @spec wire(placed, pos_integer, Link.t(), Client.deadline()) :: {:ok, map} | {:error, Error.t()}
  def wire(placed, session, link, deadline) do
    Enum.reduce_while(placed, {:ok, %{}}, fn {name, value}, {:ok, wire} ->
      case wire_value(value, session, link, deadline) do
        {:ok, value} -> {:cont, {:ok, Map.put(wire, name, value)}}
        {:error, _} = error -> {:halt, error}
      end
    end)
  end

  defp wire_value(%Tensor{} = tensor, session, link, deadline) do
    with {:ok, ^session, id} <- Attachments.locate(link, tensor, deadline) do
      {:ok, id}
    else
      {:ok, _other, _id} ->
        text = "the model or a tensor is of a session that is gone: make it again"
        {:error, Error.new(:stale, text, link.node)}

      {:error, _} = error ->
        error
    end
  end

  defp wire_value(bytes, _session, _link, _deadline), do: {:ok, bytes}

  @doc "Numbers as bytes of `type`. Error: `:invalid_argument`, naming `name` and what is no number."
  @spec encode(atom | String.t(), Chain.numbers(), GpuNode.Type.t()) :: {:ok, binary} | {:error, Error.t()}
  def encode(name, numbers, type)
  def encode(_name, binary, _type) when is_binary(binary), do: {:ok, binary}

  # No node's name: what is wanted is bytes.
  def encode(name, tensor, type) when is_nx(tensor),
    do: with({:ok, {binary, _shape}} <- NxTensors.take(name, tensor, type, nil), do: {:ok, binary})

  def encode(name, numbers, type), do: with({:ok, _shape} <- shape(name, numbers), do: bytes(name, numbers, type))

  defp bytes(name, numbers, type) do
    with {:error, number} <- Element.encode_all(numbers, type),
         do: invalid("#{name}: #{inspect(number)} is not a number")
  end

  @doc "The inputs of a compilation as the wire has them, and the tensors among them, which must be referred to while they are used."
  @spec inputs(keyword, Link.t(), pos_integer, Client.deadline()) :: {:ok, map, placed} | {:error, Error.t()}
  def inputs(options, link, session, deadline) do
    with {:ok, placed} <- arrays(options[:data], link, deadline),
         {:ok, data} <- wire(placed, session, link, deadline),
         {:ok, parameters} <- by_name(options[:parameters]),
         {:ok, dimensions} <- by_name(options[:dimensions]) do
      {:ok, %{parameters: parameters, dimensions: dimensions, data: data}, placed}
    end
  end

  defp by_name(values) do
    Enum.reduce_while(values, {:ok, %{}}, fn {name, value}, {:ok, numbers} ->
      case if(is_nx(value), do: NxTensors.number(name, value), else: {:ok, value}) do
        {:ok, number} -> {:cont, {:ok, Map.put(numbers, to_string(name), number)}}
        {:error, _} = error -> {:halt, error}
      end
    end)
  end

  defp arrays(data, link, deadline) do
    Enum.reduce_while(data, {:ok, %{}}, fn {name, value}, {:ok, placed} ->
      name = to_string(name)

      case array(name, value, link, deadline) do
        {:ok, array} -> {:cont, {:ok, Map.put(placed, name, array)}}
        {:error, _} = error -> {:halt, error}
      end
    end)
  end

  # A tensor, or what a message carries.
  defp array(_name, %Tensor{} = tensor, _link, _deadline), do: {:ok, tensor}

  defp array(name, tensor, link, deadline) when is_nx(tensor) do
    with {:ok, taken} <- NxTensors.take("data #{name}", tensor, :real, link.node),
         do: array(name, taken, link, deadline)
  end

  defp array(name, {binary, shape}, link, deadline) when is_binary(binary) and is_tuple(shape) do
    if byte_size(binary) <= Link.get(link, :inline_bytes) do
      {:ok, {shape, binary}}
    else
      with {:error, error} <- Tensor.from_binary(link.name, binary, {:f, 64}, shape, timeout: Client.left(deadline)),
           do: {:error, %{error | message: "data #{name}: #{error.message}"}}
    end
  end

  defp array(name, numbers, link, deadline) do
    with {:ok, shape} <- shape("data #{name}", numbers),
         {:ok, bytes} <- bytes("data #{name}", numbers, {:f, 64}),
         do: array(name, {bytes, shape}, link, deadline)
  end

  defp shape(name, numbers) do
    with :error <- Shape.of_lists(numbers),
         do: invalid("#{name}: the lists in #{inspect(numbers, limit: 10)} are not of one shape")
  end

  defp invalid(text), do: {:error, Error.new(:invalid_argument, text)}
end

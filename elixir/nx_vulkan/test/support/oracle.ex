defmodule Nx.Vulkan.Test.Oracle do
  @moduledoc false
  # What a case must give. Nx.BinaryBackend computes it: from f64 where the result is a float, rounded once by Numbers, so that
  # its own rounding in f8, f16, bf16 and f32 is no part of it. Where it raises, or does not do what PROTOCOL.md says, a row of
  # Nx.Vulkan.Test.Exceptions decides.

  import Bitwise
  alias Nx.Vulkan.Eager
  alias Nx.Vulkan.Test.{Exceptions, Numbers, Operand}

  @moving ~w(reshape squeeze broadcast transpose pad reverse slice put_slice gather concatenate stack indexed_put)a
  @correctly_rounded ~w(add subtract multiply divide remainder sqrt abs negate sign ceil floor round real min max clip as_type
    select sum product reduce_max reduce_min dot conv window_sum window_product window_max window_min window_scatter_max
    window_scatter_min indexed_add iota eye sort)a
  @predicates ~w(equal not_equal greater less greater_equal less_equal logical_and logical_or logical_xor is_nan is_infinity
    all any argmax argmin argsort)a
  @elementwise [[:tensor], [:left, :right], [:tensor, :min, :max]]

  @type comparison :: :bits | {:ulp, 0..3} | {:near, float}
  @type patterns :: [non_neg_integer]

  @doc """
  The patterns that are right, as a list of alternatives (the second and later ones as functions), and how they are compared.
  `where` says whether the node computed it, or the fallback, which gives what BinaryBackend does.
  """
  @spec expected(tuple, :node | :host, ([term] -> Nx.Tensor.t()), [term], Nx.Tensor.t()) :: {comparison, [patterns]}
  def expected({:triangular_solve, _, _, _}, _where, function, arguments, out),
    do: {{:near, near(out.type)}, [direct(function, arguments)]}

  def expected(_row, :host, function, arguments, out),
    do: {if(Numbers.float?(out.type), do: {:ulp, 0}, else: :bits), [direct(function, arguments)]}

  def expected({op, parameters, _, _}, :node, function, arguments, out) do
    cond do
      op == :bitcast ->
        {:bits, [arguments |> hd() |> Operand.on_host() |> Numbers.patterns_of()]}

      op == :sign and complex?(arguments) ->
        {{:near, near(out.type)}, [signs(hd(arguments))]}

      # The real part, which BinaryBackend truncates to bf16.
      op == :as_type and complex?(arguments) and Numbers.float?(out.type) ->
        {{:ulp, 0},
         [arguments |> hd() |> Operand.on_host() |> Numbers.values() |> Enum.map(&Numbers.round_to(&1.re, out.type))]}

      # Their branches: BinaryBackend's formulas give either value or its opposite.
      op in [:acos, :acosh] and complex?(arguments) ->
        direct = direct(function, arguments)
        {{:near, near(out.type)}, [direct, fn -> Enum.map(direct, &opposite(&1, out.type)) end]}

      # Of real operands, of which f8's subnormal numbers are others to BinaryBackend.
      op == :conjugate and not complex?(arguments) ->
        {:c, size} = out.type
        half = div(size, 2)
        real = arguments |> hd() |> Operand.on_host() |> rounded({:f, half})
        {{:near, near(out.type)}, [Enum.map(real, &(&1 ||| 1 <<< (size - 1)))]}

      # Numbers off the real line, for which BinaryBackend raises, have no angle.
      op == :atan2 and complex?(arguments) ->
        {{:near, near(out.type)}, [angles(arguments, out)]}

      complex?(arguments) ->
        moved? = op in @moving and Enum.all?(data(arguments), &(&1.base.type == out.type))
        {if(moved?, do: :bits, else: {:near, near(out.type)}), [direct(function, arguments)]}

      op in [:fft, :ifft] ->
        {{:near, near(out.type)}, [direct(function, arguments)]}

      op in @moving ->
        {:bits, [moved(function, arguments, out.type)]}

      # NaN stays NaN, but not which one: the branches come through the type in which the node computes.
      op == :select ->
        {{:ulp, 0}, [moved(function, Enum.map(arguments, &branch(&1, out.type)), out.type)]}

      op in @predicates or not Numbers.float?(out.type) ->
        {:bits, [integers(op, parameters, function, arguments, out)]}

      op == :as_type ->
        {{:ulp, 0}, [arguments |> hd() |> Operand.on_host() |> rounded(out.type)]}

      true ->
        floats(op, parameters, function, arguments, out)
    end
  end

  defp complex?(arguments), do: Enum.any?(data(arguments), &match?({:c, _}, &1.base.type))

  defp data(arguments), do: for(%Operand{role: :data} = operand <- List.flatten(arguments), do: operand)

  # BinaryBackend orders complex numbers as Erlang's terms.
  defp signs(operand) do
    tensor = Operand.on_host(operand)

    tensor
    |> Eager.devectorized()
    |> Nx.to_flat_list()
    |> Enum.map(&Complex.divide(&1, Complex.abs(&1)))
    |> Nx.tensor(type: tensor.type, backend: Nx.BinaryBackend)
    |> Numbers.patterns_of()
  end

  defp opposite(pattern, {:c, size}) do
    sign = 1 <<< (div(size, 2) - 1)
    bxor(pattern, sign ||| sign <<< div(size, 2))
  end

  # For algorithms that round on their way.
  defp near({:c, 128}), do: 1.0e-13
  defp near({:f, 64}), do: 1.0e-13
  defp near({:bf, 16}), do: 3.0e-2
  defp near({:f, 16}), do: 4.0e-3
  defp near({_, 8}), do: 0.5
  defp near(_), do: 4.0e-6

  ## Floats

  defp floats(op, parameters, function, arguments, out) do
    ulp =
      cond do
        op in @correctly_rounded -> 0
        # Two of the node, one of the C library under BinaryBackend.
        out.type == {:f, 64} -> 3
        true -> 1
      end

    compute = fn change, rounded ->
      op
      |> evaluate(parameters, function, arguments, &widened(&1, change), out)
      |> Enum.map(&(&1 |> rounded.() |> Numbers.round_to(out.type)))
    end

    subnormal = if out.type in [{:f, 32}, {:bf, 16}], do: [fn -> compute.(&Numbers.flushed/1, & &1) end], else: []
    # Operands of several types that f32 holds are computed in f32 on their way to a smaller type.
    in_f32 = fn value -> value |> Numbers.round_to({:f, 32}) |> Numbers.value({:f, 32}) end
    small = if out.type in [{:f, 32}, {:f, 64}], do: [], else: [fn -> compute.(& &1, in_f32) end]
    {{:ulp, ulp}, [compute.(& &1, & &1) | subnormal ++ small]}
  end

  # As f64, which holds every number but integers of 64 bits; |change| is made to each element.
  defp widened(%Operand{role: :data} = operand, change) do
    tensor = Operand.on_host(operand)

    patterns =
      for pattern <- rounded(tensor, {:f, 64}),
          do: pattern |> Numbers.value({:f, 64}) |> change.() |> Numbers.round_to({:f, 64})

    Numbers.rebuilt(tensor, patterns, {:f, 64})
  end

  defp widened(operand, _change), do: Operand.on_host(operand)

  defp rounded(tensor, type), do: tensor |> Numbers.values() |> Enum.map(&Numbers.round_to(&1, type))

  ## Integers and comparisons

  defp integers(op, parameters, function, arguments, out) do
    op |> evaluate(parameters, function, arguments, &exact/1, out) |> Enum.map(&wrapped(&1, out.type))
  end

  defp wrapped(value, {_kind, size}) do
    <<pattern::size(size)>> = <<trunc(value)::size(size)>>
    pattern
  end

  # Operands of integer arithmetic and of comparisons are what they are.
  defp exact(%Operand{} = operand) do
    tensor = Operand.on_host(operand)

    cond do
      operand.role != :data -> tensor
      Numbers.float?(tensor.type) -> Numbers.rebuilt(tensor, rounded(tensor, {:f, 64}), {:f, 64})
      true -> as_bytes(tensor)
    end
  end

  defp as_bytes(%{type: {kind, size}} = tensor) when size < 8,
    do: Numbers.rebuilt(tensor, Enum.map(Numbers.values(tensor), &Bitwise.band(&1, 255)), {kind, 8})

  defp as_bytes(tensor), do: tensor

  ## Moving: BinaryBackend moves patterns as integers, so that they stay what they are

  defp moved(function, arguments, {_, size} = type) do
    carrier = {:u, max(size, 8)}

    prepare = fn
      %Operand{role: :data} = operand ->
        tensor = Operand.on_host(operand)
        Numbers.rebuilt(tensor, carried(tensor, type), carrier)

      operand ->
        Operand.on_host(operand)
    end

    Enum.map(host(function, arguments, prepare), &Bitwise.band(&1, Bitwise.bsl(1, size) - 1))
  end

  # A number is moved as what it is of the type.
  defp branch(number, type) when is_number(number) do
    pattern = if Numbers.float?(type), do: Numbers.round_to(number, type), else: wrapped(number, type)
    Operand.new(type, {}, patterns: [pattern])
  end

  defp branch(operand, _type), do: operand

  defp carried(%{type: type} = tensor, type), do: Numbers.patterns_of(tensor)

  defp carried(tensor, type) do
    if Numbers.float?(type), do: rounded(tensor, type), else: Enum.map(Numbers.values(tensor), &wrapped(&1, type))
  end

  ## BinaryBackend

  defp evaluate(op, parameters, function, arguments, prepare, out) do
    if parameters in @elementwise do
      tensors = for argument <- arguments, do: if(is_struct(argument, Operand), do: prepare.(argument), else: argument)
      elementwise(op, function, tensors, out)
    else
      host(function, arguments, prepare)
    end
  end

  # By Exceptions where that has a row; else all at once, and element by element where that raises.
  defp elementwise(op, function, arguments, out) do
    shape = Eager.devectorized(out).shape
    types = for a <- arguments, do: if(is_struct(a, Nx.Tensor), do: a.type)
    elements = arguments |> Enum.map(&stretched(&1, shape)) |> Enum.zip_with(& &1)
    ruled = for values <- elements, do: Exceptions.value(op, Enum.map(values, &ruled(&1, out.type)), out.type)
    whole = if :none in ruled, do: try_host(fn -> arguments |> function.() |> Numbers.values() end)

    Enum.zip_with([elements, ruled, whole || List.duplicate(nil, length(ruled))], fn
      [values, :none, nil] -> element(op, function, types, values, out.type)
      [_values, :none, value] -> value
      [_values, value, _whole] -> value
    end)
  end

  # A number as the elements are that it meets.
  defp ruled({:plain, number}, type) when is_integer(number),
    do: if(Numbers.float?(type), do: number * 1.0, else: number)

  defp ruled({:plain, other}, _type), do: other
  defp ruled(value, _type), do: value

  defp stretched(%Nx.Tensor{} = tensor, shape) do
    plain = Eager.devectorized(tensor)

    tensor
    |> Numbers.patterns_of()
    |> Numbers.tensor({:u, 64}, plain.shape)
    |> Nx.broadcast(shape)
    |> Nx.to_flat_list()
    |> Enum.map(&Numbers.decoded(&1, tensor.type))
  end

  defp stretched(other, shape), do: List.duplicate({:plain, other}, Tuple.product(shape))

  defp element(op, function, types, values, out) do
    arguments =
      Enum.zip_with(types, values, fn
        _type, {:plain, value} -> value
        type, value -> Nx.tensor(value, type: type, backend: Nx.BinaryBackend)
      end)

    case try_host(fn -> arguments |> function.() |> Numbers.values() end) do
      [value] ->
        value

      nil ->
        raise "BinaryBackend does not say what #{op}(#{inspect(values)}) is for #{inspect(out)}: give #{inspect(Exceptions)} a row"
    end
  end

  defp try_host(fun) do
    Nx.with_default_backend(Nx.BinaryBackend, fun)
  rescue
    # What it makes of overflow, of operands out of a function's domain, of packed types.
    _ -> nil
  end

  defp angles(arguments, out) do
    {:c, size} = out.type

    Nx.with_default_backend(Nx.BinaryBackend, fn ->
      [y, x] = for one <- arguments, do: one |> Operand.on_host() |> Nx.as_type(out.type)
      [y, x] = for first? <- [1, 0], do: first? |> Nx.select(y, x) |> Nx.devectorize()
      real? = Nx.logical_and(Nx.equal(Nx.imag(y), 0), Nx.equal(Nx.imag(x), 0)) |> Nx.to_flat_list()

      [real?, Numbers.values(Nx.real(y)), Numbers.values(Nx.real(x))]
      |> Enum.zip_with(fn
        [0, _y, _x] -> :nan
        [1, y, x] -> with :none <- Exceptions.value(:atan2, [y, x], {:f, div(size, 2)}), do: :math.atan2(y, x)
      end)
      |> Nx.tensor(type: {:f, div(size, 2)})
      |> Nx.as_type(out.type)
      |> Numbers.patterns_of()
    end)
  end

  defp host(function, arguments, prepare) do
    Nx.with_default_backend(Nx.BinaryBackend, fn ->
      arguments |> map_operands(prepare) |> function.() |> Numbers.values()
    end)
  end

  # The patterns that BinaryBackend gives as it is.
  defp direct(function, arguments) do
    Nx.with_default_backend(Nx.BinaryBackend, fn ->
      arguments |> map_operands(&Operand.on_host/1) |> function.() |> Numbers.patterns_of()
    end)
  end

  @doc "The arguments with their operands made tensors."
  @spec map_operands([term], (Operand.t() -> Nx.Tensor.t())) :: [term]
  def map_operands(arguments, fun) do
    Enum.map(arguments, fn
      %Operand{} = operand -> fun.(operand)
      list when is_list(list) -> map_operands(list, fun)
      other -> other
    end)
  end
end

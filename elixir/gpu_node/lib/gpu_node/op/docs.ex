defmodule GpuNode.Op.Docs do
  @moduledoc false
  # The docstring of an op from its row: formula, what it takes, what it gives, attributes, an example that is also a doctest.

  alias GpuNode.Op

  @types %{
    same: "that of the operand",
    floating: "that of the operand; f32 for an integer",
    component: "that of the operand; of a complex one that of its parts",
    real: "that of the operand's parts; f32 for an integer",
    complex: "complex; of an operand that is not, the one that holds it",
    predicate: "u8: 1 or 0",
    merge: "the operands' merged as Nx merges them, or a wider one as `:type`",
    merge_floating: "the operands' merged as Nx merges them, f32 for integers, or a wider one as `:type`",
    merge_values: "that of the operands behind the first merged as Nx merges them, or a wider one as `:type`",
    aggregate: "that of the operand, at least 32 bits for an integer; s64 for u64; or a wider one as `:type`",
    declared: "`:type`",
    function:
      "the operands' merged as Nx merges them, or any as `:type`; element and acc are of it for the function, as is its value",
    merge_updates: "that of tensor and updates merged as Nx merges them, or a wider one as `:type`",
    same_width: "`:type`, a real one as wide as the operand's",
    index: "s32, or the integer type given as `:type`",
    same_and_floating: "of the first that of the operand, of the others the same, f32 for an integer",
    same_and_index: "of the values that of the operand, of the positions s32 or the integer type given as `:type`"
  }

  @shapes %{
    elementwise: "that to which the operands broadcast",
    clip: "that of the tensor; min and max are scalars",
    declared: "`:shape`",
    matrix: "`:shape`, of two axes or more",
    reshape: "`:shape`, of as many elements",
    squeeze: "that of the operand without the axes",
    transpose: "that of the operand, its axes in the other order",
    broadcast: "`:shape`",
    reduce:
      "that of the operand without the axes (all, where none are given), or with 1 in their place (`keep_axes: true`)",
    arg_reduce:
      "that of the operand without the axis, or with 1 in its place (`keep_axis: true`); `{}` without an axis",
    dot: "the batch axes, the other axes of the left, those of the right",
    concatenate: "that of the operands, along the axis their sum",
    stack: "that of the operands, with a new axis",
    reverse: "that of the operand",
    slice: "`:lengths`, over `:strides` where there are some",
    put_slice: "that of tensor, into which slice fits",
    pad: "that of tensor with the padding",
    gather: "the outer axes of indices, then the axes of tensor that they do not go over",
    take: "that of tensor, with that of indices in the place of the axis",
    take_along_axis: "that of indices, which is that of tensor but for the axis",
    indexed:
      "that of tensor; updates have the outer axes of indices, then at most the axes of tensor that they do not go over",
    fold:
      "that of tensor without the axes (all, where none are given), or with 1 in their place (`keep_axes: true`); acc is a scalar",
    window_fold: "how many places the window has on each axis; acc is a scalar",
    window: "how many places the window has on each axis",
    window_scatter: "that of tensor; source has an element for each place of the window; init is a scalar",
    conv: "the batch over its groups, the filters, how many places the kernel has on each spatial axis; permuted",
    fourier: "that of the operand, along the axis the length",
    fourier_half: "that of the operand, along the axis length / 2 + 1",
    fourier_whole: "that of the operand, along the axis the length",
    fourier_2: "that of the operand, along the axes the lengths",
    top_k: "that of the operand, the last axis of length k",
    along_axis: "that of the operand",
    triangular_solve: "that of b",
    square: "that of the operand, square matrices",
    qr: "of matrices `{m, n}`, k the less of both, `{m, k}` and `{k, n}`; with `mode: :complete` `{m, m}` and `{m, n}`",
    eigh: "of square matrices `{n, n}` `{n}` and `{n, n}`",
    svd:
      "of matrices `{m, n}`, k the less of both, `{m, m}`, `{k}` and `{n, n}`; with `full_matrices?: false` `{m, k}`, `{k}` and `{k, n}`"
  }

  @takes %{
    any: "any type",
    integer: "integers",
    ordered: "any type but complex ones"
  }

  # Of the declared rule, where nothing is made from: what stands when :type is not given.
  @made_from_nothing "`:type`, s32 where none is given (of a constant what its value is)"

  @doc "The docstring of `row`'s function in `GpuNode.Ops`."
  @spec text(Op.row()) :: String.t()
  def text(row) do
    """
    #{sentence(row)}.

        #{row.formula}

      * takes #{taken(row)}
      * type: #{type(row)}
      * shape: #{Map.fetch!(@shapes, row.shape)}
    #{attributes(row)}
    Issued at once: errors of shapes, types and attributes raise `GpuNode.Error` (`:invalid_argument`) here, what goes wrong on the node comes
    with the first read.
    #{example(row)}
    """
  end

  # An operand's name keeps its letters.
  defp sentence(%{doc: <<first::utf8, rest::binary>> = doc, operand_names: names}) do
    named? = Enum.any?(names, &String.starts_with?(doc, to_string(&1)))
    if named?, do: doc, else: String.upcase(<<first::utf8>>) <> rest
  end

  defp taken(%{operands: 0}), do: "the node, no operand"

  defp taken(row) do
    names = Enum.map_join(row.operand_names, ", ", &"`#{&1}`")
    list = if row.list, do: "a list of #{names}", else: names
    "#{list}: #{Map.fetch!(@takes, row.takes)}"
  end

  defp type(%{operands: 0}), do: @made_from_nothing
  defp type(row), do: Map.fetch!(@types, row.type)

  defp attributes(row) do
    for {key, attribute} <- Enum.sort(row.attributes), into: "" do
      "  * `#{inspect(key)}` - #{kind(attribute.kind)}#{default(attribute.default)}\n"
    end
  end

  @doc "What an attribute of this kind is."
  @spec kind(atom | [atom]) :: String.t()
  def kind(:axis), do: "an axis, from the end where negative"
  def kind(:axes), do: "a list of axes, from the end where negative"
  def kind(:boolean), do: "true or false"
  def kind(:literal), do: "a number"
  def kind(:count), do: "how many, an integer of at least 1"
  def kind(:number), do: "a number"
  def kind(:integers), do: "a list of integers, one for each axis"
  def kind(:starts), do: "a list with the first place on each axis: an integer, or a tensor of one"

  def kind(:padding),
    do: "a list with `{low, high}` or `{low, high, interior}` of each axis: how many before, behind and between"

  def kind(:function),
    do:
      "a function of an empty `GpuNode.Program`, an element and what came before, two values of it, that gives `{program, value}`: elementwise ops alone"

  def kind(choices) when is_list(choices), do: Enum.map_join(choices, " or ", &"`#{inspect(&1)}`")

  # nil is what Nx has for it too.
  defp default({:ok, nil}), do: "; default nil"
  defp default({:ok, []}), do: ""
  defp default({:ok, value}), do: "; default `#{inspect(value)}`"
  defp default(:required), do: "; required"

  defp example(%{example: example} = row) do
    {lines, arguments} = operands(example["operands"], example["type"])
    with_ = if example["with"], do: [example["with"]], else: []

    arguments =
      if row.operands == 0, do: [":gpu0"], else: if(row.list, do: ["[#{Enum.join(arguments, ", ")}]"], else: arguments)

    call = "GpuNode.Ops.#{row.name}(#{Enum.join(arguments ++ with_, ", ")})"

    # Of complex numbers a part is shown.
    call = if example["then"], do: "#{call} |> GpuNode.Ops.#{example["then"]}()", else: call

    read =
      if row.results == 1,
        do: "#{call} |> GpuNode.Tensor.to_list!()",
        else: "#{call} |> Enum.map(&GpuNode.Tensor.to_list!/1)"

    Enum.join(
      [
        "",
        "## Example",
        "" | Enum.map(lines ++ ["iex> " <> read, inspect(example["result"], charlists: :as_lists)], &("    " <> &1))
      ],
      "\n"
    )
  end

  # A list is a tensor with a line of its own, a number stands where it is used.
  defp operands(values, type) do
    {lines, arguments} =
      values
      |> Enum.zip(["x", "y", "z"])
      |> Enum.map(fn
        {value, name} when is_list(value) ->
          {["iex> #{name} = GpuNode.Tensor.from_list!(:gpu0, #{numbers(value)}, :#{type})"], name}

        {value, _name} ->
          {[], inspect(value)}
      end)
      |> Enum.unzip()

    {Enum.concat(lines), arguments}
  end

  # JSON has no word for what is not finite.
  defp numbers(list), do: "[" <> Enum.map_join(list, ", ", &number/1) <> "]"
  defp number(list) when is_list(list), do: numbers(list)
  defp number(word) when is_binary(word), do: ":#{word}"
  defp number(number), do: inspect(number)
end

defmodule GpuNode.Op.Table do
  @moduledoc false
  # The rows of specs/ops.json, read when this is compiled: the same file from which the node's table is made. Words become atoms as
  # they stand there.

  @path Enum.find(
          [Path.expand("../../../priv/ops.json", __DIR__), Path.expand("../../../../../specs/ops.json", __DIR__)],
          &File.regular?/1
        ) || raise("specs/ops.json is neither in the package's priv/ nor in the project")
  @external_resource @path

  atom = &String.to_atom/1

  default = fn
    %{"default" => word} when is_binary(word) -> {:ok, atom.(word)}
    %{"default" => value} -> {:ok, value}
    _required -> :required
  end

  attribute = fn {name, spec} ->
    kind = if is_list(spec["kind"]), do: Enum.map(spec["kind"], atom), else: atom.(spec["kind"])
    {atom.(name), %{kind: kind, default: default.(spec)}}
  end

  row = fn row ->
    names = Enum.map(row["operands"], &(&1 |> String.trim_trailing("...") |> atom.()))

    %{
      name: atom.(row["name"]),
      family: atom.(row["family"]),
      operands: length(names),
      operand_names: names,
      list: Enum.any?(row["operands"], &String.ends_with?(&1, "...")),
      starts: Enum.any?(Map.get(row, "attributes", %{}), fn {_name, spec} -> spec["kind"] == "starts" end),
      results: row["results"],
      takes: atom.(row["takes"]),
      type: atom.(row["type"]),
      shape: atom.(row["shape"]),
      attributes: row |> Map.get("attributes", %{}) |> Map.new(attribute),
      density: Map.get(row, "density", false),
      doc: row["doc"],
      formula: row["formula"],
      example: row["example"]
    }
  end

  @rows @path |> File.read!() |> JSON.decode!() |> Enum.map(row)

  @spec rows() :: [GpuNode.Op.row()]
  def rows, do: unquote(Macro.escape(@rows))
end

defmodule GpuNode.ProtocolTest do
  use ExUnit.Case, async: true
  alias GpuNode.{Error, Op, Protocol}

  @node :gpu0@host

  defp description do
    %{protocol: 2, version: "1.2.3", ops: Op.description(), limits: %{}}
  end

  test "terms are those of the protocol's page" do
    assert Protocol.instruction(:add, [{3, {:f, 32}, {2}}], [1, {:f32, 1}], %{}) ==
             {:add, [{3, :f32, {2}}], [1, {:f32, 1}], %{}}

    assert Protocol.alloc(1, {:u, 4}, {3}) == {:alloc, 1, :u4, {3}}
    assert Protocol.alloc(1, {:u, 4}, {3}, <<1, 2, 3>>) == {:alloc, 1, :u4, {3}, <<1, 2, 3>>}
    assert Protocol.run(9, 1, [Protocol.free([1])]) == {:run, 9, 1, [{:free, [1]}]}
    assert Protocol.release([1]) == {:release, [1]}
    assert Protocol.request(Protocol.attach(3, 8, 4), 9, %{deadline_ms: 5}) == {:attach, 9, 3, 8, 4, %{deadline_ms: 5}}
    assert Protocol.upload(9, 1, 0, :tag, "x") == {:upload, 9, 1, 0, {self(), :tag}, "x"}
    assert Protocol.call(self(), :tag, :ping) == {:"$gen_call", {self(), :tag}, :ping}
    assert Protocol.request({:sync, [1]}, 9, %{}) == {:sync, 9, [1], %{}}
    assert Protocol.request({:download, 1, 0, 8}, 9, %{}) == {:download, 9, 1, 0, 8, %{}}

    assert Protocol.request({:upload_open, 1, {:f8_e4m3fn, 8}, {2}}, 9, %{}) ==
             {:upload_open, 9, 1, :f8_e4m3fn, {2}, %{}}

    assert Protocol.bulk_node(@node) == :gpu0_bulk@host
  end

  test "integers of literals wrap into their type" do
    assert Protocol.literal({:u, 8}, 300) == {:u8, 44}
    assert Protocol.literal({:s, 8}, 200) == {:s8, -56}
    assert Protocol.literal({:s, 64}, -1) == {:s64, -1}
    assert Protocol.literal({:f, 32}, :nan) == {:f32, :nan}
  end

  test "replies become results" do
    assert Protocol.reply({:error, {:quota, "full"}}, @node) ==
             {:error, %Error{code: :quota, message: "full", node: @node}}

    assert {:error, %{code: :internal, message: "odd: x"}} = Protocol.reply({:error, {:odd, "x"}}, @node)
    assert {:error, %{code: :internal, message: text}} = Protocol.reply({:what, 1}, @node)
    assert text =~ "{:what, 1}"
    error = Error.new(:node_down, "gone", @node)
    assert Protocol.reply({:error, error}, @node) == {:error, error}
  end

  test "describe: what does not match is named" do
    assert {:ok, _} = Protocol.check_describe({:ok, description()}, @node)
    missing = %{description() | ops: Map.delete(description().ops, :erf)}
    assert {:error, %{code: :protocol_mismatch, message: text}} = Protocol.check_describe({:ok, missing}, @node)
    assert text =~ "erf is missing" and text =~ "1.2.3"
    other = put_in(description(), [:ops, :sum, :attributes], %{})
    assert {:error, %{code: :protocol_mismatch, message: text}} = Protocol.check_describe({:ok, other}, @node)
    assert text =~ "sum has attributes %{}, here %{"
    renamed = put_in(description(), [:ops, :sum, :doc], "adds up")
    assert {:ok, _} = Protocol.check_describe({:ok, renamed}, @node)
    other = %{description() | protocol: 3}
    assert {:error, %{code: :protocol_mismatch, message: text}} = Protocol.check_describe({:ok, other}, @node)
    assert text =~ "protocol 3" and text =~ "protocol 2"
    refused = {:error, {:unsupported, "protocol 1 is not 2"}}
    assert {:error, %{code: :protocol_mismatch}} = Protocol.check_describe(refused, @node)
  end

  test "every error code of the page is known" do
    page = File.read!(Path.expand("../../../cnode/PROTOCOL.md", __DIR__))
    [section] = Regex.run(~r/## Errors.*?## Calls/s, page)
    codes = Regex.scan(~r/^\| `(\w+)` \|/m, section, capture: :all_but_first) |> List.flatten()
    assert length(codes) == 12
    for code <- codes, do: assert(String.to_atom(code) in Error.codes())
  end

  # GPU_NODE_PAGE=write writes it.
  test "the page's table of ops is the rows of specs/ops.json" do
    path = Path.expand("../../../cnode/PROTOCOL.md", __DIR__)
    page = File.read!(path)
    [before, rest] = String.split(page, "| op | attributes | takes | result type | |\n", parts: 2)
    [_rows, after_them] = String.split(rest, "\n\n", parts: 2)
    table = "| op | attributes | takes | result type | |\n| --- | --- | --- | --- | --- |\n" <> rows()
    if System.get_env("GPU_NODE_PAGE") == "write", do: File.write!(path, before <> table <> "\n\n" <> after_them)
    assert page == before <> table <> "\n\n" <> after_them
  end

  defp rows do
    Enum.map_join(Op.Table.rows(), "\n", fn row ->
      arguments = Enum.join(row.operand_names, ", ") <> if(row.list, do: ", ...", else: "")

      attributes =
        row.attributes
        |> Enum.sort()
        |> Enum.map_join(", ", fn {key, attribute} ->
          "`#{key} => #{kind(attribute.kind)}`#{default(attribute.default)}"
        end)

      "| `#{row.name}(#{arguments})` | #{attributes} | #{row.takes} | #{row.type} | #{row.doc} |"
    end)
  end

  defp kind(:axes), do: "[axis]"
  defp kind(:literal), do: "Literal"
  defp kind(choices) when is_list(choices), do: Enum.join(choices, " or ")
  defp kind(kind), do: "#{kind}"

  defp default({:ok, nil}), do: " or nil"
  defp default({:ok, value}), do: " (#{inspect(value)})"
  defp default(:required), do: " (must be given)"
end

defmodule GpuNode.ProtocolTest do
  use ExUnit.Case, async: true
  alias GpuNode.{Error, Op, Protocol}

  @node :gpu0@host

  defp description do
    ops = Map.new(Op.table(), fn {name, %{operands: n}} -> {name, %{operands: n}} end)
    %{protocol: 1, version: "1.2.3", ops: ops, limits: %{}}
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
    assert text =~ "erf/1" and text =~ "1.2.3"
    other = %{description() | protocol: 2}
    assert {:error, %{code: :protocol_mismatch, message: text}} = Protocol.check_describe({:ok, other}, @node)
    assert text =~ "protocol 2" and text =~ "protocol 1"
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

  test "every op of the page is a row, and every row is on the page" do
    page = File.read!(Path.expand("../../../cnode/PROTOCOL.md", __DIR__))
    [_, section] = Regex.run(~r/\n## Ops\n(.*)/s, page)

    names =
      for [row] <- Regex.scan(~r/^\| (`[^|]*`) \|/m, section, capture: :all_but_first),
          name <- row |> String.replace("`", "") |> String.split(),
          do: String.to_atom(name)

    assert Enum.sort(names) == Enum.sort(Map.keys(Op.table()))
  end
end

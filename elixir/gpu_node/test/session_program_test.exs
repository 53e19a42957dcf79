defmodule GpuNode.SessionProgramTest do
  # Programs against a fake node on another VM: what is sent of them, and what stays there.
  use GpuNode.FakeCase, async: false
  alias GpuNode.{Error, FakeNode, Program, Tensor}
  import GpuNode.NodeCase, only: [eventually: 2]

  @moduletag options: [heartbeat_ms: 50]

  test "programs are one message" do
    {p, x} = Program.input(Program.new(), :f32, {2})
    {p, k} = Program.input(p, :f32, {})
    {p, y} = Program.add(p, x, k)
    {p, z} = Program.add(p, y, y)
    p = Program.output(p, [z, x])
    x = Tensor.from_list!(:fake, [1, 2], :f32)
    {:ok, [z, same]} = GpuNode.run(:fake, p, [x, 10])
    assert same == x
    assert Tensor.to_list!(z) == [22.0, 24.0]
    assert [{_, [{:alloc, _, _, _, _}]}, {_, [{:add, _, _, _}, {:add, _, _, _}]}] = FakeNode.runs()

    # Run again it is compiled on the node; from then on a run is one small command.
    {:ok, [z, ^x]} = GpuNode.run(:fake, p, [x, 20])
    assert Tensor.to_list!(z) == [42.0, 44.0]

    assert [
             {:compile_program, id, [f32: {2}, f32: {}], [{:add, _, _, _}, {:add, _, _, _}], [out], []},
             {:run_program, id, [_, {:f32, 20}], [_]}
           ] =
             program_commands()

    assert out < 0
    {:ok, [z, ^x]} = GpuNode.run(:fake, p, [x, 30])
    assert Tensor.to_list!(z) == [62.0, 64.0]
    assert [{:run_program, ^id, _, _}] = program_commands()

    # What is added makes another program of it.
    {q, doubled} = Program.add(p, z(p), z(p))
    q = Program.output(q, [doubled])
    {:ok, [w]} = GpuNode.run(:fake, q, [x, 10])
    assert Tensor.to_list!(w) == [44.0, 48.0]

    assert {:error, %Error{message: text}} = GpuNode.run(:fake, p, [x])
    assert text =~ "takes 2 inputs"
    assert {:error, %Error{message: text}} = GpuNode.run(:fake, p, [1, 10])
    assert text == "input 0 is declared as f32{2}, got 1"
    other = Tensor.from_list!(:fake, [[1, 2]], :f32)
    assert {:error, %Error{message: text}} = GpuNode.run(:fake, p, [other, 10])
    assert text == "input 0 is declared as f32{2}, got f32{1, 2}"

    {one, input} = Program.input(Program.new(), :f32, {2})
    assert {:error, %Error{message: text}} = GpuNode.run(:fake, Program.output(one, [input]), [])
    assert text == "the program takes 1 input, got 0"
  end

  defp z(program), do: hd(program.outputs)

  defp program_commands,
    do:
      for(
        {_, commands} <- FakeNode.runs(),
        command <- commands,
        elem(command, 0) in [:compile_program, :run_program],
        do: command
      )

  test "programs that nobody runs any more go, and those of a session that has ended are made again" do
    x = Tensor.from_list!(:fake, [1, 2], :f32)
    twice = fn p -> for _ <- 1..2, do: {:ok, [_]} = GpuNode.run(:fake, p, [x]) end
    {p, v} = Program.input(Program.new(), :f32, {2})
    {p, v} = Program.add(p, v, 1)
    twice.(Program.output(p, [v]))
    {:ok, link} = GpuNode.Link.fetch(:fake)
    for _ <- 1..600, do: twice.(Program.output(p, [v]))
    assert :ets.info(link.programs, :size) <= 512
    :erlang.garbage_collect()

    eventually(1000, fn ->
      Enum.count(FakeNode.tensors(), fn {_, made} -> elem(made, 0) == :program end) <= 512
    end)
  end

  # The fake node takes 200,000 instructions here, beside whatever else the machine does.
  @tag options: [timeout: 30_000, heartbeat_ms: 10_000]
  test "what stays on the node is bounded in instructions too, and what was used last stays" do
    x = Tensor.from_list!(:fake, [1, 2], :f32)
    {p, v} = Program.input(Program.new(), :f32, {2})
    {p, v} = Enum.reduce(1..1000, {p, v}, fn _, {p, v} -> Program.add(p, v, 0) end)

    programs =
      for _ <- 1..100 do
        q = Program.output(p, [v])
        for _ <- 1..2, do: {:ok, [_]} = GpuNode.run(:fake, q, [x])
        q
      end

    {:ok, link} = GpuNode.Link.fetch(:fake)
    rows = :ets.tab2list(link.programs)
    instructions = for {_key, _place, _used, size} <- rows, do: size
    assert Enum.sum(instructions) <= 65_536
    assert Enum.sum(instructions) >= 32_000
    last = List.last(programs)
    {:ok, _} = GpuNode.sync(:fake)
    FakeNode.forget()
    {:ok, [y]} = GpuNode.run(:fake, last, [x])
    assert Tensor.to_list!(y) == [1.0, 2.0]
    assert [{:run_program, _, _, _}] = program_commands()
  end

  test "a session process that ends in the middle of a call is an error of that call" do
    {:ok, link} = GpuNode.Link.fetch(:fake)
    session = GpuNode.Link.get(link, :session)
    {p, v} = Program.input(Program.new(), :f32, {2})
    {p, v} = Program.add(p, v, 0)
    p = Program.output(p, [v])
    x = Tensor.from_list!(:fake, [1, 2], :f32)
    {_server, attachments} = link.attachments
    Process.exit(link.pid, :kill)
    eventually(1000, fn -> Enum.all?([link.programs, attachments], &(:ets.info(&1) == :undefined)) end)
    assert {:error, %Error{code: :node_down}} = GpuNode.Programs.run(link, session, p, [x.id], & &1, 0)
    assert {:error, %Error{code: :node_down}} = GpuNode.Attachments.id(link, session, x, 0)
    assert :done = GpuNode.Attachments.holding(link, x, session + 1, fn -> :done end)

    assert_raise ArgumentError, fn ->
      GpuNode.Link.with_table(link, :ets.new(:there, []), fn -> raise ArgumentError end)
    end
  end

  @tag behaviour: [limits: %{inline_bytes: 65_536, max_commands: 4}]
  test "a program of several messages that cannot all be queued leaves nothing on the node" do
    {p, x} = Program.input(Program.new(), :f32, {2})
    {p, first} = Program.add(p, x, 1)
    {p, last} = Enum.reduce(1..8, {p, first}, fn _, {p, value} -> Program.add(p, value, first) end)
    p = Program.output(p, [last])
    x = Tensor.from_list!(:fake, [1, 2], :f32)
    {:ok, _} = GpuNode.sync(:fake)
    {:ok, link} = GpuNode.Link.fetch(:fake)

    for queued <- [0, 3, 6] do
      FakeNode.recorded()
      filled = GpuNode.Client.max_queued() - queued
      GpuNode.Link.add_queued(link, filled)
      assert {:error, %Error{code: :deadline}} = GpuNode.run(:fake, p, [x], timeout: 50)
      GpuNode.Link.sub_queued(link, filled)
      eventually(1000, fn -> Map.keys(FakeNode.tensors()) == [x.id] end)
      adds = for {_, commands} <- FakeNode.runs(), {:add, _, _, _} <- commands, do: :add
      assert length(adds) == queued
    end

    assert {:ok, [last]} = GpuNode.run(:fake, p, [x])
    assert Tensor.to_list!(last) == [18.0, 27.0]
    assert Enum.sort(Map.keys(FakeNode.tensors())) == Enum.sort([x.id, last.id])
  end
end

defmodule GpuNode.Programs do
  @moduledoc false
  # Which programs live on a node: one that is run again is compiled there, and from then on a run is one command of a few bytes.
  #
  # The table, which the session process owns, has a row {{session, stamp}, place, used, size}: the place is :once after the first run,
  # then the id of the program and its handle; the size is GpuNode.Program.weight/1. While a row or a process has the handle the program stays on
  # the node; when the last has let go of it the collector frees it, as it frees tensors. So a row may be dropped at any time.

  alias GpuNode.{Client, Error, Link, Program, Protocol}

  # Rows, and instructions of all: when there are more, what was used last stays, half as much. A node grants a session's programs some
  # 200,000 instructions.
  @kept 512
  @kept_instructions 65_536

  @spec new() :: :ets.table()
  def new, do: :ets.new(:gpu_node_programs, [:public, read_concurrency: true])

  @doc """
  Runs `program` where it lives on the node, compiling it there when it was run before: what `handles` makes of the ids of its outputs.
  `:plain` when it is to be run as a message, because this is its first run and it does not ask to be compiled at once, or it is too long. `inputs` are names in input order.
  """
  @spec run(Link.t(), pos_integer, Program.t(), [name], ([name] -> handles), Client.deadline()) ::
          {:ok, handles} | :plain | {:error, Error.t()}
        when name: Protocol.id() | Protocol.literal(), handles: term
  def run(%{programs: table} = link, session, program, inputs, handles, deadline) do
    key = {session, program.stamp}

    Link.with_table(link, table, fn ->
      case :ets.lookup(table, key) do
        [{_key, place, _used, _size}] when is_tuple(place) ->
          :ets.update_element(table, key, {3, now()})
          issue(link, session, place, program, inputs, handles, deadline)

        [{_key, :once, _used, _size}] ->
          compile(link, session, key, program, inputs, handles, deadline)

        [] ->
          case {Program.compilable?(program, Link.get(link, :max_commands)), program.compile} do
            {true, :first} -> compile(link, session, key, program, inputs, handles, deadline)
            {true, :again} when program.bodies == [] -> insert(table, key, :once, 0) && :plain
            {true, :again} -> compile(link, session, key, program, inputs, handles, deadline)
            {false, _} when program.bodies != [] -> {:error, too_large(program, link)}
            {false, _} -> :plain
          end
      end
    end)
  end

  defp compile(link, session, key, program, inputs, handles, deadline) do
    id = Link.next_id(link)
    handle = Client.handle(link, id, 0)
    {bytes, command} = Program.compile_command(program, id)

    with :ok <- Client.command(link, session, command, bytes, deadline),
         {:ok, made} <- issue(link, session, {id, handle}, program, inputs, handles, deadline) do
      # Not before the command is on its way: who finds the row sends behind it.
      insert(link.programs, key, {id, handle}, Program.weight(program))
      {:ok, made}
    end
  end

  @doc "What `program` comes to on the node, which gets it for that and is not told to run it."
  @spec explain(Link.t(), pos_integer, Program.t(), map, Client.deadline()) :: {:ok, map} | {:error, Error.t()}
  def explain(link, session, program, options, deadline) do
    id = Link.next_id(link)
    handle = Client.handle(link, id, 0)
    {bytes, command} = Program.compile_command(program, id)

    with :ok <- Client.command(link, session, command, bytes, deadline) do
      result = Client.request(link, session, deadline, Protocol.explain_program(id, options))
      Client.keep(handle)
      result
    end
  end

  defp issue(link, session, {id, handle}, program, inputs, handles, deadline) do
    {command, outputs} = Program.run_command(program, id, inputs, fn -> Link.next_id(link) end)
    made = handles.(outputs)

    with :ok <- Client.command(link, session, command, Protocol.operand_bytes(inputs), deadline) do
      Client.keep(handle)
      {:ok, made}
    end
  end

  # What repeats a body is nothing that a message could have.
  defp too_large(program, link) do
    text =
      "run: a program with loops is compiled as a whole, and #{inspect(program)} is more than a node takes; make several of it"

    Error.new(:invalid_argument, text, link.node)
  end

  defp insert(table, key, place, size) do
    rows = :ets.select(table, [{{:"$1", :_, :"$2", :"$3"}, [], [{{:"$2", :"$3", :"$1"}}]}])

    if length(rows) >= @kept or sum(rows) + size > @kept_instructions do
      rows
      |> Enum.sort(:desc)
      |> Enum.reduce({1, size}, fn {_used, own, key}, {count, instructions} ->
        if count < div(@kept, 2) and instructions + own <= div(@kept_instructions, 2) do
          {count + 1, instructions + own}
        else
          :ets.delete(table, key)
          {count, instructions}
        end
      end)
    end

    :ets.insert(table, {key, place, now(), size})
  end

  defp sum(rows), do: Enum.reduce(rows, 0, fn {_used, size, _key}, sum -> sum + size end)

  defp now, do: System.monotonic_time()
end

defmodule GpuNode.Programs do
  @moduledoc false
  # Which programs live on a node: one that is run again is compiled there, and from then on a run is one command of a few bytes.
  #
  # The table, which the session process owns, has a row {{session, stamp}, place, used}: the place is :once after the first run, then the
  # id of the program and its handle. While a row or a process has the handle the program stays on the node; when the last has let go
  # of it the collector frees it, as it frees tensors. So a row may be dropped at any time.

  alias GpuNode.{Client, Error, Link, Program, Protocol}

  # Rows; the longest unused half goes when there are more.
  @kept 512

  @spec new() :: :ets.table()
  def new, do: :ets.new(:gpu_node_programs, [:public, read_concurrency: true])

  @doc """
  Runs `program` where it lives on the node, compiling it there when it was run before: what `handles` makes of the ids of its outputs.
  `:plain` when it is to be run as a message, because this is its first run or it is too long. `inputs` are names in input order.
  """
  @spec run(Link.t(), pos_integer, Program.t(), [name], ([name] -> handles), Client.deadline()) ::
          {:ok, handles} | :plain | {:error, Error.t()}
        when name: Protocol.id() | Protocol.literal(), handles: term
  def run(%{programs: table} = link, session, program, inputs, handles, deadline) do
    key = {session, program.stamp}

    case :ets.lookup(table, key) do
      [{_key, place, _used}] when is_tuple(place) ->
        :ets.update_element(table, key, {3, now()})
        issue(link, session, place, program, inputs, handles, deadline)

      [{_key, :once, _used}] ->
        compile(link, session, key, program, inputs, handles, deadline)

      [] ->
        if Program.compilable?(program, Link.get(link, :max_commands)), do: insert(table, key, :once)
        :plain
    end
  end

  defp compile(link, session, key, program, inputs, handles, deadline) do
    id = Link.next_id(link)
    handle = Client.handle(link, id, 0)
    {bytes, command} = Program.compile_command(program, id)

    with :ok <- Client.command(link, session, command, bytes, deadline),
         {:ok, made} <- issue(link, session, {id, handle}, program, inputs, handles, deadline) do
      # Not before the command is on its way: who finds the row sends behind it.
      insert(link.programs, key, {id, handle})
      {:ok, made}
    end
  end

  defp issue(link, session, {id, handle}, program, inputs, handles, deadline) do
    {command, outputs} = Program.run_command(program, id, inputs, fn -> Link.next_id(link) end)
    made = handles.(outputs)

    with :ok <- Client.command(link, session, command, 0, deadline) do
      Client.keep(handle)
      {:ok, made}
    end
  end

  defp insert(table, key, place) do
    if :ets.info(table, :size) >= @kept do
      oldest =
        table |> :ets.select([{{:"$1", :_, :"$2"}, [], [{{:"$2", :"$1"}}]}]) |> Enum.sort() |> Enum.take(div(@kept, 2))

      Enum.each(oldest, fn {_used, key} -> :ets.delete(table, key) end)
    end

    :ets.insert(table, {key, place, now()})
  end

  defp now, do: System.monotonic_time()
end

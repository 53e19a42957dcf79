defmodule GpuNode.Session.Outbox do
  @moduledoc false
  # What waits to be sent, in order: commands of all callers, whole programs, requests. Pure; GpuNode.Session sends what
  # take/3 gives and keeps the rest.
  #
  # Single commands are gathered into one message; a program is a message of its own, because its local names would meet
  # those of another. A free or a release that directly follows another of its kind joins it.

  alias GpuNode.Protocol

  # Commands of one message, unless it is a program; and the bytes that they carry.
  @max_batch 64
  @max_batch_bytes 256 * 1024
  # Ids of one command that frees or releases: a collection may let go of any number.
  @max_gone 16_384
  @id_bytes 9

  @type item ::
          {:command, Protocol.command(), non_neg_integer}
          | {:free | :release, [Protocol.id()]}
          | {:program, pos_integer, [Protocol.command()]}
          | {:request, reference, Protocol.request(), pos_integer}
  @type t :: %__MODULE__{items: :queue.queue(item), count: non_neg_integer, requests: non_neg_integer}

  @type taken ::
          {:commands, [Protocol.command()], commands :: pos_integer, units :: pos_integer, t}
          | {:request, reference, Protocol.request(), deadline :: integer, t}
          | :nothing

  defstruct items: :queue.new(), count: 0, requests: 0

  @spec new() :: t
  def new, do: %__MODULE__{}

  @doc "Units that a command of `bytes` payload counts for: the measure of what callers may queue."
  @spec units(non_neg_integer) :: pos_integer
  def units(bytes), do: 1 + Bitwise.bsr(bytes, 10)

  @spec push(t, Protocol.command(), non_neg_integer) :: t
  def push(%{items: items, count: count} = outbox, command, bytes),
    do: %{outbox | items: :queue.in({:command, command, bytes}, items), count: count + 1}

  @spec push_program(t, pos_integer, [Protocol.command()]) :: t
  def push_program(%{items: items, count: count} = outbox, n, commands),
    do: %{outbox | items: :queue.in({:program, n, commands}, items), count: count + n}

  @doc "Queues tensors that go: freed at once, or released because their handles were collected."
  @spec push_gone(t, :free | :release, [Protocol.id()]) :: t
  def push_gone(%{items: items, count: count} = outbox, how, ids) do
    case :queue.peek_r(items) do
      {:value, {^how, earlier}} -> %{outbox | items: :queue.in({how, ids ++ earlier}, :queue.drop_r(items))}
      _ -> %{outbox | items: :queue.in({how, ids}, items), count: count + 1}
    end
  end

  @spec push_request(t, reference, Protocol.request(), integer) :: t
  def push_request(%{items: items, requests: requests} = outbox, ref, request, deadline),
    do: %{outbox | items: :queue.in({:request, ref, request, deadline}, items), requests: requests + 1}

  @spec empty?(t) :: boolean
  def empty?(%{items: items}), do: :queue.is_empty(items)

  @doc "Whether a full message has gathered, or somebody waits for an answer."
  @spec full?(t) :: boolean
  def full?(%{count: count, requests: requests}), do: count >= @max_batch or requests > 0

  @doc "Units of every command in it."
  @spec queued_units(t) :: non_neg_integer
  def queued_units(%{items: items}) do
    :queue.fold(
      fn
        {:command, _, bytes}, sum -> sum + units(bytes)
        {:program, n, _}, sum -> sum + n
        _other, sum -> sum
      end,
      0,
      items
    )
  end

  @doc """
  The next thing to send when `credit` more commands may be unacknowledged; `idle?` when none is at present, which lets a program
  through that is larger than the whole credit.
  """
  @spec take(t, integer, boolean) :: taken
  def take(%{items: items} = outbox, credit, idle?) do
    case :queue.out(items) do
      {:empty, _} ->
        :nothing

      {{:value, {:request, ref, request, deadline}}, rest} ->
        {:request, ref, request, deadline, %{outbox | items: rest, requests: outbox.requests - 1}}

      {{:value, {:program, n, commands}}, rest} ->
        if n <= credit or idle?,
          do: {:commands, commands, n, n, %{outbox | items: rest, count: outbox.count - n}},
          else: :nothing

      _command_or_gone ->
        if credit > 0, do: gather(outbox, min(credit, @max_batch)), else: :nothing
    end
  end

  defp gather(outbox, room), do: gather(outbox.items, room, 0, 0, 0, [], outbox)

  defp gather(items, room, n, bytes, units, commands, outbox) when n < room and bytes < @max_batch_bytes do
    case :queue.out(items) do
      {{:value, {:command, command, size}}, rest} ->
        gather(rest, room, n + 1, bytes + size, units + units(size), [command | commands], outbox)

      {{:value, {how, ids}}, rest} when how in [:free, :release] ->
        {now, later} = Enum.split(ids, @max_gone)
        {rest, outbox} = if later == [], do: {rest, outbox}, else: put_back(rest, outbox, {how, later})
        gather(rest, room, n + 1, bytes + @id_bytes * length(now), units, [gone(how, now) | commands], outbox)

      _other ->
        gathered(items, n, units, commands, outbox)
    end
  end

  defp gather(items, _room, n, _bytes, units, commands, outbox), do: gathered(items, n, units, commands, outbox)

  # One command more than was counted.
  defp put_back(items, outbox, item), do: {:queue.in_r(item, items), %{outbox | count: outbox.count + 1}}

  defp gone(:free, ids), do: Protocol.free(ids)
  defp gone(:release, ids), do: Protocol.release(ids)

  defp gathered(items, n, units, commands, outbox),
    do: {:commands, Enum.reverse(commands), n, units, %{outbox | items: items, count: outbox.count - n}}
end

defmodule GpuNode.Link do
  @moduledoc false
  # What callers need to know of a GPU node without asking a process: its session process, the present session, the next
  # free tensor id, how much is queued. The constant part lies in persistent_term, the changing numbers in atomics, so that
  # neither a reconnection nor an op touches anything shared but a machine word.

  alias GpuNode.{Attachments, Error, Finalizer, Programs}

  @enforce_keys [
    :name,
    :node,
    :pid,
    :state,
    :timeout,
    :collect_above_bytes,
    :finalizer,
    :queue,
    :attachments,
    :programs,
    :pressure,
    :tasks
  ]
  defstruct @enforce_keys

  @type t :: %__MODULE__{
          name: atom,
          node: node,
          pid: pid,
          state: :atomics.atomics_ref(),
          timeout: pos_integer,
          collect_above_bytes: pos_integer,
          finalizer: :nif | :sweep,
          queue: reference | nil,
          attachments: Attachments.t(),
          programs: :ets.table(),
          pressure: pid,
          tasks: pid
        }

  @typedoc "The processes of a node: its session, and those of `GpuNode.Session.Supervisor` beside it."
  @type processes :: %{session: pid, attachments: Attachments.t(), pressure: pid, tasks: pid}

  # Slots of |state|. A session of 0 means that there is none. |queued| counts units: one per command and one more per KiB
  # it carries. See GpuNode.Pressure for |made| and |headroom|.
  # More than any node has, and few enough for the slot to count.
  @most_bytes 0x4_0000_0000_0000
  @slots %{next_id: 1, session: 2, incarnation: 3, queued: 4, inline_bytes: 5, max_commands: 6, made: 7, headroom: 8}

  @spec new(atom, node, processes, keyword) :: t
  def new(name, node, processes, options) do
    finalizer = Keyword.get_lazy(options, :finalizer, &Finalizer.mode/0)

    %__MODULE__{
      name: name,
      node: node,
      pid: processes.session,
      state: :atomics.new(map_size(@slots), signed: false),
      timeout: Keyword.fetch!(options, :timeout),
      collect_above_bytes: Keyword.fetch!(options, :collect_above_bytes),
      finalizer: finalizer,
      queue: if(finalizer == :nif, do: Finalizer.make_queue(processes.session)),
      attachments: processes.attachments,
      programs: Programs.new(),
      pressure: processes.pressure,
      tasks: processes.tasks
    }
  end

  @spec publish(t) :: :ok
  def publish(link) do
    :persistent_term.put({__MODULE__, link.name}, link)
    :persistent_term.put({__MODULE__, link.node}, link)
    :persistent_term.put(__MODULE__, Enum.uniq([link.name | names()]))
  end

  @spec withdraw(t) :: :ok
  def withdraw(link) do
    if match?(%{pid: pid} when pid == link.pid, :persistent_term.get({__MODULE__, link.name}, nil)) do
      :persistent_term.erase({__MODULE__, link.name})
      :persistent_term.erase({__MODULE__, link.node})
      :persistent_term.put(__MODULE__, List.delete(names(), link.name))
    end

    :ok
  end

  @spec names() :: [atom]
  def names, do: :persistent_term.get(__MODULE__, [])

  @doc "The link of a node by the name it was started under or by its node name."
  @spec fetch(atom) :: {:ok, t} | {:error, Error.t()}
  def fetch(name) do
    case :persistent_term.get({__MODULE__, name}, nil) do
      nil ->
        {:error, Error.new(:not_found, "no GPU node #{inspect(name)} is started here; started: #{inspect(names())}")}

      link ->
        {:ok, link}
    end
  end

  @doc """
  Runs `fun`, which reads or writes `table` of one of the node's processes. When that has ended meanwhile, and the table with it, the
  error that callers of an ended session get.
  """
  @spec with_table(t, :ets.table(), (-> result)) :: result | {:error, Error.t()} when result: term
  def with_table(link, table, fun) do
    fun.()
  rescue
    error in ArgumentError ->
      if :ets.info(table) == :undefined, do: {:error, stopped(link)}, else: reraise(error, __STACKTRACE__)
  end

  @doc "The error of a call whose session process is gone."
  @spec stopped(t) :: Error.t()
  def stopped(link), do: Error.new(:node_down, "the client of #{link.node} is not running", link.node)

  @doc "A tensor id that was never given before in this session process's life."
  @spec next_id(t) :: pos_integer
  def next_id(%{state: state}), do: :atomics.add_get(state, @slots.next_id, 1)

  @doc "Reserves `count` ids and returns the first."
  @spec next_ids(t, pos_integer) :: pos_integer
  def next_ids(%{state: state}, count), do: :atomics.add_get(state, @slots.next_id, count) - count + 1

  @spec get(t, :session | :incarnation | :queued | :inline_bytes | :max_commands | :next_id | :made | :headroom) ::
          non_neg_integer
  for {slot, index} <- @slots do
    def get(%{state: state}, unquote(slot)), do: :atomics.get(state, unquote(index))
  end

  @spec put(t, atom, non_neg_integer) :: :ok
  for {slot, index} <- @slots do
    def put(%{state: state}, unquote(slot), value), do: :atomics.put(state, unquote(index), value)
  end

  @doc "Counts `units` as queued and returns the sum."
  @spec add_queued(t, pos_integer) :: non_neg_integer
  def add_queued(%{state: state}, units), do: :atomics.add_get(state, @slots.queued, units)

  @doc "Counts `bytes` as made since the node's memory was last looked at, and returns the sum."
  @spec add_made(t, non_neg_integer) :: non_neg_integer
  def add_made(%{state: state}, bytes), do: :atomics.add_get(state, @slots.made, min(bytes, @most_bytes))

  @spec sub_made(t, non_neg_integer) :: :ok
  def sub_made(%{state: state}, bytes), do: :atomics.sub(state, @slots.made, bytes)

  @spec sub_queued(t, non_neg_integer) :: :ok
  def sub_queued(%{state: state}, units), do: :atomics.sub(state, @slots.queued, units)
end

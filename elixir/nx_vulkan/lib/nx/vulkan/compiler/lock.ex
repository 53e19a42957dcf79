defmodule Nx.Vulkan.Compiler.Lock do
  @moduledoc false
  # One process at a time for a name. Who waits is woken when its turn comes, in the order of asking; a holder that dies lets go.
  use GenServer

  def start_link(_), do: GenServer.start_link(__MODULE__, :ok, name: __MODULE__)

  @doc "What `fun` returns, called while no other process holds `name`. A process that holds it may take it again."
  @spec hold(term, (-> result)) :: result when result: var
  def hold(name, fun) do
    case GenServer.call(__MODULE__, {:take, name}, :infinity) do
      :taken ->
        try do
          fun.()
        after
          GenServer.cast(__MODULE__, {:release, name, self()})
        end

      :held ->
        fun.()
    end
  end

  # By name: the holder, its monitor and those that wait.
  @impl true
  def init(:ok), do: {:ok, %{}}

  @impl true
  def handle_call({:take, name}, {pid, _tag} = from, held) do
    case held do
      %{^name => {^pid, _monitor, _waiting}} ->
        {:reply, :held, held}

      %{^name => {holder, monitor, waiting}} ->
        {:noreply, %{held | name => {holder, monitor, :queue.in(from, waiting)}}}

      _ ->
        {:reply, :taken, Map.put(held, name, {pid, Process.monitor(pid), :queue.new()})}
    end
  end

  @impl true
  def handle_cast({:release, name, pid}, held) do
    {^pid, monitor, waiting} = Map.fetch!(held, name)
    Process.demonitor(monitor, [:flush])
    {:noreply, pass_on(held, name, waiting)}
  end

  @impl true
  def handle_info({:DOWN, monitor, :process, _pid, _reason}, held) do
    {name, {_pid, ^monitor, waiting}} = Enum.find(held, &match?({_name, {_pid, ^monitor, _waiting}}, &1))
    {:noreply, pass_on(held, name, waiting)}
  end

  # To the next that waits; one that has died in between lets go at once.
  defp pass_on(held, name, waiting) do
    case :queue.out(waiting) do
      {{:value, {pid, _tag} = from}, rest} ->
        GenServer.reply(from, :taken)
        Map.put(held, name, {pid, Process.monitor(pid), rest})

      {:empty, _} ->
        Map.delete(held, name)
    end
  end
end

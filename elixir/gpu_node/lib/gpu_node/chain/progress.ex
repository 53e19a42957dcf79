defmodule GpuNode.Chain.Progress do
  @moduledoc """
  How far a sampling is, for whoever waits for it: the option `:progress` of `GpuNode.Chain.sample/3`.

    * `:auto`, the default - as `true` in Livebook, in IEx and where the caller's group leader is a terminal, else as `false`
    * `true` - a line: phase, bar, iterations, iterations a second, time left, step size, divergences. In Livebook, where `Kino` is
      loaded, it is the content of a frame; else it is written to the group leader over and over behind a carriage return, and ends with a newline
    * `false` - nothing
    * a function - is called with a map in the calling process, every `:progress_ms`. When it returns `:cancel` the run ends with the error
      `:cancelled`, unless it is over by then. One that is slow hears the latest report, not each. When it raises, throws or exits, the run ends and that goes on to the caller of `sample/3`.

  What the map has depends on its `phase`:

    * `:search`, before the warm-up, when a first step size is sought: `attempts`, `step_size`, `acceptance`, `leapfrog_steps`. How many attempts it takes is
      not known before.
    * `:warmup` and `:draw`: `iteration` of `iterations` in this phase, `step_size`, `path_length`, `acceptance`, `divergences`, `leapfrog_steps` of each chain.
      Iterations of `:draw` are draws times `:thin`.
    * `:done`, once, when the run has ended well: as of `:draw`. Its result is ignored: there is nothing to cancel any more.
  """

  alias GpuNode.{Error, Options}
  alias GpuNode.Chain.Progress.Bar

  @option [
    type: {:or, [:boolean, {:in, [:auto]}, {:fun, 1}]},
    default: :auto,
    doc: "who hears how far the run is: see `GpuNode.Chain.Progress`"
  ]

  @typedoc "Who hears: a function, a line on a device, a frame of Kino (or what stands for it)."
  @type listener :: nil | {:function, (map -> term)} | {:device, pid} | {:frame, module}
  @type report :: map

  @doc false
  @spec option() :: keyword
  def option, do: @option

  @doc "Who hears, for the option's value. `kino` is the module that frames come from."
  @spec listener(term, module) :: {:ok, listener} | {:error, Error.t()}
  def listener(value, kino \\ Kino) do
    with {:ok, _} <- Options.check([progress: value], progress: @option), do: {:ok, chosen(value, kino)}
  end

  defp chosen(false, _kino), do: nil
  defp chosen(fun, _kino) when is_function(fun), do: {:function, fun}

  defp chosen(value, kino) do
    cond do
      livebook?(kino) -> {:frame, kino}
      value == true or terminal?(Process.group_leader()) -> {:device, Process.group_leader()}
      true -> nil
    end
  end

  # That Kino is loaded does not mean that anybody sees its frames.
  defp livebook?(kino) do
    bridge = Module.concat(kino, Bridge)

    Code.ensure_loaded?(Module.concat(kino, Frame)) and Code.ensure_loaded?(bridge) and
      function_exported?(bridge, :within_livebook?, 0) and apply(bridge, :within_livebook?, [])
  end

  defp terminal?(device) do
    case :io.getopts(device) do
      # A shell is a device that completes what is typed.
      options when is_list(options) ->
        options[:terminal] == true or (options[:expand_fun] != nil and iex?())

      _ ->
        false
    end
  end

  defp iex?, do: Code.ensure_loaded?(IEx) and apply(IEx, :started?, [])

  @doc """
  Calls `run` with a function for reports as the node sends them, and tells the listener of them and of the end. `iterations` are those of
  the warm-up and of the draws.
  """
  @spec follow(listener, {non_neg_integer, non_neg_integer}, ((map -> term) -> result)) :: result
        when result: {:ok, map} | {:error, Error.t()}
  def follow(nil, _iterations, run), do: run.(fn _report -> :ok end)

  def follow({:function, fun}, _iterations, run) do
    with {:ok, answer} <- run.(unless_done(&fun.(shaped(&1)))) do
      fun.(shaped(answer))
      {:ok, answer}
    end
  end

  def follow(shown, iterations, run) do
    key = {__MODULE__, make_ref()}
    Process.put(key, Bar.new(iterations, width(shown), now()))
    out = open(shown)

    show = fn report ->
      {line, bar} = Bar.line(Process.get(key), shaped(report), now())
      Process.put(key, bar)
      write(out, line)
    end

    try do
      with {:ok, answer} <- run.(unless_done(show)) do
        show.(answer)
        {:ok, answer}
      end
    after
      if Process.delete(key).shown?, do: close(out)
    end
  end

  # The end is told when the answer is here, which may be an error.
  defp unless_done(hear), do: &if(&1.phase != :done, do: hear.(&1))

  defp now, do: System.monotonic_time(:millisecond)

  @common [:phase, :step_size, :leapfrog_steps]

  @doc "A report as listeners get it, of one of the node."
  @spec shaped(map) :: report
  def shaped(%{phase: :search} = report),
    do: report |> Map.take([:acceptance | @common]) |> Map.put(:attempts, report.iteration)

  def shaped(report), do: Map.take(report, [:iteration, :iterations, :path_length, :acceptance, :divergences | @common])

  ## Where the line goes

  defp width({:frame, _kino}), do: 100

  defp width({:device, device}) do
    case :io.columns(device) do
      # The last column would wrap on some terminals.
      {:ok, columns} -> columns - 1
      _ -> 79
    end
  end

  defp open({:device, _} = device), do: device

  defp open({:frame, kino}) do
    frame = apply(Module.concat(kino, Frame), :new, [])
    apply(kino, :render, [frame])
    {:frame, kino, frame}
  end

  defp write({:device, device}, line), do: IO.write(device, ["\r", line])

  defp write({:frame, kino, frame}, line) do
    text = apply(Module.concat(kino, Text), :new, [line, [terminal: true]])
    apply(Module.concat(kino, Frame), :render, [frame, text])
  end

  defp close({:device, device}), do: IO.write(device, "\n")
  defp close({:frame, _kino, _frame}), do: :ok
end

defmodule GpuNode.ChainProgressTest do
  use ExUnit.Case, async: true
  alias GpuNode.Chain.Progress
  alias GpuNode.Chain.Progress.Bar
  alias GpuNode.Test.Kino

  @moduletag :truth

  @report %{
    phase: :warmup,
    iteration: 0,
    iterations: 1000,
    step_size: 0.5123,
    path_length: 1.5,
    acceptance: 0.8,
    divergences: 0,
    leapfrog_steps: 100
  }

  defp report(changes), do: Map.merge(@report, Map.new(changes))

  defp lines(width, steps) do
    {lines, _} =
      Enum.map_reduce(steps, Bar.new({1000, 500}, width, 0), fn {changes, now}, bar ->
        Bar.line(bar, Progress.shaped(report(changes)), now)
      end)

    lines
  end

  test "a line has bar, share, iterations, rate, remaining time, step size and divergences" do
    assert [search, first, second, draw, done] =
             lines(100, [
               {[phase: :search, iteration: 3, iterations: 0], 10},
               {[iteration: 100], 1000},
               {[iteration: 400], 2000},
               {[phase: :draw, iteration: 0, iterations: 500], 4000},
               {[phase: :done, iteration: 500, iterations: 500, divergences: 1], 65_000}
             ])

    assert String.trim_trailing(search) == "search  3 attempts  step 0.512"
    # Before the second report of a phase there is no rate, but its place.
    assert first =~ ~r"^warmup  █+░+    6 %   100/1000                       step 0.512    0 divergences$"u
    # 300 iterations a second, 1,100 left of both phases.
    assert second =~ ~r"^warmup  █+░+   26 %   400/1000     300/s  0:04 left  step 0.512    0 divergences$"u
    assert draw =~ ~r"^draw    █+░+   66 %    0/500  "u
    assert String.trim_trailing(done) =~ ~r"^done    █+  100 %  1500 iterations in 1:05  step 0.512    1 divergence$"u
  end

  test "a line is as wide as it may be, whatever it says, and leaves out what has no room" do
    for width <- [20, 30, 40, 57, 79, 120], divergences <- [0, 123_456_789], step <- [:nan, 1.0e-30, 12_345_678.9] do
      steps = [
        {[phase: :search, iteration: 10_000], 0},
        {[iteration: 1], 1},
        {[iteration: 999, divergences: divergences, step_size: step], 100_000_000},
        {[phase: :done, divergences: divergences, step_size: step], 200_000_000}
      ]

      for line <- lines(width, steps), do: assert(String.length(line) == width)
    end

    # The bar stays as long as it is while numbers grow.
    steps = for i <- 1..9, do: {[iteration: 100 * i, step_size: 4 / i, divergences: i], 700 * i * i}
    assert [_] = lines(90, steps) |> Enum.map(&(~r/[█░]+/u |> Regex.run(&1) |> hd() |> String.length())) |> Enum.uniq()

    [_, narrow] = lines(40, [{[iteration: 100], 0}, {[iteration: 400], 1000}])
    assert narrow =~ "26 %" and narrow =~ "left" and not (narrow =~ "step")
  end

  # What is written to the group leader.
  defp written(progress, run) do
    ExUnit.CaptureIO.capture_io(fn ->
      {:ok, listener} = Progress.listener(progress)
      Progress.follow(listener, {1000, 500}, run)
    end)
  end

  test "the bar is one line written over itself, and ends with one newline" do
    text =
      written(true, fn hear ->
        for i <- [1, 500, 1000], do: hear.(report(iteration: i))
        {:ok, report(phase: :done)}
      end)

    assert ["" | lines] = String.split(text, "\r")
    assert length(lines) == 4
    assert Enum.all?(lines, &(String.length(String.trim_trailing(&1, "\n")) == 79))
    assert Enum.map(lines, &(&1 |> String.graphemes() |> Enum.count(fn c -> c == "\n" end))) == [0, 0, 0, 1]
    assert String.ends_with?(text, "\n")

    for failing <- [fn -> {:error, :some} end, fn -> throw(:some) end] do
      text =
        written(true, fn hear ->
          hear.(@report) &&
            try do
              failing.()
            catch
              _ -> {:error, :some}
            end
        end)

      assert String.ends_with?(text, "\n")
    end

    assert written(true, fn _hear -> {:error, :before_any_report} end) == ""
  end

  # A group leader that is a terminal of 60 columns, or says that it is none, and tells the test what is written.
  defp device(test, options) do
    receive do
      {:io_request, from, ref, request} ->
        answer =
          case request do
            :getopts -> options
            {:get_geometry, :columns} -> 60
            {:put_chars, _, text} -> send(test, {:written, IO.iodata_to_binary(text)}) && :ok
          end

        send(from, {:io_reply, ref, answer})
        device(test, options)
    end
  end

  test "by default a terminal has the line, in its width, and what is none has nothing" do
    test = self()

    for {options, lines} <- [
          {[terminal: true, encoding: :unicode], 2},
          {[terminal: false, expand_fun: & &1], 0},
          {{:error, :enotsup}, 0}
        ] do
      device = spawn_link(fn -> device(test, options) end)

      Task.await(
        Task.async(fn ->
          Process.group_leader(self(), device)
          {:ok, listener} = Progress.listener(:auto)
          Progress.follow(listener, {10, 10}, &(&1.(report(iteration: 5)) && {:ok, report(phase: :done)}))
        end)
      )

      for _ <- 1..lines//1 do
        assert_received {:written, "\r" <> line}
        assert String.length(line) == 59
      end

      if lines > 0, do: assert_received({:written, "\n"})
      refute_received {:written, _}
    end
  end

  test "by default nothing is written where nobody looks" do
    assert written(:auto, fn hear -> hear.(@report) && {:ok, report(phase: :done)} end) == ""
    assert written(false, fn hear -> hear.(@report) && {:ok, report(phase: :done)} end) == ""
  end

  test "in Livebook it is a frame of Kino" do
    assert {:ok, {:frame, Kino} = listener} = Progress.listener(:auto, Kino)
    assert {:ok, _} = Progress.follow(listener, {10, 10}, &(&1.(report(iteration: 5)) && {:ok, report(phase: :done)}))
    assert_received {:rendered, {:frame, _} = frame}
    assert_received {:frame, ^frame, {:text, "warmup" <> _}}
    assert_received {:frame, ^frame, {:text, "done" <> _}}
    Process.put(:livebook, false)
    refute match?({:ok, {:frame, _}}, Progress.listener(:auto, Kino))
  end

  test "each phase has its own numbers" do
    test = self()
    {:ok, listener} = Progress.listener(&send(test, {:report, &1}))

    Progress.follow(listener, {10, 10}, fn hear ->
      hear.(report(phase: :search, iteration: 4, iterations: 0))
      hear.(report(iteration: 5))
      {:ok, Map.put(report(phase: :done), :inverse_mass, <<>>)}
    end)

    assert_received {:report, search}
    assert %{phase: :search, attempts: 4, step_size: 0.5123, acceptance: _, leapfrog_steps: 100} = search
    refute is_map_key(search, :iteration)
    assert_received {:report, %{phase: :warmup, iteration: 5, iterations: 1000, divergences: 0}}
    assert_received {:report, %{phase: :done} = done}
    assert Map.keys(done) == Map.keys(@report)
  end

  test "what is no listener is refused with what is one" do
    for value <- [nil, :yes, 3, fn -> :ok end] do
      assert {:error, %{code: :invalid_argument, message: text}} = Progress.listener(value)
      assert text =~ "the option :progress is true or false or :auto or a function of 1 argument"
    end
  end
end

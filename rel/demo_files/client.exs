# The CPU-only host of rel/demo: attaches to the GPU node by name and does all its tensor work there.
for file <- ["screen.ex", "reference.ex", "../../elixir/gpu_node/test/support/eight_schools.ex", "posterior.ex"],
    do: Code.require_file(file, __DIR__)

defmodule Demo.Client do
  import Demo.Screen
  alias Demo.Reference
  alias GpuNode.{Program, Tensor}

  @host :"demo_host@127.0.0.1"
  @gpu :"gpu0@127.0.0.1"
  @rate 0.5
  @steps_per_run 20
  @steps 400

  def main do
    folder = System.fetch_env!("DEMO_FOLDER")
    {:ok, _} = Node.start(:"demo_cpu@127.0.0.1", :longnames)
    Node.set_cookie(folder |> Path.join("cookie") |> File.read!() |> String.trim() |> String.to_atom())
    {:ok, _} = Application.ensure_all_started(:gpu_node)
    Logger.configure(level: :error)
    {:ok, _} = GpuNode.start_link(node: @gpu)
    {:ok, status} = GpuNode.status(@gpu)
    software = if status.device.software, do: ", a software driver: no GPU was found or it was asked for", else: ""
    line("BEAM 2, no GPU:", "#{Node.self()} is attached to #{@gpu}")
    line("device:", "#{status.device.name} (#{status.device.driver}#{software})")

    data = Reference.load(Path.join(__DIR__, "iris.csv"))

    title(
      "3. Train: multinomial logistic regression on Fisher's iris, #{length(data.rows)} flowers, #{length(data.species)} species"
    )

    program = program(length(data.rows), length(hd(data.rows)), length(data.species))
    IO.puts("   one message holds #{@steps_per_run} steps of gradient descent (#{program.count} instructions)")
    {ms, {weights, loss}} = timed(fn -> train(data, program, 1, zeros(data), &report/2) end)
    accuracy = Reference.accuracy(data, weights)
    line("accuracy:", "#{percent(accuracy)} of the flowers; loss #{format(loss)}")

    line(
      "time:",
      "#{round(ms)} ms for #{@steps} steps, #{Float.round(ms / @steps, 2)} ms a step, kernels compiled on the way"
    )

    title("4. Check: the same computation in plain Elixir, in double precision")
    {ms, {expected, expected_loss}} = timed(fn -> Reference.train(data, @steps, @rate) end)
    worst = largest_difference(weights, expected)
    line("plain Elixir:", "loss #{format(expected_loss)}, #{round(ms)} ms")

    line(
      "largest difference:",
      "#{:erlang.float_to_binary(worst, [{:scientific, 1}])} in #{length(List.flatten(weights))} weights (f32 against f64)"
    )

    unless worst < 1.0e-3 and abs(loss - expected_loss) < 1.0e-4,
      do: fail("the GPU node's result differs from the reference")

    title("5. Fault: kill -9 while it works")
    {:ok, %{os_pid: os_pid}} = :erpc.call(@host, GpuNode, :status, [:gpu0])
    uptime = uptime()
    kill_at = div(div(@steps, @steps_per_run), 2)

    {again, again_loss} =
      train(data, program, 1, zeros(data), fn run, _loss ->
        if run == kill_at do
          # From beside, so that the next run is under way when the process dies.
          spawn(fn -> {_, 0} = System.cmd("kill", ["-9", "#{os_pid}"]) end)
          line("kill -9 #{os_pid}", "after #{run * @steps_per_run} steps, the next #{@steps_per_run} under way")
        end
      end)

    {:ok, %{os_pid: new_pid}} = :erpc.call(@host, GpuNode, :status, [:gpu0])

    line(
      "finished:",
      "loss #{format(again_loss)}, accuracy #{percent(Reference.accuracy(data, again))}, on the process #{new_pid} that the supervisor started"
    )

    line("both BEAM nodes:", "up all the time (this one #{uptime() - uptime} ms longer than at the kill)")
    unless new_pid != os_pid and largest_difference(again, weights) < 1.0e-5, do: fail("the job did not recover")

    Demo.Posterior.show(@gpu)
  end

  # Runs the program until every step is done. A run that fails because the node is gone is repeated from the last weights
  # that were read: the checkpoint of this job.
  defp train(data, program, run, checkpoint, report) do
    with {:ok, x} <- Tensor.from_list(@gpu, data.rows, :f32),
         {:ok, y} <- Tensor.from_list(@gpu, data.one_hot, :f32) do
      loop(data, program, run, checkpoint, report, {x, y})
    else
      {:error, error} -> recover(error, data, program, run, checkpoint, report)
    end
  end

  defp loop(data, program, run, checkpoint, report, {x, y} = tensors) do
    with {:ok, w} <- Tensor.from_list(@gpu, checkpoint, :f32),
         {:ok, [w, loss]} <- GpuNode.run(@gpu, program, [x, y, w]),
         {:ok, weights} <- Tensor.to_list(w),
         {:ok, loss} <- Tensor.to_number(loss) do
      report.(run, loss)

      if run * @steps_per_run >= @steps,
        do: {weights, loss},
        else: loop(data, program, run + 1, weights, report, tensors)
    else
      {:error, error} -> recover(error, data, program, run, checkpoint, report)
    end
  end

  defp recover(error, data, program, run, checkpoint, report) do
    line("the caller got:", "#{inspect(error.code)}: #{error.message}")
    {ms, back} = timed(fn -> wait_for_node(200) end)
    unless back, do: fail("the node did not come back")
    line("restarted:", "callable again after #{round(ms)} ms; going on from the last weights")
    train(data, program, run, checkpoint, report)
  end

  defp wait_for_node(0), do: false

  defp wait_for_node(tries) do
    if GpuNode.alive?(@gpu, timeout: 200) do
      true
    else
      Process.sleep(20)
      wait_for_node(tries - 1)
    end
  end

  # W <- W - rate * X^T (softmax(X W) - Y) / n, @steps_per_run times; the loss is the last step's, before it.
  defp program(rows, features, classes) do
    p = Program.new()
    {p, x} = Program.input(p, :f32, {rows, features})
    {p, y} = Program.input(p, :f32, {rows, classes})
    {p, w} = Program.input(p, :f32, {features, classes})

    {p, w, probabilities} =
      Enum.reduce(1..@steps_per_run, {p, w, nil}, fn _, {p, w, _} ->
        {p, scores} = Program.dot(p, x, w, contract_left: [1], contract_right: [0])
        {p, top} = Program.reduce_max(p, scores, axes: [1], keep_axes: true)
        {p, shifted} = Program.subtract(p, scores, top)
        {p, powers} = Program.exp(p, shifted)
        {p, total} = Program.sum(p, powers, axes: [1], keep_axes: true)
        {p, probabilities} = Program.divide(p, powers, total)
        {p, errors} = Program.subtract(p, probabilities, y)
        {p, gradient} = Program.dot(p, x, errors, contract_left: [0], contract_right: [0])
        {p, step} = Program.multiply(p, gradient, @rate / rows)
        {p, w} = Program.subtract(p, w, step)
        {p, w, probabilities}
      end)

    {p, logs} = Program.log(p, probabilities)
    {p, picked} = Program.multiply(p, logs, y)
    {p, sum} = Program.sum(p, picked)
    {p, loss} = Program.multiply(p, sum, -1.0 / rows)
    Program.output(p, [w, loss])
  end

  defp zeros(data), do: for(_ <- hd(data.rows), do: for(_ <- data.species, do: 0.0))

  defp report(run, loss) do
    if rem(run, 4) == 0 or run == 1 do
      bar = String.duplicate("#", round(loss * 50))
      IO.puts("   step #{String.pad_leading("#{run * @steps_per_run}", 4)}  loss #{format(loss)}  #{bar}")
    end
  end

  defp largest_difference(a, b),
    do: Enum.zip_with(List.flatten(a), List.flatten(b), &abs(&1 - &2)) |> Enum.max()

  defp uptime, do: elem(:erlang.statistics(:wall_clock), 0)
  defp format(number), do: :erlang.float_to_binary(number * 1.0, decimals: 5)
  defp percent(share), do: "#{:erlang.float_to_binary(share * 100, decimals: 1)} %"
end

Demo.Client.main()

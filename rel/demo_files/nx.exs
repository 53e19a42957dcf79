# The part of rel/demo that has Nx: a third BEAM node trains the same classifier with Nx.Defn, its gradient made by Nx, its tensors on
# the GPU node.
for file <- ["screen.ex", "reference.ex"], do: Code.require_file(file, __DIR__)

defmodule Demo.Nx do
  import Demo.Screen
  import Nx.Defn
  alias Demo.Reference

  @gpu :"gpu0@127.0.0.1"
  @rate 0.5
  @steps 100

  def main do
    folder = System.fetch_env!("DEMO_FOLDER")
    {:ok, _} = Node.start(:"demo_nx@127.0.0.1", :longnames)
    Node.set_cookie(folder |> Path.join("cookie") |> File.read!() |> String.trim() |> String.to_atom())
    Application.put_env(:nx_vulkan, :fallback, :count)
    {:ok, _} = Application.ensure_all_started(:nx_vulkan)
    Logger.configure(level: :error)
    {:ok, _} = GpuNode.start_link(node: @gpu)
    data = Reference.load(Path.join(__DIR__, "iris.csv"))
    title("7. Nx: the classifier again, as a defn whose gradient Nx makes")
    line("BEAM 3, no GPU:", "#{Node.self()}, Nx #{Application.spec(:nx, :vsn)}, default backend Nx.Vulkan.Backend on #{@gpu}")

    Nx.global_default_backend({Nx.Vulkan.Backend, node: @gpu})
    {ms, {weights, loss}} = timed(fn -> train(data) end)
    accuracy = Reference.accuracy(data, weights)
    line("accuracy:", "#{Float.round(accuracy * 100, 1)} % of the flowers; loss #{Float.round(loss, 5)}")
    line("time:", "#{round(ms)} ms for #{@steps} steps, kernels compiled on the way")
    fallbacks = Nx.Vulkan.fallbacks()
    line("on the host:", if(fallbacks == %{}, do: "nothing", else: inspect(fallbacks)))

    {expected, _loss} = Reference.train(data, @steps, @rate)
    worst = Enum.zip_with(List.flatten(weights), List.flatten(expected), &abs(&1 - &2)) |> Enum.max()
    line("plain Elixir:", "the largest difference in a weight is #{:erlang.float_to_binary(worst, [{:scientific, 1}])}")
    unless worst < 1.0e-3, do: fail("the result of Nx differs from the reference")
  end

  defp train(data) do
    x = Nx.tensor(data.rows)
    y = Nx.tensor(data.one_hot)
    zero = Nx.broadcast(0.0, {length(hd(data.rows)), length(data.species)})

    {weights, loss} = Enum.reduce(1..@steps, {zero, nil}, fn _, {w, _} -> step(w, x, y) end)
    {Nx.to_list(weights), Nx.to_number(loss)}
  end

  defn step(w, x, y) do
    {loss, by_weight} = value_and_grad(w, &loss(&1, x, y))
    {w - @rate * by_weight, loss}
  end

  # The mean cross-entropy.
  defn loss(w, x, y) do
    scores = Nx.dot(x, w)
    Nx.mean(Nx.logsumexp(scores, axes: [1]) - Nx.sum(scores * y, axes: [1]))
  end
end

Demo.Nx.main()

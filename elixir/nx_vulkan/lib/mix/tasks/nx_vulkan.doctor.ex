defmodule Mix.Tasks.NxVulkan.Doctor do
  @shortdoc "Checks what a tensor on a GPU node needs, and says how to get what is missing"
  @options [
    node: [type: :string, doc: "only this node, which runs elsewhere or is one of `config :nx_vulkan, nodes:`"],
    cookie_file: [type: :string, doc: "a file with its cookie"],
    verbose: [type: :boolean, doc: "with the log of what is done"]
  ]
  @names Enum.map(Keyword.keys(@options), &("--" <> (&1 |> to_string() |> String.replace("_", "-"))))

  @moduledoc """
  Checks versions, the `gpu_node` binary, the Vulkan driver, distribution, and each configured node: whether it can be started or
  reached, computes, and what it would leave to the host.

      mix nx_vulkan.doctor
      mix nx_vulkan.doctor --node gpu0@10.0.0.7 --cookie-file ~/.gpu_node.cookie

  Each line is `ok`, `note` (it works, and could be better), `missing` or `skipped`. The exit status is 1 when something is missing.

  Options:

  #{Enum.zip_with(@names, @options, fn name, {_, entry} -> "  * `#{name}` - #{entry[:doc]}" end) |> Enum.join("\n")}
  """

  use Mix.Task
  alias Nx.Vulkan.Doctor
  alias Nx.Vulkan.Doctor.Report

  @requirements ["app.config"]

  @impl true
  def run(arguments) do
    flags = flags(arguments)
    unless flags[:verbose], do: Logger.configure(level: :none)

    # The application would start the configured nodes behind our back, and only log why it could not.
    with {:error, error} <- Nx.Vulkan.Config.check(), do: Mix.raise(error.message)
    nodes = Nx.Vulkan.Config.get!(:nodes)
    Application.put_env(:nx_vulkan, :nodes, [])
    {:ok, _} = Application.ensure_all_started(:nx_vulkan)

    # Sections are told apart while checks arrive.
    {:ok, section} = Agent.start_link(fn -> nil end)

    report = fn check ->
      previous = Agent.get_and_update(section, &{&1, check.section})
      check |> Report.line(previous) |> print()
    end

    checks = Doctor.run([nodes: nodes, report: report] ++ only(flags[:node]) ++ cookie(flags[:cookie_file]))
    Mix.shell().info(Report.summary(checks))
    unless Doctor.healthy?(checks), do: exit({:shutdown, 1})
  end

  defp flags(arguments) do
    strict = for {key, entry} <- @options, do: {key, [entry[:type], :keep]}
    {flags, rest, invalid} = OptionParser.parse(arguments, strict: strict)

    # Without a value, of another kind, or none of them.
    case {Enum.map(invalid, &elem(&1, 0)) ++ rest, flags -- Enum.uniq_by(flags, &elem(&1, 0))} do
      {[], []} ->
        flags

      {[], [{key, _value} | _]} ->
        Mix.raise("--#{key |> to_string() |> String.replace("_", "-")} is given more than once")

      {wrong, _twice} ->
        Mix.raise(
          "#{Enum.join(wrong, ", ")}: not understood; the options are #{Enum.join(@names, ", ")}; " <>
            "usage: mix nx_vulkan.doctor [--node NAME] [--cookie-file FILE] [--verbose]"
        )
    end
  end

  defp print(line),
    do: line |> IO.ANSI.format() |> IO.iodata_to_binary() |> String.trim_trailing("\n") |> Mix.shell().info()

  defp only(nil), do: []
  defp only(name), do: [node: String.to_atom(name)]

  defp cookie(nil), do: []

  defp cookie(path) do
    case File.read(Path.expand(path)) do
      {:ok, text} -> [cookie: text |> String.trim() |> String.to_atom()]
      {:error, reason} -> Mix.raise("#{path} cannot be read: #{:file.format_error(reason)}")
    end
  end
end

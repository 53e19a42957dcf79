defmodule Nx.Vulkan.Doctor do
  @moduledoc """
  What `mix nx_vulkan.doctor` does: looks for everything that a tensor on a GPU node needs, one check after another, and says
  of each whether it is there, and if not how to get it.

      for check <- Nx.Vulkan.Doctor.run(), check.status == :missing, do: check.text

  Checks of this host (versions, binary, driver, distribution) come first, then those of each node: the one named by `:node`,
  else those of `config :nx_vulkan, nodes:`, else those that are running here, else a local one that is started for it.
  A node that is not running is started and stopped again.
  """

  alias GpuNode.{Distribution, Options, Worker}
  alias Nx.Vulkan.{Doctor, Placement}
  alias Nx.Vulkan.Doctor.Check

  @nx ">= 0.12.0"
  @elixir ">= 1.17.0"
  @otp 25
  # Longer than `gpu_node check` gives a driver that hangs.
  @command_ms 60_000
  @own "nx_vulkan_doctor_"

  defmodule Check do
    @moduledoc """
    The outcome of one check. `status` is `:ok`, `:note` (it works, but you may want it otherwise), `:missing` or `:skipped`;
    `remedy` says how to change it, or is nil; `section` is nil for checks of this host, else the node's name.
    """
    @enforce_keys [:name, :status, :text]
    defstruct [:section, :name, :status, :text, :remedy]

    @type t :: %__MODULE__{
            section: String.t() | nil,
            name: String.t(),
            status: :ok | :note | :missing | :skipped,
            text: String.t(),
            remedy: String.t() | nil
          }
  end

  @options [
    node: [type: :atom, doc: "only this node (`:\"gpu0@host\"`), with its entry in the configuration if it has one"],
    cookie: [type: {:or, [:atom, {:fun, 0}]}, secret: true, doc: "its cookie, an atom or a function"],
    nodes: [
      type: {:custom, "a list of options of GpuNode.start_link/1", &Nx.Vulkan.Config.nodes?/1},
      doc: "instead of those of the configuration"
    ],
    report: [type: {:fun, 1}, doc: "a function that is called with each check when it is done"]
  ]

  @doc """
  Runs every check. Options:

  #{Options.docs(@options)}
  """
  @spec run(keyword) :: [Check.t()]
  def run(options \\ []) do
    options = Options.check!(options, @options, "Nx.Vulkan.Doctor.run/1")
    options = Keyword.merge([nodes: Placement.configured(), report: fn _ -> :ok end], options)
    targets = targets(options)
    local = Enum.find(targets, &(&1[:node] == nil))
    told = fn checks -> checks |> List.wrap() |> Enum.map(&tap(&1, options[:report])) end

    versions = told.(versions())
    binary = told.(binary(local))
    runs = told.(runs(local, binary))
    driver = told.(driver(local, runs))
    distribution = told.(distribution(targets))
    configured = told.(configured(targets))
    host = versions ++ binary ++ runs ++ driver ++ distribution ++ configured

    nodes =
      for target <- targets,
          blocked = blocked(target, binary ++ runs ++ driver, distribution),
          check <- Doctor.Node.checks(target, blocked, told),
          do: check

    host ++ nodes
  end

  @doc "Whether nothing is missing."
  @spec healthy?([Check.t()]) :: boolean
  def healthy?(checks) do
    GpuNode.Argument.check!(checks, {:list, {:struct, Check}}, "checks", "Nx.Vulkan.Doctor.healthy?/1")
    not Enum.any?(checks, &(&1.status == :missing))
  end

  ## Which nodes

  defp targets(options) do
    chosen =
      cond do
        node = options[:node] -> [Enum.find(options[:nodes], [node: node], &(node in [&1[:node], &1[:name]]))]
        options[:nodes] != [] -> options[:nodes]
        true -> running()
      end

    chosen = if chosen == [], do: [[name: :"#{@own}#{Distribution.random(4)}"]], else: chosen
    cookie = options[:cookie]
    if cookie, do: Enum.map(chosen, &Keyword.put(&1, :cookie, cookie)), else: chosen
  end

  defp running do
    for name <- GpuNode.nodes(), {:ok, status} <- [GpuNode.status(name)] do
      if status[:binary], do: [name: name, binary: status.binary], else: [name: name, node: status.node]
    end
  end

  defp configured([[name: name]] = targets) do
    if name |> Atom.to_string() |> String.starts_with?(@own) do
      note("nodes", "none is configured: one is started for this run", "config :nx_vulkan, nodes: [[name: :gpu0]]")
    else
      configured_names(targets)
    end
  end

  defp configured(targets), do: configured_names(targets)
  defp configured_names(targets), do: ok("nodes", Enum.map_join(targets, ", ", &"#{GpuNode.Supervisor.name(&1)}"))

  # What already is missing on this host explains why a node of it cannot be there; then it is not tried.
  defp blocked(target, process, distribution) do
    relevant = if target[:node], do: distribution, else: process ++ distribution
    Enum.find_value(relevant, :no, &if(&1.status == :missing, do: &1.name))
  end

  ## Versions

  defp versions do
    otp = :erlang.system_info(:otp_release) |> to_string()
    elixir = System.version()

    _loaded = Application.load(:nx)
    nx = to_string(Application.spec(:nx, :vsn) || "none")

    wrong =
      [
        {Version.match?(elixir, @elixir), "Elixir 1.17 or newer"},
        {String.to_integer(otp) >= @otp, "Erlang/OTP #{@otp} or newer"},
        {nx != "none" and Version.match?(nx, @nx, allow_pre: true), "Nx 0.12 or newer: {:nx, \"~> 0.12\"} in mix.exs"}
      ]
      |> Enum.reject(&elem(&1, 0))
      |> Enum.map(&elem(&1, 1))

    text = "Elixir #{elixir}, OTP #{otp}, Nx #{nx}"
    if wrong == [], do: ok("versions", text), else: missing("versions", text, "Install " <> Enum.join(wrong, ", "))
  end

  ## The process

  defp binary(nil), do: skipped("binary", "every node runs elsewhere")

  defp binary(local) do
    case Worker.Command.binary(local[:binary]) do
      {:ok, path} -> ok("binary", path)
      {:error, error} -> missing("binary", error.message)
    end
  end

  defp runs(nil, _binary), do: skipped("runs", "every node runs elsewhere")
  defp runs(_local, [%{status: :missing}]), do: skipped("runs", "there is no binary")

  defp runs(_local, [%{text: path}]) do
    package = to_string(Application.spec(:gpu_node, :vsn))

    case command(path, ["version"], []) do
      {text, 0} ->
        text = String.trim(text)

        if String.ends_with?(text, " " <> package),
          do: ok("runs", text),
          else: note("runs", "#{text}; the package is #{package}", "Install both in the same version")

      {text, code} ->
        missing(
          "runs",
          "`#{path} version` ended with exit code #{code}#{first_line(text)}",
          "Libraries that it lacks: `ldd #{path}`. One for another system must be built here"
        )
    end
  end

  defp driver(nil, _runs), do: skipped("driver", "every node runs elsewhere")
  defp driver(_local, [%{status: status}]) when status in [:missing, :skipped], do: skipped("driver", "nothing to ask")

  defp driver(local, _runs) do
    {:ok, path} = Worker.Command.binary(local[:binary])
    device = if local[:device], do: ["--device", to_string(local[:device])], else: []
    {text, code} = command(path, ["check" | device], local)
    steps = steps(text)
    failed = Enum.find(steps, fn {_name, outcome, _text} -> outcome == "failed" end)

    case {code, failed} do
      {0, _} ->
        opened = Enum.find_value(steps, text, fn {name, _, text} -> if name == "open", do: text end)
        [ok("driver", opened), device(opened)]

      {69, {"devices", _, text}} ->
        missing("driver", text, packages())

      {_, {step, _, text}} ->
        missing("driver", "step #{step} of `gpu_node check` failed (exit code #{code}): #{text}", packages())

      {_, nil} ->
        missing("driver", "`gpu_node check` ended with exit code #{code}#{first_line(text)}", packages())
    end
  end

  defp steps(text) do
    for line <- String.split(text, "\n"),
        [_, name, outcome, text] <- [Regex.run(~r/^(\S+)\s+(ok|failed)\s+(.*)$/, line)],
        do: {name, outcome, text}
  end

  defp device(opened) do
    if String.ends_with?(opened, "SOFTWARE") do
      note(
        "device",
        "a software device: everything is right, and computed on the CPU",
        "For a GPU install its vendor's driver; see `gpu_node check` for the devices that there are"
      )
    else
      ok("device", "a real one")
    end
  end

  defp packages do
    """
    A Vulkan 1.2 driver comes with
    Debian:  mesa-vulkan-drivers (AMD, Intel, and lavapipe, which computes on the CPU); nvidia-vulkan-icd (NVIDIA, non-free)
    FreeBSD: vulkan-loader with mesa-dri or nvidia-driver
    macOS:   molten-vk with vulkan-loader, from Homebrew
    In a container the device files (/dev/dri, /dev/nvidia*) must be passed in.
    """
  end

  # A program that is no gpu_node may wait for input for ever.
  defp command(path, arguments, options) do
    environment =
      for {key, value} <- Worker.Command.environment(options), do: {to_string(key), value && to_string(value)}

    task =
      Task.async(fn ->
        try do
          System.cmd(path, arguments, stderr_to_stdout: true, env: Enum.map(environment, &unset/1))
        rescue
          error in ErlangError -> {"#{:file.format_error(error.original)}", 126}
        end
      end)

    case Task.yield(task, @command_ms) || Task.shutdown(task, :brutal_kill) do
      {:ok, result} -> result
      _ -> {"no answer within #{div(@command_ms, 1000)} s", 124}
    end
  end

  defp unset({key, false}), do: {key, nil}
  defp unset(pair), do: pair

  defp first_line(text) do
    case text |> String.trim() |> String.split("\n") |> hd() do
      "" -> ""
      line -> ": " <> line
    end
  end

  ## Distribution

  defp distribution(targets) do
    remote = for target <- targets, node = target[:node], not loopback?(node), do: node
    epmd? = match?({:ok, _}, :erl_epmd.names({127, 0, 0, 1}))

    cond do
      Node.alive?() ->
        ok("distribution", "this VM is #{node()}" <> if(epmd?, do: "", else: "; no epmd listens on this host"))

      not epmd? and epmd() == nil ->
        missing("distribution", "epmd is neither running nor installed", "Install Erlang's epmd (Debian: erlang-base)")

      remote != [] and Enum.any?(remote, &short?/1) ->
        [node | _] = remote

        missing(
          "distribution",
          "this VM is no node, and #{node} has a short name",
          "Start it as one: elixir --sname doctor -S mix nx_vulkan.doctor --node #{node}"
        )

      remote != [] ->
        started(
          Distribution.ensure(true),
          "Applications that use #{hd(remote)} must be nodes: start them with --name or --sname"
        )

      true ->
        ok("distribution", "this VM is no node yet; it becomes one on 127.0.0.1 when a GPU node is started")
    end
  end

  defp started(:ok, remedy), do: note("distribution", "this VM was no node; for this run it is #{node()}", remedy)
  defp started({:error, error}, _remedy), do: missing("distribution", error.message)

  defp epmd do
    beside = Path.join([:code.root_dir(), "erts-#{:erlang.system_info(:version)}", "bin", "epmd"])
    if File.exists?(beside), do: beside, else: System.find_executable("epmd")
  end

  defp loopback?(node), do: node |> Atom.to_string() |> String.ends_with?("@127.0.0.1")

  defp short?(node) do
    host = node |> Atom.to_string() |> String.split("@") |> List.last()
    not String.contains?(host, ".")
  end

  defp ok(name, text), do: %Check{name: name, status: :ok, text: text}
  defp note(name, text, remedy), do: %Check{name: name, status: :note, text: text, remedy: remedy}
  defp missing(name, text, remedy \\ nil), do: %Check{name: name, status: :missing, text: text, remedy: remedy}
  defp skipped(name, text), do: %Check{name: name, status: :skipped, text: text}
end

defmodule GpuNode.Worker.Command do
  @moduledoc false
  # How the OS process is called and what its end means: where the binary is, its arguments and environment, its lines, its exit
  # codes. Pure but for looking at files.

  alias GpuNode.{Error, Text}

  @project Path.expand("../../../../..", __DIR__)

  @doc "The binary: `binary`, else GPU_NODE_BINARY, priv/gpu_node, the project's builds. Error: `:no_binary`, with where was looked."
  @spec binary(String.t() | nil) :: {:ok, String.t()} | {:error, Error.t()}
  def binary(given) do
    candidates =
      cond do
        given -> [given]
        variable = System.get_env("GPU_NODE_BINARY") -> [variable]
        true -> [priv() | Enum.map(~w(release dev), &Path.join([@project, "build", &1, "gpu_node"]))]
      end

    case Enum.find(candidates, &executable?/1) do
      nil ->
        text =
          "the gpu_node binary is missing; looked for an executable at #{Enum.join(candidates, ", ")}. Build it " <>
            "(cmake --preset release && ninja -C build/release gpu_node) or name it with `binary:` or GPU_NODE_BINARY"

        {:error, Error.new(:no_binary, text)}

      path ->
        {:ok, Path.expand(path)}
    end
  end

  defp priv do
    case :code.priv_dir(:gpu_node) do
      {:error, _} -> "priv/gpu_node"
      folder -> Path.join(to_string(folder), "gpu_node")
    end
  end

  defp executable?(path) do
    case File.stat(path) do
      {:ok, %{type: :regular, mode: mode}} -> Bitwise.band(mode, 0o111) != 0
      _ -> false
    end
  end

  @doc "The arguments of `gpu_node`."
  @spec arguments(keyword) :: [String.t()]
  def arguments(options) do
    flags =
      for {key, flag} <- [device: "--device", memory_limit: "--memory-limit"],
          value = options[key],
          value != nil,
          item <- [flag, to_string(value)],
          do: item

    [
      "run",
      "--name",
      Atom.to_string(options[:node]),
      "--cookie-file",
      options[:cookie_file],
      "--incarnation",
      Integer.to_string(options[:incarnation]),
      "--listen",
      options[:listen],
      "--exit-on-stdin-eof"
    ] ++ raw_shaders(options) ++ flags ++ Enum.map(Keyword.fetch!(options, :args), &to_string/1)
  end

  # A node of this VM's own does what its users ask; who else it serves holds its cookie.
  defp raw_shaders(options), do: if(Keyword.fetch!(options, :raw_shaders), do: ["--allow-raw-shaders"], else: [])

  @doc """
  The environment: what the VM's own release needs must not name the node, and what names the binary is none of its settings.
  """
  @spec environment(keyword) :: [{charlist, charlist | false}]
  def environment(options) do
    dropped = ~w(GPU_NODE_BINARY GPU_NODE_BUILD_DIR GPU_NODE_NAME ERL_DIST_PORT RELEASE_NODE RELEASE_COOKIE)
    given = for {key, value} <- Keyword.get(options, :env, []), do: {to_charlist(key), value && to_charlist(value)}
    Enum.map(dropped, &{to_charlist(&1), false}) ++ Enum.map(given, fn {key, value} -> {key, value || false} end)
  end

  @doc """
  Reads a line: `{:ready, fields}`, `{:log, level, text}` or `{:other, text}`.

  The ready line is `gpu_node ready name=gpu0@host device="..." ...`; log lines are `gpu_node LEVEL event key=value ...`.
  """
  @spec line(String.t()) ::
          {:ready, %{String.t() => String.t()}} | {:log, Logger.level(), String.t()} | {:other, String.t()}
  def line("gpu_node ready" <> rest), do: {:ready, fields(rest)}

  def line(line) do
    case Regex.run(~r/^(?:<\d>)?gpu_node (error|warning|info|debug) (.*)$/, line) do
      [_, level, text] -> {:log, String.to_existing_atom(level), text}
      nil -> {:other, line}
    end
  end

  defp fields(text) do
    for [_, key, quoted, plain] <-
          Regex.scan(~r/(\w+)=(?:"([^"]*)"|(\S+))/, text <> " ", capture: :all) |> Enum.map(&pad/1),
        into: %{},
        do: {key, if(plain == "", do: quoted, else: plain)}
  end

  @doc """
  What people read of an event of the log, as it begins and ends: its numbers with units. Other events are as the node has them.

      iex> GpuNode.Worker.Command.sentence(~s(memory_limit bytes=1610612736 because="as it was set" asked=1610612736 device=2147483648))
      "it may take 1.5 GiB of the device's 2.0 GiB (as it was set)"
  """
  @spec sentence(String.t()) :: String.t()
  def sentence(text) do
    [event | _] = String.split(text, " ", parts: 2)

    case {event, fields(text)} do
      {"memory_limit", %{"bytes" => bytes, "because" => why, "device" => device}} ->
        "it may take #{size(bytes)} of the device's #{size(device)} (#{why})"

      {"software_device", %{"device" => device, "note" => note}} ->
        ~s(its device, "#{device}", #{note})

      {"session_closed", %{"peer" => peer, "reason" => reason, "bytes" => bytes}} ->
        "the session of #{peer} is over (#{String.replace(reason, "_", " ")}), which had #{size(bytes)}"

      {"draining", %{"reason" => reason, "deadline_ms" => ms}} ->
        "it ends what it has begun, for #{div(String.to_integer(ms), 1000)} s at most (#{String.replace(reason, "_", " ")})"

      _other ->
        text
    end
  end

  defp size(digits) do
    bytes = String.to_integer(digits)
    unit = Enum.find([{"GiB", 0x4000_0000}, {"MiB", 0x10_0000}, {"KiB", 1024}], &(bytes >= elem(&1, 1)))

    case unit do
      nil -> Text.count(bytes, "byte")
      {name, of} -> "#{:erlang.float_to_binary(bytes / of, decimals: 1)} #{name}"
    end
  end

  defp pad(match), do: match ++ List.duplicate("", 4 - length(match))

  # As Linux numbers them.
  @signals %{
    1 => "SIGHUP",
    2 => "SIGINT",
    3 => "SIGQUIT",
    4 => "SIGILL",
    6 => "SIGABRT",
    7 => "SIGBUS",
    8 => "SIGFPE",
    9 => "SIGKILL",
    11 => "SIGSEGV",
    13 => "SIGPIPE",
    15 => "SIGTERM"
  }

  # SIGHUP, SIGINT, SIGKILL, SIGTERM: what the process said is not why.
  @sent_from_outside [129, 130, 137, 143]

  @doc "The error for a process that exited with `code` after the lines `said` (newest first). Above 128 it is a signal's."
  @spec exit_error(non_neg_integer, [String.t()], keyword) :: Error.t()
  def exit_error(code, said, options) do
    node = options[:node]
    why = options[:cause] || if(code not in @sent_from_outside, do: reason(said))

    {kind, advice} =
      case code do
        64 ->
          {:configuration, "it does not know an argument: are the package and #{options[:binary]} of the same version?"}

        69 when why != nil and binary_part(why, 0, min(16, byte_size(why))) == "no Vulkan device" ->
          {:no_driver, "`device:` is a number or a part of the name of one of those that are there"}

        69 ->
          {:no_driver,
           "install a Vulkan driver (for the CPU: mesa-vulkan-drivers) and look at `#{options[:binary]} check`"}

        73 ->
          cannot_join(why, node, options[:shared] == true)

        75 ->
          {:device_lost, "the device was lost or hung; it is started again"}

        77 ->
          {:wrong_cookie,
           "it cannot read its cookie: is the temporary folder #{System.tmp_dir()} private to another user?"}

        78 ->
          {:configuration, "correct the options, GPU_NODE_* variables or the configuration file"}

        126 ->
          {:no_binary, "#{options[:binary]} cannot be executed on this machine"}

        127 ->
          {:no_binary, "#{options[:binary]} or a library it needs is missing"}

        _ ->
          {:node_down, "it is started again"}
      end

    text = [ending(code), why, advice] |> Enum.reject(&is_nil/1) |> Enum.join("; ")
    Error.new(kind, "#{node} #{text}", node)
  end

  defp cannot_join(why, node, shared?) do
    if why && why =~ ~r/taken|duplicate|already/i do
      other =
        if shared?,
          do: "another `name:`, or none that is `shared:`, so that it has one of its own",
          else: "another `name:`"

      {:name_taken, "another node is called #{node}: attach to that one by `node:`, stop it, or give this one #{other}"}
    else
      {:distribution, "it cannot join as #{node}: is its host name one of this machine, and epmd there?"}
    end
  end

  defp ending(code) when code > 128, do: "was ended by #{@signals[code - 128] || "signal #{code - 128}"}"
  defp ending(code), do: "ended with exit code #{code}"

  @doc """
  What the last error line gives as the reason; else the last line that is none of the log's, as what a loader or an assertion says. Other lines
  of the log tell what went well, or what somebody else did.
  """
  @spec reason([String.t()]) :: String.t() | nil
  def reason(said) do
    lines = Enum.map(said, &line/1)

    Enum.find_value(lines, fn
      {:log, :error, text} -> if match = Regex.run(~r/reason="(.*)"/, text), do: List.last(match), else: text
      _other -> nil
    end) || Enum.find_value(lines, fn line -> with {:other, text} <- line, do: text, else: (_ -> nil) end)
  end
end

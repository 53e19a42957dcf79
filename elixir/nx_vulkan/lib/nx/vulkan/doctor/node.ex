defmodule Nx.Vulkan.Doctor.Node do
  @moduledoc false
  # The doctor's checks of one GPU node. A node that is not running here is started or attached for them, and left again.

  alias GpuNode.{Capabilities, Error, Link, Protocol, Type}
  alias Nx.Vulkan.{Callbacks, Doctor.Check}

  @type told :: (Check.t() | [Check.t()] -> [Check.t()])

  @doc "Checks the node that `target`, options of `GpuNode.start_link/1`, describes, unless `blocked` names what it lacks."
  @spec checks(keyword, :no | String.t(), told) :: [Check.t()]
  def checks(target, blocked, told) do
    name = target[:name] || target[:node] || :gpu0
    told = fn checks -> checks |> List.wrap() |> Enum.map(&%{&1 | section: to_string(name)}) |> told.() end

    cond do
      match?({:ok, _}, Link.fetch(name)) ->
        used(name, "running", told)

      blocked != :no ->
        told.(%Check{name: "reached", status: :skipped, text: "not tried: #{blocked} is missing"})

      true ->
        verb = if target[:node], do: "attached to", else: "started"
        started = System.monotonic_time(:millisecond)

        case GpuNode.with_node(Keyword.delete(target, :wait), fn name ->
               {:done, used(name, "#{verb} in #{System.monotonic_time(:millisecond) - started} ms", told)}
             end) do
          {:done, checks} -> checks
          {:error, reason} -> told.(unreached(reason))
        end
    end
  end

  defp unreached({:already_started, _pid}),
    do: %Check{name: "reached", status: :missing, text: "it is being started by another process: try again"}

  defp unreached(%Error{} = error) do
    %Check{
      name: "reached",
      status: :missing,
      text: "#{heading(error.code)}: #{error.message}",
      remedy: remedy(error.code)
    }
  end

  defp heading(code), do: code |> to_string() |> String.replace("_", " ")

  defp remedy(:wrong_cookie), do: "`cookie:` in the node's configuration, or --cookie-file of this task"

  defp remedy(:name_taken),
    do: "If your application runs now and owns that node, all is well: ask again when it is stopped"

  defp remedy(:unreachable),
    do: "A node on another host listens on 127.0.0.1 unless it was started with --listen and its own address"

  defp remedy(_code), do: nil

  defp used(name, how, told) do
    case Capabilities.fetch(name) do
      {:ok, capabilities} ->
        told.(reached(name, how, capabilities)) ++
          told.(protocol(capabilities)) ++
          told.(round_trip(name)) ++ told.(finalizer(name)) ++ told.(operations(capabilities))

      {:error, error} ->
        told.(unreached(error))
    end
  end

  defp reached(name, how, %{device: device}) do
    {:ok, link} = Link.fetch(name)
    software = if device[:software], do: " (software)", else: ""
    %Check{name: "reached", status: :ok, text: "#{link.node}, #{how}: #{device[:name]}#{software}"}
  end

  defp protocol(capabilities) do
    %Check{
      name: "protocol",
      status: :ok,
      text: "#{Protocol.version()}, the same on both sides; the node is version #{capabilities.version}"
    }
  end

  defp round_trip(name) do
    backend = {Nx.Vulkan.Backend, node: name}

    {us, sum} =
      :timer.tc(fn ->
        Nx.with_default_backend(backend, fn -> Nx.tensor(1) |> Nx.add(Nx.tensor(1)) |> Nx.to_number() end)
      end)

    if sum == 2 do
      %Check{name: "round trip", status: :ok, text: "1 + 1 = 2, in #{Float.round(us / 1000, 1)} ms"}
    else
      %Check{
        name: "round trip",
        status: :missing,
        text: "1 + 1 = #{inspect(sum)}",
        remedy: "The driver computes wrongly: try another version of it, or another device with `device:`"
      }
    end
  rescue
    error in Error ->
      %Check{name: "round trip", status: :missing, text: "#{heading(error.code)}: #{error.message}"}
  end

  defp finalizer(name) do
    case GpuNode.status(name) do
      {:ok, %{finalizer: :nif}} ->
        %Check{name: "finalizer", status: :ok, text: "by NIF: a collected tensor is freed at once"}

      _ ->
        %Check{
          name: "finalizer",
          status: :note,
          text: "by sweep: a collected tensor is freed within a second or two",
          remedy:
            "The library gpu_node_finalizer in the package's priv folder, or in GPU_NODE_BUILD_DIR, does it at once"
        }
    end
  end

  @doc "The callbacks of the backend that a node with these capabilities leaves to the host, and the types that it does not compute."
  @spec lacking(Capabilities.t()) :: {[atom], [atom]}
  def lacking(capabilities) do
    ops = [:iota, :eye | Enum.map(Callbacks.rows(), &elem(&1, 0))]
    types = for type <- Type.all(), not is_map_key(capabilities.types, type), do: Type.name(type)
    {Enum.sort(Enum.reject(ops, &is_map_key(capabilities.ops, &1))), types -- [:s2, :s4, :u2, :u4]}
  end

  defp operations(capabilities) do
    case lacking(capabilities) do
      {[], []} ->
        %Check{name: "fallbacks", status: :ok, text: "none but functions of yours that are no ops of numbers"}

      {ops, types} ->
        lists =
          for {what, [_ | _] = names} <- [{"the ops", ops}, {"the types", types}],
              do: "#{what} #{Enum.join(names, ", ")}"

        %Check{
          name: "fallbacks",
          status: :note,
          text: "computed on the host would be #{Enum.join(lists, "; and ")}",
          remedy: "`config :nx_vulkan, fallback: :raise` makes each an error; Nx.Vulkan.fallbacks/0 counts them"
        }
    end
  end
end

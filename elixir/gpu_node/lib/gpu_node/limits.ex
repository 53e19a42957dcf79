defmodule GpuNode.Limits do
  @moduledoc false
  # What a node takes in one message, looked at where the caller is: a message that the node would refuse as a whole is not sent. The numbers are
  # those of the node's `describe`; what a node does not say is not checked. Ordinary requests and ops cost a pattern match.

  alias GpuNode.{Capabilities, Error, Link}

  # A node that does not say takes this much.
  @message_bytes 8 * 1024 * 1024
  # What surrounds a request in its message: the caller, the session, options of every request.
  @envelope_bytes 2048

  @doc "Whether the node takes `request` (a request or a command). Error: `:invalid_argument`, with sizes, limits and the way around them."
  @spec check(Link.t(), term) :: :ok | {:error, Error.t()}
  def check(link, request) do
    case request do
      {:compile_family, _id, _family, _inputs, _options} -> judge(link, request)
      {:compile_program, _id, _inputs, _instructions, _outputs, _bodies} -> judge(link, request)
      {:compile_program, _id, _inputs, _instructions, _outputs, _bodies, _options} -> judge(link, request)
      {:chain, _model, _operands, _results, _options} -> judge(link, request)
      {:sample, _model, _results, _options} -> judge(link, request)
      {:compile_glsl, _text} -> judge(link, request)
      {:load_spirv, _spirv} -> judge(link, request)
      {:dispatch_spirv, _hash, _buffers, _push, _groups} -> judge(link, request)
      {:sync, [_ | _]} -> judge(link, request)
      _ordinary -> :ok
    end
  end

  defp judge(link, request) do
    limits = Capabilities.limits(link)
    over = Enum.find(parts(request), fn {key, _what, size, _unit, _way} -> size > Map.get(limits, key, :infinity) end)
    {over_all, way} = {:erlang.external_size(request) + @envelope_bytes, way(request)}
    most = Map.get(limits, :max_message_bytes, @message_bytes)

    cond do
      over != nil ->
        {key, what, size, unit, way} = over
        refuse(link, request, "#{what} #{size} #{unit}, #{link.node} takes at most #{limits[key]}", way)

      over_all > most ->
        refuse(link, request, "the request has #{over_all} bytes, #{link.node} takes messages of at most #{most}", way)

      true ->
        :ok
    end
  end

  defp refuse(link, request, text, way),
    do: {:error, Error.new(:invalid_argument, "#{elem(request, 0)}: #{text}; #{way}", link.node)}

  # What of a request has a limit of its own: {its name in `describe`, its words, its size, the unit, the way around}.
  defp parts({:compile_family, _id, family, inputs, options}) do
    text = if is_binary(family), do: [{:max_family_bytes, "the family's text has", byte_size(family), "bytes", data()}]
    file = if file = options[:file], do: [{:max_name_bytes, "the file's name has", byte_size(file), "bytes", shorter()}]

    named =
      for {kind, values} <- inputs,
          size = map_size(values),
          longest = values |> Map.keys() |> Enum.map(&byte_size/1) |> Enum.max(fn -> 0 end),
          part <- [
            {:max_names, "#{kind} are", size, "names", "put several numbers into one array"},
            {:max_name_bytes, "a name of #{kind} has", longest, "bytes", shorter()}
          ],
          do: part

    (text || []) ++ (file || []) ++ named
  end

  defp parts({:chain, _model, operands, _results, _options}), do: inline(operands)
  defp parts({:sample, _model, _results, options}), do: inline(Map.take(options, [:position]))

  defp parts({:compile_glsl, text}), do: [{:max_glsl_bytes, "the shader has", byte_size(text), "bytes", tables()}]

  defp parts({:load_spirv, spirv}), do: [{:max_module_bytes, "the module has", byte_size(spirv), "bytes", tables()}]

  defp parts({:dispatch_spirv, _hash, buffers, push, _groups}) do
    several = "put several into one"

    [
      {:max_shader_buffers, "the shader has", length(buffers), "buffers", several},
      {:max_push_bytes, "the push constants have", byte_size(push), "bytes", "pass them in a buffer"}
    ] ++
      for {buffer, index} <- Enum.with_index(buffers), is_binary(buffer) do
        {:inline_shader_bytes, "buffer #{index} has", byte_size(buffer), "bytes", tensors()}
      end
  end

  defp parts({:sync, ids}), do: [{:max_ids, "there are", length(ids), "tensors", "wait for them in parts"}]
  defp parts(_program), do: []

  defp inline(operands) do
    for {name, binary} <- operands,
        is_binary(binary),
        do: {:inline_chain_bytes, "#{name} has", byte_size(binary), "bytes", tensors()}
  end

  defp way({:sync, _ids}), do: "wait for them in parts"

  defp way({:sample, _model, _results, _options}),
    do: "give `position:` as a tensor; `inverse_mass:` is learned where it is left out"

  defp way({:compile_program, _id, _inputs, _instructions, _outputs, _bodies}), do: "make several programs of it"

  defp way({:compile_program, _id, _inputs, _instructions, _outputs, _bodies, _options}),
    do: "make several programs of it"

  defp way(_request), do: tensors()

  defp data, do: "its numbers belong in `data:`, which can be tensors"
  defp tensors, do: "give large data as tensors (`GpuNode.Tensor.from_binary/5`)"
  defp tables, do: "its tables belong in buffers"
  defp shorter, do: "use a shorter one"
end

defmodule Nx.Vulkan.ChainDispatch do
  @moduledoc false
  # Leapfrog steps by SPIR-V files that follow the conventions of Nx.Vulkan.ShaderTemplate: the header of the push constants, the
  # sizes that follow from it, what is refused, and the dispatch.
  #
  # Errors are those that existing code matches: {:error, :size_mismatch}, {:error, :bad_input}, and with what was said
  # {:error, :dispatch_failed, message}.

  alias GpuNode.Shader
  alias Nx.Vulkan.ShaderTemplate

  @type failure :: {:error, :size_mismatch | :bad_input} | {:error, :dispatch_failed, String.t()}
  @type chains :: {binary, binary, binary, binary}

  # What a lane of the template may loop in one dispatch: software drivers end its loops at 65,535.
  @max_rounds 32_768
  @lanes 256

  @doc """
  Steps of one chain or several by a shader with parameters in its text. `element` is 4 or 8 bytes; `batch?`: the header has the
  number of chains.
  """
  @spec run(node, binary, binary, binary, binary, integer, Path.t(), 4 | 8, boolean) :: {:ok, chains} | failure
  def run(node, q, p, extras, push, k, spv_path, element, batch?) do
    with :ok <- fit(byte_size(q) == byte_size(p)),
         :ok <- take(is_integer(k) and k > 0 and byte_size(push) <= 128),
         {:ok, header} <- header(push, element),
         chains = if(batch?, do: header.instances, else: 1),
         :ok <- take(header.k == k and chains > 0),
         :ok <- fit(header.d > 0 and chains * header.d * element <= byte_size(q)),
         :ok <- fit(chains * (header.n_obs + header.d) * element <= byte_size(extras)),
         {:ok, spirv} <- read(spv_path),
         :ok <- take(wide?(spirv, header.d)) do
      job = %{node: node, spirv: spirv, extras: extras, d: header.d, chains: chains, element: element, k_at: 0}
      size = chains * header.d * element
      steps(job, binary_part(q, 0, size), binary_part(p, 0, size), push, k)
    end
  end

  @doc "Steps of one chain by a shader with parameters in its push constants `{n, K, eps, ...}`, f32."
  @spec run_pushed(node, binary, binary, binary, binary, integer, Path.t()) :: {:ok, chains} | failure
  def run_pushed(node, q, p, inv_mass, push, k, spv_path) do
    with :ok <- fit(byte_size(q) == byte_size(p) and byte_size(q) == byte_size(inv_mass)),
         :ok <- take(is_integer(k) and k > 0 and byte_size(push) in 12..128),
         <<n::little-32, steps::little-32, _::binary>> = push,
         :ok <- take(steps == k),
         :ok <- fit(n > 0 and n * 4 <= byte_size(q)),
         {:ok, spirv} <- read(spv_path),
         :ok <- take(wide?(spirv, n)) do
      job = %{node: node, spirv: spirv, extras: inv_mass, d: n, chains: 1, element: 4, k_at: 4}
      steps(job, binary_part(q, 0, n * 4), binary_part(p, 0, n * 4), push, k)
    end
  end

  defp fit(true), do: :ok
  defp fit(false), do: {:error, :size_mismatch}
  defp take(true), do: :ok
  defp take(false), do: {:error, :bad_input}

  defp header(<<k::little-32, n_obs::little-32, d::little-32, instances::little-32, _eps::binary-4, _::binary>>, 4),
    do: {:ok, %{k: k, n_obs: n_obs, d: d, instances: instances}}

  defp header(<<k::little-32, n_obs::little-32, d::little-32, instances::little-32, _eps::binary-8, _::binary>>, 8),
    do: {:ok, %{k: k, n_obs: n_obs, d: d, instances: instances}}

  defp header(_push, _element), do: {:error, :bad_input}

  defp read(path) do
    case File.read(path) do
      {:ok, <<_, _::binary>> = spirv} -> {:ok, spirv}
      {:ok, <<>>} -> {:error, :dispatch_failed, "#{path} is empty"}
      {:error, reason} -> {:error, :dispatch_failed, "#{path}: #{:file.format_error(reason)}"}
    end
  end

  # A workgroup of 256 with a lane for each coordinate adds up the first 256 alone. The template of this package does not.
  defp wide?(_spirv, d) when d <= @lanes, do: true
  defp wide?(spirv, _d), do: :binary.match(spirv, ShaderTemplate.strided_mark()) != :nomatch or not lanes?(spirv)

  defp lanes?(<<_header::binary-20, instructions::binary>>), do: lane_size?(instructions)
  defp lanes?(_other), do: false

  # OpExecutionMode LocalSize 256 1 1.
  defp lane_size?(
         <<16::little-16, 6::little-16, _entry::binary-4, 17::little-32, @lanes::little-32, 1::little-32, 1::little-32,
           _::binary>>
       ),
       do: true

  defp lane_size?(<<_op::little-16, words::little-16, rest::binary>>)
       when words > 0 and byte_size(rest) >= (words - 1) * 4 do
    <<_operands::binary-size((words - 1) * 4), rest::binary>> = rest
    lane_size?(rest)
  end

  defp lane_size?(_end), do: false

  # More steps than a dispatch may take are several: the state after one piece is where the next begins.
  defp steps(job, q, p, push, k) do
    most = max(div(@max_rounds, 1 + div(job.d + @lanes - 1, @lanes)), 1)

    if k <= most do
      dispatch(job, q, p, push, k)
    else
      with {:ok, {first_q, first_p, _, _} = first} <- dispatch(job, q, p, push, most),
           {:ok, rest} <- steps(job, last(job, first_q, most), last(job, first_p, most), push, k - most),
           do: {:ok, joined(job, first, most, rest, k - most)}
    end
  end

  defp dispatch(job, q, p, push, k) do
    <<before::binary-size(job.k_at), _k::binary-4, rest::binary>> = push
    chain = job.chains * k * job.d * job.element
    outputs = [{:out, chain}, {:out, chain}, {:out, chain}, {:out, job.chains * k * job.element}]
    options = [push: <<before::binary, k::little-32, rest::binary>>, groups: {job.chains, 1, 1}]

    case Shader.dispatch(job.node, job.spirv, [q, p, job.extras | outputs], options) do
      {:ok, [q, p, gradient, logp]} -> {:ok, {q, p, gradient, logp}}
      {:error, error} -> {:error, :dispatch_failed, Exception.message(error)}
    end
  end

  # The last of |k| rows of every chain.
  defp last(job, rows, k) do
    row = job.d * job.element
    for chain <- 0..(job.chains - 1), into: <<>>, do: binary_part(rows, (chain * k + k - 1) * row, row)
  end

  defp joined(job, first, k, rest, more) do
    [first, rest]
    |> Enum.map(&Tuple.to_list/1)
    |> Enum.zip()
    |> Enum.zip([job.d, job.d, job.d, 1])
    |> Enum.map(fn {{a, b}, width} ->
      row = width * job.element

      for chain <- 0..(job.chains - 1), into: <<>> do
        binary_part(a, chain * k * row, k * row) <> binary_part(b, chain * more * row, more * row)
      end
    end)
    |> List.to_tuple()
  end
end

defmodule Nx.Vulkan.Synthesis do
  @moduledoc """
  SPIR-V files of shader families, under the names that existing code uses.

      {:ok, spv_path} = Nx.Vulkan.Synthesis.compile(Nx.Vulkan.ChainShaderSpecs.gamma(3.0, 2.0, -0.6931))

  The text (`Nx.Vulkan.ShaderTemplate`) is compiled by a GPU node (`GpuNode.Shader.default_node/0`); no compiler is needed on this host. Files lie in
  `gpu_node/synth` of the user's cache folder (`XDG_CACHE_HOME`, else `~/.cache`), named by two SHA-256: of the text and of what the node's compiler
  is, and of that and the module itself. They are written whole or not at all: any number of callers may compile the same at once. What is there
  is not compiled again; what is not what its name says is.

  An error is a map: `exit` (2: the text does not compile; 1: anything else), `stderr` (what was said), `glsl_path` (the text, for a look at it), and
  `error`, the `GpuNode.Error` with its stage and line.
  """

  alias GpuNode.{Capabilities, Error, Shader}
  alias Nx.Vulkan.ShaderTemplate
  alias Nx.Vulkan.ShaderTemplate.FamilySpec

  # Of a module that a node takes.
  @most_bytes 4 * 1024 * 1024

  @type failure :: %{
          required(:exit) => pos_integer,
          required(:stderr) => String.t(),
          required(:glsl_path) => Path.t(),
          required(:error) => Error.t(),
          optional(:glsl) => String.t()
        }

  @doc "The path of the family's SPIR-V."
  @spec compile(FamilySpec.t()) :: {:ok, Path.t()} | {:error, failure}
  def compile(%FamilySpec{} = spec), do: spec |> ShaderTemplate.render() |> file()

  @doc "As `compile/1`, with the text."
  @spec compile_with_source(FamilySpec.t()) :: {:ok, Path.t(), String.t()} | {:error, failure}
  def compile_with_source(%FamilySpec{} = spec) do
    glsl = ShaderTemplate.render(spec)

    case file(glsl) do
      {:ok, path} -> {:ok, path, glsl}
      {:error, failure} -> {:error, Map.put(failure, :glsl, glsl)}
    end
  end

  @doc "Removes the files that this module has made, and nothing else."
  @spec clear_cache() :: :ok
  def clear_cache do
    folder = folder()

    with {:ok, names} <- File.ls(folder) do
      for name <- names,
          name =~ ~r/^[0-9a-f]{64}(-[0-9a-f]{64})?\.(spv|comp)(\.[0-9A-Za-z_-]+\.tmp)?$/,
          do: File.rm(Path.join(folder, name))
    end

    :ok
  end

  @doc "Where the files lie."
  @spec folder() :: Path.t()
  def folder do
    base =
      case System.get_env("XDG_CACHE_HOME") do
        path when path in [nil, ""] -> Path.join(System.user_home!(), ".cache")
        path -> path
      end

    Path.join([base, "gpu_node", "synth"])
  end

  defp file(glsl) do
    with {:ok, node} <- Shader.default_node(),
         {:ok, %{shaders: %{toolchain: toolchain}}} <- Capabilities.fetch(node) do
      key = key(glsl, toolchain)

      case Enum.find(Path.wildcard(Path.join(folder(), key <> "-*.spv")), &whole?(&1, key)) do
        nil -> compile(node, glsl, key)
        path -> {:ok, path}
      end
    else
      {:error, error} -> failure(error, glsl, key(glsl, ""))
    end
  end

  defp key(glsl, toolchain), do: digest([glsl, 0, toolchain])
  defp digest(content), do: Base.encode16(:crypto.hash(:sha256, content), case: :lower)
  defp path(key, spirv), do: Path.join(folder(), "#{key}-#{digest([key, spirv])}.spv")

  # A file that something else has damaged, or put under another's name, is made again.
  defp whole?(path, key) do
    # Asked first: opening a FIFO would wait for a writer.
    with {:ok, %File.Stat{type: :regular, size: size}} when size <= @most_bytes <- File.stat(path),
         {:ok, spirv} <- File.read(path) do
      path(key, spirv) == path
    else
      _ -> false
    end
  end

  defp compile(node, glsl, key) do
    with {:ok, spirv} <- Shader.compile(node, glsl),
         path = path(key, spirv),
         :ok <- write(path, spirv) do
      {:ok, path}
    else
      {:error, error} -> failure(error, glsl, key)
    end
  end

  defp failure(error, glsl, key) do
    glsl_path = Path.join(folder(), key <> ".comp")
    _ = write(glsl_path, glsl)
    code = if error.code == :compile_failed, do: 2, else: 1
    {:error, %{exit: code, stderr: Exception.message(error), glsl_path: glsl_path, error: error}}
  end

  # A name of its own for every writer, then a rename: nobody ever sees half a file, or another's.
  defp write(path, content) do
    unique = Base.url_encode64(:crypto.strong_rand_bytes(9), padding: false)
    temporary = "#{path}.#{System.pid()}_#{unique}.tmp"

    with :ok <- File.mkdir_p(Path.dirname(path)),
         :ok <- File.write(temporary, content),
         :ok <- File.rename(temporary, path) do
      :ok
    else
      {:error, reason} ->
        File.rm(temporary)
        {:error, Error.new(:configuration, "#{path} cannot be written: #{:file.format_error(reason)}")}
    end
  end
end

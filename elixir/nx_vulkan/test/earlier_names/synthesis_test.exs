defmodule Nx.Vulkan.SynthesisTest do
  # Files of SPIR-V: made once, found again, whole or absent; and what is said of texts that do not compile.
  use Nx.Vulkan.Test.Case, async: false
  alias Nx.Vulkan.{ChainShaderSpecs, Synthesis}
  alias Nx.Vulkan.ShaderTemplate.FamilySpec

  @moduletag capture_log: true

  setup do
    before = System.get_env("XDG_CACHE_HOME")
    folder = Path.join(System.tmp_dir!(), "nx_vulkan_synthesis_#{System.unique_integer([:positive])}_#{System.pid()}")
    System.put_env("XDG_CACHE_HOME", folder)

    on_exit(fn ->
      if before, do: System.put_env("XDG_CACHE_HOME", before), else: System.delete_env("XDG_CACHE_HOME")
      File.rm_rf!(folder)
    end)

    {:ok, folder: folder}
  end

  defp beta, do: ChainShaderSpecs.beta(2.0, 5.0, 3.4)

  defp broken do
    %FamilySpec{
      name: "broken",
      params: %{"alpha" => 1.0},
      grad_block: "float grad_q = nonexistent_function(qi);",
      logp_block: "float lp_i = 0.0;",
      logp_final: "partial[0]"
    }
  end

  test "a file of SPIR-V in the user's cache folder, made once", %{folder: folder} do
    {:ok, path} = Synthesis.compile(beta())
    assert String.starts_with?(path, Path.join(folder, "gpu_node/synth"))
    assert Path.basename(path) =~ ~r/^[0-9a-f]{64}-[0-9a-f]{64}\.spv$/
    assert <<0x07230203::little-32, _::binary>> = File.read!(path)
    stat = File.stat!(path)
    {us, {:ok, ^path}} = :timer.tc(fn -> Synthesis.compile(beta()) end)
    assert us < 50_000
    assert File.stat!(path).mtime == stat.mtime
    assert File.stat!(path).inode == stat.inode
    {:ok, ^path, glsl} = Synthesis.compile_with_source(beta())
    assert glsl =~ "#version 450"
    assert glsl =~ "for family: beta"
    {:ok, other} = Synthesis.compile(ChainShaderSpecs.gamma(3.0, 2.0, 0.9))
    assert other != path
  end

  test "a damaged file is made again" do
    {:ok, path} = Synthesis.compile(beta())
    whole = File.read!(path)

    for damage <- ["", "garbage!", binary_part(whole, 0, byte_size(whole) - 3)] do
      File.write!(path, damage)
      assert {:ok, ^path} = Synthesis.compile(beta())
      assert File.read!(path) == whole
    end

    # Nor is one waited for that gives nothing, or read that has no end.
    for put <- [fn -> {_, 0} = System.cmd("mkfifo", [path]) end, fn -> File.ln_s!("/dev/zero", path) end] do
      File.rm!(path)
      put.()
      assert {:ok, ^path} = Synthesis.compile(beta())
      assert File.read!(path) == whole
    end
  end

  test "two files that changed places are made again" do
    {:ok, beta} = Synthesis.compile(beta())
    {:ok, gamma} = Synthesis.compile(ChainShaderSpecs.gamma(3.0, 2.0, -0.6931))
    {of_beta, of_gamma} = {File.read!(beta), File.read!(gamma)}
    assert of_beta != of_gamma
    File.write!(beta, of_gamma)
    File.write!(gamma, of_beta)
    assert {:ok, ^beta} = Synthesis.compile(beta())
    assert {:ok, ^gamma} = Synthesis.compile(ChainShaderSpecs.gamma(3.0, 2.0, -0.6931))
    assert {of_beta, of_gamma} == {File.read!(beta), File.read!(gamma)}
  end

  test "many callers at once get the same whole file, and nothing is left beside it" do
    paths =
      1..16 |> Task.async_stream(fn _ -> Synthesis.compile(beta()) end, max_concurrency: 16) |> Enum.map(&elem(&1, 1))

    assert [{:ok, path}] = Enum.uniq(paths)
    assert File.ls!(Path.dirname(path)) == [Path.basename(path)]
    assert <<0x07230203::little-32, _::binary>> = File.read!(path)
  end

  test "what does not compile: exit, message, the text still there, the error with its line" do
    assert {:error, %{exit: exit, stderr: stderr, glsl_path: glsl_path, error: error}} = Synthesis.compile(broken())
    assert exit != 0
    assert stderr =~ "nonexistent_function"
    glsl = File.read!(glsl_path)
    assert %GpuNode.Error{code: :compile_failed, details: %{stage: :glsl, line: line, source: ^glsl}} = error
    assert glsl |> String.split("\n") |> Enum.at(line - 1) =~ "nonexistent_function"
    assert {:error, %{glsl: ^glsl, exit: ^exit}} = Synthesis.compile_with_source(broken())
    assert {:ok, _} = Synthesis.compile(beta())
  end

  test "clear_cache removes its own files and no others" do
    {:ok, path} = Synthesis.compile(beta())
    {:error, %{glsl_path: glsl_path}} = Synthesis.compile(broken())
    mine = Path.join(Path.dirname(path), "mine.spv")
    File.write!(mine, "not theirs")
    assert Synthesis.clear_cache() == :ok
    assert File.ls!(Path.dirname(path)) == ["mine.spv"]
    refute File.exists?(glsl_path)
    assert Synthesis.clear_cache() == :ok
    assert {:ok, ^path} = Synthesis.compile(beta())
  end

  test "a folder that cannot be written is an error with its reason", %{folder: folder} do
    File.mkdir_p!(folder)
    File.write!(Path.join(folder, "gpu_node"), "a file where a folder should be")
    assert {:error, %{exit: 1, stderr: stderr}} = Synthesis.compile(beta())
    assert stderr =~ "cannot be written"
  end
end

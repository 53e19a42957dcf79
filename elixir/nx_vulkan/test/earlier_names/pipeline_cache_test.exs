defmodule Nx.Vulkan.PipelineCacheTest do
  # The node's cache of compiled kernels, under the names that existing code uses.
  use Nx.Vulkan.Test.Case, async: false
  import Nx.Vulkan.Test.Chains
  alias Nx.Vulkan.{ChainShaderSpecs, PipelineCache}

  @moduletag capture_log: true

  test "the device's UUID" do
    uuid = PipelineCache.device_uuid_hex()
    assert uuid =~ ~r/^[0-9a-f]{32}$/
    assert PipelineCache.device_uuid_hex() == uuid
    assert PipelineCache.default_path() =~ uuid
  end

  test "a file that is written on request, after a kernel was made" do
    assert PipelineCache.clear() == :ok
    refute File.exists?(PipelineCache.default_path())
    assert PipelineCache.load() == :ok
    run!(ChainShaderSpecs.beta(2.0, 5.0, 1.25), [0.0], [0.0], [1.0], 2, 0.05)
    assert PipelineCache.persist() == :ok
    assert File.stat!(PipelineCache.default_path()).size > 32
    assert PipelineCache.clear() == :ok
    assert PipelineCache.persist() == :ok
    assert File.stat!(PipelineCache.default_path()).size > 32
  end
end

defmodule Nx.Vulkan.PipelineCache do
  @moduledoc """
  The driver's cache of compiled kernels, under the names that existing code uses. The node looks after it by itself: it reads the file when it
  starts and writes it when no new kernels come and when it ends. The file is on the node's host.
  """

  alias GpuNode.{Capabilities, Client, Error, Link, Protocol, Shader}

  @doc "Nothing: the node has read the file, if there was one, when it started."
  @spec load() :: :ok
  def load, do: :ok

  @doc "Has the file written now. `:ok` also where the node keeps nothing on disk."
  @spec persist() :: :ok | {:error, Error.t()}
  def persist do
    with {:ok, node} <- Shader.default_node(),
         {:ok, link} <- Link.fetch(node),
         deadline = Client.deadline(link, []),
         {:ok, session} <- Client.session(link, deadline),
         {:ok, _path} <- Client.request(link, session, deadline, Protocol.save_pipelines()),
         do: :ok
  end

  @doc "Removes the file where the node is on this host; what the node has in memory stays."
  @spec clear() :: :ok | {:error, Error.t()}
  def clear do
    with {:ok, node} <- Shader.default_node(),
         {:ok, path} <- path(node) do
      if path != "" and match?({:ok, %{os_pid: os_pid}} when is_integer(os_pid), GpuNode.status(node)),
        do: File.rm(path)

      :ok
    end
  end

  @doc "The device's UUID: 32 hexadecimal digits. Raises `GpuNode.Error` where no node can be had."
  @spec device_uuid_hex() :: String.t()
  def device_uuid_hex do
    with {:ok, node} <- Shader.default_node(),
         {:ok, %{device: %{uuid: uuid}}} <- Capabilities.fetch(node) do
      uuid
    else
      {:error, error} -> Error.raise!(error)
    end
  end

  @doc "The path of the file on the node's host, which has the device's UUID in its name; empty where the node keeps none."
  @spec default_path() :: Path.t()
  def default_path do
    with {:ok, node} <- Shader.default_node(),
         {:ok, path} <- path(node) do
      path
    else
      {:error, error} -> Error.raise!(error)
    end
  end

  defp path(node), do: with({:ok, %{shaders: %{pipelines: path}}} <- Capabilities.fetch(node), do: {:ok, path})
end

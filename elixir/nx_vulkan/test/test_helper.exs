# A node of its own for the whole run; GPU_NODE_BINARY and GPU_NODE_TEST_DEVICE say which.
device = System.get_env("GPU_NODE_TEST_DEVICE")
{:ok, _} = GpuNode.start_link([name: :gpu0] ++ if(device, do: [device: device], else: []))
ExUnit.start()

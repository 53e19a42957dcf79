# A node of its own for the whole run; GPU_NODE_BINARY and GPU_NODE_TEST_DEVICE say which. What it lacks is computed on the host.
Application.put_env(:nx_vulkan, :fallback, :count)
Nx.Vulkan.Test.Case.start_gpu()
Nx.Vulkan.Test.Cases.init()
ExUnit.after_suite(fn _result -> Nx.Vulkan.Test.Cases.print() end)
ExUnit.start()

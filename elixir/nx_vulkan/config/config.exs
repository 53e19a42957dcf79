import Config

# Nx checks the size of every binary that a tensor is made of: a backend that answers with too few bytes is found at once.
if config_env() == :test do
  config :nx, verify_binary_size: true
  config :nx_vulkan, add_backend_on_inspect: false
end

#include "chain/device_model.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/concat.h"
#include "base/file.h"
#include "chain/evaluator.h"

namespace gpu_node::chain {
namespace {

Result<vulkan::BufferRef> upload_bytes(vulkan::Device& device, std::span<const std::byte> bytes) {
  const uint64_t size = std::max<uint64_t>(bytes.size(), 8);
  GPU_ASSIGN(vulkan::BufferRef buffer, device.pool().allocate(size, vulkan::BufferUse::kDevice, true));
  if (bytes.empty()) return buffer;
  if (buffer->mapped() != nullptr) {
    std::memcpy(buffer->mapped(), bytes.data(), bytes.size());
    return buffer;
  }
  GPU_ASSIGN(const vulkan::BufferRef staging, device.pool().allocate(size, vulkan::BufferUse::kUpload, true));
  std::memcpy(staging->mapped(), bytes.data(), bytes.size());
  GPU_TRY(device.recorder().copy(staging, 0, buffer, 0, bytes.size()));
  return buffer;
}

}  // namespace

Result<std::shared_ptr<DeviceModel>> DeviceModel::plan(const vulkan::DeviceInfo& device,
                                                       std::shared_ptr<const Program> program, Binding given,
                                                       Dtype dtype, uint64_t most_iterations) {
  auto model = std::make_shared<DeviceModel>();
  model->program_ = std::move(program);
  model->binding_ = std::move(given);
  const Binding& binding = model->binding_;
  model->dtype_ = dtype;
  model->schedule_ = make_schedule(*model->program_);
  model->offsets_ = coordinate_offsets(*model->program_, binding);
  GPU_ASSIGN(model->launch_, plan_launch(*model->program_, model->schedule_, binding, device, most_iterations));
  GPU_ASSIGN(const auto known_values, fixed_values(*model->program_, binding, model->schedule_.known));
  const auto add = [&](const auto number) {
    const auto* bytes = reinterpret_cast<const std::byte*>(&number);
    model->known_bytes_.insert(model->known_bytes_.end(), bytes, bytes + sizeof(number));
  };
  for (size_t i = 0; i < model->schedule_.known.size(); ++i) {
    const std::vector<double>& numbers = known_values[i];
    if (numbers.size() != model->launch_.known_counts[i])
      return Error{ErrorCode::kInternal, "a known value has another size than was planned"};
    for (const double number : numbers)
      if (dtype == Dtype::f64)
        add(number);
      else
        add(static_cast<float>(number));
  }
  if (model->known_bytes_.size() > device.max_storage_range)
    return Error{ErrorCode::kUnsupported,
                 concat("the data takes ", model->known_bytes_.size(), " bytes, the device has ",
                        device.max_storage_range, " for one buffer")};
  model->known_size_ = model->known_bytes_.size();
  return model;
}

Result<std::shared_ptr<DeviceModel>> DeviceModel::make(vulkan::Device& device, const Program& program,
                                                       const Binding& binding, Dtype dtype, uint64_t most_iterations) {
  GPU_ASSIGN(auto model,
             plan(device.info(), std::make_shared<const Program>(program), binding, dtype, most_iterations));
  GPU_TRY(model->upload(device));
  return model;
}

Result<void> DeviceModel::upload(vulkan::Device& device) {
  GPU_ASSIGN(known_, upload_bytes(device, known_bytes_));
  known_bytes_ = {};
  GPU_ASSIGN(words_, upload_bytes(device, std::as_bytes(std::span(launch_.words))));
  return {};
}

Mapping DeviceModel::mapping_for(uint64_t chains, const vulkan::DeviceInfo& device) const {
  return choose_mapping(schedule_, launch_, chains, dtype_, device);
}

Result<vulkan::KernelSource> DeviceModel::source(const vulkan::DeviceInfo& device, Mapping mapping) const {
  return emit_program(*program_, schedule_, kernel_shape(schedule_, launch_, mapping, dtype_, device), device);
}

Result<void> DeviceModel::write(const vulkan::DeviceInfo& device, Mapping mapping) {
  GPU_ASSIGN(of(mapping).written, source(device, mapping));
  return {};
}

Result<vulkan::KernelCache::Pending> DeviceModel::request(vulkan::Device& device, Mapping mapping) {
  if (!of(mapping).written) GPU_TRY(write(device.info(), mapping));
  vulkan::KernelSource text = std::move(*std::exchange(of(mapping).written, {}));
  const std::string key = "chain " + sha256_hex(text.glsl);
  const vulkan::Asker asker{owner_, vulkan::KernelAuthor::kClient, text.glsl.size()};
  return device.kernels().request(
      key, [text = std::move(text)]() -> Result<vulkan::KernelSource> { return text; }, asker);
}

Result<const vulkan::Kernel*> DeviceModel::kernel(vulkan::Device& device, Mapping mapping) {
  jobs::AwaitedKernel& kernel = of(mapping).kernel;
  if (!kernel.asked()) {
    GPU_ASSIGN(vulkan::KernelCache::Pending pending, request(device, mapping));
    kernel.ask(std::move(pending));
  }
  return kernel.look();
}

}  // namespace gpu_node::chain

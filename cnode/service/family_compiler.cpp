#include "service/family_compiler.h"

#include <algorithm>

#include "base/embedded.h"
#include "base/file.h"
#include "base/near_names.h"
#include "base/thread_name.h"

namespace gpu_node::service {
namespace {

constexpr size_t kMaxQueued = 1024;
constexpr size_t kMaxKept = 256;

double ms_since(Clock::time_point since) {
  return std::chrono::duration<double, std::milli>(Clock::now() - since).count();
}

Result<std::string> built_in_text(const std::string& name) {
  std::vector<std::string> all;
  for (const EmbeddedFile& file : families_files()) {
    const std::string_view stem = std::string_view(file.name).substr(0, std::string_view(file.name).find('.'));
    if (stem == name) return std::string(file.text);
    all.emplace_back(stem);
  }
  return Error{ErrorCode::kNotFound, "there is no built-in family '" + name + "'" + there_are(name, all)};
}

}  // namespace

FamilyCompiler::FamilyCompiler(const vulkan::DeviceInfo& device, Deliver deliver)
    : device_(device), deliver_(std::move(deliver)), queue_(kMaxQueued), thread_([this] { loop(); }) {}

FamilyCompiler::~FamilyCompiler() { close(); }

void FamilyCompiler::close() {
  queue_.close();
  if (thread_.joinable()) thread_.join();
}

void FamilyCompiler::loop() {
  name_this_thread("families");
  while (std::optional<CompileWork> work = queue_.pop()) {
    if (work->call->answered()) continue;
    Result<PlannedModel> planned = compile(work->request);
    if (planned.ok())
      deliver_(std::move(*work), std::move(planned).value());
    else
      work->call->fail(planned.error());
  }
}

Result<PlannedModel> FamilyCompiler::compile(const CompileFamily& request) {
  PlannedModel planned{.chains = request.chains};
  const Clock::time_point start = Clock::now();
  GPU_ASSIGN(planned.family, family_of(request, planned.family_kept));
  planned.family_ms = ms_since(start);
  const Clock::time_point parsed = Clock::now();
  const auto said = [&](Error error) {
    if (error.code != ErrorCode::kInvalidArgument) return error;
    ErrorDetails details = error.details != nullptr ? *error.details : ErrorDetails{.stage = "check"};
    details.file = request.file;
    const std::string place = details.path.empty() ? "" : details.path + ": ";
    error.details = std::make_shared<const ErrorDetails>(std::move(details));
    return with_context(std::move(error), request.file + ": " + place + "inputs");
  };
  auto binding = chain::bind(*planned.family, request.inputs);
  if (!binding.ok()) return said(std::move(binding).error());
  const std::shared_ptr<const chain::Program> program(planned.family, &planned.family->program);
  auto model = chain::DeviceModel::plan(device_, program, std::move(*binding), request.dtype);
  if (!model.ok()) return said(std::move(model).error());
  planned.model = std::move(model).value();
  GPU_TRY(planned.model->write(device_, planned.model->mapping_for(static_cast<uint64_t>(planned.chains), device_)));
  planned.plan_ms = ms_since(parsed);
  return planned;
}

Result<FamilyRef> FamilyCompiler::family_of(const CompileFamily& request, bool& kept) {
  std::string text = request.text;
  if (text.empty()) {
    GPU_ASSIGN(text, built_in_text(request.file));
  }
  const std::string key = sha256_hex(text);
  const auto found = std::find_if(kept_.begin(), kept_.end(), [&](const Kept& entry) { return entry.key == key; });
  kept = found != kept_.end();
  if (kept) {
    kept_.splice(kept_.begin(), kept_, found);
    return kept_.front().family;
  }
  GPU_ASSIGN(chain::Family family, chain::parse_family(text, request.file));
  kept_.push_front({key, std::make_shared<const chain::Family>(std::move(family))});
  if (kept_.size() > kMaxKept) kept_.pop_back();
  return kept_.front().family;
}

}  // namespace gpu_node::service

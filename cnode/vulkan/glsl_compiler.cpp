#include "vulkan/glsl_compiler.h"

#include <dlfcn.h>
#include <shaderc/shaderc.h>
#include <sys/stat.h>

#include <charconv>
#include <memory>

#include "base/concat.h"

namespace gpu_node::vulkan {
namespace {

constexpr size_t kMaxGlslBytes = 1 << 20;
constexpr char kFileName[] = "kernel";
constexpr char kOptions[] = "vulkan1.2 -O0";

// One for the process: making the first costs the compiler's tables, and it may serve many threads at once.
shaderc_compiler_t compiler() {
  struct Owner {
    shaderc_compiler_t handle = shaderc_compiler_initialize();
    ~Owner() { shaderc_compiler_release(handle); }
  };
  static const Owner owner;
  return owner.handle;
}

std::string_view line_of(std::string_view text, size_t number) {
  for (; number > 1; --number) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  return text.substr(0, text.find('\n'));
}

// shaderc's messages begin "kernel:12: error: ...".
Error compile_error(std::string_view message, const std::string& glsl) {
  Error error{ErrorCode::kCompileFailed, std::string(message.substr(0, 2000))};
  std::string& text = error.message;
  while (!text.empty() && text.back() == '\n') text.pop_back();
  const std::string prefix = std::string(kFileName) + ":";
  int64_t number = 0;
  if (text.rfind(prefix, 0) == 0) {
    const char* from = text.data() + prefix.size();
    if (std::from_chars(from, text.data() + text.size(), number).ec != std::errc()) number = 0;
  }
  if (number > 0) text += concat("\nline ", number, ": ", line_of(glsl, static_cast<size_t>(number)));
  return with_details(std::move(error), {.stage = "glsl", .line = number, .source = glsl});
}

// The file that holds |function|: its real name, size and time change when the library does.
std::string library_of(const void* function) {
  Dl_info info{};
  struct stat status{};
  if (function == nullptr || dladdr(function, &info) == 0 || info.dli_fname == nullptr) return "?";
  if (::stat(info.dli_fname, &status) != 0) return info.dli_fname;
  return concat(info.dli_fname, ":", status.st_size, ":", status.st_mtime);
}

}  // namespace

Result<std::vector<uint32_t>> compile_glsl(const std::string& glsl) {
  if (glsl.size() > kMaxGlslBytes)
    return with_details({ErrorCode::kCompileFailed,
                         concat("a shader of ", glsl.size(), " bytes; at most ", kMaxGlslBytes, " are compiled")},
                        {.stage = "glsl"});
  // For a version that has no compute shaders the compiler prints all its built-in functions to standard output.
  if (!glsl.starts_with("#version 4"))
    return compile_error("a shader must begin with #version 450 or another of 4xx", glsl);
  if (compiler() == nullptr) return Error{ErrorCode::kInternal, "shaderc_compiler_initialize failed"};
  const std::unique_ptr<shaderc_compile_options, decltype(&shaderc_compile_options_release)> options(
      shaderc_compile_options_initialize(), shaderc_compile_options_release);
  shaderc_compile_options_set_target_env(options.get(), shaderc_target_env_vulkan, shaderc_env_version_vulkan_1_2);
  shaderc_compile_options_set_optimization_level(options.get(), shaderc_optimization_level_zero);
  shaderc_compile_options_set_suppress_warnings(options.get());
  const std::unique_ptr<shaderc_compilation_result, decltype(&shaderc_result_release)> result(
      shaderc_compile_into_spv(compiler(), glsl.data(), glsl.size(), shaderc_compute_shader, kFileName, "main",
                               options.get()),
      shaderc_result_release);
  if (result == nullptr) return compile_error("the GLSL compiler gave no result", glsl);
  if (shaderc_result_get_compilation_status(result.get()) != shaderc_compilation_status_success)
    return compile_error(shaderc_result_get_error_message(result.get()), glsl);
  const auto* words = reinterpret_cast<const uint32_t*>(shaderc_result_get_bytes(result.get()));
  return std::vector<uint32_t>(words, words + shaderc_result_get_length(result.get()) / sizeof(uint32_t));
}

std::string glsl_compiler_version() {
  unsigned int version = 0;
  unsigned int revision = 0;
  shaderc_get_spv_version(&version, &revision);
  // shaderc names no version of its own, and the compiler proper is a library below it.
  return concat(kOptions, " spirv:", version, ".", revision, " ",
                library_of(reinterpret_cast<const void*>(&shaderc_compile_into_spv)), " ",
                library_of(dlsym(RTLD_DEFAULT, "glslang_initialize_process")));
}

}  // namespace gpu_node::vulkan

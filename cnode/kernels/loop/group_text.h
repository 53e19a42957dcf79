// The GLSL of a group's stages, in a kernel of one workgroup.
#pragma once

#include <span>
#include <string>

#include "kernels/glsl/shader_builder.h"
#include "kernels/loop/group_layout.h"

namespace gpu_node::kernels {

// What one kernel declares once: `lane`, INVOCATIONS, shared memory.
void declare_group(const GroupMemory& memory, uint32_t invocations, const vulkan::DeviceInfo& device,
                   ShaderBuilder& shader);

// Parameter |at| of |words|. Those that lie in a buffer are read once, by the lines that declare_words appends.
std::string word_text(uint32_t at, uint32_t words);
void declare_words(uint32_t words, ShaderBuilder& shader);

// The array at parameter |at| of |words|, element |index|.
std::string shared_element(Dtype type, const std::string& at, const std::string& index);

class GroupText {
 public:
  // |prefix|: what names begin with, which differs among a kernel's codes. |inputs|: what numbers that it is given are
  // called. |words|: of all parameters.
  GroupText(const GroupCode& code, const GroupLayout& layout, const GroupMemory& memory, std::string prefix,
            std::span<const std::string> inputs, uint32_t words, ShaderBuilder& shader);

  // Lines that declare the numbers which stages make.
  std::string declarations() const;
  // Lines of all stages. REQUIRES that what it reads is there: a barrier before, and one behind.
  std::string stages();
  // What a number is called.
  const std::string& name(uint32_t value) const { return names_[value]; }

 private:
  std::string param(uint32_t at) const;
  std::string source(const GroupRead& read, const ReadLayout& layout);
  std::string declare_position(uint32_t start, uint32_t first_axis, uint32_t rank, uint32_t words_of_axis,
                               uint32_t stride);
  std::string elements(const GroupElements& one, const ElementsLayout& layout);
  std::string reduction(const GroupReduction& one, const ReductionLayout& layout);

  const GroupCode& code_;
  const GroupLayout& layout_;
  const GroupMemory& memory_;
  const std::string prefix_;
  const uint32_t words_;
  ShaderBuilder& shader_;
  std::vector<std::string> names_;  // by value that is a number
  size_t positions_ = 0;
};

}  // namespace gpu_node::kernels

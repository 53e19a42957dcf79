// Cuts functions out of the GLSL files of shaders/lib, so that a kernel holds only what it calls.
//
// A library file is a row of sections. A section starts with a line
//   //@ NAME: DEPENDENCY DEPENDENCY ...
// and ends before the next such line, or with the file. NAME is unique over all files; it is a key for the cutter, not
// necessarily the name of a GLSL function: one function of two widths has two sections, m_exp.f32 and m_exp.f64.
// Text before the first section of a file belongs to none.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace gpu_node::kernels {

// Returns the sections named by |functions| and all they depend on, each once, dependencies first; equal requests give
// equal text. For a name that no file defines the text holds an #error line that says so, and the kernel fails to
// compile with that message.
std::string library_closure(std::span<const std::string_view> functions);

// True when some file of the library has the section |name|.
bool library_has(std::string_view name);

// |glsl| with each line "#pragma gpu_node_library NAME NAME ..." replaced by the sections of those names, what follows
// it keeping its line numbers.
std::string with_library(std::string_view glsl);

// Changes when any text of the library does.
std::string library_fingerprint();

}  // namespace gpu_node::kernels

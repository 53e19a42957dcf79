// Where the checkout lies that the tests were built from: they read its families, golden texts and vectors.
#pragma once

#include <string>

namespace gpu_node::test {

std::string source_folder();

}  // namespace gpu_node::test

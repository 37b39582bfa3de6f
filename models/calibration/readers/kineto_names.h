// What a GPU kernel is by its name: its family and variant, for the libraries that training and serving use.
#pragma once

#include <string>
#include <string_view>

namespace weft::models {

/// Family and variant of models/kernels, or words of our own where no family covers it: "communication", "quantise", "other".
struct KernelKind {
  std::string family, variant;
};

/// Never fails: what nobody knows is {"other", ""}.
KernelKind kernel_kind(std::string_view name);

/// A short form of a demangled name: without return type, templates and arguments.
std::string short_kernel_name(std::string_view name);

}  // namespace weft::models

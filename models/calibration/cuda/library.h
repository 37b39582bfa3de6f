// A library that is opened at run time: its functions by name.
#pragma once

#include <initializer_list>
#include <stdexcept>
#include <string>

#include <dlfcn.h>

#include "models/calibration/cuda/device.h"

namespace weft::cuda {

class Library {
 public:
  /// The first of the names that can be opened; throws Refused with `needed_for` when none can. It stays open.
  Library(std::initializer_list<std::string> names, const char* needed_for) {
    std::string tried;
    for (const std::string& name : names) {
      handle_ = ::dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
      if (handle_ != nullptr) return;
      tried += (tried.empty() ? "" : ", ") + name;
    }
    throw Refused(std::string(needed_for) + " needs a library that is not here (tried " + tried + ")");
  }

  /// Throws Refused when the library has no such function.
  template <class Function>
  void find(Function& into, const char* name) const {
    void* const at = ::dlsym(handle_, name);
    if (at == nullptr) throw Refused(std::string("the library has no ") + name + "; it is too old");
    into = reinterpret_cast<Function>(at);
  }

 private:
  void* handle_ = nullptr;
};

}  // namespace weft::cuda

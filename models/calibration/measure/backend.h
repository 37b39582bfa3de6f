// A Backend: an opened device of a measuring module, with the C ABI's statuses as exceptions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "models/calibration/measure/abi.h"

namespace weft::models {

/// A kernel that a module has, with its shape's fields.
struct MeasuredKernel {
  struct Field {
    std::string name;
    std::optional<double> fallback;   ///< nothing: has to be given
  };
  std::string family, variant, implementation;
  std::vector<Field> fields;
  int number = 0;                     ///< the module's
};

/// The module of a backend's name: "cuda" (loaded from $WEFT_MODULES, the build folder or the installed prefix) or "simulated".
/// Throws UserError for another name, NotPossibleHere without the module.
const weft_measure_module& measure_module(const std::string& backend);

/// All kernels of a module; needs no device.
std::vector<MeasuredKernel> kernels_of(const weft_measure_module& module);

/// This shape cannot be run on this device; others may.
struct ShapeRefused {
  std::string why;
};

class Backend {
 public:
  /// Throws NotPossibleHere when there is no device, UserError for parameters that the module does not understand.
  Backend(const weft_measure_module& module, const std::string& parameters);
  ~Backend();
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;

  const weft_measure_module& module() const { return module_; }
  const weft_measure_device& device() const { return device_; }

  /// `at` by the kernel's fields. Throws ShapeRefused or RunError; so do the following ones.
  void prepare(const MeasuredKernel& kernel, const std::vector<double>& at);
  weft_measure_verification verify();
  /// Microseconds of `samples` runs, appended to `into`; true when a graph was replayed.
  bool run(int samples, bool cold_l2, bool graph, std::vector<double>& into);
  weft_measure_clocks clocks();
  void release();

 private:
  void check(int status, const char* what) const;

  const weft_measure_module& module_;
  weft_measure_session* session_ = nullptr;
  weft_measure_device device_{};
};

}  // namespace weft::models

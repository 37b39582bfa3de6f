// What the kernel families share: reading the number of SMs, peaks by data type, sharp-or-soft maxima.
#pragma once

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <string>

#include "models/kernels/kernel.h"

namespace weft::models {

/// The SMs of the call: those given, else all of the GPU.
inline double sms_of(const KernelCall& call, const Gpu& gpu) {
  const double asked = call.get("sms");
  return asked > 0 ? asked : gpu.sms.value;
}

/// FLOP/s of the tensor cores for a variant that begins with fp8 or says bfloat16. A GPU without FP8 computes at its BF16 rate.
inline double peak_of(const std::string& variant, const Gpu& gpu) {
  const double fp8 = gpu.fp8_rate.value.value();
  return variant.rfind("fp8", 0) == 0 && fp8 > 0 ? fp8 : gpu.bf16_rate.value.value();
}

/// What the peak of peak_of() is called.
inline std::string cores_of(const std::string& variant, const Gpu& gpu) {
  if (variant.rfind("fp8", 0) != 0) return "BF16";
  return gpu.fp8_rate.value.value() > 0 ? "FP8" : "BF16, the GPU has no FP8";
}

inline ShapeField sms_field() { return {"sms", "SMs left to the kernel; 0: all", 0, true, 1e5}; }

/// [sum x^q]^(1/q), without overflow.
inline double soft_max(std::initializer_list<double> terms, double q) {
  double larger = 0;
  for (double x : terms) larger = std::max(larger, x);
  if (!(larger > 0)) return 0;
  double sum = 0;
  for (double x : terms) sum += std::pow(x / larger, q);
  return larger * std::pow(sum, 1 / q);
}

}  // namespace weft::models

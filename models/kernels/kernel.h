// A kernel family: what a kernel's shape is made of, what it must move and compute, and the formulas that say how long it takes.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "models/gpu.h"
#include "sim/core/row.h"
#include "sim/core/units.h"

namespace weft::models {

/// One number of a kernel's shape.
struct ShapeField {
  std::string name;        ///< "m"
  std::string meaning;     ///< "rows of the activation matrix (tokens)"
  double fallback = -1;    ///< below zero: has to be given; for "sms" zero means all SMs of the GPU
  bool whole = true;       ///< counts only
  double high = 1e15;      ///< largest accepted; the least is 0 where the fallback is 0, else 1 (for counts) or above 0
  double weight = 1;       ///< of a doubling, in the distance between shapes (see transfer.h); 0: plays no part
  bool or_zero = false;    ///< 0 has a meaning of its own, though the fallback is another
};

struct KernelFamily;

/// A kernel of a family at a shape.
struct KernelCall {
  const KernelFamily* family = nullptr;
  std::string variant;       ///< data type or flavour: "fp8_block"; one of family->variants
  std::vector<double> at;    ///< in the order of family->fields

  double get(const char* field) const;   ///< WEFT_CHECK that the field exists
};

/// What a kernel demands of one resource; time at least amount / rate.
struct Demand {
  std::string resource;    ///< "tensor cores (FP8)", "HBM", "NVLink"
  std::string unit;        ///< "FLOP" or "B"
  double amount = 0;
  double rate = 0;         ///< per second, of what the kernel may use (tensor cores: scaled by its SMs)
};

/// A parameter of a formula, with the range in which a fit may look.
struct FormParameter {
  std::string name, unit, meaning;
  double low = 0, high = 0, start = 0;
};

/// One figure of a formula at a shape, for `weft show kernel`.
struct Figure {
  std::string name, meaning, unit;
  double value = 0;
};

/// A formula for a family's time. `features` turns a shape into numbers once; `time_us` is then cheap enough for a fit.
struct KernelForm {
  std::string name;        ///< "deepgemm_2025_02"
  std::string title;
  std::string formula;     ///< as text, with the parameters' names
  std::vector<std::string> variants;   ///< of the family that it may stand for; empty: all
  std::vector<FormParameter> parameters;
  std::vector<double> (*features)(const KernelCall& call, const Gpu& gpu) = nullptr;
  double (*time_us)(const double* features, const double* parameters) = nullptr;
  /// Named figures on the way to the time (tile, waves, ...); the last ones sum up to the time where the formula is a sum.
  std::vector<Figure> (*figures)(const double* features, const double* parameters) = nullptr;
  /// Further coordinates (in doublings) that make shapes alike beside their fields: the tile that the kernel takes; may be null.
  std::vector<double> (*place)(const double* features) = nullptr;

  bool stands_for(const std::string& variant) const;
};

struct KernelFamily {
  std::string name, title, summary, source;
  std::vector<std::string> variants;     ///< the first is the default
  std::vector<ShapeField> fields;
  std::vector<std::string> shape_family; ///< fields that name a shape family (for a GEMM: n, k), left out together in a fit's test
  std::vector<Demand> (*demands)(const KernelCall& call, const Gpu& gpu) = nullptr;
  /// Why a shape cannot be on this GPU, in words; empty: it can. May be null.
  std::string (*impossible)(const KernelCall& call, const Gpu& gpu) = nullptr;
  std::vector<KernelForm> forms;         ///< at least one; a fit takes the one that predicts left-out shapes best
  /// Variants of families with the same group share formulas: too few rows of each alone are fitted together. Empty: its own.
  std::string (*group)(const std::string& variant) = nullptr;
};

/// All families, in the order of models/meson.build.
const std::vector<KernelFamily>& kernel_families();
/// Throws UserError (place `place`) naming the known ones.
const KernelFamily& kernel_family(const std::string& name, const std::string& place);

/// Named numbers to a call; unknown, missing or impossible ones are UserErrors at `place`. An empty variant is the default one.
KernelCall kernel_call(const KernelFamily& family, const std::string& variant, const std::map<std::string, double>& shape,
                       const std::string& place);

/// The call as this GPU runs it: SMs 0 become all of them. Throws UserError (place /shape) when the GPU has fewer SMs than asked for, or
/// when the shape cannot be (more experts per token than experts).
KernelCall on_gpu(KernelCall call, const Gpu& gpu);

/// The longest of amount / rate over the call's demands: nothing runs faster. Throws UserError when the GPU's file does not say a rate that is
/// needed, and as on_gpu().
Seconds roofline(const KernelCall& call, const Gpu& gpu);
/// The same, and whether the longest of its demands is the one on HBM.
struct Roofline {
  Seconds time;
  bool memory = false;
};
Roofline roofline_of(const KernelCall& call, const Gpu& gpu);

/// "m=128 n=7168 k=16384", without fields that hold their fallback.
std::string to_text(const KernelCall& call);

}  // namespace weft::models

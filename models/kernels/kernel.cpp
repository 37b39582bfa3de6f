#include "models/kernels/kernel.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "sim/core/error.h"

namespace weft::models {

#define WEFT_KIND(name) std::vector<KernelFamily> name##_families();
#include "models/kernel_families.inc"
#undef WEFT_KIND

const std::vector<KernelFamily>& kernel_families() {
  static const std::vector<KernelFamily> families = [] {
    std::vector<KernelFamily> all;
#define WEFT_KIND(name) \
  for (KernelFamily& f : name##_families()) all.push_back(std::move(f));
#include "models/kernel_families.inc"
#undef WEFT_KIND
    return all;
  }();
  return families;
}

const KernelFamily& kernel_family(const std::string& name, const std::string& place) {
  std::vector<std::string> known;
  for (const KernelFamily& f : kernel_families()) {
    if (f.name == name) return f;
    known.push_back(f.name);
  }
  throw UserError(place, fmt::format("there is no kernel family \"{}\"", name), unknown_name_hint(name, known));
}

bool KernelForm::stands_for(const std::string& variant) const {
  return variants.empty() || std::find(variants.begin(), variants.end(), variant) != variants.end();
}

double KernelCall::get(const char* field) const {
  for (std::size_t i = 0; i < family->fields.size(); ++i) {
    if (family->fields[i].name == field) return at[i];
  }
  WEFT_CHECK(false, "a kernel's formula asks for a field that its family has not");
  return 0;
}

namespace {

std::string field_names(const KernelFamily& family) {
  std::string names;
  for (const ShapeField& f : family.fields) {
    names += fmt::format("{}{}{}", names.empty() ? "" : ", ", f.name, f.fallback >= 0 ? fmt::format(" [{:g}]", f.fallback) : "");
  }
  return names;
}

double checked(const KernelFamily& family, const ShapeField& f, double value, const std::string& place) {
  const double low = f.fallback == 0 || f.or_zero ? 0 : f.whole ? 1 : std::numeric_limits<double>::min();
  if (!std::isfinite(value) || value < low || value > f.high || (f.whole && value != std::floor(value))) {
    throw UserError(place, fmt::format("{}: {} has to be {} between {:g} and {:g}, got {:g}", family.name, f.name,
                                       f.whole ? "a count" : "a number", low < 1 && low > 0 ? 0 : low, f.high, value),
                    fmt::format("{}: {}", f.name, f.meaning));
  }
  return value;
}

}  // namespace

KernelCall kernel_call(const KernelFamily& family, const std::string& variant, const std::map<std::string, double>& shape,
                       const std::string& place) {
  KernelCall call;
  call.family = &family;
  call.variant = variant.empty() ? family.variants.front() : variant;
  if (std::find(family.variants.begin(), family.variants.end(), call.variant) == family.variants.end()) {
    throw UserError(place, fmt::format("{} has no variant \"{}\"", family.name, variant), unknown_name_hint(variant, family.variants));
  }
  std::size_t used = 0;
  for (const ShapeField& f : family.fields) {
    const auto found = shape.find(f.name);
    if (found == shape.end() && f.fallback < 0) {
      throw UserError(place, fmt::format("{} needs {} ({})", family.name, f.name, f.meaning), "its fields are " + field_names(family));
    }
    used += found != shape.end();
    call.at.push_back(checked(family, f, found == shape.end() ? f.fallback : found->second, place));
  }
  if (used < shape.size()) {
    for (const auto& [name, value] : shape) {
      const auto has = [&name = name](const ShapeField& f) { return f.name == name; };
      if (std::any_of(family.fields.begin(), family.fields.end(), has)) continue;
      throw UserError(place, fmt::format("{} has no field \"{}\"", family.name, name), "its fields are " + field_names(family));
    }
  }
  return call;
}

KernelCall on_gpu(KernelCall call, const Gpu& gpu) {
  for (std::size_t i = 0; i < call.at.size(); ++i) {
    if (call.family->fields[i].name != "sms") continue;
    if (call.at[i] > gpu.sms.value) {
      throw UserError("/shape", fmt::format("{} has {} SMs, and the kernel is given {}", gpu.name, gpu.sms.value, call.at[i]));
    }
    if (call.at[i] == 0) call.at[i] = gpu.sms.value;
  }
  if (call.family->impossible != nullptr) {
    if (const std::string why = call.family->impossible(call, gpu); !why.empty()) throw UserError("/shape", fmt::format("{}: {}", call.family->name, why), to_text(call));
  }
  return call;
}

Seconds roofline(const KernelCall& call, const Gpu& gpu) { return roofline_of(call, gpu).time; }

Roofline roofline_of(const KernelCall& given, const Gpu& gpu) {
  const KernelCall call = on_gpu(given, gpu);
  Roofline longest;
  for (const Demand& d : call.family->demands(call, gpu)) {
    if (d.amount > 0 && !(d.rate > 0)) {
      throw UserError("/gpu", fmt::format("the GPU {} says no rate of {}", gpu.name, d.resource), "its file has to give it: models/README.md, GPUs");
    }
    if (d.amount > 0 && d.amount / d.rate > longest.time.value()) longest = {Seconds(d.amount / d.rate), d.resource == "HBM"};
  }
  return longest;
}

std::string to_text(const KernelCall& call) {
  std::string text;
  for (std::size_t i = 0; i < call.at.size(); ++i) {
    if (call.at[i] == call.family->fields[i].fallback) continue;
    text += fmt::format("{}{}={}", text.empty() ? "" : " ", call.family->fields[i].name, call.at[i]);
  }
  return text;
}

}  // namespace weft::models

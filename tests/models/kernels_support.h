// What the tests of kernels and fits share: calls by family and shape, formulas at given parameters, errors over rows of measurements.
#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "models/calibration/errors.h"
#include "models/calibration/measurement.h"
#include "models/gpu.h"
#include "models/kernels/kernel.h"
#include "sim/core/error.h"

namespace weft::models::test {

using Shape = std::map<std::string, double>;
using Named = std::map<std::string, double>;

inline Gpu gpu(const std::string& name = "h800") { return gpu_named(name, DataPlaces::standard(), "--gpu"); }

inline KernelCall call(const std::string& family, const std::string& variant, const Shape& shape) {
  return kernel_call(kernel_family(family, "test"), variant, shape, "test");
}

inline const KernelForm& form_of(const KernelFamily& family, const std::string& name) {
  for (const KernelForm& f : family.forms) {
    if (f.name == name) return f;
  }
  FAIL("there is no form " << name);
  return family.forms.front();
}

/// The form's start parameters, those of `named` in their place.
inline std::vector<double> parameters(const KernelForm& form, const Named& named = {}) {
  std::vector<double> out;
  std::size_t used = 0;
  for (const FormParameter& p : form.parameters) {
    const auto found = named.find(p.name);
    used += found != named.end();
    out.push_back(found == named.end() ? p.start : found->second);
  }
  REQUIRE(used == named.size());
  return out;
}

inline double time_us(const KernelCall& c, const std::string& form, const Named& named, const Gpu& g) {
  const KernelForm& f = form_of(*c.family, form);
  return f.time_us(f.features(c, g).data(), parameters(f, named).data());
}

inline double figure(const KernelCall& c, const std::string& form, const Named& named, const Gpu& g, const std::string& name) {
  const KernelForm& f = form_of(*c.family, form);
  for (const Figure& x : f.figures(f.features(c, g).data(), parameters(f, named).data())) {
    if (x.name == name) return x.value;
  }
  FAIL("there is no figure " << name);
  return 0;
}

/// What the call demands of the resource whose name begins so.
inline Demand demand(const KernelCall& c, const Gpu& g, const std::string& resource) {
  for (const Demand& d : c.family->demands(c, g)) {
    if (d.resource.rfind(resource, 0) == 0) return d;
  }
  FAIL("nothing is demanded of " << resource);
  return {};
}

inline Measurements shipped_measurements(const std::string& name) {
  const DataPlaces places = DataPlaces::standard();
  return read_measurements(places.find("models/measurements", name));
}

inline bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// Errors of a form at given parameters on measured rows.
inline ErrorStatistics errors_of(const std::vector<Measurement>& rows, const std::string& form, const Named& named, const Gpu& g) {
  std::vector<double> logs;
  for (const Measurement& m : rows) logs.push_back(std::log(m.time_us / time_us(call(m.family, m.variant, m.shape), form, named, g)));
  return error_statistics(logs);
}

inline std::vector<Measurement> select(const std::vector<Measurement>& rows, bool (*wanted)(const Measurement&)) {
  std::vector<Measurement> out;
  for (const Measurement& m : rows) {
    if (wanted(m)) out.push_back(m);
  }
  return out;
}

}  // namespace weft::models::test

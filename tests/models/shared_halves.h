// Halves of measured rows by shape family, one fitted and the other predicted, for the tests on $WEFT_REFERENCE.
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "models/calibration/fit/fit.h"
#include "models/cost_model.h"
#include "sim/core/random.h"
#include "tests/models/kernels_support.h"
#include "tests/models/reading_measurements.h"

namespace weft::models::test {

inline KernelCall call_of(const Measurement& m) { return kernel_call(kernel_family(m.family, m.place), m.variant, m.shape, m.place); }

/// By the parity of FNV-1a of the shape family's text: "7168,2048" for a GEMM's N,K.
inline std::array<std::vector<Measurement>, 2> halves(const std::vector<Measurement>& rows) {
  std::array<std::vector<Measurement>, 2> out;
  for (const Measurement& m : rows) out[hash_name(shape_family_of(call_of(m))) & 1].push_back(m);
  return out;
}

/// Log errors by "family/variant", and all of them under "".
using Errors = std::map<std::string, std::vector<double>>;

inline Errors predicted(const std::vector<Measurement>& known, const std::vector<Measurement>& asked, const Gpu& g, Fidelity fidelity) {
  Measurements data;
  data.rows = known;
  const CostModel model(g, {fit_calibration(data, g, {})}, fidelity, false, "test");
  Errors out;
  for (const Measurement& m : asked) {
    const KernelTime t = model.time(call_of(m));
    const double error = std::log(m.time_us / (t.time.value() * 1e6));
    CHECK(t.fidelity != Fidelity::roofline);
    out[m.family + "/" + m.variant].push_back(error);
    out[""].push_back(error);
  }
  return out;
}

/// Both ways; the larger median and the larger 90th percentile of the two, by family and of all.
inline std::map<std::string, ErrorStatistics> worse_of_halves(const std::vector<Measurement>& rows, const Gpu& g) {
  const auto half = halves(rows);
  std::map<std::string, ErrorStatistics> worse;
  for (const std::size_t k : {0u, 1u}) {
    REQUIRE(half[k].size() > 0);
    for (const auto& [family, logs] : predicted(half[k], half[1 - k], g, Fidelity::measured)) {
      const ErrorStatistics e = error_statistics(logs);
      ErrorStatistics& w = worse[family];
      w.rows += e.rows;
      w.mean_pct = std::max(w.mean_pct, e.mean_pct);
      w.median_pct = std::max(w.median_pct, e.median_pct);
      w.p90_pct = std::max(w.p90_pct, e.p90_pct);
      w.max_pct = std::max(w.max_pct, e.max_pct);
    }
  }
  for (const auto& [family, e] : worse) {
    MESSAGE((family.empty() ? std::string("all") : family) << ": " << e.rows << " rows, mean " << e.mean_pct << " %, median " << e.median_pct << " %, p90 "
                                                            << e.p90_pct << " % (the worse way)");
  }
  return worse;
}

}  // namespace weft::models::test

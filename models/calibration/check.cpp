#include "models/calibration/check.h"

#include <cmath>

#include "models/calibration/fit/fit.h"

namespace weft::models {

std::vector<FamilyCheck> check_calibration(const CostModel& model, const std::vector<Measurement>& rows) {
  std::vector<FamilyCheck> out;
  for (const FitTable& table : fit_tables(rows)) {
    FamilyCheck f;
    f.family = table.family + "/" + table.variant;
    std::vector<double> errors;
    for (std::size_t i = 0; i < table.calls.size(); ++i) {
      const KernelTime t = model.time(table.calls[i]);
      errors.push_back(std::log(table.times_us[i] / (t.time.value() * 1e6)));
      f.outside += !t.outside.empty();
      f.fidelity = t.fidelity;
    }
    f.errors = error_statistics(errors);
    out.push_back(std::move(f));
  }
  return out;
}

}  // namespace weft::models

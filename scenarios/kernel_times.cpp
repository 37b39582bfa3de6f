#include "scenarios/kernel_times.h"

#include <algorithm>

#include <fmt/format.h>

namespace weft::scenarios {

using models::Calibration;
using models::CalibrationEntry;
using models::CostModel;
using models::KernelCall;

Calibration read_calibration_at(const std::string& name, const DataPlaces& data, const std::string& place) {
  try {
    return models::read_calibration(name, data, place);
  } catch (const UserError& e) {
    std::vector<Problem> problems = e.problems();
    for (Problem& p : problems) {
      if (p.file == place) p = {"", place, p.message, p.hint};
    }
    throw UserError(std::move(problems));
  }
}

const Calibration& KernelTimes::read(const std::string& name, const std::string& place) const {
  const auto found = read_.find(name);
  return found != read_.end() ? found->second : read_.emplace(name, read_calibration_at(name, data_, place)).first->second;
}

std::shared_ptr<const CostModel> KernelTimes::model(const models::Gpu& gpu, const KernelChoice& choice, const std::string& place) const {
  std::string key = gpu.name + ", " + gpu.calibrations_of + (choice.cost_model ? ", " + models::to_text(*choice.cost_model) : "");
  for (const ConstantUsed& c : models::constants_of(gpu)) key += ", " + c.name + " " + c.value;
  for (const std::string& c : choice.calibrations) key += ", " + c;
  const std::lock_guard lock(reading_);
  auto& slot = models_[key];
  if (!slot) slot = make(gpu, choice, place);
  return slot;
}

std::shared_ptr<const CostModel> KernelTimes::make(const models::Gpu& gpu, const KernelChoice& choice, const std::string& place) const {
  const models::Fidelity wanted = choice.cost_model.value_or(options_.cost_model);
  std::vector<Calibration> all;
  const auto add = [&](const std::vector<std::string>& names, const std::string& where) {
    for (const std::string& name : names) {
      const Calibration& c = read(name, where);
      // A calibration of another GPU is refused where it was named, not only when all are put together.
      if (!gpu.goes_by(c.gpu) && !options_.force) static_cast<void>(CostModel(gpu, {c}, wanted, false, where));
      if (std::none_of(all.begin(), all.end(), [&](const Calibration& a) { return a.id == c.id && a.digest == c.digest; })) all.push_back(c);
    }
  };
  add(choice.calibrations, place);
  add(options_.calibrations, "--calibration");
  std::vector<std::string> shipped;
  for (const std::string& name : data_.names("models/calibrations")) {
    if (gpu.goes_by(read(name, "models/calibrations").gpu)) shipped.push_back(name);
  }
  add(shipped, "models/calibrations");
  return std::make_shared<const CostModel>(gpu, std::move(all), wanted, options_.force, place);
}

std::vector<ColumnDoc> reason_columns() {
  return {{"cost_model", "what gave the time: measured (formula corrected by the nearest measured shapes), fitted (formula alone) or roofline"},
          {"calibration", "the calibration that it comes from (shown when there is one)", true},
          {"outside", "where the shape lies beyond what was measured (shown when it does)", true}};
}

void add_reasons(Row& row, const models::KernelTime& time) {
  row.set("cost_model", models::to_text(time.fidelity));
  if (!time.calibration.empty()) row.set("calibration", time.calibration);
  if (!time.outside.empty()) row.set("outside", time.outside);
}

}  // namespace weft::scenarios

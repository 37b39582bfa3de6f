#include "scenarios/kernel_times.h"

#include <algorithm>
#include <set>

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
  std::string key = gpu.name + (choice.cost_model ? ", " + models::to_text(*choice.cost_model) : "");
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
      if (c.gpu != gpu.name && !options_.force) static_cast<void>(CostModel(gpu, {c}, wanted, false, where));
      if (std::none_of(all.begin(), all.end(), [&](const Calibration& a) { return a.id == c.id && a.digest == c.digest; })) all.push_back(c);
    }
  };
  add(choice.calibrations, place);
  add(options_.calibrations, "--calibration");
  std::vector<std::string> shipped;
  for (const std::string& name : data_.names("models/calibrations")) {
    if (read(name, "models/calibrations").gpu == gpu.name) shipped.push_back(name);
  }
  add(shipped, "models/calibrations");
  return std::make_shared<const CostModel>(gpu, std::move(all), wanted, options_.force, place);
}

namespace {

/// "h800", or "h100 (of h100, forced)" for one of another GPU.
std::string shown_name(const CostModel& model, const std::string& id) {
  const std::vector<std::string> names = model.names();
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (model.calibrations()[i].id == id) return names[i];
  }
  return id;
}

std::string parameters_text(const CalibrationEntry& e) {
  std::string text = e.form + ":";
  const auto& parameters = e.formula().parameters;
  for (std::size_t i = 0; i < e.parameters.size(); ++i) {
    text += fmt::format(" {} {:.6g}{}{}{}", parameters[i].name, e.parameters[i], parameters[i].unit.empty() ? "" : " ", parameters[i].unit,
                        i + 1 < e.parameters.size() ? "," : "");
  }
  return text;
}

}  // namespace

std::vector<ConstantUsed> constants_of(const CostModel& model, const std::vector<KernelCall>& calls) {
  std::vector<ConstantUsed> out;
  std::set<const CalibrationEntry*> told;
  for (const KernelCall& call : calls) {
    std::string id;
    const CalibrationEntry* e = model.entry_for(call, &id);
    if (e == nullptr || !told.insert(e).second) continue;
    std::string source;
    for (const Calibration& c : model.calibrations()) {
      if (c.find(e->family, e->variant) != e) continue;
      source = fmt::format("{} rows of {} ({}), {}", e->points.size(), fmt::join(c.data, ", "), c.device, c.digest);
    }
    out.push_back({fmt::format("calibration {}: {}/{}", shown_name(model, id), e->family, e->variant), parameters_text(*e), Origin::fitted, source});
  }
  return out;
}

std::vector<std::string> warnings_on(const CostModel& model, const std::vector<KernelCall>& calls) {
  std::vector<std::string> out;
  if (model.wanted() == models::Fidelity::roofline) return out;
  std::set<std::string> without;
  std::map<std::string, std::size_t> outside, all;
  std::map<std::string, std::string> example;
  std::set<std::string> forced;
  for (const KernelCall& call : calls) {
    std::string id;
    if (model.entry_for(call, &id) != nullptr && shown_name(model, id) != id && forced.insert(id).second) {
      out.push_back(models::forced_caution(shown_name(model, id)));
    }
    const std::string name = call.family->name + "/" + call.variant;
    if (model.entry_for(call) == nullptr) {
      if (without.insert(name).second) {
        out.push_back(fmt::format("no calibration of {} has {}: its times are the roofline, which is a lower bound", model.gpu().name, name));
      }
      continue;
    }
    ++all[name];
    const models::KernelTime t = model.time(call);
    if (t.outside.empty()) continue;
    ++outside[name];
    example.try_emplace(name, t.outside);
  }
  for (const auto& [name, count] : outside) {
    out.push_back(fmt::format("{}: {} of {} shapes beyond what was measured, where times are less certain (the first: {})", name, count, all[name], example[name]));
  }
  return out;
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

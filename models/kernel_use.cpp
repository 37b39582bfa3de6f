#include "models/kernel_use.h"

#include <map>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace weft::models {

KernelChoice read_kernel_choice(JsonReader& where) {
  KernelChoice choice;
  if (where.has("cost_model")) choice.cost_model = fidelity_named(where.one_of("cost_model", fidelity_names(), "measured"), "cost_model");
  if (auto list = where.maybe("calibration")) {
    if (!list->is_array()) choice.calibrations.push_back(list->as_string());
    else for (const JsonReader& r : list->items()) choice.calibrations.push_back(r.as_string());
  }
  return choice;
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
  if (model.wanted() == Fidelity::roofline) return out;
  std::set<std::string> without;
  std::map<std::string, std::size_t> outside, all;
  std::map<std::string, std::string> example;
  std::set<std::string> forced;
  for (const KernelCall& call : calls) {
    std::string id;
    if (model.entry_for(call, &id) != nullptr && shown_name(model, id) != id && forced.insert(id).second) {
      out.push_back(forced_caution(shown_name(model, id)));
    }
    const std::string name = call.family->name + "/" + call.variant;
    if (model.entry_for(call) == nullptr) {
      if (without.insert(name).second) {
        out.push_back(fmt::format("no calibration of {} has {}: its times are the roofline, which is a lower bound", model.gpu().name, name));
      }
      continue;
    }
    ++all[name];
    const KernelTime t = model.time(call);
    if (t.outside.empty()) continue;
    ++outside[name];
    example.try_emplace(name, t.outside);
  }
  for (const auto& [name, count] : outside) {
    out.push_back(fmt::format("{}: {} of {} shapes beyond what was measured, where times are less certain (the first: {})", name, count, all[name], example[name]));
  }
  return out;
}

}  // namespace weft::models

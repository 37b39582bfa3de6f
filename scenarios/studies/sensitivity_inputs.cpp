#include "scenarios/studies/sensitivity_inputs.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "scenarios/analysis_kind.h"
#include "scenarios/studies/sensitivity_slots.h"
#include "scenarios/studies/sensitivity_steps.h"
#include "workloads/workload.h"

namespace weft::scenarios {
namespace {

constexpr std::size_t kLongList = 16;   // longer ones are curves
constexpr const char* kZero = "zero";

std::string escaped(const std::string& key) {
  std::string out;
  for (const char c : key) out += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
  return out;
}

bool is_scalar_list(const Json& v) {
  return v.is_array() && std::all_of(v.begin(), v.end(), [](const Json& e) { return !e.is_structured(); });
}

/// A list of objects of which one at least has a rate, a time or the like.
bool has_quantities(const Json& list) {
  return list.size() <= kLongList && std::any_of(list.begin(), list.end(), [](const Json& e) {
           return e.is_object() && std::any_of(e.begin(), e.end(), [](const Json& v) { return v.is_string() && magnitude(v); });
         });
}

Setting setting(const std::string& pointer, const Json& value) { return {pointer, std::make_shared<const Json>(value)}; }

class Finder {
 public:
  Finder(const reports::Report& base, const DataPlaces& data) : base_(base), data_(data) {}

  FoundInputs find(const Json& document) {
    const Json resolved = (*base_.input)["resolved"][0];
    Json cluster = resolved["cluster"], workload = resolved["workload"][0];
    for (const char* key : {"constants", "gpus"}) cluster.erase(key);
    const std::string kind = workload["kind"].get<std::string>();
    find_parameters(kind);
    if (uses_cluster_) walk(&document["cluster"], &cluster, {"/cluster", "cluster: ", {}, Part::cluster, ""});
    const Json& entry = document["workload"][0];
    const std::string id = workload["id"].get<std::string>();
    for (const char* key : {"constants", "id", "kind"}) workload.erase(key);
    find_behind(workload);
    walk(&entry, &workload, {"/workload/" + escaped(id), id + ": ", {}, Part::workload, ""});
    refuse_two_gpus();
    list_constants();
    return std::move(out_);
  }

 private:
  enum class Part { cluster, storage, workload };
  struct At {
    std::string pointer, name;       // "/workload/step/optimizer", "step: optimizer/"
    std::vector<Setting> before;     // what must be written out to get here
    Part part = Part::cluster;
    std::string top;                 // key of the workload below which this lies
  };

  void find_parameters(const std::string& kind) {
    for (const auto& k : analysis_kinds()) {
      if (k.name != kind) continue;
      parameters_ = &k.parameters;
      uses_cluster_ = k.uses_cluster;
    }
    for (const auto& k : workloads::workload_kinds()) {
      if (k.name == kind) parameters_ = &k.parameters;
    }
  }

  void find_behind(const Json& workload) {
    for (const auto& [key, value] : workload.items()) {
      const Slot* slot = find_slot(SlotsOf::behind, key);
      if (slot == nullptr || !value.is_string()) continue;
      if (auto found = read_slot(value, *slot, data_)) behind_.emplace_back(std::string(slot->folder) + "/" + found->name, found->json);
    }
  }

  const Slot* slot_of(const At& at, const std::string& key) const {
    return find_slot(at.part == Part::workload ? SlotsOf::workload : at.part == Part::storage ? SlotsOf::storage : SlotsOf::cluster, key);
  }

  /// Members of the document, then those that only the resolved scenario has.
  void walk(const Json* document, const Json* resolved, const At& at) {
    std::vector<std::string> keys;
    if (document != nullptr && document->is_object()) {
      for (const auto& [key, value] : document->items()) keys.push_back(key);
    }
    if (resolved != nullptr && resolved->is_object()) {
      for (const auto& [key, value] : resolved->items()) {
        if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
      }
    }
    const auto member = [](const Json* j, const std::string& key) { return j != nullptr && j->is_object() && j->contains(key) ? &(*j)[key] : nullptr; };
    for (const std::string& key : keys) {
      if (key == "id" || key == "kind" || key == "failed") continue;
      visit(member(document, key), member(resolved, key), document, key, at, resolved);
    }
    if (at.part == Part::workload) add_training_constants(document, resolved, at);
  }

  void visit(const Json* document, const Json* resolved, const Json* parent, const std::string& key, const At& at, const Json* resolved_parent) {
    const Json& value = document != nullptr ? *document : *resolved;
    At here = at;
    here.pointer += "/" + escaped(key);
    if (at.part == Part::cluster && key == "storage") here.part = Part::storage;
    if (here.top.empty()) here.top = key;
    const bool first_missing = document == nullptr && parent != nullptr;
    if (const Slot* slot = slot_of(at, key); slot != nullptr && add_slot(*slot, value, document != nullptr, here, parent, resolved_parent)) return;
    if (first_missing && value.is_structured()) here.before.push_back(setting(here.pointer, value));
    here.name += key;
    if (value.is_object() && value.contains("value") && value.contains("origin")) return add_sourced(value, document == nullptr, key, here);
    if (value.is_object()) {
      here.name += "/";
      return walk(document, resolved, here);
    }
    if (value.is_array()) return add_list(value, document != nullptr, key, here);
    add_number(value, document == nullptr, key, here);
  }

  void add_list(const Json& list, bool given, const std::string& key, const At& at) {
    if (!given && list.size() > 1 && !has_quantities(list)) return;   // curves, and what lies where
    if (list.size() > kLongList) {
      if (is_scalar_list(list) && magnitude(list[0])) still(at.name, fmt::format("{} values", list.size()), "given", "", "a curve: --set gives another");
      return;
    }
    for (std::size_t i = 0; i < list.size(); ++i) {
      At here = at;
      here.pointer += "/" + std::to_string(i);
      if (list.size() > 1) here.name += "/" + std::to_string(i);
      if (list[i].is_object()) {
        here.name += "/";
        walk(given ? &list[i] : nullptr, given ? nullptr : &list[i], here);
      } else {
        add_number(list[i], !given, key, here);
      }
    }
  }

  void still(const std::string& name, const std::string& value, const std::string& origin, const std::string& source, const std::string& why) {
    named_.insert(name);
    if (std::none_of(out_.still.begin(), out_.still.end(), [&](const StillInput& s) { return s.name == name; })) out_.still.push_back({name, value, origin, source, why});
  }

  /// Where the default of a workload comes from.
  void find_origin(Input& input, const At& at) const {
    input.origin = input.restated ? "default" : "given";
    input.source = input.restated ? "" : "given in the scenario";
    if (!input.restated) return;
    for (const ColumnDoc& d : parameters_ != nullptr ? *parameters_ : std::vector<ColumnDoc>()) {
      if (d.name == at.top) input.source = d.text;
    }
    const std::string path = at.name.substr(at.name.find(": ") + 2);
    for (const auto& [file, json] : behind_) {
      const Json::json_pointer pointer("/" + path);
      if (!json->contains(pointer)) continue;
      const Json& v = (*json)[pointer];
      const bool sourced = v.is_object() && v.contains("origin") && v.contains("source");
      input.origin = sourced ? v["origin"].get<std::string>() : "given";
      input.source = sourced ? v["source"].get<std::string>() : "given in " + file;
    }
    // "requests: prompt: cv" is the constant of a key with these last words.
    std::string words = ": " + path;
    for (std::size_t i = words.find('/'); i != std::string::npos; i = words.find('/', i)) words.replace(i, 1, ": ");
    for (const ConstantUsed& c : base_.constants) {
      if (("workload: " + c.name).ends_with(words) || words.ends_with(": " + c.name)) input.origin = to_text(c.origin), input.source = c.source;
    }
  }

  void add_number(const Json& value, bool restated, const std::string& key, const At& at) {
    const auto number = magnitude(value);
    if (!number) return;
    Input input;
    input.name = at.name;
    input.key = key;
    input.value = std::make_shared<const Json>(value);
    input.restated = restated;
    find_origin(input, at);
    input.places = {{at.pointer, at.before}};
    if (at.part == Part::workload && key == kZero) return still(input.name, value_text(value), input.origin, input.source, "a stage of ZeRO: a choice by number, not a size");
    add(std::move(input), *number);
  }

  /// A number that says in the scenario where it comes from.
  void add_sourced(const Json& sourced, bool restated, const std::string& key, const At& at) {
    const auto number = magnitude(sourced["value"]);
    if (!number) return;
    Input input;
    input.name = at.name;
    input.key = key;
    input.value = std::make_shared<const Json>(sourced["value"]);
    input.wrapper = std::make_shared<const Json>(sourced);
    input.restated = restated;
    input.origin = sourced["origin"].is_string() ? sourced["origin"].get<std::string>() : "given";
    input.source = sourced.value("source", "");
    input.places = {{at.pointer, at.before}};
    add(std::move(input), *number);
  }

  void add(Input input, double number) {
    named_.insert(input.name);
    if (number <= 0) {
      return still(input.name, value_text(*input.value), input.origin, input.source, number == 0 ? "zero: no part of it moves it" : "below zero");
    }
    for (Input& known : out_.inputs) {
      if (known.name != input.name) continue;
      if (*known.value == *input.value) {   // one constant in two places
        known.places.insert(known.places.end(), input.places.begin(), input.places.end());
        return;
      }
      input.name += " at " + input.places.front().pointer;
    }
    out_.inputs.push_back(std::move(input));
  }

  /// The numbers of a data file, to be changed through an object that extends it. False: this is no name of such a file.
  bool add_slot(const Slot& slot, const Json& value, bool given, const At& at, const Json* parent, const Json* resolved_parent) {
    if (value.is_array()) {
      if (!given || value.empty() || value.size() > kLongList) return false;
      bool any = false;
      for (std::size_t i = 0; i < value.size(); ++i) {
        At here = at;
        here.pointer += "/" + std::to_string(i);
        any = add_slot(slot, value[i], given, here, parent, resolved_parent) || any;
      }
      return any;
    }
    Json name = value;
    if (!given && value.is_object()) name = value.contains("name") ? value["name"] : Json();
    if (!name.is_string() && !name.is_object()) return false;
    if (name.is_string() && magnitude(name)) return false;
    const auto found = read_slot(name, slot, data_);
    if (!found) return false;
    At here = at;
    here.name = fmt::format("{} {}: ", slot.owner, found->name);
    if (!given) here.before.push_back(setting(here.pointer, name));
    const bool gpu = std::string(slot.owner) == "GPU";
    if (gpu) {
      out_.gpus.insert(found->name);
      keep_calibration(here, parent, resolved_parent);
    }
    for (const auto& [key, entry] : found->json->items()) add_entry(slot, key, entry, found->name, here);
    return true;
  }

  /// A GPU of another name would lose the calibrations that its workload takes by default.
  static void keep_calibration(At& at, const Json* parent, const Json* resolved_parent) {
    const bool given = parent != nullptr && parent->is_object() && parent->contains("calibration");
    if (given || resolved_parent == nullptr || !resolved_parent->is_object() || !resolved_parent->contains("calibration")) return;
    at.before.push_back(setting(at.pointer.substr(0, at.pointer.rfind('/')) + "/calibration", (*resolved_parent)["calibration"]));
  }

  void add_entry(const Slot& slot, const std::string& key, const Json& entry, const std::string& file, const At& at) {
    if (key == "title" || key == "caveat" || key == "name" || entry.is_array()) return;
    At here = at;
    here.pointer += "/" + escaped(key);
    here.name += key;
    const bool sourced = entry.is_object() && entry.contains("value");
    if (entry.is_object() && !sourced) {
      here.before.push_back(setting(here.pointer, entry));
      here.name += " ";
      for (const auto& [inner, value] : entry.items()) add_entry(slot, inner, value, file, here);
      return;
    }
    Input input;
    const Json& value = sourced ? entry["value"] : entry;
    const auto number = magnitude(value);
    if (!number) return;
    input.name = here.name;
    input.key = key;
    input.value = std::make_shared<const Json>(value);
    if (sourced) input.wrapper = std::make_shared<const Json>(entry);
    input.origin = sourced && entry.contains("origin") ? entry["origin"].get<std::string>() : "given";
    input.source = sourced && entry.contains("source") ? entry["source"].get<std::string>() : fmt::format("given in {}/{}", slot.folder, file);
    input.of_gpu = std::string(slot.owner) == "GPU";
    input.on_request = std::string(slot.owner) == "model";
    input.places = {{here.pointer, here.before}};
    add(std::move(input), *number);
  }

  /// What kernels cost beyond their formulas stands in a file that no resolved scenario names; its constants do.
  void add_training_constants(const Json* document, const Json* resolved, const At& at) {
    const char* key = "kernel_constants";
    for (const ColumnDoc& d : parameters_ != nullptr ? *parameters_ : std::vector<ColumnDoc>()) {
      if (d.name == "train_constants") key = "train_constants";
    }
    const bool timed = resolved != nullptr && resolved->is_object() && resolved->contains("gpu") && resolved->contains("calibration");
    if (!timed || (document != nullptr && document->contains(key))) return;
    for (const ConstantUsed& c : base_.constants) {
      if (!c.name.starts_with("training ")) continue;
      At here = at;
      here.pointer += std::string("/") + key;
      here.top = key;
      add_slot(*find_slot(SlotsOf::workload, key), c.name.substr(9, c.name.find(':') - 9), false, here, nullptr, nullptr);
      return;
    }
  }

  /// Calibrations are of one GPU: with two it cannot be said which of them belong to the changed one.
  void refuse_two_gpus() {
    if (out_.gpus.size() < 2) return;
    for (const Input& i : out_.inputs) {
      if (i.of_gpu) still(i.name, value_text(*i.value), i.origin, i.source, "this workload has several GPUs");
    }
    std::erase_if(out_.inputs, [](const Input& i) { return i.of_gpu; });
  }

  /// Constants of the result that no input stands for.
  void list_constants() {
    for (const ConstantUsed& c : base_.constants) {
      const bool of_cluster = c.name.starts_with("node ") || c.name.starts_with("transport ") || c.name.starts_with("storage node ");
      if (!uses_cluster_ && of_cluster) continue;
      if (named_.contains(c.name) || c.name.starts_with("model ") || c.name.starts_with("day ") || c.name.starts_with("requests: ")) continue;
      const std::string last = ": " + c.name.substr(c.name.rfind(": ") + 2);
      const bool of_workload = std::any_of(out_.inputs.begin(), out_.inputs.end(), [&](const Input& i) { return i.name.ends_with(last) && i.source == c.source; });
      if (of_workload) continue;
      const bool fit = c.name.starts_with("calibration ");
      still(c.name, c.value, to_text(c.origin), c.source,
            fit ? "parameters of a fit: weft run --uncertainty draws them" : "no key of the scenario leads to it");
    }
  }

  const reports::Report& base_;
  const DataPlaces& data_;
  const std::vector<ColumnDoc>* parameters_ = nullptr;
  bool uses_cluster_ = true;   // false: it takes no part, and is left alone
  std::vector<std::pair<std::string, std::shared_ptr<const Json>>> behind_;
  std::set<std::string> named_;
  FoundInputs out_;
};

}  // namespace

std::string Input::pointers() const {
  std::string out;
  for (const InputPlace& p : places) out += (out.empty() ? "" : ",") + p.pointer;
  return out;
}

FoundInputs find_inputs(const Json& document, const reports::Report& base, const DataPlaces& data) { return Finder(base, data).find(document); }

Json moved(Json document, const std::vector<std::pair<const Input*, Json>>& values, const std::string& file) {
  std::map<std::pair<std::size_t, std::string>, const Setting*> before;   // parents first, each once, so that nothing written is written over
  for (const auto& [input, value] : values) {
    for (const InputPlace& p : input->places) {
      for (const Setting& s : p.before) before[{s.pointer.size(), s.pointer}] = &s;
    }
  }
  for (const auto& [place, s] : before) apply_setting(document, *s, file, s->pointer);
  for (const auto& [input, value] : values) {
    Json written = value;
    if (input->wrapper) {
      written = *input->wrapper;
      written["value"] = value;
    }
    for (const InputPlace& p : input->places) apply_setting(document, setting(p.pointer, written), file, p.pointer);
  }
  return document;
}

}  // namespace weft::scenarios

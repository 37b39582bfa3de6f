#include "models/calibration/measure/plan.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <set>
#include <sstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/core/error.h"

namespace weft::models {
namespace {

constexpr double largest = 1e15;   // beyond it a double no longer counts by ones

std::string full_name(const MeasuredKernel& k) { return k.family + "/" + k.variant; }

std::vector<std::string> names_of(const std::vector<MeasuredKernel>& kernels, bool variants) {
  std::vector<std::string> out;
  for (const MeasuredKernel& k : kernels) {
    if (std::find(out.begin(), out.end(), k.family) == out.end()) out.push_back(k.family);
    if (variants) out.push_back(full_name(k));
  }
  return out;
}

const MeasuredKernel* find(const std::vector<MeasuredKernel>& kernels, const std::string& family, const std::string& variant) {
  for (const MeasuredKernel& k : kernels) {
    if (k.family == family && (variant.empty() || k.variant == variant)) return &k;
  }
  return nullptr;
}

std::string unknown_kernel(const std::vector<MeasuredKernel>& kernels, const std::string& family, const std::string& variant) {
  if (find(kernels, family, "") == nullptr) {
    return fmt::format("no kernel of a family \"{}\" can be measured ({})", family, unknown_name_hint(family, names_of(kernels, false)));
  }
  std::vector<std::string> variants;
  for (const MeasuredKernel& k : kernels) {
    if (k.family == family) variants.push_back(k.variant);
  }
  return fmt::format("{} has no variant \"{}\" that can be measured ({})", family, variant, unknown_name_hint(variant, variants));
}

/// Named numbers to the kernel's order; what is wrong in words, empty when all is well.
std::string place_values(const MeasuredKernel& kernel, const std::map<std::string, double>& values, std::vector<double>& at) {
  for (const MeasuredKernel::Field& field : kernel.fields) {
    const auto found = values.find(field.name);
    if (found == values.end() && !field.fallback) return fmt::format("{} needs {}", full_name(kernel), field.name);
    const double v = found == values.end() ? *field.fallback : found->second;
    const double least = field.fallback && *field.fallback == 0 ? 0 : 1;
    if (!(v >= least) || v > largest || v != std::floor(v)) return fmt::format("{}: expected a whole number of at least {}, got {}", field.name, least, v);
    at.push_back(v);
  }
  for (const auto& [name, v] : values) {
    const bool known = std::any_of(kernel.fields.begin(), kernel.fields.end(), [&](const auto& f) { return f.name == name; });
    if (!known) return fmt::format("{} has no field {}", full_name(kernel), name);
  }
  return {};
}

/// One list of a grid: the fields it gives, and their values together.
struct Axis {
  std::vector<std::string> fields;
  std::vector<std::vector<double>> values;
};

Axis read_axis(const std::string& key, const JsonReader& list) {
  Axis axis;
  std::istringstream words(key);
  for (std::string word; words >> word;) axis.fields.push_back(word);
  if (!list.is_array()) {
    list.fail("expected a list of values");
    return axis;
  }
  for (const JsonReader& item : list.items()) {
    std::vector<double> together;
    if (axis.fields.size() == 1) {
      together.push_back(item.as_number(0, largest));
    } else {
      for (const JsonReader& one : item.items()) together.push_back(one.as_number(0, largest));
    }
    if (together.size() != axis.fields.size()) {
      item.fail(fmt::format("expected {} numbers, for {}", axis.fields.size(), key));
    } else {
      axis.values.push_back(std::move(together));
    }
  }
  return axis;
}

/// Every combination, the first axis slowest.
std::vector<std::map<std::string, double>> combinations(const std::vector<Axis>& axes) {
  std::vector<std::map<std::string, double>> out = {{}};
  for (const Axis& axis : axes) {
    std::vector<std::map<std::string, double>> next;
    for (const auto& begun : out) {
      for (const auto& values : axis.values) {
        next.push_back(begun);
        for (std::size_t i = 0; i < axis.fields.size(); ++i) next.back()[axis.fields[i]] = values[i];
      }
    }
    out = std::move(next);
  }
  return out;
}

class Collector {
 public:
  void add(const MeasuredKernel& kernel, std::vector<double> at) {
    PlannedKernel planned{kernel, std::move(at)};
    if (seen_.insert(to_text(planned)).second) plan_.kernels.push_back(std::move(planned));
  }
  Plan take() { return std::move(plan_); }

 private:
  Plan plan_;
  std::set<std::string> seen_;
};

std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> cells;
  std::istringstream text(line);
  for (std::string cell; std::getline(text, cell, ',');) {
    const std::size_t first = cell.find_first_not_of(" \t\r");
    cells.push_back(first == std::string::npos ? "" : cell.substr(first, cell.find_last_not_of(" \t\r") - first + 1));
  }
  if (!line.empty() && line.back() == ',') cells.emplace_back();
  return cells;
}

}  // namespace

std::string to_text(const PlannedKernel& k) {
  std::string text = full_name(k.kernel);
  for (std::size_t i = 0; i < k.at.size(); ++i) text += fmt::format(" {}={}", k.kernel.fields[i].name, k.at[i]);
  return text;
}

Plan read_plan(JsonReader where, const std::vector<MeasuredKernel>& kernels) {
  Collector plan;
  where.string("title", "");
  where.string("source", "");
  for (JsonReader entry : where.at("kernels").items()) {
    const std::string family = entry.string("family");
    entry.string("about", "");
    std::vector<Axis> axes;
    for (const auto& [key, list] : entry.at("shapes").members()) axes.push_back(read_axis(key, list));
    for (const JsonReader& name : entry.at("variants").items()) {
      const std::string variant = name.as_string();
      const MeasuredKernel* const kernel = find(kernels, family, variant);
      if (kernel == nullptr) {
        name.fail(unknown_kernel(kernels, family, variant));
        continue;
      }
      for (const auto& values : combinations(axes)) {
        std::vector<double> at;
        const std::string wrong = place_values(*kernel, values, at);
        if (!wrong.empty()) {
          entry.fail_at("shapes", wrong);
          break;
        }
        plan.add(*kernel, std::move(at));
      }
    }
    entry.done();
  }
  where.done();
  return plan.take();
}

Plan plan_named(const std::string& name, const DataPlaces& data, const std::vector<MeasuredKernel>& kernels) {
  const bool is_path = name.find('/') != std::string::npos || name.ends_with(".json");
  const std::string path = is_path ? name : data.find("models/data/measure_plans", name).string();
  if (path.empty()) {
    throw UserError("--plan", fmt::format("there is no plan \"{}\"", name), unknown_name_hint(name, data.names("models/data/measure_plans")));
  }
  const Json json = read_json_file(path);
  Problems problems;
  Plan plan = read_plan(JsonReader(json, path, problems), kernels);
  problems.throw_if_any();
  return plan;
}

Plan plan_from_csv(const std::string& path, const std::vector<MeasuredKernel>& kernels) {
  std::string bytes = read_file(path, 64u << 20);
  if (bytes.starts_with("\xef\xbb\xbf")) bytes.erase(0, 3);   // a byte order mark
  std::istringstream text(bytes);
  std::string line;
  if (!std::getline(text, line)) throw UserError({{path, "", "is empty", "the first line names the columns: family,variant,m,n,k"}});
  const std::vector<std::string> header = split(line);
  if (std::find(header.begin(), header.end(), "family") == header.end()) {
    throw UserError({{path, "line 1", "has no column family", "the first line names the columns: family,variant,m,n,k"}});
  }
  Collector plan;
  Problems problems;
  for (int number = 2; std::getline(text, line); ++number) {
    const std::vector<std::string> cells = split(line);
    if (cells.empty() || (cells.size() == 1 && cells[0].empty())) continue;
    const auto fail = [&](const std::string& why) { problems.add({path, fmt::format("line {}", number), why, ""}); };
    if (cells.size() != header.size()) {
      fail(fmt::format("expected {} columns as in line 1, got {}", header.size(), cells.size()));
      continue;
    }
    std::string family, variant, wrong;
    std::map<std::string, double> values;
    for (std::size_t c = 0; c < cells.size(); ++c) {
      if (header[c] == "family") family = cells[c];
      else if (header[c] == "variant") variant = cells[c];
      else if (!cells[c].empty()) {
        double v = 0;
        const auto [end, status] = std::from_chars(cells[c].data(), cells[c].data() + cells[c].size(), v);
        if (status != std::errc() || end != cells[c].data() + cells[c].size()) wrong = fmt::format("{}: expected a number, got \"{}\"", header[c], cells[c]);
        values[header[c]] = v;
      }
    }
    const MeasuredKernel* const kernel = find(kernels, family, variant);
    std::vector<double> at;
    if (kernel == nullptr) wrong = unknown_kernel(kernels, family, variant);
    if (wrong.empty()) wrong = place_values(*kernel, values, at);
    if (!wrong.empty()) fail(wrong);
    else plan.add(*kernel, std::move(at));
  }
  problems.throw_if_any();
  return plan.take();
}

Plan only(Plan plan, const std::vector<std::string>& names, const std::vector<MeasuredKernel>& kernels) {
  if (names.empty()) return plan;
  const std::vector<std::string> known = names_of(kernels, true);
  for (const std::string& name : names) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    throw UserError("--families", fmt::format("no kernel \"{}\" can be measured", name), unknown_name_hint(name, known));
  }
  std::erase_if(plan.kernels, [&](const PlannedKernel& k) {
    return std::none_of(names.begin(), names.end(), [&](const std::string& n) { return n == k.kernel.family || n == full_name(k.kernel); });
  });
  return plan;
}

}  // namespace weft::models

#include "models/calibration/measure/plan.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <sstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "models/calibration/readers/csv_table.h"
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
  const std::string bytes = read_file(path, 64u << 20);
  MeasurementText file{path, bytes};
  if (file.text.starts_with("\xef\xbb\xbf")) file.text.remove_prefix(3);   // a byte order mark
  CsvTable table(file);
  const int family_at = table.index("family"), variant_at = table.index("variant");
  if (family_at < 0) throw UserError({{table.place(), "", "there is no column \"family\"", "the first line names the columns: family,variant,m,n,k"}});
  Collector plan;
  while (table.next()) {
    const std::string family(table.cell(family_at)), variant(variant_at < 0 ? "" : table.cell(variant_at));
    const MeasuredKernel* const kernel = find(kernels, family, variant);
    if (kernel == nullptr) {
      table.problems().add(table.line(), unknown_kernel(kernels, family, variant));
      continue;
    }
    std::map<std::string, double> values;
    for (int c = 0; c < static_cast<int>(table.columns().size()); ++c) {
      if (c != family_at && c != variant_at && !table.cell(c).empty()) values[table.columns()[static_cast<std::size_t>(c)]] = table.number(c);
    }
    if (!table.row_is_good()) continue;
    std::vector<double> at;
    if (const std::string wrong = place_values(*kernel, values, at); !wrong.empty()) table.problems().add(table.line(), wrong);
    else plan.add(*kernel, std::move(at));
  }
  table.finish();
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

#include "models/calibration/calibration.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/core/named_object.h"

namespace weft::models {
namespace {

constexpr const char* kSchema = "weft-calibration/1";
constexpr double kLongestUs = 1e12;        // eleven days: more is no kernel
constexpr double kWidestVariance = 100;    // of a logarithm: a factor of e^10 either way says nothing
constexpr const char* kFolder = "models/calibrations";

Json to_json(const ErrorStatistics& e) {
  return {{"rows", e.rows}, {"mean_error_pct", e.mean_pct}, {"median_error_pct", e.median_pct}, {"p90_error_pct", e.p90_pct},
          {"max_error_pct", e.max_pct}, {"bias_pct", e.bias_pct}};
}

/// Standard errors are of logarithms, so an interval is a factor either way.
Json parameters_json(const CalibrationEntry& e) {
  Json out = Json::array();
  const auto& docs = e.formula().parameters;
  for (std::size_t j = 0; j < docs.size(); ++j) {
    const double factor = std::exp(1.645 * std::sqrt(std::max(0.0, e.covariance[j][j])));
    Json p = {{"name", docs[j].name}, {"value", e.parameters[j]}, {"unit", docs[j].unit}, {"low_90", e.parameters[j] / factor},
              {"high_90", e.parameters[j] * factor}};
    p["origin"] = std::find(e.held.begin(), e.held.end(), docs[j].name) == e.held.end() ? "fitted" : "assumed";
    if (std::find(e.at_bounds.begin(), e.at_bounds.end(), docs[j].name) != e.at_bounds.end()) p["at_bound"] = true;
    out.push_back(std::move(p));
  }
  return out;
}

Json entry_json(const CalibrationEntry& e) {
  Json j = {{"family", e.family}, {"variant", e.variant}, {"form", e.form}, {"formula", e.formula().formula}};
  if (!e.fitted_with.empty()) j["fitted_with"] = e.fitted_with;
  j["parameters"] = parameters_json(e);
  j["covariance_of_logs"] = e.covariance;
  j["transfer"] = {{"neighbours", e.transfer.neighbours}, {"softness", e.transfer.softness}, {"slopes", e.transfer.slopes}};
  for (const auto& [name, statistics] : e.errors) j["errors"][name] = to_json(statistics);
  j["left_out"] = e.left_out;
  Json fields = Json::array();
  for (const ShapeField& f : e.kernel().fields) fields.push_back(f.name);
  for (const char* more : {"time_us", "predicted_us"}) fields.push_back(more);
  j["columns"] = std::move(fields);
  Json rows = Json::array();
  for (const CalibrationPoint& p : e.points) {
    Json row = p.at;
    row.push_back(p.time_us);
    row.push_back(p.predicted_us);
    rows.push_back(std::move(row));
  }
  j["rows"] = std::move(rows);
  return j;
}

ErrorStatistics read_errors(JsonReader r) {
  ErrorStatistics e;
  if (!r.expect_object("an object of error figures")) return e;
  e.rows = static_cast<std::size_t>(r.integer("rows", 0));
  e.mean_pct = r.number("mean_error_pct", 0, 1e12);
  e.median_pct = r.number("median_error_pct", 0, 1e12);
  e.p90_pct = r.number("p90_error_pct", 0, 1e12);
  e.max_pct = r.number("max_error_pct", 0, 1e12);
  e.bias_pct = r.number("bias_pct", -1e12, 1e12);
  r.done();
  return e;
}

/// Numbers of an array; a problem when it is none or has another length.
std::vector<double> read_numbers(const JsonReader& r, std::size_t length, const std::string& what) {
  std::vector<double> out;
  if (!r.is_array() || r.items().size() != length) {
    r.fail(fmt::format("expected {} numbers ({})", length, what));
    return std::vector<double>(length, 0);
  }
  for (const JsonReader& x : r.items()) out.push_back(x.as_number());
  return out;
}

void read_parameters(JsonReader r, const KernelForm& form, CalibrationEntry& e) {
  std::map<std::string, double> values;
  for (JsonReader p : r.items()) {
    if (!p.expect_object("a parameter")) continue;
    const std::string name = p.string("name");
    if (!values.emplace(name, p.number("value", 0, 1e12)).second) p.fail(fmt::format("{} stands here twice", name));
    p.string("unit", "");
    if (p.string("origin", "fitted") != "fitted") e.held.push_back(name);
    p.number_or("low_90", 0, 0, 1e300);
    p.number_or("high_90", 0, 0, 1e300);
    if (p.boolean_or("at_bound", false)) e.at_bounds.push_back(name);
    p.done();
  }
  for (const FormParameter& wanted : form.parameters) {
    const auto found = values.find(wanted.name);
    const bool usable = found != values.end() && found->second >= wanted.low * (1 - 1e-9) && found->second <= wanted.high * (1 + 1e-9);
    if (!usable) r.fail(fmt::format("expected a value for {} of the form {}, from {:g} to {:g} {}", wanted.name, form.name, wanted.low, wanted.high, wanted.unit));
    e.parameters.push_back(usable ? found->second : wanted.start);
  }
  if (values.size() > form.parameters.size()) r.fail(fmt::format("more parameters than the form {} has", form.name));
}

void read_points(JsonReader& r, CalibrationEntry& e) {
  const auto& fields = e.kernel().fields;
  std::vector<std::string> expected;
  for (const ShapeField& f : fields) expected.push_back(f.name);
  expected.insert(expected.end(), {"time_us", "predicted_us"});
  std::vector<std::string> columns;
  JsonReader named = r.at("columns");
  for (const JsonReader& c : named.items()) columns.push_back(c.as_string());
  if (columns != expected) {
    named.fail(fmt::format("expected the columns {}", fmt::join(expected, ", ")));
    r.at("rows");
    return;
  }
  for (const JsonReader& row : r.at("rows").items()) {
    std::vector<double> numbers = read_numbers(row, expected.size(), "one a column");
    CalibrationPoint p;
    p.predicted_us = numbers.back();
    p.time_us = numbers[numbers.size() - 2];
    for (const double us : {p.time_us, p.predicted_us}) {
      if (!(us > 0) || us > kLongestUs) row.fail(fmt::format("times have to be above zero and below {:g} us", kLongestUs));
    }
    numbers.resize(fields.size());
    std::map<std::string, double> shape;
    for (std::size_t i = 0; i < fields.size(); ++i) shape[fields[i].name] = numbers[i];
    try {
      kernel_call(e.kernel(), e.variant, shape, "");
    } catch (const UserError& impossible) {
      row.fail(impossible.problems().front().message);
    }
    p.at = std::move(numbers);
    e.points.push_back(std::move(p));
  }
}

void check_covariance(JsonReader& r, const CalibrationEntry& e) {
  const auto& c = e.covariance;
  for (std::size_t a = 0; a < c.size(); ++a) {
    for (std::size_t b = 0; b <= a; ++b) {
      const double most = std::sqrt(std::max(0.0, c[a][a]) * std::max(0.0, c[b][b])) * (1 + 1e-6);
      if (c[a][a] >= 0 && c[a][a] <= kWidestVariance && std::abs(c[a][b] - c[b][a]) <= 1e-6 * most && std::abs(c[a][b]) <= most) continue;
      return r.fail_at("covariance_of_logs", fmt::format("no covariance: see row {}, column {}", a + 1, b + 1));
    }
  }
}

std::optional<CalibrationEntry> read_entry(JsonReader r) {
  if (!r.expect_object("an entry of a calibration")) return {};
  CalibrationEntry e;
  e.family = r.string("family");
  e.variant = r.string("variant");
  e.form = r.string("form");
  const auto& families = kernel_families();
  const auto family = std::find_if(families.begin(), families.end(), [&](const KernelFamily& f) { return f.name == e.family; });
  if (family == families.end()) {
    r.fail_at("family", fmt::format("there is no kernel family \"{}\"", e.family));
    return {};
  }
  const auto form = std::find_if(family->forms.begin(), family->forms.end(), [&](const KernelForm& f) { return f.name == e.form; });
  const bool variant = std::find(family->variants.begin(), family->variants.end(), e.variant) != family->variants.end();
  if (form == family->forms.end()) r.fail_at("form", fmt::format("{} has no form \"{}\"", e.family, e.form));
  if (!variant) r.fail_at("variant", fmt::format("{} has no variant \"{}\"", e.family, e.variant));
  if (form == family->forms.end() || !variant) return {};
  r.string("formula", "");
  e.fitted_with = r.string("fitted_with", "");
  read_parameters(r.at("parameters"), *form, e);
  for (const JsonReader& row : r.at("covariance_of_logs").items()) e.covariance.push_back(read_numbers(row, form->parameters.size(), "one a parameter"));
  if (e.covariance.size() != form->parameters.size()) {
    r.fail_at("covariance_of_logs", "expected one row a parameter");
    e.covariance.assign(form->parameters.size(), std::vector<double>(form->parameters.size(), 0));
  }
  check_covariance(r, e);
  JsonReader transfer = r.at("transfer");
  e.transfer.neighbours = static_cast<int>(transfer.integer("neighbours", 0, 1000));
  e.transfer.softness = transfer.number("softness", 1e-6, 100);
  e.transfer.slopes = transfer.boolean_or("slopes", false);
  transfer.done();
  for (auto& [name, errors] : r.at("errors").members()) e.errors[name] = read_errors(errors);
  e.left_out = r.string("left_out", "");
  read_points(r, e);
  if (e.points.empty()) r.fail_at("rows", "an entry needs the rows that it was fitted to: they say where it holds");
  r.done();
  return e;
}

}  // namespace

const KernelFamily& CalibrationEntry::kernel() const { return kernel_family(family, "family"); }

const KernelForm& CalibrationEntry::formula() const {
  for (const KernelForm& f : kernel().forms) {
    if (f.name == form) return f;
  }
  throw UserError("form", fmt::format("{} has no form \"{}\"", family, form));
}

const CalibrationEntry* Calibration::find(const std::string& family, const std::string& variant) const {
  for (const CalibrationEntry& e : entries) {
    if (e.family == family && e.variant == variant) return &e;
  }
  return nullptr;
}

Calibration read_calibration(const std::string& name_or_path, const DataPlaces& data, const std::string& place) {
  Problems problems;
  const Json name = name_or_path;
  auto found = read_named_object(JsonReader(name, place, problems), data, kFolder, "a calibration");
  problems.throw_if_any();
  JsonReader& r = found->reader;
  Calibration c;
  c.id = found->name;
  r.one_of("schema", {kSchema});
  c.title = r.string("title", "");
  c.source = r.string("source", "");
  c.device = r.string("device");
  c.gpu = r.string("gpu");
  c.date = r.string("date", "");
  c.digest = r.string("digest", "");
  if (auto files = r.maybe("data")) {
    for (const JsonReader& f : files->items()) c.data.push_back(f.as_string());
  }
  if (auto notes = r.maybe("notes")) {
    for (const JsonReader& n : notes->items()) c.notes.push_back(n.as_string());
  }
  for (const JsonReader& e : r.at("entries").items()) {
    auto entry = read_entry(e);
    if (!entry) continue;
    if (c.find(entry->family, entry->variant) != nullptr) e.fail(fmt::format("a second entry for {}/{}", entry->family, entry->variant));
    c.entries.push_back(std::move(*entry));
  }
  r.done();
  if (problems.empty() && c.entries.empty()) r.fail_at("entries", "a calibration without entries says nothing");
  problems.throw_if_any();
  return c;
}

std::string calibration_json(const Calibration& c) {
  Json j = {{"schema", kSchema}, {"title", c.title}, {"source", c.source}, {"device", c.device}, {"gpu", c.gpu}, {"date", c.date},
            {"digest", c.digest}, {"data", c.data}, {"notes", c.notes}};
  // One line an entry's row keeps files of thousands of rows readable and small.
  std::string text = "{\n";
  for (const auto& [key, value] : j.items()) text += fmt::format("  {}: {},\n", dump_json(Json(key)), dump_json(value));
  text += "  \"entries\": [";
  for (std::size_t i = 0; i < c.entries.size(); ++i) {
    Json entry = entry_json(c.entries[i]);
    const Json rows = entry["rows"];
    entry.erase("rows");
    std::string body = dump_json(entry, 2);
    body.erase(body.rfind('\n'));
    text += fmt::format("{}{},\n  \"rows\": [", i == 0 ? "" : ", ", body);
    for (std::size_t k = 0; k < rows.size(); ++k) text += fmt::format("{}\n    {}", k == 0 ? "" : ",", dump_json(rows[k]));
    text += "\n  ]}";
  }
  return text + "]\n}\n";
}

}  // namespace weft::models

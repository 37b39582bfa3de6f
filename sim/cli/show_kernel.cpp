#include "sim/cli/show_kernel.h"

#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/format.h>

#include "models/calibration/calibration.h"
#include "models/kernels/kernel.h"
#include "scenarios/kernel_times.h"
#include "sim/core/error.h"

namespace weft::cli {
namespace {

using namespace weft::models;

std::string word(const ShowOptions& o, const std::string& name, const std::string& fallback) {
  const auto found = o.words.find(name);
  return found == o.words.end() ? fallback : found->second;
}

reports::Table fields_table(const KernelFamily& f) {
  reports::Table t;
  t.id = "fields";
  t.title = fmt::format("Shape of weft show kernel {} --{} ...", f.name, f.fields.front().name);
  t.columns = {{"field", "option"}, {"meaning", "what it is"}, {"default", "when it is not given"}};
  for (const ShapeField& s : f.fields) {
    Row r;
    r.set("field", "--" + s.name).set("meaning", s.meaning);
    if (s.fallback >= 0) r.set("default", s.fallback);
    t.rows.push_back(std::move(r));
  }
  return t;
}

reports::Table forms_table(const KernelFamily& f) {
  reports::Table t;
  t.id = "forms";
  t.title = "Formulas; a fit takes the one that predicts left-out shapes best";
  t.columns = {{"form", "name"}, {"title", "what it says"}, {"formula", "time in us"}};
  for (const KernelForm& form : f.forms) {
    Row r;
    r.set("form", form.name).set("title", form.title).set("formula", form.formula);
    t.rows.push_back(std::move(r));
  }
  return t;
}

reports::Table parameters_table(const KernelForm& form, const CalibrationEntry* entry, const std::string& id) {
  reports::Table t;
  t.id = "parameters";
  t.title = entry == nullptr ? "Parameters of " + form.name : fmt::format("Parameters of {}, from the calibration {}", form.name, id);
  t.columns = {{"parameter", "name"}, {"meaning", "what it is"}, {"unit", "its unit"}, {"value", "fitted, or given where the origin is assumed"},
               {"low_90", "lower end of its 90 % interval"}, {"high_90", "upper end"}, {"origin", "fitted or assumed"}};
  for (std::size_t j = 0; j < form.parameters.size(); ++j) {
    Row r;
    r.set("parameter", form.parameters[j].name).set("meaning", form.parameters[j].meaning);
    if (!form.parameters[j].unit.empty()) r.set("unit", form.parameters[j].unit);
    if (entry != nullptr) {
      const double factor = std::exp(1.645 * std::sqrt(std::max(0.0, entry->covariance[j][j])));
      const bool held = std::find(entry->held.begin(), entry->held.end(), form.parameters[j].name) != entry->held.end();
      r.set("value", entry->parameters[j]);
      if (!held) r.set("low_90", entry->parameters[j] / factor).set("high_90", entry->parameters[j] * factor);
      r.set("origin", held ? "assumed" : "fitted");
    }
    t.rows.push_back(std::move(r));
  }
  return t;
}

reports::Table demands_table(const KernelCall& call, const Gpu& gpu) {
  reports::Table t;
  t.id = "roofline";
  t.title = fmt::format("What {} demands of an {}: the longest is its roofline", to_text(call), gpu.title);
  t.columns = {{"resource", "what is used"}, {"amount", "how much"}, {"unit", "of what"}, {"rate_per_s", "peak that the kernel may use"}, {"least_us", "amount / rate"}};
  for (const Demand& d : call.family->demands(call, gpu)) {
    if (d.rate <= 0) continue;
    Row r;
    r.set("resource", d.resource).set("amount", d.amount).set("unit", d.unit).set("rate_per_s", d.rate).set("least_us", d.amount / d.rate * 1e6);
    t.rows.push_back(std::move(r));
  }
  return t;
}

reports::Table figures_table(const KernelForm& form, const std::vector<double>& features, const CalibrationEntry& entry) {
  reports::Table t;
  t.id = "formula";
  t.title = "t = " + form.formula;
  t.columns = {{"figure", "part of the formula"}, {"meaning", "what it is"}, {"value", "at this shape"}, {"unit", "its unit"}};
  for (const Figure& f : form.figures(features.data(), entry.parameters.data())) {
    Row r;
    r.set("figure", f.name).set("meaning", f.meaning).set("value", f.value);
    if (!f.unit.empty()) r.set("unit", f.unit);
    t.rows.push_back(std::move(r));
  }
  return t;
}

reports::Table times_table(const DataPlaces& data, const KernelCall& call, const Gpu& gpu, const std::vector<std::string>& calibrations, bool force) {
  reports::Table t;
  t.id = "time";
  t.title = fmt::format("How long {}/{} takes", call.family->name, call.variant);
  t.columns = {{"cost_model", "asked for"}, {"time_us", "by it"}, {"of_roofline_pct", "roofline / time"}};
  const std::vector<Demand> demands = call.family->demands(call, gpu);
  const bool computes = !demands.empty() && demands.front().unit == "FLOP";
  if (computes) t.columns.push_back({"tflops", "10^12 operations a second"});
  t.columns.push_back({"GBps", "bytes of the last resource a second"});
  for (ColumnDoc& doc : scenarios::reason_columns()) {
    doc.detail = false;
    if (doc.name == "cost_model") doc.name = "used";
    t.columns.push_back(std::move(doc));
  }
  for (const Fidelity wanted : {Fidelity::roofline, Fidelity::fitted, Fidelity::measured}) {
    const scenarios::KernelTimes times(data, {wanted, calibrations, force});
    const KernelTime k = times.model(gpu, {}, "--calibration")->time(call);
    Row r, reasons;
    r.set("cost_model", to_text(wanted)).set("time_us", k.time.value() * 1e6);
    if (k.time.value() > 0) {
      r.set("of_roofline_pct", 100 * k.roofline.value() / k.time.value());
      if (computes) r.set("tflops", demands.front().amount / k.time.value() / 1e12);
      r.set("GBps", (computes ? demands.back() : demands.front()).amount / k.time.value() / 1e9);
    }
    scenarios::add_reasons(reasons, k);
    for (const auto& [name, cell] : reasons.cells()) r.set(name == "cost_model" ? "used" : name, cell);
    t.rows.push_back(std::move(r));
  }
  return t;
}

}  // namespace

bool is_kernel_family(const std::string& name) {
  return std::any_of(kernel_families().begin(), kernel_families().end(), [&](const KernelFamily& f) { return f.name == name; });
}

std::vector<Entry> kernel_family_entries() {
  std::vector<Entry> out;
  for (const KernelFamily& f : kernel_families()) out.push_back({f.name, f.title});
  return out;
}

std::vector<ShowOptionDoc> kernel_numbers() {
  std::vector<ShowOptionDoc> out;
  std::set<std::string> seen;
  for (const KernelFamily& f : kernel_families()) {
    for (const ShapeField& s : f.fields) {
      if (seen.insert(s.name).second) out.push_back({s.name, s.meaning});
    }
  }
  return out;
}

std::vector<ShowOptionDoc> kernel_words() {
  return {{"gpu", "the GPU (weft list hardware); default h800"}, {"variant", "data type or flavour; default: the first of the family"},
          {"calibration", "before the shipped ones: a name or a file"}, {"force", "yes: take a calibration of another GPU"}};
}

reports::Listing show_kernel_family(const DataPlaces& data, const std::string& name, const ShowOptions& options) {
  const KernelFamily& family = kernel_family(name, "NAME");
  reports::Listing out;
  out.notes = {family.title + ". " + family.summary, fmt::format("Variants: {}. Source: {}.", fmt::join(family.variants, ", "), family.source)};
  if (options.numbers.empty()) {
    if (!options.words.empty()) {
      throw UserError("--" + options.words.begin()->first, "it needs a shape", fmt::format("for example --{}; weft show kernel {} lists the fields", family.fields.front().name, name));
    }
    out.tables = {fields_table(family), forms_table(family)};
    for (const KernelForm& form : family.forms) {
      out.tables.push_back(parameters_table(form, nullptr, ""));
      out.tables.back().id = "parameters_" + form.name;
    }
    return out;
  }
  const Gpu gpu = gpu_named(word(options, "gpu", "h800"), data, "--gpu");
  const KernelCall call = kernel_call(family, word(options, "variant", ""), options.numbers, "weft show kernel " + name);
  std::vector<std::string> calibrations;
  if (options.words.count("calibration") > 0) calibrations.push_back(options.words.at("calibration"));
  const bool force = options.words.count("force") > 0;
  const auto model = scenarios::KernelTimes(data, {Fidelity::measured, calibrations, force}).model(gpu, {}, "--calibration");
  for (const std::string& caution : model->cautions()) out.notes.push_back(caution);
  out.tables.push_back(times_table(data, call, gpu, calibrations, force));
  std::string id;
  if (const CalibrationEntry* entry = model->entry_for(call, &id)) {
    const KernelForm& form = entry->formula();
    out.tables.push_back(figures_table(form, form.features(call, gpu), *entry));
    const CostModel fitted(gpu, std::vector<Calibration>(model->calibrations()), Fidelity::fitted, force, "--calibration");
    const double ratio = model->time(call).time.value() / fitted.time(call).time.value();
    out.notes.push_back(entry->transfer.neighbours > 0
                            ? fmt::format("measured is {:.4g} of fitted: what the {} nearest measured shapes say of the formula", ratio, entry->transfer.neighbours)
                            : "measured is fitted here: neighbours did not help on the shapes that the fit left out");
    out.tables.push_back(parameters_table(form, entry, id));
  } else {
    out.notes.push_back(fmt::format("no calibration of {} has {}/{}: the time is the roofline, which is a lower bound", gpu.name, name, call.variant));
  }
  out.tables.push_back(demands_table(call, gpu));
  return out;
}

std::vector<Entry> calibration_entries(const DataPlaces& data) {
  std::vector<Entry> out;
  for (const std::string& name : data.names("models/calibrations")) out.push_back({name, read_calibration(name, data, "weft list").title});
  return out;
}

reports::Listing show_calibration(const DataPlaces& data, const std::string& name) {
  const Calibration c = read_calibration(name, data, "NAME");
  reports::Listing out;
  reports::Table t;
  t.id = "entries";
  t.title = "What it holds, and how wrong it is in % (mean)";
  t.columns = {{"family", "kernel family and variant"}, {"form", "formula"}, {"rows", "measured"}, {"in_sample_pct", "on the rows that were fitted"},
               {"one_out_pct", "on rows left out"}, {"family_out_pct", "on shape families left out"},
               {"transfer_pct", "on those, corrected by the nearest measured shapes"}, {"held", "parameters that were given, not fitted"}};
  for (const CalibrationEntry& e : c.entries) {
    Row r;
    r.set("family", e.family + "/" + e.variant).set("form", e.form).set("rows", static_cast<std::int64_t>(e.points.size()));
    for (const auto& [column, kind] : {std::pair{"in_sample_pct", "in_sample"}, {"one_out_pct", "leave_one_out"}, {"family_out_pct", "leave_family_out"},
                                       {"transfer_pct", "transfer_leave_family_out"}}) {
      const auto found = e.errors.find(kind);
      if (found != e.errors.end()) r.set(column, found->second.mean_pct);
    }
    if (!e.held.empty()) r.set("held", fmt::format("{}", fmt::join(e.held, ", ")));
    t.rows.push_back(std::move(r));
  }
  out.tables.push_back(std::move(t));
  for (const CalibrationEntry& e : c.entries) {
    out.tables.push_back(parameters_table(e.formula(), &e, c.id));
    out.tables.back().id = "parameters_" + e.family + "_" + e.variant;
    out.tables.back().title = fmt::format("{}/{}: {}", e.family, e.variant, e.form);
  }
  out.notes = {c.title, fmt::format("GPU {} ({}), fitted {}, to {}", c.gpu, c.device, c.date, fmt::join(c.data, ", "))};
  if (!c.source.empty()) out.notes.push_back("Source: " + c.source);
  for (const std::string& n : c.notes) out.notes.push_back(n);
  return out;
}

}  // namespace weft::cli

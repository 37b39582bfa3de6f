// weft calibrate check FILE DATA...: a calibration predicts other measurements. weft calibrate diff A B: two calibrations beside each other.
#include <CLI/CLI.hpp>
#include <cmath>
#include <fmt/format.h>

#include "models/calibration/check.h"
#include "sim/cli/calibrate.h"
#include "sim/cli/calibrate_support.h"

namespace weft::cli {
namespace {

struct CheckOptions {
  Common common;
  std::string calibration, gpu, cost_model = "measured";
  std::vector<std::string> data;
  std::optional<double> fail_above;
  bool force = false;
};

reports::Table families_table(const std::vector<models::FamilyCheck>& families) {
  reports::Table t;
  t.id = "families";
  t.title = "Predicted against measured: |predicted / measured - 1|";
  t.columns = {{"family", "kernel family and variant"}, {"rows", "predicted"}, {"mean_error_pct", "mean"}, {"median_error_pct", "median"},
               {"p90_error_pct", "90th percentile"}, {"max_error_pct", "largest"}, {"bias_pct", "median of predicted / measured - 1"},
               {"cost_model", "what predicted: roofline where the calibration has no entry"}, {"outside_rows", "rows beyond what was measured"}};
  for (const models::FamilyCheck& f : families) {
    Row r;
    r.set("family", f.family).set("rows", static_cast<std::int64_t>(f.errors.rows)).set("mean_error_pct", f.errors.mean_pct);
    r.set("median_error_pct", f.errors.median_pct).set("p90_error_pct", f.errors.p90_pct).set("max_error_pct", f.errors.max_pct);
    r.set("bias_pct", f.errors.bias_pct).set("cost_model", models::to_text(f.fidelity)).set("outside_rows", static_cast<std::int64_t>(f.outside));
    t.rows.push_back(std::move(r));
  }
  return t;
}

void check(const CheckOptions& o) {
  check_output(o.common);
  const DataPlaces places = DataPlaces::standard();
  const models::Fidelity fidelity = models::fidelity_named(o.cost_model, "--cost-model");
  models::Calibration calibration = models::read_calibration(o.calibration, places, "FILE");
  const models::Measurements data = read_all_measurements(o.data, o.common);
  if (data.rows.empty()) throw UserError("DATA", "there is no row to predict");
  const bool names_device = !device_of(data).empty() || !o.gpu.empty();
  reports::Listing listing;
  if (!names_device) listing.notes.push_back(fmt::format("the data name no device; they were taken for {}, which the calibration is of", calibration.gpu));
  bool contradicted = false;
  const models::Gpu gpu = gpu_of(data, names_device ? o.gpu : calibration.gpu, places, o.force, &contradicted);
  if (contradicted) listing.notes.push_back(fmt::format("the data say \"{}\"; they were taken for {}", device_of(data), gpu.name));
  const models::CostModel model(gpu, {std::move(calibration)}, fidelity, o.force, "FILE");
  const std::vector<models::FamilyCheck> families = models::check_calibration(model, data.rows);
  listing.tables.push_back(families_table(families));
  for (const std::string& caution : model.cautions()) listing.notes.push_back(caution);
  double sum = 0;
  std::size_t rows = 0;
  for (const models::FamilyCheck& f : families) {
    if (f.fidelity == models::Fidelity::roofline && fidelity != models::Fidelity::roofline) {
      listing.notes.push_back(fmt::format("{}: the calibration has no entry; its {} rows are held against the roofline, a lower bound", f.family, f.errors.rows));
      continue;
    }
    sum += f.errors.mean_pct * static_cast<double>(f.errors.rows);
    rows += f.errors.rows;
  }
  if (families.size() > 1 && rows > 0) listing.notes.push_back(fmt::format("{} rows together: mean {:.3g} %", rows, sum / static_cast<double>(rows)));
  emit(listing, o.common);
  if (!o.fail_above) return;
  std::string bad;
  for (const models::FamilyCheck& f : families) {
    if (!(f.errors.mean_pct <= *o.fail_above)) bad += fmt::format("{}{} {:.3g} %", bad.empty() ? "" : ", ", f.family, f.errors.mean_pct);
  }
  if (!bad.empty()) throw CheckFailed(fmt::format("the mean error is above {:g} %: {}", *o.fail_above, bad));
}

struct DiffOptions {
  Common common;
  std::string a, b;
};

void diff(const DiffOptions& o) {
  check_output(o.common);
  const DataPlaces places = DataPlaces::standard();
  const models::Calibration a = models::read_calibration(o.a, places, "A"), b = models::read_calibration(o.b, places, "B");
  reports::Table t;
  t.id = "parameters";
  t.title = fmt::format("{} ({}, {}) and {} ({}, {})", a.id, a.gpu, a.date, b.id, b.gpu, b.date);
  t.columns = {{"family", "kernel family and variant"}, {"form", "formula"}, {"parameter", "of the formula"}, {"a", "in A"}, {"b", "in B"}, {"ratio", "B / A"},
               {"apart", "distance of the logarithms over their common standard error; above 2 they differ by more than chance"}};
  std::vector<std::string> notes;
  for (const models::CalibrationEntry& e : a.entries) {
    const std::string name = e.family + "/" + e.variant;
    const models::CalibrationEntry* f = b.find(e.family, e.variant);
    if (f == nullptr || f->form != e.form) {
      notes.push_back(f == nullptr ? name + ": only in A" : fmt::format("{}: {} in A, {} in B: other parameters", name, e.form, f->form));
      continue;
    }
    for (std::size_t j = 0; j < e.parameters.size(); ++j) {
      Row r;
      r.set("family", name).set("form", e.form).set("parameter", e.formula().parameters[j].name).set("a", e.parameters[j]).set("b", f->parameters[j]);
      r.set("ratio", f->parameters[j] / e.parameters[j]);
      const double spread = std::sqrt(e.covariance[j][j] + f->covariance[j][j]);
      if (spread > 0) r.set("apart", std::abs(std::log(f->parameters[j] / e.parameters[j])) / spread);
      t.rows.push_back(std::move(r));
    }
  }
  for (const models::CalibrationEntry& e : b.entries) {
    if (a.find(e.family, e.variant) == nullptr) notes.push_back(fmt::format("{}/{}: only in B", e.family, e.variant));
  }
  reports::Listing listing;
  listing.tables.push_back(std::move(t));
  listing.notes = notes;
  emit(listing, o.common);
}

}  // namespace

void add_calibrate_check(CLI::App& calibrate) {
  auto o = std::make_shared<CheckOptions>();
  CLI::App* sub = calibrate.add_subcommand("check", "predict measurements with a calibration and tell how wrong it is");
  sub->footer("Examples:\n  weft calibrate check mine.json other.csv\n  weft calibrate check h800_inference mine.csv --cost-model fitted --json\n"
              "  weft calibrate check mine.json other.csv --fail-above 10");
  add_common(*sub, o->common);
  sub->add_option("FILE", o->calibration, "a calibration: a file, or a name that weft list calibrations gives")->required();
  sub->add_option("DATA", o->data, "measurements")->required();
  sub->add_option("--cost-model", o->cost_model, "roofline, fitted, or measured (the formula corrected by the nearest measured shapes)")->capture_default_str();
  sub->add_option("--gpu", o->gpu, "the GPU of the data, when they do not name it")->type_name("NAME");
  sub->add_option("--fail-above", o->fail_above, "exit 4 when the mean error of a family is above so many per cent")->type_name("PCT")->check(CLI::NonNegativeNumber);
  sub->add_flag("--force", o->force, "take a calibration of another GPU");
  sub->callback([o] { check(*o); });
}

void add_calibrate_diff(CLI::App& calibrate) {
  auto o = std::make_shared<DiffOptions>();
  CLI::App* sub = calibrate.add_subcommand("diff", "parameters of two calibrations beside each other");
  sub->footer("Examples:\n  weft calibrate diff h800_inference mine.json");
  add_common(*sub, o->common);
  sub->add_option("A", o->a, "a calibration")->required();
  sub->add_option("B", o->b, "another one")->required();
  sub->callback([o] { diff(*o); });
}

}  // namespace weft::cli

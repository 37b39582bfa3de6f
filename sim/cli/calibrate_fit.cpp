// weft calibrate fit DATA... -o FILE: measurements become a calibration.
#include <chrono>
#include <filesystem>

#include <CLI/CLI.hpp>
#include <fmt/chrono.h>

#include "models/calibration/fit/fit.h"
#include "sim/cli/calibrate.h"
#include "sim/cli/calibrate_support.h"

namespace weft::cli {
namespace {

struct Options {
  Common common;
  std::vector<std::string> data;
  std::string calibration, gpu, title, source, date;
  models::FitOptions fit;
};

std::string today() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  return fmt::format("{:%Y-%m-%d}", fmt::gmtime(now));
}

reports::Table error_table(const models::Calibration& c) {
  reports::Table t;
  t.id = "fit";
  t.title = "How wrong the fit is, in % of the measured time";
  t.columns = {{"family", "kernel family and variant"}, {"form", "the formula that predicts left-out shapes best"}, {"rows", "measured"},
               {"in_sample_pct", "mean error on the rows that were fitted"}, {"one_out_pct", "mean error on rows left out"},
               {"family_out_pct", "mean error on shape families left out"}, {"family_out_p90_pct", "90th percentile of those"},
               {"transfer_pct", "mean error on shape families left out, corrected by the nearest measured shapes"},
               {"transfer_p90_pct", "90th percentile of those"}};
  for (const models::CalibrationEntry& e : c.entries) {
    Row r;
    r.set("family", e.family + "/" + e.variant).set("form", e.form).set("rows", static_cast<std::int64_t>(e.points.size()));
    r.set("in_sample_pct", e.errors.at("in_sample").mean_pct).set("one_out_pct", e.errors.at("leave_one_out").mean_pct);
    r.set("family_out_pct", e.errors.at("leave_family_out").mean_pct).set("family_out_p90_pct", e.errors.at("leave_family_out").p90_pct);
    r.set("transfer_pct", e.errors.at("transfer_leave_family_out").mean_pct).set("transfer_p90_pct", e.errors.at("transfer_leave_family_out").p90_pct);
    t.rows.push_back(std::move(r));
  }
  return t;
}

void fit(const Options& o) {
  check_output({"json", o.calibration, false, 0});
  const DataPlaces places = DataPlaces::standard();
  const models::Measurements data = read_all_measurements(o.data, o.common);
  const models::Gpu gpu = gpu_of(data, o.gpu, places);
  models::FitOptions options = o.fit;
  options.title = o.title.empty() ? "Kernel times of " + gpu.title : o.title;
  options.source = o.source;
  options.date = o.date.empty() ? today() : o.date;
  models::Calibration c = models::fit_calibration(data, gpu, options);
  c.device = device_of(data);
  if (c.device.empty()) c.device = gpu.title;
  for (const std::string& file : o.data) c.data.push_back(std::filesystem::path(file).filename().string());
  for (const std::string& n : c.notes) {
    if (n.rfind("not fitted", 0) == 0) note(o.common, n);
  }
  if (o.calibration == "-") return emit_text(models::calibration_json(c), {"json", "-", false, 0});
  if (!o.calibration.empty()) write_file_atomically(o.calibration, models::calibration_json(c));
  reports::Listing listing;
  listing.tables.push_back(error_table(c));
  Common to_stdout = o.common;
  to_stdout.output.clear();
  emit(listing, to_stdout);
}

}  // namespace

void add_calibrate_fit(CLI::App& calibrate) {
  auto o = std::make_shared<Options>();
  CLI::App* sub = calibrate.add_subcommand("fit", "fit kernel models to measurements and write a calibration");
  sub->footer("Examples:\n  weft calibrate fit gemm.csv -o mine.json\n  weft calibrate fit run1.jsonl run2.jsonl --gpu h800 -o mine.json\n"
              "  weft calibrate fit gemm.csv --form tile_128 --json\nThen: weft calibrate check mine.json other.csv; weft run SCENARIO --calibration mine.json");
  sub->add_option("DATA", o->data, "measurements: CSV, weft's JSON, profiler traces, outputs of benchmarks (see weft calibrate import --help)")->required();
  sub->add_option("-o,--output", o->calibration, "write the calibration to FILE (- is stdout)")->type_name("FILE");
  sub->add_option("--gpu", o->gpu, "the GPU, when the data do not name it or by another name")->type_name("NAME");
  sub->add_option("--form", o->fit.form, "take this formula instead of the one that predicts left-out shapes best (weft show kernel FAMILY)")->type_name("NAME");
  sub->add_option("--title", o->title, "what the calibration says of itself")->type_name("TEXT");
  sub->add_option("--source", o->source, "where the data are from")->type_name("TEXT");
  sub->add_option("--date", o->date, "date in the file (default: today)")->type_name("YYYY-MM-DD");
  sub->add_option("--format", o->common.format, "of the table of errors: table, json, csv or markdown");
  sub->add_flag_callback("--json", [o] { o->common.format = "json"; }, "short for --format json");
  sub->add_flag("-q,--quiet", o->common.quiet, "no notes");
  sub->callback([o] { fit(*o); });
}

}  // namespace weft::cli

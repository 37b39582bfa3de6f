// weft calibrate fit DATA... -o FILE: measurements become a calibration.
#include <chrono>
#include <filesystem>
#include <regex>

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
  std::vector<std::string> forms, holds;
  bool force = false;
};

std::string today() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  return fmt::format("{:%Y-%m-%d}", fmt::gmtime(now));
}

/// The last entry that was fitted together with `e`.
const models::CalibrationEntry* last_of(const models::Calibration& c, const models::CalibrationEntry& e) {
  const models::CalibrationEntry* last = &e;
  const std::string siblings = ", " + e.fitted_with + ",";
  for (const models::CalibrationEntry& other : c.entries) {
    if (siblings.find(", " + other.family + "/" + other.variant + ",") != std::string::npos && &other > last) last = &other;
  }
  return last;
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
    const auto put = [&](Row& row, const char* column, const char* kind, bool p90) {
      const auto found = e.errors.find(kind);
      if (found != e.errors.end()) row.set(column, p90 ? found->second.p90_pct : found->second.mean_pct);
    };
    put(r, "in_sample_pct", "in_sample", false);
    put(r, "one_out_pct", "leave_one_out", false);
    put(r, "family_out_pct", "leave_family_out", false);
    put(r, "family_out_p90_pct", "leave_family_out", true);
    put(r, "transfer_pct", "transfer_leave_family_out", false);
    put(r, "transfer_p90_pct", "transfer_leave_family_out", true);
    t.rows.push_back(std::move(r));
    const auto one = e.errors.find("together_leave_one_out");
    if (one == e.errors.end() || &e != last_of(c, e)) continue;
    Row all;
    all.set("family", std::string("the rows fitted together")).set("form", e.form).set("rows", static_cast<std::int64_t>(one->second.rows));
    put(all, "one_out_pct", "together_leave_one_out", false);
    put(all, "family_out_pct", "together_leave_family_out", false);
    put(all, "family_out_p90_pct", "together_leave_family_out", true);
    t.rows.push_back(std::move(all));
  }
  return t;
}

const std::string& checked_date(const std::string& text) {
  static const std::regex iso(R"(\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01]))");
  if (!std::regex_match(text, iso)) throw UserError("--date", fmt::format("expected a date like 2026-11-22, got \"{}\"", text));
  return text;
}

/// "gemm=tile_128" or "tile_128" for all families.
std::map<std::string, std::string> named_forms(const std::vector<std::string>& texts) {
  std::map<std::string, std::string> out;
  for (const std::string& text : texts) {
    const std::size_t at = text.find('=');
    out[at == std::string::npos ? "" : text.substr(0, at)] = at == std::string::npos ? text : text.substr(at + 1);
  }
  return out;
}

/// "mla_decode.kappa=5".
std::map<std::string, double> held_values(const std::vector<std::string>& texts) {
  std::map<std::string, double> out;
  for (const std::string& text : texts) {
    const std::size_t at = text.find('=');
    std::size_t read = 0;
    double value = 0;
    try {
      if (at != std::string::npos) value = std::stod(text.substr(at + 1), &read);
    } catch (const std::exception&) {
      read = 0;
    }
    if (at == std::string::npos || read == 0 || at + 1 + read != text.size()) {
      throw UserError("--hold", fmt::format("expected FAMILY.PARAMETER=NUMBER, got \"{}\"", text), "for example --hold mla_decode.kappa=5");
    }
    out[text.substr(0, at)] = value;
  }
  return out;
}

void fit(const Options& o) {
  check_output({"json", o.calibration, false, 0});
  const DataPlaces places = DataPlaces::standard();
  const models::Measurements data = read_all_measurements(o.data, o.common);
  bool contradicted = false;
  const models::Gpu gpu = gpu_of(data, o.gpu, places, o.force, &contradicted);
  models::FitOptions options;
  options.form = named_forms(o.forms);
  options.hold = held_values(o.holds);
  options.title = o.title.empty() ? "Kernel times of the " + gpu.name : o.title;
  options.source = o.source;
  options.date = o.date.empty() ? today() : checked_date(o.date);
  models::Calibration c = models::fit_calibration(data, gpu, options);
  c.device = device_of(data);
  if (contradicted) c.notes.push_back(fmt::format("the data say \"{}\"; they were taken for {} (--gpu, --force)", c.device, gpu.name));
  if (c.device.empty()) c.device = gpu.title;
  for (const std::string& file : o.data) c.data.push_back(std::filesystem::path(file).filename().string());
  for (std::size_t i = data.notes.size(); i < c.notes.size(); ++i) note(o.common, c.notes[i]);   // those of the data were told when they were read
  if (o.calibration == "-") return emit_text(models::calibration_json(c), {"json", "-", false, 0});
  if (!o.calibration.empty()) write_file_atomically(o.calibration, models::calibration_json(c));
  note(o.common, o.calibration.empty() ? "nothing was written: -o FILE keeps the calibration" : "the calibration is in " + o.calibration);
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
  sub->footer("Columns of its table, errors in %: in_sample on what was fitted; one_out on a shape left out with its repeats; family_out on all shapes with the same (for a GEMM) n and k\n"
              "left out; transfer on those, corrected by the nearest measured shapes; \"the rows fitted together\" are variants with too few rows for a fit of their own.\n\n"
              "Examples:\n  weft calibrate fit gemm.csv -o mine.json\n  weft calibrate fit run1.jsonl run2.jsonl --gpu h800 -o mine.json\n"
              "  weft calibrate fit gemm.csv --form tile_128 --json\n  weft calibrate fit flashmla.json --form mla_decode=flashmla --hold mla_decode.kappa=5\nThen: weft calibrate check mine.json other.csv; weft run SCENARIO --calibration mine.json");
  sub->add_option("DATA", o->data, "measurements: CSV, weft's JSON, profiler traces, outputs of benchmarks (see weft calibrate import --help)")->required();
  sub->add_option("-o,--output", o->calibration, "write the calibration to FILE (- is stdout)")->type_name("FILE");
  sub->add_option("--gpu", o->gpu, "the GPU, when the data do not name it or by another name")->type_name("NAME");
  sub->add_option("--form", o->forms, "take this formula instead of the one that predicts left-out shapes best, for all families or FAMILY=NAME (weft show kernel FAMILY)")
      ->type_name("NAME")->take_all()->expected(1)->allow_extra_args(false);
  sub->add_option("--hold", o->holds, "a parameter that is given, not fitted: with few shapes, FAMILY.PARAMETER=NUMBER")->type_name("NAME=NUMBER")->take_all()->expected(1)->allow_extra_args(false);
  sub->add_flag("--force", o->force, "take data of one device for another GPU (--gpu); the file says so");
  sub->add_option("--title", o->title, "what the calibration says of itself")->type_name("TEXT");
  sub->add_option("--source", o->source, "where the data are from")->type_name("TEXT");
  sub->add_option("--date", o->date, "date in the file (default: today)")->type_name("YYYY-MM-DD");
  sub->add_option("--format", o->common.format, "of the table of errors: table, json, csv or markdown");
  sub->add_flag_callback("--json", [o] { o->common.format = "json"; }, "short for --format json");
  sub->add_flag("-q,--quiet", o->common.quiet, "no notes");
  sub->callback([o] { fit(*o); });
}

}  // namespace weft::cli

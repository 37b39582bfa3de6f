#include "scenarios/studies/sweep.h"

#include <algorithm>
#include <filesystem>
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "scenarios/analysis_kind.h"
#include "scenarios/resolve.h"
#include "scenarios/studies/point_result.h"
#include "scenarios/studies/where.h"
#include "scenarios/studies/workers.h"
#include "sim/core/random.h"
#include "sim/core/version.h"
#include "workloads/workload.h"

namespace weft::scenarios {
namespace {

Scenario scenario_at(const Sweep& sweep, std::size_t point) {
  std::vector<Setting> all = sweep.settings;
  for (Setting& s : sweep.grid.at(point)) all.push_back(std::move(s));
  return scenario_of(*sweep.document, sweep.file, all);
}

std::string run_point(const Sweep& sweep, std::size_t point, const DataPlaces& data, const RunOptions& options) {
  PointResult result;
  try {
    reports::Report report = run_scenario(scenario_at(sweep, point), data, options);
    result.tables = std::move(report.tables);
    result.warnings = std::move(report.warnings);
  } catch (const std::exception& e) {
    result.error = e.what();
  }
  return to_line(point, result);
}

/// A variant that sets a swept place itself would make every point the same under a wrong label.
void check_variants(const Scenario& base, const Grid& grid) {
  if (!base.document->contains("variants")) return;
  const std::vector<std::string> swept = grid.pointers();
  for (const Json& v : (*base.document)["variants"]) {
    if (!v.contains("set")) continue;
    for (const auto& [pointer, value] : v["set"].items()) {
      for (const std::string& p : swept) {
        const bool inside = pointer == p || pointer.starts_with(p + "/") || p.starts_with(pointer + "/");
        if (inside) {
          throw UserError("--vary", fmt::format("variant \"{}\" sets {} itself, so varying {} would not reach it", v["name"].get<std::string>(), pointer, p),
                          "leave the variants out with --set '/variants=[]'");
        }
      }
    }
  }
}

/// Digest of everything in the scenario that a row may depend on.
std::string scenario_digest(const Scenario& base) {
  Json document = *base.document;
  for (const char* key : {"title", "question", "source", "$schema"}) document.erase(key);
  return fmt::format("fnv1a64:{:016x}", hash_name(dump_json(document)));
}

/// Of the first point with the constants behind its names, so that points of two states of the data do not get mixed.
std::string input_digest(const Sweep& sweep, const DataPlaces& data, const RunOptions& run) {
  try {
    Scenario first = scenario_at(sweep, 0);
    Json document = *first.document;
    for (const char* key : {"question", "source", "$schema"}) document.erase(key);
    document["title"] = "";
    first.document = std::make_shared<const Json>(std::move(document));
    const auto variants = resolve(first, data, run.seed, run.kernel_times.get());
    return (*resolved_input(first, variants, run.seed))["digest"].get<std::string>();
  } catch (const UserError&) {
    return "none: the first point fails";
  }
}

PointsHeader header_of(const Sweep& sweep, const Scenario& base, const DataPlaces& data, const SweepOptions& options) {
  const RunOptions& run = options.run;
  Json settings = Json::array();
  for (const Setting& s : sweep.settings) settings.push_back(to_text(s));
  Json how = {{"version", version()}, {"seed", run.seed}, {"engine", run.engine.name}, {"cost_model", models::to_text(run.kernels.cost_model)},
              {"calibrations", run.kernels.calibrations}, {"force", run.kernels.force}, {"classes", run.classes}, {"fold", run.fold},
              {"time_tolerance", run.time_tolerance}, {"set", std::move(settings)}};
  how["scenario_digest"] = scenario_digest(base);
  how["input_digest"] = input_digest(sweep, data, run);
  PointsHeader h;
  h.title = sweep.title.empty() ? base.title : sweep.title;
  h.scenario = sweep.file;
  h.shard = options.shard;
  h.grid = sweep.grid;
  h.run = std::make_shared<const Json>(std::move(how));
  return h;
}

/// Columns that some kind of workload has: another point may be of that kind.
std::vector<std::string> columns_of_kinds() {
  std::vector<std::string> all = {"bound_us", "gap_pct"};
  for (const auto& k : workloads::workload_kinds()) {
    for (const ColumnDoc& d : k.columns) all.push_back(d.name);
  }
  for (const AnalysisKind& k : analysis_kinds()) {
    for (const auto* docs : {&k.label_columns, &k.columns}) {
      for (const ColumnDoc& d : *docs) all.push_back(d.name);
    }
  }
  return all;
}

/// Looks at the first point with a result: a misspelt column is told then, not when all is done.
class EarlyCheck {
 public:
  EarlyCheck(const SweepOptions& options, const Grid& grid) : options_(options), grid_(grid) {}
  void look(std::size_t point, const std::string& line) {
    if ((!options_.where && !options_.goals) || looked_) return;
    PointResult result = read_line(line, "a point").second;
    if (result.error) return;
    looked_ = true;
    Gather one(grid_.pointers());
    one.add(grid_.lead(point), std::move(result));
    const reports::Listing listing = one.listing();
    if (options_.where) check_columns(*options_.where, listing, columns_of_kinds());
    if (options_.goals) check_goals(*options_.goals, listing, columns_of_kinds());
  }

 private:
  const SweepOptions& options_;
  const Grid& grid_;
  bool looked_ = false;
};

std::string found_text(const PointsWriter& writer, std::size_t due) {
  const PointsFile& f = writer.found();
  return fmt::format("{}: {} of {} points are there already{}", f.path, f.lines.size(), due, f.torn ? "; a line that was not finished is redone" : "");
}

std::vector<std::size_t> points_of(const Shard& shard, const Grid& grid) {
  std::vector<std::size_t> all;
  for (std::size_t p = shard.index - 1; p < grid.points(); p += shard.of) all.push_back(p);
  if (all.empty()) {
    throw UserError("--shard", fmt::format("share {} of {} points is empty", shard.text(), grid.points()), fmt::format("at most {} shares have a point each", grid.points()));
  }
  return all;
}

/// Runs what is not there yet, point by point into `lines` and the file.
void run_points(const Sweep& sweep, const DataPlaces& data, const SweepOptions& options, const std::vector<std::size_t>& points, PointsWriter* file,
                std::map<std::size_t, std::string>& lines) {
  std::vector<std::size_t> left;
  EarlyCheck check(options, sweep.grid);
  for (const std::size_t p : points) {
    const auto at = lines.find(p);
    if (at == lines.end()) left.push_back(p);
    else check.look(p, at->second);
  }
  RunOptions run = options.run;
  if (!run.kernel_times) run.kernel_times = std::make_shared<const KernelTimes>(data, run.kernels);
  if (options.progress) options.progress(lines.size(), points.size());
  hand_out_tasks(
      left.size(), options.processes, [&](std::size_t i) { return run_point(sweep, left[i], data, run); },
      [&](std::size_t i, std::string line) {
        if (file != nullptr) file->append(line);
        check.look(left[i], line);
        lines.emplace(left[i], std::move(line));
        if (options.progress) options.progress(lines.size(), points.size());
      },
      [&] {
        if (file != nullptr) file->let_go();
      });
}

}  // namespace

SweepResult sweep(const Sweep& sweep, const DataPlaces& data, const SweepOptions& options) {
  // What is wrong with the base is an error of the whole sweep, not of each point.
  const Scenario base = scenario_of(*sweep.document, sweep.file, sweep.settings);
  check_variants(base, sweep.grid);
  const std::vector<std::size_t> points = points_of(options.shard, sweep.grid);
  std::optional<PointsWriter> file;
  std::map<std::size_t, std::string> lines;
  if (!options.points_file.empty()) {
    file.emplace(options.points_file, header_of(sweep, base, data, options));
    for (const PointsFile::Line& l : file->found().lines) lines.emplace(l.point, l.text);
    if (options.note && (!lines.empty() || file->found().torn)) options.note(found_text(*file, points.size()));
  }
  run_points(sweep, data, options, points, file ? &*file : nullptr, lines);

  Gather all(sweep.grid.pointers());
  for (auto& [point, line] : lines) {
    all.add(sweep.grid.lead(point), read_line(line, "a point").second);
    line = {};
  }
  SweepResult out;
  out.points = points.size();
  out.failed = all.failed();
  out.warnings = all.warnings();
  out.listing = all.listing();
  if (options.where) out.notes = keep_where(out.listing, *options.where);
  return out;
}

reports::Listing plan_sweep(const Sweep& sweep, const DataPlaces& data, const SweepOptions& options) {
  constexpr std::size_t kShown = 5;
  const Scenario base = scenario_of(*sweep.document, sweep.file, sweep.settings);
  check_variants(base, sweep.grid);
  const std::vector<std::size_t> points = points_of(options.shard, sweep.grid);
  reports::Listing out;
  reports::Table t;
  t.id = "points";
  t.title = "What would run: " + (sweep.title.empty() ? base.title : sweep.title);
  t.label_columns = {{"point", "number of the point, from 0; the last axis runs fastest"}};
  for (const std::string& p : sweep.grid.pointers()) t.columns.push_back({p, "the value set at this place of the scenario"});
  for (std::size_t k = 0; k < std::min(kShown, points.size()); ++k) {
    Row row;
    row.set("point", static_cast<std::int64_t>(points[k]));
    const Row lead = sweep.grid.lead(points[k]);
    for (const auto& [name, cell] : lead.cells()) row.set(name, cell);
    t.rows.push_back(std::move(row));
  }
  out.tables.push_back(std::move(t));
  if (points.size() > kShown) out.notes.push_back(fmt::format("and {} more", points.size() - kShown));
  std::string sizes;
  for (const Axis& a : sweep.grid.axes()) sizes += fmt::format("{}{}", sizes.empty() ? "" : " x ", a.steps.size());
  out.notes.push_back(fmt::format("{} points ({}), {} variant{} each{}", sweep.grid.points(), sizes, base.variants.size(), base.variants.size() == 1 ? "" : "s",
                                  options.shard.of > 1 ? fmt::format("; share {} has {}", options.shard.text(), points.size()) : ""));
  std::error_code error;
  if (!options.points_file.empty() && std::filesystem::exists(options.points_file, error) && std::filesystem::file_size(options.points_file, error) > 0) {
    const PointsFile file = read_points_file(options.points_file);
    check_same_study(file.header, file.path, header_of(sweep, base, data, options), "this one");
    out.notes.push_back(fmt::format("{}: {} of {} points are there already", file.path, file.lines.size(), points.size()));
  }
  return out;
}

}  // namespace weft::scenarios

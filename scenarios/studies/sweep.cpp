#include "scenarios/studies/sweep.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <new>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "scenarios/analysis_kind.h"
#include "scenarios/resolve.h"
#include "scenarios/studies/point_result.h"
#include "scenarios/studies/study_file.h"
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

/// What the machine lacks says nothing of the point, which is therefore not finished.
[[noreturn]] void give_up(std::size_t point, const std::string& why) {
  throw RunError(fmt::format("point {}: {}; it is not finished, and points that are kept (--points) stay: the same command goes on with the others", point, why));
}

/// A line of the point. What is wrong with the input is its result; all else is thrown.
std::string run_point(const Sweep& sweep, std::size_t point, const DataPlaces& data, const RunOptions& options) {
  PointResult result;
  try {
    reports::Report report = run_scenario(scenario_at(sweep, point), data, options);
    result.tables = std::move(report.tables);
    result.warnings = std::move(report.warnings);
  } catch (const UserError& e) {
    result.error = e.what();
  } catch (const RunError& e) {
    result.error = e.what();
  } catch (const NotPossibleHere&) {
    throw;
  } catch (const std::bad_alloc&) {
    give_up(point, "out of memory (fewer --jobs may help)");
  } catch (const std::exception& e) {
    give_up(point, e.what());
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

/// Takes off what no row depends on. The title stays where it names the only variant.
Json without_words(Json document) {
  for (const char* key : kWordKeys) document.erase(key);
  for (const char* key : {"question", "source", "$schema"}) document.erase(key);
  if (document.contains("variants") && !document["variants"].empty()) document.erase("title");
  return document;
}

/// Digest of everything in the scenario that a row may depend on.
std::string scenario_digest(const Scenario& base) {
  const Json document = without_words(*base.document);
  return fmt::format("fnv1a64:{:016x}", hash_name(dump_json(document)));
}

/// Of a scenario with the constants behind its names; none when it cannot be resolved.
std::optional<std::string> digest_with_data(Scenario scenario, const DataPlaces& data, const RunOptions& run) {
  try {
    scenario.document = std::make_shared<const Json>(without_words(*scenario.document));
    const auto variants = resolve(scenario, data, run.seed, run.kernel_times.get());
    return (*resolved_input(scenario, variants, run.seed))["digest"].get<std::string>();
  } catch (const UserError&) {
    return std::nullopt;
  }
}

/// So that points of two states of the data do not get mixed. Of the first point, whose names may stand on an axis alone; of the base when it fails.
std::string input_digest(const Sweep& sweep, const Scenario& base, const DataPlaces& data, const RunOptions& run) {
  std::optional<std::string> digest;
  try {
    digest = digest_with_data(scenario_at(sweep, 0), data, run);
  } catch (const UserError&) {   // not even read
  }
  if (!digest) digest = digest_with_data(base, data, run);
  return digest.value_or("none: the first point fails");
}

std::vector<std::string> words_between_slashes(const std::string& pointer) {
  std::vector<std::string> out;
  for (std::size_t at = 1, end = 0; at <= pointer.size(); at = end + 1) {
    end = std::min(pointer.find('/', at), pointer.size());
    out.push_back(pointer.substr(at, end - at));
  }
  return out;
}

/// Whether a problem's place is a swept one or lies on the way to it; where a problem has a number, the sweep may have an id.
bool on_the_way(const std::string& place, const std::string& swept) {
  if (!place.starts_with("/")) return false;
  const std::vector<std::string> a = words_between_slashes(place), b = words_between_slashes(swept);
  if (a.size() > b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const bool number = a[i].find_first_not_of("0123456789") == std::string::npos;
    if (a[i] != b[i] && !(number && i + 1 < a.size())) return false;
  }
  return true;
}

/// What is wrong at a point with the places that are swept, whatever values they get.
std::vector<Problem> wrong_places(const Sweep& sweep, std::size_t point, const DataPlaces& data, const RunOptions& run) {
  std::vector<Problem> out;
  try {
    resolve(scenario_at(sweep, point), data, run.seed, run.kernel_times.get());
  } catch (const UserError& e) {
    for (Problem p : e.problems()) {
      for (const std::string& swept : sweep.grid.pointers()) {
        const bool nowhere = p.message.starts_with(swept + " leads nowhere");
        if (!nowhere && !(p.message.starts_with("unknown key") && on_the_way(p.place, swept))) continue;
        if (nowhere) p.place = "--vary";
        out.push_back(std::move(p));
        break;
      }
    }
  }
  return out;
}

/// A place that no point knows is an error of the sweep; one that some points know (another kind of network stands there) is one of the others.
void check_places(const Sweep& sweep, const DataPlaces& data, const RunOptions& run) {
  constexpr std::size_t kAsked = 200;   // points; of larger grids drawn ones
  std::vector<Problem> wrong = wrong_places(sweep, 0, data, run);
  const std::size_t all = sweep.grid.points();
  for (std::size_t i = 1; i < std::min(all, kAsked) && !wrong.empty(); ++i) {
    const std::size_t point = all <= kAsked ? i : hash_name(std::to_string(i)) % all;
    if (wrong_places(sweep, point, data, run).empty()) return;
  }
  if (!wrong.empty()) throw UserError(std::move(wrong));
}

/// The scenario without the axes' values. What is wrong with it or with the axes as such is an error of the whole sweep, not of each point.
Scenario checked_base(const Sweep& sweep, const DataPlaces& data, const RunOptions& run) {
  Scenario base = scenario_of(*sweep.document, sweep.file, sweep.settings);
  check_variants(base, sweep.grid);
  check_places(sweep, data, run);
  return base;
}

PointsHeader header_of(const Sweep& sweep, const Scenario& base, const DataPlaces& data, const SweepOptions& options) {
  const RunOptions& run = options.run;
  Json settings = Json::array();
  for (const Setting& s : sweep.settings) settings.push_back(to_text(s));
  Json how = {{"version", version()}};
  how.update(to_json(run));
  how["set"] = std::move(settings);
  how["scenario_digest"] = scenario_digest(base);
  how["input_digest"] = input_digest(sweep, base, data, run);
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
  const Scenario base = checked_base(sweep, data, options.run);
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

PointsHeader points_header(const Sweep& sweep, const DataPlaces& data, const SweepOptions& options) {
  const Scenario base = checked_base(sweep, data, options.run);
  return header_of(sweep, base, data, options);
}

reports::Listing plan_sweep(const Sweep& sweep, const DataPlaces& data, const SweepOptions& options) {
  constexpr std::size_t kShown = 5;
  const Scenario base = checked_base(sweep, data, options.run);
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

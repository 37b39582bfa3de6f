// weft validate: published numbers next to what weft predicts.
#include <algorithm>
#include <cmath>
#include <map>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "scenarios/studies/validate.h"
#include "sim/cli/app.h"
#include "sim/cli/execute.h"

namespace weft::cli {
namespace {

using scenarios::ValidationRow;

reports::Table rows_table(const std::vector<ValidationRow>& rows) {
  reports::Table t;
  t.id = "rows";
  t.title = "Published and predicted";
  t.label_columns = {{"id", "name of the row"}};
  t.columns = {{"topic", "what it is about"}, {"source", "publication"}, {"unit", "unit of both numbers"},
               {"published", "the number as published"}, {"predicted", "what weft gives"},
               {"error_pct", "100 (predicted - published) / published"}, {"tolerance_pct", "largest error that passes"},
               {"kind", "identity: arithmetic on published inputs; calibrated: an input of a fit; predicted: made without looking"},
               {"scenario", "scenario that it ran"}, {"pass", "within tolerance"},
               {"known_miss", "why it is out of tolerance, and known to be"},
               {"not_reproducible", "why the published number cannot be computed; such a row is neither met nor missed"},
               {"note", "what a reader has to know beside the numbers", true}};
  for (const ValidationRow& r : rows) {
    Row row;
    row.set("id", r.id).set("topic", r.topic).set("source", r.source).set("unit", r.unit).set("published", r.published);
    row.set("predicted", r.predicted).set("error_pct", r.error_pct).set("kind", r.kind).set("scenario", r.scenario);
    if (r.not_reproducible.empty()) row.set("tolerance_pct", r.tolerance_pct).set("pass", r.pass);
    else row.set("not_reproducible", r.not_reproducible);
    if (!r.known_miss.empty()) row.set("known_miss", r.known_miss);
    if (!r.note.empty()) row.set("note", r.note);
    t.rows.push_back(std::move(row));
  }
  return t;
}

reports::Table summary_table(const std::vector<ValidationRow>& rows) {
  struct Sum { std::int64_t rows = 0, failed = 0, known_misses = 0, predicted = 0, calibrated = 0, identity = 0, not_reproducible = 0; double total = 0, predicted_total = 0, worst = 0; };
  std::map<std::string, Sum> topics;
  for (const ValidationRow& r : rows) {
    Sum& s = topics[r.topic];
    ++s.rows;
    if (!r.not_reproducible.empty()) {
      ++s.not_reproducible;
      continue;
    }
    s.failed += r.missed();
    s.known_misses += !r.pass && !r.known_miss.empty();
    s.predicted += r.kind == "predicted";
    s.calibrated += r.kind == "calibrated";
    s.identity += r.kind == "identity";
    s.total += std::abs(r.error_pct);
    if (r.kind == "predicted") s.predicted_total += std::abs(r.error_pct);
    s.worst = std::max(s.worst, std::abs(r.error_pct));
  }
  reports::Table t;
  t.id = "summary";
  t.title = "Summary by topic";
  t.label_columns = {{"topic", "what the rows are about"}};
  t.columns = {{"rows", "published numbers"}, {"predicted", "rows made without looking at the answer"},
               {"calibrated", "rows that were an input of a fit"}, {"identity", "rows that are arithmetic on published inputs"},
               {"not_reproducible", "rows whose number cannot be computed; shown, counted in nothing else"},
               {"failed", "rows out of tolerance that nobody expected to be"}, {"known_misses", "rows out of tolerance for a reason that is known"}, {"mean_error_pct", "mean of the absolute errors"},
               {"predicted_mean_pct", "mean of those that are predictions"}, {"max_error_pct", "largest absolute error"}};
  for (const auto& [topic, s] : topics) {
    Row row;
    row.set("topic", topic).set("rows", s.rows).set("predicted", s.predicted).set("calibrated", s.calibrated).set("identity", s.identity);
    row.set("not_reproducible", s.not_reproducible).set("failed", s.failed).set("known_misses", s.known_misses);
    const auto judged = static_cast<double>(s.rows - s.not_reproducible);
    if (judged > 0) row.set("mean_error_pct", s.total / judged).set("max_error_pct", s.worst);
    if (s.predicted > 0) row.set("predicted_mean_pct", s.predicted_total / static_cast<double>(s.predicted));
    t.rows.push_back(std::move(row));
  }
  return t;
}

}  // namespace

void add_validate(CLI::App& app) {
  struct Options { Common common; EngineOptions engine; std::string topic; std::uint64_t seed = 1; unsigned jobs = 0; bool summary = false; };
  auto o = std::make_shared<Options>();
  CLI::App* sub = app.add_subcommand("validate", "predict every published number that weft covers; exit 4 when one is out of tolerance without being known to be");
  sub->footer("Examples:\n  weft validate\n  weft validate --topic table3\n  weft validate --summary\n  weft validate --json -o validation.json");
  add_common(*sub, o->common);
  sub->add_option("--topic", o->topic, "only the rows of one topic");
  sub->add_flag("--summary", o->summary, "only the summary by topic");
  sub->add_option("--seed", o->seed, "seed of all random draws")->check(seed_problem)->capture_default_str();
  sub->add_option("--jobs", o->jobs, "threads; never changes the result (default: all cores)")->check(CLI::Range(1, 1024));
  add_engine_options(*sub, o->engine);
  sub->callback([o] {
    check_output(o->common);
    std::vector<ValidationRow> rows;
    {
      Progress progress(o->common);
      scenarios::ValidationOptions options;
      options.run.seed = o->seed;
      options.run.jobs = o->jobs;
      apply(o->engine, options.run);
      options.topic = o->topic;
      options.progress = [&](std::size_t done, std::size_t total) { progress.update(done, total); };
      rows = scenarios::validate(DataPlaces::standard(), options);
    }
    reports::Listing listing;
    if (!o->summary) listing.tables.push_back(rows_table(rows));
    listing.tables.push_back(summary_table(rows));
    emit(listing, o->common);
    const auto failed = std::count_if(rows.begin(), rows.end(), [](const ValidationRow& r) { return r.missed(); });
    if (failed > 0) throw CheckFailed(fmt::format("{} of {} rows are out of tolerance", failed, rows.size()));
  });
}

}  // namespace weft::cli

// weft report RESULT...: one page of HTML that shows results, why they are so, and what to doubt.
#include <algorithm>
#include <filesystem>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "reports/headline.h"
#include "reports/page/curves.h"
#include "reports/page/page.h"
#include "scenarios/headline.h"
#include "scenarios/runner.h"
#include "scenarios/studies/collected_points.h"
#include "scenarios/studies/pareto.h"
#include "scenarios/studies/submission.h"
#include "scenarios/studies/uncertainty.h"
#include "sim/cli/app.h"
#include "sim/cli/execute.h"
#include "sim/cli/report_inputs.h"
#include "sim/cli/report_stories.h"
#include "sim/core/error.h"

namespace weft::cli {
namespace {

struct Options {
  Common common;
  ScenarioOptions run;               ///< seed, jobs and the like; its files are the results
  std::vector<std::string> of;
  bool no_why = false, no_timeline = false;
  std::string x, y;
};

/// A file as it was named, without folders where these are the user's own: pages are given to others.
std::string shown_file(const std::string& path) { return std::filesystem::path(path).is_absolute() ? std::filesystem::path(path).filename().string() : path; }

/// What makes the page again: all that was said but where it goes and how it is computed.
std::string page_command(const Options& o) {
  using scenarios::shell_word;
  std::string out = "weft report";
  for (const std::string& file : o.run.files) out += " " + shell_word(shown_file(file));
  for (const std::string& of : o.of) out += " --of " + shell_word(of);
  if (o.no_why) out += " --no-why";
  if (o.no_timeline) out += " --no-timeline";
  if (!o.x.empty()) out += fmt::format(" --x {} --y {}", shell_word(o.x), shell_word(o.y));
  return out + " -o report.html";
}

/// The commands that repeat it, one a line. A result says itself how it was computed.
std::string command_of(const RunInput& input, const Options& o) {
  return input.path == "-" ? page_command(o) : fmt::format("weft run {}\n{}", scenarios::shell_word(shown_file(input.path)), page_command(o));
}

/// What computes the rows from the scenario alone: a scenario does not say how it is computed.
std::string command_from_scenario(const reports::System& s) {
  std::string out = fmt::format("weft run scenario.json --seed {}", s.seed);
  if (!s.engine.empty()) out += " --engine " + s.engine;
  if (s.time_tolerance > 0) out += fmt::format(" --time-tolerance {}", s.time_tolerance);
  if (!s.cost_model.empty()) out += " --cost-model " + s.cost_model;
  for (const std::string& c : s.calibration_files) out += " --calibration " + scenarios::shell_word(c);
  if (s.forced) out += " --force";
  if (s.draws > 0) out += fmt::format(" --uncertainty {}", s.draws);
  return out;
}

/// The report of a result or a scenario, computed again. Throws UserError when a result is not what comes out.
reports::Report run_again(const RunInput& input, const Options& o) {
  const scenarios::RunOptions run = run_options(input.scenario, o.run);
  if (input.result) check_input_digest(input, *scenarios::plan_scenario(input.scenario, DataPlaces::standard(), run.seed, run.kernels).input);
  const std::size_t draws = std::min<std::size_t>(input.scenario.draws, scenarios::kMostDraws);
  reports::Report report = execute(input.scenario, o.common, o.run, draws);
  check_same_rows(input, report);
  if (input.result) {
    report.expectations = expectations_of((*input.result)["result"]);
    for (std::string& w : verdicts_that_differ(report)) report.warnings.push_back(std::move(w));
    // Of a scenario without a sentence it tells what was missed.
    report.headline = scenarios::headline_of(input.scenario, report).value_or(reports::automatic_headline(report));
  }
  return report;
}

/// Which of --of are cases of this scenario: of several results each has its own.
std::vector<std::string> cases_of(const RunInput& input, const Options& o, bool alone) {
  if (alone || o.of.empty()) return o.of;
  std::vector<std::string> out;
  for (const std::string& of : o.of) {
    if (names_a_case(input.scenario, of, run_options(input.scenario, o.run))) out.push_back(of);
  }
  return out;
}

reports::PagePart part_of(const RunInput& input, const Options& o, bool alone) {
  reports::PagePart part;
  part.report = run_again(input, o);
  part.file = input.path == "-" ? "standard input" : std::filesystem::path(input.path).filename().string();
  part.command = command_of(input, o);
  part.from_here = command_from_scenario(part.report.system);
  part.curves = reports::curves_of(part.report);
  const std::vector<std::string> cases = cases_of(input, o, alone);
  if (!o.no_why && (o.of.empty() || !cases.empty())) part.stories = stories_of(input.scenario, part.report, {cases, !o.no_timeline}, run_options(input.scenario, o.run), o.common);
  if (!o.no_why && part.stories.empty()) part.reasons = reasons_of(input.scenario, run_options(input.scenario, o.run), o.common);
  return part;
}

/// Puts points files onto the page: what they hold, and with axes the cloud of points with its front. Throws UserError.
void add_sweep(const std::vector<std::string>& files, const Options& o, reports::WebPage& page) {
  if (files.empty()) return;
  reports::Listing listing = scenarios::read_points(files);
  if (!o.x.empty()) {
    reports::Table cloud = scenarios::pareto_table(listing, {scenarios::parse_goal(o.x, false, "--x"), scenarios::parse_goal(o.y, true, "--y")}, true);
    page.x = cloud.columns.at(0).name;
    page.y = cloud.columns.at(1).name;
    listing.tables.insert(listing.tables.begin(), std::move(cloud));
  }
  page.sweeps.push_back(std::move(listing));
}

/// Of several results each --of is about one at least. Throws UserError.
void check_cases(const ReportInputs& inputs, const Options& o) {
  if (inputs.runs.size() < 2 || o.no_why) return;
  for (const std::string& of : o.of) {
    const auto fits = [&](const RunInput& input) { return names_a_case(input.scenario, of, run_options(input.scenario, o.run)); };
    if (std::ranges::none_of(inputs.runs, fits)) throw UserError("--of", fmt::format("nothing in these results is called \"{}\"", of), "weft explain RESULT lists the simulations of each");
  }
}

void make_page(const Options& o) {
  check_output(o.common);
  if (!reports::can_draw_pages()) reports::html_page({});   // says why not, before anything runs
  if (o.x.empty() != o.y.empty()) throw UserError(o.x.empty() ? "--x" : "--y", "is missing: a cloud of points has two axes");
  ReportInputs inputs = read_report_inputs(o.run.files);
  if (!o.x.empty() && inputs.sweeps.empty()) throw UserError("--x", "none of the files is a sweep", "weft sweep writes one");
  check_cases(inputs, o);
  reports::WebPage page;
  for (const RunInput& input : inputs.runs) page.parts.push_back(part_of(input, o, inputs.runs.size() == 1));
  page.tornados = std::move(inputs.tornados);
  page.command = page_command(o);
  add_sweep(inputs.sweeps, o, page);
  emit_text(reports::html_page(page), o.common);
}

}  // namespace

void add_report(CLI::App& app) {
  auto o = std::make_shared<Options>();
  o->common.format = "table";   // of notes alone: the page has its own
  o->common.output = "report.html";
  CLI::App* sub = app.add_subcommand("report", "draw results as one self-contained HTML page: answer, reason, doubt, charts, provenance");
  sub->footer("Examples:\n"
              "  weft report scenarios/table5_latency.json -o latency.html\n"
              "  weft run scenarios/mpft_vs_mrft.json --json -o result.json && weft report result.json\n"
              "  weft report result.json --of 'MPFT/all_to_all[gpus=128,size_B=1073741824]' -o a2a.html\n"
              "  weft report scenarios/table3_topologies.json scenarios/table5_latency.json --no-why -o tables.html");
  sub->add_option("RESULT", o->run.files, "results (weft run --json), scenarios, sensitivities and sweeps; what was run is run again, so that the page can tell why")->required();
  sub->add_option("-o,--output", o->common.output, "write the page to FILE (its old content is replaced only when all is written); - is stdout")
      ->type_name("FILE")->capture_default_str();
  sub->add_option("--of", o->of, "tell this case in full: VARIANT/WORKLOAD[label=value,...], or as much of it as only one fits (default: what the headline compares, else its first case, else the longest, and that of a variant with another network)")
      ->type_name("CASE")->take_all()->expected(1)->allow_extra_args(false);
  sub->add_flag("--no-why", o->no_why, "tell no case in full: no critical path, no pictures of network and timeline");
  sub->add_flag("--no-timeline", o->no_timeline, "draw no timeline: what it takes to run the first of these cases with every rank on its own, minutes in large clusters");
  sub->add_option("--x", o->x, "column of a sweep that is drawn to the right")->type_name("COLUMN");
  sub->add_option("--y", o->y, "column of a sweep that is drawn upwards")->type_name("COLUMN");
  sub->add_option("--jobs", o->run.jobs, "threads; never changes the page (default: all cores)")->check(CLI::Range(1, 1024));
  sub->add_flag("-q,--quiet", o->common.quiet, "no notes and no progress on stderr");
  sub->add_flag("-v,--verbose", o->common.verbose, "say more on stderr: timing of weft itself");
  sub->callback([o] { make_page(*o); });
}

}  // namespace weft::cli

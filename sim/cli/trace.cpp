#include "sim/cli/trace.h"

#include <filesystem>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "reports/trace/json_trace.h"
#include "sim/core/error.h"
#include "sim/core/version.h"

namespace weft::cli {

void add_trace_options(CLI::App& sub, TraceFlags& f) {
  CLI::Option* trace = sub.add_option("--trace", f.file,
                                      "draw a simulated case as a timeline for ui.perfetto.dev or chrome://tracing; compressed when FILE ends in .gz. "
                                      "The case runs with every rank on its own (as with --no-fold)")
                           ->type_name("FILE");
  sub.add_option("--trace-of", f.of, "which case, when there are several: VARIANT/WORKLOAD[label=value,...], or as much of it as only one fits")
      ->type_name("CASE")->needs(trace);
  sub.add_option("--trace-ranks", f.ranks, "draw these ranks alone, for example 0-15,64 (default: all)")->type_name("RANKS")->needs(trace);
  sub.add_flag("--no-trace-arrows", f.no_arrows, "draw no arrows from operations to those that wait for them")->needs(trace);
}

struct TraceOutput::Writing {
  explicit Writing(const std::string& path) : file(path), json(file) {}
  reports::trace::TraceFile file;
  reports::trace::JsonTrace json;
};

TraceOutput::TraceOutput(const TraceFlags& flags, const Common& common) : file_(*flags.file) {
  if (const std::string why = reports::trace::why_not_writable(file_); !why.empty()) {
    throw UserError("--trace", fmt::format("cannot write \"{}\": {}", file_, why));
  }
  std::error_code error;
  const auto plain = [&](const std::string& path) { return std::filesystem::weakly_canonical(path, error); };
  if (!common.output.empty() && common.output != "-" && plain(common.output) == plain(file_)) {
    throw UserError("--trace", "the timeline and the result (-o) cannot be one file");
  }
  request_.of = flags.of;
  if (!flags.ranks.empty()) request_.ranks = scenarios::RankList(flags.ranks, "--trace-ranks");
  request_.arrows = !flags.no_arrows;
}

TraceOutput::~TraceOutput() = default;

void TraceOutput::attach(scenarios::RunOptions& run) {
  writing_ = std::make_unique<Writing>(file_);
  request_.to = &writing_->json;
  run.trace = &request_;
  run.traced = &traced_;
}

void TraceOutput::finish(const scenarios::Scenario& scenario, const scenarios::RunOptions& run, const Common& common) {
  writing_->json.end({scenario.title, traced_.of, version(), run.engine.name});
  writing_->file.commit();
  const std::string trial = traced_.trials > 1 ? fmt::format(" (trial 1 of {})", traced_.trials) : "";
  const std::string drawn = traced_.slices == 0 ? "nothing happens on these ranks" : fmt::format("{} operations of {} ranks", traced_.slices, traced_.processes);
  note(common, fmt::format("written: {}: {}{}, {}", file_, traced_.of, trial, drawn));
  writing_.reset();
}

}  // namespace weft::cli

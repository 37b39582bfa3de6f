// weft calibrate measure: times real kernels on the GPU of this machine, one JSON line each.
#include <chrono>
#include <cmath>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "models/calibration/measure/runner.h"
#include "sim/cli/app.h"
#include "sim/cli/calibrate.h"
#include "sim/core/error.h"

namespace weft::cli {
namespace {

struct MeasureArguments {
  Common common;
  std::string backend = "cuda";
  std::string plan = "deepseek_v3", shapes;
  std::vector<std::string> families;
  bool warm_l2 = false, no_graph = false, dry_run = false;
  models::SamplingRule rule;
};

std::string in_words(double seconds) {
  const auto s = static_cast<long>(std::lround(seconds));
  if (s >= 3600) return fmt::format("{} h {:02} min", s / 3600, s / 60 % 60);
  if (s >= 60) return fmt::format("{} min {:02} s", s / 60, s % 60);
  return fmt::format("{} s", s);
}

/// One line on a terminal, drawn over and over; nothing elsewhere.
class Bar {
 public:
  explicit Bar(const Common& common) : shown_(!common.quiet && ::isatty(STDERR_FILENO) == 1) {}
  ~Bar() { clear(); }
  void draw(std::size_t done, std::size_t total, const std::string& kernel, double left_s) {
    if (!shown_) return;
    fmt::print(stderr, "\r\033[Kweft: {} of {}{}: {}", done, total, left_s < 0 ? "" : fmt::format(", about {} left", in_words(left_s)), kernel);
    std::fflush(stderr);
    drawn_ = true;
  }
  void clear() {
    if (drawn_) fmt::print(stderr, "\r\033[K");
    drawn_ = false;
  }

 private:
  bool shown_, drawn_ = false;
};

models::Plan plan_of(const MeasureArguments& a, const std::vector<models::MeasuredKernel>& kernels) {
  models::Plan plan = a.shapes.empty() ? models::plan_named(a.plan, DataPlaces::standard(), kernels) : models::plan_from_csv(a.shapes, kernels);
  if (plan.kernels.empty()) throw UserError("--plan", fmt::format("the plan {} has no kernel", a.plan));   // a table without a row is refused
  plan = models::only(std::move(plan), a.families, kernels);
  if (plan.kernels.empty()) throw UserError("--families", fmt::format("{} has none of these", a.shapes.empty() ? "the plan " + a.plan : a.shapes));
  return plan;
}

void show_plan(const models::Plan& plan, const MeasureArguments& a) {
  reports::Table t;
  t.id = "plan";
  t.title = "What would be measured";
  t.columns = {{"family", "family of kernels"}, {"variant", "its variant"}, {"shape", "the shape"}, {"implementation", "what is run"}};
  for (const models::PlannedKernel& k : plan.kernels) {
    std::string shape = models::to_text(k);
    shape = shape.substr(shape.find(' ') + 1);
    Row r;
    r.set("family", k.kernel.family).set("variant", k.kernel.variant).set("shape", shape).set("implementation", k.kernel.implementation);
    t.rows.push_back(std::move(r));
  }
  reports::Listing listing;
  listing.tables.push_back(std::move(t));
  emit(listing, a.common);
}

std::string summary(const models::MeasureCounts& c, const std::string& file) {
  std::string text = fmt::format("{} measured, written to {}", c.measured == 1 ? "1 kernel" : fmt::format("{} kernels", c.measured), file);
  const auto also = [&](std::size_t n, const char* what) {
    if (n > 0) text += fmt::format("; {} {}", n, what);
  };
  also(c.there, "were there already");
  also(c.refused, "left out: they do not run on this device");
  also(c.disagreed, "not timed: they differ from the CPU reference");
  also(c.unstable, "whose median is not stable");
  also(c.throttled, "while the clocks were held down");
  return text;
}

void measure(const MeasureArguments& a) {
  const std::size_t colon = a.backend.find(':');
  const weft_measure_module& module = models::measure_module(a.backend.substr(0, colon));
  const std::vector<models::MeasuredKernel> kernels = models::kernels_of(module);
  if (a.dry_run) return show_plan(plan_of(a, kernels), a);
  // First of all: where nothing can be measured, what else is missing does not matter.
  models::Backend backend(module, colon == std::string::npos ? "" : a.backend.substr(colon + 1));
  if (a.common.output.empty() || a.common.output == "-") {
    throw UserError("-o", "a file is needed: measuring takes long, and what is in the file is not measured again", "for example -o measured.jsonl");
  }
  const models::Plan plan = plan_of(a, kernels);
  models::MeasuredFile file(a.common.output, backend.device(), module.name, !a.warm_l2);
  if (file.dropped_torn_line()) note(a.common, fmt::format("{}: the last line was cut off; it is measured again", a.common.output));
  models::MeasureOptions options;
  options.cold_l2 = !a.warm_l2;
  options.graph = !a.no_graph;
  options.rule = a.rule;
  Bar bar(a.common);
  models::MeasureListener listener;
  listener.progress = [&](std::size_t done, std::size_t total, const std::string& kernel, double left_s) { bar.draw(done, total, kernel, left_s); };
  listener.warn = [&](const std::string& text) {
    bar.clear();
    note(a.common, text);
  };
  listener.now_s = [] { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); };
  const models::MeasureCounts counts = models::measure(backend, plan, options, file, listener);
  bar.clear();
  note(a.common, summary(counts, a.common.output));
  if (counts.disagreed > 0) {
    throw CheckFailed(fmt::format("differing from the CPU reference, not timed: {} of {} kernels", counts.disagreed, plan.kernels.size()));
  }
}

}  // namespace

void add_calibrate_measure(CLI::App& calibrate) {
  auto a = std::make_shared<MeasureArguments>();
  CLI::App* sub = calibrate.add_subcommand("measure", "time real kernels on this machine's GPU; each is checked against a CPU reference first");
  sub->footer("Examples:\n  weft calibrate measure -o h100.jsonl\n  weft calibrate measure --families gemm,mla_decode -o h100.jsonl\n"
              "  weft calibrate measure --shapes mine.csv -o mine.jsonl\n  weft calibrate measure --backend simulated:noise=0.02 -o made_up.jsonl\n\n"
              "A file that is there is gone on with. Without a GPU: exit 77.");
  add_common(*sub, a->common);
  sub->add_option("--backend", a->backend, "what runs the kernels: cuda, or simulated[:name=value,...] for trying it out")->type_name("NAME")->capture_default_str();
  sub->add_option("--plan", a->plan, "kernels and shapes: a file, or one of models/data/measure_plans: deepseek_v3, quick")->type_name("NAME")->capture_default_str();
  sub->add_option("--shapes", a->shapes, "a table of shapes instead: CSV with the columns family, variant and the fields of the families")->type_name("FILE.csv");
  sub->add_option("--families", a->families, "these alone: gemm, or gemm/bfloat16, separated by commas")->delimiter(',')->type_name("NAMES");
  sub->add_flag("--warm-l2", a->warm_l2, "leave the operands in the L2 cache (default: cold)");
  sub->add_flag("--no-graph", a->no_graph, "launch each run on a stream instead of replaying a CUDA graph for short kernels");
  sub->add_option("--max-samples", a->rule.most, "give up on a stable median after so many samples")->check(CLI::Range(40, 1000000))->capture_default_str();
  sub->add_flag("--dry-run", a->dry_run, "say what would be measured, measure nothing; needs no GPU");
  sub->callback([a] { measure(*a); });
}

}  // namespace weft::cli

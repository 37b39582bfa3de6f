// weft schedule NAME: a pipeline schedule as drawn cells or as lists, with what it takes and what was published of it.
#include <algorithm>
#include <cmath>
#include <cstdlib>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/cli/app.h"
#include "sim/cli/schedule_drawing.h"

namespace weft::cli {
namespace {

namespace training = workloads::training;
using training::CellTimes;

struct Options {
  Common common;
  std::string name, times = "1,1,1";
  std::uint32_t pp = 8, micro_batches = 20;
  std::optional<std::uint32_t> chunks;
  double hop = 0;
  std::optional<std::size_t> width;
  DrawingOptions drawing;
};

/// A schedule with what it came to.
struct Played {
  const training::ScheduleKind& kind;
  training::ScheduleParameters parameters;
  CellTimes times;
  training::PipelineSchedule schedule;
  training::PlayedSchedule played;
};

CellTimes parse_times(const std::string& text) {
  const auto wrong = [&](const std::string& why) {
    throw UserError("--times", fmt::format("expected three or four positive numbers F,b,w[,FB], got \"{}\"", text), why);
  };
  std::vector<double> values;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t comma = std::min(text.find(',', at), text.size());
    const std::string one = text.substr(at, comma - at);
    char* end = nullptr;
    values.push_back(std::strtod(one.c_str(), &end));
    if (one.empty() || *end != '\0') wrong(fmt::format("\"{}\" is no number", one));
    if (!(values.back() >= 1e-9 && values.back() <= 1e9)) wrong(fmt::format("{} is not between 1e-9 and 1e9", one));
    at = comma + 1;
  }
  if (values.size() < 3 || values.size() > 4) wrong("a forward, a backward of the inputs, one of the weights, and, where it is not their sum, an overlapped pair");
  CellTimes t{Seconds(values[0]), Seconds(values[1]), Seconds(values[2]), {}, {}};
  if (values.size() == 4) t.overlapped = Seconds(values[3]);
  return t;
}

Played played(const Options& o) {
  const training::ScheduleKind& kind = training::schedule_named(o.name, "NAME");
  if (o.chunks && !kind.takes_chunks) throw UserError("--chunks", fmt::format("{} has its own stages a rank", kind.name), "interleaved_1f1b lets you choose them");
  const CellTimes times = parse_times(o.times);
  if (!(o.hop >= 0 && o.hop <= 1e9)) throw UserError("--hop", fmt::format("expected a time from 0 to 1e9, in the unit of --times, got {:g}", o.hop), "");
  const training::ScheduleParameters parameters{o.pp, o.micro_batches, o.chunks.value_or(2)};
  try {
    training::PipelineSchedule s = kind.make(parameters);
    training::PlayedSchedule p = training::play(s, times, Seconds(o.hop));
    return {kind, parameters, times, std::move(s), std::move(p)};
  } catch (const UserError& e) {
    std::vector<Problem> problems = e.problems();
    for (Problem& p : problems) {
      std::replace(p.place.begin(), p.place.end(), '_', '-');
      p.place = "--" + p.place;
    }
    throw UserError(std::move(problems));
  }
}

double most(const std::vector<Seconds>& times) { return std::max_element(times.begin(), times.end())->value(); }
double least(const std::vector<Seconds>& times) { return std::min_element(times.begin(), times.end())->value(); }

/// "6" or "986 to 1160".
std::string range(double from, double to) {
  return std::abs(to - from) <= 1e-9 * std::max(1.0, to) ? fmt::format("{:.6g}", to) : fmt::format("{:.6g} to {:.6g}", from, to);
}

/// What it came to, and beside it what was published.
std::vector<std::string> summary(const Played& p) {
  const auto& out = p.played;
  const std::uint32_t peak = *std::max_element(out.peak_activations.begin(), out.peak_activations.end());
  std::vector<std::string> lines = {
      fmt::format("makespan {:.6g}, bubble {} a rank ({:.1f} % of the makespan), between a rank's first and last cell at most {:.6g}; most activations on a rank: {}",
                  out.makespan.value(), range(least(out.bubble), most(out.bubble)), 100 * out.mean_bubble().value() / out.makespan.value(), most(out.inner_bubble), peak),
      fmt::format("published: bubble {:.6g}, {}; activations {}, {}", p.kind.published_bubble(p.parameters, p.times).value(), p.kind.bubble_formula,
                  p.kind.published_activations(p.parameters), p.kind.activations_formula)};
  if (!p.kind.exact_bubble(p.parameters, p.times, 0)) lines.push_back("no closed form of the played bubble with these numbers; it holds for " + p.kind.exact_region);
  return lines;
}

Json op_of(const training::Cell& c, const training::CellSpan& span) {
  Json op = {{"op", to_text(c.kind)}};
  const auto add = [&](const training::Pass& p, const std::string& prefix) {
    op[prefix + "d"] = p.direction;
    op[prefix + "mb"] = p.micro_batch;
    op[prefix + "stage"] = p.stage;
  };
  if (c.kind == training::CellKind::overlapped) add(c.forward, "f"), add(c.backward, "b");
  else add(c.kind == training::CellKind::forward ? c.forward : c.backward, "");
  op["start"] = span.start.value();
  op["end"] = span.finish.value();
  return op;
}

Json rank_json(const Played& p, std::uint32_t r, double hop) {
  Json rank = {{"rank", r}, {"bubble", p.played.bubble[r].value()}, {"inner_bubble", p.played.inner_bubble[r].value()},
               {"peak_activations", p.played.peak_activations[r]}, {"peak_until_weights", p.played.peak_until_weights[r]}};
  if (const auto form = p.kind.exact_bubble(p.parameters, p.times, r); form && hop == 0) rank["bubble_closed_form"] = form->value();
  Json ops = Json::array();
  for (std::size_t i = 0; i < p.schedule.cells[r].size(); ++i) ops.push_back(op_of(p.schedule.cells[r][i], p.played.cells[r][i]));
  rank["ops"] = std::move(ops);
  return rank;
}

/// One line a rank, put together as text: a long schedule as one JSON value would take gigabytes.
std::string json_of(const Played& p, double hop) {
  Json out = {{"schedule", p.schedule.name}, {"pp", p.schedule.ranks}, {"micro_batches", p.schedule.micro_batches}, {"stages", p.schedule.stages},
              {"directions", p.schedule.directions},
              {"times", {{"F", p.times.forward.value()}, {"b", p.times.backward_input.value()}, {"w", p.times.weight.value()},
                         {"B", p.times.full_backward().value()}, {"FB", p.times.pair().value()}, {"hop", hop}}},
              {"makespan", p.played.makespan.value()}, {"bubble_mean", p.played.mean_bubble().value()},
              {"published", {{"bubble_formula", p.kind.bubble_formula}, {"bubble", p.kind.published_bubble(p.parameters, p.times).value()},
                             {"activations_formula", p.kind.activations_formula}, {"activations", p.kind.published_activations(p.parameters)},
                             {"source", p.kind.source}}}};
  std::string text = dump_json(out, 2);
  text.resize(text.rfind('\n'));   // the closing brace comes after the ranks
  text += ",\n  \"ranks\": [";
  for (std::uint32_t r = 0; r < p.schedule.ranks; ++r) text += (r > 0 ? ",\n    " : "\n    ") + dump_json(rank_json(p, r, hop));
  return text + "\n  ]\n}\n";
}

/// One row a cell (csv) or one a rank (markdown).
reports::Table cells_table(const Played& p) {
  reports::Table t;
  t.id = "cells";
  t.title = "Cells of " + p.kind.title;
  t.columns = {{"rank", "pipeline rank"}, {"cell", "its place on the rank"}, {"op", "F, B, Bi, W or FB"}, {"direction", "of the forward or, without one, of the backward"},
               {"micro_batch", "of it"}, {"stage", "of it"}, {"backward_direction", "of the backward beside a forward"}, {"backward_micro_batch", "of it"},
               {"backward_stage", "of it"}, {"start", "in the unit of --times"}, {"end", "in the unit of --times"}};
  for (std::uint32_t r = 0; r < p.schedule.ranks; ++r) {
    for (std::size_t i = 0; i < p.schedule.cells[r].size(); ++i) {
      const training::Cell& c = p.schedule.cells[r][i];
      const training::Pass& first = c.has_forward() ? c.forward : c.backward;
      Row row;
      row.set("rank", std::int64_t{r}).set("cell", static_cast<std::int64_t>(i)).set("op", to_text(c.kind)).set("direction", std::int64_t{first.direction});
      row.set("micro_batch", std::int64_t{first.micro_batch}).set("stage", std::int64_t{first.stage});
      if (c.kind == training::CellKind::overlapped) {
        row.set("backward_direction", std::int64_t{c.backward.direction}).set("backward_micro_batch", std::int64_t{c.backward.micro_batch});
        row.set("backward_stage", std::int64_t{c.backward.stage});
      }
      row.set("start", p.played.cells[r][i].start.value()).set("end", p.played.cells[r][i].finish.value());
      t.rows.push_back(std::move(row));
    }
  }
  return t;
}

reports::Table ranks_table(const Played& p) {
  reports::Table t;
  t.id = "ranks";
  t.title = fmt::format("{}, {} ranks, {} micro-batches", p.kind.title, p.schedule.ranks, p.schedule.micro_batches);
  t.columns = {{"rank", "pipeline rank"}, {"bubble", "time without work within the makespan, in the unit of --times"}, {"peak_activations", "most stages' activations at once"},
               {"ops", "cells in order; + is direction 0 or a rank's first stage"}};
  for (std::uint32_t r = 0; r < p.schedule.ranks; ++r) {
    std::string ops;
    for (const training::Cell& c : p.schedule.cells[r]) ops += (ops.empty() ? "" : " ") + to_text(c, p.schedule);
    std::replace(ops.begin(), ops.end(), '|', '&');   // a bar would end a cell of a markdown table
    Row row;
    row.set("rank", std::int64_t{r}).set("bubble", p.played.bubble[r].value()).set("peak_activations", std::int64_t{p.played.peak_activations[r]}).set("ops", ops);
    t.rows.push_back(std::move(row));
  }
  return t;
}

std::string drawn(const Played& p, const Options& o) {
  DrawingOptions how = o.drawing;
  how.width = o.width.value_or(line_width());
  how.colour = result_in_colour(o.common);
  std::string text = drawing_of(p.schedule, p.played, how) + "\n" + drawing_legend(p.schedule, how.colour) + "\n";
  for (const std::string& line : summary(p)) text += line + "\n";
  return text;
}

void show(const Options& o) {
  check_output(o.common);
  if (!(o.drawing.from < o.drawing.to)) throw UserError("--from", fmt::format("expected a time before --to, got {:g} and {:g}", o.drawing.from, o.drawing.to), "");
  const std::string format = format_of(o.common);
  const Played p = played(o);
  if (format == "json") return emit_text(json_of(p, o.hop), o.common);
  if (format == "table") return emit_text(drawn(p, o), o.common);
  std::size_t cells = 0;
  for (const auto& of_rank : p.schedule.cells) cells += of_rank.size();
  constexpr std::size_t kMostRows = 1'000'000;
  if (format == "csv" && cells > kMostRows) throw UserError("--format", fmt::format("{} cells are more rows than a table takes ({})", cells, kMostRows), "--json has them all");
  reports::Listing listing;
  listing.tables.push_back(format == "csv" ? cells_table(p) : ranks_table(p));
  listing.notes = summary(p);
  emit(listing, o.common);
}

}  // namespace

void add_schedule(CLI::App& app) {
  auto o = std::make_shared<Options>();
  CLI::App* sub = app.add_subcommand("schedule", "a pipeline schedule drawn as cells, with its bubble and what was published of it");
  sub->footer("Examples:\n  weft schedule dualpipe --pp 8 --micro-batches 20\n  weft schedule 1f1b --pp 4 --micro-batches 8 --times 1,1.5,0.7\n"
              "  weft schedule interleaved_1f1b --pp 4 --micro-batches 8 --chunks 3\n"
              "  weft schedule dualpipe --pp 16 --micro-batches 120 --times 58,85,25,139 --json\n"
              "  weft schedule zbv --pp 4 --micro-batches 10 --color always | less -RS");
  add_common(*sub, o->common);
  sub->add_option("NAME", o->name, "a name that `weft list schedules` gives")->required()->type_name("SCHEDULE");
  sub->add_option("--pp", o->pp, "pipeline ranks")->capture_default_str();
  sub->add_option("--micro-batches", o->micro_batches, "micro-batches of a step, over all directions")->capture_default_str();
  sub->add_option("--chunks", o->chunks, "stages a rank, for interleaved_1f1b (default: 2)");
  sub->add_option("--times", o->times, "times of one stage in any unit: forward, backward of inputs, of weights, and an overlapped pair (default: their sum)")
      ->type_name("F,b,w[,FB]")->capture_default_str();
  sub->add_option("--hop", o->hop, "time of a transfer to another rank, in the same unit")->capture_default_str();
  sub->add_option("--from", o->drawing.from, "draw from this time on")->check(CLI::NonNegativeNumber);
  sub->add_option("--to", o->drawing.to, "draw up to this time")->check(CLI::PositiveNumber);
  sub->add_flag("--all", o->drawing.all, "draw all of a long schedule");
  sub->add_option("--width", o->width, "characters a line (default: the terminal's, 160 elsewhere)")->check(CLI::Range(20, 100000));
  sub->add_flag_callback("--no-color", [o] { o->common.colour = "never"; }, "short for --color never");
  sub->callback([o] { show(*o); });
}

}  // namespace weft::cli

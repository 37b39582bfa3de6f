// weft sweep merge, status, pareto: what points files hold together.
#include <algorithm>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "scenarios/studies/collected_points.h"
#include "scenarios/studies/pareto.h"
#include "scenarios/studies/where.h"
#include "sim/cli/sweep.h"
#include "sim/core/error.h"

namespace weft::cli {
namespace {

struct PointsOptions {
  Common common;
  std::vector<std::string> files;
  std::string where, pareto, x, y;
  bool partial = false, all = false;
};

std::shared_ptr<PointsOptions> add_files(CLI::App& sub) {
  auto o = std::make_shared<PointsOptions>();
  add_common(sub, o->common);
  sub.add_option("FILE", o->files, "points files of one study, or folders of them (*.jsonl)")->required();
  return o;
}

void add_selection(CLI::App& sub, PointsOptions& o) {
  sub.add_option("--where", o.where, "use the rows for which this is true: 'fits && price_MUSD < 20'")->type_name("CONDITION");
  sub.add_flag("--partial", o.partial, "take what is finished when points are missing");
}

/// The files by name, as a message has them.
std::string named(const std::vector<std::string>& files) {
  constexpr std::size_t kShown = 3;
  std::string out;
  for (std::size_t i = 0; i < std::min(kShown, files.size()); ++i) out += (i > 0 ? ", " : "") + files[i];
  return files.size() > kShown ? fmt::format("{} and {} more", out, files.size() - kShown) : out;
}

/// All points, or an error that counts the missing ones.
scenarios::GatheredPoints gather_all(const PointsOptions& o, std::size_t& points) {
  check_output(o.common);
  std::optional<Expression> where;
  if (!o.where.empty()) where = Expression::parse(o.where, "--where");
  const scenarios::CollectedPoints collected = scenarios::collect_points(o.files);
  std::vector<std::string> read;
  for (const auto& f : collected.files) read.push_back(f.path);
  keep_apart(o.common, read);
  points = collected.finished.size();
  if (collected.missing() > 0) {
    const std::string text = fmt::format("{} of {} points are missing", collected.missing(), collected.header().grid.points());
    if (!o.partial) throw UserError(named(read), text, "`weft sweep status` says where; run the shares again, or take what is there with --partial");
    note(o.common, text);
  }
  scenarios::GatheredPoints all = scenarios::gather(collected);
  if (where) {
    for (const std::string& n : scenarios::keep_where(all.listing, *where)) note(o.common, n);
  }
  return all;
}

void add_merge(CLI::App& sweep) {
  CLI::App* sub = sweep.add_subcommand("merge", "one result out of points files: the same bytes as of a sweep in one go");
  sub->footer("Examples:\n  weft sweep merge points.jsonl -o all.csv\n  weft sweep merge part*.jsonl --where 'fits && price_MUSD < 20' --format jsonl");
  auto o = add_files(*sub);
  add_selection(*sub, *o);
  sub->add_option("--pareto", o->pareto, "add the Pareto front of two columns")->type_name("X,Y");
  sub->callback([o] {
    std::size_t points = 0;
    scenarios::GatheredPoints all = gather_all(*o, points);
    if (!o->pareto.empty()) all.listing.tables.push_back(scenarios::pareto_table(all.listing, scenarios::parse_pareto(o->pareto, "--pareto")));
    tell_sweep(all.listing, o->common, all.warnings, all.failed, points);
  });
}

void add_status(CLI::App& sweep) {
  CLI::App* sub = sweep.add_subcommand("status", "how many points are done, failed and left");
  sub->footer("Examples:\n  weft sweep status points.jsonl\n  weft sweep status part*.jsonl --json");
  auto o = add_files(*sub);
  sub->callback([o] {
    check_output(o->common);
    keep_apart(o->common, o->files);
    emit(scenarios::status_of(scenarios::collect_points(o->files)), o->common);
  });
}

void add_pareto(CLI::App& sweep) {
  CLI::App* sub = sweep.add_subcommand("pareto", "the points that no other beats in two columns at once");
  sub->footer("Examples:\n"
              "  weft sweep pareto points.jsonl --x price_MUSD --y algbw_GBps\n"
              "  weft sweep pareto part*.jsonl --x price.price_MUSD --y min:step.step_time_s --where fits --all\n"
              "Columns of different tables are joined by point and variant.");
  auto o = add_files(*sub);
  add_selection(*sub, *o);
  sub->add_option("--x", o->x, "a column, of which less is better unless max: stands before it")->required()->type_name("COLUMN");
  sub->add_option("--y", o->y, "a column, of which more is better unless min: stands before it")->required()->type_name("COLUMN");
  sub->add_flag("--all", o->all, "show those beside the front, too; on_front tells them apart");
  sub->callback([o] {
    const scenarios::ParetoGoals goals{scenarios::parse_goal(o->x, false, "--x"), scenarios::parse_goal(o->y, true, "--y")};
    std::size_t points = 0;
    const scenarios::GatheredPoints all = gather_all(*o, points);
    reports::Listing listing;
    listing.tables.push_back(scenarios::pareto_table(all.listing, goals, o->all));
    emit(listing, o->common);
    if (all.failed > 0) note(o->common, fmt::format("{} of {} points failed and are not among these", all.failed, points));
  });
}

}  // namespace

void add_sweep_commands(CLI::App& sweep) {
  add_merge(sweep);
  add_status(sweep);
  add_pareto(sweep);
}

}  // namespace weft::cli

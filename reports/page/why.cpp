// Why a case takes its time: sentence, phases, what bounds them, the links and operations that cost most.
#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "reports/cells.h"
#include "reports/page/picture_data.h"
#include "reports/page/sections.h"

namespace weft::reports {
namespace {

using analysis::Explanation;

std::string share_text(Seconds part, Seconds whole) {
  return whole.value() > 0 ? fmt::format("{:.3g} %", 100 * part.value() / whole.value()) : "-";
}

/// A bar: its parts one after another. `group` gives the colour: parts of one resource look alike.
Json bar(const std::string& name) { return {{"name", name}, {"parts", Json::array()}}; }

void add_part(Json& row, const std::string& name, const std::string& group, Seconds time) {
  row["parts"].push_back({{"name", name}, {"group", group}, {"value", rounded(time.value() * 1e6)}});
}

Json bars_of(const Explanation& why) {
  Json phases = bar("by phase"), resources = bar("by what bounds it");
  for (const auto& p : why.phases) add_part(phases, p.name, to_text(p.limit), p.time);
  for (const auto& r : why.resources) add_part(resources, to_text(r.resource), to_text(r.resource), r.time);
  return {{"unit", "us"}, {"rows", Json::array({std::move(phases), std::move(resources)})}};
}

TextTable phase_table(const Explanation& why) {
  TextTable t{"Phases of the critical path, the longest first", {"phase", "time", "share", "operations", "bounded by", "of its time", "where"},
              {false, true, true, true, false, true, false}, {}, {}};
  std::vector<Explanation::Phase> phases = why.phases;
  std::ranges::stable_sort(phases, std::ranges::greater(), &Explanation::Phase::time);
  for (const auto& p : phases) {
    t.rows.push_back({p.name, time_text(p.time), share_text(p.time, why.total), readable_text(Cell(static_cast<std::int64_t>(p.operations))), to_text(p.limit),
                      fmt::format("{:.3g} %", 100 * p.limit_share), p.where});
  }
  return t;
}

TextTable resource_table(const Explanation& why) {
  TextTable t{"What bounds the critical path", {"resource", "time", "share"}, {false, true, true}, {}, {}};
  for (const auto& r : why.resources) t.rows.push_back({to_text(r.resource), time_text(r.time), share_text(r.time, why.total)});
  return t;
}

TextTable cost_table(const std::vector<Explanation::Cost>& costs, const Explanation& why, const std::string& caption, bool links) {
  TextTable t{caption, {links ? "link" : "operation", links ? "alike" : "on the path", "time", "share"}, {false, true, true, true}, {}, {}};
  if (links) t.headers.push_back("utilisation"), t.right.push_back(true);
  t.headers.insert(t.headers.end(), {"bounded by", "whole, if it were free"});
  t.right.insert(t.right.end(), {false, true});
  if (links) t.headers.insert(t.headers.end(), {"then limited by", "try it"}), t.right.insert(t.right.end(), {false, false});
  for (const auto& c : costs) {
    std::vector<std::string> row = {c.name, readable_text(Cell(static_cast<std::int64_t>(c.members))), time_text(c.time), share_text(c.time, why.total)};
    if (links) row.push_back(fmt::format("{:.3g} %", 100 * c.utilisation));
    row.push_back(to_text(c.resource));
    row.push_back(c.if_free ? fmt::format("{} ({:+.3g} %)", time_text(*c.if_free), 100 * (c.if_free->value() / why.total.value() - 1)) : "-");
    if (links) row.push_back(c.next.empty() ? "-" : c.next), row.push_back(c.try_it);
    t.rows.push_back(std::move(row));
  }
  return t;
}

void write_story(const Story& story, std::size_t number, const Writing& w) {
  const Explanation& why = story.why;
  w.heading(story.of, fmt::format("why-{}", number + 1), 1);
  w.html.element("p", why.sentence);
  w.html.open("dl", {{"class", "facts"}}).element("dt", "it takes").element("dd", time_text(why.total));
  w.html.element("dt", "communication").element("dd", fmt::format("{} exposed, {} hidden behind computation. This is along the critical path, which goes from rank to rank; columns of the results are of one rank or a mean of all.", time_text(why.exposed), time_text(why.hidden))).close().line();
  {
    const Figure figure(w.html, "bars", fmt::format("{}/stories/{}/bars", w.pointer, number), "Where the time goes",
                        "the critical path of the case, by phase and by what bounds it", fmt::format("Stacked bars of the critical path. {}", why.sentence));
    write_closed_table(w.html, resource_table(why));
  }
  // Of the cases beside the first the picture is enough at first sight: the doubts stand below them.
  const auto write = [&](const TextTable& table) {
    if (number == 0) write_table(w.html, table);
    else write_closed_table(w.html, table, fmt::format("{}: {} {}", table.caption, table.rows.size(), table.rows.size() == 1 ? "row" : "rows"));
  };
  write(phase_table(why));
  if (!why.links.empty()) write(cost_table(why.links, why, "Links that cost most", true));
  if (!why.operations.empty()) write(cost_table(why.operations, why, "Operations that cost most", false));
  if (why.notes.empty()) return;
  w.html.open("ul");
  for (const std::string& note : why.notes) w.html.element("li", note);
  w.html.close().line();
}

Json phases_json(const Explanation& why) {
  Json out = Json::array();
  for (const auto& p : why.phases) {
    out.push_back({{"name", clean_text(p.name)}, {"operations", p.operations}, {"start_us", rounded(p.start.value() * 1e6)}, {"time_us", rounded(p.time.value() * 1e6)},
                   {"limit", to_text(p.limit)}, {"limit_share", rounded(p.limit_share)}, {"where", clean_text(p.where)}});
  }
  return out;
}

}  // namespace

void write_why(const PagePart& part, const Writing& w) {
  if (part.stories.empty()) return;
  w.heading("Why", "why");
  Json& stories = w.data["stories"] = Json::array();
  for (std::size_t i = 0; i < part.stories.size(); ++i) {
    const Story& s = part.stories[i];
    Json story = {{"of", clean_text(s.of)}, {"bars", bars_of(s.why)}, {"phases", phases_json(s.why)}, {"heatmap", heatmap_data(s.why)}};
    if (!s.network.switches.empty()) story["network"] = network_data(s.network);
    if (!s.timeline.slices.empty()) story["timeline"] = timeline_data(s.timeline);
    stories.push_back(std::move(story));
    write_story(s, i, w);
  }
}

}  // namespace weft::reports

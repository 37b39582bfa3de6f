#include "reports/page/picture_data.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "reports/cells.h"
#include "reports/page/sections.h"

namespace weft::reports {
namespace {

constexpr double finest = 1e8;   // units that a timeline is long, at most

double thousandths(double ratio) { return std::round(ratio * 1000) / 1000; }

std::int64_t units(double us, std::int64_t unit_ns) { return std::llround(us * 1e3 / static_cast<double>(unit_ns)); }

double end_of(const TimelinePicture& t) {
  double end_us = 0;
  for (const auto& s : t.slices) end_us = std::max(end_us, s.end_us);
  return end_us;
}

/// What part of the case a timeline shows: ranks, time, operations.
std::string shown_part(const Story& s) {
  constexpr double all = 0.999;   // of the case; the rest cannot be seen
  const TimelinePicture& t = s.timeline;
  const double end_us = end_of(t), total_us = s.why.total.value() * 1e6;
  std::string out = "operations by rank";
  if (t.of_ranks > t.ranks) out = fmt::format("operations of {} of {} ranks, those first that the critical path goes through", readable_text(std::int64_t{t.ranks}), readable_text(std::int64_t{t.of_ranks}));
  if (end_us < all * total_us) {
    out += fmt::format("; they end at {} of the case's {}: the rest is work of other ranks, or time that is added without being simulated, as the phases of the path tell", time_text(Seconds(end_us * 1e-6)), time_text(s.why.total));
  }
  if (t.left_out > 0) out += fmt::format("; the {} shortest operations are left out", readable_text(static_cast<std::int64_t>(t.left_out)));
  return out + "; drag or pinch to zoom";
}

std::int64_t unit_of(const TimelinePicture& t) {
  const double end_us = end_of(t);
  std::int64_t unit = 1;
  while (end_us * 1e3 / static_cast<double>(unit) > finest) unit *= 10;
  return unit;
}

}  // namespace

Json network_data(const NetworkPicture& n) {
  Json out = {{"title", clean_text(n.title)}, {"nodes", n.nodes}, {"nics_per_node", n.nics_per_node}, {"switches", Json::array()}, {"bundles", Json::array()}, {"failed", Json::array()}};
  for (const auto& s : n.switches) {
    out["switches"].push_back({clean_text(s.name), s.tier, s.group, s.endpoints, s.endpoints_down, s.members, s.failed ? 1 : 0, thousandths(s.out), thousandths(s.in)});
  }
  for (const auto& b : n.bundles) out["bundles"].push_back({b.from, b.to, b.cables, b.failed, thousandths(b.up), thousandths(b.down)});
  for (const std::string& f : n.failed) out["failed"].push_back(clean_text(f));
  return out;
}

Json timeline_data(const TimelinePicture& t) {
  const std::int64_t unit = unit_of(t);
  Json out = {{"unit_ns", unit}, {"left_out", t.left_out}, {"tracks", Json::array()}, {"names", Json::array()}, {"slices", Json::array()}};
  for (const auto& track : t.tracks) {
    out["tracks"].push_back({clean_text(track.rank), clean_text(track.name)});
    out["slices"].push_back(Json::array());
  }
  for (const std::string& name : t.names) out["names"].push_back(clean_text(name));
  std::vector<std::int64_t> ended(t.tracks.size(), 0);
  for (const auto& s : t.slices) {
    const std::int64_t start = std::max(ended[s.track], units(s.start_us, unit)), end = std::max(start, units(s.end_us, unit));
    for (const std::int64_t number : {start - ended[s.track], end - start, std::int64_t{s.name} * 2 + (s.moves ? 1 : 0), std::int64_t{s.parts}}) {
      out["slices"][s.track].push_back(number);
    }
    ended[s.track] = end;
  }
  return out;
}

Json heatmap_data(const analysis::Explanation& why) {
  Json groups = Json::array();
  for (const auto& g : why.groups) {
    Json bins = Json::array();
    for (const double u : g.utilisation) bins.push_back(thousandths(u));
    groups.push_back({{"name", clean_text(g.name)}, {"utilisation", std::move(bins)}});
  }
  return {{"total_us", rounded(why.total.value() * 1e6)}, {"groups", std::move(groups)}};
}

void write_pictures(const PagePart& part, const Writing& w) {
  if (part.stories.empty()) return;
  w.heading("The network, its links and the timeline", "pictures");
  for (std::size_t i = 0; i < part.stories.size(); ++i) {
    const Story& s = part.stories[i];
    const std::string at = fmt::format("{}/stories/{}", w.pointer, i);
    if (part.stories.size() > 1) w.heading(s.of, {}, 1);
    if (!s.network.switches.empty()) {
      const std::string failed = s.network.failed.empty() ? "no part is down" : fmt::format("{} down", fmt::join(s.network.failed, ", "));
      const Figure figure(w.html, "network", at + "/network", s.network.title, "switches by tier; cables coloured by how full they are",
                          fmt::format("Drawing of the network: {} switches, {} nodes, {}", s.network.switches.size(), s.network.nodes, failed));
    }
    if (!s.why.groups.empty()) {
      const Figure figure(w.html, "heatmap", at + "/heatmap", "How full the links are over time", "links that carried anything, by role", "Heat map of the utilisation of links over time");
    }
    if (!s.timeline.slices.empty()) {
      const Figure figure(w.html, "timeline", at + "/timeline", "Timeline", shown_part(s),
                          fmt::format("Timeline of {} operations on {} tracks", s.timeline.slices.size(), s.timeline.tracks.size()));
    }
  }
}

}  // namespace weft::reports

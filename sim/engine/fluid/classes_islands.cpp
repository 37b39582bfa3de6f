// How Classes finds islands among the flows that begin, and gives them up when something else comes to their links.
#include <algorithm>
#include <cmath>

#include "sim/engine/fluid/classes.h"

namespace weft::engine {
namespace {

/// Fewer flows are not worth a solver of their own.
constexpr std::size_t fewest = 128;

}  // namespace

void Classes::give_up_island(std::uint32_t island, double now) {
  const std::size_t first = starting_.size();
  left_.clear();
  islands_.give_up(island, now, starting_, left_);
  for (std::size_t i = 0; i < left_.size(); ++i) begin_again(starting_[first + i], left_[i]);
  flows_begun_ -= left_.size();
}

// What a flow has left is what it begins with.
void Classes::begin_again(std::uint32_t flow, double left) {
  account(flow, flows_.bytes(flow) - left);
  flows_.set_bytes(flow, left);
  flows_.class_of[flow] = none;
}

void Classes::find_islands(double now) {
  if (!disturbed_.empty() || !paths_.uncovered().empty()) {
    islands_.for_each([&](std::uint32_t i) { give_up_island(i, now); });
    return;
  }
  const auto links_of = [&](std::uint32_t flow, auto f) {
    for (const std::uint32_t p : flows_.pieces(flow)) {
      for (const Paths::Load& load : paths_.piece(p)) {
        if (!paths_.covered(load.link)) f(load.link);
      }
    }
  };
  const std::size_t fresh = starting_.size();
  for (std::size_t i = 0; i < starting_.size(); ++i) {   // grows
    links_of(starting_[i], [&](std::uint32_t link) {
      if (const std::uint32_t island = islands_.on(link); island != Islands::none) give_up_island(island, now);
    });
  }
  // What was given up goes on without an island: what has come will be followed by more of its kind.
  if (fresh < fewest || fresh < starting_.size()) return;
  // By link, the starting flows that cross it, chained.
  class_of_link_.resize(paths_.link_count(), none);
  if (chain_of_link_.size() < paths_.link_count()) chain_of_link_.resize(paths_.link_count(), none);
  chain_.clear();
  noted_links_.clear();
  for (std::uint32_t i = 0; i < starting_.size(); ++i) {
    links_of(starting_[i], [&](std::uint32_t link) {
      if (chain_of_link_[link] == none) noted_links_.push_back(link);
      chain_.push_back({i, chain_of_link_[link]});
      chain_of_link_[link] = static_cast<std::uint32_t>(chain_.size() - 1);
    });
  }
  taken_.assign(starting_.size(), 0);
  for (std::uint32_t i = 0; i < starting_.size(); ++i) {
    if (!taken_[i]) grow_island(i, links_of, now);
  }
  for (const std::uint32_t link : noted_links_) chain_of_link_[link] = none;
  // What has become of an island starts no more.
  std::size_t kept = 0;
  for (std::uint32_t i = 0; i < starting_.size(); ++i) {
    if (taken_[i] != on_island) starting_[kept++] = starting_[i];
  }
  starting_.resize(kept);
  starting_.insert(starting_.end(), set_free_.begin(), set_free_.end());
  set_free_.clear();
}

/// All flows that links join to one, starting ones and those that move already; an island when they are many.
template <class LinksOf>
void Classes::grow_island(std::uint32_t seed, LinksOf links_of, double now) {
  region_flows_.clear();   // starting ones come first in `members_`, by number; moving ones here
  members_.assign(1, seed);
  taken_[seed] = seen;
  region_links_.clear();
  bool closed = true;
  const auto note = [&](std::uint32_t flow) {
    closed = closed && !std::isfinite(flows_.cap(flow));
    links_of(flow, [&](std::uint32_t link) {
      if (link_met_.size() <= link) link_met_.resize(paths_.link_count(), 0);
      if (link_met_[link]) return;
      link_met_[link] = 1;
      region_links_.push_back(link);
    });
  };
  note(starting_[seed]);
  for (std::size_t k = 0; k < region_links_.size(); ++k) {
    const std::uint32_t link = region_links_[k];
    for (std::uint32_t c = chain_of_link_[link]; c != none; c = chain_[c].next) {
      const std::uint32_t i = chain_[c].number;
      if (taken_[i]) continue;
      taken_[i] = seen;
      members_.push_back(i);
      note(starting_[i]);
    }
    const std::uint32_t lc = class_of_link_[link];
    if (lc == none) continue;
    solver_.for_users(link_classes_[lc].constraint, [&](std::uint32_t v, double) {
      const std::uint32_t f = classes_[class_of_variable_[v]].first;
      if (flow_met_.size() <= f) flow_met_.resize(flows_.extent(), 0);
      if (flow_met_[f]) return;
      flow_met_[f] = 1;
      region_flows_.push_back(f);
      note(f);
    });
  }
  for (const std::uint32_t link : region_links_) link_met_[link] = 0;
  for (const std::uint32_t f : region_flows_) flow_met_[f] = 0;
  if (!closed || members_.size() + region_flows_.size() < fewest || region_flows_.size() > members_.size()) return;
  const std::size_t set_free_before = set_free_.size();
  for (const std::uint32_t f : region_flows_) {
    set_free(flows_.class_of[f], now);
    set_free_.push_back(f);
  }
  for (const std::uint32_t i : members_) region_flows_.push_back(starting_[i]);
  std::sort(region_flows_.begin(), region_flows_.end());
  if (!islands_.add(region_flows_, now)) return;
  set_free_.resize(set_free_before);
  for (const std::uint32_t i : members_) taken_[i] = on_island;
  flows_begun_ += region_flows_.size();
}

// Takes a flow that moves out of the solver, to begin again with what it has left.
void Classes::set_free(std::uint32_t id, double now) {
  FlowClass& c = classes_[id];
  advance(c, now);
  const std::uint32_t flow = c.first;
  const double left = c.remaining;
  leave(id);
  free_flow_class(id);
  --live_flows_;
  --flows_begun_;
  begin_again(flow, left);
}

}  // namespace weft::engine

// How Classes takes in flows that begin: which region they can tell apart, its colours, and the classes made of them.
#include <algorithm>
#include <bit>
#include <cmath>

#include "sim/core/random.h"
#include "sim/engine/fluid/classes.h"

namespace weft::engine {
namespace {

std::uint64_t word(double x) { return std::bit_cast<std::uint64_t>(x); }
constexpr std::uint64_t old_flow_class = 0x0f, lane_member = 0xff, new_flow = 0xf0, old_link_class = 0x01, new_link = 0x10;

}  // namespace

void Classes::regroup(double now) {
  class_of_link_.resize(paths_.link_count(), none);
  next_link_.resize(paths_.link_count(), none);
  if (all_single()) return begin_singly(now);
  collect_region();
  colour_region();
  split_links(now);
  split_flows(now);
  for (const std::uint32_t id : rebuilt_) {   // an id may have been freed, or freed and given out again
    const FlowClass& c = classes_[id];
    if (c.count == 0 || c.variable != none) continue;
    if (merge_ && c.count == 1 && !std::isfinite(c.cap)) hand_over(id);
    else join(id);
  }
  flows_begun_ += starting_.size();
  starting_.clear();
  disturbed_.clear();
}

// Whether the new flows are alike to nobody and tell no links apart: then there is nothing to refine.
bool Classes::all_single() {
  if (!disturbed_.empty() || !paths_.uncovered().empty()) return false;
  if (!merge_) return true;
  colours_.clear();
  for (const std::uint32_t f : starting_) {
    if (std::isfinite(flows_.cap(f))) return false;
    colours_.push_back(new_flow_colour(f));
  }
  std::sort(colours_.begin(), colours_.end());
  if (std::adjacent_find(colours_.begin(), colours_.end()) != colours_.end()) return false;
  for (const std::uint32_t f : starting_) {
    for (const std::uint32_t p : flows_.pieces(f)) {
      for (const Paths::Load& load : paths_.piece(p)) {
        const std::uint32_t lc = class_of_link_[load.link];
        if (lc != none && link_classes_[lc].count > 1) return false;
      }
    }
  }
  return true;
}

void Classes::begin_singly(double now) {
  for (const std::uint32_t f : starting_) {
    if (merge_) {
      pending_.push_back({f, flows_.bytes(f)});
      continue;
    }
    const std::uint32_t id = new_flow_class();
    FlowClass& c = classes_[id];   // new: all else is as it should be
    c.remaining = flows_.bytes(f);
    c.weight = flows_.weight(f);
    c.cap = flows_.cap(f);
    c.since = now;
    c.first = f;
    c.count = 1;
    flows_.class_of[f] = id;
    flows_.next_in_class[f] = none;
    ++live_flows_;
    join(id);
  }
  flows_begun_ += starting_.size();
  starting_.clear();
  place_pending(now);
}

std::uint64_t Classes::new_flow_colour(std::uint32_t f) const {
  return hash_with(hash_with(hash_with(new_flow, word(flows_.bytes(f))), word(flows_.weight(f))), word(flows_.cap(f)));
}

// The region is all that the new flows can tell apart: link classes that they cross, the flow classes that cross those,
// and so on through classes of more than one member. Where as many flows begin as move already, it is everything.
void Classes::collect_region() {
  region_flows_.clear();
  region_links_.clear();
  region_classes_.clear();
  region_link_classes_.clear();
  class_marked_.resize(classes_.size(), 0);
  collect_starting_links();
  for (const std::uint32_t l : disturbed_) {
    if (class_of_link_[l] != none) reach_link_class(class_of_link_[l]);
  }
  if (merge_ && starting_.size() >= live_flows_) {
    for (std::uint32_t lc = 0; lc < link_classes_.size(); ++lc) {
      if (link_classes_[lc].count > 0) reach_link_class(lc);
    }
    for (std::uint32_t c = 0; c < classes_.size(); ++c) {
      if (classes_[c].count > 0 && classes_[c].lane == none) mark_flow_class(c);
    }
  }
  for (std::size_t i = 0; i < region_link_classes_.size(); ++i) {
    const LinkClass& lc = link_classes_[region_link_classes_[i]];
    if (lc.count == 1) continue;   // one link cannot be told apart from itself
    solver_.for_users(lc.constraint, [&](std::uint32_t v, double) {
      const std::uint32_t c = class_of_variable_[v];
      if (classes_[c].count > 1 && classes_[c].lane == none) mark_flow_class(c);
    });
  }
  for (const std::uint32_t c : region_classes_) {
    class_marked_[c] = 0;
    for_members(classes_[c], [&](std::uint32_t f) { region_flows_.push_back(f); });
  }
  for (const std::uint32_t lc : region_link_classes_) {
    link_classes_[lc].marked = false;
    for (std::uint32_t l = link_classes_[lc].first; l != none; l = next_link_[l]) region_links_.push_back(l);
  }
  region_flows_.insert(region_flows_.end(), starting_.begin(), starting_.end());
  region_links_.insert(region_links_.end(), new_links_.begin(), new_links_.end());
}

void Classes::collect_starting_links() {
  new_links_.clear();
  marked_pieces_.clear();
  piece_marked_.resize(paths_.piece_count(), 0);
  for (const std::uint32_t f : starting_) {
    for (const std::uint32_t p : flows_.pieces(f)) {
      if (piece_marked_[p]) continue;
      piece_marked_[p] = 1;
      marked_pieces_.push_back(p);
    }
  }
  for (const std::uint32_t p : marked_pieces_) {
    piece_marked_[p] = 0;
    for (const Paths::Load& load : paths_.piece(p)) {
      if (!paths_.covered(load.link)) note_link(load.link);
    }
  }
  collect_uncovered_links();
  for (const std::uint32_t l : new_links_) class_of_link_[l] = none;
}

void Classes::note_link(std::uint32_t link) {
  constexpr std::uint32_t noted = none - 1;
  std::uint32_t& lc = class_of_link_[link];
  if (lc == none) {
    lc = noted;
    new_links_.push_back(link);
  } else if (lc != noted) {
    reach_link_class(lc);
  }
}

// Links that could be left out so far, and now count: classes that cross one have to join again. Which of a class's
// members cross it may differ, so all are asked.
void Classes::collect_uncovered_links() {
  recovered_.clear();
  auto& uncovered = paths_.uncovered();
  if (uncovered.empty()) return;
  std::vector<std::uint8_t> is_uncovered(paths_.link_count(), 0);
  for (const std::uint32_t l : uncovered) is_uncovered[l] = 1;
  uncovered.clear();
  enum Crosses : std::uint8_t { not_asked, no, yes };
  std::vector<std::uint8_t> crosses(paths_.piece_count(), not_asked);
  const auto ask = [&](std::uint32_t p) {
    if (crosses[p] != not_asked) return crosses[p] == yes;
    crosses[p] = no;
    for (const Paths::Load& load : paths_.piece(p)) {
      if (!is_uncovered[load.link]) continue;
      crosses[p] = yes;
      note_link(load.link);
    }
    return crosses[p] == yes;
  };
  for (std::uint32_t c = 0; c < classes_.size(); ++c) {
    bool found = false;
    for_members(classes_[c], [&](std::uint32_t f) {
      for (const std::uint32_t p : flows_.pieces(f)) found = ask(p) || found;
    });
    if (!found) continue;
    mark_flow_class(c);
    recovered_.push_back(c);
  }
}

void Classes::reach_link_class(std::uint32_t id) {
  LinkClass& lc = link_classes_[id];
  if (lc.marked) return;
  lc.marked = true;
  region_link_classes_.push_back(id);
}

void Classes::mark_flow_class(std::uint32_t id) {
  if (class_marked_[id]) return;
  class_marked_[id] = 1;
  region_classes_.push_back(id);
  solver_.for_links(classes_[id].variable, [&](std::uint32_t constraint, double) {
    const std::uint32_t lc = link_class_of_constraint_[constraint];
    if (lc != none) reach_link_class(lc);
  });
}

void Classes::colour_region() {
  flow_colour_.resize(flows_.extent());
  link_colour_.resize(paths_.link_count());
  if (!merge_) {   // when links change
    for (const std::uint32_t f : region_flows_) flow_colour_[f] = f + 1;
    for (const std::uint32_t l : region_links_) link_colour_[l] = l + 1;
    return;
  }
  for (const std::uint32_t c : region_classes_) {
    const bool lane = classes_[c].lane != none;   // its members differ in size
    for_members(classes_[c], [&](std::uint32_t f) { flow_colour_[f] = lane ? hash_with(lane_member, f) : hash_with(old_flow_class, c); });
  }
  for (const std::uint32_t f : starting_) flow_colour_[f] = new_flow_colour(f);
  for (const std::uint32_t lc : region_link_classes_) {
    for (std::uint32_t l = link_classes_[lc].first; l != none; l = next_link_[l])
      link_colour_[l] = hash_with(hash_with(old_link_class, lc), word(paths_.capacity(l)));
  }
  for (const std::uint32_t l : new_links_) link_colour_[l] = hash_with(new_link, word(paths_.capacity(l)));
  refiner_.run(region_flows_, region_links_, flow_colour_, link_colour_);
}

bool Classes::split(std::uint32_t first, const std::vector<std::uint64_t>& colour, const std::vector<std::uint32_t>& next) const {
  for (std::uint32_t m = first; m != none; m = next[m]) {
    if (colour[m] != colour[first]) return true;
  }
  return false;
}

void Classes::take_out(std::uint32_t id, double now) {
  FlowClass& c = classes_[id];
  if (c.variable == none) return;
  if (c.lane != none) return take_apart(id, now);
  advance(c, now);
  c.rate = 0;
  // The links stay what they are until they have been split.
  solver_.remove_variable(c.variable);
  finish_.erase(id);
  if (c.cap_link != none) solver_.remove_link(c.cap_link);
  c.variable = c.cap_link = none;
  rebuilt_.push_back(id);
}

// Link classes that fell apart are made anew, and every flow class that crosses one has to join again.
void Classes::split_links(double now) {
  rebuilt_.clear();
  for (const std::uint32_t c : recovered_) take_out(c, now);
  members_.assign(new_links_.begin(), new_links_.end());
  for (const std::uint32_t id : region_link_classes_) {
    LinkClass& lc = link_classes_[id];
    if (!split(lc.first, link_colour_, next_link_)) {
      solver_.set_capacity(lc.constraint, paths_.capacity(lc.first));
      continue;
    }
    users_.clear();
    solver_.for_users(lc.constraint, [&](std::uint32_t v, double) { users_.push_back(class_of_variable_[v]); });
    for (const std::uint32_t c : users_) take_out(c, now);
    for (std::uint32_t l = lc.first; l != none; l = next_link_[l]) members_.push_back(l);
    dissolve(id);
  }
  const std::uint32_t groups = refiner_.group(members_, link_colour_, groups_);
  group_class_.assign(groups, none);
  for (std::size_t i = 0; i < members_.size(); ++i) {
    const std::uint32_t l = members_[i];
    std::uint32_t& id = group_class_[groups_[i]];
    if (id == none) id = new_link_class(paths_.capacity(l));
    LinkClass& lc = link_classes_[id];
    next_link_[l] = lc.first;
    lc.first = l;
    ++lc.count;
    class_of_link_[l] = id;
  }
}

// Flow classes that fell apart, and the new flows, become classes by colour.
void Classes::split_flows(double now) {
  members_.assign(starting_.begin(), starting_.end());
  torn_.clear();
  torn_of_.clear();
  for (const std::uint32_t id : region_classes_) {
    if (classes_[id].count == 0 || !split(classes_[id].first, flow_colour_, flows_.next_in_class)) continue;
    take_out(id, now);
    for (std::uint32_t f = classes_[id].first; f != none; f = flows_.next_in_class[f]) members_.push_back(f);
    torn_of_.resize(members_.size() - starting_.size(), static_cast<std::uint32_t>(torn_.size()));
    torn_.push_back(classes_[id]);
    torn_.back().first = none;
    torn_.back().count = 0;
    live_flows_ -= classes_[id].count;
    free_flow_class(id);
  }
  const std::uint32_t groups = refiner_.group(members_, flow_colour_, groups_);
  group_class_.assign(groups, none);
  for (std::size_t i = 0; i < members_.size(); ++i) {
    const std::uint32_t f = members_[i];
    std::uint32_t& id = group_class_[groups_[i]];
    if (id == none) {
      id = new_flow_class();
      classes_[id] = i < starting_.size() ? fresh_class(f, now) : torn_[torn_of_[i - starting_.size()]];
      rebuilt_.push_back(id);
    }
    FlowClass& c = classes_[id];
    flows_.next_in_class[f] = c.first;
    flows_.class_of[f] = id;
    c.first = f;
    ++c.count;
  }
  live_flows_ += members_.size();
}

Classes::FlowClass Classes::fresh_class(std::uint32_t flow, double now) const {
  FlowClass c;
  c.remaining = flows_.bytes(flow);
  c.weight = flows_.weight(flow);
  c.cap = flows_.cap(flow);
  c.since = now;
  return c;
}

}  // namespace weft::engine

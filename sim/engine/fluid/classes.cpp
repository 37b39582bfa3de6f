#include "sim/engine/fluid/classes.h"

#include <algorithm>
#include <cmath>

namespace weft::engine {

Classes::Classes(Paths& paths, FlowStore& flows, bool merge, bool islands)
    : paths_(paths), flows_(flows), merge_(merge), with_islands_(islands && !merge), islands_(paths, flows), refiner_(paths, flows) {}

void Classes::settle(double now) {
  if (with_islands_ && (!starting_.empty() || !paths_.uncovered().empty())) find_islands(now);
  if (!starting_.empty() || !disturbed_.empty() || !paths_.uncovered().empty()) regroup(now);
  ++solves_;
  if (pending_.empty() && !solver_.disturbed()) return;
  solver_.begin_solve();
  do {
    separate(now);
    place_pending(now);
  } while (solver_.improve());
  for (const std::uint32_t v : solver_.changed()) {
    const std::uint32_t id = class_of_variable_[v];
    FlowClass& c = classes_[id];
    if (c.variable != v) continue;
    advance(c, now);
    c.rate = c.weight * solver_.level(v);
    finish_.set(id, finish_time(c));
  }
  unite(now);
  most_classes_ = std::max<std::uint64_t>(most_classes_, live_classes_ + islands_.flows());
}

void Classes::advance(FlowClass& c, double now) {
  c.remaining = std::max(0.0, c.remaining - c.rate * (now - c.since));
  c.since = now;
}

// Of its first member to end.
double Classes::finish_time(const FlowClass& c) const {
  return c.rate > 0 ? c.since + c.remaining / c.rate : IndexedHeap::never;
}

double Classes::finish_until(double limit, std::vector<Finished>& finished) {
  double last = 0;
  while (finish_.top_key() <= limit) {
    const std::uint32_t id = finish_.top();
    FlowClass& c = classes_[id];
    if (c.lane != none) {
      last = std::max(last, finish_members(id, limit, finished));
      continue;
    }
    last = std::max(last, finish_.top_key());
    for (std::uint32_t f = c.first; f != none; f = flows_.next_in_class[f]) {
      finished.push_back({f, c.rate});
      account(f, flows_.bytes(f));
      flows_.class_of[f] = none;
    }
    live_flows_ -= c.count;
    leave(id);
    free_flow_class(id);
  }
  if (islands_.next() > limit) return last;
  island_ends_.clear();
  last = std::max(last, islands_.finish_until(limit, island_ends_));
  for (const std::uint32_t f : island_ends_) {
    finished.push_back({f, 0});
    account(f, flows_.bytes(f));
  }
  return last;
}

// Puts a class into the solver: its members and links give the coefficients of one variable.
void Classes::join(std::uint32_t id) {
  FlowClass& c = classes_[id];
  find_terms(c.first, c.count);
  if (std::isfinite(c.cap)) {
    c.cap_link = solver_.add_link(c.cap);
    if (link_class_of_constraint_.size() <= c.cap_link) link_class_of_constraint_.resize(c.cap_link + 1, none);
    link_class_of_constraint_[c.cap_link] = none;
    terms_.push_back({c.cap_link, c.weight});
  }
  c.variable = solver_.add_variable(terms_);
  if (class_of_variable_.size() <= c.variable) class_of_variable_.resize(c.variable + 1);
  class_of_variable_[c.variable] = id;
}

// Takes a class out of the solver; links that nobody crosses any more are forgotten, so that they can be merged anew.
void Classes::leave(std::uint32_t id, bool keep_links) {
  FlowClass& c = classes_[id];
  terms_.clear();
  if (merge_) solver_.for_links(c.variable, [&](std::uint32_t l, double a) { terms_.push_back({l, a}); });
  solver_.remove_variable(c.variable);
  finish_.erase(id);
  if (!keep_links) dissolve_unused();
  if (c.cap_link != none) solver_.remove_link(c.cap_link);
  c.variable = c.cap_link = none;
}

void Classes::dissolve_unused() {
  for (const Solver::Term& t : terms_) {
    const std::uint32_t lc = link_class_of_constraint_[t.link];
    if (lc != none && solver_.users(t.link) == 0) dissolve(lc);
  }
}

std::uint32_t Classes::new_flow_class() {
  ++live_classes_;
  if (!free_classes_.empty()) {
    return free_classes_.take();
  }
  classes_.emplace_back();
  return static_cast<std::uint32_t>(classes_.size() - 1);
}

void Classes::free_flow_class(std::uint32_t id) {
  classes_[id] = FlowClass();
  free_classes_.give_back(id);
  --live_classes_;
}

std::uint32_t Classes::new_link_class(double capacity) {
  std::uint32_t id = static_cast<std::uint32_t>(link_classes_.size());
  if (!free_link_classes_.empty()) {
    id = free_link_classes_.back();
    free_link_classes_.pop_back();
  } else {
    link_classes_.emplace_back();
  }
  LinkClass& c = link_classes_[id];
  c = LinkClass();
  c.constraint = solver_.add_link(capacity);
  if (link_class_of_constraint_.size() <= c.constraint) link_class_of_constraint_.resize(c.constraint + 1, none);
  link_class_of_constraint_[c.constraint] = id;
  return id;
}

void Classes::dissolve(std::uint32_t id) {
  LinkClass& c = link_classes_[id];
  for (std::uint32_t l = c.first; l != none; l = next_link_[l]) class_of_link_[l] = none;
  solver_.remove_link(c.constraint);
  link_class_of_constraint_[c.constraint] = none;
  c = LinkClass();
  free_link_classes_.push_back(id);
}

void Classes::unbundle(double now) {
  for (std::uint32_t id = 0; id < classes_.size(); ++id) {
    FlowClass& c = classes_[id];
    if (c.count == 0) continue;
    advance(c, now);
    const auto start_again = [&](std::uint32_t f, double remaining) {
      begin_again(f, remaining);
      starting_.push_back(f);
    };
    flows_begun_ -= c.count;   // they are about to begin a second time
    live_flows_ -= c.count;
    if (c.lane != none) {
      const double so_far = served(c);
      for (const auto& [target, f] : lanes_[c.lane].members) start_again(f, std::max(0.0, target - so_far));
      forget_lane(id);
      continue;
    }
    for (std::uint32_t f = c.first; f != none; f = flows_.next_in_class[f]) start_again(f, c.remaining);
    leave(id);
    free_flow_class(id);
  }
  std::sort(starting_.begin(), starting_.end());
}

void Classes::account(std::uint32_t flow, double bytes) {
  if (carried_.size() < paths_.piece_count()) carried_.resize(paths_.piece_count(), 0);
  for (const std::uint32_t p : flows_.pieces(flow)) carried_[p] += bytes;
}

void Classes::forget_piece(std::uint32_t p) {
  if (p >= carried_.size()) return;
  carried_by_forgotten_.resize(paths_.physical_links(), 0);
  for (const Paths::Load& load : paths_.piece(p)) {
    if (load.link < carried_by_forgotten_.size()) carried_by_forgotten_[load.link] += carried_[p] * load.coefficient;
  }
  carried_[p] = 0;
}

std::vector<double> Classes::carried() const {
  std::vector<double> bytes = carried_by_forgotten_;
  bytes.resize(paths_.physical_links(), 0);
  for (std::uint32_t p = 0; p < carried_.size(); ++p) {
    for (const Paths::Load& load : paths_.piece(p)) {
      if (load.link < bytes.size()) bytes[load.link] += carried_[p] * load.coefficient;
    }
  }
  return bytes;
}

}  // namespace weft::engine

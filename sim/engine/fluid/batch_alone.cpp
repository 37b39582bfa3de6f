#include "sim/engine/fluid/batch_alone.h"

#include <cmath>

namespace weft::engine {

BatchAlone::BatchAlone(const topology::Router& router, Lowering& lowering, Paths& paths,
                       std::shared_ptr<workloads::TransferBatch> batch, OpId first)
    : paths_(paths), batch_(std::move(batch)), first_(first), members_(router, lowering, paths), refiner_(paths, members_) {}

bool BatchAlone::start(double now) {
  if (!members_.read(*batch_)) return false;
  start_ = now;
  live_ = size();
  for (std::uint32_t k = 0; k < members_.kinds().size(); ++k) {
    groups_.emplace_back();
    groups_.back().kind = k;
    groups_.back().count = members_.kinds()[k].count;
    moving_.push_back(0);
  }
  find_next_begin();
  return true;
}

void BatchAlone::find_next_begin() {
  next_begin_ = IndexedHeap::never;
  for (const Group& g : groups_) {
    if (g.state == State::waiting) next_begin_ = std::min(next_begin_, begin_of(g));
  }
}

std::uint64_t BatchAlone::begin_until(double limit, double now) {
  std::uint64_t begun = 0;
  for (std::uint32_t id = 0; id < groups_.size() && next_begin_ <= limit; ++id) {
    Group& g = groups_[id];
    if (g.state != State::waiting || begin_of(g) > limit) continue;
    begun += g.count;
    if (kind(g).at_once) {
      end(id);
      continue;
    }
    flows_begun_ += g.count;
    g.state = State::moving;
    g.remaining = kind(g).bytes;
    g.since = now;
    moving_[id] = 1;
    stale_ = touched_ = true;
  }
  if (begun > 0) find_next_begin();
  return begun;
}

void BatchAlone::end(std::uint32_t id) {
  Group& g = groups_[id];
  g.state = State::ending;
  live_ -= g.count;
  moving_[id] = 0;
  ending_.push_back(id);
}

bool BatchAlone::settle(double now) {
  if (stale_ && !regroup(now)) return false;
  if (!touched_) return true;
  touched_ = false;
  ++solves_;
  for (const std::uint32_t v : solver_.solve()) {
    const std::uint32_t id = group_of_variable_[v];
    Group& g = groups_[id];
    if (g.variable != v) continue;
    g.remaining = left_of(g, now);
    g.since = now;
    g.rate = kind(g).weight * solver_.level(v);
    finish_.set(id, g.rate > 0 ? now + g.remaining / g.rate : IndexedHeap::never);
  }
  return true;
}

// Flows that begin may tell apart those that move. There are few variables, so all of them are made anew.
bool BatchAlone::regroup(double now) {
  stale_ = false;
  for (Group& g : groups_) {
    if (g.state != State::moving) continue;
    g.remaining = left_of(g, now);
    g.since = now;
    g.rate = 0;
  }
  const bool few_enough = refiner_.run(moving_, few + size() / 16);
  for (const std::uint32_t parent : refiner_.torn_from()) groups_.push_back(groups_[parent]);
  by_group_.clear();
  std::uint64_t classes = 0;
  for (std::uint32_t id = 0; id < groups_.size(); ++id) {
    if (groups_[id].state != State::moving) continue;
    groups_[id].count = refiner_.count(id);
    ++classes;
  }
  most_classes_ = std::max(most_classes_, classes);
  if (!few_enough) return false;
  solver_ = Solver();
  finish_ = IndexedHeap();
  group_of_variable_.clear();
  for (std::uint32_t c = 0; c < refiner_.link_classes(); ++c) solver_.add_link(refiner_.capacity(c));
  for (std::uint32_t id = 0; id < groups_.size(); ++id) {
    if (groups_[id].state == State::moving) join(id);
  }
  return true;
}

// The solver's links are the classes, by number, and then the caps.
void BatchAlone::join(std::uint32_t id) {
  Group& g = groups_[id];
  refiner_.find_terms(id, kind(g).weight, terms_);
  g.cap_link = Solver::none;
  if (std::isfinite(kind(g).cap)) {
    g.cap_link = solver_.add_link(kind(g).cap);
    terms_.push_back({g.cap_link, kind(g).weight});
  }
  g.variable = solver_.add_variable(terms_);
  if (group_of_variable_.size() <= g.variable) group_of_variable_.resize(g.variable + 1);
  group_of_variable_[g.variable] = id;
}

std::uint64_t BatchAlone::finish_until(double limit) {
  std::uint64_t finished = 0;
  while (finish_.top_key() <= limit) {
    const std::uint32_t id = finish_.top();
    finish_.erase(id);
    solver_.remove_variable(groups_[id].variable);
    groups_[id].variable = Solver::none;
    finished += groups_[id].count;
    touched_ = true;
    end(id);
  }
  return finished;
}

// Fills list_ with the flows of ending groups in order.
void BatchAlone::list_ending() {
  const std::uint32_t* group = members_.group();
  if (by_group_.empty()) {
    first_of_group_.assign(groups_.size() + 1, 0);
    for (std::uint32_t k = 0; k < size(); ++k) ++first_of_group_[group[k] + 1];
    for (std::size_t g = 0; g < groups_.size(); ++g) first_of_group_[g + 1] += first_of_group_[g];
    by_group_.resize(size());
    std::vector<std::uint32_t> next(first_of_group_.begin(), first_of_group_.end() - 1);
    for (std::uint32_t k = 0; k < size(); ++k) by_group_[next[group[k]]++] = k;
  }
  list_.clear();
  for (const std::uint32_t g : ending_) {
    list_.insert(list_.end(), by_group_.begin() + first_of_group_[g], by_group_.begin() + first_of_group_[g + 1]);
  }
  if (ending_.size() > 1) std::sort(list_.begin(), list_.end());
}

void BatchAlone::add_carried(std::vector<double>& bytes) const {
  std::vector<double> of_stretch(members_.stretches(), 0), of_piece(members_.pieces().size(), 0);
  for (std::uint32_t k = 0; k < size(); ++k) {
    const double b = kind(groups_[members_.group()[k]]).bytes;
    of_stretch[members_.near()[k]] += b;
    of_stretch[members_.far()[k]] += b;
  }
  for (std::uint32_t s = 0; s < of_stretch.size(); ++s) {
    const double b = of_stretch[s] - (left_.empty() ? 0 : left_[s]);
    for (const std::uint32_t p : members_.stretch(s)) of_piece[p] += b;
  }
  for (std::uint32_t p = 0; p < of_piece.size(); ++p) {
    for (const Paths::Load& load : paths_.piece(members_.pieces()[p])) {
      if (load.link < bytes.size()) bytes[load.link] += of_piece[p] * load.coefficient;
    }
  }
}

}  // namespace weft::engine

#include "sim/engine/solver.h"

#include <cmath>

#include "sim/core/error.h"

namespace weft::engine {

std::uint32_t Solver::add_link(double capacity) {
  WEFT_CHECK(std::isfinite(capacity) && capacity >= 0, "a capacity that is no finite number");
  if (!free_links_.empty()) {
    const std::uint32_t l = free_links_.back();
    free_links_.pop_back();
    capacity_[l] = capacity;
    load_[l] = 0;
    return l;
  }
  const auto l = static_cast<std::uint32_t>(capacity_.size());
  capacity_.push_back(capacity);
  for (auto* v : {&load_, &bound_level_, &slope_, &lower_}) v->push_back(0);
  queued_.push_back(HUGE_VAL);
  for (auto* v : {&bound_, &growing_}) v->push_back(0);
  for (auto* v : {&is_dirty_, &touched_, &full_, &released_, &stirred_}) v->push_back(0);
  users_.emplace_back();
  return l;
}

void Solver::remove_link(std::uint32_t link) {
  WEFT_CHECK(users_[link].empty(), "a link is removed while variables cross it");
  capacity_[link] = 0;
  load_[link] = 0;
  free_links_.push_back(link);
}

void Solver::set_capacity(std::uint32_t link, double capacity) {
  WEFT_CHECK(std::isfinite(capacity) && capacity >= 0, "a capacity that is no finite number");
  capacity_[link] = capacity;
  if (!is_dirty_[link]) {
    is_dirty_[link] = 1;
    dirty_.push_back(link);
  }
}

std::uint32_t Solver::add_variable(std::span<const Term> terms) {
  WEFT_CHECK(!terms.empty(), "a variable without links has no level");
  std::uint32_t v;
  if (free_variables_.empty()) {
    v = static_cast<std::uint32_t>(level_.size());
    level_.push_back(0);
    for (auto* a : {&bottleneck_, &first_, &length_}) a->push_back(none);
    state_.push_back(State::absent);
  } else {
    v = free_variables_.back();
    free_variables_.pop_back();
  }
  level_[v] = 0;
  bottleneck_[v] = none;
  state_[v] = State::added;
  length_[v] = static_cast<std::uint32_t>(terms.size());
  first_[v] = blocks_.take(length_[v]);
  if (entry_link_.size() < blocks_.extent()) {
    entry_link_.resize(blocks_.extent());
    entry_place_.resize(blocks_.extent());
    entry_coefficient_.resize(blocks_.extent());
  }
  std::uint32_t e = first_[v];
  for (const Term& t : terms) {
    entry_link_[e] = t.link;
    entry_coefficient_[e] = t.coefficient;
    entry_place_[e] = static_cast<std::uint32_t>(users_[t.link].size());
    users_[t.link].push_back({v, e, t.coefficient});
    ++e;
  }
  added_.push_back(v);
  return v;
}

void Solver::remove_variable(std::uint32_t v) {
  WEFT_CHECK(state_[v] == State::added || state_[v] == State::fixed, "a variable is removed that is not there");
  for (std::uint32_t e = first_[v]; e < first_[v] + length_[v]; ++e) {
    const std::uint32_t l = entry_link_[e];
    const Use last = users_[l].back();
    users_[l][entry_place_[e]] = last;
    entry_place_[last.entry] = entry_place_[e];
    users_[l].pop_back();
    load_[l] = users_[l].empty() ? 0 : load_[l] - entry_coefficient_[e] * level_[v];
    if (!is_dirty_[l]) {
      is_dirty_[l] = 1;
      dirty_.push_back(l);
    }
  }
  if (bottleneck_[v] != none) --bound_[bottleneck_[v]];
  bottleneck_[v] = none;
  blocks_.give_back(first_[v], length_[v]);
  state_[v] = State::absent;
  free_variables_.push_back(v);
}

double Solver::load(std::uint32_t link) const {
  double sum = 0;
  for (const Use& u : users_[link]) sum += u.coefficient * level_[u.variable];
  return sum;
}

}  // namespace weft::engine

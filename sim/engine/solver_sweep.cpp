// The sweep of Solver::solve(): from level 0 upwards, link by link.
#include <algorithm>
#include <cmath>

#include "sim/engine/solver.h"

namespace weft::engine {
namespace {

bool about(double a, double b) { return std::abs(a - b) <= Solver::tolerance * b; }
bool above(double a, double b) { return a > b + Solver::tolerance * b; }

}  // namespace

std::span<const std::uint32_t> Solver::solve() {
  begin();
  while (!queue_.empty()) {
    const auto [key, link] = queue_.front();
    std::pop_heap(queue_.begin(), queue_.end(), std::greater<>());
    queue_.pop_back();
    if (key != queued_[link]) continue;   // a nearer stop was queued since, and has been seen
    queued_[link] = HUGE_VAL;
    // Stops mostly move upwards while a link waits, so its entry is only brought up to date here.
    const double stop = next_stop(link);
    if (stop == HUGE_VAL) continue;
    if (stop > key && stop > sweep_) {
      enqueue(link);
      continue;
    }
    sweep_ = std::max(sweep_, stop);
    visit(link);
    queue_stirred();
  }
  end();
  return changed_;
}

void Solver::begin() {
  changed_.clear();
  sweep_ = 0;
  for (std::uint32_t v : added_) {
    if (state_[v] == State::added) grow(v);
  }
  added_.clear();
  for (std::uint32_t l : dirty_) {
    touch(l);
    stir(l);
    is_dirty_[l] = 0;
  }
  dirty_.clear();
  queue_stirred();
}

void Solver::end() {
  for (std::uint32_t v : moved_) {
    if (state_[v] == State::settled || state_[v] == State::growing) state_[v] = State::fixed;
  }
  moved_.clear();
  for (std::uint32_t l : touched_links_) {
    touched_[l] = full_[l] = released_[l] = 0;
    slope_[l] = lower_[l] = 0;
    growing_[l] = 0;
    queued_[l] = HUGE_VAL;
  }
  touched_links_.clear();
}

void Solver::touch(std::uint32_t link) {
  if (touched_[link]) return;
  touched_[link] = 1;
  touched_links_.push_back(link);
}

// A level, never too high, at which this link saturates or has to let go of the variables bound to it.
double Solver::next_stop(std::uint32_t link) const {
  const double room = capacity_[link] - load_[link];
  const double slack = tolerance * capacity_[link];
  double stop = HUGE_VAL;
  if (growing_[link] > 0) {
    stop = std::max({0.0, room / slope_[link], lower_[link]});
  } else if (room < -slack) {
    stop = lower_[link];   // above capacity as things stand: some levels have to come down
  }
  if (bound_[link] > 0 && !full_[link] && !released_[link] && room - slope_[link] * bound_level_[link] > slack) {
    stop = std::min(stop, bound_level_[link]);
  }
  return stop;
}

void Solver::enqueue(std::uint32_t link) {
  const double stop = next_stop(link);
  if (stop >= queued_[link]) return;
  queued_[link] = stop;
  queue_.emplace_back(stop, link);
  std::push_heap(queue_.begin(), queue_.end(), std::greater<>());
}

// A link that many variables change at once is queued once, afterwards.
void Solver::stir(std::uint32_t link) {
  if (stirred_[link]) return;
  stirred_[link] = 1;
  stirred_links_.push_back(link);
}

void Solver::queue_stirred() {
  for (const std::uint32_t l : stirred_links_) {
    stirred_[l] = 0;
    enqueue(l);
  }
  stirred_links_.clear();
}

void Solver::visit(std::uint32_t link) {
  const Filling f = filling(link);
  if (!above(f.level, sweep_)) {
    sweep_ = std::max(sweep_, f.level);
    saturate(link, sweep_);
    return;
  }
  lower_[link] = f.level;
  if (bound_[link] > 0 && !above(bound_level_[link], sweep_)) {
    if (f.room > tolerance * capacity_[link]) release(link);
    released_[link] = 1;
  }
  enqueue(link);
}

// Solves: sum of coefficient * min(own level, T) = capacity, where growing variables have no level of their own.
Solver::Filling Solver::filling(std::uint32_t link) {
  double fixed = 0, slope = 0, above_sweep = 0;
  candidates_.clear();
  for (const Use& u : users_[link]) {
    const double x = level_[u.variable];
    if (state_[u.variable] == State::growing) {
      slope += u.coefficient;
    } else if (state_[u.variable] == State::settled || !above(x, sweep_)) {
      fixed += u.coefficient * x;
    } else {
      candidates_.emplace_back(x, u.coefficient);
      above_sweep += u.coefficient * x;
    }
  }
  load_[link] = fixed + above_sweep;   // afresh, so that rounding never adds up over a long run
  if (growing_[link] > 0) slope_[link] = slope;
  double reach = slope;
  for (const auto& c : candidates_) reach += c.second;
  return {fill_candidates(capacity_[link] - fixed, slope), capacity_[link] - fixed - reach * sweep_};
}

// Takes variables whose own level lies under the estimate out of those that rise; the estimate only goes up.
double Solver::fill_candidates(double room, double slope) {
  for (;;) {
    double rising = slope;
    for (const auto& c : candidates_) rising += c.second;
    if (rising == 0) return HUGE_VAL;
    const double estimate = std::max(0.0, room / rising);
    const auto stay = std::partition(candidates_.begin(), candidates_.end(), [&](const auto& c) { return !above(estimate, c.first); });
    if (stay == candidates_.end()) return estimate;
    for (auto c = stay; c != candidates_.end(); ++c) room -= c->first * c->second;
    candidates_.erase(stay, candidates_.end());
  }
}

void Solver::saturate(std::uint32_t link, double level) {
  bound_level_[link] = level;
  full_[link] = 1;
  for (const Use& u : users_[link]) {
    const std::uint32_t v = u.variable;
    if (state_[v] == State::growing || (state_[v] == State::fixed && above(level_[v], level))) settle(v, level, link);
  }
}

// The link has room at the level of the variables bound to it: each finds another bottleneck at its level or grows on.
void Solver::release(std::uint32_t link) {
  for (const Use& u : users_[link]) {
    const std::uint32_t v = u.variable;
    if (bottleneck_[v] == link && state_[v] == State::fixed && !rebind(v)) grow(v);
  }
}

bool Solver::rebind(std::uint32_t v) {
  for (std::uint32_t e = first_[v]; e < first_[v] + length_[v]; ++e) {
    const std::uint32_t l = entry_link_[e];
    if (l == bottleneck_[v] || bound_[l] == 0 || !about(bound_level_[l], level_[v])) continue;
    const bool still_full = !touched_[l] || full_[l] ||
                            (growing_[l] == 0 && capacity_[l] - load_[l] <= tolerance * capacity_[l]);
    if (!still_full) continue;
    bind(v, l);
    return true;
  }
  return false;
}

void Solver::bind(std::uint32_t v, std::uint32_t link) {
  if (bottleneck_[v] != none) --bound_[bottleneck_[v]];
  bottleneck_[v] = link;
  if (link != none) ++bound_[link];
}

void Solver::grow(std::uint32_t v) {
  bind(v, none);
  state_[v] = State::growing;
  moved_.push_back(v);
  for (std::uint32_t e = first_[v]; e < first_[v] + length_[v]; ++e) {
    const std::uint32_t l = entry_link_[e];
    touch(l);
    load_[l] -= entry_coefficient_[e] * level_[v];
    slope_[l] += entry_coefficient_[e];
    ++growing_[l];
    lower_[l] = 0;
    full_[l] = 0;
    stir(l);
  }
}

void Solver::settle(std::uint32_t v, double level, std::uint32_t link) {
  const bool grew = state_[v] == State::growing;
  const double before = level_[v];
  if (grew && std::abs(level - before) <= 0.1 * tolerance * before) level = before;   // no news for anyone
  for (std::uint32_t e = first_[v]; e < first_[v] + length_[v]; ++e) {
    const std::uint32_t l = entry_link_[e];
    touch(l);
    if (grew) {
      slope_[l] = --growing_[l] == 0 ? 0 : slope_[l] - entry_coefficient_[e];
      load_[l] += entry_coefficient_[e] * level;
    } else {
      load_[l] += entry_coefficient_[e] * (level - before);
    }
    if (l != link && (bound_[l] > 0 || growing_[l] > 0)) stir(l);
  }
  bind(v, link);
  if (!grew) moved_.push_back(v);
  state_[v] = State::settled;
  level_[v] = level;
  if (level != before) changed_.push_back(v);
}

}  // namespace weft::engine

// The sweep of Solver::solve(): from level 0 upwards, link by link.
#include <algorithm>
#include <cmath>

#include "sim/engine/fluid/solver.h"

namespace weft::engine {
namespace {

bool about(double a, double b) { return std::abs(a - b) <= Solver::tolerance * b; }
/// A link with less load than this part of its capacity falls quiet.
constexpr double quiet_below = 0.5;

bool above(double a, double b) { return a > b + Solver::tolerance * b; }

}  // namespace

std::span<const std::uint32_t> Solver::solve() {
  begin_solve();
  while (improve()) continue;
  return changed_;
}

bool Solver::improve() {
  sweep();
  return wake_overloaded();
}

void Solver::sweep() {
  begin();
  while (!queue_.empty()) {
    const auto [key, link] = queue_.top();
    queue_.pop();
    Link& l = links_[link];
    if (key != l.queued) continue;   // a nearer stop was queued since, and has been seen
    l.queued = never;
    // Stops mostly move upwards while a link waits, so its entry is only brought up to date here.
    const double stop = next_stop(l);
    if (stop == never) continue;
    if (stop > key && stop > sweep_) {
      enqueue(link);
      continue;
    }
    sweep_ = std::max(sweep_, stop);
    visit(link);
    queue_stirred();
  }
  end();
}

// True when there is one: the levels found without it are not yet the solution.
bool Solver::wake_overloaded() {
  bool found = false;
  for (const std::uint32_t link : suspects_) {
    Link& l = links_[link];
    l.suspect = false;
    if (!l.quiet) continue;
    l.load = load(link);   // afresh, so that rounding never adds up
    if (l.load <= l.capacity * (1 + tolerance)) continue;
    wake(link);
    found = true;
  }
  suspects_.clear();
  return found;
}

void Solver::begin() {
  sweep_ = 0;
  forget_gone();
  for (const std::uint32_t v : added_) {
    if (variables_[v].state == State::added) grow(v);
  }
  added_.clear();
  for (const std::uint32_t l : dirty_) {
    links_[l].dirty = false;
    if (links_[l].quiet) continue;   // a removed link's number, given out again: swept while quiet, it would stop flows that share a lane
    touch(l);
    stir(l);
  }
  dirty_.clear();
  queue_stirred();
}

void Solver::end() {
  for (const std::uint32_t v : moved_) {
    State& state = variables_[v].state;
    if (state == State::settled || state == State::growing) state = State::fixed;
    height_[v] = variables_[v].level;
  }
  moved_.clear();
  for (const std::uint32_t link : touched_) {
    Link& l = links_[link];
    l.touched = l.full = l.released = false;
    l.slope = l.lower = 0;
    l.growing = 0;
    l.queued = never;
    if (!l.quiet && l.bound == 0 && l.load < quiet_below * l.capacity) {
      l.quiet = true;
      fallen_quiet_.push_back(link);
    }
  }
  touched_.clear();
}

void Solver::touch(std::uint32_t link) {
  if (links_[link].touched) return;
  links_[link].touched = true;
  touched_.push_back(link);
}

// A level, never too high, at which this link saturates or has to let go of the variables bound to it.
double Solver::next_stop(const Link& l) {
  const double room = l.capacity - l.load;
  const double slack = tolerance * l.capacity;
  double stop = never;
  if (l.growing > 0) {
    stop = std::max({0.0, room / l.slope, l.lower});
  } else if (room < -slack) {
    stop = l.lower;   // above capacity as things stand: some levels have to come down
  }
  if (l.bound > 0 && !l.full && !l.released && room - l.slope * l.bound_level > slack) stop = std::min(stop, l.bound_level);
  return stop;
}

void Solver::enqueue(std::uint32_t link) {
  Link& l = links_[link];
  const double stop = next_stop(l);
  if (stop >= l.queued) return;
  l.queued = stop;
  queue_.push({stop, link});
}

// A link that many variables change at once is queued once, afterwards.
void Solver::stir(std::uint32_t link) {
  if (links_[link].stirred) return;
  links_[link].stirred = true;
  stirred_.push_back(link);
}

void Solver::queue_stirred() {
  for (const std::uint32_t l : stirred_) {
    links_[l].stirred = false;
    enqueue(l);
  }
  stirred_.clear();
}

void Solver::visit(std::uint32_t link) {
  const Filling f = filling(link);
  Link& l = links_[link];
  if (above(f.level, sweep_)) {
    l.lower = f.level;
    if (l.bound > 0 && !above(l.bound_level, sweep_)) {
      if (f.room > tolerance * l.capacity) release(link);
      l.released = true;
    }
    const double stop = next_stop(l);
    if (stop < f.level || stop == never || (!queue_.empty() && queue_.top().level < f.level) || !stirred_.empty()) return enqueue(link);
    // Nothing comes before: the sweep goes on to it at once.
  }
  sweep_ = std::max(sweep_, f.level);
  saturate(link, sweep_);
}

// Solves: sum of coefficient * min(own level, T) = capacity, where growing variables have no level of their own. Most of the
// engine's time goes by here: without branches, and over nothing but users and heights.
Solver::Filling Solver::filling(std::uint32_t link) const {
  const double threshold = sweep_ * (1 + tolerance);
  double fixed = 0, reach = 0, lowest = never;
  for (const Use& u : users_[link]) {
    const double h = height_[u.variable];
    const bool rises = h > threshold;
    fixed += u.coefficient * (rises ? 0 : h);
    reach += rises ? u.coefficient : 0;
    lowest = std::min(lowest, rises ? h : never);
  }
  const double capacity = links_[link].capacity;
  double level = reach == 0 ? never : std::max(0.0, (capacity - fixed) / reach);
  while (above(level, lowest) && level != never) level = fill_above(link, level, lowest);
  return {level, capacity - fixed - reach * sweep_};
}

// Some stop at levels of their own below the estimate; those leave more to the others, so the estimate only goes up.
double Solver::fill_above(std::uint32_t link, double estimate, double& lowest) const {
  const double threshold = estimate * (1 + tolerance);
  double fixed = 0, reach = 0;
  lowest = never;
  for (const Use& u : users_[link]) {
    const double h = height_[u.variable];
    const bool rises = h >= threshold;
    fixed += u.coefficient * (rises ? 0 : h);
    reach += rises ? u.coefficient : 0;
    lowest = std::min(lowest, rises ? h : never);
  }
  return reach == 0 ? never : std::max(estimate, (links_[link].capacity - fixed) / reach);
}

void Solver::saturate(std::uint32_t link, double level) {
  Link& l = links_[link];
  l.bound_level = level;
  l.full = true;
  if (++l.saturations % 16 == 0) refresh(link);
  for (const Use& u : users_[link]) {
    if (above(height_[u.variable], level)) settle(u.variable, level, link);   // grows, or stood higher
  }
}

// Load and slope afresh, so that rounding never adds up over a long run.
void Solver::refresh(std::uint32_t link) {
  double load = 0, slope = 0;
  for (const Use& u : users_[link]) {
    const double h = height_[u.variable];
    load += u.coefficient * (h == never ? 0 : h);
    slope += h == never ? u.coefficient : 0;
  }
  links_[link].load = load;
  if (links_[link].growing > 0) links_[link].slope = slope;
}

// The link has room at the level of the variables bound to it: each finds another bottleneck at its level or grows on.
void Solver::release(std::uint32_t link) {
  for (const Use& u : users_[link]) {
    const Variable& v = variables_[u.variable];
    if (v.bottleneck == link && v.state == State::fixed && !rebind(u.variable)) grow(u.variable);
  }
}

bool Solver::rebind(std::uint32_t variable) {
  const Variable& v = variables_[variable];
  for (const Entry& t : terms(v)) {
    const Link& l = links_[t.link];
    if (l.quiet || t.link == v.bottleneck || l.bound == 0 || !about(l.bound_level, v.level)) continue;
    const bool still_full = !l.touched || l.full || (l.growing == 0 && l.capacity - l.load <= tolerance * l.capacity);
    if (!still_full) continue;
    bind(variable, t.link);
    return true;
  }
  return false;
}

void Solver::bind(std::uint32_t variable, std::uint32_t link) {
  std::uint32_t& bottleneck = variables_[variable].bottleneck;
  if (bottleneck != none) --links_[bottleneck].bound;
  bottleneck = link;
  if (link != none) ++links_[link].bound;
}

void Solver::grow(std::uint32_t variable) {
  bind(variable, none);
  Variable& v = variables_[variable];
  v.state = State::growing;
  height_[variable] = never;
  moved_.push_back(variable);
  for (const Entry& t : terms(v)) {
    Link& l = links_[t.link];
    if (l.quiet) continue;
    touch(t.link);
    l.load -= t.coefficient * v.level;
    l.slope += t.coefficient;
    ++l.growing;
    l.lower = 0;
    l.full = false;
    stir(t.link);
  }
}

void Solver::settle(std::uint32_t variable, double level, std::uint32_t link) {
  Variable& v = variables_[variable];
  const bool grew = v.state == State::growing;
  const double before = v.level;
  if (grew && std::abs(level - before) <= 0.1 * tolerance * before) level = before;   // no news for anyone
  for (const Entry& t : terms(v)) {
    Link& l = links_[t.link];
    if (l.quiet) {
      l.load += t.coefficient * (level - before);
      note_if_full(t.link);
      continue;
    }
    touch(t.link);
    if (grew) {
      l.slope = --l.growing == 0 ? 0 : l.slope - t.coefficient;
      l.load += t.coefficient * level;
    } else {
      l.load += t.coefficient * (level - before);
    }
    if (t.link != link && (l.bound > 0 || l.growing > 0)) stir(t.link);
  }
  bind(variable, link);
  if (!grew) moved_.push_back(variable);
  v.state = State::settled;
  v.level = height_[variable] = level;
  if (level != before) changed_.push_back(variable);
}

}  // namespace weft::engine

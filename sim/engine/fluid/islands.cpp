#include "sim/engine/fluid/islands.h"

#include <algorithm>
#include <cmath>

namespace weft::engine {

bool Islands::add(std::span<const std::uint32_t> flows, double now) {
  std::uint32_t id = static_cast<std::uint32_t>(islands_.size());
  if (free_.empty()) islands_.emplace_back();
  else id = free_.take();
  Island& island = islands_[id];
  island.flows.assign(flows.begin(), flows.end());
  if (!play(island, now)) {
    island.ends.clear();
    free_.give_back(id);
    return false;
  }
  if (island_of_.size() < paths_.link_count()) island_of_.resize(paths_.link_count(), none);
  for (const std::uint32_t l : island.links) island_of_[l] = id;
  live_ += flows.size();
  next_.set(id, island.ends.front().time);
  return true;
}

void Islands::give_up(std::uint32_t id, double now, std::vector<std::uint32_t>& flows, std::vector<double>& left) {
  Island& island = islands_[id];
  moving_.assign(island.flows.size(), {});
  for (const Change& c : island.changes) {
    if (c.since > now) break;
    Moving& m = moving_[c.number];
    m.left = c.left;
    m.since = c.since;
    m.rate = c.rate;
  }
  // Those that have been told are the first of the ends.
  std::vector<bool> told(island.flows.size(), false);
  for (std::size_t i = 0; i < island.next; ++i) told[island.ends[i].number] = true;
  for (std::size_t i = 0; i < island.flows.size(); ++i) {
    if (told[i]) continue;
    flows.push_back(island.flows[i]);
    left.push_back(std::max(0.0, moving_[i].left - moving_[i].rate * (now - moving_[i].since)));
  }
  live_ -= island.ends.size() - island.next;
  release(id);
}

void Islands::release(std::uint32_t id) {
  Island& island = islands_[id];
  for (const std::uint32_t l : island.links) island_of_[l] = none;
  next_.set(id, IndexedHeap::never);
  island.ends.clear();
  free_.give_back(id);
}

double Islands::finish_until(double limit, std::vector<std::uint32_t>& ended) {
  double last = 0;
  while (next_.top_key() <= limit) {
    const std::uint32_t id = next_.top();
    Island& island = islands_[id];
    for (; island.next < island.ends.size() && island.ends[island.next].time <= limit; ++island.next, --live_) {
      ended.push_back(island.flows[island.ends[island.next].number]);
      last = std::max(last, island.ends[island.next].time);
    }
    if (island.next < island.ends.size()) next_.set(id, island.ends[island.next].time);
    else release(id);
  }
  return last;
}

// Instants are those of Run: what ends within the solver's tolerance of a time ends then. False when something never ends.
bool Islands::play(Island& island, double now) {
  put_in(island, now);
  std::size_t moving = moving_.size();
  while (moving > 0) {
    solve(island, now);
    const double next = *std::min_element(finish_.begin(), finish_.end());
    if (!std::isfinite(next)) break;
    now = std::max(now, next);
    const double limit = now * (1 + Solver::tolerance);
    for (std::uint32_t i = 0; i < moving_.size(); ++i) {
      if (finish_[i] > limit) continue;
      island.ends.push_back({now, i});
      finish_[i] = IndexedHeap::never;
      solver_.remove_variable(moving_[i].variable);
      moving_[i].variable = none;
      --moving;
    }
  }
  take_out(island);
  return moving == 0;
}

void Islands::put_in(Island& island, double now) {
  island.links.clear();
  island.ends.clear();
  island.changes.clear();
  island.next = 0;
  moving_.assign(island.flows.size(), {});
  finish_.assign(island.flows.size(), IndexedHeap::never);
  if (constraint_of_.size() < paths_.link_count()) constraint_of_.resize(paths_.link_count(), none);
  for (std::uint32_t i = 0; i < island.flows.size(); ++i) {
    const std::uint32_t f = island.flows[i];
    find_terms(f, island);
    Moving& m = moving_[i];
    m.left = flows_.bytes(f);
    m.since = now;
    m.weight = flows_.weight(f);
    m.variable = solver_.add_variable(terms_);
    if (number_of_.size() <= m.variable) number_of_.resize(m.variable + 1);
    number_of_[m.variable] = i;
  }
}

void Islands::find_terms(std::uint32_t flow, Island& island) {
  terms_.clear();
  for (const std::uint32_t p : flows_.pieces(flow)) {
    for (const Paths::Load& load : paths_.piece(p)) {
      if (paths_.covered(load.link)) continue;
      std::uint32_t& c = constraint_of_[load.link];
      if (c == none) {
        c = solver_.add_link(paths_.capacity(load.link));
        island.links.push_back(load.link);
        if (sum_.size() <= c) sum_.resize(c + 1, 0);
      }
      if (sum_[c] == 0) terms_.push_back({c, 0});
      sum_[c] += load.coefficient;
    }
  }
  const double weight = flows_.weight(flow);
  for (Solver::Term& t : terms_) {
    t.coefficient = weight * sum_[t.link];
    sum_[t.link] = 0;
  }
}

void Islands::solve(Island& island, double now) {
  ++solves_;
  for (const std::uint32_t v : solver_.solve()) {
    const std::uint32_t i = number_of_[v];
    Moving& m = moving_[i];
    if (m.variable != v) continue;
    m.left = std::max(0.0, m.left - m.rate * (now - m.since));
    m.since = now;
    m.rate = m.weight * solver_.level(v);
    finish_[i] = m.rate > 0 ? now + m.left / m.rate : IndexedHeap::never;
    island.changes.push_back({now, m.left, m.rate, i});
  }
  solver_.woken().clear();
  solver_.fallen_quiet().clear();
}

void Islands::take_out(const Island& island) {
  for (const Moving& m : moving_) {
    if (m.variable != none) solver_.remove_variable(m.variable);
  }
  for (const std::uint32_t l : island.links) {
    solver_.remove_link(constraint_of_[l]);
    constraint_of_[l] = none;
  }
}

}  // namespace weft::engine

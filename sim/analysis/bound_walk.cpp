#include "sim/analysis/bound_walk.h"

#include <algorithm>

namespace weft::analysis {

double Walk::run(workloads::Program& program) {
  now_ = 0;
  program.start(*this);
  while (!due_.empty()) {
    take_due();
    for (const std::uint32_t id : ending_) {
      finish(id);
      program.on_complete(OpId(id), Seconds(now_), *this);
    }
  }
  return now_;
}

void Walk::due_at(double time, std::uint32_t id) {
  if (latest_.list == none || latest_.time != time) {
    latest_ = {time, static_cast<std::uint32_t>(lists_.size())};
    if (free_lists_.empty()) {
      lists_.emplace_back();
    } else {
      latest_.list = free_lists_.back();
      free_lists_.pop_back();
    }
    due_.push(latest_);
  }
  lists_[latest_.list].push_back(id);
}

// All that ends at the next time, in order of id.
void Walk::take_due() {
  ending_.clear();
  now_ = due_.top().time;
  while (!due_.empty() && due_.top().time == now_) {
    const std::uint32_t list = due_.top().list;
    due_.pop();
    ending_.insert(ending_.end(), lists_[list].begin(), lists_[list].end());
    lists_[list].clear();
    free_lists_.push_back(list);
    if (latest_.list == list) latest_.list = none;
  }
  if (!std::is_sorted(ending_.begin(), ending_.end())) std::sort(ending_.begin(), ending_.end());
}

void Walk::transfer(const workloads::Transfer& t, std::span<const OpId> after) { add(t.id, minimum_(t), after, OpId()); }

void Walk::compute(const workloads::Compute& c, std::span<const OpId> after) {
  OpId last;
  if (c.stream.valid()) {
    if (c.stream.value >= stream_last_.size()) stream_last_.resize(c.stream.value + 1);
    last = stream_last_[c.stream.value];
    stream_last_[c.stream.value] = c.id;
  }
  add(c.id, c.duration.value(), after, last);
}

void Walk::marker(OpId id, Seconds delay, std::span<const OpId> after) { add(id, delay.value(), after, OpId()); }

void Walk::add(OpId id, double duration, std::span<const OpId> after, OpId and_after) {
  if (id.value >= nodes_.size()) nodes_.resize(id.value + 1);
  nodes_[id.value].known = true;
  nodes_[id.value].duration = duration;
  for (const OpId a : after) wait_for(id.value, a);
  wait_for(id.value, and_after);
  if (nodes_[id.value].waiting == 0) due_at(now_ + duration, id.value);
}

void Walk::wait_for(std::uint32_t id, OpId before) {
  if (!before.valid()) return;
  if (before.value >= nodes_.size()) nodes_.resize(before.value + 1);
  Node& b = nodes_[before.value];
  if (b.finished) return;
  edges_.push_back({id, b.waiters});
  b.waiters = static_cast<std::uint32_t>(edges_.size() - 1);
  ++nodes_[id].waiting;
}

void Walk::finish(std::uint32_t id) {
  nodes_[id].finished = true;
  for (std::uint32_t e = nodes_[id].waiters; e != none; e = edges_[e].next) {
    Node& n = nodes_[edges_[e].to];
    if (--n.waiting == 0 && n.known) due_at(now_ + n.duration, edges_[e].to);
  }
  nodes_[id].waiters = none;
}

}  // namespace weft::analysis

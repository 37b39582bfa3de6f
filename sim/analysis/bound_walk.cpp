#include "sim/analysis/bound_walk.h"

namespace weft::analysis {

double Walk::run(workloads::Program& program) {
  now_ = 0;
  program.start(*this);
  while (!due_.empty()) {
    const auto [time, id] = due_.top();
    due_.pop();
    now_ = time;
    finish(id);
    program.on_complete(OpId(id), Seconds(now_), *this);
  }
  return now_;
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
  if (nodes_[id.value].waiting == 0) due_.emplace(now_ + duration, id.value);
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
    if (--n.waiting == 0 && n.known) due_.emplace(now_ + n.duration, edges_[e].to);
  }
  nodes_[id].waiters = none;
}

}  // namespace weft::analysis

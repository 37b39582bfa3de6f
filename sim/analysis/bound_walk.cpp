#include "sim/analysis/bound_walk.h"

#include <algorithm>

namespace weft::analysis {

double Walk::run(workloads::Program& program) {
  now_ = 0;
  program.start(*this);
  while (!due_.empty()) {
    now_ = due_.next();
    for (const Due::Run& run : due_.take()) {
      for (std::uint32_t id = run.first; id - run.first < run.count; ++id) {
        finish(id);
        if (ledger_ != nullptr) ledger_->completing(OpId(id));
        program.on_complete(OpId(id), Seconds(now_), *this);
      }
    }
  }
  return now_;
}

void Walk::transfer(const workloads::Transfer& t, std::span<const OpId> after) {
  if (ledger_ != nullptr) ledger_->open(t.id, Ledger::Kind::transfer, after);
  const double least = minimum_(t);
  if (ledger_ != nullptr) ledger_->close(least);
  add(t.id, least, after, OpId());
}

void Walk::transfers(const std::shared_ptr<workloads::TransferBatch>& batch, OpId first, std::span<const OpId> after) {
  const bool free = std::none_of(after.begin(), after.end(), [&](OpId a) { return holds(a); });
  if (ledger_ != nullptr) ledger_->expect(batch->size());
  if (!free || (ledger_ != nullptr && ledger_->complete())) return Sink::transfers(batch, first, after);
  workloads::Transfer t;
  for (std::uint32_t k = 0; k < batch->size(); ++k) {
    batch->read(k, t);
    t.id = OpId(first.value + k);
    due_.add(now_ + minimum_(t), t.id.value);
  }
}

void Walk::compute(const workloads::Compute& c, std::span<const OpId> after) {
  OpId last;
  if (c.stream.valid()) {
    if (c.stream.value >= stream_last_.size()) stream_last_.resize(c.stream.value + 1);
    last = stream_last_[c.stream.value];
    stream_last_[c.stream.value] = c.id;
  }
  if (ledger_ != nullptr) {
    ledger_->open(c.id, Ledger::Kind::compute, after, last);
    ledger_->close(c.duration.value());
  }
  add(c.id, c.duration.value(), after, last);
}

void Walk::marker(OpId id, Seconds delay, std::span<const OpId> after) {
  if (ledger_ != nullptr) {
    ledger_->open(id, Ledger::Kind::marker, after);
    ledger_->close(delay.value());
  }
  add(id, delay.value(), after, OpId());
}

void Walk::add(OpId id, double duration, std::span<const OpId> after, OpId and_after) {
  const bool free = !holds(and_after) && std::none_of(after.begin(), after.end(), [&](OpId a) { return holds(a); });
  if (free) return due_.add(now_ + duration, id.value);
  const std::uint32_t n = node_of(id.value);
  nodes_[n].emitted = true;
  nodes_[n].duration = duration;
  for (const OpId a : after) wait_for(n, a);
  wait_for(n, and_after);
}

std::uint32_t Walk::node_of(std::uint32_t id) {
  std::uint32_t n = places_.find(id);
  if (n != none) return n;
  n = static_cast<std::uint32_t>(nodes_.size());
  if (free_nodes_.empty()) {
    nodes_.emplace_back();
  } else {
    n = free_nodes_.back();
    free_nodes_.pop_back();
  }
  nodes_[n] = Node();
  nodes_[n].id = id;
  places_.insert(id, n);
  return n;
}

void Walk::wait_for(std::uint32_t node, OpId before) {
  if (!holds(before)) return;
  const std::uint32_t b = node_of(before.value);
  std::uint32_t e = free_edge_;
  if (e == none) {
    e = static_cast<std::uint32_t>(edges_.size());
    edges_.emplace_back();
  } else {
    free_edge_ = edges_[e].next;
  }
  edges_[e] = {node, nodes_[b].waiters};
  nodes_[b].waiters = e;
  ++nodes_[node].waiting;
}

void Walk::finish(std::uint32_t id) {
  finished_.insert(id);
  const std::uint32_t at = places_.find(id);
  if (at == none) return;
  for (std::uint32_t e = nodes_[at].waiters; e != none;) {
    const Edge edge = edges_[e];
    Node& n = nodes_[edge.to];
    if (--n.waiting == 0 && n.emitted) due_.add(now_ + n.duration, n.id);
    edges_[e].next = free_edge_;
    free_edge_ = e;
    e = edge.next;
  }
  places_.erase(id);
  free_nodes_.push_back(at);
}

}  // namespace weft::analysis

#include "sim/analysis/explain/critical_path.h"

#include <algorithm>

#include "sim/core/error.h"

namespace weft::analysis {

void CriticalPath::start(workloads::Sink& sink) {
  out_ = &sink;
  inside_.start(*this);
}

void CriticalPath::on_complete(OpId id, Seconds now, workloads::Sink& sink) {
  out_ = &sink;
  ending_ = in_flight_.find(id.value);
  inside_.on_complete(id, now, *this);
  if (ending_ != none) {
    in_flight_.erase(id.value);
    done_.insert(id.value);
    drop(ending_);
  }
  ending_ = none;
}

void CriticalPath::started(OpId id, Seconds at) {
  const std::uint32_t n = in_flight_.find(id.value);
  if (n == none) return;
  nodes_[n].start = at.value();
  reversed_.clear();
  waits_.for_each(nodes_[n].waits_for, [&](std::uint32_t before) { reversed_.push_back(before); });
  waits_.clear(nodes_[n].waits_for);
  for (const std::uint32_t before : reversed_) {   // the one named first comes last
    std::uint32_t& best = nodes_[n].before;
    if (nodes_[before].finish >= 0 && (best == none || nodes_[before].finish >= nodes_[best].finish)) best = before;
  }
  if (nodes_[n].before != none) use(nodes_[n].before);
  for (const std::uint32_t before : reversed_) drop(before);
}

void CriticalPath::finished(OpId id, Seconds at) {
  const std::uint32_t n = in_flight_.find(id.value);
  if (n == none) return;
  nodes_[n].finish = at.value();
  if (last_ != none && nodes_[last_].finish >= at.value()) return;
  use(n);
  if (last_ != none) drop(last_);
  last_ = n;
}

std::vector<OnPath> CriticalPath::take() const {
  std::vector<OnPath> path;
  for (std::uint32_t n = last_; n != none; n = nodes_[n].before) path.push_back({nodes_[n].op, Seconds(nodes_[n].start), Seconds(nodes_[n].finish)});
  std::reverse(path.begin(), path.end());
  return path;
}

void CriticalPath::transfer(const workloads::Transfer& t, std::span<const OpId> after) {
  add(t.id, after);
  out_->transfer(t, after);
}

void CriticalPath::transfers(const std::shared_ptr<workloads::TransferBatch>& batch, OpId first, std::span<const OpId> after) {
  for (std::uint32_t k = 0; k < batch->size(); ++k) add(OpId(first.value + k), after);
  out_->transfers(batch, first, after);
}

void CriticalPath::compute(const workloads::Compute& c, std::span<const OpId> after) {
  const std::uint32_t n = add(c.id, after);
  if (c.stream.valid()) {
    if (c.stream.value >= last_on_stream_.size()) last_on_stream_.resize(c.stream.value + 1, none);
    std::uint32_t& last = last_on_stream_[c.stream.value];
    if (last != none) {
      wait_for(n, last);
      drop(last);
    }
    last = n;
    use(n);
  }
  out_->compute(c, after);
}

void CriticalPath::marker(OpId id, Seconds delay, std::span<const OpId> after) {
  add(id, after);
  out_->marker(id, delay, after);
}

std::uint32_t CriticalPath::add(OpId id, std::span<const OpId> after) {
  const std::uint32_t n = node_of(id);
  for (const OpId a : after) {
    if (a.valid() && !done_.contains(a.value)) wait_for(n, node_of(a));
  }
  if (ending_ != none) wait_for(n, ending_);
  return n;
}

/// Of an operation that is in flight, or named before it is emitted.
std::uint32_t CriticalPath::node_of(OpId id) {
  std::uint32_t n = in_flight_.find(id.value);
  if (n != none) return n;
  n = static_cast<std::uint32_t>(nodes_.size());
  if (free_.empty()) {
    nodes_.emplace_back();
  } else {
    n = free_.back();
    free_.pop_back();
    nodes_[n] = {};
  }
  nodes_[n].op = id;
  nodes_[n].uses = 1;
  in_flight_.insert(id.value, n);
  return n;
}

void CriticalPath::wait_for(std::uint32_t node, std::uint32_t before) {
  waits_.push(nodes_[node].waits_for, before);
  use(before);
}

void CriticalPath::drop(std::uint32_t node) {
  while (node != none && --nodes_[node].uses == 0) {
    WEFT_CHECK(nodes_[node].waits_for == Chains<std::uint32_t>::none, "an operation that waits is forgotten");
    const std::uint32_t before = nodes_[node].before;
    nodes_[node].before = none;
    free_.push_back(node);
    node = before;
  }
}

}  // namespace weft::analysis

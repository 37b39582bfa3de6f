// Batches of transfers in a run: kept whole as long as nothing else moves, else taken apart into flows like any other.
#include <algorithm>

#include "sim/engine/fluid/run.h"

namespace weft::engine {
namespace {

constexpr std::uint32_t worth_it = 16;   // transfers; fewer are as quick one by one

}  // namespace

void Run::transfers(const std::shared_ptr<workloads::TransferBatch>& batch, OpId first, std::span<const OpId> after) {
  const bool one_by_one = !options_.classes || options_.stop_after_first_rates || options_.time_tolerance > 0 || keep_transfers_ ||
                          batch->size() < worth_it;
  if (one_by_one) return Sink::transfers(batch, first, after);
  std::uint32_t place = static_cast<std::uint32_t>(batches_.size());
  if (free_batches_.empty()) {
    batches_.emplace_back();
  } else {
    place = free_batches_.back();
    free_batches_.pop_back();
  }
  const std::uint32_t slot = operations_.emit_batch(first, batch->size(), after);
  batches_[place] = {batch, first, slot};
  operations_[slot].payload = place;
}

void Run::start_batch(std::uint32_t slot, bool alone) {
  const std::uint32_t place = operations_[slot].payload;
  const Batch b = std::move(batches_[place]);
  batches_[place] = Batch();
  free_batches_.push_back(place);
  if (!alone || !nothing_moves()) return unroll(slot, b.batch, b.first);
  auto swarm = std::make_unique<BatchAlone>(router_, lowering_, paths_, b.batch, b.first);
  if (!swarm->start(now_)) return unroll(slot, b.batch, b.first);
  alone_ = std::move(swarm);
  operations_.run_apart(slot, alone_->size(), [a = alone_.get()](std::uint32_t k) { return a->ended(k); });
  if (!sink_.wants_operations()) return;
  for (std::uint32_t k = 0; k < alone_->size(); ++k) sink_.started(OpId(b.first.value + k), Seconds(now_));
}

void Run::unroll(std::uint32_t slot, const std::shared_ptr<workloads::TransferBatch>& batch, OpId first) {
  operations_.open_batch(slot, batch->size());
  Sink::transfers(batch, first, {});
}

void Run::tell_batch() {
  const OpId first = alone_->first();
  const bool wanted = sink_.wants_operations();
  makespan_ = now_;
  alone_->tell([&](std::uint32_t k) {
    const OpId id(first.value + k);
    if (wanted) sink_.finished(id, Seconds(now_));
    operations_.finish_apart(id);
    program_.on_complete(id, Seconds(now_), *this);
  });
  if (alone_->done()) end_batch();
}

void Run::end_batch() {
  operations_.join_again(alone_->done());
  batch_carried_.resize(paths_.physical_links(), 0);
  alone_->add_carried(batch_carried_);
  batch_flows_ += alone_->flows_begun();
  batch_classes_ = std::max(batch_classes_, alone_->most_classes());
  batch_solves_ += alone_->solves();
  alone_.reset();
}

// Something else is about to move: what is left of the batch goes on as single flows.
void Run::interrupt_batch() {
  const std::unique_ptr<BatchAlone>& a = alone_;
  const OpId first = a->first();
  std::vector<BatchAlone::Left> left;
  a->leave(now_, [&](const BatchAlone::Left& l) { left.push_back(l); });
  operations_.join_again(false);
  workloads::Transfer t;
  for (const BatchAlone::Left& l : left) {
    const OpId id(first.value + l.k);
    const std::uint32_t slot = operations_.adopt(id);
    if (l.ended) {
      ending_.emplace_back(id, slot);
      continue;
    }
    t = workloads::Transfer();
    a->batch().read(l.k, t);
    const std::uint32_t flow = make_flows(t, t.legs, slot);
    operations_[slot].payload = flow;
    operations_[slot].parts = 1;
    flows_.set_bytes(flow, l.bytes);
    if (l.moving) {
      classes_.begin(flow);
    } else {
      operations_[slot].dormant = 1;
      ++dormant_;
      timers_.add(l.begin, {slot, flow});
    }
  }
  end_batch();
}

void Run::settle() {
  if (alone_) {
    if (alone_->settle(now_)) return;
    interrupt_batch();
  }
  classes_.settle(now_);
}

// So that what is said of a program that never ends does not depend on how it ran.
void Run::open_all_batches() {
  if (alone_) {
    interrupt_batch();
    classes_.settle(now_);
  }
  for (const Batch& b : batches_) {
    if (b.batch) unroll(b.slot, b.batch, b.first);
  }
}

std::vector<double> Run::carried() const {
  std::vector<double> bytes = classes_.carried();
  for (std::size_t l = 0; l < batch_carried_.size(); ++l) bytes[l] += batch_carried_[l];
  return bytes;
}

}  // namespace weft::engine

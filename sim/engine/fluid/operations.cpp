#include "sim/engine/fluid/operations.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "sim/core/error.h"

namespace weft::engine {

std::uint32_t& Operations::entry(OpId id) {
  const std::uint32_t page = id.value >> page_bits;
  if (page >= pages_.size()) {
    pages_.resize(page + 1);
    page_done_.resize(page + 1, false);
  }
  if (!pages_[page]) {
    pages_[page] = std::make_unique<Page>();
    std::fill_n(pages_[page]->slot, page_size, unseen);
  }
  return pages_[page]->slot[id.value & (page_size - 1)];
}

bool Operations::finished(OpId id) const {
  if (apart_size_ > 0 && id.value - apart_first_.value < apart_size_) return apart_ended_(id.value - apart_first_.value);
  const std::uint32_t page = id.value >> page_bits;
  if (page >= pages_.size()) return false;
  return page_done_[page] || (pages_[page] && pages_[page]->slot[id.value & (page_size - 1)] == done);
}

std::uint32_t Operations::slot_of(OpId id) {
  std::uint32_t& at = entry(id);
  if (at != unseen) return at;
  if (free_slots_.empty()) {
    at = static_cast<std::uint32_t>(slots_.size());
    slots_.emplace_back();
  } else {
    at = free_slots_.take();
  }
  slots_[at] = Operation();
  slots_[at].id = id;
  return at;
}

void Operations::hold(std::uint32_t slot, OpId by) {
  if (!by.valid() || finished(by)) return;
  const std::uint32_t before = slot_of(by);
  std::uint32_t e = free_edge_;
  if (e == none) {
    e = static_cast<std::uint32_t>(edges_.size());
    edges_.emplace_back();
  } else {
    free_edge_ = edges_[e].next;
  }
  edges_[e] = {slot, slots_[before].edges};
  slots_[before].edges = e;
  ++slots_[slot].waiting;
}

std::uint32_t Operations::emit(OpId id, Kind kind, std::span<const OpId> after, StreamId stream) {
  WEFT_CHECK(id.valid() && !finished(id), fmt::format("operation id {} is used twice", id.value));
  const std::uint32_t slot = slot_of(id);
  WEFT_CHECK(slots_[slot].kind == Kind::awaited, fmt::format("operation id {} is used twice", id.value));
  slots_[slot].kind = kind;
  ++emitted_;
  for (const OpId a : after) hold(slot, a);
  if (stream.valid()) {
    if (stream.value >= stream_tail_.size()) stream_tail_.resize(stream.value + 1);
    hold(slot, stream_tail_[stream.value]);
    stream_tail_[stream.value] = id;
  }
  if (slots_[slot].waiting == 0) ready_.push_back(slot);
  return slot;
}

void Operations::finish(std::uint32_t slot) {
  const OpId id = slots_[slot].id;
  release(slot);
  ++finished_;
  mark_done(id);
}

// Forgets the slot; those that it held back join ready().
void Operations::release(std::uint32_t slot) {
  // Edges were pushed in front: the first to wait is at the end.
  const std::size_t first = ready_.size();
  for (std::uint32_t e = slots_[slot].edges; e != none;) {
    const Edge edge = edges_[e];
    if (--slots_[edge.to].waiting == 0 && slots_[edge.to].kind != Kind::awaited) ready_.push_back(edge.to);
    edges_[e].next = free_edge_;
    free_edge_ = e;
    e = edge.next;
  }
  std::reverse(ready_.begin() + static_cast<std::ptrdiff_t>(first), ready_.end());
  slots_[slot] = Operation();
  free_slots_.give_back(slot);
}

void Operations::mark_done(OpId id) {
  entry(id) = done;
  const std::uint32_t page = id.value >> page_bits;
  if (++pages_[page]->finished == page_size) {
    pages_[page].reset();
    page_done_[page] = true;
  }
}

std::uint32_t Operations::emit_batch(OpId first, std::uint32_t size, std::span<const OpId> after) {
  const std::uint32_t slot = emit(first, Kind::batch, after);
  emitted_ += size - 1;
  return slot;
}

void Operations::open_batch(std::uint32_t slot, std::uint32_t size) {
  slots_[slot].kind = Kind::awaited;
  emitted_ -= size;
}

void Operations::run_apart(std::uint32_t slot, std::uint32_t size, std::function<bool(std::uint32_t)> ended) {
  apart_first_ = slots_[slot].id;
  apart_size_ = size;
  apart_ended_ = std::move(ended);
  slots_[slot].kind = Kind::awaited;
}

void Operations::finish_apart(OpId id) {
  ++finished_;
  const std::uint32_t page = id.value >> page_bits;
  if (page >= pages_.size() || !pages_[page]) return;
  std::uint32_t& at = pages_[page]->slot[id.value & (page_size - 1)];
  if (at == unseen) return;
  release(at);
  at = unseen;
}

// Pages of which all ids were apart and have ended are done as a whole.
void Operations::join_again(bool all) {
  const std::uint32_t size = std::exchange(apart_size_, 0);
  for (std::uint32_t k = 0; k < size;) {
    const OpId id(apart_first_.value + k);
    const std::uint32_t end = k + page_size;
    bool whole = (id.value & (page_size - 1)) == 0 && end <= size;
    for (std::uint32_t i = k; whole && !all && i < end; ++i) whole = apart_ended_(i);
    if (whole) {
      const std::uint32_t page = id.value >> page_bits;
      entry(id);   // the page exists
      pages_[page].reset();
      page_done_[page] = true;
      k = end;
      continue;
    }
    if (all || apart_ended_(k)) mark_done(id);
    ++k;
  }
  apart_ended_ = nullptr;
}

std::uint32_t Operations::adopt(OpId id) {
  const std::uint32_t slot = slot_of(id);
  slots_[slot].kind = Kind::transfer;
  slots_[slot].started = true;
  return slot;
}

std::vector<OpId> Operations::awaited() const {
  std::vector<OpId> ids;
  for (const Operation& o : slots_) {
    if (o.id.valid() && o.kind == Kind::awaited) ids.push_back(o.id);
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

}  // namespace weft::engine

// Operations: which operations of a program are known, what they wait for, and which may start.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "sim/core/ids.h"
#include "sim/engine/fluid/free_ids.h"

namespace weft::engine {

/// Operations in flight sit in slots; a finished one is forgotten but for a mark, and whole pages of finished ids go too,
/// so memory follows what is in flight.
class Operations {
 public:
  static constexpr std::uint32_t none = ~std::uint32_t{0};
  /// awaited: named by others, not emitted yet; batch: stands for many transfers that wait for the same.
  enum class Kind : std::uint8_t { awaited, transfer, timed, batch };

  struct Operation {
    OpId id;
    Kind kind = Kind::awaited;
    bool started = false;
    std::uint32_t waiting = 0;        ///< operations that have to finish before
    std::uint32_t edges = none;       ///< those that wait for this one
    std::uint32_t parts = 0;          ///< flows of a transfer that have not finished
    std::uint32_t dormant = 0;        ///< flows of a transfer whose first byte is yet to move
    bool from_the_start = false;      ///< emitted by Program::start()
    std::uint32_t payload = none;     ///< the caller's
    double duration = 0;              ///< seconds, of a timed operation
  };

  /// A new operation after all of `after` and, with a valid stream, after the stream's operations emitted before.
  /// Returns its slot; it joins ready() at once when nothing holds it.
  std::uint32_t emit(OpId id, Kind kind, std::span<const OpId> after, StreamId stream = {});
  /// Forgets an operation; those that it held back join ready().
  void finish(std::uint32_t slot);

  /// A batch of transfers with the ids from `first` on; its slot is that of the first. It is either opened, once it is
  /// ready, and its transfers are emitted, or run apart.
  std::uint32_t emit_batch(OpId first, std::uint32_t size, std::span<const OpId> after);
  void open_batch(std::uint32_t slot, std::uint32_t size);

  /// The transfers of a batch that is run apart have no slots unless somebody waits for them. `ended(k)` has to say which
  /// have been finished by finish_apart(), until join_again().
  void run_apart(std::uint32_t slot, std::uint32_t size, std::function<bool(std::uint32_t)> ended);
  void finish_apart(OpId id);
  /// `all`: every one of them has.
  void join_again(bool all);
  /// A slot for a transfer that was apart, after join_again(), as if it had been emitted alone and started.
  std::uint32_t adopt(OpId id);

  Operation& operator[](std::uint32_t slot) { return slots_[slot]; }
  /// Slots that may start now, in the order in which they came to; the caller empties it.
  std::vector<std::uint32_t>& ready() { return ready_; }
  std::uint64_t emitted() const { return emitted_; }
  std::uint64_t unfinished() const { return emitted_ - finished_; }
  /// Calls f(operation) for each one that has been emitted and has not finished.
  template <class F>
  void for_each(F f) {
    for (Operation& o : slots_) {
      if (o.id.valid() && o.kind != Kind::awaited) f(o);
    }
  }
  /// Ids that operations wait for and that nobody has emitted.
  std::vector<OpId> awaited() const;

 private:
  static constexpr std::uint32_t page_bits = 10, page_size = 1u << page_bits;
  static constexpr std::uint32_t unseen = none, done = none - 1;
  struct Page {
    std::uint32_t slot[page_size];
    std::uint32_t finished = 0;
  };
  struct Edge {
    std::uint32_t to, next;
  };

  std::uint32_t& entry(OpId id);
  bool finished(OpId id) const;
  std::uint32_t slot_of(OpId id);
  void hold(std::uint32_t slot, OpId by);
  void release(std::uint32_t slot);
  void mark_done(OpId id);

  std::vector<std::unique_ptr<Page>> pages_;
  std::vector<bool> page_done_;
  std::vector<Operation> slots_;
  FreeIds free_slots_;
  std::vector<std::uint32_t> ready_;
  std::vector<Edge> edges_;
  std::uint32_t free_edge_ = none;
  std::vector<OpId> stream_tail_;
  std::uint64_t emitted_ = 0, finished_ = 0;
  OpId apart_first_;
  std::uint32_t apart_size_ = 0;
  std::function<bool(std::uint32_t)> apart_ended_;
};

}  // namespace weft::engine

// InFlight: things by id of operation, of which few are there at a time while ids go up into millions.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "sim/core/ids.h"

namespace weft::analysis {

/// Pages of ids of which none is there any more are used again, so memory follows what is in flight.
template <class T>
class InFlight {
 public:
  /// A new thing. Precondition: there is none by this id.
  T& add(OpId id) {
    std::uint32_t slot = static_cast<std::uint32_t>(slots_.size());
    if (free_.empty()) {
      slots_.emplace_back();
    } else {
      slot = free_.back();
      free_.pop_back();
      slots_[slot] = T();
    }
    const std::uint32_t number = id.value / page_size;
    if (pages_.size() <= number) pages_.resize(number + 1);
    if (!pages_[number]) pages_[number] = spare_ ? std::move(spare_) : std::make_unique<Page>();
    pages_[number]->slot[id.value % page_size] = slot + 1;
    ++pages_[number]->used;
    return slots_[slot];
  }
  /// Null when there is none. Valid until the next add().
  T* find(OpId id) {
    const std::uint32_t number = id.value / page_size;
    if (number >= pages_.size() || !pages_[number]) return nullptr;
    const std::uint32_t slot = pages_[number]->slot[id.value % page_size];
    return slot == 0 ? nullptr : &slots_[slot - 1];
  }
  /// Precondition: it is there.
  void remove(OpId id) {
    std::unique_ptr<Page>& page = pages_[id.value / page_size];
    std::uint32_t& slot = page->slot[id.value % page_size];
    free_.push_back(slot - 1);
    slot = 0;
    if (--page->used == 0) spare_ = std::move(page);   // all zeros again
  }

 private:
  static constexpr std::uint32_t page_size = 1024;
  struct Page {
    std::uint32_t slot[page_size] = {};   // one more than the place in slots_; 0: none
    std::uint32_t used = 0;
  };
  std::vector<std::unique_ptr<Page>> pages_;
  std::unique_ptr<Page> spare_;
  std::vector<T> slots_;
  std::vector<std::uint32_t> free_;
};

}  // namespace weft::analysis

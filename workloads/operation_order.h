// The order in which operations that wait for each other can be put, or the loop that makes it impossible.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace weft::workloads {

/// What each operation waits for: lists one after the other, built in order of operation.
class WaitLists {
 public:
  /// Adds to the list of the operation that comes next.
  void add(std::uint32_t before) { list_.push_back(before); }
  /// Closes that list.
  void next() { end_.push_back(static_cast<std::uint32_t>(list_.size())); }
  std::uint32_t size() const { return static_cast<std::uint32_t>(end_.size()); }
  std::span<const std::uint32_t> of(std::uint32_t op) const {
    const std::uint32_t begin = op == 0 ? 0 : end_[op - 1];
    return {list_.data() + begin, end_[op] - begin};
  }

 private:
  std::vector<std::uint32_t> list_, end_;
};

struct OperationOrder {
  std::vector<std::uint32_t> order;  ///< every operation behind those that it waits for; of those that could come next the lowest
  std::vector<std::uint32_t> loop;   ///< not empty: each waits for the one after it, the last for the first; then there is no order
};

/// `with_next[i]` set: operation i + 1, which waits for i alone, is put right behind i. Empty: none is.
OperationOrder operation_order(const WaitLists& waits, const std::vector<bool>& with_next = {});

}  // namespace weft::workloads

// Runs of consecutive entries inside growing arrays; a run given back serves the next request of the same length.
#pragma once

#include <cstdint>
#include <vector>

namespace weft::engine {

/// Hands out offsets; the caller keeps parallel arrays of at least `extent()` entries.
class Blocks {
 public:
  std::uint32_t take(std::uint32_t length) {
    if (length == 0) return 0;
    if (length < free_.size() && !free_[length].empty()) {
      const std::uint32_t offset = free_[length].back();
      free_[length].pop_back();
      return offset;
    }
    const std::uint32_t offset = extent_;
    extent_ += length;
    return offset;
  }
  void give_back(std::uint32_t offset, std::uint32_t length) {
    if (length == 0) return;
    if (length >= free_.size()) free_.resize(length + 1);
    free_[length].push_back(offset);
  }
  std::uint32_t extent() const { return extent_; }

 private:
  std::uint32_t extent_ = 0;
  std::vector<std::vector<std::uint32_t>> free_;   // by length
};

}  // namespace weft::engine

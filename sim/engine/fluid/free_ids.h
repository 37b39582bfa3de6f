// FreeIds: numbers that were given back, the smallest first, so that things made together lie together in memory.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

namespace weft::engine {

/// With numbers handed out last-in first-out, flows of one exchange soon lie scattered among those of others; a run that starts and ends
/// hundreds at once then misses the cache at every one. A bit a number, and a bit a word of these.
class FreeIds {
 public:
  bool empty() const { return count_ == 0; }

  /// Precondition: not empty.
  std::uint32_t take() {
    while (words_[first_] == 0) ++first_;
    const std::uint32_t word = first_ * 64 + static_cast<std::uint32_t>(std::countr_zero(words_[first_]));
    const std::uint32_t id = word * 64 + static_cast<std::uint32_t>(std::countr_zero(bits_[word]));
    bits_[word] &= bits_[word] - 1;
    if (bits_[word] == 0) words_[first_] &= words_[first_] - 1;
    --count_;
    return id;
  }

  void give_back(std::uint32_t id) {
    const std::uint32_t word = id / 64;
    if (word >= bits_.size()) {
      bits_.resize(std::max<std::size_t>(word + 1, 2 * bits_.size()), 0);
      words_.resize(bits_.size() / 64 + 1, 0);
    }
    bits_[word] |= std::uint64_t{1} << id % 64;
    words_[word / 64] |= std::uint64_t{1} << word % 64;
    first_ = count_ == 0 ? word / 64 : std::min(first_, word / 64);
    ++count_;
  }

 private:
  std::vector<std::uint64_t> bits_, words_;
  std::uint32_t first_ = 0;    // no word before it has a bit
  std::uint32_t count_ = 0;
};

}  // namespace weft::engine

// A flat hash map from 64-bit keys: open addressing, one probe sequence, no erase.
#pragma once

#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "sim/core/random.h"

namespace weft::topology {

/// Key 2^64 - 1 is reserved. Pointers into it are valid until the next put().
template <class Value>
class FlatMap {
 public:
  Value* find(std::uint64_t key) {
    if (keys_.empty()) return nullptr;
    const std::size_t at = slot(key);
    return keys_[at] == key ? &values_[at] : nullptr;
  }

  /// Adds a key that is not there.
  Value& put(std::uint64_t key, Value value) {
    if ((size_ + 1) * 3 > keys_.size() * 2) grow();
    const std::size_t at = slot(key);
    keys_[at] = key;
    values_[at] = std::move(value);
    ++size_;
    return values_[at];
  }

  std::size_t size() const { return size_; }

  void clear() {
    keys_.clear();
    values_.clear();
    size_ = 0;
  }

 private:
  static constexpr std::uint64_t empty_key = std::numeric_limits<std::uint64_t>::max();

  std::size_t slot(std::uint64_t key) const {
    const std::size_t mask = keys_.size() - 1;
    std::size_t at = mix64(key) & mask;
    while (keys_[at] != empty_key && keys_[at] != key) at = (at + 1) & mask;
    return at;
  }

  void grow() {
    const std::size_t bigger = keys_.empty() ? 64 : keys_.size() * 2;
    std::vector<std::uint64_t> old_keys(bigger, empty_key);
    std::vector<Value> old_values(bigger);
    old_keys.swap(keys_);
    old_values.swap(values_);
    for (std::size_t i = 0; i < old_keys.size(); ++i) {
      if (old_keys[i] == empty_key) continue;
      const std::size_t at = slot(old_keys[i]);
      keys_[at] = old_keys[i];
      values_[at] = std::move(old_values[i]);
    }
  }

  std::vector<std::uint64_t> keys_;
  std::vector<Value> values_;
  std::size_t size_ = 0;
};

}  // namespace weft::topology

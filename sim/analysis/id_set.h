// IdSet and IdMap: which operations are done, and where those in flight sit; memory follows the ids in use, not the largest.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

namespace weft::analysis {

/// One bit an id.
class IdSet {
 public:
  bool contains(std::uint32_t id) const {
    const std::uint32_t page = id >> page_bits;
    return page < pages_.size() && pages_[page] && ((*pages_[page])[(id & mask) / 64] >> (id % 64) & 1) != 0;
  }
  void insert(std::uint32_t id) {
    const std::uint32_t page = id >> page_bits;
    if (page >= pages_.size()) pages_.resize(page + 1);
    if (!pages_[page]) pages_[page] = std::make_unique<Page>();
    (*pages_[page])[(id & mask) / 64] |= std::uint64_t{1} << (id % 64);
  }

 private:
  static constexpr std::uint32_t page_bits = 15, mask = (1u << page_bits) - 1;
  using Page = std::array<std::uint64_t, (mask + 1) / 64>;
  std::vector<std::unique_ptr<Page>> pages_;
};

/// A number for some ids; pages without any are given back.
class IdMap {
 public:
  static constexpr std::uint32_t none = ~std::uint32_t{0};

  std::uint32_t find(std::uint32_t id) const {
    const std::uint32_t page = id >> page_bits;
    return page < pages_.size() && pages_[page] ? pages_[page]->value[id & mask] : none;
  }
  /// Precondition: the id has none yet.
  void insert(std::uint32_t id, std::uint32_t value) {
    const std::uint32_t page = id >> page_bits;
    if (page >= pages_.size()) pages_.resize(page + 1);
    if (!pages_[page]) {
      pages_[page] = std::make_unique<Page>();
      pages_[page]->value.fill(none);
    }
    pages_[page]->value[id & mask] = value;
    ++pages_[page]->used;
  }
  /// Precondition: the id has one.
  void erase(std::uint32_t id) {
    auto& page = pages_[id >> page_bits];
    page->value[id & mask] = none;
    if (--page->used == 0) page.reset();
  }

 private:
  static constexpr std::uint32_t page_bits = 10, mask = (1u << page_bits) - 1;
  struct Page {
    std::array<std::uint32_t, mask + 1> value;
    std::uint32_t used = 0;
  };
  std::vector<std::unique_ptr<Page>> pages_;
};

}  // namespace weft::analysis

// PrefixCache: which beginnings of prompts a cache of given size still holds; the least recently used pieces go first.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <unordered_map>
#include <vector>

#include "workloads/inference/requests/prompts.h"

namespace weft::workloads::inference {

class PrefixCache {
 public:
  static constexpr std::uint64_t infinite = std::numeric_limits<std::uint64_t>::max();

  /// In tokens.
  explicit PrefixCache(std::uint64_t capacity = infinite) : capacity_(capacity) {}

  /// Tokens of the leading pieces that it holds. Then it holds all of them, each used later than those behind it, and what was not used
  /// for longest has made room.
  std::uint64_t visit(std::span<const Piece> pieces);
  std::uint64_t used() const { return used_; }
  std::size_t pieces() const { return where_.size(); }

 private:
  struct Entry {
    Piece piece;
    std::uint32_t newer = 0, older = 0;   // a ring through entry 0, whose `older` is the newest of all
  };

  void unlink(std::uint32_t at);
  void link_newest(std::uint32_t at);
  void drop(std::uint32_t at);
  void use(const Piece& piece);

  std::uint64_t capacity_, used_ = 0;
  std::vector<Entry> entries_ = std::vector<Entry>(1);
  std::vector<std::uint32_t> free_;
  std::unordered_map<std::uint64_t, std::uint32_t> where_;
};

}  // namespace weft::workloads::inference

// Orbits: what a group of permutations turns into each other, found by uniting ends of each generator's moves.
#pragma once

#include <cstdint>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

namespace weft::engine {

/// The least member of a set stands for it.
class Orbits {
 public:
  explicit Orbits(std::size_t n) : above_(n) { std::iota(above_.begin(), above_.end(), 0u); }

  void unite(std::span<const std::uint32_t> image) {
    for (std::uint32_t i = 0; i < image.size(); ++i) unite(i, image[i]);
  }
  void unite(std::uint32_t a, std::uint32_t b) {
    a = least(a);
    b = least(b);
    if (a > b) std::swap(a, b);
    above_[b] = a;
  }
  std::uint32_t least(std::uint32_t i) {
    while (above_[i] != i) i = above_[i] = above_[above_[i]];
    return i;
  }
  /// By member: the least of its orbit.
  std::vector<std::uint32_t> representatives() {
    std::vector<std::uint32_t> all(above_.size());
    for (std::uint32_t i = 0; i < all.size(); ++i) all[i] = least(i);
    return all;
  }

 private:
  std::vector<std::uint32_t> above_;
};

/// By representative: how many members it stands for; zero for others.
inline std::vector<std::uint32_t> sizes_of(std::span<const std::uint32_t> representative) {
  std::vector<std::uint32_t> size(representative.size(), 0);
  for (const std::uint32_t r : representative) ++size[r];
  return size;
}

}  // namespace weft::engine

// Counter-based named random draws: a function of (seed, stream name, a, b), never of the order of drawing.
#pragma once

#include <cstdint>
#include <limits>
#include <string_view>

namespace weft::core {

/// Mixes 64 bits so that every input bit reaches every output bit (the finaliser of SplitMix64,
/// Steele, Lea and Flood, OOPSLA 2014).
constexpr std::uint64_t mix64(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

/// FNV-1a of a name, 64 bits.
constexpr std::uint64_t hash_name(std::string_view name) {
  std::uint64_t h = 0xcbf29ce484222325ULL;
  for (char c : name) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return h;
}

/// Combines a hash with one more word.
constexpr std::uint64_t hash_with(std::uint64_t h, std::uint64_t word) { return mix64(h ^ mix64(word)); }

/// A uniform random bit generator for one named draw site.
/// Two generators made with the same arguments give the same sequence, wherever and whenever they are made.
class Draws {
 public:
  using result_type = std::uint64_t;
  Draws(std::uint64_t seed, std::string_view stream, std::uint64_t a = 0, std::uint64_t b = 0)
      : state_(hash_with(hash_with(hash_with(mix64(seed), hash_name(stream)), a), b)) {}

  static constexpr result_type min() { return 0; }
  static constexpr result_type max() { return std::numeric_limits<result_type>::max(); }
  result_type operator()() { return mix64(state_ + 0x9e3779b97f4a7c15ULL * counter_++); }

  /// A whole number in [0, n), without bias (Lemire's method); n must be positive.
  std::uint64_t below(std::uint64_t n);
  /// A real number in [0, 1) with 53 random bits.
  double unit() { return static_cast<double>((*this)() >> 11) * 0x1.0p-53; }

 private:
  std::uint64_t state_;
  std::uint64_t counter_ = 0;
};

}  // namespace weft::core

namespace weft { using namespace core; }

#include "sim/core/random.h"

#include "sim/core/error.h"

namespace weft::core {

std::uint64_t Draws::below(std::uint64_t n) {
  WEFT_CHECK(n > 0, "an empty range");
  // Lemire, "Fast Random Integer Generation in an Interval", ACM TOMACS 2019.
  __extension__ using Wide = unsigned __int128;
  Wide product = static_cast<Wide>((*this)()) * n;
  auto low = static_cast<std::uint64_t>(product);
  if (low < n) {
    const std::uint64_t threshold = (0 - n) % n;
    while (low < threshold) {
      product = static_cast<Wide>((*this)()) * n;
      low = static_cast<std::uint64_t>(product);
    }
  }
  return static_cast<std::uint64_t>(product >> 64);
}

}  // namespace weft::core

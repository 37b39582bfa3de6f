#include "workloads/text_program/exact_text.h"

#include <span>
#include <utility>

#include <fmt/format.h>

namespace weft::workloads {
namespace {

struct Unit {
  double factor;
  const char* name;
};

/// The first unit is the base unit, in which every number is exact.
std::string shortest(double v, std::span<const Unit> units) {
  std::string best = fmt::format("{} {}", v, units[0].name);
  for (const Unit& u : units.subspan(1)) {
    for (std::string text : {fmt::format("{} {}", v / u.factor, u.name), fmt::format("{:.12g} {}", v / u.factor, u.name)}) {
      if (text.size() <= best.size() && parse_unit(text).value == v) best = std::move(text);
    }
  }
  return best;
}

}  // namespace

std::string exact_text(Bytes v) {
  static constexpr Unit units[] = {{1, "B"},    {1024, "KiB"}, {1048576, "MiB"}, {1073741824, "GiB"}, {1099511627776, "TiB"},
                                   {1e6, "MB"}, {1e9, "GB"}};
  return shortest(v.value(), units);
}

std::string exact_text(Seconds v) {
  static constexpr Unit units[] = {{1, "s"}, {1e-3, "ms"}, {1e-6, "us"}, {1e-9, "ns"}};
  return shortest(v.value(), units);
}

std::string exact_text(BytesPerSecond v) {
  static constexpr Unit units[] = {{1, "B/s"}, {1e6, "MB/s"}, {1e9, "GB/s"}, {1e12, "TB/s"}};
  return shortest(v.value(), units);
}

}  // namespace weft::workloads

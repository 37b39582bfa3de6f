// Due: ids by the time at which they end. Ids that follow each other and end together cost next to nothing.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <limits>
#include <queue>
#include <vector>

namespace weft::analysis {

class Due {
 public:
  struct Run {
    std::uint32_t first, count;
    bool operator<(const Run& o) const { return first < o.first; }
  };

  void add(double time, std::uint32_t id);
  bool empty() const { return order_.empty(); }
  double next() const { return order_.top().time; }
  /// All that ends next, in order of id; valid until the next call. Precondition: not empty.
  const std::vector<Run>& take();

 private:
  static constexpr std::uint32_t none = ~std::uint32_t{0};
  /// Ids that end at one time; only bunches are ordered, and a time may have several.
  struct Bunch {
    double time;
    std::uint32_t list;
    bool operator>(const Bunch& o) const { return time > o.time; }
  };

  std::uint32_t list_for(double time);

  std::priority_queue<Bunch, std::vector<Bunch>, std::greater<>> order_;
  std::vector<std::vector<Run>> lists_;
  std::vector<std::uint32_t> free_;
  std::array<Bunch, 4> recent_{{{0, none}, {0, none}, {0, none}, {0, none}}};   // opened last, and still waiting
  std::uint32_t turn_ = 0;
  std::vector<Run> taken_;
};

}  // namespace weft::analysis

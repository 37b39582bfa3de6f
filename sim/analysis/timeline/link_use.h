// LinkUse: how much goes over a link, made of transfers whose mean rates are known only when they have ended.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <limits>

namespace weft::analysis {

/// Transfers begin and end in order of time. Nothing can be said of a moment before all that were under way then have ended, so
/// values come late and memory follows what began or ended since the oldest transfer that is still under way began.
class LinkUse {
 public:
  /// What to give to end().
  std::uint64_t begin(std::int64_t at_ns) {
    begun_.push_back({at_ns, 0, false});
    return first_ + begun_.size() - 1;
  }
  void end(std::uint64_t which, std::int64_t at_ns, double rate) {
    Begun& b = begun_[which - first_];
    b.rate = rate;
    b.known = true;
    ended_.push_back({at_ns, rate});
  }

  /// Calls f(time in ns, rate) for each change before `until_ns` of which nothing is open any more.
  template <class F>
  void tell(std::int64_t until_ns, F f) {
    while (open_ < begun_.size() && begun_[open_].known) ++open_;
    if (open_ < begun_.size()) until_ns = std::min(until_ns, begun_[open_].at_ns);
    for (;;) {
      const std::int64_t now = std::min(begun_.empty() ? never : begun_.front().at_ns, ended_.empty() ? never : ended_.front().at_ns);
      if (now >= until_ns) return;
      for (; !begun_.empty() && begun_.front().at_ns == now; begun_.pop_front(), ++first_, --open_) add(begun_.front().rate, 1);
      for (; !ended_.empty() && ended_.front().at_ns == now; ended_.pop_front()) add(-ended_.front().rate, -1);
      f(now, rate_);
    }
  }

  static constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();

 private:
  struct Begun {
    std::int64_t at_ns;
    double rate;
    bool known;
  };
  struct Ended {
    std::int64_t at_ns;
    double rate;
  };

  void add(double rate, int transfers) {
    moving_ += transfers;
    rate_ = moving_ == 0 ? 0 : std::max(0.0, rate_ + rate);   // rounding does not pile up
  }

  std::deque<Begun> begun_;
  std::deque<Ended> ended_;
  std::uint64_t first_ = 0;   // number of begun_.front()
  std::size_t open_ = 0;      // those before are known
  std::int64_t moving_ = 0;
  double rate_ = 0;
};

}  // namespace weft::analysis

// Lanes: which of a track's lines an operation is drawn on, so that no two on one line overlap.
#pragma once

#include <bit>
#include <cstdint>
#include <utility>
#include <vector>

namespace weft::analysis {

/// The lowest free lane of one track.
class Lanes {
 public:
  std::uint32_t take() {
    while (low_ < busy_.size() && ~busy_[low_] == 0) ++low_;
    if (low_ == busy_.size()) busy_.push_back(0);
    const auto bit = static_cast<std::uint32_t>(std::countr_one(busy_[low_]));
    busy_[low_] |= std::uint64_t{1} << bit;
    return 64 * low_ + bit;
  }
  void give_back(std::uint32_t lane) {
    busy_[lane / 64] &= ~(std::uint64_t{1} << lane % 64);
    if (lane / 64 < low_) low_ = lane / 64;
  }

 private:
  std::vector<std::uint64_t> busy_;   // a bit a lane
  std::uint32_t low_ = 0;             // all words before this one are full
};

/// How many SMs the operations hold that are on one track now: the most of theirs.
class HeldSms {
 public:
  std::uint32_t most() const {
    std::uint32_t m = 0;
    for (const auto& [sms, count] : held_) m = count > 0 && sms > m ? sms : m;
    return m;
  }
  void add(std::uint32_t sms, std::int32_t count) {
    for (auto& [known, n] : held_) {
      if (known == sms) return void(n += count);
    }
    held_.emplace_back(sms, count);
  }

 private:
  std::vector<std::pair<std::uint32_t, std::int32_t>> held_;   // by number of SMs: operations; few kinds in all
};

}  // namespace weft::analysis

#include "sim/analysis/due.h"

#include <algorithm>

namespace weft::analysis {

std::uint32_t Due::list_for(double time) {
  for (const Bunch& b : recent_) {
    if (b.list != none && b.time == time) return b.list;
  }
  Bunch fresh{time, static_cast<std::uint32_t>(lists_.size())};
  if (free_.empty()) {
    lists_.emplace_back();
  } else {
    fresh.list = free_.back();
    free_.pop_back();
  }
  recent_[turn_++ % recent_.size()] = fresh;
  order_.push(fresh);
  return fresh.list;
}

void Due::add(double time, std::uint32_t id) {
  auto& list = lists_[list_for(time)];
  if (!list.empty() && list.back().first + list.back().count == id) ++list.back().count;
  else list.push_back({id, 1});
}

const std::vector<Due::Run>& Due::take() {
  taken_.clear();
  const double time = next();
  while (!order_.empty() && order_.top().time == time) {
    const std::uint32_t at = order_.top().list;
    order_.pop();
    taken_.insert(taken_.end(), lists_[at].begin(), lists_[at].end());
    lists_[at].clear();
    free_.push_back(at);
    for (Bunch& b : recent_) {
      if (b.list == at) b.list = none;
    }
  }
  if (!std::is_sorted(taken_.begin(), taken_.end())) std::sort(taken_.begin(), taken_.end());
  return taken_;
}

}  // namespace weft::analysis

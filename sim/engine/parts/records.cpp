#include "sim/engine/parts/records.h"

#include <queue>
#include <tuple>

namespace weft::engine {

void tell(std::span<const Records* const> lists, TimelineSink& sink) {
  using Head = std::tuple<double, bool, OpId, std::size_t>;   // time, whether a start, id, list
  std::priority_queue<Head, std::vector<Head>, std::greater<>> heads;
  std::vector<std::size_t> next(lists.size(), 0);
  const auto push = [&](std::size_t l) {
    if (next[l] == lists[l]->list().size()) return;
    const Records::Record& r = lists[l]->list()[next[l]];
    heads.emplace(r.time, !r.finish, r.id, l);
  };
  for (std::size_t l = 0; l < lists.size(); ++l) push(l);
  while (!heads.empty()) {
    const auto [time, start, id, l] = heads.top();
    heads.pop();
    if (start) sink.started(id, Seconds(time));
    else sink.finished(id, Seconds(time));
    ++next[l];
    push(l);
  }
}

}  // namespace weft::engine

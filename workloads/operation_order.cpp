#include "workloads/operation_order.h"

#include <functional>
#include <queue>

namespace weft::workloads {
namespace {

constexpr std::uint32_t none = ~std::uint32_t{0};

/// Follows operations that were never put to ones that they wait for and that were not put either, until one comes again.
std::vector<std::uint32_t> loop_among(const WaitLists& waits, const std::vector<std::uint32_t>& missing) {
  std::uint32_t at = 0;
  while (missing[at] == 0) ++at;
  std::vector<std::uint32_t> path, place(waits.size(), none);
  while (place[at] == none) {
    place[at] = static_cast<std::uint32_t>(path.size());
    path.push_back(at);
    for (const std::uint32_t before : waits.of(at)) {
      if (missing[before] == 0) continue;
      at = before;
      break;
    }
  }
  path.erase(path.begin(), path.begin() + place[at]);
  return path;
}

}  // namespace

OperationOrder operation_order(const WaitLists& waits, const std::vector<bool>& with_next) {
  const std::uint32_t count = waits.size();
  std::vector<std::uint32_t> missing(count), first(count + 1, 0), waiters;
  for (std::uint32_t i = 0; i < count; ++i) {
    missing[i] = static_cast<std::uint32_t>(waits.of(i).size());
    for (const std::uint32_t before : waits.of(i)) ++first[before + 1];
  }
  for (std::uint32_t i = 0; i < count; ++i) first[i + 1] += first[i];
  waiters.resize(first[count]);
  std::vector<std::uint32_t> at(first.begin(), first.end() - 1);
  for (std::uint32_t i = 0; i < count; ++i) {
    for (const std::uint32_t before : waits.of(i)) waiters[at[before]++] = i;
  }
  std::priority_queue<std::uint32_t, std::vector<std::uint32_t>, std::greater<>> ready;
  for (std::uint32_t i = 0; i < count; ++i) {
    if (missing[i] == 0) ready.push(i);
  }
  OperationOrder out;
  out.order.reserve(count);
  while (!ready.empty()) {
    std::uint32_t op = ready.top();
    ready.pop();
    while (op != none) {
      out.order.push_back(op);
      const std::uint32_t follower = op < with_next.size() && with_next[op] ? op + 1 : none;
      for (std::uint32_t w = first[op]; w < first[op + 1]; ++w) {
        if (--missing[waiters[w]] == 0 && waiters[w] != follower) ready.push(waiters[w]);
      }
      op = follower;
    }
  }
  if (out.order.size() < count) {
    out.order.clear();
    out.loop = loop_among(waits, missing);
  }
  return out;
}

}  // namespace weft::workloads

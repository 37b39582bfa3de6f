#include "workloads/inference/serving/prefill_unit.h"

#include <algorithm>

namespace weft::workloads::inference::serving {
namespace {

/// A prompt is cut to fill a group's last tokens only if so many fit: shorter pieces cost a pass more than they save.
constexpr std::uint32_t kShortestPiece = 256;

}  // namespace

WorkWeights work_weights(const StepTimes& times, std::uint32_t max_tokens) {
  const double n = std::max(1.0, max_tokens / 2.0);
  const PrefillLoad at{n, n * (n + 1) / 2, 0, 1};
  const double time = times.prefill(at).value();
  const auto slope = [&](double PrefillLoad::* number, double more) {
    PrefillLoad l = at;
    l.*number += more;
    return std::max(0.0, times.prefill(l).value() - time) / more;
  };
  WorkWeights w{slope(&PrefillLoad::tokens, n / 2), slope(&PrefillLoad::pairs, at.pairs / 2), slope(&PrefillLoad::cached, n / 2), slope(&PrefillLoad::prompts, 1)};
  if (w.token + w.pair + w.cached + w.prompt <= 0) w.token = 1;
  return w;
}

PrefillLoad piece_load(std::uint32_t before, std::uint32_t tokens, bool last) {
  const double n = tokens, c = before;
  return {n, n * c + n * (n + 1) / 2, c, last ? 1.0 : 0.0};
}

PrefillUnit::PrefillUnit(const Unit& unit, const ServingPolicy& policy, const WorkWeights& weights)
    : unit_(unit), policy_(policy), weights_(weights), longest_(std::min(policy.max_tokens, policy.max_piece == 0 ? policy.max_tokens : policy.max_piece)), groups_(unit.groups), kv_(unit.groups, 0) {
  if (policy.prefill_balance != PrefillBalance::work) weights_ = {1, 0, 0, 0};
}

void PrefillUnit::release(std::uint32_t group, std::uint32_t tokens) {
  kv_[group] -= tokens;
  kv_total_ -= tokens;
  blocked_ = false;
}

void PrefillUnit::begin() {
  for (Group& g : groups_) g = {{}, policy_.max_tokens, 0, 0};
}

void PrefillUnit::add(std::uint32_t group, std::uint32_t request, std::uint32_t tokens, LiveRequests& requests, Pass& pass) {
  LiveRequest& r = requests[request];
  const bool last = r.prefilled + tokens == r.context;
  const PrefillLoad l = piece_load(r.prefilled, tokens, last);
  Group& g = groups_[group];
  g.load.tokens += l.tokens, g.load.pairs += l.pairs, g.load.cached += l.cached, g.load.prompts += l.prompts;
  g.work += weights_.of(l);
  g.room -= tokens;
  ++g.pieces;
  pass.pieces.push_back({request, group, tokens, last});
  if (!last) pinned_.push_back(request);
}

bool PrefillUnit::takes(std::uint32_t group, const LiveRequest& r) const {
  return kv_[group] + r.context <= unit_.kv_tokens && (policy_.max_prompts == 0 || groups_[group].pieces < policy_.max_prompts);
}

// In order of arrival, until their pieces would fill all groups.
std::vector<std::uint32_t> PrefillUnit::take_candidates(std::deque<std::uint32_t>& waiting, const LiveRequests& requests) {
  std::vector<std::uint32_t> taken;
  std::uint64_t room = 0, pieces = 0;
  for (const Group& g : groups_) {
    room += g.room;
    pieces += policy_.max_prompts == 0 ? waiting.size() : policy_.max_prompts - std::min(policy_.max_prompts, g.pieces);
  }
  double memory = unit_.kv_tokens * unit_.groups - kv_total_;
  while (!waiting.empty() && taken.size() < pieces) {
    const LiveRequest& r = requests[waiting.front()];
    const std::uint32_t tokens = wanted(r);
    if (tokens > room || r.context > memory) break;
    room -= tokens;
    memory -= r.context;
    taken.push_back(waiting.front());
    waiting.pop_front();
  }
  return taken;
}

// To the group with the least work that has room for the piece; else cut, to the one with the most room.
bool PrefillUnit::deal_out(std::uint32_t request, LiveRequests& requests, Pass& pass) {
  LiveRequest& r = requests[request];
  const std::uint32_t tokens = wanted(r), none = unit_.groups;
  std::uint32_t best = none, widest = none;
  for (std::uint32_t k = 0; k < unit_.groups; ++k) {
    const std::uint32_t g = policy_.prefill_balance == PrefillBalance::in_turn ? (turn_ + k) % unit_.groups : k;
    if (!takes(g, r)) continue;
    if (widest == none || groups_[g].room > groups_[widest].room) widest = g;
    if (groups_[g].room < tokens) continue;
    if (best == none || (policy_.prefill_balance != PrefillBalance::in_turn && groups_[g].work < groups_[best].work)) best = g;
  }
  std::uint32_t piece = tokens;
  if (best == none) {
    if (widest == none || groups_[widest].room < std::min(kShortestPiece, longest_)) return false;
    best = widest;
    piece = groups_[widest].room;
  }
  if (policy_.prefill_balance == PrefillBalance::in_turn) turn_ = (best + 1) % unit_.groups;
  r.prefill_group = best;
  kv_[best] += r.context;
  kv_total_ += r.context;
  add(best, request, piece, requests, pass);
  return true;
}

void PrefillUnit::finish(Pass& pass) const {
  double most = 0, sum = 0;
  for (const Group& g : groups_) {
    pass.slowest.tokens = std::max(pass.slowest.tokens, g.load.tokens);
    pass.slowest.pairs = std::max(pass.slowest.pairs, g.load.pairs);
    pass.slowest.cached = std::max(pass.slowest.cached, g.load.cached);
    pass.slowest.prompts = std::max(pass.slowest.prompts, g.load.prompts);
    most = std::max(most, g.work);
    sum += g.work;
  }
  if (sum > 0) pass.imbalance = most * unit_.groups / sum;
}

Pass PrefillUnit::next(std::deque<std::uint32_t>& waiting, LiveRequests& requests) {
  Pass pass;
  begin();
  const std::vector<std::uint32_t> resumed = std::exchange(pinned_, {});
  for (const std::uint32_t request : resumed) {   // their cache lies on their group
    const LiveRequest& r = requests[request];
    const std::uint32_t tokens = std::min(wanted(r), groups_[r.prefill_group].room);
    if (tokens > 0) add(r.prefill_group, request, tokens, requests, pass);
    else pinned_.push_back(request);
  }
  const std::vector<std::uint32_t> arrived = take_candidates(waiting, requests);
  std::vector<std::pair<double, std::uint32_t>> order;   // work, place in order of arrival
  for (std::uint32_t i = 0; i < arrived.size(); ++i) {
    const LiveRequest& r = requests[arrived[i]];
    order.emplace_back(weights_.of(piece_load(r.prefilled, wanted(r), true)), i);
  }
  if (policy_.prefill_balance != PrefillBalance::in_turn) {
    std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  }
  std::vector<std::uint32_t> left;
  for (const auto& [work, i] : order) {
    if (!deal_out(arrived[i], requests, pass)) left.push_back(i);
  }
  std::sort(left.begin(), left.end(), std::greater<>());
  for (const std::uint32_t i : left) waiting.push_front(arrived[i]);
  blocked_ = pass.pieces.empty() && !waiting.empty();
  finish(pass);
  return pass;
}

}  // namespace weft::workloads::inference::serving

#include "workloads/inference/serving/prefill_unit.h"

#include <algorithm>
#include <cmath>

namespace weft::workloads::inference::serving {
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
    : unit_(unit), policy_(policy), weights_(weights), groups_(unit.groups), kv_(unit.groups, 0) {
  if (policy.prefill_balance != PrefillBalance::work) weights_ = {1, 0, 0, 0};
  longest_ = policy.max_piece == 0 ? policy.max_tokens : std::min(policy.max_tokens, policy.max_piece);
  most_work_ = weights_.of(piece_load(0, policy.max_tokens, false));
}

void PrefillUnit::release(std::uint32_t group, std::uint32_t tokens) {
  kv_[group] -= tokens;
  kv_total_ -= tokens;
  blocked_ = false;
}

// The largest n with n (token + pair before) + pair n (n + 1) / 2 <= what is left of `work` for it.
std::uint32_t PrefillUnit::tokens_for(double work, const LiveRequest& r) const {
  const std::uint32_t left = std::min(r.context - r.prefilled, longest_);
  const double budget = work - weights_.cached * r.prefilled - weights_.prompt;
  if (budget <= 0) return 0;
  const double half = weights_.pair / 2, linear = weights_.token + weights_.pair * r.prefilled + half;
  const double root = linear + std::sqrt(linear * linear + 4 * half * budget);
  if (root <= 0) return left;
  return static_cast<std::uint32_t>(std::min<double>(left, 2 * budget / root));
}

// Of a group that has nothing to do yet, as long as it may be, but never nothing.
std::uint32_t PrefillUnit::first_piece(const LiveRequest& r) const {
  return std::max(std::min({policy_.min_piece, r.context - r.prefilled, longest_}), tokens_for(most_work_, r));
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

// Requests of which pieces are left go on where their cache lies, in order, as far as the pass has room.
void PrefillUnit::resume(LiveRequests& requests, Pass& pass) {
  for (const std::uint32_t request : std::exchange(pinned_, {})) {
    const LiveRequest& r = requests[request];
    const Group& g = groups_[r.prefill_group];
    const std::uint32_t tokens = g.pieces == 0 ? first_piece(r) : std::min(g.room, tokens_for(most_work_ - g.work, r));
    const std::uint32_t least = std::min(policy_.min_piece, r.context - r.prefilled);
    if (tokens > 0 && (g.pieces == 0 || (tokens >= least && has_place(g)))) add(r.prefill_group, request, tokens, requests, pass);
    else pinned_.push_back(request);
  }
}

// In order of arrival, until their pieces would fill all groups.
std::vector<PrefillUnit::Candidate> PrefillUnit::take_candidates(std::deque<std::uint32_t>& waiting, const LiveRequests& requests) {
  std::vector<Candidate> taken;
  std::uint64_t room = 0, pieces = 0;
  double work = 0, memory = unit_.kv_tokens * unit_.groups - kv_total_;
  for (const Group& g : groups_) {
    room += g.room;
    work += std::max(0.0, most_work_ - g.work);
    pieces += policy_.max_prompts == 0 ? waiting.size() : policy_.max_prompts - std::min(policy_.max_prompts, g.pieces);
  }
  while (!waiting.empty() && taken.size() < pieces) {
    const LiveRequest& r = requests[waiting.front()];
    const std::uint32_t tokens = first_piece(r);
    const double own = weights_.of(piece_load(r.prefilled, tokens, r.prefilled + tokens == r.context));
    if (tokens > room || r.context > memory || (own > work && !taken.empty())) break;
    room -= tokens;
    memory -= r.context;
    work -= own;
    taken.push_back({own, waiting.front(), static_cast<std::uint32_t>(taken.size())});
    waiting.pop_front();
  }
  return taken;
}

// To the group with the least work, if it has room for the piece; else cut, to fill what a group has left.
bool PrefillUnit::deal_out(std::uint32_t request, LiveRequests& requests, Pass& pass) {
  LiveRequest& r = requests[request];
  const std::uint32_t none = unit_.groups;
  const bool in_turn = policy_.prefill_balance == PrefillBalance::in_turn;
  std::uint32_t best = none, tokens = 0;
  for (std::uint32_t k = 0; k < unit_.groups; ++k) {
    const std::uint32_t i = in_turn ? (turn_ + k) % unit_.groups : k;
    const Group& g = groups_[i];
    if (!has_place(g) || kv_[i] + r.context > unit_.kv_tokens) continue;
    if (best != none && (in_turn || g.work >= groups_[best].work)) continue;
    const std::uint32_t fits = g.pieces == 0 ? first_piece(r) : std::min(g.room, tokens_for(most_work_ - g.work, r));
    if (fits < std::min(policy_.min_piece, r.context - r.prefilled) && g.pieces > 0) continue;
    best = i;
    tokens = fits;
  }
  if (best == none || tokens == 0) return false;
  turn_ = (best + 1) % unit_.groups;
  r.prefill_group = best;
  kv_[best] += r.context;
  kv_total_ += r.context;
  add(best, request, tokens, requests, pass);
  return true;
}

void PrefillUnit::finish(Pass& pass) const {
  double sum = 0, tokens = 0;
  const Group* busiest = &groups_.front();
  for (const Group& g : groups_) {
    tokens += g.load.tokens;
    sum += g.work;
    if (g.work > busiest->work) busiest = &g;
    pass.slowest.tokens = std::max(pass.slowest.tokens, g.load.tokens);
    pass.slowest.pairs = std::max(pass.slowest.pairs, g.load.pairs);
    pass.slowest.cached = std::max(pass.slowest.cached, g.load.cached);
    pass.slowest.prompts = std::max(pass.slowest.prompts, g.load.prompts);
  }
  if (sum > 0) pass.imbalance = busiest->work * unit_.groups / sum;
  if (policy_.wait_for == WaitFor::largest_of_each) return;
  pass.slowest = busiest->load;
  pass.slowest.tokens = std::max(pass.slowest.tokens, tokens / unit_.groups);
}

Pass PrefillUnit::next(std::deque<std::uint32_t>& waiting, LiveRequests& requests) {
  Pass pass;
  for (Group& g : groups_) g = {{}, policy_.max_tokens, 0, 0};
  resume(requests, pass);
  std::vector<Candidate> candidates = take_candidates(waiting, requests);
  if (policy_.prefill_balance != PrefillBalance::in_turn) {
    // Those that were left over last time come first: short ones would be left over again and again.
    const auto old = candidates.begin() + std::min<std::ptrdiff_t>(left_over_, std::ssize(candidates));
    const auto more = [](const Candidate& a, const Candidate& b) { return a.work > b.work; };
    std::stable_sort(candidates.begin(), old, more);
    std::stable_sort(old, candidates.end(), more);
  }
  std::erase_if(candidates, [&](const Candidate& c) { return deal_out(c.request, requests, pass); });
  left_over_ = static_cast<std::uint32_t>(candidates.size());
  std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) { return a.place > b.place; });
  for (const Candidate& c : candidates) waiting.push_front(c.request);
  blocked_ = pass.pieces.empty() && !waiting.empty();
  finish(pass);
  return pass;
}

}  // namespace weft::workloads::inference::serving

#include "workloads/inference/serving/decode_stage.h"

#include <algorithm>

namespace weft::workloads::inference::serving {

DecodeStage::DecodeStage(const StageSetup& stage, const ServingPolicy& policy, std::uint64_t seed)
    : unit_(stage.unit), policy_(policy), drafts_(stage.unit.drafts, policy.acceptance, seed), groups_per_unit_(stage.unit.groups),
      groups_(stage.groups()), units_(stage.units) {
  // By differences at half the memory, in requests of a twentieth of it.
  const DecodeLoad at{10, unit_.kv_tokens / 2};
  const double time = stage.times->decode(at).value();
  const auto slope = [&](const DecodeLoad& more, double by) { return std::max(0.0, stage.times->decode(more).value() - time) / by; };
  request_weight_ = slope({at.requests + 5, at.kv_tokens}, 5);
  kv_weight_ = slope({at.requests, 1.5 * at.kv_tokens}, 0.5 * at.kv_tokens);
  if (request_weight_ + kv_weight_ <= 0) request_weight_ = 1;
}

std::uint64_t DecodeStage::promise(const LiveRequest& r) const {
  return policy_.kv_room == KvRoom::reserve ? std::uint64_t{r.prompt} + r.output : 0;
}

bool DecodeStage::has_room(const DecodeGroup& g, const LiveRequest& r) const {
  if (policy_.max_requests != 0 && g.placed() >= policy_.max_requests) return false;
  if (policy_.kv_room == KvRoom::reserve) return g.taken() + static_cast<double>(promise(r)) <= unit_.kv_tokens;
  const double next_step = static_cast<double>(g.placed() + 1) * drafts_.most();
  // Alone it always fits: its whole answer does.
  return g.placed() == 0 || g.taken() + r.context + 1 + next_step <= unit_.kv_tokens;
}

std::optional<std::uint32_t> DecodeStage::choose(const LiveRequest& r) const {
  std::optional<std::uint32_t> best;
  double least = 0;
  const auto groups = static_cast<std::uint32_t>(groups_.size());
  for (std::uint32_t k = 0; k < groups; ++k) {
    const bool in_turn = policy_.decode_balance == DecodeBalance::in_turn;
    const std::uint32_t i = in_turn ? (turn_ + k) % groups : k;
    const DecodeGroup& g = groups_[i];
    if (!has_room(g, r)) continue;
    if (in_turn) return i;
    // Parts of what all groups hold, so that tokens and requests weigh the same.
    double load = 0;
    if (policy_.decode_balance != DecodeBalance::requests) load += g.placed_kv() / std::max(1.0, placed_kv_);
    if (policy_.decode_balance != DecodeBalance::kv) load += g.placed() / std::max(1.0, placed_);
    if (!best || load < least) best = i, least = load;
  }
  return best;
}

void DecodeStage::place(std::uint32_t group, LiveRequest& r) {
  DecodeGroup& g = groups_[group];
  const double before = g.taken();
  g.place(r.context + 1, promise(r));
  taken_ += g.taken() - before;
  placed_kv_ += r.context + 1;
  ++placed_;
  r.decode_group = group;
  turn_ = (group + 1) % static_cast<std::uint32_t>(groups_.size());
}

void DecodeStage::arrive(std::uint32_t request, std::uint32_t group) { units_[unit_of(group)].arrived.push_back(request); }

// The step may need more memory than there is: the youngest give way, but never the last one.
void DecodeStage::make_room(UnitState& unit, DecodeGroup& group, std::vector<Left>& evicted) {
  while (group.placed() > 1 && group.running() > 0 && group.taken() + static_cast<double>(group.running()) * drafts_.most() > unit_.kv_tokens) {
    const double before = group.taken();
    evicted.push_back(group.evict(unit.step, drafts_));
    taken_ += group.taken() - before;
    placed_kv_ += group.taken() - before;
    --placed_;
  }
}

StepPlan DecodeStage::begin(std::uint32_t unit, const LiveRequests& requests, std::vector<Left>& evicted) {
  UnitState& u = units_[unit];
  StepPlan plan;
  plan.joined = std::exchange(u.arrived, {});
  for (const std::uint32_t request : plan.joined) {
    const LiveRequest& r = requests[request];
    u.counted += r.counted;
    groups_[r.decode_group].join(request, r.context + 1, r.output - r.delivered, drafts_.key(r.number), u.step, drafts_);
  }
  double kv = 0, most_kv = 0, most_work = -1;
  for (std::uint32_t g = unit * groups_per_unit_; g < (unit + 1) * groups_per_unit_; ++g) {
    if (policy_.kv_room == KvRoom::preempt) make_room(u, groups_[g], evicted);
    plan.largest_batch = std::max<double>(plan.largest_batch, groups_[g].running());
    most_kv = std::max(most_kv, groups_[g].kv());
    const double work = request_weight_ * groups_[g].running() + kv_weight_ * groups_[g].kv();
    if (work > most_work) most_work = work, plan.slowest = {static_cast<double>(groups_[g].running()), groups_[g].kv()};
    plan.requests += groups_[g].running();
    kv += groups_[g].kv();
  }
  for (const Left& l : evicted) u.counted -= requests[l.request].counted;
  plan.counted = u.counted;
  u.busy = plan.requests > 0;
  if (!u.busy) return plan;
  const double mean = static_cast<double>(plan.requests) / groups_per_unit_;
  if (policy_.wait_for == WaitFor::largest_of_each) plan.slowest = {plan.largest_batch, most_kv};
  else plan.slowest.requests = std::max(plan.slowest.requests, mean);
  plan.kv_imbalance = most_kv * groups_per_unit_ / kv;
  plan.request_imbalance = plan.largest_batch / mean;
  return plan;
}

std::uint64_t DecodeStage::end(std::uint32_t unit, const LiveRequests& requests, std::vector<Left>& left) {
  UnitState& u = units_[unit];
  std::uint64_t tokens = 0;
  for (std::uint32_t g = unit * groups_per_unit_; g < (unit + 1) * groups_per_unit_; ++g) {
    DecodeGroup& group = groups_[g];
    const double taken = group.taken(), kv = group.placed_kv();
    const std::size_t first = left.size();
    tokens += group.advance(u.step, drafts_, left);
    for (std::size_t i = first; i < left.size(); ++i) {
      const LiveRequest& r = requests[left[i].request];
      group.release(promise(r));
      u.counted -= r.counted;
    }
    placed_ -= static_cast<double>(left.size() - first);
    taken_ += group.taken() - taken;
    placed_kv_ += group.placed_kv() - kv;
  }
  ++u.step;
  u.busy = false;
  return tokens;
}

}  // namespace weft::workloads::inference::serving

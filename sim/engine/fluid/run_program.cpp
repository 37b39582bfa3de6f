// What a Program says to the engine, and what the engine says at the end.
#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "sim/core/error.h"
#include "sim/engine/fluid/run.h"

namespace weft::engine {

void Run::transfer(const workloads::Transfer& t, std::span<const OpId> after) {
  WEFT_CHECK(std::isfinite(t.bytes.value()) && t.bytes.value() >= 0, fmt::format("transfer {} has no valid size", t.id.value));
  WEFT_CHECK(t.weight > 0 && std::isfinite(t.weight), fmt::format("transfer {} has no valid weight", t.id.value));
  const std::uint32_t slot = operations_.emit(t.id, Operations::Kind::transfer, after);
  if (starting_program_) {
    operations_[slot].from_the_start = true;
    ++transfers_to_start_;
  }
  if (!keep_transfers_) {
    const std::uint32_t first = make_flows(t, t.legs, slot);
    operations_[slot].payload = first;
    return;
  }
  std::uint32_t place = static_cast<std::uint32_t>(kept_.size());
  if (free_kept_.empty()) {
    kept_.emplace_back();
  } else {
    place = free_kept_.back();
    free_kept_.pop_back();
  }
  kept_[place] = std::make_unique<Kept>(Kept{t, {t.legs.begin(), t.legs.end()}, FlowStore::none});
  operations_[slot].payload = place;
}

void Run::compute(const workloads::Compute& c, std::span<const OpId> after) {
  WEFT_CHECK(std::isfinite(c.duration.value()) && c.duration.value() >= 0, fmt::format("compute {} has no valid duration", c.id.value));
  const std::uint32_t slot = operations_.emit(c.id, Operations::Kind::timed, after, c.stream);
  operations_[slot].duration = c.duration.value();
}

void Run::marker(OpId id, Seconds delay, std::span<const OpId> after) {
  WEFT_CHECK(std::isfinite(delay.value()) && delay.value() >= 0, fmt::format("marker {} has no valid delay", id.value));
  const std::uint32_t slot = operations_.emit(id, Operations::Kind::timed, after);
  operations_[slot].duration = delay.value();
}

// A transfer's weight and cap are for all of its flows together: they are dealt out like its bytes.
std::uint32_t Run::make_flows(const workloads::Transfer& t, std::span<const workloads::Leg> legs, std::uint32_t owner) {
  const Lowered& lowered = lowering_.lower(legs, t.kernel, t.flow_key);
  const double cap = t.rate_cap ? t.rate_cap->value() : std::numeric_limits<double>::infinity();
  std::uint32_t first = FlowStore::none;
  for (std::size_t q = lowered.flows.size(); q-- > 0;) {
    const LoweredFlow& l = lowered.flows[q];
    const double wire = t.latency_mode == workloads::LatencyMode::wire ? l.latency : 0;
    const std::uint32_t f = flows_.create(t.bytes.value() * l.share, t.weight * l.share, cap * l.share, t.extra_latency.value() + wire,
                                          owner, {lowered.pieces.data() + l.first, l.count});
    flows_.set_index(f, static_cast<std::uint32_t>(q));
    use_pieces(f);
    flows_.next_of_owner[f] = first;
    first = f;
  }
  return first;
}

void Run::use_pieces(std::uint32_t flow) {
  for (const std::uint32_t p : flows_.pieces(flow)) {
    if (paths_.passing(p)) paths_.use(p);
  }
}

void Run::release_pieces(std::uint32_t flow) {
  for (const std::uint32_t p : flows_.pieces(flow)) {
    if (!paths_.passing(p) || !paths_.release(p)) continue;
    classes_.forget_piece(p);
    paths_.forget(p);
  }
}

Summary Run::summary() const {
  Summary s;
  s.makespan = Seconds(makespan_);
  s.operations = operations_.emitted();
  s.flows = classes_.flows_begun() + batch_flows_;
  s.classes = std::max(classes_.most_classes(), batch_classes_);
  s.events = events_;
  s.solves = classes_.solves() + batch_solves_;
  std::vector<double> could(paths_.physical_links(), 0);
  for (std::uint32_t l = 0; l < could.size(); ++l) could[l] = paths_.capacity(l) * makespan_;
  for (const CapacityPast& past : capacity_past_) {
    could[past.link] = past.integral + past.rate * std::max(0.0, makespan_ - past.since);
  }
  const std::vector<double> carried = this->carried();
  for (std::uint32_t l = 0; l < could.size(); ++l) {
    if (could[l] <= 0 || carried[l] / could[l] <= s.max_link_utilisation) continue;
    s.max_link_utilisation = carried[l] / could[l];
    s.busiest_link = LinkId(l);
  }
  return s;
}

}  // namespace weft::engine

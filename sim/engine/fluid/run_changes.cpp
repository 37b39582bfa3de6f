// Changes of the fabric in mid-run: capacities, links that fail and come back, and the transfers that have to move.
#include <algorithm>

#include <fmt/format.h>

#include "sim/core/error.h"
#include "sim/engine/fluid/run.h"

namespace weft::engine {
namespace {

std::string text_of(const Endpoint& e) {
  const char* kind = "gpu";
  switch (e.kind) {
    case Endpoint::Kind::gpu: break;
    case Endpoint::Kind::nic: kind = "nic"; break;
    case Endpoint::Kind::host: kind = "host"; break;
    case Endpoint::Kind::storage_nic: kind = "storage_nic"; break;
    case Endpoint::Kind::nic_switch: kind = "nic_switch"; break;
    case Endpoint::Kind::ssd: return fmt::format("storage{}.ssd{}", e.node.value, e.local);
    case Endpoint::Kind::storage_host: return fmt::format("storage{}.host", e.node.value);
  }
  return fmt::format("node{}.{}{}", e.node.value, kind, e.local);
}

}  // namespace

void Run::apply_changes() {
  for (; next_change_ < changes_.size() && changes_[next_change_].at.value() <= limit_; ++next_change_) {
    const FabricEvent& e = changes_[next_change_];
    WEFT_CHECK(e.link.value < paths_.physical_links(), "an event of the fabric names a link that is not there");
    ++events_;
    if (e.what == FabricEvent::What::capacity) change_capacity(e);
    else change_wiring(e);
  }
}

void Run::change_capacity(const FabricEvent& e) {
  if (alone_) interrupt_batch();
  const std::uint32_t l = e.link.value;
  router_.set_capacity(e.link, e.rate);
  auto past = std::find_if(capacity_past_.begin(), capacity_past_.end(), [&](const CapacityPast& p) { return p.link == l; });
  if (past == capacity_past_.end()) past = capacity_past_.insert(past, {l, 0, 0, paths_.capacity(l)});
  past->integral += past->rate * (now_ - past->since);
  past->since = now_;
  past->rate = e.rate.value();
  paths_.set_capacity(l, e.rate.value());
  classes_.capacity_changed(l);
}

// A cable that fails is dead in both directions, as a port is. Flows that crossed it, or all flows when one comes back,
// are routed anew with what they have left; they pay no latency again.
void Run::change_wiring(const FabricEvent& e) {
  const bool up = e.what == FabricEvent::What::repair;
  const LinkId reverse = router_.fabric().link(e.link).reverse;
  router_.set_up(e.link, up);
  if (reverse.valid()) router_.set_up(reverse, up);
  lowering_.forget_routes();
  if (up) {   // it may have been down from the start, when its capacity read as zero
    for (const LinkId l : {e.link, reverse}) {
      if (!l.valid()) continue;
      paths_.set_capacity(l.value, router_.capacity(l).value());
      classes_.capacity_changed(l.value);
    }
  }
  classes_.unbundle(now_);
  operations_.for_each([&](Operations::Operation& op) {
    if (op.kind == Operations::Kind::transfer && op.started) reroute(op.payload, op.id, up ? LinkId() : e.link);
  });
}

void Run::reroute(std::uint32_t place, OpId id, LinkId lost) {
  Kept& k = *kept_[place];
  if (lost.valid()) {
    const LinkId reverse = router_.fabric().link(lost).reverse;
    bool crosses = false;
    for (std::uint32_t f = k.first_flow; f != FlowStore::none; f = flows_.next_of_owner[f]) {
      for (const std::uint32_t p : flows_.pieces(f)) {
        crosses = crosses || paths_.piece_crosses(p, lost.value) || (reverse.valid() && paths_.piece_crosses(p, reverse.value));
      }
    }
    if (!crosses) return;
  }
  const Lowered* lowered = nullptr;
  try {
    lowered = &lowering_.lower(k.legs, k.transfer.kernel, k.transfer.flow_key);
  } catch (const UserError& why) {
    throw no_path_left(k, id, why);
  }
  std::size_t q = 0;
  for (std::uint32_t f = k.first_flow; f != FlowStore::none; f = flows_.next_of_owner[f], ++q) {
    WEFT_CHECK(q < lowered->flows.size(), "a transfer has fewer flows after a failure");
    release_pieces(f);
    flows_.set_pieces(f, {lowered->pieces.data() + lowered->flows[q].first, lowered->flows[q].count});
    use_pieces(f);
  }
}

UserError Run::no_path_left(const Kept& k, OpId id, const UserError& why) const {
  std::string ends;
  for (const workloads::Leg& leg : k.legs) {
    if (in_same_machine(leg.from, leg.to) && k.legs.size() > 1) continue;
    ends = fmt::format(" from {} to {}", text_of(leg.from), text_of(leg.to));
    break;
  }
  const Problem first = why.problems().empty() ? Problem{} : why.problems().front();
  return UserError("/cluster/events", fmt::format("operation {}{} has no path left at {}: {}", id.value, ends, to_text(Seconds(now_)), first.message),
                   "transfers keep the NICs that they have begun with: repair the part, or let it fail from the start (/cluster/failed), which workloads with \"on_lost_nic\" go around");
}

}  // namespace weft::engine

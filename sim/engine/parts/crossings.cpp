#include "sim/engine/parts/crossings.h"

#include <algorithm>
#include <tuple>

#include "sim/core/random.h"

namespace weft::engine {
namespace {

/// The cable of a NIC in a segment; null when there is none.
const topology::Hop* nic_cable(const topology::Router& router, SegmentId segment) {
  for (const topology::Hop& hop : router.segment(segment)) {
    if (router.fabric().link(hop.link).cable == topology::CableClass::endpoint) return &hop;
  }
  return nullptr;
}

/// One share for each cable and NIC, the largest.
void sort_out(std::vector<Crossings::Share>& shares) {
  using Share = Crossings::Share;
  std::sort(shares.begin(), shares.end(), [](const Share& a, const Share& b) {
    return std::tie(a.cable, a.nic, b.ratio) < std::tie(b.cable, b.nic, a.ratio);
  });
  const auto same = [](const Share& a, const Share& b) { return a.cable == b.cable && a.nic == b.nic; };
  shares.erase(std::unique(shares.begin(), shares.end(), same), shares.end());
}

}  // namespace

std::size_t Crossings::PairHash::operator()(const Pair& p) const { return mix64(p.from + mix64(p.to)); }

bool Crossings::can_tell(const topology::RoutingSpec& routing) {
  return routing.policy == topology::Policy::adaptive && routing.paths == topology::PathChoice::minimal;
}

void Crossings::add(const workloads::Transfer& t) {
  for (const workloads::Leg& leg : t.legs) {
    const bool by_nvlink = leg.from.node == leg.to.node && leg.from.kind == Endpoint::Kind::gpu && leg.to.kind == Endpoint::Kind::gpu;
    if (by_nvlink || leg.from == leg.to || leg.share <= 0) continue;
    if (!pairs_.insert({word_of(leg.from), word_of(leg.to)}).second) continue;
    if (!router_->reachable(leg.from, leg.to)) continue;   // the engine will say so
    routes_.clear();
    router_->route(leg.from, leg.to, t.flow_key, routes_);
    for (const topology::SubRoute& r : routes_) {
      if (r.segment_count < 3) continue;   // no cable between switches
      const topology::Hop* from = nic_cable(*router_, r.segments[0]);
      const topology::Hop* to = nic_cable(*router_, r.segments[r.segment_count - 1]);
      if (from == nullptr || to == nullptr) continue;
      for (std::uint32_t s = 1; s + 1 < r.segment_count; ++s) {
        const auto key = [&](const topology::Hop& nic) { return std::uint64_t{nic.link.value} << 32 | r.segments[s].value; };
        if (sent_.insert(key(*from)).second) note(r.segments[s], *from, shares_.sending);
        if (received_.insert(key(*to)).second) note(r.segments[s], *to, shares_.receiving);
      }
    }
  }
}

void Crossings::note(SegmentId middle, const topology::Hop& nic, std::vector<Share>& out) {
  for (const topology::Hop& hop : router_->segment(middle)) out.push_back({hop.link.value, nic.link.value, hop.share / nic.share});
}

Crossings::Shares Crossings::take() {
  sort_out(shares_.sending);
  sort_out(shares_.receiving);
  return std::move(shares_);
}

class ObservedProgram::Looking final : public workloads::Sink {
 public:
  Looking(Crossings& crossings, workloads::Sink& sink) : crossings_(crossings), sink_(sink) {}

  void transfer(const workloads::Transfer& t, std::span<const OpId> after) override {
    crossings_.add(t);
    sink_.transfer(t, after);
  }
  void transfers(const std::shared_ptr<workloads::TransferBatch>& batch, OpId first, std::span<const OpId> after) override {
    workloads::Transfer t;
    for (std::uint32_t k = 0; k < batch->size(); ++k) {
      batch->read(k, t);
      crossings_.add(t);
    }
    sink_.transfers(batch, first, after);
  }
  void compute(const workloads::Compute& c, std::span<const OpId> after) override { sink_.compute(c, after); }
  void marker(OpId id, Seconds delay, std::span<const OpId> after) override { sink_.marker(id, delay, after); }

 private:
  Crossings& crossings_;
  workloads::Sink& sink_;
};

void ObservedProgram::start(workloads::Sink& sink) {
  Looking looking(crossings_, sink);
  program_.start(looking);
}

void ObservedProgram::on_complete(OpId id, Seconds t, workloads::Sink& sink) {
  Looking looking(crossings_, sink);
  program_.on_complete(id, t, looking);
}

}  // namespace weft::engine

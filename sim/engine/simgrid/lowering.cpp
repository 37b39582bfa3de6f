#include "sim/engine/simgrid/lowering.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "sim/core/error.h"

namespace weft::engine::simgrid {

using topology::CableClass;
using topology::VertexKind;

Lowering::Lowering(topology::Router& router, std::span<const workloads::CommKernel> kernels, std::span<const FabricEvent> events)
    : router_(router), kernels_(kernels),
      physical_(router.fabric().links().size()), single_(physical_, false), spray_of_(physical_, none) {
  wires_.resize(physical_);
  for (std::uint32_t l = 0; l < physical_; ++l) {
    wires_[l].link = LinkId(l);
    wires_[l].capacity = wires_[l].highest = router.capacity(LinkId(l)).value();
  }
  for (const FabricEvent& e : events) {
    WEFT_CHECK(e.link.value < physical_, "an event of the fabric names a link that is not there");
    Wire& w = wires_[e.link.value];
    w.changes = true;
    w.highest = std::max(w.highest, e.rate.value());
  }
}

std::span<const Lowering::Flow> Lowering::lower(const workloads::Transfer& t, std::span<const workloads::Leg> legs) {
  struct Routed {
    double share;
    std::size_t first, count;
  };
  std::vector<Routed> routed;
  routes_.clear();
  std::size_t flows = 1;
  for (const workloads::Leg& leg : legs) {
    if (leg.from == leg.to || leg.share <= 0) continue;
    const std::size_t first = routes_.size();
    router_.route(leg.from, leg.to, t.flow_key, routes_);
    routed.push_back({leg.share, first, routes_.size() - first});
    flows = std::max(flows, routed.back().count);
  }
  out_.assign(flows, {});
  for (std::size_t q = 0; q < flows; ++q) {
    Flow& f = out_[q];
    // A leg with as many sub-routes as there are flows gives each its own; any other leg belongs to all of them in part.
    for (const Routed& r : routed) {
      if (flows > 1 && r.count == flows) {
        f.share = routes_[r.first + q].share;
        break;
      }
    }
    for (const Routed& r : routed) {
      const bool own = r.count == flows;
      for (std::size_t i = own ? q : 0; i < (own ? q + 1 : r.count); ++i) {
        const topology::SubRoute& route = routes_[r.first + i];
        f.latency = std::max(f.latency, route.latency.value());
        const double part = r.share * route.share / (own ? f.share : 1);
        for (std::uint32_t s = 0; s < route.segment_count; ++s) add(route.segments[s], t.kernel, part, t.id);
      }
    }
    settle(f, t.id);
  }
  return out_;
}

void Lowering::add(SegmentId segment, KernelId kernel, double share, OpId op) {
  for (const Load& l : piece(segment, kernel, op)) {
    if (sum_.size() < wires_.size()) sum_.resize(wires_.size(), 0);
    if (sum_[l.wire] == 0) touched_.push_back(l.wire);
    sum_[l.wire] += share * l.coefficient;
  }
}

void Lowering::settle(Flow& flow, OpId op) {
  for (const std::uint32_t w : touched_) {
    Wire& wire = wires_[w];
    const double coefficient = std::exchange(sum_[w], 0);
    if (!wire.first.valid()) {
      wire.coefficient = coefficient;
      wire.first = op;
    } else if (std::abs(coefficient - wire.coefficient) > 1e-12 * wire.coefficient) {
      for (const std::uint32_t rest : touched_) sum_[rest] = 0;
      touched_.clear();
      refuse(wire, coefficient, op);
    }
  }
  flow.wires = touched_;
  touched_.clear();
}

const std::vector<Lowering::Load>& Lowering::piece(SegmentId segment, KernelId kernel, OpId op) {
  const auto [it, fresh] = pieces_.try_emplace({segment.value, kernel.value});
  if (!fresh) return it->second;
  WEFT_CHECK(!kernel.valid() || kernel.value < kernels_.size(), "a transfer names a kernel that its program does not list");
  std::vector<Load>& loads = it->second;
  for (const topology::Hop& hop : router_.segment(segment)) {
    if (hop.share > 0) loads.push_back({hop.link.value, hop.share});
  }
  const std::size_t physical = loads.size();
  for (std::size_t i = 0; i < physical && kernel.valid(); ++i) {
    const LinkId link(loads[i].wire);
    const CableClass cable = router_.fabric().link(link).cable;
    const workloads::CommKernel& k = kernels_[kernel.value];
    // Shares in the network count packet headers; a kernel's rate is one of payload.
    const auto nic_limit = k.nic_limit(router_.fabric().link(link).rate);
    if (cable == CableClass::endpoint && nic_limit) {
      loads.push_back({kernel_wire(link, kernel, *nic_limit), loads[i].coefficient * router_.fabric().transport(link).wire_efficiency()});
    } else if (cable == CableClass::nvlink && k.nvlink_rate) {
      loads.push_back({kernel_wire(link, kernel, *k.nvlink_rate), loads[i].coefficient});
    }
  }
  gather_sprays(loads, op);
  return loads;
}

Lowering::Side Lowering::side_of(LinkId link) const {
  const topology::Link& l = router_.fabric().link(link);
  const auto& from = router_.fabric().vertex(l.from);
  const auto& to = router_.fabric().vertex(l.to);
  if (from.kind != VertexKind::net_switch || to.kind != VertexKind::net_switch || from.tier == to.tier) return ~Side{0};
  return from.tier < to.tier ? 2 * Side{l.from.value} : 2 * Side{l.to.value} + 1;
}

std::size_t Lowering::cables_of(Side side) const {
  std::size_t n = 0;
  for (const LinkId out : router_.fabric().out_links(VertexId(static_cast<std::uint32_t>(side / 2)))) {
    const LinkId l = side % 2 == 0 ? out : router_.fabric().link(out).reverse;
    if (side_of(l) == side && router_.is_up(l)) ++n;
  }
  return n;
}

// Replaces all cables between a switch and the tier above by one wire where they carry the same share of the segment.
void Lowering::gather_sprays(std::vector<Load>& loads, OpId op) {
  std::map<Side, std::vector<Load>> sides;
  std::vector<Load> rest;
  for (const Load& l : loads) {
    const Side side = l.wire < physical_ ? side_of(LinkId(l.wire)) : ~Side{0};
    if (side == ~Side{0}) rest.push_back(l);
    else sides[side].push_back(l);
  }
  for (const auto& [side, group] : sides) {
    const Wire& one = wires_[group.front().wire];
    const bool alike = std::all_of(group.begin(), group.end(), [&](const Load& l) {
      const Wire& w = wires_[l.wire];
      return l.coefficient == group.front().coefficient && w.capacity == one.capacity && !w.changes && !single_[l.wire];
    });
    if (group.size() > 1 && alike && group.size() == cables_of(side)) {
      const auto [it, fresh] = sprays_.try_emplace(side, static_cast<std::uint32_t>(wires_.size()));
      if (fresh) {
        Wire w = one;
        w.cables.clear();
        for (const Load& l : group) {
          w.cables.push_back(LinkId(l.wire));
          spray_of_[l.wire] = it->second;
        }
        wires_.push_back(std::move(w));
      }
      rest.push_back({it->second, group.front().coefficient});
      continue;
    }
    for (const Load& l : group) {
      if (spray_of_[l.wire] != none) refuse(wires_[spray_of_[l.wire]], l.coefficient, op);
      single_[l.wire] = true;
      rest.push_back(l);
    }
  }
  loads = std::move(rest);
}

std::uint32_t Lowering::kernel_wire(LinkId link, KernelId kernel, BytesPerSecond rate) {
  const auto [it, fresh] = kernel_wires_.try_emplace(std::uint64_t{kernel.value} << 32 | link.value, static_cast<std::uint32_t>(wires_.size()));
  if (fresh) {
    Wire w;
    w.capacity = w.highest = rate.value();
    w.link = link;
    w.kernel = kernel;
    wires_.push_back(std::move(w));
  }
  return it->second;
}

std::uint32_t Lowering::machine_link(std::uint32_t wire, Machine& machine) {
  Wire& w = wires_[wire];
  if (w.machine == none) w.machine = machine.add_link(w.capacity / w.coefficient, w.changes, w.highest / w.coefficient);
  return w.machine;
}

void Lowering::set_capacity(LinkId link, double rate, double now, Machine& machine) {
  Wire& w = wires_[link.value];
  w.could_carry += w.capacity * (now - w.since);
  w.since = now;
  w.capacity = rate;
  if (w.machine != none) machine.set_rate(w.machine, rate / w.coefficient);
}

void Lowering::count(const Flow& flow, double bytes) {
  for (const std::uint32_t w : flow.wires) wires_[w].carried += bytes * wires_[w].coefficient;
}

void Lowering::utilisation(double makespan, Summary& out) const {
  for (const Wire& w : wires_) {
    const double could = w.could_carry + w.capacity * (makespan - w.since);
    if (w.kernel.valid() || could <= 0 || w.carried / could < out.max_link_utilisation || w.carried <= 0) continue;
    const LinkId link = w.cables.empty() ? w.link : *std::min_element(w.cables.begin(), w.cables.end());
    if (w.carried / could == out.max_link_utilisation && out.busiest_link < link) continue;
    out.max_link_utilisation = w.carried / could;
    out.busiest_link = link;
  }
}

std::string Lowering::name_of(const Wire& w) const {
  const std::string link = router_.fabric().name(w.link);
  return w.kernel.valid() ? fmt::format("the rate of kernel {} on {}", kernels_[w.kernel.value].name, link) : link;
}

void Lowering::refuse(const Wire& w, double coefficient, OpId op) const {
  throw UserError("--engine simgrid",
                  fmt::format("operation {} puts {:.6g} bytes on {} for each of its own where operation {} puts {:.6g}: SimGrid knows only plain flows",
                              op.value, coefficient, name_of(w), w.first.value, w.coefficient),
                  "`weft run SCENARIO --check-against simgrid` takes transfers that fan out apart into plain flows; static or ECMP routing gives each flow one path");
}

}  // namespace weft::engine::simgrid

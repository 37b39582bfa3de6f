// A second, slow way to run a list of transfers: routes asked one by one, rates by plain progressive filling at every
// event, no classes, no incremental solving, no shared code with the engine.
#pragma once

#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <vector>

#include "tests/support/fabrics.h"
#include "tests/support/naive_max_min.h"
#include "workloads/program.h"

namespace weft::testing {

struct PlainTransfer {
  double bytes;
  std::vector<workloads::Leg> legs;
  double extra_latency = 0, weight = 1;
  std::optional<double> cap;
  bool kernel = false;
  std::uint64_t flow_key = 0;
  std::vector<std::size_t> after;   ///< indices of earlier transfers
};

class NaiveRun {
 public:
  NaiveRun(topology::Router& router, const workloads::CommKernel& kernel) : router_(router), kernel_(kernel) {
    for (std::uint32_t l = 0; l < router.fabric().links().size(); ++l) capacity_.push_back(router.capacity(LinkId(l)).value());
  }

  /// Finish times.
  std::vector<double> run(const std::vector<PlainTransfer>& transfers) {
    const double inf = std::numeric_limits<double>::infinity();
    std::vector<Moving> flows;
    std::vector<double> finish(transfers.size(), inf);
    std::vector<std::size_t> parts(transfers.size(), 0);
    std::vector<bool> started(transfers.size(), false);
    double now = 0;
    for (;;) {
      for (std::size_t i = 0; i < transfers.size(); ++i) {
        bool free = !started[i];
        for (std::size_t a : transfers[i].after) free = free && finish[a] <= now;
        if (!free) continue;
        started[i] = true;
        parts[i] = lower(transfers[i], i, now, flows);
      }
      std::vector<std::size_t> moving;
      std::vector<NaiveFlow> active;
      for (std::size_t f = 0; f < flows.size(); ++f) {
        if (flows[f].done || flows[f].from > now) continue;
        moving.push_back(f);
        active.push_back(flows[f].flow);
      }
      const std::vector<double> rate = naive_max_min(capacity_, active);
      double next = inf;
      for (const Moving& m : flows) {
        if (!m.done && m.from > now) next = std::min(next, m.from);
      }
      for (std::size_t k = 0; k < moving.size(); ++k) next = std::min(next, now + flows[moving[k]].left / rate[k]);
      if (next == inf) return finish;
      for (std::size_t k = 0; k < moving.size(); ++k) {
        Moving& m = flows[moving[k]];
        m.left -= rate[k] * (next - now);
        if (m.left > 1e-11 * m.bytes) continue;
        m.done = true;
        if (--parts[m.owner] == 0) finish[m.owner] = next;
      }
      now = next;
    }
  }

 private:
  struct Moving {
    std::size_t owner;
    double from, bytes, left;
    NaiveFlow flow;
    bool done = false;
  };

  std::size_t lower(const PlainTransfer& t, std::size_t owner, double now, std::vector<Moving>& flows) {
    std::vector<std::vector<topology::SubRoute>> legs;
    std::size_t count = 1;
    for (const workloads::Leg& leg : t.legs) {
      legs.push_back(routes(router_, leg.from, leg.to, t.flow_key));
      count = std::max(count, legs.back().size());
    }
    for (std::size_t q = 0; q < count; ++q) {
      const double share = 1.0 / static_cast<double>(count);
      Moving m{owner, 0, t.bytes * share, t.bytes * share, {}};
      m.flow.weight = t.weight * share;
      if (t.cap) m.flow.cap = *t.cap * share;
      double latency = 0;
      std::map<std::size_t, double> loads;
      for (std::size_t i = 0; i < legs.size(); ++i) {
        const topology::SubRoute& route = legs[i][legs[i].size() == 1 ? 0 : q];
        latency = std::max(latency, route.latency.value());
        for (const auto& [link, bytes] : hops_of(router_, route)) add_loads(link, bytes * t.legs[i].share, t.kernel, loads);
      }
      m.from = now + t.extra_latency + latency;
      m.flow.links.assign(loads.begin(), loads.end());
      flows.push_back(m);
    }
    return count;
  }

  void add_loads(LinkId link, double share, bool kernel, std::map<std::size_t, double>& loads) {
    loads[link.value] += share;
    if (!kernel) return;
    const auto cable = router_.fabric().link(link).cable;
    if (cable == topology::CableClass::endpoint && kernel_.nic_rate) {
      loads[own_link(link, *kernel_.nic_rate)] += share * router_.fabric().transport().wire_efficiency();
    }
    if (cable == topology::CableClass::nvlink && kernel_.nvlink_rate) loads[own_link(link, *kernel_.nvlink_rate)] += share;
  }

  std::size_t own_link(LinkId link, BytesPerSecond rate) {
    const auto [it, fresh] = own_.try_emplace(link.value, capacity_.size());
    if (fresh) capacity_.push_back(rate.value());
    return it->second;
  }

  topology::Router& router_;
  workloads::CommKernel kernel_;
  std::vector<double> capacity_;
  std::map<std::uint32_t, std::size_t> own_;
};

}  // namespace weft::testing

// Playing a StaticProgram on a fabric and remembering what happened.
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "sim/engine/engine.h"
#include "tests/support/fabrics.h"
#include "workloads/static_program.h"

namespace weft::testing {

struct Played final : engine::TimelineSink {
  std::map<std::uint32_t, double> start, finish;
  std::vector<std::uint32_t> order;                                   ///< ids as they finished
  std::map<std::pair<std::uint32_t, std::uint32_t>, double> rate;     ///< first rates by (id, sub-flow)
  engine::Summary summary;

  void started(OpId id, Seconds t) override { start[id.value] = t.value(); }
  void finished(OpId id, Seconds t) override {
    finish[id.value] = t.value();
    order.push_back(id.value);
  }
  void first_rate(OpId id, std::uint32_t sub_flow, BytesPerSecond r) override { rate[{id.value, sub_flow}] = r.value(); }
};

inline Played play(topology::Router& router, workloads::Program& program, const engine::Options& options = {}) {
  Played p;
  p.summary = engine::run(router, program, options, p);
  return p;
}

inline Played play(const topology::Fabric& fabric, workloads::Program& program, const engine::Options& options = {},
                   const topology::RoutingSpec& routing = {}) {
  topology::Router router(fabric, routing);
  return play(router, program, options);
}

using TransferOptions = workloads::StaticProgram::TransferOptions;

/// A transfer over one leg.
inline OpId send(workloads::StaticProgram& p, double bytes, const Endpoint& from, const Endpoint& to, const TransferOptions& options = {},
                 std::vector<OpId> after = {}) {
  const workloads::Leg legs[] = {{from, to, 1}};
  return p.add_transfer(Bytes(bytes), legs, options, after);
}

/// `nodes` single-GPU nodes of 50 GB/s on one switch, nothing takes time or header bytes: links (nic up, nic down) alone.
inline topology::Fabric star(std::uint32_t nodes) { return make_fabric(R"({"kind": "single_switch", "radix": 64})", nodes, "endpoint"); }

inline constexpr double line = 50e9;   ///< bytes per second of a NIC of star()

}  // namespace weft::testing

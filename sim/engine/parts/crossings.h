// Crossings: which NICs put load on the cables between switches, and so how much load these can get at most.
#pragma once

#include <cstdint>
#include <unordered_set>
#include <vector>

#include "topology/router.h"
#include "workloads/program.h"

namespace weft::engine {

/// Looks at transfers as they are emitted. A flow over a cable also crosses the link of the NIC that sends it and of the
/// one that receives it; it puts at most r times as much on the cable as on either. So the cable never carries more than
/// the sum over these NICs of r times their rate. Where that is no more than the cable's own rate the cable limits nobody:
/// it follows from the NICs' limits. (32 NICs of a leaf that spray over 32 equal uplinks: r is 1/32 for each.)
/// Only where routes depend on their ends alone and cross no cable twice: can_tell().
class Crossings {
 public:
  explicit Crossings(topology::Router& router) : router_(&router) {}
  /// Minimal paths under adaptive routing.
  static bool can_tell(const topology::RoutingSpec& routing);
  void add(const workloads::Transfer& t);

  /// A NIC's link and a cable, with the largest r of any flow over both.
  struct Share {
    std::uint32_t cable, nic;
    double ratio;
  };
  /// By sending and by receiving NIC, each in order of cable, then NIC. To be asked once, at the end.
  struct Shares {
    std::vector<Share> sending, receiving;
  };
  Shares take();

 private:
  void note(SegmentId middle, const topology::Hop& nic, std::vector<Share>& out);

  topology::Router* router_;
  struct Pair {
    std::uint64_t from, to;
    bool operator==(const Pair&) const = default;
  };
  struct PairHash {
    std::size_t operator()(const Pair& p) const;
  };
  std::unordered_set<Pair, PairHash> pairs_;            // of ends, looked up only
  std::unordered_set<std::uint64_t> sent_, received_;   // (NIC's link, segment) noted, looked up only
  std::vector<topology::SubRoute> routes_;
  Shares shares_;
};

/// A Program that hands on what another emits and lets Crossings look at it.
class ObservedProgram final : public workloads::Program {
 public:
  ObservedProgram(workloads::Program& program, Crossings& crossings) : program_(program), crossings_(crossings) {}
  std::span<const workloads::CommKernel> kernels() const override { return program_.kernels(); }
  void start(workloads::Sink& sink) override;
  void on_complete(OpId id, Seconds t, workloads::Sink& sink) override;

 private:
  class Looking;

  workloads::Program& program_;
  Crossings& crossings_;
};

}  // namespace weft::engine

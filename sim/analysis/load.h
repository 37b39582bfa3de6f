// Load: what all transfers of a program put on the links, and how long one takes at least.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sim/analysis/ledger.h"
#include "topology/router.h"
#include "workloads/program.h"

namespace weft::analysis {

/// Counted by segment of path and kernel, from the router's routes, link capacities and the program's bytes alone.
class Load {
 public:
  /// Loads of each transfer are entered in `ledger` unless it is null.
  Load(topology::Router& router, std::span<const workloads::CommKernel> kernels, Ledger* ledger = nullptr);

  /// Adds a transfer; returns the seconds that it takes at least.
  double add(const workloads::Transfer& t);
  /// Seconds that the most loaded link needs for its bytes; kernels' own rates count as links.
  double busiest_link() const;

 private:
  struct OnSegment {
    double bytes = 0;
    double slowest = -1;   // seconds per byte on its narrowest hop; negative until asked for
  };
  /// Latency and time on the narrowest hop of one sub-flow.
  struct Part {
    double latency = 0, time = 0;
  };
  /// One leg between GPUs of a node: few different ones, each used by many transfers.
  struct InNode {
    topology::SubRoute route;
    bool single = false;   // one route, as it mostly is
  };

  const InNode& in_node(const workloads::Leg& leg);
  void add_route(const workloads::Transfer& t, const topology::SubRoute& route, double share, Part& part);
  OnSegment& on(KernelId kernel, SegmentId segment);
  double slowest_hop(KernelId kernel, SegmentId segment) const;

  topology::Router& router_;
  std::span<const workloads::CommKernel> kernels_;
  Ledger* ledger_;
  std::uint32_t gpus_per_node_;
  std::vector<std::vector<OnSegment>> by_kernel_;   // kernel + 1; by segment
  std::vector<std::vector<InNode>> in_node_;        // by node; by (from, to)
  std::vector<std::vector<std::uint8_t>> asked_;
  std::vector<topology::SubRoute> routes_;
  std::vector<Part> parts_;
};

/// A kernel's own rate on this link; infinite when it has none.
double kernel_rate(const workloads::CommKernel& kernel, const topology::Link& link);
/// Bytes of payload on the hop per byte of the flow: hops of network cables count headers too, kernels count payload.
double payload(const topology::Fabric& fabric, const topology::Hop& hop);

}  // namespace weft::analysis

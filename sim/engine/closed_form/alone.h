// Alone: how long a transfer takes when nothing else moves.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "topology/router.h"
#include "workloads/program.h"

namespace weft::engine {

/// Sub-flows of a transfer (queue pairs) share the links that they have in common; other transfers do not exist.
class Alone {
 public:
  Alone(topology::Router& router, std::span<const workloads::CommKernel> kernels);

  /// Seconds from start to last byte; infinite where a link has no capacity. Throws UserError when a leg has no path.
  double seconds(const workloads::Transfer& t);

  /// Of the transfer asked about last: sub-flows, the latency of the slowest one, and each one's bytes per second (none when
  /// nothing limits it).
  std::size_t flows() const { return flows_.size(); }
  double latency() const { return latency_; }
  std::span<const double> rates();

 private:
  /// A sub-flow: its part of the bytes, seconds until the first, seconds per byte of its own on its narrowest link.
  struct Flow {
    double share = 1, latency = 0, per_byte = 0;
  };
  struct RoutedLeg {
    double share;
    std::size_t first, count;   // in routes_
    bool inside;                // between GPUs of a node
  };

  void find_routes(const workloads::Transfer& t);
  bool segments_are_apart() const;
  double narrowest_by_segment(KernelId kernel);
  void put_on_links(const topology::SubRoute& route, double coefficient);
  double take_narrowest_link(KernelId kernel);
  double slowest_hop(KernelId kernel, SegmentId segment);
  /// Seconds per byte on the wire of a link, of which a kernel counts the payload.
  double per_byte(KernelId kernel, LinkId link) const;

  topology::Router& router_;
  std::span<const workloads::CommKernel> kernels_;
  std::vector<std::vector<double>> slowest_;   // by kernel + 1 and segment; negative until asked for
  std::vector<double> on_link_;                // by link: bytes per byte of the flow at hand
  std::vector<LinkId> touched_;
  std::vector<topology::SubRoute> routes_;
  std::vector<RoutedLeg> legs_;
  std::vector<Flow> flows_;
  std::vector<double> rates_;
  double latency_ = 0, together_ = 0;          // together_: seconds per byte of the transfer on its narrowest link
};

}  // namespace weft::engine

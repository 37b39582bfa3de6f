// Lowering for SimGrid: legs of a transfer to plain flows, over links on which every flow weighs the same.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "sim/engine/engine.h"
#include "sim/engine/simgrid/machine.h"

namespace weft::engine::simgrid {

/// SimGrid's flows load each link of their route by 1. A link of capacity C that all flows load by the same coefficient c
/// (packet headers, a share of a spray) is the same as one of C / c that they load by 1; a flow that loads it by another
/// coefficient cannot be expressed and is refused. The cables of one switch towards the tier above over which all traffic
/// is sprayed evenly are one link.
class Lowering {
 public:
  struct Flow {
    double share = 1;                      ///< of the transfer's bytes
    double latency = 0;                    ///< seconds until the first byte, wires only
    std::vector<std::uint32_t> wires;      ///< each once
  };

  Lowering(topology::Router& router, std::span<const workloads::CommKernel> kernels, std::span<const FabricEvent> events);

  /// One flow per sub-route. Valid until the next call. Throws UserError when a leg has no path or a link cannot be
  /// expressed.
  std::span<const Flow> lower(const workloads::Transfer& t, std::span<const workloads::Leg> legs);
  /// The machine's link of a wire.
  std::uint32_t machine_link(std::uint32_t wire, Machine& machine);
  void set_capacity(LinkId link, double rate, double now, Machine& machine);
  /// Counts the bytes of a flow that has ended on its links.
  void count(const Flow& flow, double bytes);
  /// Bytes over capacity of the busiest link in `makespan` seconds, and that link.
  void utilisation(double makespan, Summary& out) const;

 private:
  static constexpr std::uint32_t none = ~std::uint32_t{0};
  /// A physical link, a kernel's own rate on one, or the cables of a spray: first the physical ones, by LinkId.
  struct Wire {
    double capacity = 0, coefficient = 0, highest = 0;
    LinkId link;                           ///< of a spray: any of its cables
    KernelId kernel;                       ///< of a kernel's own rate
    OpId first;                            ///< the operation that set the coefficient
    std::uint32_t machine = none;
    bool changes = false;
    std::vector<LinkId> cables;            ///< of a spray
    double carried = 0;                    ///< bytes, on each of its cables
    double could_carry = 0, since = 0;     ///< integral of the capacity until `since`
  };
  struct Load {
    std::uint32_t wire;
    double coefficient;
  };
  struct PieceKey {
    std::uint32_t segment, kernel;
    bool operator==(const PieceKey&) const = default;
  };
  struct PieceHash {
    std::size_t operator()(const PieceKey& k) const { return std::uint64_t{k.segment} << 20 ^ k.kernel; }
  };
  /// A vertex with the direction of its cables to the tier above: 2 * vertex + (1 when they lead down to it).
  using Side = std::uint64_t;

  const std::vector<Load>& piece(SegmentId segment, KernelId kernel, OpId op);
  void gather_sprays(std::vector<Load>& loads, OpId op);
  Side side_of(LinkId link) const;
  std::size_t cables_of(Side side) const;
  std::uint32_t kernel_wire(LinkId link, KernelId kernel, BytesPerSecond rate);
  void add(SegmentId segment, KernelId kernel, double share, OpId op);
  void settle(Flow& flow, OpId op);
  [[noreturn]] void refuse(const Wire& w, double coefficient, OpId op) const;
  std::string name_of(const Wire& w) const;

  topology::Router& router_;
  std::span<const workloads::CommKernel> kernels_;
  std::vector<Wire> wires_;
  std::size_t physical_;
  std::unordered_map<PieceKey, std::vector<Load>, PieceHash> pieces_;   // looked up only, like those below
  std::unordered_map<std::uint64_t, std::uint32_t> kernel_wires_;
  std::unordered_map<Side, std::uint32_t> sprays_;
  std::vector<bool> single_;                                            // by LinkId: used as a link of its own
  std::vector<std::uint32_t> spray_of_;                                 // by LinkId: the spray that it is part of
  std::vector<double> sum_;                                             // by wire, of the flow at hand
  std::vector<std::uint32_t> touched_;
  std::vector<topology::SubRoute> routes_;
  std::vector<Flow> out_;
};

}  // namespace weft::engine::simgrid

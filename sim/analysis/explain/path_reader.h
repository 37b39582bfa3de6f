// PathReader: what each step of a critical path was, and what links did meanwhile; learnt by playing the program once more.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "sim/analysis/explain/critical_path.h"
#include "sim/analysis/explain/explanation.h"
#include "sim/analysis/explain/link_roles.h"
#include "sim/analysis/timeline/chains.h"
#include "sim/analysis/timeline/in_flight.h"
#include "sim/engine/fluid/lowering.h"
#include "sim/engine/fluid/paths.h"
#include "sim/engine/engine.h"
#include "topology/router_flat_map.h"
#include "workloads/program.h"

namespace weft::analysis {

/// A step with what it waited for.
struct StepFacts {
  PathStep step;
  double latency = 0;              ///< seconds before its first byte moved
  double hbm_share = 0;            ///< of a computation
  bool moves = false, computes = false;
  struct Limit {
    LinkId link;                   ///< of links that are alike in a folded run the one that stands for them
    std::string kernel;            ///< whose own rate on that link it was; empty: the wire's
  };
  std::vector<Limit> limits;       ///< the links of its route that were fullest, equally so; of each role and kernel one
  bool at_rate_cap = false;
  double full = 0;                 ///< how full they were meanwhile, 0 to 1
  double hidden = 0;               ///< of a computation: seconds of it in which its rank sent
};

/// How much links carried.
struct LinksUsed {
  std::vector<double> bytes;       ///< by link
  std::vector<std::vector<double>> by_role;   ///< by role and bin: bytes
};

/// Every max-min rate has a full link on which it is among the fastest: the step's bottleneck is the link of its route that was fullest while it
/// moved, counting what all transfers put there at their mean rates.
///
/// To be given to the engine as the program and as its sink, in a run that gives the same times as the one that found the path.
class PathReader final : public workloads::Program, public engine::TimelineSink, private workloads::Sink {
 public:
  /// Bins of `bin` seconds, the first of them beginning `offset` seconds before the program. All have to outlive this.
  PathReader(workloads::Program& inside, topology::Router& router, const engine::LinkOrbits* orbits, const LinkRoles& roles, std::span<const OnPath> path,
             double offset, double bin, LinksUsed& used);

  std::span<const workloads::CommKernel> kernels() const override { return inside_.kernels(); }
  void start(workloads::Sink& sink) override;
  void on_complete(OpId id, Seconds now, workloads::Sink& sink) override;
  void started(OpId id, Seconds at) override;
  void finished(OpId id, Seconds at) override;

  /// In order of time. To be called once, after the run.
  std::vector<StepFacts> take();

 private:
  struct Piece {
    std::uint32_t piece;
    double bytes;
  };
  struct Flying {
    double start = 0, latency = 0;
    std::int64_t rank = -1;
    std::uint32_t pieces = Chains<Piece>::none;
  };
  /// A step of the path: a window of time.
  struct Window {
    StepFacts facts;
    double bytes = 0, rate_cap = 0;
    topology::FlatMap<double> carried;       ///< by link of its route: bytes of all transfers while it moved
    std::vector<std::uint32_t> links;
    std::vector<std::pair<double, double>> sending;   ///< while it computed: when its rank sent, apart and in order
  };
  struct OfRole {
    std::uint32_t role;
    double coefficient;
  };

  void transfer(const workloads::Transfer& t, std::span<const OpId> after) override;
  void transfers(const std::shared_ptr<workloads::TransferBatch>& batch, OpId first, std::span<const OpId> after) override;
  void compute(const workloads::Compute& c, std::span<const OpId> after) override;
  void marker(OpId id, Seconds delay, std::span<const OpId> after) override;

  Window* window_of(OpId id);
  void note(const workloads::Transfer& t);
  void describe(Window& w, OpId id, const std::string& otherwise);
  void land(const Flying& f, double end);
  void count(const Piece& p, double begin, double end);
  void meet(Window& w, const Flying& f, double begin, double end);
  /// Roles of the links that a link stands for, each with its part of what it bears.
  void find_roles_of_orbits();
  static void add_role(std::vector<OfRole>& all, OfRole more);
  const std::vector<OfRole>& roles_of(std::uint32_t piece);
  void add_to_bins(std::uint32_t role, double bytes, double begin, double end);
  void find_limit(Window& w) const;

  workloads::Program& inside_;
  const topology::Router& router_;
  const LinkRoles& roles_;
  engine::Paths paths_;
  engine::Lowering lowering_;
  const engine::LinkOrbits* orbits_;
  double offset_, bin_;
  LinksUsed& used_;
  workloads::Sink* out_ = nullptr;
  std::vector<Window> windows_;
  std::unordered_map<std::uint32_t, std::uint32_t> place_;   // of operations; looked up only
  InFlight<Flying> flying_;
  Chains<Piece> pieces_;
  std::vector<std::vector<OfRole>> roles_of_orbit_;   // by representative; empty when nothing is folded
  std::vector<std::vector<OfRole>> roles_of_piece_;
  std::vector<OfRole> passing_roles_;
  std::vector<double> piece_bytes_, link_bytes_;
  workloads::OpLabel label_;
};

}  // namespace weft::analysis

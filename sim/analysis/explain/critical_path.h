// CriticalPath: plays another program and remembers, of every operation in flight, which one it waited for longest.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sim/analysis/id_set.h"
#include "sim/analysis/timeline/chains.h"
#include "sim/core/ids.h"
#include "sim/engine/engine.h"
#include "workloads/program.h"

namespace weft::analysis {

/// One operation of the path.
struct OnPath {
  OpId op;
  Seconds start, finish;
};

/// An operation starts when the last of those that it waits for has ended (a dependency, the one before it on its stream, or the one whose end
/// made the program emit it): that one comes before it on its path. Of several that end together the first that it names. Paths are kept
/// only as long as something in flight may go on with them, so memory follows what is in flight.
///
/// To be given to the engine as the program and as its sink. It neither says that ranks are alike nor comes in parts.
class CriticalPath final : public workloads::Program, public engine::TimelineSink, private workloads::Sink {
 public:
  /// `inside` has to outlive this.
  explicit CriticalPath(workloads::Program& inside) : inside_(inside) {}

  std::span<const workloads::CommKernel> kernels() const override { return inside_.kernels(); }
  void start(workloads::Sink& sink) override;
  void on_complete(OpId id, Seconds now, workloads::Sink& sink) override;
  void started(OpId id, Seconds at) override;
  void finished(OpId id, Seconds at) override;

  /// From time 0 to the last finish (of several the first told). To be called after the run.
  std::vector<OnPath> take() const;

 private:
  static constexpr std::uint32_t none = ~std::uint32_t{0};
  struct Node {
    OpId op;
    double start = 0, finish = -1;      ///< below 0: not yet
    std::uint32_t before = none;        ///< on its path; once it has started
    std::uint32_t uses = 0;             ///< in flight, last of a stream, before or waited for by others
    std::uint32_t waits_for = Chains<std::uint32_t>::none;   ///< nodes, until it starts
  };

  void transfer(const workloads::Transfer& t, std::span<const OpId> after) override;
  void transfers(const std::shared_ptr<workloads::TransferBatch>& batch, OpId first, std::span<const OpId> after) override;
  void compute(const workloads::Compute& c, std::span<const OpId> after) override;
  void marker(OpId id, Seconds delay, std::span<const OpId> after) override;

  std::uint32_t add(OpId id, std::span<const OpId> after);
  std::uint32_t node_of(OpId id);
  void wait_for(std::uint32_t node, std::uint32_t before);
  void use(std::uint32_t node) { ++nodes_[node].uses; }
  void drop(std::uint32_t node);

  workloads::Program& inside_;
  workloads::Sink* out_ = nullptr;      ///< during a call of the engine
  std::vector<Node> nodes_;
  std::vector<std::uint32_t> free_;
  Chains<std::uint32_t> waits_;
  std::vector<std::uint32_t> reversed_;
  IdMap in_flight_;                     ///< or named by others before they were emitted
  IdSet done_;
  std::vector<std::uint32_t> last_on_stream_;
  std::uint32_t ending_ = none;         ///< during on_complete()
  std::uint32_t last_ = none;
};

}  // namespace weft::analysis

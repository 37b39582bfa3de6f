// FoldedProgram: the operations of the simulated ranks alone, each standing for those of all ranks of its orbit.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sim/engine/fold/fold.h"
#include "workloads/program.h"

namespace weft::engine {

class FoldedProgram final : public workloads::Program {
 public:
  /// Both have to outlive this.
  FoldedProgram(const Fold& fold, workloads::Program& whole) : fold_(fold), whole_(whole) {}

  std::span<const workloads::CommKernel> kernels() const override { return whole_.kernels(); }
  void start(workloads::Sink& sink) override;
  void on_complete(OpId op, Seconds t, workloads::Sink& sink) override;
  bool label(OpId op, workloads::OpLabel& out) const override { return whole_.label(op, out); }
  std::string track_name(std::uint32_t track) const override { return whole_.track_name(track); }

  /// What the whole program would have emitted so far.
  std::uint64_t operations() const { return operations_; }
  /// Transfers among these that move bytes. (Ranks are folded only where a transfer is one flow.)
  std::uint64_t flows() const { return flows_; }

 private:
  class Multiplied;

  const Fold& fold_;
  workloads::Program& whole_;
  std::uint64_t operations_ = 0, flows_ = 0;
  std::vector<OpId> after_;
};

}  // namespace weft::engine

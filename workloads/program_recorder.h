// ProgramRecorder: plays another program and writes down what it emits as a NamedProgram.
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "workloads/named_program.h"
#include "workloads/program.h"
#include "workloads/symmetry.h"

namespace weft::workloads {

/// To be given to an engine in place of the program, or to be started without one where all is known at the start. It has
/// neither symmetry nor parts, so that an engine runs every operation. What a program emits when an operation is done waits for that
/// operation: a program that decides as it goes stands as it went. Names are t12, c3, m4: a transfer, compute or marker
/// with the program's own number; labels are the program's own too (Program::label). Computes and markers have a rank where the
/// program's symmetry knows their owner, or its label says under which one they are drawn.
/// Throws UserError, also in the middle of a run, for more than kMostNamedOperations operations or kMostNamedLegs legs.
class ProgramRecorder final : public Program, private Sink {
 public:
  /// `inside` has to outlive this.
  ProgramRecorder(Program& inside, Placement ranks);

  std::span<const CommKernel> kernels() const override { return inside_.kernels(); }
  void start(Sink& sink) override;
  void on_complete(OpId id, Seconds now, Sink& sink) override;
  /// Starts the program and hands nothing on.
  void start_alone() { inside_.start(*this); }

  /// To be called once, at the end. Throws RunError when an operation waits for one that never came.
  NamedProgram take();

 private:
  void transfer(const Transfer& t, std::span<const OpId> after) override;
  void compute(const Compute& c, std::span<const OpId> after) override;
  void marker(OpId id, Seconds delay, std::span<const OpId> after) override;
  void tell(OpId id, NamedOperation& op);
  void keep(char kind, OpId id, NamedOperation op, std::span<const OpId> after);

  Program& inside_;
  NamedProgram out_;
  std::shared_ptr<Symmetry> owners_;
  Sink* sink_ = nullptr;  // of the engine, during a call of it
  OpId cause_;            // whose completion is being told
  std::vector<std::vector<OpId>> after_;
  std::unordered_map<std::uint32_t, std::uint32_t> place_;
  std::size_t legs_ = 0;
  OpLabel label_;
};

}  // namespace weft::workloads

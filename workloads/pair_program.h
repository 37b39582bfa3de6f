// PairProgram: a Program at granularity `pair`, in which every flow loads each of its links alike.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "workloads/pair_parts.h"
#include "workloads/program.h"

namespace weft::workloads {

/// Plays another program with its transfers taken apart (see pair_parts.h). A transfer that comes apart ends when its last
/// part does: a marker stands for it, and the program inside hears of that alone.
///
/// Ids: operation i of the program inside is 2 i here; the odd ids are parts, in the order of their emission.
class PairProgram final : public Program, private Sink {
 public:
  explicit PairProgram(std::unique_ptr<Program> inside) : inside_(std::move(inside)) {}

  std::span<const CommKernel> kernels() const override { return inside_->kernels(); }
  void start(Sink& sink) override;
  void on_complete(OpId id, Seconds now, Sink& sink) override;

  static bool is_part(OpId id) { return id.value % 2 == 1; }
  /// The operation of the program inside that an operation is, or is a part of.
  OpId original(OpId id) const { return is_part(id) ? whole_[id.value / 2] : OpId(id.value / 2); }

 private:
  void transfer(const Transfer& t, std::span<const OpId> after) override;
  void compute(const Compute& c, std::span<const OpId> after) override;
  void marker(OpId id, Seconds delay, std::span<const OpId> after) override;
  static OpId outer(OpId inner);
  std::span<const OpId> outer(std::span<const OpId> after);

  std::unique_ptr<Program> inside_;
  Sink* out_ = nullptr;                 // during a call of the engine
  std::vector<OpId> whole_;             // by part: the id inside
  std::vector<OpId> after_, parts_of_one_;
  PairParts parts_;
};

/// Never null.
std::unique_ptr<PairProgram> pair_program(std::unique_ptr<Program> inside);

}  // namespace weft::workloads

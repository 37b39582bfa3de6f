// PairProgram: a Program at granularity `pair`, in which every flow loads each of its links alike.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "workloads/pair_parts.h"
#include "workloads/program.h"

namespace weft::workloads {

/// Plays another program with its transfers taken apart (see pair_parts.h). For a transfer that comes apart there is a head, for
/// which its parts wait, and a marker in its place, which ends with the last part; the program inside hears of the marker alone.
class PairProgram final : public Program, private Sink {
 public:
  /// Ids say what an operation is, whatever the order in which things happen: 3 i stands for operation i of the program
  /// inside, 3 i + 1 is its head, if it has one, and 3 k + 2 the part that was emitted as number k.
  enum class Role : std::uint8_t { whole, head, part };
  static Role role(OpId id) { return static_cast<Role>(id.value % 3); }
  /// The operation of the program inside; not for parts.
  static OpId original(OpId id) { return OpId(id.value / 3); }

  explicit PairProgram(std::unique_ptr<Program> inside) : inside_(std::move(inside)) {}

  std::span<const CommKernel> kernels() const override { return inside_->kernels(); }
  void start(Sink& sink) override;
  void on_complete(OpId id, Seconds now, Sink& sink) override;

 private:
  void transfer(const Transfer& t, std::span<const OpId> after) override;
  void compute(const Compute& c, std::span<const OpId> after) override;
  void marker(OpId id, Seconds delay, std::span<const OpId> after) override;
  static OpId outer(OpId inner, Role role = Role::whole);
  std::span<const OpId> outer(std::span<const OpId> after);

  std::unique_ptr<Program> inside_;
  Sink* out_ = nullptr;                 // during a call of the engine
  std::uint32_t parts_emitted_ = 0;
  std::vector<OpId> after_, ids_of_parts_;
  PairParts parts_;
};

/// Never null.
std::unique_ptr<PairProgram> pair_program(std::unique_ptr<Program> inside);

}  // namespace weft::workloads

// JoinedProgram: parts of a program as one Program again.
#pragma once

#include <memory>
#include <vector>

#include "workloads/program.h"

namespace weft::engine {

/// Emits what its parts emit, and tells each part of its own operations. Parts have the same kernels and no id in common.
class JoinedProgram final : public workloads::Program {
 public:
  explicit JoinedProgram(std::vector<std::unique_ptr<workloads::Program>> parts) : parts_(std::move(parts)) {}
  /// The part when there is only one, which may as well run without this.
  workloads::Program* only_part() const { return parts_.size() == 1 ? parts_.front().get() : nullptr; }

  std::span<const workloads::CommKernel> kernels() const override { return parts_.front()->kernels(); }
  void start(workloads::Sink& sink) override;
  void on_complete(OpId id, Seconds t, workloads::Sink& sink) override;

 private:
  class Marking;

  std::vector<std::unique_ptr<workloads::Program>> parts_;
  std::vector<std::uint32_t> owner_;   // by id: index of its part
};

}  // namespace weft::engine

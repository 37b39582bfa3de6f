#include "sim/engine/parts/joined_program.h"

#include <algorithm>

namespace weft::engine {

/// Hands operations on, and notes whose they are.
class JoinedProgram::Marking final : public workloads::Sink {
 public:
  Marking(JoinedProgram& program, std::uint32_t part, workloads::Sink& sink) : program_(program), part_(part), sink_(sink) {}

  void transfer(const workloads::Transfer& t, std::span<const OpId> after) override {
    mark(t.id, 1);
    sink_.transfer(t, after);
  }
  void transfers(const std::shared_ptr<workloads::TransferBatch>& batch, OpId first, std::span<const OpId> after) override {
    mark(first, batch->size());
    sink_.transfers(batch, first, after);
  }
  void compute(const workloads::Compute& c, std::span<const OpId> after) override {
    mark(c.id, 1);
    sink_.compute(c, after);
  }
  void marker(OpId id, Seconds delay, std::span<const OpId> after) override {
    mark(id, 1);
    sink_.marker(id, delay, after);
  }

 private:
  void mark(OpId first, std::uint32_t count) {
    auto& owner = program_.owner_;
    const std::size_t end = std::size_t{first.value} + count;
    if (owner.size() < end) owner.resize(std::max(end, owner.size() + owner.size() / 2));
    std::fill_n(owner.begin() + first.value, count, part_);
  }

  JoinedProgram& program_;
  std::uint32_t part_;
  workloads::Sink& sink_;
};

void JoinedProgram::start(workloads::Sink& sink) {
  for (std::uint32_t p = 0; p < parts_.size(); ++p) {
    Marking marking(*this, p, sink);
    parts_[p]->start(marking);
  }
}

void JoinedProgram::on_complete(OpId id, Seconds t, workloads::Sink& sink) {
  const std::uint32_t p = owner_[id.value];
  Marking marking(*this, p, sink);
  parts_[p]->on_complete(id, t, marking);
}

}  // namespace weft::engine

#include "sim/analysis/explain/free_program.h"

#include <cctype>

namespace weft::analysis {

using workloads::Transfer;

std::string operation_name(const workloads::Program& program, OpId id, workloads::OpLabel& label, const std::string& otherwise) {
  label.clear();
  return program.label(id, label) && !label.name.empty() ? label.name : otherwise;
}

std::string otherwise_called(const Transfer& t, std::span<const workloads::CommKernel> kernels) {
  return t.kernel.valid() ? kernels[t.kernel.value].name : "transfer";
}

std::string phase_name(std::string name) {
  while (!name.empty() && (std::isdigit(static_cast<unsigned char>(name.back())) != 0 || name.back() == ' ')) name.pop_back();
  return name;
}

Freed all_communication() {
  Freed all;
  all.communication = true;
  return all;
}

FreeProgram::FreeProgram(workloads::Program& inside, const Freed& what, std::uint64_t most)
    : inside_(inside), most_(most), operations_(what.operations), communication_(what.communication), kernels_(inside.kernels().begin(), inside.kernels().end()) {
  for (workloads::CommKernel& k : kernels_) {
    for (const Freed::Kernel& lifted : what.kernels) {
      if (k.name != lifted.name) continue;
      if (lifted.on_nics) k.nic_rate.reset(), k.nic_share.reset();
      else k.nvlink_rate.reset();
    }
  }
}

void FreeProgram::start(workloads::Sink& sink) {
  out_ = &sink;
  inside_.start(*this);
}

void FreeProgram::on_complete(OpId id, Seconds now, workloads::Sink& sink) {
  out_ = &sink;
  inside_.on_complete(id, now, *this);
}

bool FreeProgram::freed(OpId id, const std::string& otherwise) {
  return !operations_.empty() && phase_name(operation_name(inside_, id, label_, otherwise)) == operations_;
}

void FreeProgram::transfer(const Transfer& t, std::span<const OpId> after) {
  count(1);
  if (!communication_ && !freed(t.id, otherwise_called(t, kernels_))) return out_->transfer(t, after);
  out_->marker(t.id, Seconds(), after);
}

void FreeProgram::transfers(const std::shared_ptr<workloads::TransferBatch>& batch, OpId first, std::span<const OpId> after) {
  if (batch->size() == 0) return;
  count(batch->size());
  Transfer t;
  batch->read(0, t);
  if (!communication_ && !freed(first, otherwise_called(t, kernels_))) return out_->transfers(batch, first, after);
  for (std::uint32_t k = 0; k < batch->size(); ++k) out_->marker(OpId(first.value + k), Seconds(), after);
}

void FreeProgram::compute(const workloads::Compute& c, std::span<const OpId> after) {
  count(1);
  workloads::Compute copy = c;
  if (freed(c.id, "compute")) copy.duration = Seconds();
  out_->compute(copy, after);
}

void FreeProgram::marker(OpId id, Seconds delay, std::span<const OpId> after) {
  count(1);
  out_->marker(id, delay, after);
}

}  // namespace weft::analysis

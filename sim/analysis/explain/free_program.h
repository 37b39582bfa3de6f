// FreeProgram: another program with operations of one name that take no time, or with a kernel's own rates lifted.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "workloads/program.h"

namespace weft::analysis {

/// What an operation is called where its label has no name: its kernel's name, "transfer", "compute" or "wait".
std::string operation_name(const workloads::Program& program, OpId id, workloads::OpLabel& label, const std::string& otherwise);
std::string otherwise_called(const workloads::Transfer& t, std::span<const workloads::CommKernel> kernels);

/// Operations that differ in a number at the end of their names are alike: "send to pipeline rank 3" and "... 4".
std::string phase_name(std::string name);

/// What is free.
struct Freed {
  /// A communication kernel whose own rate is lifted, on NICs or on NVLink.
  struct Kernel {
    std::string name;
    bool on_nics = false;
  };
  std::string operations;      ///< by phase_name(); empty: none
  std::vector<Kernel> kernels;
  std::vector<LinkId> links;   ///< for whoever runs it: their capacities
};

/// To be given to an engine as the program.
class FreeProgram final : public workloads::Program, private workloads::Sink {
 public:
  /// `inside` has to outlive this.
  FreeProgram(workloads::Program& inside, const Freed& what);

  std::span<const workloads::CommKernel> kernels() const override { return kernels_; }
  void start(workloads::Sink& sink) override;
  void on_complete(OpId id, Seconds now, workloads::Sink& sink) override;

 private:
  void transfer(const workloads::Transfer& t, std::span<const OpId> after) override;
  void transfers(const std::shared_ptr<workloads::TransferBatch>& batch, OpId first, std::span<const OpId> after) override;
  void compute(const workloads::Compute& c, std::span<const OpId> after) override;
  void marker(OpId id, Seconds delay, std::span<const OpId> after) override;
  bool freed(OpId id, const std::string& otherwise);

  workloads::Program& inside_;
  std::string operations_;
  std::vector<workloads::CommKernel> kernels_;
  workloads::Sink* out_ = nullptr;   // during a call of the engine
  workloads::OpLabel label_;
};

}  // namespace weft::analysis

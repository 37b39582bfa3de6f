// FreeProgram: another program with operations of one name that take no time, or with a kernel's own rates lifted.
#pragma once

#include <cstdint>
#include <exception>
#include <memory>
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
  bool communication = false;  ///< all transfers
};

/// What is free when transfers take no time.
Freed all_communication();

/// A program that answers to time (a server) may never end when its work takes none.
class GoesOnDifferently final : public std::exception {
 public:
  const char* what() const noexcept override { return "the program emits far more operations than it did"; }
};

/// Fixed delays stay: arrivals and pauses are no work, and a server without them would be asked everything at once.
/// To be given to an engine as the program.
class FreeProgram final : public workloads::Program, private workloads::Sink {
 public:
  /// `inside` has to outlive this. Throws GoesOnDifferently out of the run when there are more than `most` operations.
  FreeProgram(workloads::Program& inside, const Freed& what, std::uint64_t most = ~std::uint64_t{0});

  std::span<const workloads::CommKernel> kernels() const override { return kernels_; }
  void start(workloads::Sink& sink) override;
  void on_complete(OpId id, Seconds now, workloads::Sink& sink) override;

 private:
  void transfer(const workloads::Transfer& t, std::span<const OpId> after) override;
  void transfers(const std::shared_ptr<workloads::TransferBatch>& batch, OpId first, std::span<const OpId> after) override;
  void compute(const workloads::Compute& c, std::span<const OpId> after) override;
  void marker(OpId id, Seconds delay, std::span<const OpId> after) override;
  bool freed(OpId id, const std::string& otherwise);
  void count(std::uint64_t operations) {
    emitted_ += operations;
    if (emitted_ > most_) throw GoesOnDifferently();
  }

  workloads::Program& inside_;
  std::uint64_t most_, emitted_ = 0;
  std::string operations_;
  bool communication_;
  std::vector<workloads::CommKernel> kernels_;
  workloads::Sink* out_ = nullptr;   // during a call of the engine
  workloads::OpLabel label_;
};

}  // namespace weft::analysis

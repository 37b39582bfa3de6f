// AllToAllSymmetry: every GPU of an all-to-all does the same, so whole nodes and local indices can be exchanged.
#pragma once

#include "workloads/all_to_all_transfers.h"
#include "workloads/symmetry.h"

namespace weft::workloads {

/// A transfer belongs to the GPU that sends it: with PXN the one whose NIC does.
class AllToAllSymmetry final : public Symmetry {
 public:
  /// Precondition: no rail is lost (Rails::keep_apart()), so that every node has as many transfers.
  explicit AllToAllSymmetry(const AllToAllJob& job);

  Placement ranks() const override { return {nodes_, per_node_}; }
  std::vector<Interchange> interchanges() const override { return {whole_nodes(ranks()), local_indices(ranks())}; }
  std::uint64_t operations() const override { return transfers_->size(); }
  void emit(std::uint32_t rank, Sink& sink) override;
  std::uint32_t owner(OpId op) const override;
  OpId image(OpId op, std::span<const std::uint32_t> image) const override;

 private:
  /// The GPUs at the two ends; of a transfer along a rail j is i.
  struct Ends {
    std::uint32_t a, i, d, j;
  };
  Ends ends_of(OpId op) const;
  OpId op_of(const Ends& e) const;

  std::uint32_t nodes_, per_node_, inside_, between_;
  bool pxn_;
  std::shared_ptr<AllToAllTransfers> transfers_;
};

}  // namespace weft::workloads

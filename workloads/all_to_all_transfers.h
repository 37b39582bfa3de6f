// AllToAllTransfers: every transfer of an all-to-all, worked out from its number when an engine asks for it.
#pragma once

#include <vector>

#include "models/communication.h"
#include "workloads/rails.h"

namespace weft::workloads {

/// What one all-to-all needs.
struct AllToAllJob {
  std::uint32_t nodes = 1, per_node = 1;  ///< GPUs used of each node
  Bytes per_pair;                         ///< from one GPU to one other
  bool pxn = true;
  std::shared_ptr<const Rails> rails;     ///< needed with PXN and nodes > 1
  models::CommunicationModel model;       ///< kernel 0 of the program
};

/// In order: those of node 0, then of node 1, ... Of each node first those inside it, one per pair of GPUs, by sender and
/// receiver; then those to the other nodes, 0 first. Without PXN that is one per pair of GPUs again; with PXN one per rail
/// that carries something. Stores nothing for a pair of GPUs, and for a pair of nodes only when rails are lost.
class AllToAllTransfers final : public TransferBatch {
 public:
  explicit AllToAllTransfers(AllToAllJob job);
  std::uint32_t size() const override { return size_; }
  /// A few nanoseconds in order; elsewhere also a few divisions.
  void read(std::uint32_t k, Transfer& out) override;

 private:
  /// All transfers from a node to one node are a block; block 0 is the inside, the others are the other nodes in order.
  struct Position {
    std::uint32_t a = 0, block = 0, d = 0;
    std::uint32_t i = 0, j = 0;  ///< GPU of a and GPU of d; with PXN between nodes, i is the rail
  };

  bool rails_differ() const { return !first_of_.empty(); }
  std::uint32_t in_block(std::uint32_t a, std::uint32_t block) const;
  double load(const Position& p) const;
  void seek(std::uint32_t k);
  void open_block();
  void step();
  void next_block();
  void use_pair(Transfer& out);
  void use_rail(Transfer& out);
  void own_rail_legs();
  void rerouted_legs(double load);

  AllToAllJob job_;
  std::uint32_t inside_, between_;        ///< transfers of block 0, and of any other one when no rail is lost
  std::vector<std::uint32_t> first_of_;   ///< number of a block's first transfer, by a * nodes + block; rails lost only
  std::uint32_t size_ = 0;
  Position at_;
  std::uint32_t number_ = 0;              ///< the transfer that at_ stands on
  std::vector<Leg> legs_;
  std::uint32_t legs_node_ = ~std::uint32_t{0};  ///< whose own rails legs_ holds
};

/// How many transfers AllToAllTransfers of this size has when no rail is lost, also where that is more than 32 bits hold.
std::uint64_t all_to_all_transfers(std::uint64_t nodes, std::uint64_t per_node, bool pxn);

}  // namespace weft::workloads

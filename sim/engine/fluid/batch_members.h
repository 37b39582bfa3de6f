// BatchMembers: the transfers of a batch as single flows, in twelve bytes each.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "sim/engine/fluid/lowering.h"
#include "sim/engine/fluid/paths.h"
#include "topology/router.h"
#include "workloads/program.h"

namespace weft::engine {

/// A flow is the number of its group and of two stretches, the near and the far half of its path: lists of pieces that many
/// flows share. Nothing else is kept for a flow.
class BatchMembers {
 public:
  /// What sets flows apart besides their path.
  struct Kind {
    double bytes = 0, weight = 1, cap = 0, latency = 0;
    bool at_once = false;        ///< ends with its first byte: it has none, or nothing limits it
    std::uint32_t count = 0;
    bool operator==(const Kind& o) const {
      return bytes == o.bytes && weight == o.weight && cap == o.cap && latency == o.latency && at_once == o.at_once;
    }
  };

  BatchMembers(const topology::Router& router, Lowering& lowering, Paths& paths);

  /// Reads all of a batch; groups are kinds then. False when a transfer is more than one flow or like no other, or there are
  /// too many kinds for merging to pay. Throws UserError when one has no path.
  bool read(workloads::TransferBatch& batch);

  std::uint32_t size() const { return size_; }
  const std::vector<Kind>& kinds() const { return kinds_; }
  std::uint32_t* group() { return group_.get(); }
  const std::uint32_t* group() const { return group_.get(); }
  const std::uint32_t* near() const { return near_.get(); }
  const std::uint32_t* far() const { return far_.get(); }

  std::uint32_t stretches() const { return static_cast<std::uint32_t>(first_.size() - 1); }
  /// Pieces of a stretch, numbered from 0 within the batch.
  std::span<const std::uint32_t> stretch(std::uint32_t s) const { return {pieces_.data() + first_[s], first_[s + 1] - first_[s]}; }
  /// Which piece of Paths each of the batch's is.
  std::span<const std::uint32_t> pieces() const { return used_; }

 private:
  static constexpr std::uint32_t none = ~std::uint32_t{0};
  /// A leg over the network.
  struct Network {
    workloads::Leg leg;
    KernelId kernel;
    double latency = 0;
    std::uint32_t count = 0;
    std::uint32_t pieces[topology::SubRoute::max_segments];
    std::uint32_t near = none, far = none;   // its halves
  };
  /// A leg inside a node: the last one asked for between its ends.
  struct Inside {
    double share = -1, latency = 0;
    KernelId kernel;
    std::uint32_t piece = 0;
    std::uint32_t arrived = none, far = none;   // the last far half before it, and both together
  };
  static constexpr std::size_t most_kinds = 64;

  bool stays(const Lowered& lowered);
  enum class Found : std::uint8_t { yes, no, never };
  Found find_plain(const workloads::Transfer& t);
  bool find_any(const workloads::Transfer& t);
  bool lower(const workloads::Transfer& t);
  bool go_over(const workloads::Leg& leg, const workloads::Transfer& t);
  Inside* inside(const workloads::Leg& leg, const workloads::Transfer& t);
  bool add_bundle(std::span<const workloads::Leg> legs, const workloads::Transfer& t);
  std::uint32_t near_of(std::span<const std::uint32_t> pieces, std::uint32_t last);
  std::uint32_t far_of(std::span<const std::uint32_t> pieces);
  std::uint32_t intern(std::span<const std::uint32_t> pieces);
  bool is(std::uint32_t stretch, std::span<const std::uint32_t> pieces) const;
  void grow_slots();
  std::uint32_t kind_of(const workloads::Transfer& t);
  void number_pieces();

  Lowering& lowering_;
  Paths& paths_;
  bool by_key_;                             // routes depend on more than a leg's ends
  std::uint32_t size_ = 0;
  std::unique_ptr<std::uint32_t[]> near_, far_, group_;
  std::vector<Kind> kinds_;
  std::uint32_t last_kind_ = 0;
  std::vector<std::uint32_t> first_{0}, pieces_, used_;
  std::vector<std::uint32_t> slots_;        // of stretches, open addressing: number + 1, or 0
  // While reading.
  std::uint32_t gpus_;                      // of a node
  std::vector<std::vector<Inside>> inside_; // by sender's place in its node, and then by node and receiver
  Network network_;                           // the last one
  std::vector<std::uint32_t> ends_in_;      // by piece: the last far half that ended in it
  std::vector<std::uint32_t> path_;         // pieces of the flow at hand
  double latency_ = 0;
  bool empty_path_ = false;
  std::uint32_t near_of_it_ = none, far_of_it_ = none;
};

}  // namespace weft::engine

// An Exchange is the program of one DeepEP kernel, with the bytes that it moved and who waits for which transfer.
#pragma once

#include <memory>

#include "models/communication.h"
#include "workloads/moe/routing_table.h"
#include "workloads/rails.h"
#include "workloads/static_program.h"

namespace weft::workloads::moe {

enum class Direction { dispatch, combine };

struct Exchange {
  StaticProgram program;
  struct Ends {
    std::uint32_t one, first, last;  ///< a rank, and the ranks first..last-1 at the other end
  };
  std::vector<Ends> ends;  ///< by operation
  Bytes over_nic;          ///< sum over ranks of what their tokens take over NICs
  Bytes merged;            ///< sum over ranks of what crosses their own NICs where switches copy or add up
  Bytes over_nvlink;       ///< sum over ranks of the copies that NVLink brings to (or from) an expert's rank

  /// Last finish of a rank's own transfers, mean over ranks.
  Seconds mean_rank_time(std::span<const Seconds> finish, std::uint32_t ranks) const;
};

/// What a normal kernel may do otherwise.
struct NormalOptions {
  /// Switches copy what goes to several nodes, and add up what comes back: a token crosses its own NIC once. Copies part (and sums join) at
  /// the first switch; from there on all is as it was.
  bool in_network = false;
  std::uint32_t senders = 0;   ///< ranks that have tokens, from 0 on; zero: all
};

/// Normal kernels: a token crosses to each of its nodes once, to the GPU with the source's local index, which hands
/// copies to the experts' ranks over NVLink; inside the own node NVLink alone. Combine goes the same ways back.
/// Flows share links in proportion to their bytes, because a kernel works through its tokens in order, for all
/// destinations at once.
Exchange normal_exchange(const RoutingTable& routing, Direction direction, Bytes per_copy, const Rails* rails,
                         const models::CommunicationModel& model, const NormalOptions& options = {});

/// How a low-latency kernel reaches another node.
enum class NicChoice {
  destination_rail,  ///< over PCIe to the node's NIC on the rail of the destination
  own,               ///< its own NIC, across rails
};

/// Low-latency kernels: every (token, expert) selection is a message of its own. Inside a node NVLink, or the NICs when
/// the model uses no NVLink.
Exchange low_latency_exchange(const RoutingTable& routing, Direction direction, Bytes per_selection, NicChoice nic,
                              const Rails* rails, const models::CommunicationModel& model);

}  // namespace weft::workloads::moe

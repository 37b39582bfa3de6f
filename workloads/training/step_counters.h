// StepCounters: a step's GPUs kept together by counting what has ended, so that an engine is handed only what may start.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "workloads/training/step_emitter.h"
#include "workloads/training/step_record.h"

namespace weft::workloads::training {

/// The sequences of a rank's plan that counting needs.
struct RankSequences {
  static constexpr std::uint32_t none = ~std::uint32_t{0};
  struct Computing {
    std::uint32_t local = 0, cell = 0;
    std::uint32_t exchange = none;   ///< number of the one that has to have brought its input
    bool own = false;                ///< to this GPU (else to all of its block)
    std::uint32_t lets_go = none;    ///< the exchange that begins when all GPUs of the group have come so far
  };
  struct Exchange {
    std::uint32_t local = 0;         ///< of its first transfer
    bool out = false;
  };
  struct CellParts {
    std::uint32_t end_computing = 0;   ///< one past its last
    std::uint32_t end_exchange = 0;    ///< one past the last that it waits for
    std::uint32_t arrivals = 0;
    std::uint32_t lets_go = none;      ///< as Computing's, at its begin
    std::vector<std::uint32_t> sends;  ///< locals
  };
  std::vector<Computing> computing;
  std::vector<Exchange> exchanges;
  std::vector<CellParts> cells;
  std::vector<std::uint32_t> exchange_of;   ///< by local of a transfer: its exchange
  std::vector<std::uint32_t> cell_of_send;  ///< by local of a send: the receiver's cell
};

/// Precondition: no tensor-parallel exchanges.
std::vector<RankSequences> sequences_of(const StepPlan& plan);

/// The GPUs of some groups. Operations are those of the plan without its markers.
class StepCounters {
 public:
  /// `record` may be null; it hears of the first GPU of each stage.
  StepCounters(StepEmitter& emitter, std::uint32_t first_group, std::uint32_t last_group, StepRecord* record);
  void start(Sink& sink);
  void on_complete(OpId id, Seconds t, Sink& sink);

 private:
  struct Gpu {
    std::uint32_t cell = 0;             ///< that it is in, or waits to begin
    std::uint32_t next = 0;             ///< computing
    std::uint32_t received = 0;         ///< exchanges that have brought it its own
    std::uint32_t sending = 0;          ///< transfers to other pipeline ranks under way
    std::uint32_t own_left = 0;         ///< transfers of its own that the exchange under way waits for
    bool begun = false, computes = false;
  };
  struct Block {
    std::uint32_t received = 0, left = 0;
  };
  struct Group {
    std::uint32_t under_way = 0;        ///< number of the exchange that is, or is next
    bool runs = false;
    std::uint32_t left = 0;             ///< its transfers
    std::vector<std::uint32_t> come;    ///< by exchange: GPUs that have come to it
  };
  void try_begin(std::uint32_t rank);
  void try_compute(std::uint32_t rank);
  void try_end(std::uint32_t rank);
  void come_to(std::uint32_t rank, std::uint32_t exchange);
  void try_exchange(std::uint32_t group);
  void transfer_done(std::uint32_t rank, std::uint32_t local, const PlanOp& op);
  void computed(std::uint32_t rank, std::uint32_t local, const PlanOp& op);
  bool watched(std::uint32_t rank) const { return record_ != nullptr && emitter_.grid().in_stage(rank) == 0; }

  StepEmitter& emitter_;
  const StepGrid& grid_;
  std::uint32_t first_group_, last_group_;
  StepRecord* record_;
  std::vector<RankSequences> sequences_;
  std::vector<Gpu> gpus_;                    // by rank
  std::vector<Block> blocks_;                // by rank / block size
  std::vector<Group> groups_;                // by rank / group size
  std::vector<std::vector<std::uint8_t>> arrived_;   // by rank and cell
  Sink* sink_ = nullptr;
  double now_ = 0;
};

}  // namespace weft::workloads::training

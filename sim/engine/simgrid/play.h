// Play: a Program on a Machine: which operation may start, what it moves, who hears of its end.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "sim/engine/engine.h"
#include "sim/engine/simgrid/lowering.h"
#include "sim/engine/simgrid/machine.h"

namespace weft::engine::simgrid {

class Play final : public Player, private workloads::Sink {
 public:
  /// Throws UserError for options that SimGrid cannot follow: links that fail or lose all of their rate.
  /// `over` is called when the machine has ended.
  Play(topology::Router& router, workloads::Program& program, const Options& options, TimelineSink& sink,
       std::function<void(const MachineUse&)> over);

  bool step(Machine& machine, std::span<const Ended> ended) override;
  void over(const MachineUse& use) override { over_(use); }
  /// After the last step: throws what the program or the lowering threw.
  Summary summary() const;

 private:
  struct Operation {
    enum class Kind : std::uint8_t { awaited, transfer, timed };
    Kind kind = Kind::awaited;              ///< awaited: named by others, not emitted yet
    std::uint32_t waiting = 0;              ///< operations that have to finish before
    std::uint32_t parts = 0;                ///< flows that have not ended
    bool from_the_start = false;
    double duration = 0;                    ///< of a timed operation
    workloads::Transfer transfer;
    std::vector<workloads::Leg> legs;
    std::vector<OpId> held;                 ///< operations that wait for this one
  };
  /// What a token of the machine stands for.
  struct Errand {
    enum class Kind : std::uint8_t { none, timed, flow, first_byte, change, sample };
    Kind kind = Kind::none;
    OpId op;
    std::uint32_t sub_flow = 0;
    double bytes = 0, weight = 1, cap = 0;
    Lowering::Flow flow;
    std::uint32_t meter = 0;                ///< a link of this flow alone, where rates are asked for
    bool moving = false;
  };

  void transfer(const workloads::Transfer& t, std::span<const OpId> after) override;
  void compute(const workloads::Compute& c, std::span<const OpId> after) override;
  void marker(OpId id, Seconds delay, std::span<const OpId> after) override;

  Operation& emit(OpId id, Operation::Kind kind, std::span<const OpId> after, StreamId stream = {});
  bool finished(OpId id) const;
  void mark_finished(OpId id);
  void hold(OpId id, OpId by);
  void play(std::span<const Ended> ended);
  void hear(std::uint32_t token);
  void end_operations();
  void start_ready();
  void start_transfer(OpId id, Operation& op);
  void begin(std::uint32_t token);
  void post(std::uint32_t token);
  void end_part(std::uint32_t token);
  void run_for(double seconds, std::uint32_t token);
  void next_change();
  void sample();
  void tell_rates();
  [[noreturn]] void stuck() const;
  std::uint32_t errand(Errand::Kind kind, OpId op = {});

  workloads::Program& program_;
  const Options& options_;
  TimelineSink& sink_;
  std::function<void(const MachineUse&)> over_;
  std::vector<FabricEvent> changes_;   // by time
  std::size_t changes_done_ = 0;
  Lowering lowering_;
  Machine* machine_ = nullptr;
  double instant_ = 0, makespan_ = 0;
  bool begun_ = false, starting_ = false, ended_ = false;
  std::unordered_map<OpId, Operation> operations_;                                // looked up only
  std::unordered_map<std::uint32_t, std::vector<bool>> finished_;                 // by page of ids; looked up only
  std::vector<OpId> ready_, ending_;
  std::unordered_map<StreamId, OpId> stream_tail_;                                // looked up only
  std::vector<Errand> errands_;        // by token
  std::vector<std::uint32_t> free_, links_, due_;
  std::uint64_t emitted_ = 0, done_ = 0, outstanding_ = 0, flows_ = 0, in_flight_ = 0, most_in_flight_ = 0, events_ = 0, steps_ = 0;
  // For Options::stop_after_first_rates.
  struct Rate {
    OpId op;
    std::uint32_t sub_flow;
    double rate;
  };
  std::uint64_t first_bytes_due_ = 0;  // flows of transfers emitted at the start whose first byte has not moved
  std::uint64_t starts_due_ = 0;       // such transfers that have not started
  std::vector<double> rate_;           // by token
  std::vector<Rate> rates_;
  std::exception_ptr error_;
};

}  // namespace weft::engine::simgrid

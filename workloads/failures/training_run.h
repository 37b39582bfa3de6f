// A TrainingRun is the state of one simulated training job under failures: what it does at the moment, what it has written, what is broken.
#pragma once

#include <optional>
#include <queue>

#include "workloads/failures/training_job.h"

namespace weft::workloads::failures {

class TrainingRun {
 public:
  TrainingRun(const TrainingJob& job, std::uint64_t seed, std::uint64_t replica);
  JobOutcome run();

 private:
  enum class Phase { training, stalled, detecting, waiting, restarting };
  /// A part that is broken, or a node that is away, until it is repaired.
  struct Repair {
    double at;
    std::size_t stream;
    double nodes;      ///< that join the spares then
    double slowdown;   ///< ends then
    bool operator>(const Repair& o) const { return at > o.at; }
  };
  /// A corruption that nobody has noticed yet.
  struct Corruption {
    double noticed_at;
    double safe;       ///< work of the last checkpoint before it
    std::size_t stream;
  };

  // Time. Each goes on to `t`, where something happens from outside.
  void advance(double t);
  void train(double t);
  void work(double wall);
  void pause(double wall);
  void commit();
  void whole_cycles(double t);
  void pass(double until, double& account);

  // Events.
  double next_event() const;
  void failures_due();
  void repairs_due();
  void corruptions_due();
  void strike(std::size_t stream, std::uint64_t number);
  void slow_down(std::size_t stream);
  void stand_still(std::size_t stream, Seconds down, double detection);
  void stop(std::size_t stream, double detection, double nodes);
  void go_back(double to, std::size_t stream);
  void begin_restart();
  void lose(std::size_t stream, double seconds) { causes_[stream].lost_s += seconds; }

  double draw(std::size_t stream, std::uint64_t number, const char* what) const;
  double gap(std::size_t stream, std::uint64_t number) const;
  void find_slowdown();

  const TrainingJob& job_;
  std::uint64_t seed_, replica_;
  double end_, interval_, pause_;
  double now_ = 0;
  Phase phase_ = Phase::training;
  double phase_end_ = 0;
  std::size_t blamed_ = 0;              ///< the stream to which the present phase is put down

  std::vector<double> arrival_;         ///< by stream: when it strikes next
  std::vector<std::uint64_t> number_;   ///< by stream: of that failure
  std::priority_queue<Repair, std::vector<Repair>, std::greater<>> repairs_;
  std::vector<Repair> broken_;          ///< those that slow the job
  std::vector<Corruption> corruptions_;

  double slowdown_ = 1;
  std::size_t slowed_by_ = 0;
  double spares_, nodes_missing_ = 0, blocked_until_ = 0;

  double saved_ = 0;                    ///< work in the last checkpoint
  double worked_ = 0, degraded_ = 0, paused_ = 0;   ///< since it
  TimeSpent spent_;
  std::vector<CauseOutcome> causes_;
};

}  // namespace weft::workloads::failures

// run(): executes a Program on a Fabric and tells a TimelineSink what happened when.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/core/ids.h"
#include "sim/core/units.h"
#include "topology/router.h"
#include "workloads/program.h"

namespace weft::engine {

/// Hears of every operation. Times are simulated seconds from the start of the program.
class TimelineSink {
 public:
  virtual ~TimelineSink() = default;
  virtual void started(OpId, Seconds) {}
  /// Called in order of (time, id).
  virtual void finished(OpId, Seconds) {}
  /// After the first allocation of rates that has every transfer started so far: rate per sub-flow.
  virtual void first_rate(OpId, std::uint32_t /*sub_flow*/, BytesPerSecond) {}
  /// False: started() and finished() need not be called, so that nothing has to be kept for them.
  virtual bool wants_operations() const { return true; }
};

/// A change of the fabric in mid-run.
struct FabricEvent {
  enum class What { capacity, fail, repair };
  Seconds at;
  What what = What::capacity;
  LinkId link;
  BytesPerSecond rate;          ///< for `capacity`
};

struct Options {
  bool classes = true;          ///< merge flows of equal path class, size and start into one weighted variable (exact)
  bool fold = true;             ///< simulate one representative of ranks that the program's symmetries make equal (exact)
  double time_tolerance = 0;    ///< completions closer than this part of the time count as one; 0: exact
  unsigned threads = 1;         ///< for parts of a program that share nothing; never changes a result
  bool stop_after_first_rates = false;  ///< tell first_rate() for all flows once all have started, then stop
  std::vector<FabricEvent> events;      ///< in any order
};

/// Counters of a run; deterministic.
struct Summary {
  Seconds makespan;
  std::uint64_t operations = 0;
  std::uint64_t flows = 0;        ///< sub-flows before merging
  std::uint64_t classes = 0;      ///< variables at most at once
  std::uint64_t events = 0;
  std::uint64_t solves = 0;
  double max_link_utilisation = 0;   ///< busiest link's bytes over capacity times makespan
  LinkId busiest_link;           ///< with folding, one of those that are as busy
  std::uint32_t ranks = 0;           ///< of a program whose ranks were folded; zero when they were not
  std::uint32_t simulated_ranks = 0; ///< how many of these stood for all
};

/// Runs to the end. Throws UserError when a transfer has no path (also after a failure in mid-run) and RunError when
/// operations wait for one that never comes.
Summary run(topology::Router& router, workloads::Program& program, const Options& options, TimelineSink& sink);

}  // namespace weft::engine

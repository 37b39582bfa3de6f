// A FluidQueue is work in aggregate: it comes at a rate, is worked through at a rate, and what cannot be waits.
#pragma once

#include <vector>

namespace weft::workloads::inference {

/// Work leaves at this rate for so long.
struct OutFlow {
  double rate = 0;        ///< a second
  double seconds = 0;
};

class FluidQueue {
 public:
  /// Work comes at `in` a second for so long, and the stage can do `capacity` a second (infinity: nothing ever waits; its `busy_s` counts as the whole time).
  /// Returns how it leaves, in one piece or, where the backlog runs empty inside, in two.
  std::vector<OutFlow> pass(double in, double capacity, double seconds);

  double backlog() const { return backlog_; }
  // Of the last pass():
  double arrived() const { return arrived_; }
  double served() const { return served_; }
  double busy_seconds() const { return busy_s_; }       ///< time in which the stage works, as if at full speed
  double longest_wait() const { return longest_wait_s_; }   ///< seconds until new work is begun, at the worst instant; infinity where nothing is done
  double load() const { return load_; }                 ///< what comes over what can be done; zero where nothing limits it
  bool grows() const { return grows_; }                 ///< more comes than can be done

 private:
  double backlog_ = 0, arrived_ = 0, served_ = 0, busy_s_ = 0, longest_wait_s_ = 0, load_ = 0;
  bool grows_ = false;
};

}  // namespace weft::workloads::inference

// Runs of the engine that an explanation takes: as the case is, to find and read its critical path, and with something free.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "scenarios/cluster.h"
#include "sim/analysis/explain/free_program.h"
#include "sim/analysis/explain/link_roles.h"
#include "sim/analysis/explain/path_reader.h"
#include "sim/analysis/explain/summary.h"
#include "sim/engine/engine.h"
#include "workloads/workload.h"

namespace weft::scenarios {

/// A case as it runs when it is explained: the first trial, and all that follows.
struct Played {
  const workloads::Case& c;
  const Cluster& cluster;
  const engine::Options options;

  std::size_t programs() const { return 1 + c.then.size(); }
  std::unique_ptr<workloads::Program> program(std::size_t i) const { return i == 0 ? c.program(0) : c.then[i - 1].program(0); }
};

/// Counts runs of the engine for whoever waits.
class Count {
 public:
  explicit Count(const std::function<void(std::size_t, std::size_t)>& tell) : tell_(tell) {}
  void expect(std::size_t more) { total_ += more; }
  void one() {
    ++done_;
    if (tell_) tell_(done_, total_);
  }

 private:
  const std::function<void(std::size_t, std::size_t)>& tell_;
  std::size_t done_ = 0, total_ = 0;
};

/// What is free, and how many operations a program may then emit before it counts as another one.
struct Freeing {
  const analysis::Freed& what;
  const std::vector<std::uint64_t>& usual;   ///< operations of each program, with nothing free
};

struct Walked {
  engine::Summary first;                ///< of the first program
  std::vector<std::uint64_t> usual;     ///< operations of each program
  analysis::Summarised told;
};

/// Runs the case twice, to find its critical path and to read it. Throws analysis::GoesOnDifferently when it does with something free.
Walked walk(const Played& p, const analysis::LinkRoles& roles, std::size_t bins, std::size_t most, const std::optional<Freeing>& freeing, Count& count);

/// The whole case with something free; nothing when the program then does something else.
std::optional<Seconds> time_without(const Played& p, const Freeing& freeing, Count& count);

}  // namespace weft::scenarios

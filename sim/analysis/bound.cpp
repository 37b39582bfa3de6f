#include "sim/analysis/bound.h"

#include <algorithm>

#include "sim/analysis/bound_walk.h"
#include "sim/analysis/load.h"

namespace weft::analysis {

Bound bound_of(topology::Router& router, workloads::Program& program, Ledger* ledger) {
  Load load(router, program.kernels(), ledger);
  Walk walk([&load](const workloads::Transfer& t) { return load.add(t); }, ledger);
  Bound b;
  b.longest_chain = Seconds(walk.run(program));
  b.busiest_link = Seconds(load.busiest_link());
  b.total = std::max(b.longest_chain, b.busiest_link);
  return b;
}

}  // namespace weft::analysis

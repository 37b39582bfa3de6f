// Islands: many flows that share links with nobody else, played to their ends at once, so that they stay in the cache.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sim/engine/fluid/flow_store.h"
#include "sim/engine/fluid/free_ids.h"
#include "sim/engine/fluid/heap.h"
#include "sim/engine/fluid/paths.h"
#include "sim/engine/fluid/solver.h"

namespace weft::engine {

/// Max-min rates of flows depend on those alone with which they are joined by links. While nothing else comes to these links, what becomes of an
/// island is known from its start: it is played by a solver of its own, ends and all, while its few hundred kilobytes are at hand. Rates are written
/// down as they change, so that if something comes after all its flows can be given back with what they have left.
class Islands {
 public:
  static constexpr std::uint32_t none = FlowStore::none;
  Islands(const Paths& paths, FlowStore& flows) : paths_(paths), flows_(flows) {}

  /// Flows, sorted, that move from `now` on, with FlowStore::bytes() to go each; no flow outside crosses a link of theirs. False, and nothing has
  /// happened, when one of them never ends.
  bool add(std::span<const std::uint32_t> flows, double now);
  /// The island that a link belongs to.
  std::uint32_t on(std::uint32_t link) const { return link < island_of_.size() ? island_of_[link] : none; }
  /// Gives up an island: appends its flows that have not been told to end to `flows`, and what they have left at `now` to `left`.
  void give_up(std::uint32_t island, double now, std::vector<std::uint32_t>& flows, std::vector<double>& left);
  /// Calls f(island) for each one.
  template <class F>
  void for_each(F f) const {
    for (std::uint32_t i = 0; i < islands_.size(); ++i) {
      if (!islands_[i].ends.empty()) f(i);
    }
  }

  double next() const { return next_.top_key(); }
  /// Appends the flows that end until `limit`. Returns when the last of them does; 0 for none.
  double finish_until(double limit, std::vector<std::uint32_t>& ended);
  std::size_t flows() const { return live_; }
  std::uint64_t solves() const { return solves_; }

 private:
  struct End {
    double time;
    std::uint32_t number;        // of a flow on its island
  };
  struct Change {
    double since, left, rate;    // bytes left at `since`, and what they go at from then on
    std::uint32_t number;
  };
  struct Island {
    std::vector<std::uint32_t> flows, links;
    std::vector<End> ends;       // in order of time
    std::vector<Change> changes; // in order of time
    std::size_t next = 0;        // the first of the ends that has not been told
  };
  /// A flow while an island is played.
  struct Moving {
    double left = 0, since = 0, rate = 0, weight = 1;
    std::uint32_t variable = none;
  };

  bool play(Island& island, double now);
  void put_in(Island& island, double now);
  void find_terms(std::uint32_t flow, Island& island);
  void solve(Island& island, double now);
  void take_out(const Island& island);
  void release(std::uint32_t island);

  const Paths& paths_;
  FlowStore& flows_;
  std::vector<Island> islands_;
  FreeIds free_;
  IndexedHeap next_;                          // by island
  std::vector<std::uint32_t> island_of_;      // by link
  std::size_t live_ = 0;
  std::uint64_t solves_ = 0;
  // While one is played.
  Solver solver_;
  std::vector<Moving> moving_;
  std::vector<double> finish_;                // by number; infinite once it has ended
  std::vector<std::uint32_t> number_of_;      // by variable
  std::vector<std::uint32_t> constraint_of_;  // by link
  std::vector<double> sum_;                   // by constraint
  std::vector<Solver::Term> terms_;
};

}  // namespace weft::engine

// Classes: the flows that move, merged where they are alike, with their rates and finish times.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "sim/engine/fluid/flow_store.h"
#include "sim/engine/fluid/free_ids.h"
#include "sim/engine/fluid/heap.h"
#include "sim/engine/fluid/islands.h"
#include "sim/engine/fluid/paths.h"
#include "sim/engine/fluid/refine.h"
#include "sim/engine/fluid/solver.h"

namespace weft::engine {

/// One solver variable per class of flows, one solver link per class of links. When flows begin, colour refinement says
/// which of them are alike and which older classes they tell apart; when a class finishes it leaves as a whole, which
/// keeps the rest equitable. Flows that are like no other go into lanes (classes_lanes.cpp): those that load the same links
/// wherever it matters share a variable, each with its own end. Without merging, every flow and every link is a class of its own.
class Classes {
 public:
  /// `islands`: without merging, many flows that share links with nobody are played to their ends at once; to be left out where links change or
  /// completions wait for one another.
  Classes(Paths& paths, FlowStore& flows, bool merge, bool islands = false);

  /// The flow takes bandwidth from the next settle() on.
  void begin(std::uint32_t flow) { starting_.push_back(flow); }
  /// To be called when Paths::capacity of a link changed.
  void capacity_changed(std::uint32_t link) { disturbed_.push_back(link); }
  /// Forgets who is like whom; all flows begin anew with what they have left. Pieces of flows may be changed then.
  void unbundle(double now);
  /// Brings classes, rates and finish times up to date.
  void settle(double now);

  double next_finish() const { return std::min(finish_.top_key(), islands_.next()); }
  struct Finished {
    std::uint32_t flow;
    double rate;          ///< its last
  };
  /// Appends the flows that finish until `limit`; they move no more. Returns when the last of them does; 0 for none.
  double finish_until(double limit, std::vector<Finished>& finished);

  /// Bytes per second now. Not of flows on islands.
  double rate(std::uint32_t flow) const { return classes_[flows_.class_of[flow]].rate; }
  /// Whether any flow moves or is about to.
  bool moving() const { return live_classes_ > 0 || islands_.flows() > 0 || !starting_.empty(); }
  /// Calls f(flow) for each flow that moves, but for those on islands.
  template <class F>
  void for_flows(F f) const {
    for (const FlowClass& c : classes_) for_members(c, f);
  }

  /// Bytes that physical links have carried so far for flows that finished or were unbundled.
  std::vector<double> carried() const;
  /// To be called before the number of a piece is given to another.
  void forget_piece(std::uint32_t piece);
  std::uint64_t flows_begun() const { return flows_begun_; }
  std::uint64_t most_classes() const { return most_classes_; }
  std::uint64_t solves() const { return solves_ + islands_.solves(); }

 private:
  static constexpr std::uint32_t none = FlowStore::none;

  struct FlowClass {
    double remaining = 0, since = 0, rate = 0;   // bytes of each member (of a lane: of the first to end) left at time `since`
    double weight = 1, cap = 0;
    std::uint32_t variable = none, cap_link = none;
    std::uint32_t first = none, count = 0;   // members; those of a lane are listed there
    std::uint32_t lane = none;
  };
  /// Flows with the same loud links, in order of their ends.
  struct Lane {
    std::uint64_t key = 0;
    std::vector<Solver::Term> loud;                           // of each member, by link
    std::vector<std::pair<double, std::uint32_t>> members;    // a heap of (bytes served to each when it ends, flow)
  };
  struct Pending {
    std::uint32_t flow;
    double remaining;
  };
  struct LinkClass {
    std::uint32_t constraint = none;
    std::uint32_t first = none, count = 0;
    bool marked = false;
  };

  template <class F>
  void for_members(const FlowClass& c, F f) const {
    if (c.lane != none) {
      for (const auto& m : lanes_[c.lane].members) f(m.second);
    } else {
      for (std::uint32_t m = c.first; m != none; m = flows_.next_in_class[m]) f(m);
    }
  }

  // Lanes (classes_lanes.cpp).
  void find_terms(std::uint32_t flow, std::uint32_t count);
  void make_single(std::uint32_t link);
  std::uint64_t find_loud(double weight);
  void hand_over(std::uint32_t flow_class);
  void place_pending(double now);
  void place(const Pending& p, double now);
  std::uint32_t new_lane(std::uint32_t flow, double now);
  void forget_lane(std::uint32_t flow_class, bool keep_links = false);
  void forget_key(std::uint32_t flow_class);
  void take_apart(std::uint32_t flow_class, double now);
  void separate(double now);
  void unite(double now);
  void collect_lanes_on(std::vector<std::uint32_t>& links);
  void find_company(std::uint32_t flow_class, double now);
  void add_member(FlowClass& c, double so_far, double remaining, std::uint32_t flow);
  void join_lanes(std::uint32_t into, std::uint32_t from, double now);
  double finish_members(std::uint32_t flow_class, double limit, std::vector<Finished>& finished);

  // Islands (classes_islands.cpp).
  enum Taken : std::uint8_t { not_seen, seen, on_island };
  struct Chained {
    std::uint32_t number, next;   // of a starting flow; of chain_
  };
  void give_up_island(std::uint32_t island, double now);
  void begin_again(std::uint32_t flow, double left);
  void find_islands(double now);
  template <class LinksOf>
  void grow_island(std::uint32_t seed, LinksOf links_of, double now);
  void set_free(std::uint32_t flow_class, double now);

  // Regrouping (classes_regroup.cpp).
  void regroup(double now);
  bool all_single();
  void begin_singly(double now);
  std::uint64_t new_flow_colour(std::uint32_t flow) const;
  void collect_region();
  void collect_starting_links();
  void collect_uncovered_links();
  void note_link(std::uint32_t link);
  void reach_link_class(std::uint32_t link_class);
  void mark_flow_class(std::uint32_t flow_class);
  void colour_region();
  bool split(std::uint32_t first, const std::vector<std::uint64_t>& colour, const std::vector<std::uint32_t>& next) const;
  void take_out(std::uint32_t flow_class, double now);
  void split_links(double now);
  void split_flows(double now);
  FlowClass fresh_class(std::uint32_t flow, double now) const;

  std::uint32_t new_flow_class();
  void free_flow_class(std::uint32_t flow_class);
  std::uint32_t new_link_class(double capacity);
  void dissolve(std::uint32_t link_class);
  void join(std::uint32_t flow_class);
  void leave(std::uint32_t flow_class, bool keep_links = false);
  void dissolve_unused();
  void advance(FlowClass& c, double now);
  double finish_time(const FlowClass& c) const;
  double served(const FlowClass& c) const { return c.count == 0 ? 0 : lanes_[c.lane].members.front().first - c.remaining; }
  void account(std::uint32_t flow, double bytes);

  Paths& paths_;
  FlowStore& flows_;
  bool merge_, with_islands_;
  Islands islands_;
  Refiner refiner_;
  Solver solver_;
  IndexedHeap finish_;                               // by class

  std::vector<FlowClass> classes_;
  FreeIds free_classes_;
  std::vector<std::uint32_t> class_of_variable_;
  std::vector<LinkClass> link_classes_;
  std::vector<std::uint32_t> free_link_classes_, link_class_of_constraint_;
  std::vector<std::uint32_t> class_of_link_, next_link_;   // by link
  std::vector<Lane> lanes_;
  std::vector<std::uint32_t> free_lanes_;
  std::unordered_map<std::uint64_t, std::uint32_t> lane_of_;   // by key: its class; looked up only
  std::vector<Pending> pending_;
  std::size_t live_classes_ = 0, live_flows_ = 0;

  std::vector<std::uint32_t> starting_, disturbed_;        // flows; links whose capacity changed
  std::vector<double> carried_;                            // by piece
  std::vector<double> carried_by_forgotten_;               // by physical link

  // Scratch of find_islands().
  std::vector<double> left_;
  std::vector<std::uint32_t> island_ends_;
  std::vector<Chained> chain_;
  std::vector<std::uint32_t> chain_of_link_, noted_links_, set_free_;
  std::vector<std::uint8_t> taken_, link_met_, flow_met_;   // by number of a starting flow; by link; by flow

  // Scratch of regroup().
  std::vector<std::uint32_t> region_flows_, region_links_, new_links_, region_link_classes_, region_classes_, rebuilt_;
  std::vector<std::uint64_t> flow_colour_, link_colour_, colours_;
  std::vector<std::uint8_t> class_marked_, piece_marked_;
  std::vector<std::uint32_t> groups_, members_, group_class_, marked_pieces_, users_, torn_of_, recovered_;
  std::vector<FlowClass> torn_;
  std::vector<Solver::Term> terms_, loud_;
  std::vector<double> sum_;                                // by link class
  std::uint64_t flows_begun_ = 0, most_classes_ = 0, solves_ = 0;
};

}  // namespace weft::engine

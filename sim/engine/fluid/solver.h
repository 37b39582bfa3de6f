// Solver: exact weighted max-min fair levels of variables that share links, re-solved only where a change can reach.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "sim/engine/fluid/blocks.h"
#include "sim/engine/fluid/free_ids.h"
#include "sim/engine/fluid/heap.h"

namespace weft::engine {

/// A variable v loads link l by coefficient(v, l) times its level; loads stay within capacities, and the levels are
/// max-min fair: each variable has a saturated link, its bottleneck, on which no other level is higher. (A flow of
/// weight w and rate x is a variable of level x / w and coefficients w times its shares.) That solution is unique.
///
/// How: levels are found by sweeping a water level upwards. A change can only touch what lies above the levels that it
/// changes, and only along links whose load changes: a variable keeps its level until the sweep reaches it and its
/// bottleneck turns out to have room (then it grows on), or until a link that it crosses saturates below it.
///
/// Most links never saturate. A link is quiet, and no part of the sweep, until the levels found without it would overload
/// it; then it wakes and the sweep goes on with it. That is exact: levels that suit all links and have their certificates
/// on some of them are the max-min fair ones. A link with much room falls quiet again.
class Solver {
 public:
  struct Term {
    std::uint32_t link;
    double coefficient;   ///< positive
    bool operator==(const Term&) const = default;
  };
  static constexpr std::uint32_t none = ~std::uint32_t{0};
  /// Two levels or loads are the same when they differ by less than this part of themselves.
  static constexpr double tolerance = 1e-12;

  /// `capacity` is finite and not negative.
  std::uint32_t add_link(double capacity);
  /// Precondition: no variable crosses it.
  void remove_link(std::uint32_t link);
  void set_capacity(std::uint32_t link, double capacity);

  /// Terms name each link once; at least one term. The level is 0 until the next solve().
  std::uint32_t add_variable(std::span<const Term> terms);
  void remove_variable(std::uint32_t variable);
  /// Adds to the coefficients of a variable, or takes away what was added. Its links that are not quiet must all be among
  /// the terms; what is left on them is a whole multiple of these terms.
  void add_share(std::uint32_t variable, std::span<const Term> terms);
  void remove_share(std::uint32_t variable, std::span<const Term> terms);

  /// Brings all levels up to date; returns the variables whose level changed, valid until the next call.
  std::span<const std::uint32_t> solve();
  /// The same in steps: solve() is begin_solve(), then improve() until it returns false, which is when changed() holds.
  /// After each step links may have woken.
  void begin_solve() { changed_.clear(); }
  bool improve();
  std::span<const std::uint32_t> changed() const { return changed_; }

  /// Whether anything happened since the last solve that may change a level.
  bool disturbed() const { return !added_.empty() || !dirty_.empty() || !suspects_.empty() || !woken_.empty(); }
  bool quiet(std::uint32_t link) const { return links_[link].quiet; }
  /// Makes the narrowest of the links awake when none is (ties: all of them).
  void wake_some(std::span<const Term> terms);
  /// Links that woke or fell quiet since the caller last emptied the list; either may have happened to one of them again.
  std::vector<std::uint32_t>& woken() { return woken_; }
  std::vector<std::uint32_t>& fallen_quiet() { return fallen_quiet_; }

  double level(std::uint32_t variable) const { return variables_[variable].level; }
  std::uint32_t bottleneck(std::uint32_t variable) const { return variables_[variable].bottleneck; }
  double capacity(std::uint32_t link) const { return links_[link].capacity; }
  /// Sum of coefficient times level, afresh.
  double load(std::uint32_t link) const;
  std::size_t users(std::uint32_t link) const { return users_[link].size() - links_[link].gone; }
  /// Calls f(variable, coefficient) for each variable that crosses a link.
  template <class F>
  void for_users(std::uint32_t link, F f) const {
    for (const Use& u : users_[link]) {
      if (links_[link].gone == 0 || variables_[u.variable].state != State::gone) f(u.variable, u.coefficient);
    }
  }
  /// Calls f(link, coefficient) for each link of a variable.
  template <class F>
  void for_links(std::uint32_t variable, F f) const {
    for (const Entry& t : terms(variables_[variable])) f(t.link, t.coefficient);
  }

 private:
  struct Use {
    std::uint32_t variable;
    std::uint32_t term;
    double coefficient;
  };
  struct Entry {
    std::uint32_t link;
    std::uint32_t shares;     // how many times something was added here
    double coefficient;
  };
  /// fixed: has its level of the last solve so far; growing: rises with the sweep; settled: has its new level; gone: removed, but still
  /// listed by its links.
  enum class State : std::uint8_t { absent, added, fixed, growing, settled, gone };
  struct Variable {
    double level = 0;
    std::uint32_t bottleneck = none;
    std::uint32_t first = 0, length = 0, room = 0;    // terms, in a block of `room`
    State state = State::absent;
  };
  /// One cache line: a visit reads most of it.
  struct Link {
    double capacity = 0;
    double load = 0;          // of all but growing variables
    double bound_level = 0;   // where the variables bound here stand
    double slope = 0;         // sum of coefficients of growing variables
    double lower = 0;         // it cannot saturate below this level
    double queued = never;    // its entry in the queue that counts
    std::uint32_t bound = 0, growing = 0;   // numbers of variables
    std::uint32_t gone = 0;   // listed variables that have been removed
    bool dirty = false;       // the next solve looks at it
    bool touched = false;     // in this solve
    bool stirred = false;     // changed since it was last queued
    bool full = false;        // has saturated in this solve
    bool released = false;    // has let go of the variables bound to it in this solve, or found that it need not
    bool quiet = true;        // takes no part but for its load, which then is of all variables
    bool suspect = false;     // quiet, and may be overloaded
    std::uint8_t saturations = 0;   // counted, for refresh()
  };
  static constexpr double nearly_full = 1 - 1e-9;   // a quiet link with more load is looked at before it may stay so
  static constexpr double never = std::numeric_limits<double>::infinity();
  struct Filling {
    double level;         // where the link saturates; infinite when nothing on it grows
    double room;          // capacity left when everything on it has grown to the sweep's level
  };

  std::span<const Entry> terms(const Variable& v) const { return {terms_.data() + v.first, v.length}; }
  std::uint32_t find_term(const Variable& v, std::uint32_t link) const;
  void append_term(std::uint32_t variable, const Term& term);
  void erase_term(std::uint32_t variable, std::uint32_t term);
  void unlist(std::uint32_t term);
  void forget_gone();
  std::uint32_t take_block(std::uint32_t length);
  // To be called when a quiet link's load rose.
  void note_if_full(std::uint32_t link) {
    Link& l = links_[link];
    if (l.load <= nearly_full * l.capacity || l.suspect) return;
    l.suspect = true;
    suspects_.push_back(link);
  }
  void mark_dirty(std::uint32_t link);
  void wake(std::uint32_t link);
  bool wake_overloaded();
  void sweep();
  void touch(std::uint32_t link);
  static double next_stop(const Link& l);
  void enqueue(std::uint32_t link);
  void stir(std::uint32_t link);
  void queue_stirred();
  void visit(std::uint32_t link);
  Filling filling(std::uint32_t link) const;
  double fill_above(std::uint32_t link, double estimate, double& lowest) const;
  void saturate(std::uint32_t link, double level);
  void refresh(std::uint32_t link);
  void release(std::uint32_t link);
  bool rebind(std::uint32_t variable);
  void grow(std::uint32_t variable);
  void settle(std::uint32_t variable, double level, std::uint32_t link);
  void bind(std::uint32_t variable, std::uint32_t link);
  void begin();
  void end();

  std::vector<Variable> variables_;
  std::vector<double> height_;              // by variable: its level; infinite while it grows
  std::vector<Entry> terms_;                // of variables, in blocks
  std::vector<std::uint32_t> place_;        // by term: where it stands in its link's list
  Blocks blocks_;
  std::vector<Link> links_;
  std::vector<std::vector<Use>> users_;     // by link
  FreeIds free_variables_;
  std::vector<std::uint32_t> free_links_;
  // What the next solve has to look at, and what it did.
  std::vector<std::uint32_t> gone_;   // variables
  std::vector<std::uint32_t> added_, dirty_, moved_, changed_, woken_, fallen_quiet_;
  // During a solve.
  std::vector<std::uint32_t> touched_, stirred_, suspects_;
  /// Where a link may have to stop the sweep; of equal levels the smaller link first.
  struct Stop {
    double level;
    std::uint32_t link;
    bool operator<(const Stop& o) const { return level < o.level || (level == o.level && link < o.link); }
  };
  QuadHeap<Stop> queue_;
  double sweep_ = 0;
};

}  // namespace weft::engine

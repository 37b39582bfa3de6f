// A PrefillUnit puts waiting prompts together to passes, so that its groups have equal work: the prefill load balancer.
#pragma once

#include <deque>
#include <vector>

#include "workloads/inference/serving/live_request.h"
#include "workloads/inference/serving/setup.h"

namespace weft::workloads::inference::serving {

/// What each number of a PrefillLoad adds to the time of a pass, about: by differences at half a pass's tokens.
struct WorkWeights {
  double token = 0, pair = 0, cached = 0, prompt = 0;
  double of(const PrefillLoad& l) const { return token * l.tokens + pair * l.pairs + cached * l.cached + prompt * l.prompts; }
};
WorkWeights work_weights(const StepTimes& times, std::uint32_t max_tokens);

/// `tokens` new ones after `before` others.
PrefillLoad piece_load(std::uint32_t before, std::uint32_t tokens, bool last);

struct Piece {
  std::uint32_t request = 0, group = 0, tokens = 0;
  bool last = false;                       ///< the prompt ends with it
};

struct Pass {
  std::vector<Piece> pieces;
  PrefillLoad slowest;                     ///< what the pass takes as long as: see WaitFor
  double imbalance = 1;                    ///< largest work of a group over the mean of all
};

/// A group's part of a pass has at most max_tokens new tokens and no more work than that many of one fresh prompt, so that long contexts do not
/// hold up all others. Prompts longer than that, or than a piece may be, are computed in pieces, on one group. A pass takes prompts in order of
/// arrival as long as there is room, and deals them out longest work first, each to the group with the least so far.
class PrefillUnit {
 public:
  PrefillUnit(const Unit& unit, const ServingPolicy& policy, const WorkWeights& weights);

  /// The next pass; takes what is in it from `waiting`. Without pieces: nothing waits, or nothing fits into memory.
  Pass next(std::deque<std::uint32_t>& waiting, LiveRequests& requests);
  /// Gives back the memory of a request whose cache has left.
  void release(std::uint32_t group, std::uint32_t tokens);

  bool busy = false;                       ///< the caller's
  /// Nothing that waits fits until release().
  bool blocked() const { return blocked_; }
  bool resumes() const { return !pinned_.empty(); }
  double kv_used() const { return kv_total_; }

 private:
  struct Group {
    PrefillLoad load;
    std::uint32_t room = 0, pieces = 0;
    double work = 0;
  };
  struct Candidate {
    double work = 0;
    std::uint32_t request = 0, place = 0;  // in order of arrival
  };
  bool has_place(const Group& g) const { return policy_.max_prompts == 0 || g.pieces < policy_.max_prompts; }
  std::uint32_t tokens_for(double work, const LiveRequest& r) const;
  std::uint32_t first_piece(const LiveRequest& r) const;
  void add(std::uint32_t group, std::uint32_t request, std::uint32_t tokens, LiveRequests& requests, Pass& pass);
  void resume(LiveRequests& requests, Pass& pass);
  std::vector<Candidate> take_candidates(std::deque<std::uint32_t>& waiting, const LiveRequests& requests);
  bool deal_out(std::uint32_t request, LiveRequests& requests, Pass& pass);
  void finish(Pass& pass) const;

  Unit unit_;
  ServingPolicy policy_;
  WorkWeights weights_;
  std::uint32_t longest_ = 0;              // piece
  double most_work_ = 0;                   // of a group in a pass
  std::vector<Group> groups_;              // of the pass that is put together
  std::vector<double> kv_;                 // tokens, by group
  double kv_total_ = 0;
  std::vector<std::uint32_t> pinned_;      // requests of which pieces are left
  std::uint32_t turn_ = 0, left_over_ = 0;
  bool blocked_ = false;
};

}  // namespace weft::workloads::inference::serving

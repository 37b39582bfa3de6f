// A trace: which simulated case of a scenario is drawn as a timeline, on which ranks, and to whom it is told.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "scenarios/resolve.h"
#include "sim/analysis/timeline/events.h"

namespace weft::scenarios {

/// Ranks as a user names them: "0-15,64".
class RankList {
 public:
  RankList() = default;
  /// Throws UserError (place: `option`).
  RankList(const std::string& text, const std::string& option);
  bool empty() const { return ranges_.empty(); }
  /// By rank, whether it is listed; empty when the list is. Throws UserError when a rank is not below `ranks`.
  std::vector<bool> of(std::uint32_t ranks) const;

 private:
  std::string option_;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> ranges_;   // first and last
};

/// What a user wants drawn.
struct TraceRequest {
  std::string of;         ///< "variant/workload[label=value]", or what of it says which is meant; empty: the only one
  RankList ranks;         ///< empty: all
  bool arrows = true;
  analysis::TimelineEvents* to = nullptr;
};

/// What has been drawn.
struct Traced {
  std::string of;
  std::size_t trials = 1;      ///< of the case; the first is drawn
  std::uint64_t slices = 0;
  std::uint32_t processes = 0;
};

/// A case of a workload of a variant.
struct TracedCase {
  const ResolvedVariant* variant = nullptr;
  const ResolvedWorkload* workload = nullptr;
  std::size_t number = 0;      ///< among the workload's cases
  std::string name;            ///< "MPFT/all_to_all[gpus=16,size_B=1024]"
};

/// All of them, in the order of a result's rows.
std::vector<TracedCase> cases_of(const std::vector<ResolvedVariant>& variants);

/// The place in `all` of the one that `of` means, "variant/workload[label=value]" or any part of it that only one has. Throws UserError (place: `option`) that
/// lists those which fit when it is not exactly one; nothing being simulated is a problem of `asking`.
std::size_t choose_case(const std::vector<TracedCase>& all, const std::string& of, const std::string& option, const std::string& asking);

/// The one that is asked for. Throws UserError that lists those which fit when it is not exactly one, and for ranks that the
/// cluster has not.
TracedCase choose_traced(const std::vector<ResolvedVariant>& variants, const TraceRequest& request);

}  // namespace weft::scenarios

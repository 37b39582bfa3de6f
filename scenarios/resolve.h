// A variant resolved: its cluster built from data, its workloads read; ready to run.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "scenarios/analysis_kind.h"
#include "scenarios/cluster.h"
#include "scenarios/scenario.h"
#include "sim/core/error.h"

namespace weft::scenarios {

/// Keys of a scenario that put its answer into words and are no part of what is computed: no digest has them.
inline constexpr std::array<const char*, 1> kWordKeys = {"headline"};

/// One entry of /workload: either a Workload (programs) or an Analysis (no program).
struct ResolvedWorkload {
  std::string id;
  std::string pointer;                                ///< "/workload/2"
  const workloads::WorkloadKind* kind = nullptr;      ///< one of the two kinds is set
  const AnalysisKind* analysis_kind = nullptr;
  std::unique_ptr<workloads::Workload> workload;
  std::unique_ptr<Analysis> analysis;

  /// What gives its kernel times; null: it has none.
  const models::CostModel* cost_model() const { return workload ? workload->cost_model() : analysis ? analysis->cost_model() : nullptr; }
};

struct ResolvedVariant {
  std::string name;
  std::string file;                                   ///< for messages: "s.json" or "s.json (variant MRFT)"
  std::unique_ptr<Cluster> cluster;
  std::vector<ResolvedWorkload> workloads;
};

/// Reads all variants; throws one UserError with every problem of all of them. `kernels` gives kernel times; null: as by default.
std::vector<ResolvedVariant> resolve(const Scenario& scenario, const DataPlaces& data, std::uint64_t seed,
                                     const KernelTimes* kernels = nullptr, std::optional<KernelDraw> draw = {});

/// The scenario's document with what it was resolved to and a digest of both.
std::shared_ptr<const Json> resolved_input(const Scenario& scenario, const std::vector<ResolvedVariant>& variants, std::uint64_t seed);

/// The error of a workload with its file, and the workload's place before places that are relative to it.
UserError placed(const UserError& e, const std::string& file, const std::string& pointer);

}  // namespace weft::scenarios

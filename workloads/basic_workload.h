// A BasicWorkload is what every kind here derives from: it keeps the resolved parameters and the constants used.
#pragma once

#include "workloads/parameters.h"
#include "workloads/workload.h"

namespace weft::workloads {

class BasicWorkload : public Workload {
 public:
  explicit BasicWorkload(const Parameters& p) : resolved_(p.resolved()), constants_(p.constants()) {}
  std::vector<ConstantUsed> constants() const override { return constants_; }
  Json resolved() const override;

 private:
  std::shared_ptr<const Json> resolved_;
  std::vector<ConstantUsed> constants_;
};

/// A size as a cell: whole bytes where it is whole.
Cell bytes_cell(Bytes b);
double microseconds(Seconds t);
double gigabytes_per_second(BytesPerSecond r);

/// Throws UserError at `place` ("/gpus/0") unless the cluster holds `gpus` GPUs in whole nodes (or fewer than one
/// node's).
void require_gpus(const ClusterView& cluster, std::int64_t gpus, const std::string& place);
/// Throws UserError unless the rank exists.
void require_rank(const ClusterView& cluster, std::int64_t rank, const std::string& place);

/// Mean over outcomes.
Seconds mean_makespan(std::span<const Outcome> outcomes);

}  // namespace weft::workloads

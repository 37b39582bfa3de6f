#include "scenarios/studies/try_it.h"

#include <algorithm>

#include <fmt/format.h>

namespace weft::scenarios {
namespace {

using analysis::Resource;

std::string rate(const char* key, BytesPerSecond r) { return fmt::format("--set '/cluster/node/{}={}'", key, to_text(r * 2)); }

/// A key that the workload's kind documents.
bool knows(const ResolvedWorkload& w, const std::string& key) {
  return w.kind != nullptr && std::any_of(w.kind->parameters.begin(), w.kind->parameters.end(), [&](const ColumnDoc& d) { return d.name == key; });
}

}  // namespace

std::string try_it(const analysis::Explanation::Cost& cost, const analysis::Freed& what, const ResolvedVariant& variant, const ResolvedWorkload& workload) {
  const topology::NodeSpec& node = variant.cluster->node();
  if (!what.operations.empty()) return "";
  if (!what.kernels.empty()) return knows(workload, "kernel") ? fmt::format("--set /workload/{}/kernel=line_rate", workload.id) : "";
  switch (cost.resource) {
    case Resource::nic_out:
    case Resource::nic_in: return rate("nic_rate", node.nic_rate.value);
    case Resource::nvlink: return rate("nvlink_rate", node.nvlink_rate.value);
    case Resource::pcie: return rate("pcie_rate", node.pcie_rate.value);
    case Resource::uplink:
    case Resource::downlink: return variant.cluster->failed().empty() ? "" : "--set '/cluster/failed=[]'";
    default: return "";
  }
}

}  // namespace weft::scenarios

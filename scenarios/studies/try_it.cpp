#include "scenarios/studies/try_it.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "scenarios/studies/submission.h"

namespace weft::scenarios {
namespace {

using analysis::Resource;

struct Settings {
  const std::vector<std::string>& taken;
  std::string text;

  /// A setting that a variant's own would undo is none.
  void add(const std::string& pointer, const std::string& value) {
    const bool undone = std::any_of(taken.begin(), taken.end(), [&](const std::string& t) {
      return t == pointer || pointer.starts_with(t + "/") || t.starts_with(pointer + "/");
    });
    if (!undone) text += fmt::format("{}--set {}", text.empty() ? "" : " ", shell_word(pointer + "=" + value));
  }
};

/// Every key of the workload that names this kernel.
void lift(Settings& out, const ResolvedWorkload& workload, const analysis::Freed::Kernel& kernel) {
  const Json resolved = workload.workload->resolved();
  for (const auto& [key, value] : resolved.items()) {
    if (!key.ends_with("kernel") || !value.is_string() || value.get<std::string>() != kernel.name) continue;
    const char* const rate = kernel.on_nics ? "nic_rate" : "nvlink_rate";
    out.add(fmt::format("/workload/{}/{}", workload.id, key), fmt::format(R"({{"extends": "{}", "{}": "10 TB/s"}})", kernel.name, rate));
  }
}

}  // namespace

std::string try_it(const analysis::Explanation::Cost& cost, const analysis::Freed& what, const ResolvedVariant& variant, const ResolvedWorkload& workload,
                   const std::vector<std::string>& taken) {
  const topology::NodeSpec& node = variant.cluster->node();
  Settings out{taken, ""};
  const auto twice = [&](const char* key, BytesPerSecond rate) { out.add(std::string("/cluster/node/") + key, to_text(rate * 2)); };
  if (!what.operations.empty()) return "";
  std::vector<std::string> lifted;
  for (const analysis::Freed::Kernel& k : what.kernels) {
    if (cost.resource == Resource::storage || std::find(lifted.begin(), lifted.end(), k.name) != lifted.end()) continue;   // shares of a NIC have no rate to lift
    lifted.push_back(k.name);
    lift(out, workload, k);
  }
  if (!what.kernels.empty()) return out.text;
  switch (cost.resource) {
    case Resource::nic_out:
    case Resource::nic_in: twice("nic_rate", node.nic_rate.value); break;
    case Resource::nvlink: twice("nvlink_rate", node.nvlink_rate.value); break;
    case Resource::pcie: twice("pcie_rate", node.pcie_rate.value); break;
    case Resource::uplink:
    case Resource::downlink:
      if (!variant.cluster->failed().empty()) out.add("/cluster/failed", "[]");
      break;
    default: break;
  }
  return out.text;
}

}  // namespace weft::scenarios

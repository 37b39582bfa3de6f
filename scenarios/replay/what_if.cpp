#include "scenarios/replay/what_if.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "scenarios/replay/exchanges.h"
#include "scenarios/replay/kernel_scale.h"

namespace weft::scenarios::replay {
namespace {

using workloads::replay::RecordedOp;
using workloads::replay::Recording;
using workloads::replay::Role;

/// The limits of communication kernels on the new wires: the share of a rate that was fitted, of another rate.
ExchangeOptions limits(const Networks& networks, const WhatIf& what) {
  ExchangeOptions o;
  if (what.fixed_limits) return o;
  const auto times = [](BytesPerSecond now, BytesPerSecond before) { return before.value() > 0 && now.value() > 0 ? now / before : 1.0; };
  o.nic_limit = times(networks.now->node().nic_rate.value, networks.recorded->node().nic_rate.value);
  o.nvlink_limit = times(networks.now->node().nvlink_rate.value, networks.recorded->node().nvlink_rate.value);
  return o;
}

/// Everything that one what-if does to the durations of a recording.
class Change {
 public:
  Change(const Recording& r, const WhatIf& what, const Networks& networks, const KernelModels& kernels, const DataPlaces& data,
         const RunOptions& run)
      : r_(r), what_(what), networks_(networks), exchanges_(r, data, run), now_(limits(networks, what)) {
    now_.balanced = what.balanced;
    if (kernels.now) scale_.emplace(r, what, kernels);
    if (what.balanced && balanced_rows(r) == 0) {
      out_.notes.push_back("the trace is of no training that weft knows: the rows of its experts are not known and stay as they are");
    }
  }

  Durations all() {
    for (const auto& [op, us] : what_.longer_us) {
      if (op >= r_.ops.size())
        throw UserError("--slow", fmt::format("there is no operation {}", op),
                        fmt::format("they are numbered 0 to {} in the order of their start (--operations)", r_.ops.size() - 1));
    }
    for (std::uint32_t op = 0; op < r_.ops.size(); ++op) {
      double us = duration(r_.ops[op]);
      if (const auto longer = what_.longer_us.find(op); longer != what_.longer_us.end()) us += longer->second;
      if (!(us >= 0) || !std::isfinite(us))
        throw UserError("--slow", fmt::format("operation {} would last {:g} us", op, us),
                        fmt::format("it lasts {:g} us as recorded", r_.ops[op].time_us));
      out_.us.push_back(us);
    }
    tell();
    return std::move(out_);
  }

 private:
  double duration(const RecordedOp& op) {
    if (op.role == Role::compute) return computing(op);
    if (what_.no_communication) return 0;
    return op.role == Role::peers ? waiting(op) : exchanging(op);
  }

  double computing(const RecordedOp& op) {
    if (!scale_) return op.time_us;
    if (!what_.predicted) return op.time_us * scale_->ratio(op);
    if (const auto seconds = scale_->seconds(op)) {
      out_.modelled_us += op.time_us;
      return *seconds * 1e6;
    }
    out_.kept_us += op.time_us;
    return changes_gpu() ? op.time_us * scale_->ratio(op) : op.time_us;
  }

  bool changes_gpu() const { return !what_.gpu.empty() || what_.comm_sms || what_.balanced; }

  double exchanging(const RecordedOp& op) {
    // Of an exchange whose size is not known only the change is.
    if (what_.predicted && !op.shape.shape.empty()) return exchanges_.seconds(op, *networks_.now, now_) * 1e6;
    if (networks_.now == networks_.recorded && !what_.balanced) return op.time_us;
    const double before = exchanges_.seconds(op, *networks_.recorded, {}), now = exchanges_.seconds(op, *networks_.now, now_);
    return before > 0 ? op.time_us * now / before : op.time_us;
  }

  /// A notify kernel mostly waits for other ranks: how long is not the network's doing.
  double waiting(const RecordedOp& op) {
    if (what_.predicted && !r_.known.empty()) return exchanges_.seconds(op, *networks_.now, now_) * 1e6;
    if (!what_.balanced) return op.time_us;
    if (shortest_wait_.empty()) {
      for (const RecordedOp& o : r_.ops) {
        if (o.role != Role::peers) continue;
        double& least = shortest_wait_.try_emplace(o.name, o.time_us).first->second;
        least = std::min(least, o.time_us);
      }
    }
    return shortest_wait_.at(op.name);
  }

  void tell() {
    const bool has_peers = std::any_of(r_.ops.begin(), r_.ops.end(), [](const RecordedOp& op) { return op.role == Role::peers; });
    const bool network = networks_.now != networks_.recorded;
    if (what_.no_communication)
      out_.notes.push_back("no communication: exchanges and waits for peers take no time; casts and other local work on their stream stay");
    else if (has_peers && what_.predicted && !r_.known.empty())
      out_.notes.push_back(
          "kernels that wait for peers (notify) take what a token each way takes: predicted ranks are alike, and nobody is late");
    else if (has_peers && what_.balanced)
      out_.notes.push_back(
          "kernels that wait for peers (notify) take the shortest time that one of their kind took: no rank is later than the others");
    else if (has_peers && network)
      out_.notes.push_back("kernels that wait for peers (notify) keep their time: how late other ranks are is not the network's doing");
    if (network && !what_.fixed_limits && (now_.nic_limit != 1 || now_.nvlink_limit != 1)) {
      out_.notes.push_back(
          fmt::format("communication kernels keep their share of the links' rates: their own limits are {:.3g} times (NIC) and {:.3g} "
                      "times (NVLink) what was fitted",
                      now_.nic_limit, now_.nvlink_limit));
    }
    if (network && exchanges_.guessed())
      out_.notes.push_back("sizes of exchanges are not in the trace: usual ones tell how their times change with the network");
    if (what_.comm_sms && !what_.no_communication) out_.notes.push_back("communication kernels keep their speed on another number of SMs");
    if (scale_) {
      for (std::string& n : scale_->notes()) out_.notes.push_back(std::move(n));
      out_.constants = models::constants_of(scale_->model(), scale_->calls());
      warn();
      const bool assumed = std::any_of(r_.ops.begin(), r_.ops.end(), [](const RecordedOp& op) { return op.assumed_shape; });
      if (assumed)
        out_.notes.push_back(
            "how many rows each routed expert has is not in the trace: for their weight gradients the experts of a GPU are taken to have "
            "equal shares");
    }
    for (const ConstantUsed& c : exchanges_.constants()) out_.constants.push_back(c);
    if (!what_.predicted) return;
    const double all = out_.modelled_us + out_.kept_us;
    if (all > 0)
      out_.notes.push_back(
          fmt::format("predicted: kernels of {:.1f} % of the computing time have a model; the rest (routing, small and other elementwise "
                      "kernels, copies) keeps its recorded time",
                      100 * out_.modelled_us / all));
  }

  /// Another number of SMs lies beyond what was measured for every family: told once.
  void warn() {
    out_.warnings = models::warnings_on(scale_->model(), scale_->calls());
    if (out_.warnings.size() < 4) return;
    out_.warnings = {fmt::format("{}; and {} more kernel families", out_.warnings.front(), out_.warnings.size() - 1)};
  }

  const Recording& r_;
  const WhatIf& what_;
  const Networks& networks_;
  Exchanges exchanges_;
  ExchangeOptions now_;
  std::optional<KernelScale> scale_;
  std::map<std::string, double> shortest_wait_;  ///< us, by kernel
  Durations out_;
};

}  // namespace

Durations durations_of(const Recording& recording, const WhatIf& what, const Networks& networks, const KernelModels& kernels,
                       const DataPlaces& data, const RunOptions& run) {
  return Change(recording, what, networks, kernels, data, run).all();
}

Json usual_cluster(const Recording& r) {
  const auto nodes = static_cast<std::int64_t>(std::ceil((r.world_size > 0 ? r.world_size : 64) / 8));
  return {{"node", "h800"},
          {"nodes", nodes},
          {"topology", {{"kind", "mpft"}, {"radix", 64}}},
          {"routing", {{"policy", "adaptive"}}},
          {"transport", "infiniband"}};
}

}  // namespace weft::scenarios::replay

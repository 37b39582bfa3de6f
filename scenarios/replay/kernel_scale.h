// KernelScale: how long the computing kernels of a recording take by cost model, and how that changes with the GPU, its SMs and the rows of
// the experts.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "scenarios/replay/what_if.h"

namespace weft::scenarios::replay {

class KernelScale {
 public:
  /// Throws UserError where the GPU has too few SMs.
  KernelScale(const workloads::replay::Recording& recording, const WhatIf& what, const KernelModels& kernels);

  /// By the model, as the what-if wants it; nothing for an operation that no calibration and no shape covers.
  std::optional<double> seconds(const workloads::replay::RecordedOp& op);
  /// What the recorded time is multiplied with.
  double ratio(const workloads::replay::RecordedOp& op);

  const models::CostModel& model() const { return *now_; }
  /// Every call that was asked of the model, for its constants and warnings.
  const std::vector<models::KernelCall>& calls() const { return calls_; }
  std::vector<std::string> notes() const;

 private:
  struct Share {
    std::size_t ops = 0;
    double us = 0;
  };
  std::optional<models::KernelCall> call(const workloads::replay::RecordedOp& op, double sms, bool balanced) const;
  double without_shape(const workloads::replay::RecordedOp& op);

  const workloads::replay::Recording& recording_;
  const WhatIf& what_;
  std::shared_ptr<const models::CostModel> recorded_, now_;
  double sms_recorded_ = 0, sms_now_ = 0;  ///< for computing; 0: all
  std::map<std::string, Share> by_;        ///< how ratios were found
  std::vector<models::KernelCall> calls_;
};

/// Rows of the routed experts of every GPU when the routing is perfectly balanced; 0: not known.
double balanced_rows(const workloads::replay::Recording& recording);
/// Whether an operation works through the rows of the routed experts.
bool by_rows(const workloads::replay::RecordedOp& op);

}  // namespace weft::scenarios::replay

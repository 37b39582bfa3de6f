// StepCosts: how long each stretch of computing of a training step takes, as a table that programs read fast.
#pragma once

#include <algorithm>
#include <array>
#include <vector>

#include "sim/core/units.h"
#include "workloads/training/step_plan.h"

namespace weft::workloads::training {

class StepCosts {
 public:
  /// Of work that does not depend on routing: alone on the GPU, and beside communication kernels.
  void set(Work work, Seconds alone, Seconds beside) { times_[index(work)] = {{alone.value()}, {beside.value()}}; }
  /// Of experts' work, for routed rows of 0, step, 2 step, ... times their mean; in between straight lines, beyond the last one its slope.
  void set_by_rows(Work work, double step, std::vector<double> alone, std::vector<double> beside) {
    step_ = step;
    times_[index(work)] = {std::move(alone), std::move(beside)};
  }

  /// The part of a work's time in kernels that memory limits, alone and beside communication; of experts' work at the mean of the rows.
  void set_hbm_share(Work work, double alone, double beside) { hbm_shares_[index(work)] = {alone, beside}; }
  double hbm_share(Work work, bool beside) const { return hbm_shares_[index(work)][beside ? 1 : 0]; }

  bool by_rows(Work work) const { return times_[index(work)].alone.size() > 1; }
  /// `rows`: over their mean.
  Seconds time(Work work, bool beside, double rows = 1) const {
    const Times& t = times_[index(work)];
    const std::vector<double>& list = beside ? t.beside : t.alone;
    if (list.size() < 2) return Seconds(list.empty() ? 0 : list.front());
    const double at = rows / step_;
    const auto i = std::min(static_cast<std::size_t>(at), list.size() - 2);
    return Seconds(list[i] + (at - static_cast<double>(i)) * (list[i + 1] - list[i]));
  }

 private:
  struct Times {
    std::vector<double> alone, beside;
  };
  static constexpr std::size_t index(Work w) { return static_cast<std::size_t>(w); }
  std::array<Times, static_cast<std::size_t>(Work::count)> times_;
  std::array<std::array<double, 2>, static_cast<std::size_t>(Work::count)> hbm_shares_{};
  double step_ = 1;
};

}  // namespace weft::workloads::training

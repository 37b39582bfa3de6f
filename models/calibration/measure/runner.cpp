#include "models/calibration/measure/runner.h"

#include <algorithm>
#include <numeric>
#include <sstream>

#include <fmt/format.h>

namespace weft::models {
namespace {

class Runner {
 public:
  Runner(Backend& backend, const MeasureOptions& options, MeasuredFile& file, const MeasureListener& listener)
      : backend_(backend), options_(options), file_(file), listener_(listener) {}

  MeasureCounts run(const Plan& plan) {
    std::vector<const PlannedKernel*> left;
    for (const PlannedKernel& k : plan.kernels) {
      if (file_.has(k)) ++counts_.there;
      else left.push_back(&k);
    }
    const double begin = now();
    for (std::size_t i = 0; i < left.size(); ++i) {
      if (listener_.progress) {
        const double left_s = i == 0 ? -1 : (now() - begin) / static_cast<double>(i) * static_cast<double>(left.size() - i);
        listener_.progress(counts_.there + i, plan.kernels.size(), to_text(*left[i]), left_s);
      }
      one(*left[i]);
    }
    return counts_;
  }

 private:
  double now() const { return listener_.now_s ? listener_.now_s() : 0; }
  void warn(const std::string& text) const {
    if (listener_.warn) listener_.warn(text);
  }

  void one(const PlannedKernel& k) {
    try {
      backend_.prepare(k.kernel, k.at);
      MeasuredLine line;
      line.what = k;
      line.cold_l2 = options_.cold_l2;
      line.verified = backend_.verify();
      if (agrees(line)) {
        time(line);
        file_.append(line);
        ++counts_.measured;
        tell(line);
      }
    } catch (const ShapeRefused& refused) {
      ++counts_.refused;
      warn(fmt::format("{}: left out: {}", to_text(k), refused.why));
    }
    backend_.release();
  }

  bool agrees(const MeasuredLine& l) {
    if (l.verified.max_error <= l.verified.tolerance) return true;   // false for NaN
    ++counts_.disagreed;
    warn(fmt::format("{}: not timed: it differs from the CPU reference by {:.3g}, at most {:.3g} is right ({})", to_text(l.what),
                     l.verified.max_error, l.verified.tolerance, l.verified.rule));
    return false;
  }

  void time(MeasuredLine& l) {
    std::vector<double> probe;   // the first runs may be slow: up to eight, or a second
    while (probe.size() < 8 && std::accumulate(probe.begin(), probe.end(), 0.0) < 1e6) backend_.run(1, false, false, probe);
    const bool short_one = *std::min_element(probe.begin(), probe.end()) < options_.graph_below_us;
    l.times = sample(
        [&](int samples, std::vector<double>& into) {
          l.graph = backend_.run(samples, options_.cold_l2, options_.graph && short_one, into);
          look_at_clocks(l);
        },
        options_.rule);
  }

  void look_at_clocks(MeasuredLine& l) {
    const weft_measure_clocks c = backend_.clocks();
    if (c.known == 0) return;
    l.sm_mhz = c.sm_mhz;
    l.memory_mhz = c.memory_mhz;
    l.sm_lowest_mhz = l.sm_lowest_mhz == 0 ? c.sm_mhz : std::min(l.sm_lowest_mhz, c.sm_mhz);
    std::istringstream reasons(c.throttle);
    for (std::string reason; std::getline(reasons, reason, ',');) l.throttle.insert(reason);
  }

  void tell(const MeasuredLine& l) {
    if (!l.times.stable) {
      ++counts_.unstable;
      warn(fmt::format("{}: the median is not stable after {} samples ({:.4g} us, 5 % to 95 %: {:.4g} to {:.4g} us); the line says so",
                       to_text(l.what), l.times.times_us.size(), l.times.median_us, l.times.p5_us, l.times.p95_us));
    }
    if (l.throttle.empty()) return;
    ++counts_.throttled;
    // A GPU at its power limit says so for every long kernel: once for each reason is enough, the lines hold the rest.
    for (const std::string& reason : l.throttle) {
      if (!told_.insert(reason).second) continue;
      warn(fmt::format("{}: the clocks are held down ({}): SM clock {:.0f} MHz{}; the lines say where", to_text(l.what), reason, l.sm_lowest_mhz,
                       backend_.device().sm_clock_mhz > 0 ? fmt::format(" of {:.0f}", backend_.device().sm_clock_mhz) : ""));
    }
  }

  Backend& backend_;
  const MeasureOptions& options_;
  MeasuredFile& file_;
  const MeasureListener& listener_;
  MeasureCounts counts_;
  std::set<std::string> told_;
};

}  // namespace

MeasureCounts measure(Backend& backend, const Plan& plan, const MeasureOptions& options, MeasuredFile& file, const MeasureListener& listener) {
  return Runner(backend, options, file, listener).run(plan);
}

}  // namespace weft::models

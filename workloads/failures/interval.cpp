#include "workloads/failures/interval.h"

#include <cmath>

namespace weft::workloads::failures {

Seconds young_interval(const CheckpointJob& job) { return Seconds(std::sqrt(2 * job.pause.value() * job.mtbf.value())); }

Seconds daly_interval(const CheckpointJob& job) {
  const double c = job.pause.value(), m = job.mtbf.value();
  if (c >= 2 * m) return job.mtbf;
  return Seconds(std::sqrt(2 * c * m) * (1 + std::sqrt(c / (2 * m)) / 3 + c / (18 * m)) - c);
}

Seconds best_interval(const CheckpointJob& job) {
  const double c = job.pause / job.mtbf;
  // With x = t / M the left side falls from e^c to 0 between 0 and 1; its logarithm does not overflow.
  const auto above = [c](double x) { return std::log1p(-x) + x + c > 0; };
  double low = 0, high = 1;
  for (int i = 0; i < 200 && high - low > 1e-15 * high; ++i) {
    const double middle = 0.5 * (low + high);
    (above(middle) ? low : high) = middle;
  }
  return job.mtbf * (0.5 * (low + high));
}

double efficiency(const CheckpointJob& job, Seconds interval) {
  const double x = (interval + job.pause) / job.mtbf;
  // e^-(R/M) t / M / (e^x - 1), with e^-x on both sides where e^x would overflow.
  return interval / job.mtbf * std::exp(-(job.restart / job.mtbf) - x) / -std::expm1(-x);
}

double first_order_efficiency(const CheckpointJob& job, Seconds interval) {
  return 1 - job.pause / interval - interval / (job.mtbf * 2) - job.restart / job.mtbf;
}

double expected_ettr(const CheckpointJob& job, Seconds interval) {
  return (1 - (job.restart + interval / 2) / job.mtbf) / (1 + job.pause / interval);
}

}  // namespace weft::workloads::failures

// Closed forms of checkpoints: Young, Daly, the exact efficiency, its optimum (N8.13 to N8.16).
#include <doctest/doctest.h>

#include <cmath>

#include "workloads/failures/interval.h"

using namespace weft;
using namespace weft::workloads::failures;
using doctest::Approx;

namespace {
CheckpointJob job(double mtbf_h, double pause_s, double restart_s) { return {Seconds(mtbf_h * 3600), Seconds(pause_s), Seconds(restart_s)}; }
}  // namespace

TEST_CASE("N8.13: Young's interval is sqrt(2 C M), 1,887 s on 2,048 GPUs; Daly's is a little shorter") {
  CHECK(young_interval(job(24.74, 20, 600)).value() == Approx(1887.5).epsilon(0.002));
  CHECK(daly_interval(job(24.74, 20, 600)).value() == Approx(1874).epsilon(0.001));
  CHECK(young_interval(job(24.74, 60, 600)).value() == Approx(3269).epsilon(0.001));
  CHECK(young_interval(job(3.093, 60, 600)).value() == Approx(1156).epsilon(0.001));
}

TEST_CASE("N8.14: the exact efficiency is 0.972 at C = 20 s and 0.957 at 60 s") {
  const auto at_young = [](const CheckpointJob& j) { return efficiency(j, young_interval(j)); };
  CHECK(std::abs(at_young(job(24.74, 20, 600)) - 0.9724) < 0.0005);
  CHECK(std::abs(at_young(job(24.74, 60, 600)) - 0.957) < 0.0005);
}

TEST_CASE("N8.15: on 16,384 GPUs it is 0.853") {
  const CheckpointJob j = job(3.093, 60, 600);
  CHECK(std::abs(efficiency(j, young_interval(j)) - 0.8525) < 0.0005);
}

TEST_CASE("N8.16: the ETTR of arXiv:2410.21680 is 0.958 for 256 nodes of RSC-1") {
  // M = 24 h / (256 x 6.5e-3), u0 = 5 min, an hour between checkpoints of 5 s.
  const CheckpointJob j = job(24 / (256 * 0.0065), 5, 300);
  CHECK(std::abs(expected_ettr(j, Seconds(3600)) - 0.9582) < 0.0005);
}

TEST_CASE("the first order agrees with the exact form where all losses are small, and falls below zero where they are not") {
  const CheckpointJob rare = job(1000, 10, 60);
  CHECK(first_order_efficiency(rare, young_interval(rare)) == Approx(efficiency(rare, young_interval(rare))).epsilon(1e-4));
  CHECK(first_order_efficiency(job(0.1, 60, 600), Seconds(600)) < 0);
}

TEST_CASE("no interval beats the best one, and Daly's is nearer to it than Young's") {
  for (const double mtbf_h : {0.1, 1.0, 3.093, 24.74, 1000.0}) {
    for (const double pause_s : {0.1, 5.0, 60.0, 600.0}) {
      const CheckpointJob j = job(mtbf_h, pause_s, 600);
      const Seconds best = best_interval(j);
      CAPTURE(mtbf_h);
      CAPTURE(pause_s);
      constexpr double rounding = 1 - 1e-12;   // near the optimum all are alike to the last digits
      for (const double f : {0.5, 0.9, 0.99, 1.01, 1.1, 2.0}) CHECK(efficiency(j, best) >= efficiency(j, best * f));
      CHECK(efficiency(j, best) >= efficiency(j, daly_interval(j)) * rounding);
      // Daly's expansion holds for C well below M.
      if (pause_s < 0.1 * mtbf_h * 3600) CHECK(efficiency(j, daly_interval(j)) >= efficiency(j, young_interval(j)) * rounding);
      if (pause_s < 0.1 * mtbf_h * 3600) CHECK(daly_interval(j).value() == Approx(best.value()).epsilon(0.01));
    }
  }
}

TEST_CASE("a restart far longer than the time between failures gives next to nothing, and no NaN") {
  const CheckpointJob hopeless = {Seconds(10), Seconds(3600), Seconds(1e6)};
  CHECK(efficiency(hopeless, daly_interval(hopeless)) >= 0);
  CHECK(efficiency(hopeless, daly_interval(hopeless)) < 1e-100);
  CHECK(daly_interval(hopeless) == Seconds(10));
  CHECK(std::isfinite(best_interval(hopeless).value()));
}

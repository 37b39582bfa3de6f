// The cost model: which calibration answers, what it falls back to, what it refuses, and how its draws spread.
#include <doctest/doctest.h>

#include <set>

#include "models/calibration/check.h"
#include "models/cost_model.h"
#include "tests/models/kernels_support.h"

using namespace weft;
using namespace weft::models;
using namespace weft::models::test;

namespace {

const DataPlaces& places() {
  static const DataPlaces p = DataPlaces::standard();
  return p;
}

/// One family whose formula is exact at its points but for a factor.
Calibration streaming(const std::string& id, double bandwidth, double factor = 1, const std::string& of = "h800") {
  const Gpu g = gpu();
  CalibrationEntry e;
  e.family = "memory";
  e.variant = "copy";
  e.form = "streaming";
  e.parameters = {2, bandwidth};
  e.covariance = {{0.01, 0}, {0, 0.0025}};
  e.transfer = {4, 0.2, false};
  for (const double bytes : {1e6, 1e7, 1e8, 1e9}) {
    const double us = 2 + bytes / (bandwidth * g.hbm_rate.value.value()) * 1e6;
    e.points.push_back({{bytes}, us * factor, us});
  }
  Calibration c;
  c.id = id;
  c.gpu = of;
  c.device = "NVIDIA " + of;
  c.entries = {e};
  return c;
}

KernelCall copy(double bytes) { return call("memory", "copy", {{"bytes", bytes}}); }

double us(const KernelTime& t) { return t.time.value() * 1e6; }

CostModel model(std::vector<Calibration> calibrations, Fidelity f = Fidelity::fitted) { return CostModel(gpu(), std::move(calibrations), f, false, "--calibration"); }

}  // namespace

TEST_CASE("roofline, fitted and measured: each answer says which it is") {
  const Gpu g = gpu();
  const double ideal = 1e8 / g.hbm_rate.value.value() * 1e6;
  const KernelTime roof = model({streaming("mine", 0.8, 1.1)}, Fidelity::roofline).time(copy(1e8));
  CHECK(us(roof) == doctest::Approx(ideal));
  CHECK(roof.fidelity == Fidelity::roofline);
  CHECK(roof.calibration.empty());
  const KernelTime fitted = model({streaming("mine", 0.8, 1.1)}).time(copy(1e8));
  CHECK(us(fitted) == doctest::Approx(2 + ideal / 0.8));
  CHECK(fitted.fidelity == Fidelity::fitted);
  CHECK(fitted.calibration == "mine");
  CHECK(fitted.form == "streaming");
  CHECK(fitted.roofline.value() * 1e6 == doctest::Approx(ideal));
  // The points say: a tenth longer, everywhere.
  const KernelTime measured = model({streaming("mine", 0.8, 1.1)}, Fidelity::measured).time(copy(1e8));
  CHECK(us(measured) == doctest::Approx(1.1 * (2 + ideal / 0.8)));
  CHECK(measured.fidelity == Fidelity::measured);
}

TEST_CASE("where a calibration has no entry, the roofline answers; where it has no neighbours, the formula") {
  const CostModel m = model({streaming("mine", 0.8)}, Fidelity::measured);
  const KernelCall other = call("memory", "triad", {{"bytes", 1e8}});
  CHECK(m.time(other).fidelity == Fidelity::roofline);
  CHECK(m.entry_for(other) == nullptr);
  std::string id;
  CHECK(m.entry_for(copy(1e8), &id) != nullptr);
  CHECK(id == "mine");
  Calibration without = streaming("mine", 0.8, 1.1);
  without.entries[0].transfer.neighbours = 0;
  CHECK(model({without}, Fidelity::measured).time(copy(1e8)).fidelity == Fidelity::fitted);
  CHECK(model({}).time(copy(1e8)).fidelity == Fidelity::roofline);
}

TEST_CASE("the first calibration that has an entry answers, later ones fill up") {
  Calibration second = streaming("second", 0.4);
  CalibrationEntry more = second.entries[0];
  more.variant = "triad";
  second.entries.push_back(more);
  const CostModel m = model({streaming("first", 0.8), second});
  CHECK(m.time(copy(1e8)).calibration == "first");
  CHECK(m.time(call("memory", "triad", {{"bytes", 1e8}})).calibration == "second");
  CHECK(m.names() == std::vector<std::string>{"first", "second"});
}

TEST_CASE("neighbours never push an answer below the roofline") {
  const KernelTime t = model({streaming("mine", 0.8, 0.1)}, Fidelity::measured).time(copy(1e9));
  CHECK(t.clamped);
  CHECK(t.time == t.roofline);
  CHECK(!model({streaming("mine", 0.8)}, Fidelity::measured).time(copy(1e9)).clamped);
}

TEST_CASE("beyond what was measured an answer says where") {
  const CostModel m = model({streaming("mine", 0.8)});
  CHECK(m.time(copy(1e9)).outside.empty());
  CHECK(m.time(copy(2e9)).outside == "bytes 2000000000 is above 1000000000");
  CHECK(m.time(copy(1e5)).outside == "bytes 100000 is below 1000000");
  // Three fields at once: the training's kernels had 112 SMs.
  const CostModel shipped = CostModel(gpu(), {read_calibration("h800_training", places(), "test")}, Fidelity::fitted, false, "test");
  const std::string outside = shipped.time(call("gemm", "fp8_block", {{"m", 64}, {"n", 65536}, {"k", 1536}, {"sms", 132}})).outside;
  CHECK(has(outside, "m 64 is below 4096"));
  CHECK(has(outside, ", n 65536 is above 32768"));
  CHECK(has(outside, ", sms 132 is above 112"));
}

TEST_CASE("a calibration of another GPU is refused, or forced and then marked") {
  try {
    model({streaming("theirs", 0.8, 1, "h100")});
    FAIL("accepted");
  } catch (const UserError& e) {
    CHECK(e.problems().front().place == "--calibration");
    CHECK(has(e.what(), "theirs is of h100"));
    CHECK(has(e.what(), "--force"));
  }
  const CostModel forced(gpu(), {streaming("theirs", 0.8, 1, "h100"), streaming("mine", 0.7)}, Fidelity::fitted, true, "--calibration");
  CHECK(forced.names() == std::vector<std::string>{"theirs (of h100, forced)", "mine"});
  CHECK(forced.time(copy(1e8)).calibration == "theirs");
}

TEST_CASE("fidelities by name; an unknown one is answered with the nearest") {
  for (const std::string& name : fidelity_names()) CHECK(to_text(fidelity_named(name, "--cost-model")) == name);
  try {
    fidelity_named("messured", "--cost-model");
    FAIL("accepted");
  } catch (const UserError& e) {
    CHECK(has(e.what(), "--cost-model"));
    CHECK(has(e.what(), "did you mean \"measured\""));
  }
}

TEST_CASE("a draw is a function of seed and number; without a draw the times are the point values") {
  const CostModel m = model({streaming("mine", 0.8)});
  CHECK(us(m.drawn(1, 3).time(copy(1e8))) == us(m.drawn(1, 3).time(copy(1e8))));
  std::set<double> times;
  for (std::uint64_t draw = 0; draw < 20; ++draw) times.insert(us(m.drawn(1, draw).time(copy(1e8))));
  for (std::uint64_t seed = 2; seed < 22; ++seed) times.insert(us(m.drawn(seed, 0).time(copy(1e8))));
  CHECK(times.size() == 40);
  // What has no uncertainty does not move: the roofline, and an entry without covariance and errors.
  CHECK(us(model({}).drawn(1, 0).time(copy(1e8))) == us(model({}).time(copy(1e8))));
  Calibration exact = streaming("mine", 0.8);
  exact.entries[0].covariance = {{0, 0}, {0, 0}};
  CHECK(us(model({exact}).drawn(1, 0).time(copy(1e8))) == us(model({exact}).time(copy(1e8))));
}

TEST_CASE("drawn parameters spread like the covariance: 0.1 and 0.05 of the logarithms, and their correlation") {
  // Many bytes show the bandwidth alone, none (1 B) the start alone. 400 draws tell a spread within 3.5 %.
  Calibration c = streaming("mine", 0.5);
  c.entries[0].covariance = {{0.01, 0.003}, {0.003, 0.0025}};   // correlation 0.6
  const CostModel m = model({c});
  const double t0 = std::log(us(m.time(copy(1)))), t1 = std::log(us(m.time(copy(1e12))));
  double s0 = 0, s1 = 0, s01 = 0, mean0 = 0;
  constexpr int kDraws = 400;
  for (std::uint64_t k = 0; k < kDraws; ++k) {
    const CostModel d = m.drawn(5, k);
    const double a = std::log(us(d.time(copy(1)))) - t0, b = std::log(us(d.time(copy(1e12)))) - t1;
    mean0 += a / kDraws;
    s0 += a * a / kDraws;
    s1 += b * b / kDraws;
    s01 += a * b / kDraws;
  }
  CHECK(std::abs(mean0) < 0.02);   // 4 x 0.1 / 20
  CHECK(std::abs(std::sqrt(s0) / 0.1 - 1) < 0.12);
  CHECK(std::abs(std::sqrt(s1) / 0.05 - 1) < 0.12);
  CHECK(std::abs(-s01 / std::sqrt(s0 * s1) - 0.6) < 0.1);   // time falls with bandwidth
}

TEST_CASE("draws err by shape family as the fit does: alike within one, apart between two, and more the farther from what was measured") {
  Calibration c = streaming("mine", 0.5);
  c.entries[0].covariance = {{0, 0}, {0, 0}};
  c.entries[0].errors["in_sample"].mean_pct = 2;
  c.entries[0].errors["leave_family_out"].mean_pct = 6;
  const CostModel m = model({c});
  double near = 0, far = 0, together = 0;
  constexpr int kDraws = 400;
  for (std::uint64_t k = 0; k < kDraws; ++k) {
    const CostModel d = m.drawn(5, k);
    const auto error = [&](double bytes) { return std::log(us(d.time(copy(bytes))) / us(m.time(copy(bytes)))); };
    near += error(1e8) * error(1e8) / kDraws;
    far += error(1e12) * error(1e12) / kDraws;
    together += error(1e8) * error(1e12) / kDraws;
  }
  // A mean magnitude of 2 %: log(1.02) / 0.798 = 0.0248 of spread, at a measured shape.
  CHECK(std::abs(std::sqrt(near) / 0.0248 - 1) < 0.12);
  CHECK(far > 4 * near);
  CHECK(std::abs(together) < 0.2 * std::sqrt(near * far));   // families of their own (bytes)
}

TEST_CASE("drawn neighbours still lead to what was measured: at a measured shape the draw of parameters cancels") {
  const CostModel m = model({streaming("mine", 0.5, 1.2)}, Fidelity::measured);
  const double point = us(m.time(copy(1e9)));
  for (std::uint64_t k = 0; k < 20; ++k) CHECK(std::abs(us(m.drawn(1, k).time(copy(1e9))) / point - 1) < 0.03);   // the formula alone moves by 5 %
}

TEST_CASE("checking: errors by family and variant, the roofline where there is no entry, rows outside counted") {
  const CostModel m = model({streaming("mine", 0.8)});
  std::vector<Measurement> rows;
  for (const double bytes : {1e6, 1e8, 1e10}) {
    Measurement r;
    r.family = "memory";
    r.variant = "copy";
    r.shape = {{"bytes", bytes}};
    r.time_us = us(m.time(copy(bytes))) / 1.25;   // predicted is a quarter too long
    rows.push_back(r);
  }
  rows.push_back({"launch", "empty", {{"count", 1}}, 1, "", "", ""});
  rows.back().family = "peer_copy";
  rows.back().variant = "nvlink";
  rows.back().shape = {{"bytes", 2e5}};   // 200 GB/s: 1 us
  const std::vector<FamilyCheck> checks = check_calibration(m, rows);
  REQUIRE(checks.size() == 2);
  CHECK(checks[0].family == "memory/copy");
  CHECK(checks[0].errors.rows == 3);
  CHECK(checks[0].errors.mean_pct == doctest::Approx(25));
  CHECK(checks[0].errors.bias_pct == doctest::Approx(25));
  CHECK(checks[0].outside == 1);
  CHECK(checks[0].fidelity == Fidelity::fitted);
  CHECK(checks[1].fidelity == Fidelity::roofline);
  CHECK(checks[1].errors.max_pct == doctest::Approx(0).epsilon(1e-9));
}

TEST_CASE("shipped calibrations answer for their families on the H800, at every fidelity") {
  for (const std::string& name : places().names("models/calibrations")) {
    CAPTURE(name);
    const Calibration c = read_calibration(name, places(), "test");
    CHECK(c.gpu == "h800");
    for (const Fidelity f : {Fidelity::fitted, Fidelity::measured}) {
      const CostModel m = CostModel(gpu(), {c}, f, false, "test");
      for (const CalibrationEntry& e : c.entries) {
        for (const CalibrationPoint& p : e.points) {
          const KernelTime t = m.time({&e.kernel(), e.variant, p.at});
          CHECK(t.outside.empty());
          CHECK(us(t) > 0.4 * p.time_us);
          CHECK(us(t) < 2.5 * p.time_us);
        }
      }
    }
  }
}

TEST_CASE("a roofline says whether memory makes it: a product of few rows reads its weight, one of many computes") {
  // m x 16384 times 16384 x 7168 in FP8: 2 m n k operations at 1979 TFLOPS against m k + n k + 2 m n bytes at 3.35 TB/s. At m = 64 the
  // weight's 117 MB take 35 us, the operations 8 us; at m = 4096 it is 73 us against 486 us.
  const auto product = [](double m) { return call("gemm", "fp8_block", {{"m", m}, {"n", 7168}, {"k", 16384}}); };
  const Roofline few = roofline_of(product(64), gpu()), many = roofline_of(product(4096), gpu());
  CHECK(few.memory);
  CHECK(few.time.value() == doctest::Approx((64 * 16384.0 + 7168 * 16384.0 + 2 * 64 * 7168.0) / gpu().hbm_rate.value.value()));
  CHECK_FALSE(many.memory);
  CHECK(many.time.value() == doctest::Approx(2 * 4096.0 * 7168 * 16384 / gpu().fp8_rate.value.value()));
  for (const double m : {64.0, 4096.0}) {
    CHECK(roofline(product(m), gpu()) == roofline_of(product(m), gpu()).time);
    CHECK(model({}).time(product(m)).memory == roofline_of(product(m), gpu()).memory);
  }
  CHECK(model({streaming("mine", 0.8)}).time(copy(1e8)).memory);   // the same where a formula gives the time
}

// The runner on the simulated device: what is written, gone on with, refused and warned about; and that the known parameters come back.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <nlohmann/json.hpp>

#include "models/calibration/measure/runner.h"
#include "models/calibration/measure/simulated.h"
#include "models/calibration/measurement.h"
#include "sim/core/error.h"

using namespace weft;
using namespace weft::models;

namespace {

struct Bench {
  explicit Bench(const std::string& name) : path((std::filesystem::temp_directory_path() / ("weft_test_measure_" + name + ".jsonl")).string()) {
    std::filesystem::remove(path);
  }
  ~Bench() { std::filesystem::remove(path); }

  MeasureCounts run(const std::string& parameters, const std::string& shapes, const MeasureOptions& options = {}) {
    const auto kernels = kernels_of(simulated_module());
    const std::string csv = path + ".csv";
    std::ofstream(csv) << shapes;
    const Plan plan = plan_from_csv(csv, kernels);
    std::filesystem::remove(csv);
    Backend backend(simulated_module(), parameters);
    MeasuredFile file(path, backend.device(), "simulated", options.cold_l2);
    torn = file.dropped_torn_line();
    MeasureListener listener;
    listener.warn = [this](const std::string& text) { warnings.push_back(text); };
    return measure(backend, plan, options, file, listener);
  }

  std::string text() const {
    std::ifstream file(path);
    std::stringstream all;
    all << file.rdbuf();
    return all.str();
  }
  std::vector<Json> lines() const {
    std::vector<Json> out;
    std::istringstream all(text());
    for (std::string line; std::getline(all, line);) out.push_back(parse_json(line, path));
    return out;
  }
  bool warned(const std::string& part) const {
    return std::any_of(warnings.begin(), warnings.end(), [&](const std::string& w) { return w.find(part) != std::string::npos; });
  }

  std::string path;
  std::vector<std::string> warnings;
  bool torn = false;
};

constexpr char two_shapes[] = "family,variant,m,n,k\ngemm,bfloat16,128,4096,7168\ngemm,bfloat16,4096,4096,7168\n";

}  // namespace

TEST_CASE("a measured line says the kernel, its shape, its time with spread, how it was taken and on what") {
  Bench b("line");
  const MeasureCounts counts = b.run("noise=0,outliers=0", two_shapes);
  CHECK(counts.measured == 2);
  CHECK(b.warnings.empty());
  const auto lines = b.lines();
  REQUIRE(lines.size() == 3);
  CHECK(lines[0]["schema"] == "weft-measured/1");
  CHECK(lines[0]["simulated"] == true);
  const Json& l = lines[2];
  CHECK(l["family"] == "gemm");
  CHECK(l["variant"] == "bfloat16");
  CHECK(l["m"] == 4096);
  CHECK(l["sms"] == 0);
  // 2 us + 2 x 4096 x 4096 x 7168 FLOP / 1e15 FLOP/s = 2 + 240.518168576 us; the slow first runs are not in it.
  CHECK(l["time_us"].get<double>() == doctest::Approx(242.518168576).epsilon(1e-9));
  CHECK(l["p5_us"] == l["time_us"]);
  CHECK(l["p95_us"] == l["time_us"]);
  CHECK(l["samples"] == SamplingRule{}.least);
  CHECK(l["stable"] == true);
  CHECK(l["l2"] == "cold");
  CHECK(l["launch"] == "graph");
  CHECK(l["device"] == "simulated");
  CHECK(l["clocks_mhz"]["sm"] == 1755);
  CHECK(l["throttle"].empty());
  CHECK(l["verified_max_error"] == 1e-4);
  CHECK(l["simulated"] == true);
}

TEST_CASE("medians are those of the device in spite of noise and outliers: its parameters can be read off them") {
  Bench b("known");
  // Times t0 + FLOP / P: two shapes give P and t0.
  b.run("start_us=5,flops=4e14,noise=0.03,outliers=0.05,outlier_factor=8,seed=3", "family,variant,m,n,k\ngemm,bfloat16,4096,4096,4096\ngemm,bfloat16,8192,8192,8192\n");
  const auto lines = b.lines();
  REQUIRE(lines.size() == 3);
  const double small = lines[1]["time_us"].get<double>(), large = lines[2]["time_us"].get<double>();
  const double flop_small = 2 * std::pow(4096.0, 3), flop_large = 2 * std::pow(8192.0, 3);
  CHECK((flop_large - flop_small) / (large - small) * 1e6 == doctest::Approx(4e14).epsilon(0.02));
  CHECK(large == doctest::Approx(5 + flop_large / 4e14 * 1e6).epsilon(0.01));
  CHECK(lines[2]["p95_us"].get<double>() > 1.03 * large);
}

TEST_CASE("short kernels are replayed as graphs, long ones and those of --no-graph are not") {
  Bench b("graph");
  const char shapes[] = "family,variant,m,n,k\ngemm,bfloat16,128,4096,7168\ngemm,bfloat16,32768,32768,7168\n";
  b.run("noise=0", shapes);
  CHECK(b.lines()[1]["launch"] == "graph");
  CHECK(b.lines()[2]["launch"] == "stream");
  Bench c("no_graph");
  MeasureOptions options;
  options.graph = false;
  options.cold_l2 = false;
  c.run("noise=0", shapes, options);
  CHECK(c.lines()[1]["launch"] == "stream");
  CHECK(c.lines()[1]["l2"] == "warm");
}

TEST_CASE("what the file holds is not measured again, whatever the order of the plan") {
  Bench b("resume");
  CHECK(b.run("", "family,variant,m,n,k\ngemm,bfloat16,4096,4096,7168\n").measured == 1);
  const std::string before = b.text();
  const MeasureCounts counts = b.run("", two_shapes);
  CHECK(counts.there == 1);
  CHECK(counts.measured == 1);
  CHECK(b.text().substr(0, before.size()) == before);
  CHECK(b.run("", two_shapes).measured == 0);
  CHECK(b.lines().size() == 3);
}

TEST_CASE("a line that was cut off is dropped and measured again") {
  Bench b("torn");
  b.run("", two_shapes);
  const std::string whole = b.text();
  for (const std::size_t cut : {whole.size() - 1, whole.size() - 40, whole.find('\n') + 5, whole.find('\n'), std::size_t{10}}) {
    std::ofstream(b.path, std::ios::trunc) << whole.substr(0, cut);
    b.run("", two_shapes);
    CHECK(b.torn);
    CHECK(b.text() == whole);   // the simulated times are a function of the shape
  }
  CHECK_FALSE((b.run("", two_shapes), b.torn));
}

TEST_CASE("a file that is something else, or of another device or rule, is left alone") {
  Bench b("other");
  for (const char* text : {"hello\n", "hello", "{\"schema\":\"weft-measurements/1\"}\n", "[1]\n"}) {
    std::ofstream(b.path, std::ios::trunc) << text;
    CHECK_THROWS_AS(b.run("", two_shapes), UserError);
    CHECK(b.text() == text);
  }
  std::filesystem::remove(b.path);
  b.run("", two_shapes);
  const std::string whole = b.text();
  CHECK_THROWS_WITH_AS(b.run("device=NVIDIA H800", two_shapes), doctest::Contains("with device \"simulated\", now it is \"NVIDIA H800\""), UserError);
  MeasureOptions warm;
  warm.cold_l2 = false;
  CHECK_THROWS_WITH_AS(b.run("", two_shapes, warm), doctest::Contains("with l2 \"cold\""), UserError);
  CHECK(b.text() == whole);
  std::ofstream(b.path, std::ios::trunc) << whole.substr(0, whole.find('\n') + 1) << "not json\n" << whole.substr(whole.find('\n') + 1);
  CHECK_THROWS_WITH_AS(b.run("", two_shapes), doctest::Contains("line 2"), UserError);
}

TEST_CASE("times of a simulated device with other parameters do not mix in one file") {
  Bench b("parameters");
  b.run("noise=0.01,flops=1e15", "family,variant,m,n,k\ngemm,bfloat16,4096,4096,7168\n");
  CHECK(b.lines()[0]["parameters"] == "bandwidth=2500000000000,flops=1000000000000000,noise=0.01,outlier_factor=5,outliers=0.01,seed=1,slow_start=3,sms=132,start_us=2");
  const std::string before = b.text();
  for (const char* other : {"flops=1e14", "noise=0.02", "seed=9", "start_us=3", "bandwidth=1e12", "sms=108", "outliers=0", "outlier_factor=2", "slow_start=1"}) {
    CAPTURE(other);
    CHECK_THROWS_WITH_AS(b.run(other, two_shapes), doctest::Contains("the file holds measurements with parameters \"bandwidth=2500000000000,flops=1000000000000000"), UserError);
    CHECK(b.text() == before);
  }
  // The same ones, said otherwise or left to their defaults.
  CHECK(b.run("", two_shapes).measured == 1);
  CHECK(b.run("seed=1,flops=1e15", two_shapes).there == 2);
}

TEST_CASE("two runs do not write to one file") {
  Bench b("locked");
  Backend backend(simulated_module(), "");
  const MeasuredFile first(b.path, backend.device(), "simulated", true);
  CHECK_THROWS_AS(MeasuredFile(b.path, backend.device(), "simulated", true), RunError);
}

TEST_CASE("a kernel that differs from its reference is not timed, the others are") {
  Bench b("verify");
  const MeasureCounts counts = b.run("fails=gemm/fp8", "family,variant,m,n,k\ngemm,fp8,128,4096,7168\ngemm,bfloat16,128,4096,7168\n");
  CHECK(counts.disagreed == 1);
  CHECK(counts.measured == 1);
  CHECK(b.warned("gemm/fp8 m=128 n=4096 k=7168 sms=0: not timed: it differs from the CPU reference by 0.5"));
  CHECK(b.lines().size() == 2);
}

TEST_CASE("a shape that the device cannot run is told and left out") {
  Bench b("refused");
  const MeasureCounts counts = b.run("refuses=gemm/fp8", "family,variant,m,n,k\ngemm,fp8,128,4096,7168\ngemm,bfloat16,128,4096,7168\n");
  CHECK(counts.refused == 1);
  CHECK(counts.measured == 1);
  CHECK(b.warned("left out: this shape does not fit"));
}

TEST_CASE("an unstable median is written and marked") {
  Bench b("unstable");
  MeasureOptions options;
  options.rule.most = 60;
  const MeasureCounts counts = b.run("noise=0.5", two_shapes, options);
  CHECK(counts.unstable == 2);
  CHECK(b.lines()[1]["stable"] == false);
  CHECK(b.lines()[1]["samples"] == 60);
  CHECK(b.warned("the median is not stable after 60 samples"));
}

TEST_CASE("clocks that are held down are written with each line and told once") {
  Bench b("throttle");
  const MeasureCounts counts = b.run("trouble=throttling", two_shapes);
  CHECK(counts.throttled == 2);
  CHECK(b.warnings.size() == 1);
  CHECK(b.warned("the clocks are held down (sw_power_cap): SM clock 1200 MHz"));
  for (int i : {1, 2}) CHECK(b.lines()[static_cast<std::size_t>(i)]["throttle"] == Json::array({"sw_power_cap"}));
}

TEST_CASE("a device that fails ends the run; what was written stays") {
  Bench b("broken");
  b.run("", "family,variant,m,n,k\ngemm,bfloat16,128,4096,7168\n");
  const std::string before = b.text();
  CHECK_THROWS_WITH_AS(b.run("trouble=broken", two_shapes), doctest::Contains("the device is lost"), RunError);
  CHECK(b.text() == before);
}

TEST_CASE("without a GPU or with an old driver nothing can be measured here") {
  CHECK_THROWS_WITH_AS(Backend(simulated_module(), "trouble=no_gpu"), doctest::Contains("there is no GPU"), NotPossibleHere);
  CHECK_THROWS_WITH_AS(Backend(simulated_module(), "trouble=old_driver"), doctest::Contains("too old"), NotPossibleHere);
  CHECK_THROWS_AS(Backend(simulated_module(), "trouble=ghosts"), UserError);
  CHECK_THROWS_AS(Backend(simulated_module(), "noise=much"), UserError);
  CHECK_THROWS_AS(measure_module("rocm"), UserError);
}

TEST_CASE("measured lines are measurements that a fit can take") {
  Bench b("read");
  b.run("noise=0,outliers=0", two_shapes);
  const Measurements m = read_measurements(b.path);
  REQUIRE(m.rows.size() == 2);
  CHECK(m.rows[1].family == "gemm");
  CHECK(m.rows[1].variant == "bfloat16");
  CHECK(m.rows[1].shape.at("m") == 4096);
  CHECK(m.rows[1].device == "simulated");
  CHECK(m.rows[1].time_us == doctest::Approx(242.518168576).epsilon(1e-9));
}

TEST_CASE("progress counts what was there and estimates what is left") {
  Bench b("progress");
  const auto kernels = kernels_of(simulated_module());
  const Plan plan = plan_named("quick", DataPlaces::standard(), kernels);
  Backend backend(simulated_module(), "");
  MeasuredFile file(b.path, backend.device(), "simulated", true);
  MeasureListener listener;
  double clock = 0;
  std::vector<double> left;
  listener.now_s = [&] { return clock; };
  listener.progress = [&](std::size_t done, std::size_t total, const std::string&, double left_s) {
    CHECK(done == left.size());
    CHECK(total == plan.kernels.size());
    left.push_back(left_s);
    clock += 2;   // each kernel takes two seconds
  };
  measure(backend, plan, {}, file, listener);
  REQUIRE(left.size() == plan.kernels.size());
  CHECK(left[0] < 0);
  for (std::size_t i = 1; i < left.size(); ++i) CHECK(left[i] == doctest::Approx(2.0 * static_cast<double>(left.size() - i)));
}

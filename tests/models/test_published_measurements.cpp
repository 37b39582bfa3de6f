// The measurements that are shipped: each file says where it is from, and its times follow from the figures as printed.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "sim/core/files.h"
#include "sim/core/json.h"
#include "tests/models/reading_measurements.h"

using namespace weft;
using namespace weft::models;

namespace {

constexpr const char* kFolder = "models/measurements";

std::string shipped(const std::string& name) { return DataPlaces::standard().find(kFolder, name).string(); }

}  // namespace

TEST_CASE("every shipped file is read, and says its title, kind, source and device") {
  const std::vector<std::string> names = DataPlaces::standard().names(kFolder);
  CHECK(names.size() >= 8);
  for (const std::string& name : names) {
    CAPTURE(name);
    const Json file = read_json_file(shipped(name));
    for (const char* key : {"title", "kind", "source", "device"}) CHECK(!file.value(key, std::string()).empty());
    const Measurements m = read_measurements(shipped(name));
    CHECK(!m.notes.empty());
    for (const Measurement& r : m.rows) CHECK(r.device == "NVIDIA H800");
  }
}

TEST_CASE("DeepGEMM's times are 2 m n k (times groups) over the printed TFLOPS, all 28 rows of each date") {
  for (const char* name : {"deepgemm_2025_02_25", "deepgemm_2025_03_25", "deepgemm_2025_04_09"}) {
    CAPTURE(name);
    const Json file = read_json_file(shipped(name));
    CHECK(file["rows"].size() == 28);
    for (const Json& r : file["rows"]) {
      const double operations = 2 * r.value("groups", 1.0) * r["m"].get<double>() * r["n"].get<double>() * r["k"].get<double>();
      // Six digits are kept.
      CHECK(r["time_us"].get<double>() == doctest::Approx(operations / r["printed"]["TFLOPS"].get<double>() * 1e-6).epsilon(1e-5));
    }
  }
}

TEST_CASE("FlashMLA's times give back the printed rates") {
  // 2 s_q kv heads (576 + 512) batch operations; 2 (576 kv + s_q heads (576 + 512)) batch bytes.
  for (const char* name : {"flashmla_2025_02_24", "flashmla_2025_04_22"}) {
    const Json file = read_json_file(shipped(name));
    for (const Json& r : file["rows"]) {
      const double b = r["batch"], h = r["heads"], q = r["s_q"], kv = r["kv"], t = r["time_us"];
      if (r["printed"].contains("TFLOPS")) CHECK(2 * b * q * kv * h * 1088 / t * 1e-6 == doctest::Approx(r["printed"]["TFLOPS"].get<double>()).epsilon(1e-5));
      else CHECK(2 * b * (576 * kv + q * h * 1088) / t * 1e-3 == doctest::Approx(r["printed"]["GB/s"].get<double>()).epsilon(1e-5));
    }
  }
}

TEST_CASE("DeepEP's low-latency times and rates agree: 1,024 selections of 7,408 bytes out and 14,336 bytes back") {
  for (const char* name : {"deepep_2025_02_25", "deepep_2025_06_05"}) {
    const Json file = read_json_file(shipped(name));
    for (const Json& r : file["rows"]) {
      if (r["variant"] != "low_latency") continue;
      const double bytes = 1024.0 * (r["family"] == "deepep_ll_dispatch" ? 7408 : 14336);
      // Both are whole numbers, and the mean of the ranks' rates is not the rate of their mean time: within 3 %.
      CHECK(bytes / r["time_us"].get<double>() * 1e-3 == doctest::Approx(r["printed"]["GB/s"].get<double>()).epsilon(0.03));
    }
  }
}

TEST_CASE("DeepSeek's training kernels: 64 FP8 GEMMs, 16 grouped ones, all on 112 SMs") {
  const Measurements m = read_measurements(shipped("deepseek_v3_training_h800"));
  int gemms = 0, grouped = 0;
  for (const Measurement& r : m.rows) {
    CHECK(r.shape.at("sms") == 112);
    gemms += r.family == "gemm" && r.variant == "fp8_block";
    grouped += r.family == "grouped_gemm";
  }
  CHECK(gemms == 64);
  CHECK(grouped == 16);
}

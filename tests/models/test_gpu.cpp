#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <cmath>

#include "models/gpu.h"

using namespace weft;
using namespace weft::models;

namespace {

const DataPlaces& data() {
  static const DataPlaces places = DataPlaces::standard();
  return places;
}

Gpu read(const std::string& json) {
  const Json value = parse_json(json, "scenario.json");
  Problems problems;
  const Gpu g = read_gpu(JsonReader(value, "scenario.json", problems, "/gpu"), data());
  problems.throw_if_any();
  return g;
}

}  // namespace

TEST_CASE("C101: an H800 has 132 SMs and 84,943,110,144 bytes, as DeepSeek's profiler saw them") {
  const Gpu g = gpu_named("h800", data(), "--gpu");
  CHECK(g.sms.value == 132);
  CHECK(g.memory.value == Bytes(84943110144.0));
  CHECK(g.sms.origin == Origin::measured);
  CHECK(g.nvlink_rate.value == BytesPerSecond(200e9));   // half of H100's: what the export rules left
  CHECK(g.nic_rate.value == BytesPerSecond(50e9));
}

TEST_CASE("the peaks of H800 are its clocks times its tensor cores") {
  const Gpu g = gpu_named("h800", data(), "--gpu");
  // 4096 FLOP per clock and SM in BF16: 4096 * 132 * 1.83 GHz = 989.4 TFLOPS; at 1.6 GHz 865.1.
  CHECK(g.bf16_rate.value.value() == doctest::Approx(4096 * 132 * 1.83e9).epsilon(2e-4));
  CHECK(g.bf16_sustained_rate.value.value() == doctest::Approx(4096 * 132 * 1.6e9).epsilon(2e-4));
  CHECK(g.fp8_rate.value / g.bf16_rate.value == doctest::Approx(2).epsilon(1e-3));
}

TEST_CASE("every shipped GPU reads, has a device name of its own and a source for each number") {
  const auto names = data().names("models/hardware");
  CHECK(names.size() >= 7);
  for (const std::string& name : names) {
    CAPTURE(name);
    const Gpu g = gpu_named(name, data(), "--gpu");
    CHECK(g.name == name);
    CHECK_FALSE(g.title.empty());
    REQUIRE_FALSE(g.device_names.empty());
    for (const std::string& device : g.device_names) CHECK(gpu_of_device(device, data()) == name);
    CHECK(g.sms.value >= 1);
    CHECK(g.bf16_rate.value.value() > 1e14);
    CHECK((g.fp8_rate.value.value() == 0 || g.fp8_rate.value > g.bf16_rate.value));
    CHECK(constants_of(g).size() >= 8);
    for (const ConstantUsed& c : constants_of(g)) CHECK_FALSE(c.source.empty());
  }
}

TEST_CASE("what a GPU lacks is zero and is not listed: an A100 has no FP8") {
  const Gpu g = gpu_named("a100", data(), "--gpu");
  CHECK(g.fp8_rate.value.value() == 0);
  for (const ConstantUsed& c : constants_of(g)) CHECK(c.name.find("fp8") == std::string::npos);
}

TEST_CASE("a device is told by the longest name that it begins with; boards of another kind are not taken for it") {
  CHECK(gpu_of_device("NVIDIA H800", data()) == "h800");
  CHECK(gpu_of_device("NVIDIA H100 80GB HBM3", data()) == "h100");
  CHECK(gpu_of_device("NVIDIA H200", data()) == "h200");   // and not H20
  CHECK(gpu_of_device("NVIDIA H20", data()) == "h20");
  CHECK(gpu_of_device("NVIDIA A100-SXM4-80GB", data()) == "a100");
  CHECK_FALSE(gpu_of_device("NVIDIA H800 PCIe", data()));
  CHECK_FALSE(gpu_of_device("NVIDIA H100 80GB HBM3 MIG 3g.40gb", data()));
  CHECK_FALSE(gpu_of_device("NVIDIA GeForce RTX 4090", data()));
  CHECK_FALSE(gpu_of_device("", data()));
}

TEST_CASE("a GPU can be changed in place; a bare number becomes an assumption") {
  const Gpu base = gpu_named("h800", data(), "--gpu"), g = read(R"({"extends": "h800", "sms": 112, "hbm_rate": "3 TB/s"})");
  CHECK(g.sms.value == 112);
  CHECK(g.sms.origin == Origin::assumed);
  CHECK(g.hbm_rate.value == BytesPerSecond(3e12));
  CHECK(g.bf16_rate.value == base.bf16_rate.value);
}

TEST_CASE("wrong GPUs are refused with their place") {
  CHECK_THROWS_WITH_AS(gpu_named("h80", data(), "--gpu"), doctest::Contains("--gpu: unknown name \"h80\""), UserError);
  CHECK_THROWS_WITH_AS(gpu_named("h80", data(), "--gpu"), doctest::Contains("h800"), UserError);
  CHECK_THROWS_WITH_AS(read(R"({"extends": "h800", "sms": 0})"), doctest::Contains("/gpu/sms"), UserError);
  CHECK_THROWS_WITH_AS(read(R"({"extends": "h800", "sms": "many"})"), doctest::Contains("/gpu/sms"), UserError);
  CHECK_THROWS_WITH_AS(read(R"({"extends": "h800", "sms": {"value": 132, "origin": "published"}})"), doctest::Contains("/gpu/sms/source"), UserError);
  CHECK_THROWS_WITH_AS(read(R"({"extends": "h800", "hbm_rate": 3350})"), doctest::Contains("/gpu/hbm_rate"), UserError);
  CHECK_THROWS_WITH_AS(read(R"({"extends": "h800", "hbm_rate": "989 TFLOPS"})"), doctest::Contains("/gpu/hbm_rate"), UserError);
  CHECK_THROWS_WITH_AS(read(R"({"extends": "h800", "device_names": "NVIDIA H800"})"), doctest::Contains("/gpu/device_names"), UserError);
  CHECK_THROWS_WITH_AS(read(R"({"extends": "h800", "device_names": [""]})"), doctest::Contains("/gpu/device_names/0"), UserError);
  CHECK_THROWS_WITH_AS(read(R"({"extends": "h800", "flops": "1 TFLOPS"})"), doctest::Contains("/gpu/flops"), UserError);
  CHECK_THROWS_WITH_AS(read(R"({"sms": 132})"), doctest::Contains("/gpu/bf16_rate"), UserError);
}

TEST_CASE("a changed GPU may say whose calibrations it takes; one that is not there is refused") {
  const Gpu g = read(R"({"extends": "h800", "calibrations_of": "h800", "hbm_rate": "6.7 TB/s"})");
  CHECK(g.name == "h800, changed");
  CHECK(g.goes_by("h800"));
  CHECK_FALSE(g.goes_by("h100"));
  CHECK_FALSE(read(R"({"extends": "h800", "hbm_rate": "6.7 TB/s"})").goes_by("h800"));
  CHECK(gpu_named("h800", data(), "--gpu").goes_by("h800"));
  CHECK_THROWS_WITH_AS(read(R"({"extends": "h800", "calibrations_of": "h8000"})"), doctest::Contains("there is no GPU \"h8000\""), UserError);
}

// Machines on which one person runs a model: the shipped ones with their sources, and GPUs in their place.
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "models/gpu.h"
#include "models/machine.h"

using namespace weft;
using namespace weft::models;

namespace {

Machine read(const std::string& json) {
  const Json value = parse_json(json, "scenario.json");
  Problems problems;
  const Machine m = read_machine(JsonReader(value, "scenario.json", problems, "/machine"), DataPlaces::standard());
  problems.throw_if_any();
  return m;
}

}  // namespace

TEST_CASE("every shipped machine reads, no GPU has its name, and each of its numbers has a source") {
  const DataPlaces data = DataPlaces::standard();
  const auto names = data.names("models/machines");
  CHECK(names.size() >= 5);
  for (const std::string& name : names) {
    CAPTURE(name);
    CHECK(data.find("models/hardware", name).empty());
    const Machine m = read("\"" + name + "\"");
    CHECK(m.name == name);
    CHECK_FALSE(m.title.empty());
    CHECK(m.memory.size.value > Bytes(1e9));
    CHECK(constants_of(m).size() >= 3);
    for (const ConstantUsed& c : constants_of(m)) CHECK_FALSE(c.source.empty());
  }
}

TEST_CASE("memory rates are widths times transfers") {
  CHECK(read("\"ryzen_ai_max_395\"").memory.rate.value == BytesPerSecond(32 * 8e9));      // 256 bits of LPDDR5X-8000
  const Machine server = read("\"xeon_4090\""), half = read("\"xeon_4090_one_socket\"");
  CHECK(server.memory.rate.value.value() == doctest::Approx(384 / 8 * 21e9).epsilon(1e-12));
  CHECK(server.for_experts->rate.value.value() == doctest::Approx(2 * 8 * 8 * 4.8e9).epsilon(1e-12));   // sockets x channels x 8 B x DDR5-4800
  CHECK(half.for_experts->rate.value.value() == doctest::Approx(server.for_experts->rate.value.value() / 2).epsilon(1e-12));
  CHECK(half.memory.rate.value == server.memory.rate.value);
}

TEST_CASE("a GPU stands for its memory and tensor cores, and a machine can be changed in place") {
  const Machine m = read("\"h200\"");
  const Gpu g = gpu_named("h200", DataPlaces::standard(), "--gpu");
  CHECK(m.memory.size.value == g.memory.value);
  CHECK(m.memory.rate.value == g.hbm_rate.value);
  CHECK(m.compute_rate.value == g.bf16_rate.value);
  CHECK(read(R"({"extends": "m4_max", "memory": {"size": "64 GiB", "rate": "546 GB/s"}})").memory.size.value == Bytes(64.0 * (1 << 30)));
}

TEST_CASE("a machine that cannot be read says where") {
  const auto says = [](const std::string& json, const std::string& part) {
    try {
      read(json);
      FAIL("read");
    } catch (const UserError& e) {
      CAPTURE(e.what());
      CHECK(std::string(e.what()).find(part) != std::string::npos);
    }
  };
  says("\"m5_max\"", "/machine: unknown name \"m5_max\"");
  says(R"({"name": "x", "memory": "128 GB"})", "/machine/memory");
  says(R"({"name": "x", "memory": {"size": "128 GB"}})", "/machine/memory/rate");
  says(R"({"name": "x", "memory": {"size": "128 GB", "rate": "100 GB/s", "reached": "101 GB/s"}})", "/machine/memory/reached: is more than its rate of 100 GB/s");
  says(R"({"name": "x", "memory": {"size": "128 GB", "rate": "100 GB/s"}, "speed": 1})", "/machine/speed");
}

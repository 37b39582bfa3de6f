#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "models/communication.h"

using namespace weft;
using namespace weft::models;

namespace {

CommunicationModel read(const std::string& json) {
  const Json value = parse_json(json, "scenario.json");
  Problems problems;
  const CommunicationModel m =
      read_communication_model(JsonReader(value, "scenario.json", problems, "/kernel"), DataPlaces::standard());
  problems.throw_if_any();
  return m;
}

}  // namespace

TEST_CASE("every shipped kernel reads, and each of its numbers has a source; a fitted one names the table") {
  const auto names = DataPlaces::standard().names("models/data/communication");
  CHECK(names.size() >= 7);
  for (const std::string& name : names) {
    CAPTURE(name);
    const CommunicationModel m = read("\"" + name + "\"");
    CHECK(m.name == name);
    CHECK_FALSE(m.title.empty());
    for (const ConstantUsed& c : constants_of(m)) {
      CHECK_FALSE(c.source.empty());
      if (c.origin == Origin::fitted) CHECK(c.source.find("README") != std::string::npos);
    }
  }
}

TEST_CASE("a kernel can be changed in place, and what is not named stays") {
  const CommunicationModel base = read("\"deepep_low_latency\""),
                           m = read(R"({"extends": "deepep_low_latency", "nic_rate": "48 GB/s"})");
  CHECK(m.nic_rate.value == BytesPerSecond(48e9));
  CHECK(m.nic_rate.origin == Origin::assumed);
  CHECK(m.nvlink_rate.value == base.nvlink_rate.value);
  CHECK(m.start_up.value == base.start_up.value);
}

TEST_CASE("a kernel without rates has no limits of its own") {
  const CommunicationModel m = read("\"line_rate\"");
  CHECK(m.nic_rate.value.value() == 0);
  CHECK(m.nvlink_rate.value.value() == 0);
  CHECK(constants_of(m).empty());
}

TEST_CASE("an unknown kernel offers the nearest name; unknown keys and bare numbers are refused") {
  CHECK_THROWS_WITH_AS(read("\"deepep_norml\""), doctest::Contains("deepep_normal"), UserError);
  CHECK_THROWS_WITH_AS(read(R"({"nic_speed": "44 GB/s"})"), doctest::Contains("/kernel/nic_speed"), UserError);
  CHECK_THROWS_WITH_AS(read(R"({"nic_rate": 44})"), doctest::Contains("/kernel/nic_rate"), UserError);
  CHECK_THROWS_AS(read("3"), UserError);
}

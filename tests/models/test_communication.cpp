#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <random>

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

TEST_CASE("a kernel may be a file of the user's, which may extend another one, which extends a shipped one") {
  const auto folder = std::filesystem::temp_directory_path() / ("weft_kernels_" + std::to_string(std::random_device()()));
  std::filesystem::create_directory(folder);
  const std::string mine = (folder / "mine.json").string(), base = (folder / "base.json").string();
  write_file_atomically(base, R"({"extends": "deepep_low_latency", "nic_rate": "40 GB/s", "nvlink_rate": "150 GB/s"})");
  write_file_atomically(mine, dump_json(Json{{"extends", base}, {"nvlink_rate", "120 GB/s"}}));
  const CommunicationModel by_path = read(dump_json(Json(mine)));
  const CommunicationModel inside = read(dump_json(Json{{"extends", mine}, {"start_up", "1 us"}}));
  write_file_atomically(mine, R"({"nic_speed": "44 GB/s"})");
  CHECK_THROWS_WITH_AS(read(dump_json(Json(mine))), doctest::Contains("mine.json: /nic_speed"), UserError);
  std::filesystem::remove_all(folder);
  CHECK(by_path.name == "mine");
  CHECK(by_path.nic_rate.value == BytesPerSecond(40e9));
  CHECK(by_path.nvlink_rate.value == BytesPerSecond(120e9));
  CHECK(by_path.start_up.value == read("\"deepep_low_latency\"").start_up.value);
  CHECK(inside.nvlink_rate.value == BytesPerSecond(120e9));
  CHECK(inside.start_up.value == Seconds(1e-6));
  CHECK_THROWS_WITH_AS(read("\"./no_such_kernel.json\""), doctest::Contains("no_such_kernel.json"), UserError);
}

TEST_CASE("an unknown kernel offers the nearest name; unknown keys and bare numbers are refused") {
  CHECK_THROWS_WITH_AS(read("\"deepep_norml\""), doctest::Contains("deepep_normal"), UserError);
  CHECK_THROWS_WITH_AS(read(R"({"nic_speed": "44 GB/s"})"), doctest::Contains("/kernel/nic_speed"), UserError);
  CHECK_THROWS_WITH_AS(read(R"({"nic_rate": 44})"), doctest::Contains("/kernel/nic_rate"), UserError);
  CHECK_THROWS_AS(read("3"), UserError);
}

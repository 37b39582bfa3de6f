// The weft_json reader: what weft writes it reads, and broken files are named by JSON pointer.
#include <doctest/doctest.h>

#include "tests/models/reading_measurements.h"

using namespace weft;
using namespace weft::models;

TEST_CASE("what is written as JSON is read back the same, notes too") {
  Measurements m;
  m.notes = {"a note"};
  m.rows.push_back({"gemm", "fp8_block", {{"m", 64}, {"n", 2112}, {"k", 7168}}, 9.41, "NVIDIA H800", "q_a", ""});
  m.rows.push_back({"launch", "empty", {}, 2.0 / 3, "", "", ""});
  const Measurements back = measurements_in(measurements_json(m));
  REQUIRE(back.rows.size() == 2);
  CHECK(back.notes == m.notes);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(back.rows[i].family == m.rows[i].family);
    CHECK(back.rows[i].variant == m.rows[i].variant);
    CHECK(back.rows[i].shape == m.rows[i].shape);
    CHECK(back.rows[i].time_us == m.rows[i].time_us);
    CHECK(back.rows[i].device == m.rows[i].device);
    CHECK(back.rows[i].label == m.rows[i].label);
  }
  CHECK(measurements_json(back) == measurements_json(m));
}

TEST_CASE("broken files are named by their place") {
  const std::string head = R"({"schema": "weft-measurements/1", "rows": [)";
  CHECK(says(refusal(head + R"({"family": "gemm", "time_us": -1}]})"), "/rows/0/time_us"));
  CHECK(says(refusal(head + R"({"family": "gemm", "time_us": 0}]})"), "the time is zero"));
  CHECK(says(refusal(head + R"({"family": "gemm"}]})"), "/rows/0/time_us"));
  CHECK(says(refusal(head + R"({"time_us": 1}]})"), "/rows/0/family"));
  CHECK(says(refusal(head + R"({"family": "gemm", "m": "64", "time_us": 1}]})"), "/rows/0/m"));
  CHECK(says(refusal(head + "]}"), "there are no rows"));
  CHECK(says(refusal(head + R"({"family": "gemm", "ti)"), "cut off"));
  CHECK(says(refusal(R"({"schema": "weft-measurements/9", "rows": []})"), "not a schema that is read"));
}

TEST_CASE("weft_json is asked for by name too") {
  CHECK(measurements_in(R"({"schema": "weft-measurements/1", "device": "NVIDIA H800", "rows": [{"family": "launch", "time_us": 2}]})", "weft_json").rows[0].device == "NVIDIA H800");
}

// The measured reader: the JSON lines that `weft calibrate measure` writes.
#include <doctest/doctest.h>

#include "tests/models/reading_measurements.h"

using namespace weft;
using namespace weft::models;

namespace {

const std::string kHead = R"({"schema":"weft-measured/1","backend":"cuda","device":"NVIDIA H100 80GB HBM3","sms":132})" "\n";
const std::string kRow = R"({"family":"gemm","variant":"bfloat16","m":64,"n":128,"k":256,"time_us":3.5,"p5_us":3.4,"stable":true,"device":"NVIDIA H100 80GB HBM3","throttle":[]})" "\n";

}  // namespace

TEST_CASE("a measured line gives its median and the fields before it") {
  const Measurements m = measurements_in(kHead + kRow);
  REQUIRE(m.rows.size() == 1);
  CHECK(m.rows[0].shape == std::map<std::string, double>{{"m", 64}, {"n", 128}, {"k", 256}});
  CHECK(m.rows[0].time_us == 3.5);
  CHECK(m.rows[0].device == "NVIDIA H100 80GB HBM3");
  CHECK(says(m.rows[0].place, "file.txt:2"));
  CHECK(m.notes.empty());
}

TEST_CASE("what measuring warned of becomes a note") {
  const std::string odd = R"({"family":"gemm","variant":"bfloat16","m":1,"n":1,"k":1,"time_us":1,"stable":false,"throttle":["power"],"simulated":true})" "\n";
  const Measurements m = measurements_in(kHead + odd);
  REQUIRE(m.notes.size() == 3);
  CHECK(says(m.notes[0], "1 rows whose median was not stable"));
  CHECK(says(m.notes[1], "clocks were held down"));
  CHECK(says(m.notes[2], "simulated"));
}

TEST_CASE("a last line that was cut off is left out and told; a broken line in the middle is refused") {
  const Measurements m = measurements_in(kHead + kRow + kRow.substr(0, 40));
  CHECK(m.rows.size() == 1);
  REQUIRE(m.notes.size() == 1);
  CHECK(says(m.notes[0], "line 3 is cut off"));
  CHECK(says(refusal(kHead + kRow.substr(0, 40) + "\n" + kRow), "file.txt:2: this is no JSON object"));
}

TEST_CASE("a file without measurements, another schema and impossible times are refused") {
  CHECK(says(refusal(kHead), "no measurement below the schema"));
  CHECK(says(refusal(R"({"schema":"weft-measured/7"})" "\n" + kRow), "not a schema that is read"));
  CHECK(says(refusal(kHead + R"({"family":"gemm","time_us":-1})" "\n"), "file.txt:2: the time is negative"));
  CHECK(says(refusal(kHead + R"({"family":"gemm"})" "\n"), "no number \"time_us\""));
  CHECK(says(refusal(kHead + R"({"time_us":1})" "\n"), "no \"family\""));
}

// The nccl_tests reader: printed tables of several versions, and the JSON.
#include <doctest/doctest.h>

#include "tests/models/reading_measurements.h"

using namespace weft;
using namespace weft::models;

namespace {

using Shape = std::map<std::string, double>;

const std::string kDevices =
    "# Using devices\n"
    "#  Rank  0 Group  0 Pid   4321 on     node-a device  0 [0000:1b:00] NVIDIA H100 80GB HBM3\n"
    "#  Rank  1 Group  0 Pid   4322 on     node-a device  1 [0000:43:00] NVIDIA H100 80GB HBM3\n";
const std::string kHead =
    "#                                                              out-of-place                       in-place          \n"
    "#       size         count      type   redop    root     time   algbw   busbw #wrong     time   algbw   busbw #wrong\n"
    "#        (B)    (elements)                               (us)  (GB/s)  (GB/s)            (us)  (GB/s)  (GB/s)       \n";

}  // namespace

TEST_CASE("a printed table gives the times out of place; bytes are its size") {
  const Measurements m = measurements_in("# Collective test starting: all_reduce_perf\n" + kDevices + kHead +
                                         "     1048576        262144     float     sum      -1    35.60   29.45   29.45      0    34.20   30.66   30.66      0\n"
                                         "     2097152        524288     float     sum      -1    51.20   40.96   40.96      0    50.00   41.94   41.94    N/A\n"
                                         "# Out of bounds values : 0 OK\n# Avg bus bandwidth    : 35.7\n");
  REQUIRE(m.rows.size() == 2);
  CHECK(m.rows[0].variant == "all_reduce");
  CHECK(m.rows[0].shape == Shape{{"gpus", 2}, {"bytes", 1048576}});
  CHECK(m.rows[0].time_us == 35.6);
  CHECK(m.rows[0].device == "NVIDIA H100 80GB HBM3");
  CHECK(says(m.rows[1].place, "file.txt:9"));
}

TEST_CASE("programs that printed into one file keep their names; blank columns of old versions move up") {
  const std::string old_head = "#       size         count    type   redop     time   algbw   busbw  error     time   algbw   busbw  error\n";
  const Measurements m = measurements_in("$ ./build/alltoall_perf -b 1M\n" + kDevices + kHead +
                                         "     1048576        131072     float    none      -1    20.00   52.43   26.21      0    20.00   52.43   26.21    N/A\n"
                                         "$ ./build/all_gather_perf -b 1M\n" + kDevices + old_head +
                                         "     1048576        131072   float             19.00   55.19   27.59  0e+00    19.00   55.19   27.59  0e+00\n");
  REQUIRE(m.rows.size() == 2);
  CHECK(m.rows[0].variant == "all_to_all");
  CHECK(m.rows[0].shape.at("gpus") == 2);
  CHECK(m.rows[1].variant == "all_gather");
  CHECK(m.rows[1].time_us == 19);
}

TEST_CASE("wrong results are left out, an unknown collective or number of GPUs is asked for") {
  const std::string row = "     1048576        262144     float     sum      -1    35.60   29.45   29.45      0    34.20   30.66   30.66      0\n";
  const std::string wrong = "     1048576        262144     float     sum      -1    35.60   29.45   29.45      7    34.20   30.66   30.66      0\n";
  const Measurements m = measurements_in("all_reduce_perf\n" + kDevices + kHead + row + wrong);
  CHECK(m.rows.size() == 1);
  CHECK(says(m.notes[0], "1 lines whose result was wrong"));
  CHECK(says(refusal(kDevices + kHead + row), "which collective was timed is not said"));
  CHECK(says(refusal("all_reduce_perf\n" + kHead + row), "how many GPUs took part is not said"));
  CHECK(says(refusal("all_reduce_perf\n" + kDevices + kHead), "no line of results"));
  CHECK(says(refusal("all_reduce_perf\n" + kDevices + kHead + "     1048576        262144     float     sum      -1    35.60\n"), "cut off"));
}

TEST_CASE("the JSON: a process an entry of devices, times out of place unless there are none") {
  const std::string text = R"({"version": 2, "args": ["./build/reduce_scatter_perf", "-J", "out.json"], "nccl_version": 22902,
    "config": {"nthreads": 1, "ngpus": 4, "devices": [{"rank": 0, "device_info": "NVIDIA H800"}, {"rank": 4, "device_info": "NVIDIA H800"}]},
    "results": [{"size": 1024, "count": 32, "type": "float", "out_of_place": {"time": 12.5, "nwrong": 0.0}, "in_place": {"time": 11.0}},
                {"size": 2048, "count": 64, "type": "float", "out_of_place": null, "in_place": {"time": 14.0}}]})";
  const Measurements m = measurements_in(text);
  REQUIRE(m.rows.size() == 2);
  CHECK(m.rows[0].variant == "reduce_scatter");
  CHECK(m.rows[0].shape == Shape{{"gpus", 8}, {"bytes", 1024}});
  CHECK(m.rows[0].time_us == 12.5);
  CHECK(m.rows[0].device == "NVIDIA H800");
  CHECK(m.rows[1].time_us == 14);
  CHECK(says(refusal(R"({"nccl_version": 1, "args": ["alltoall_perf"], "config": {"devices": [{}]}, "results": []})"), "there are no results"));
  CHECK(says(refusal(R"({"nccl_version": 1, "args": ["alltoall_perf"], "config": {"devices": [{}]}, "results": [{"size": 8, "out_of_place": {"time": "nan"}}]})"), "/results/0/out_of_place/time"));
  CHECK(says(refusal(text.substr(0, 300)), "cut off"));
}

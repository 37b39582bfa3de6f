// The flashmla reader: shapes and the times below them.
#include <doctest/doctest.h>

#include "tests/models/reading_measurements.h"

using namespace weft;
using namespace weft::models;

TEST_CASE("a shape and the time below it are a decode") {
  // 2 * 128 * 8192 * 128 * (576 + 512) * 2 operations in 1.007 ms are 580 TFLOPS.
  const Measurements m = measurements_in(
      "b=128, s_q=2, mean_sk=8192, h_q=128, h_kv=1, d=576, dv=512, causal=True, varlen=False\n1.007 ms, 580 TFLOPS, 1288 GB/s\n"
      "b=128, s_q=1, mean_sk=4096, h_q=16, h_kv=1, d=576, dv=512, causal=True, varlen=True\n0.220 ms, 90 TFLOPS, 2800 GB/s\n");
  REQUIRE(m.rows.size() == 1);
  CHECK(m.rows[0].family == "mla_decode");
  CHECK(m.rows[0].shape == std::map<std::string, double>{{"batch", 128}, {"heads", 128}, {"s_q", 2}, {"kv", 8192}});
  CHECK(m.rows[0].time_us == doctest::Approx(1007).epsilon(1e-3));
  REQUIRE(m.notes.size() == 1);
  CHECK(says(m.notes[0], "requests of different lengths"));
}

TEST_CASE("another version and a stopped test are refused with the lines that were expected") {
  const std::string shape = "b=128, s_q=2, mean_sk=8192, h_q=128, h_kv=1, d=576, dv=512, causal=True, varlen=False\n";
  CHECK(says(refusal(shape), "a shape and no time below it"));
  CHECK(says(refusal(shape + "1.007 ms, 1160 TFLOPS, 1288 GB/s\n"), "file.txt:2: 1007 us for this shape are 580 TFLOPS, but the line says 1160"));
  CHECK(says(refusal("1.007 ms, 580 TFLOPS, 1288 GB/s\n", "flashmla"), "file.txt:1: a time without a shape above it (expected \"b=128"));
  CHECK(says(refusal("Running on TestParam(b=1, s_q=4096, s_kv=8192, topk=2048)\nPrefill:  321 us, 640.1 TFlops\n"), "runs of the sparse kernels"));
}

// The deepgemm reader: what DeepGEMM's tests print in their versions.
#include <doctest/doctest.h>

#include "tests/models/reading_measurements.h"

using namespace weft;
using namespace weft::models;

namespace {

using Shape = std::map<std::string, double>;

}  // namespace

TEST_CASE("the first version: dense, contiguous and masked tables") {
  const Measurements m = measurements_in(
      "Library path:\n > ['/usr/lib/deep_gemm']\n\nTesting GEMM:\n"
      " > Performance (m=   64, n= 2112, k= 7168):    9 us | throughput:  206 TFLOPS, 1688 GB/s\n"
      " > Perf (m= 4096, n= 7168, k=16384):  708 us | throughput: 1358 TFLOPS,  343 GB/s\n\n"
      "Testing grouped contiguous GEMM:\n"
      " > Performance (num_groups=4, m_per_group=8192, n=4096, k=7168): 1484 us | throughput: 1297 TFLOPS,  418 GB/s\n\n"
      "Testing grouped masked GEMM:\n"
      " > Performance (num_groups=1, m_per_group=1024, n=4096, k=7168):   49 us | throughput: 1233 TFLOPS,  924 GB/s\n");
  REQUIRE(m.rows.size() == 4);
  CHECK(m.rows[0].family == "gemm");
  CHECK(m.rows[0].variant == "fp8_block");
  CHECK(m.rows[0].shape == Shape{{"m", 64}, {"n", 2112}, {"k", 7168}});
  // "9 us" has one digit, 206 TFLOPS three: 2 * 64 * 2112 * 7168 / 206e12 s.
  CHECK(m.rows[0].time_us == doctest::Approx(2.0 * 64 * 2112 * 7168 / 206e6).epsilon(1e-12));
  CHECK(m.rows[1].time_us == doctest::Approx(2.0 * 4096 * 7168 * 16384 / 1358e6).epsilon(1e-12));
  CHECK(m.rows[2].family == "grouped_gemm");
  CHECK(m.rows[2].variant == "fp8_contiguous");
  CHECK(m.rows[2].shape == Shape{{"groups", 4}, {"m", 8192}, {"n", 4096}, {"k", 7168}});
  CHECK(m.rows[2].time_us == 1484);   // more digits than 1297
  CHECK(m.rows[3].variant == "fp8_masked");
  CHECK(says(m.rows[3].place, "file.txt:12"));
}

TEST_CASE("later versions: m over all groups, layouts, scales, cuBLAS beside it") {
  const Measurements m = measurements_in(
      "# weft: device=NVIDIA H800\n"
      "Testing GEMM:\n"
      " > Perf (m=  4096, n=  4096, k=  7168, 1D2D, layout=NT, BF16, acc=0):  184.5 us | 1304 TFLOPS |  500 GB/s | 1.02x cuBLAS\n"
      " > Perf (m=  4096, n=  4096, k=  7168, 1D1D, layout=NT, FP32, acc=1):  200.0 us | 1203 TFLOPS |  500 GB/s | 1.02x cuBLAS\n"
      " > Perf (m=  4096, n=  4096, k=  7168, layout=NT, BF16, acc=0):   350 us |  687 TFLOPS |  500 GB/s | 1.00x cuBLAS\n"
      "Testing m-grouped contiguous GEMM:\n"
      " > Perf (num_groups=4, m=32768, n=4096, k=7168, 1D2D, layout=NT): 1483 us | 1297 TFLOPS |  418 GB/s\n"
      "Testing m-grouped masked GEMM:\n"
      " > Perf (num_groups= 2, expected_m_per_group= 512, n=4096, k=7168, 1D2D):   60 us | 1000 TFLOPS | 1288 GB/s\n"
      "Testing k-grouped contiguous GEMM:\n"
      " > Perf (num_groups= 4, m= 4096, n= 7168, k= 8192, 1D1D):   999 us | 1000 TFLOPS |  300 GB/s\n");
  REQUIRE(m.rows.size() == 5);
  CHECK(m.rows[0].time_us == 184.5);
  CHECK(m.rows[0].device == "NVIDIA H800");
  CHECK(m.rows[1].family == "gemm_wgrad");
  CHECK(m.rows[2].variant == "bfloat16");
  CHECK(m.rows[3].shape == Shape{{"groups", 4}, {"m", 8192}, {"n", 4096}, {"k", 7168}});
  CHECK(m.rows[4].variant == "fp8_masked");
  CHECK(m.rows[4].time_us == 60);   // the rate counts rows that were drawn, so the time as printed
  CHECK(says(m.notes[0], "left out: 1 weight gradients grouped along k"));
}

TEST_CASE("another version is refused with the line that was expected") {
  CHECK(says(refusal(" > Perf (m=64, n=2112, k=7168): 9.41 microseconds\n"), "file.txt:1: a result of another version (expected \" > Perf (m= 4096"));
  CHECK(says(refusal(" > Perf (rows=64, n=2112, k=7168): 9 us | throughput: 206 TFLOPS, 1688 GB/s\n"), "its shape is not understood"));
  // m would be misread if it counted the rows of one group here: 100 us for 1.9 TFLOP cannot be 1297 TFLOPS.
  CHECK(says(refusal(" > Perf (m=8192, n=4096, k=7168): 1484 us | throughput: 1297 TFLOPS, 418 GB/s\n"), "us for this shape are 324 TFLOPS, but the line says 1297"));
  CHECK(says(refusal("Testing GEMM:\nTraceback\n", "deepgemm"), "no result of DeepGEMM's tests"));
  CHECK(says(refusal("# weft: gpu=H800\n > Perf (m= 4096, n= 7168, k=16384):  708 us | throughput: 1358 TFLOPS,  343 GB/s\n"), "file.txt:1: \"gpu\" says nothing"));
}

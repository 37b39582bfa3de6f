// streaming kernels: bytes over a rate, or a start each.
#include <doctest/doctest.h>

#include "tests/models/kernels_support.h"

using namespace weft;
using namespace weft::models;
using namespace weft::models::test;

TEST_CASE("a streaming kernel starts and moves its bytes at a part of HBM's rate") {
  const Gpu g = gpu();
  // FP8 transpose of 7168 x 16384: read and written, 234,881,024 B; at half of 3.35 TB/s 140.2 us, and the start.
  const KernelCall c = call("elementwise", "transpose", {{"bytes", 2.0 * 7168 * 16384}});
  CHECK(demand(c, g, "HBM").amount == 234'881'024.0);
  CHECK(time_us(c, "streaming", {{"t0", 2}, {"bandwidth", 0.5}}, g) == doctest::Approx(2 + 234'881'024.0 / (0.5 * g.hbm_rate.value.value()) * 1e6));
}

TEST_CASE("from a third of the SMs on, elementwise kernels move as fast as with all") {
  const Gpu g = gpu();
  const auto us = [&](double sms) { return time_us(call("elementwise", "cast", {{"bytes", 1e9}, {"sms", sms}}), "streaming", {{"t0", 0}}, g); };
  CHECK(us(132) == us(44));
  CHECK(us(22) == doctest::Approx(2 * us(44)));
  CHECK(us(0) == us(132));   // 0: all
}

TEST_CASE("the router reads FP32 scores and writes the top k: weights and indices") {
  // 4096 x (256 x 4 + 8 x 8) B
  CHECK(demand(call("router", "topk", {{"tokens", 4096}, {"experts", 256}}), gpu(), "HBM").amount == 4096.0 * (1024 + 64));
}

TEST_CASE("a copy to a peer is bound by NVLink, a memory test by HBM, launches by nothing but their number") {
  const Gpu g = gpu();
  CHECK(demand(call("peer_copy", "nvlink", {{"bytes", 1e9}}), g, "NVLink").rate == g.nvlink_rate.value.value());
  CHECK(roofline(call("memory", "triad", {{"bytes", 3e9}}), g).value() == doctest::Approx(3e9 / g.hbm_rate.value.value()));
  CHECK(roofline(call("launch", "empty", {}), g).value() == 0);
  CHECK(time_us(call("launch", "empty", {{"count", 7}}), "each", {{"t1", 2.5}}, g) == 17.5);
}

TEST_CASE("compute.md 3.4's rule, 2 us + bytes / 2.0 TB/s, adds up to the elementwise kernels of DeepSeek's training within 10 %") {
  const Gpu g = gpu();
  double measured = 0, predicted = 0;
  std::size_t rows = 0;
  for (const Measurement& m : shipped_measurements("deepseek_v3_training_h800").rows) {
    if (m.family != "elementwise") continue;
    ++rows;
    measured += m.time_us;
    predicted += time_us(call(m.family, m.variant, m.shape), "streaming", {{"t0", 2}, {"bandwidth", 2.0e12 / g.hbm_rate.value.value()}}, g);
  }
  CHECK(rows == 284);
  CHECK(std::abs(predicted / measured - 1) < 0.1);   // single kernels: +-30 % and worse
}

// nccl: collectives inside a node; what a GPU must send by nccl-tests' own accounting.
#include <doctest/doctest.h>

#include "tests/models/kernels_support.h"

using namespace weft;
using namespace weft::models;
using namespace weft::models::test;

namespace {

constexpr double kSize = 1 << 30;

KernelCall collective(const std::string& variant, double gpus, double bytes = kSize) { return call("nccl", variant, {{"gpus", gpus}, {"bytes", bytes}}); }

}  // namespace

TEST_CASE("a GPU sends (n - 1) / n of the buffer, in an all-reduce twice that") {
  const Gpu g = gpu();
  const double nvlink = g.nvlink_rate.value.value();
  const auto sending = [&](const std::string& variant, double gpus) { return figure(collective(variant, gpus), "plateau_and_rate", {{"bandwidth", 1}}, g, "sending") * 1e-6 * nvlink; };
  for (const char* v : {"all_gather", "reduce_scatter", "all_to_all"}) {
    CHECK(sending(v, 8) == doctest::Approx(kSize * 7 / 8));
    CHECK(sending(v, 2) == doctest::Approx(kSize / 2));
  }
  CHECK(sending("all_reduce", 8) == doctest::Approx(kSize * 7 / 4));
}

TEST_CASE("busbw: a large all-reduce at nccl-tests' bus bandwidth is that part of NVLink's rate") {
  const Gpu g = gpu("h100");
  // time = size 2 (n - 1) / n / busbw: without start and middle, bandwidth b gives busbw = b x NVLink.
  const double us = time_us(collective("all_reduce", 8, 8 * kSize), "plateau_and_rate", {{"t0", 0}, {"step", 0}, {"middle", 0}, {"bandwidth", 0.8}}, g);
  CHECK(8 * kSize * 2 * 7 / 8 / (us * 1e-6) == doctest::Approx(0.8 * g.nvlink_rate.value.value()));
}

TEST_CASE("small messages take the steps of a ring: n - 1, in an all-reduce twice, in an all-to-all one") {
  const Gpu g = gpu();
  const auto latency = [&](const std::string& variant) { return figure(collective(variant, 8, 8), "plateau_and_rate", {{"t0", 5}, {"step", 0.8}}, g, "latency"); };
  CHECK(latency("all_gather") == doctest::Approx(5 + 7 * 0.8));
  CHECK(latency("reduce_scatter") == doctest::Approx(5 + 7 * 0.8));
  CHECK(latency("all_reduce") == doctest::Approx(5 + 14 * 0.8));
  CHECK(latency("all_to_all") == doctest::Approx(5 + 0.8));
}

TEST_CASE("the roofline of an all-reduce lets the switch add: half of what a ring sends") {
  const Gpu g = gpu();
  CHECK(demand(collective("all_reduce", 8), g, "NVLink").amount == kSize * 7 / 8);
  CHECK(demand(collective("all_gather", 8), g, "NVLink").amount == kSize * 7 / 8);
}

TEST_CASE("one GPU alone sends nothing") {
  const Gpu g = gpu();
  CHECK(demand(collective("all_gather", 1), g, "NVLink").amount == 0);
  const double us = time_us(collective("all_gather", 1), "plateau_and_rate", {{"t0", 5}}, g);
  CHECK(us == doctest::Approx(5));
}

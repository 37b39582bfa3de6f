// attention with keys and values of their own per head: operations, and DeepSeek's training kernels (C062, C063).
#include <doctest/doctest.h>

#include "models/cost_model.h"
#include "tests/models/kernels_support.h"

using namespace weft;
using namespace weft::models;
using namespace weft::models::test;

namespace {

KernelCall training(const char* family, double sms = 112) {
  return call(family, "bfloat16", {{"heads", 128}, {"seq", 4096}, {"d_qk", 192}, {"d_v", 128}, {"sms", sms}});
}

double shipped_us(const KernelCall& c) {
  const CostModel model(gpu(), {read_calibration("h800_training", DataPlaces::standard(), "test")}, Fidelity::fitted, false, "test");
  const KernelTime t = model.time(c);
  CHECK(t.calibration == "h800_training");
  return t.time.value() * 1e6;
}

}  // namespace

TEST_CASE("causal attention computes half of the pairs, twice the sum of both widths") {
  const Gpu g = gpu();
  // 2 x 128 x 4096^2 / 2 x (192 + 128) = 687,194,767,360: 556 TFLOPS in 1237 us
  CHECK(demand(training("attention_forward"), g, "tensor cores").amount == 687'194'767'360.0);
  CHECK(demand(training("attention_forward"), g, "tensor cores").amount / 1237e-6 == doctest::Approx(556e12).epsilon(0.002));
  // backward: 3 x 192 + 2 x 128 in place of 320: 473 TFLOPS in 3779 us
  CHECK(demand(training("attention_backward"), g, "tensor cores").amount == 687'194'767'360.0 / 320 * 832);
  CHECK(demand(training("attention_backward"), g, "tensor cores").amount / 3779e-6 == doctest::Approx(473e12).epsilon(0.002));
  const KernelCall whole = call("attention_forward", "", {{"heads", 128}, {"seq", 4096}, {"d_qk", 192}, {"d_v", 128}, {"causal", 0}});
  CHECK(demand(whole, g, "tensor cores").amount == 2 * 687'194'767'360.0);
}

TEST_CASE("heads that share keys and values compute as much and read less") {
  const Gpu g = gpu();
  const Shape mha = {{"heads", 64}, {"seq", 1024}};
  Shape gqa = mha;
  gqa["kv_heads"] = 8;
  const KernelCall a = call("attention_forward", "", mha), b = call("attention_forward", "", gqa);
  CHECK(demand(a, g, "tensor cores").amount == demand(b, g, "tensor cores").amount);
  // 2 B x 1024 tokens x (64 query heads + kv heads) x (128 + 128)
  CHECK(demand(a, g, "HBM").amount == 2.0 * 1024 * 128 * 256);
  CHECK(demand(b, g, "HBM").amount == 2.0 * 1024 * 72 * 256);
}

TEST_CASE("C062: forward attention of DeepSeek's training takes 1237 us on 112 SMs, within 5 %") {
  CHECK(shipped_us(training("attention_forward")) == doctest::Approx(1237).epsilon(0.05));
}

TEST_CASE("C063: the main kernel of backward attention takes 3779 us, within 5 %") {
  CHECK(shipped_us(training("attention_backward")) == doctest::Approx(3779).epsilon(0.05));
}

TEST_CASE("the last wave of tiles counts whole") {
  const Gpu g = gpu();
  // 128 heads x 32 tiles of 128 rows = 4096 tiles; over 112 SMs 37 waves where 36.57 would do.
  CHECK(figure(training("attention_forward"), "roofline_efficiency", {}, g, "unfilled last wave") == doctest::Approx(37 * 112 / 4096.0));
  CHECK(figure(training("attention_forward", 128), "roofline_efficiency", {}, g, "unfilled last wave") == 1);
}

TEST_CASE("rates of compute.md give the measured times: 556 TFLOPS forward, 473 backward, on all of the 112 SMs") {
  const Gpu g = gpu();
  const double peak = g.bf16_rate.value.value() * 112 / 132, waves = 37 * 112 / 4096.0;
  const auto us = [&](const char* family, double tflops) {   // the rate is of a kernel whose last wave is as it is
    return time_us(training(family), "roofline_efficiency", {{"t0", 0}, {"efficiency", tflops * 1e12 * waves / peak}, {"q", 8}}, g);
  };
  CHECK(us("attention_forward", 556) == doctest::Approx(1237).epsilon(0.005));
  CHECK(us("attention_backward", 473) == doctest::Approx(3779).epsilon(0.005));
}

// moe_experts: the expert block of the busiest rank.
#include <doctest/doctest.h>

#include "tests/models/kernels_support.h"

using namespace weft;
using namespace weft::models;
using namespace weft::models::test;

namespace {

KernelCall block(double tokens, double ep, double skew = 0, double tp = 1) {
  return call("moe_experts", "context", {{"tokens", tokens}, {"hidden", 7168}, {"inter", 2048}, {"topk", 8}, {"experts", 256}, {"ep", ep}, {"tp", tp}, {"skew", skew}});
}

}  // namespace

TEST_CASE("moe_experts: a token costs topk times the three matrices of an expert, dealt over the ranks") {
  const Gpu g = gpu("h100");
  // 2 x 4096 x 8 / 32 rows of a rank x 3 x 7168 x 2048
  CHECK(demand(block(4096, 32), g, "tensor cores").amount == 2.0 * 1024 * 44'040'192);
  CHECK(demand(block(4096, 32, 0, 2), g, "tensor cores").amount == 1024.0 * 44'040'192);
  // At least one expert's weights are read, one byte each; of a rank without a row, none.
  CHECK(demand(block(4096, 32), g, "HBM").amount == 44'040'192.0);
  CHECK(demand(block(1, 32), g, "HBM").amount == 0.25 * 44'040'192.0);
}

TEST_CASE("an even load gives every rank its part") {
  const Gpu g = gpu("h100");
  for (const double ep : {1.0, 2.0, 32.0, 256.0}) CHECK(figure(block(4096, ep), "busiest_rank", {}, g, "share of the rows") == doctest::Approx(1 / ep));
}

TEST_CASE("under a power law the busiest rank has the first experts: worked out for exponent 1/2 over 4 ranks") {
  const Gpu g = gpu("h100");
  // Integral of x^-1/2 from 1/2: 2 (sqrt(64.5) - sqrt(0.5)) of 2 (sqrt(256.5) - sqrt(0.5)) = 7.32409 / 15.30850.
  CHECK(figure(block(4096, 4, 0.5), "busiest_rank", {{"spread", 1}}, g, "share of the rows") == doctest::Approx(7.32409 / 15.30850).epsilon(1e-5));
  // Exponent 1: ln(129) / ln(513).
  CHECK(figure(block(4096, 4, 1), "busiest_rank", {{"spread", 1}}, g, "share of the rows") == doctest::Approx(std::log(129.0) / std::log(513.0)));
  // Half of the spread at twice the skew is the same load.
  CHECK(figure(block(4096, 4, 1), "busiest_rank", {{"spread", 0.5}}, g, "share of the rows") == doctest::Approx(7.32409 / 15.30850).epsilon(1e-5));
}

TEST_CASE("weights of experts that get no row are not read") {
  const Gpu g = gpu("h100");
  // 8 rows over 256 experts of one rank: 256 (1 - exp(-8/256)) = 7.877 experts; at 3.35 TB/s and all of it.
  const Named p = {{"bandwidth", 1}};
  const double expert_us = 44'040'192 / g.hbm_rate.value.value() * 1e6;
  CHECK(figure(block(1, 1), "busiest_rank", p, g, "reading weights") == doctest::Approx(256 * (1 - std::exp(-8.0 / 256)) * expert_us));
  CHECK(figure(block(65536, 1), "busiest_rank", p, g, "reading weights") == doctest::Approx(256 * expert_us));
}

TEST_CASE("the figures of the block sum up to its time where one side decides") {
  const Gpu g = gpu("h100");
  const KernelCall c = block(65536, 1);
  const Named p = {{"q", 8}};
  const double sum = figure(c, "busiest_rank", p, g, "start") + figure(c, "busiest_rank", p, g, "sorting tokens") + figure(c, "busiest_rank", p, g, "moving rows") +
                     figure(c, "busiest_rank", p, g, "computing");
  CHECK(time_us(c, "busiest_rank", p, g) == doctest::Approx(sum).epsilon(1e-3));
}

// DeepEP's low-latency kernels: T = start-up + max((N-8)/N V / B_nic, 7/N V / B_nvlink), V = 1,014 selections.
#include <doctest/doctest.h>

#include "tests/support/workload_runs.h"

using namespace weft;
using namespace weft::testing;

namespace {

std::string job(const std::string& ep, const std::string& more = "") {
  return R"({"kind": "deepep_low_latency", "ep": )" + ep + more + "}";
}

}  // namespace

TEST_CASE(
    "N5.13, N5.31: a \"deepep_low_latency\" dispatch sends 1,014 selections of 7,408 B, 7.512 MB, a combine 14.537 "
    "MB") {
  const auto rows = Ground(mpft, 1).run(job("8"));
  CHECK(rows[0].number("message_B") == 7408);
  CHECK(rows[1].number("message_B") == 14336);
  CHECK(rows[0].number("sent_MB") == doctest::Approx(7.5117).epsilon(1e-5));
  CHECK(rows[1].number("sent_MB") == doctest::Approx(14.5367).epsilon(1e-5));
}

TEST_CASE("N5.25-N5.30: expected counts give the fitted latencies to 0.2 us") {
  const double dispatch[] = {75.3, 115.7, 157.0, 177.7, 188.0, 193.1},
               combine[] = {114.7, 192.9, 272.8, 312.8, 332.7, 342.7};
  for (const std::string& topology : {mpft, mrft}) {
    const auto rows = Ground(topology, 32, "h800", "infiniband").run(job("[8, 16, 32, 64, 128, 256]"));
    REQUIRE(rows.size() == 12);
    for (int i = 0; i < 6; ++i) {
      CHECK(std::abs(rows[2 * i].number("time_us") - dispatch[i]) < 0.2);
      CHECK(std::abs(rows[2 * i + 1].number("time_us") - combine[i]) < 0.2);
    }
  }
}

TEST_CASE(
    "N5.25-N5.28: EP8 to EP64 are within 3 % of the README's latencies; N5.29, N5.30: EP128 and EP256, an older "
    "kernel's, within 11 %") {
  const double dispatch[] = {77, 118, 155, 173, 192, 194}, combine[] = {114, 195, 273, 314, 369, 360};
  const auto rows = Ground(mpft, 32, "h800", "infiniband").run(job("[8, 16, 32, 64, 128, 256]"));
  for (int i = 0; i < 6; ++i) {
    const double tolerance = i < 4 ? 0.03 : 0.11;
    CHECK(rows[2 * i].number("time_us") == doctest::Approx(dispatch[i]).epsilon(tolerance));
    CHECK(rows[2 * i + 1].number("time_us") == doctest::Approx(combine[i]).epsilon(tolerance));
  }
}

TEST_CASE("N5.31: all selections over the README's latencies are its bandwidths") {
  const Ground ground(mpft, 1, "ideal");  // nothing takes time but the kernel's start-up
  const auto bandwidth = [&](int direction, const std::string& latency) {
    return ground.run(job("8", R"(, "kernel": {"start_up": ")" + latency + "\"}"))
        .at(direction)
        .number("bandwidth_GBps");
  };
  CHECK(std::abs(bandwidth(0, "77 us") - 98) < 1);
  CHECK(std::abs(bandwidth(0, "194 us") - 39) < 1);
  CHECK(std::abs(bandwidth(1, "114 us") - 127) < 1);
  CHECK(std::abs(bandwidth(1, "360 us") - 40) < 1);
}

// Pure RDMA: alpha + (N-1)/N V / B, own node included; planes of an MPFT cannot do that.
TEST_CASE("N5.32: the kernel of February 2025 takes the NIC for everything") {
  const Ground ground(mrft, 32, "h800", "infiniband");
  const auto rows = ground.run(job("[8, 64, 256]", R"(, "kernel": "deepep_low_latency_2025_02")"));
  const double model[] = {165.9, 316.8, 186.1, 355.8, 188.2, 360.0};
  for (int i = 0; i < 6; ++i) CHECK(std::abs(rows[i].number("time_us") - model[i]) < 0.2);
  const double published[] = {163, 318, 186, 353, 194, 360};
  for (int i = 0; i < 6; ++i) CHECK(rows[i].number("time_us") == doctest::Approx(published[i]).epsilon(0.035));
  CHECK_THROWS_WITH_AS(Ground(mpft, 2).run(job("16", R"(, "kernel": "deepep_low_latency_2025_02")")),
                       doctest::Contains("planes of an MPFT do not meet"), UserError);
}

TEST_CASE("a selection leaves over PCIe by the NIC of the destination's rail, or on request by the GPU's own NIC") {
  const auto by_rail = record(workload_from(job("16"))->cases(view_of(2)).at(0));
  for (const RecordedTransfer& t : by_rail.transfers)
    for (const workloads::Leg& leg : t.legs)
      if (leg.from.node != leg.to.node) CHECK(leg.from.local == leg.to.local);
  const auto own = record(workload_from(job("16", R"(, "nic": "own")"))->cases(view_of(2)).at(0));
  std::size_t across = 0;
  for (const RecordedTransfer& t : own.transfers)
    across += t.legs[0].from.node != t.legs[0].to.node && t.legs[0].from.local != t.legs[0].to.local;
  CHECK(across == 2 * 8 * 7);
  CHECK_THROWS_WITH_AS(Ground(mpft, 2).run(job("16", R"(, "nic": "own")")),
                       doctest::Contains("planes of an MPFT do not meet"), UserError);
  CHECK(Ground(mrft, 2).number(job("16", R"(, "nic": "own")"), "time_us") ==
        doctest::Approx(Ground(mrft, 2).number(job("16"), "time_us")));
}

TEST_CASE("sampled counts take longer than balanced ones, the slowest rank deciding") {
  const Ground ground(mpft, 8, "h800", "infiniband");
  const Row balanced = ground.run(job("64")).at(0), drawn = ground.run(job("64", R"(, "draw": "sampled")")).at(0);
  CHECK(drawn.number("time_us") > balanced.number("time_us"));
  CHECK(drawn.number("mean_rank_time_us") < drawn.number("time_us"));
}

// One token with 8 experts has 8 selections: 7 are struck out by default, 1 message of 7,408 B is left.
TEST_CASE("a rank with no more selections than DeepEP's test strikes out keeps one of them") {
  const Ground ground(mpft, 2);
  for (const char* draw : {"expected", "sampled"}) {
    CAPTURE(draw);
    const auto with = [&](const std::string& more) { return ground.run(job("16", more + R"(, "draw": ")" + draw + "\"")).at(0); };
    CHECK(with(R"(, "tokens": 1)").number("sent_MB") == doctest::Approx(7408e-6));
    CHECK(with(R"(, "tokens": 1)").number("time_us") > 0);
    CHECK(with(R"(, "tokens": 1, "topk": 1)").number("sent_MB") == doctest::Approx(7408e-6));
    CHECK(with(R"(, "tokens": 1, "masked": 0)").number("sent_MB") == doctest::Approx(8 * 7408e-6));
    CHECK(with(R"(, "tokens": 2)").number("sent_MB") == doctest::Approx(6 * 7408e-6));
  }
}

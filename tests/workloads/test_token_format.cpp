// In how many bytes exchanges send a token: formats, what they do to times on a network, and what coding costs.
#include <doctest/doctest.h>

#include "models/llm/infer_phases.h"
#include "tests/support/workload_runs.h"
#include "tests/workloads/layer_setups.h"
#include "tests/workloads/training_runs.h"
#include "workloads/inference/layer_times.h"
#include "workloads/moe/token_format.h"

using namespace weft;
using namespace weft::testing;
using namespace weft::workloads;
using doctest::Approx;

namespace {

std::string combine(const std::string& more) { return R"({"kind": "deepep_combine", "ep": 64, "draw": "expected")" + more + "}"; }
std::string refused(const std::string& json) {
  try {
    workload_from(json);
  } catch (const UserError& e) {
    return e.what();
  }
  return "";
}
bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a token of 7,168 elements: FP8 7,392 B, BF16 14,336 B, LogFMT-10 9,184 B or 0.6406 of BF16 (N9.02), with two FP32 a block 0.6563") {
  CHECK(moe::token_format("fp8").copy(7168) == Bytes(7168 + 56 * 4));
  CHECK(moe::token_format("bf16").copy(7168) == Bytes(2 * 7168));
  moe::TokenFormat ten = moe::token_format("logfmt10");
  CHECK(ten.copy(7168) == Bytes(7168 * 10 / 8 + 56 * 4));
  CHECK(ten.copy(7168) / moe::token_format("bf16").copy(7168) == Approx(0.6406).epsilon(1e-4));
  ten.block_bytes = 8;
  CHECK(ten.copy(7168) / moe::token_format("bf16").copy(7168) == Approx(0.65625));
  CHECK(moe::token_format("logfmt8").copy(7168) == moe::token_format("fp8").copy(7168));
}

TEST_CASE("a combine that NICs limit takes as much of its time as it has of its bytes, and coding stretches that by its part") {
  // 10 bits and 4 B for 128 elements: 0.640625; FP8 with its scales: 0.515625. Beside bytes a store over NVLink takes 1 us.
  const Ground ground(mpft, 8);
  const auto time = [&](const std::string& more) { return ground.number(combine(more), "time_us") - 1; };
  const double bf16 = time("");
  CHECK(time(R"(, "combine_dtype": "bf16")") == bf16);
  CHECK(time(R"(, "combine_dtype": "logfmt10")") / bf16 == Approx(0.640625));
  CHECK(time(R"(, "combine_dtype": "logfmt10", "logfmt_metadata": "8 B")") / bf16 == Approx(0.65625));
  CHECK(time(R"(, "combine_dtype": "fp8")") / bf16 == Approx(0.515625));
  CHECK(time(R"(, "combine_dtype": "logfmt10", "codec_overhead": 0.5)") / bf16 == Approx(0.640625 * 1.5));
  CHECK(time(R"(, "combine_dtype": "logfmt10", "codec_overhead": 1)") / bf16 == Approx(0.640625 * 2));
}

TEST_CASE("a low-latency combine saves bytes, and its start-up stays") {
  const Ground ground(mpft, 8);
  const auto time = [&](const std::string& more) {
    return ground.number(R"({"kind": "deepep_low_latency", "ep": 64, "directions": "combine", "kernel": {"nic_rate": "45.5 GB/s", "start_up": "33.2 us"})" + more + "}", "time_us");
  };
  CHECK(time(R"(, "combine_dtype": "logfmt10")") - 33.2 == Approx((time("") - 33.2) * 0.640625));
}

TEST_CASE("keys of LogFMT without LogFMT, coding on a kernel without a rate, and widths that blocks do not divide are told") {
  CHECK(holds(refused(combine(R"(, "logfmt_metadata": "8 B")")), "no exchange is in LogFMT"));
  CHECK(holds(refused(combine(R"(, "combine_dtype": "fp8", "codec_overhead": 0.5)")), "no exchange is in LogFMT"));
  CHECK(holds(refused(combine(R"(, "combine_dtype": "logfmt10", "codec_overhead": 0.5, "kernel": "line_rate")")), "no rate of its own"));
  CHECK(holds(refused(combine(R"(, "combine_dtype": "logfmt10", "codec_overhead": -1)")), "codec_overhead"));
  CHECK(holds(refused(combine(R"(, "combine_dtype": "logfmt10", "logfmt_metadata": "1 KiB")")), "more than the elements"));
  CHECK(holds(refused(combine(R"(, "combine_dtype": "logfmt10", "hidden": 7000)")), "LogFMT has a range for every 128 elements"));
  CHECK(holds(refused(combine(R"(, "combine_dtype": "fp4")")), "combine_dtype"));
  CHECK(refused(combine(R"(, "hidden": 7000)")).empty());   // BF16 has no blocks
}

TEST_CASE("what is left out is not told in the resolved parameters, so that results without formats stay as they are") {
  CHECK_FALSE(workload_from(combine(""))->resolved().contains("combine_dtype"));
  CHECK(workload_from(combine(R"(, "combine_dtype": "bf16")"))->resolved().at("combine_dtype") == "bf16");
}

TEST_CASE("in a training step tokens and gradients that come back from experts have the combine's format, and coding a kernel of its own") {
  using namespace weft::workloads::training;
  using namespace weft::workloads::training::test;
  const Ground ground(mpft, 8);
  const auto job = [&](const std::string& more) {
    return prepared(step_setup(R"("model": )" + small_model(0, 9) + R"(, "pp": 4, "ep": 16, "micro_batches": 8, "sequence": 512, "gate": "unrestricted")" + more), ground).job;
  };
  const auto plain = job(""), coded = job(R"(, "combine_dtype": "logfmt10", "codec_overhead": 1)"), hardware = job(R"(, "combine_dtype": "logfmt10")");
  CHECK(plain->combined == Bytes(14336));
  CHECK(plain->kernels.size() == 3);
  CHECK(plain->combine_kernel == KernelId(0));
  CHECK(coded->combined == Bytes(9184));
  CHECK(coded->dispatched == plain->dispatched);
  CHECK(hardware->kernels.size() == 3);
  REQUIRE(coded->kernels.size() == 4);
  CHECK(coded->combine_kernel == KernelId(3));
  CHECK(coded->dispatch_kernel == KernelId(0));
  CHECK(coded->kernels[3].nic_rate->value() == Approx(coded->kernels[0].nic_rate->value() / 2));
}

TEST_CASE("in decode a combine in FP8 halves what crosses the network and what its kernels move, and the defaults are BF16") {
  using namespace weft::workloads::inference;
  const LayerSetup plain = setup_from(R"({"ep": 16, "redundant": 0})", Stage::decode);
  const LayerSetup fp8 = setup_from(R"({"ep": 16, "redundant": 0, "combine_dtype": "fp8"})", Stage::decode);
  const MicroBatch b = micro_batch_of(plain, DecodeLoad{128, 128 * 4096});
  // Sending reads BF16 and writes the format: 4 B an element become 3.03125; receiving reads it eight times and writes BF16: 18 B become 10.25.
  const double hbm = plain.gpu.hbm_rate.value.value();
  for (const auto& [setup, send, receive] : {std::tuple(&plain, 4.0, 18.0), std::tuple(&fp8, 3.03125, 10.25)}) {
    const models::InferShape q = shape_of(*setup, b, 1);
    const auto bytes = [&](models::InferPhase p) { return models::roofline(models::kernels_of(setup->model, p, q).at(0).call, setup->gpu).value() * hbm; };
    CHECK(bytes(models::InferPhase::combine_send) == Approx(64 * 8 * 7168 * send));
    CHECK(bytes(models::InferPhase::combine_receive) == Approx(64 * 7168 * receive));
  }
  const Ground ground(mpft, 2);
  topology::Router asked(ground.fabric, ground.routing);
  const ClusterView view = ground.view(asked);
  const auto exchange = [&](const LayerSetup& s) { return LayerTimes(std::make_shared<const LayerSetup>(s), view).pieces(b)[Piece::combine].value() - s.exchange.start_up.value.value(); };
  CHECK(exchange(fp8) / exchange(plain) == Approx(0.515625));
}

// A pass around its layers: dense layers, embedding, head and drafts, each as often as the model and the micro-batches have it.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "models/llm/infer_phases.h"
#include "tests/support/workload_runs.h"
#include "tests/workloads/layer_setups.h"
#include "workloads/inference/layer_times.h"

using namespace weft;
using namespace weft::testing;
using namespace weft::workloads::inference;

namespace {

void check_same(Seconds got, Seconds due) { CHECK(got.value() == doctest::Approx(due.value()).epsilon(1e-12)); }

constexpr Seconds kLayer(1e-3), kSum(1e-5);

}  // namespace

TEST_CASE("a step of DeepSeek-V3 is 58 layers with experts, 3 dense ones, embedding and head, each of two micro-batches; a draft is a layer, a projection and a head") {
  for (const std::uint32_t drafts : {0u, 1u, 2u}) {
    const LayerSetup s = setup_from(R"({"ep": 144, "mtp": )" + std::to_string(drafts) + "}", Stage::decode);
    const MicroBatch b = micro_batch_of(s, DecodeLoad{128, 128 * 4096});
    CHECK(b.decode.requests == 64);
    CHECK(b.decode.kv_tokens == 64 * 4096);
    const PassEnds e = ends_of(s, b);
    const PassTime t = pass_of(s, b, kLayer, Seconds());
    check_same(t.layers, kLayer * 58);
    check_same(t.dense, e.dense_layer * (3 * 2));
    check_same(t.ends, (e.embedding + e.head) * 2);
    check_same(t.mtp, (kLayer + (e.mtp_projection + e.head) * 2) * drafts);
    check_same(t.total, t.layers + t.dense + t.ends + t.mtp);
    CHECK(t.total > t.layers + t.dense + t.ends - Seconds(1e-12));
  }
}

TEST_CASE("one micro-batch holds all, and has each part once") {
  const LayerSetup s = setup_from(R"({"ep": 144, "overlap": "none"})", Stage::decode);
  const MicroBatch b = micro_batch_of(s, DecodeLoad{128, 128 * 4096});
  CHECK(b.decode.requests == 128);
  CHECK(b.decode.kv_tokens == 128 * 4096);
  const PassEnds e = ends_of(s, b);
  const PassTime t = pass_of(s, b, kLayer, Seconds());
  check_same(t.dense, e.dense_layer * 3);
  check_same(t.ends, e.embedding + e.head);
}

TEST_CASE("odd requests leave one micro-batch with one more, and with its cache") {
  const LayerSetup s = setup_from(R"({"ep": 144})", Stage::decode);
  const MicroBatch b = micro_batch_of(s, DecodeLoad{7, 7 * 1000});
  CHECK(b.decode.requests == 4);
  CHECK(b.decode.kv_tokens == doctest::Approx(4 * 1000));
}

TEST_CASE("prefill fills the module's cache once, and has the head only for the last token of each prompt") {
  for (const std::uint32_t drafts : {0u, 1u, 2u}) {
    const LayerSetup s = setup_from(R"({"ep": 32, "mtp": )" + std::to_string(drafts) + "}", Stage::prefill);
    const auto pass = [&](double prompts) { return pass_of(s, micro_batch_of(s, PrefillLoad{16384, 16384 * 2048.0, 0, prompts}), kLayer, Seconds()); };
    const PassTime few = pass(2), many = pass(2048);
    const PassEnds e = ends_of(s, micro_batch_of(s, PrefillLoad{16384, 16384 * 2048.0, 0, 2}));
    check_same(few.mtp, (kLayer + (e.mtp_projection + e.head) * 2) * (drafts > 0 ? 1 : 0));
    check_same(few.layers, kLayer * 58);
    check_same(few.total, few.layers + few.dense + few.ends + few.mtp);
    CHECK(many.ends > few.ends);
  }
}

TEST_CASE("where heads are shared each dense layer of each micro-batch waits for their sum") {
  const LayerSetup s = setup_from(R"({"ep": 144, "tp": 4})", Stage::decode);
  const MicroBatch b = micro_batch_of(s, DecodeLoad{128, 128 * 4096});
  check_same(pass_of(s, b, kLayer, kSum).total - pass_of(s, b, kLayer, Seconds()).total, kSum * (3 * 2));
}

TEST_CASE("a head reads its 129,280 x 7,168 weights in BF16, however few tokens there are") {
  // 1.853 GB at 3.35 TB/s are 553 us; no kernel is faster than memory, nor half as fast for a matrix of this size.
  const LayerSetup s = setup_from(R"({"ep": 144})", Stage::decode);
  const double bound_us = 129280.0 * 7168 * 2 / s.gpu.hbm_rate.value.value() * 1e6;
  CHECK(bound_us == doctest::Approx(553).epsilon(0.01));
  const double head_us = ends_of(s, micro_batch_of(s, DecodeLoad{2, 2})).head.value() * 1e6;
  CHECK(head_us >= bound_us);
  CHECK(head_us < 2 * bound_us);
}

TEST_CASE("a dense model has all its layers alike") {
  const LayerSetup s = setup_from(R"({"model": "llama-3.1-405b", "tp": 8})", Stage::decode);
  const MicroBatch b = micro_batch_of(s, DecodeLoad{8, 8 * 1000});
  const PassTime t = pass_of(s, b, kLayer, Seconds());
  check_same(t.layers, kLayer * 126);
  check_same(t.dense, Seconds());
}

TEST_CASE("kernels at the ends of an exchange are computing in decode: four of them, and receiving a combine reads what eight experts made of each token") {
  const LayerSetup s = setup_from(R"({"ep": 144})", Stage::decode);
  const PieceTimes t = computing_times(s, micro_batch_of(s, DecodeLoad{256, 256 * 4096}), 1);
  for (const Piece p : {Piece::dispatch_send, Piece::dispatch_receive, Piece::combine_send, Piece::combine_receive}) CHECK(t[p].value() > 0);
  CHECK(t[Piece::combine_receive].value() >= 128.0 * 8 * 7168 * 2 / s.gpu.hbm_rate.value.value());
  CHECK(t[Piece::dispatch].value() == 0);
  CHECK(t[Piece::combine].value() == 0);
}

TEST_CASE("a pause stands in each piece of prefill beside communication, and nowhere else") {
  const auto shared = [](const std::string& json, Stage stage) {
    const LayerSetup s = setup_from(json, stage);
    const MicroBatch b = stage == Stage::prefill ? micro_batch_of(s, PrefillLoad{16384, 16384 * 2048.0, 0, 4}) : micro_batch_of(s, DecodeLoad{128, 128 * 4096});
    const auto kernels = models::kernels_of(s.model, models::InferPhase::shared, shape_of(s, b, 1));
    const Seconds alone = models::phase_time(*s.costs, kernels, s.sms(), s.constants).total;
    CHECK(s.constants.pause.value.value() > 0);
    return (computing_times(s, b, 1)[Piece::shared] - alone) / s.constants.pause.value;
  };
  CHECK(shared(R"({"ep": 32})", Stage::prefill) == doctest::Approx(1));
  CHECK(shared(R"({"ep": 32, "overlap": "none"})", Stage::prefill) == doctest::Approx(0));
  CHECK(shared(R"({"ep": 144})", Stage::decode) == doctest::Approx(0));
}

TEST_CASE("a server's step takes as long as one on the engine where heads are shared, and its experts have the fullest GPU's rows") {
  const Ground ground(mpft, 2, "h800", "infiniband");
  topology::Router asked(ground.fabric, ground.routing);
  const workloads::ClusterView view = ground.view(asked);
  const std::string unit = R"("ep": 16, "redundant": 0, "tp": 4, "overlap": "none")";
  const auto shared = std::make_shared<const LayerSetup>(setup_from("{" + unit + "}", Stage::decode));
  const PassTime pass = LayerTimes(shared, view).pass(micro_batch_of(*shared, DecodeLoad{64, 64 * 2000}));
  const Row row = ground.run(R"({"kind": "decode", "requests": 64, "context": 2000, "check_memory": false, )" + unit + "}").at(0);
  CHECK(row.number("tensor_sum_us") > 25);
  CHECK(row.number("layer_us") == doctest::Approx(pass.layer.value() * 1e6).epsilon(1e-6));

  const auto uneven = std::make_shared<const LayerSetup>(setup_from(R"({"ep": 16, "redundant": 0, "balance": 1.5})", Stage::decode));
  const MicroBatch b = micro_batch_of(*uneven, DecodeLoad{512, 512 * 2000});
  const PieceTimes t = LayerTimes(uneven, view).pieces(b);
  check_same(t[Piece::experts], computing_times(*uneven, b, 1.5)[Piece::experts]);
  CHECK(t[Piece::experts] > computing_times(*uneven, b, 1)[Piece::experts]);
}

TEST_CASE("exchanges of prefill take 24 of 132 SMs from the kernels beside them, those of decode none (arXiv:2412.19437 section 3.4; profile-data README)") {
  const LayerSetup prefill = setup_from(R"({"ep": 32})", Stage::prefill), decode = setup_from(R"({"ep": 144})", Stage::decode);
  CHECK(prefill.gpu.sms.value == 132);
  CHECK(prefill.communication_sms == 24);
  CHECK(prefill.sms() == 108);
  CHECK(decode.communication_sms == 0);
}

TEST_CASE("an exchange of a size between two that are played takes what lies between them") {
  const Ground ground(mpft, 2, "h800", "infiniband");
  topology::Router asked(ground.fabric, ground.routing);
  const auto s = std::make_shared<const LayerSetup>(setup_from(R"({"ep": 16, "redundant": 0})", Stage::decode));
  const LayerTimes times(s, ground.view(asked));
  const auto dispatch = [&](double requests) {
    MicroBatch b;
    b.decode = {requests, requests * 100};
    return times.pieces(b)[Piece::dispatch];
  };
  CHECK(dispatch(128) > dispatch(64) * 1.1);
  check_same(dispatch(80), dispatch(64) + (dispatch(128) - dispatch(64)) * 0.25);
  check_same(dispatch(96), (dispatch(64) + dispatch(128)) * 0.5);
}

TEST_CASE("of pieces the part in kernels that memory limits is known: attention's core with one query a request reads, with two it computes") {
  // FlashMLA (BF16): 2 x 128 heads x (576 + 512) operations a query and cached token, 1152 bytes a cached token: 242 operations a byte for each
  // query, where an H800 has 989.5 TFLOPS / 3.35 TB/s = 295.
  for (const std::uint32_t drafts : {0u, 1u}) {
    LayerSetup s = setup_from(R"({"ep": 144, "overlap": "none", "mtp": )" + std::to_string(drafts) + "}", Stage::decode);
    s.costs = std::make_shared<const models::CostModel>(s.gpu, std::vector<models::Calibration>{}, models::Fidelity::roofline, false, "test");
    const MicroBatch b = micro_batch_of(s, DecodeLoad{64, 64 * 4096});
    const PieceTimes t = computing_times(s, b, 1);
    CHECK(t.hbm_share(Piece::dispatch_send) == doctest::Approx(1));   // it writes what is sent, and no more
    const double cached = 64 * 4096, cache = cached * 1152 / s.gpu.hbm_rate.value.value();
    const double core = drafts == 0 ? cache : cached * 2 * 278528 / s.gpu.bf16_rate.value.value();
    const double memory = t.in_memory()[Piece::attention_after].value(), all = t[Piece::attention_after].value();
    CHECK(all > core);
    if (drafts == 0) CHECK(memory > cache);
    else CHECK(memory < all - core * 0.999);
    CHECK(t.hbm_share(Piece::attention_after) == doctest::Approx(memory / all));
  }
}

TEST_CASE("of a whole step it is the sum over layers and ends, over the time of the step with its exchanges") {
  const Ground ground(mpft, 2, "h800", "infiniband");
  topology::Router asked(ground.fabric, ground.routing);
  const workloads::ClusterView view = ground.view(asked);
  const auto setup = std::make_shared<const LayerSetup>(setup_from(R"({"ep": 16, "redundant": 0})", Stage::decode));
  const LayerTimes times(setup, view);
  const DecodeLoad load{64, 64 * 4096};   // whole blocks of cache
  const MicroBatch b = micro_batch_of(*setup, load);
  const PieceTimes t = times.pieces(b);
  const PassEnds ends = ends_in_memory(*setup, b), all = ends_of(*setup, b);
  CHECK(ends.embedding.value() > 0);
  CHECK(ends.dense_layer < all.dense_layer);
  Seconds layer;   // of both micro-batches
  for (std::size_t i = 0; i < t.memory.size(); ++i) layer += t.memory[i] * 2;
  const Seconds memory = layer * 58 + ends.dense_layer * 6 + (ends.embedding + ends.head) * 2;
  CHECK(times.decode_hbm_share(load) == doctest::Approx(memory / times.decode(load)));
  CHECK(times.decode_hbm_share(load) > 0.1);
  CHECK(times.decode_hbm_share(load) < 0.9);
  CHECK(times.decode_hbm_share({}) == 0);
  const auto prefill = std::make_shared<const LayerSetup>(setup_from(R"({"ep": 16, "redundant": 0})", Stage::prefill));
  const double share = LayerTimes(prefill, view).prefill_hbm_share({16384, 16384 * 2048.0, 0, 4});
  CHECK(share > 0);
  CHECK(share < times.decode_hbm_share(load));   // prefill computes
}

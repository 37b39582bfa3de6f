// A pass around its layers: dense layers, embedding, head and drafts, each as often as the model and the micro-batches have it.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "tests/support/workload_runs.h"
#include "workloads/inference/layer_times.h"

using namespace weft;
using namespace weft::testing;
using namespace weft::workloads::inference;

namespace {

LayerSetup setup_from(const std::string& json, Stage stage) {
  const DataPlaces data = DataPlaces::standard();
  const Json value = parse_json(json, "test.json");
  Problems problems;
  JsonReader where(value, "test.json", problems, "/workload/0");
  const workloads::WorkloadContext context{&data, 1, shipped_times};
  workloads::Parameters p(where, context);
  auto setup = read_layer_setup(p, context, stage);
  where.done();
  problems.throw_if_any();
  return std::move(*setup);
}

void check_same(Seconds got, Seconds due) { CHECK(got.value() == doctest::Approx(due.value()).epsilon(1e-12)); }

constexpr Seconds kLayer(1e-3);

}  // namespace

TEST_CASE("a step of DeepSeek-V3 is 58 layers with experts, 3 dense ones, embedding and head, each of two micro-batches; a draft is a layer, a projection and a head") {
  for (const std::uint32_t drafts : {0u, 1u, 2u}) {
    const LayerSetup s = setup_from(R"({"ep": 144, "mtp": )" + std::to_string(drafts) + "}", Stage::decode);
    const MicroBatch b = micro_batch_of(s, DecodeLoad{128, 128 * 4096});
    CHECK(b.decode.requests == 64);
    CHECK(b.decode.kv_tokens == 64 * 4096);
    const PassEnds e = ends_of(s, b);
    const PassTime t = pass_of(s, b, kLayer);
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
  const PassTime t = pass_of(s, b, kLayer);
  check_same(t.dense, e.dense_layer * 3);
  check_same(t.ends, e.embedding + e.head);
}

TEST_CASE("odd requests leave one micro-batch with one more, and with its cache") {
  const LayerSetup s = setup_from(R"({"ep": 144})", Stage::decode);
  const MicroBatch b = micro_batch_of(s, DecodeLoad{7, 7 * 1000});
  CHECK(b.decode.requests == 4);
  CHECK(b.decode.kv_tokens == doctest::Approx(4 * 1000));
}

TEST_CASE("prefill makes no drafts, and has the head only for the last token of each prompt") {
  const LayerSetup s = setup_from(R"({"ep": 32, "mtp": 1})", Stage::prefill);
  const auto pass = [&](double prompts) { return pass_of(s, micro_batch_of(s, PrefillLoad{16384, 16384 * 2048.0, 0, prompts}), kLayer); };
  const PassTime few = pass(2), many = pass(2048);
  check_same(few.mtp, Seconds());
  check_same(few.layers, kLayer * 58);
  check_same(few.total, few.layers + few.dense + few.ends);
  CHECK(many.ends > few.ends);
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
  const PassTime t = pass_of(s, b, kLayer);
  check_same(t.layers, kLayer * 126);
  check_same(t.dense, Seconds());
}

// layer_time: the kernels of a layer, one after the other.
#include <doctest/doctest.h>

#include <map>

#include "tests/scenarios/support.h"

using namespace weft;
using namespace weft::scenarios;

namespace {

const std::string kCluster = R"("node": "endpoint", "nodes": 1, "topology": {"kind": "single_switch"})";
const std::string kTraining = R"("gpu": "h800", "model": "deepseek-v3", "phase": "train", "tokens": 4096, "context": 4096, "ep": 64, "sms": 112, "calibration": "h800_training")";

std::string asking(const std::string& members) { return test::minimal(kCluster, R"({"kind": "layer_time", )" + members + "}"); }

double us(const reports::Report& r, const std::string& labels) { return cell_of(r, "t/layer_time[" + labels + "]/time_us"); }

}  // namespace

TEST_CASE("totals of a layer are the sums of its kernels, and shares sum up to 100 %") {
  const auto r = test::run(asking(kTraining));
  std::map<std::string, std::map<std::string, double>> sums, totals;
  std::map<std::string, double> shares;
  for (const Row& row : r.tables.front().rows) {
    const std::string layer = std::get<std::string>(*row.find("layer")), pass = std::get<std::string>(*row.find("pass"));
    if (std::get<std::string>(*row.find("op")) == "total") {
      totals[layer][pass] = row.number("time_us");
      continue;
    }
    sums[layer][pass] += row.number("time_us");
    sums[layer]["all"] += row.number("time_us");
    shares[layer] += row.number("share_pct");
  }
  REQUIRE(totals.size() == 2);
  for (const auto& [layer, passes] : totals) {
    REQUIRE(passes.size() == 4);
    for (const auto& [pass, total] : passes) CHECK(total == doctest::Approx(sums[layer][pass]));
    CHECK(shares[layer] == doctest::Approx(100));
  }
  CHECK(r.notes.front().find("nothing overlaps") != std::string::npos);
}

TEST_CASE("DeepSeek-V3's training layer: attention as profiled (C062, C063), products near the profile's means") {
  const auto r = test::run(asking(kTraining));
  CHECK(us(r, "layer=MoE layer,pass=forward,op=core_attention") == doctest::Approx(1237).epsilon(0.05));
  CHECK(us(r, "layer=MoE layer,pass=input_gradient,op=core_attention") == doctest::Approx(3779).epsilon(0.05));
  CHECK(us(r, "layer=MoE layer,pass=forward,op=o") == doctest::Approx(901).epsilon(0.05));
  CHECK(us(r, "layer=MoE layer,pass=weight_gradient,op=o") == doctest::Approx(1499).epsilon(0.05));
  CHECK(us(r, "layer=MoE layer,pass=forward,op=routed_gate_up") == doctest::Approx(1862).epsilon(0.05));
}

TEST_CASE("fewer SMs make a layer slower, never faster than its roofline") {
  const auto with = [](const std::string& sms) {
    return us(test::run(asking(R"("gpu": "h800", "model": "deepseek-v3", "ep": 64, "calibration": "h800_training", "cost_model": "fitted", "sms": )" + sms)),
              "layer=MoE layer,pass=all,op=total");
  };
  CHECK(with("66") > 1.5 * with("0"));
  CHECK(with("0") == with("132"));
  const auto r = test::run(asking(kTraining));
  for (const Row& row : r.tables.front().rows) CHECK(row.number("time_us") >= row.number("roofline_us"));
}

TEST_CASE("prefill and decode have one pass; a model without experts has dense layers alone") {
  const auto decode = test::run(asking(R"("gpu": "h800", "model": "deepseek-v3", "phase": "decode", "tokens": 128, "queries": 2, "context": 4096, "ep": 128)"));
  // 64 requests of two queries at 4096 cached tokens: 146 GFLOP at FlashMLA's 660 TFLOPS and its fixed overhead.
  CHECK(us(decode, "layer=MoE layer,op=core_attention") > 146e9 / 660e12 * 1e6);
  CHECK(us(decode, "layer=MoE layer,op=core_attention") < 1.25 * 146e9 / 660e12 * 1e6);
  for (const Row& row : decode.tables.front().rows) CHECK(std::get<std::string>(*row.find("pass")) == "forward");
  const auto dense = test::run(asking(R"("gpu": "h800", "model": "qwen2.5-72b", "phase": "prefill", "tokens": 8192, "context": 4096)"));
  for (const Row& row : dense.tables.front().rows) CHECK(std::get<std::string>(*row.find("layer")) == "dense layer");
}

TEST_CASE("wrong layers are told with their place") {
  const auto told = [](const std::string& members, const std::string& place, const std::string& words) {
    const std::string error = test::error_of(asking(members));
    CAPTURE(error);
    CHECK(error.find(place) != std::string::npos);
    CHECK(error.find(words) != std::string::npos);
  };
  told(R"("gpu": "h800", "model": "deepseek-v4")", "/workload/0/model", "deepseek-v3");
  told(R"("gpu": "h900", "model": "deepseek-v3")", "/workload/0/gpu", "h800");
  told(R"("gpu": "h800", "model": "deepseek-v3", "phase": "training")", "/workload/0/phase", "train");
  told(R"("gpu": "h800", "model": "deepseek-v3", "tokens": -1)", "/workload/0/tokens", "-1");
  told(R"("gpu": "h800", "model": "deepseek-v3", "tokens": 5000)", "/workload/0/tokens", "\"context\" says");
  told(R"("gpu": "h800", "model": "deepseek-v3", "ep": 60)", "/workload/0/ep", "256 experts");
  told(R"("gpu": "h800", "model": "qwen2.5-72b", "ep": 2)", "/workload/0/ep", "no experts");
  told(R"("gpu": "h800", "model": "deepseek-v3", "sms": 133)", "/workload/0/sms", "132 SMs");
  told(R"("gpu": "h800", "model": "deepseek-v3", "calibration": "h100")", "/workload/0/calibration", "h800");
  told(R"("gpu": "a100", "model": "deepseek-v3")", "/workload/0/fp8", "no FP8 tensor cores");
  told(R"("gpu": "h800", "model": "deepseek-v3", "overlap": true)", "/workload/0/overlap", "");
}

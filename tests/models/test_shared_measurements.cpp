// The readers on the files of $WEFT_REFERENCE/data, read in place; skipped where the folder is absent.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <vector>

#include "tests/models/reading_measurements.h"

using namespace weft;
using namespace weft::models;

TEST_CASE("NVIDIA's tables for the H100 are read whole and fast") {
  const struct {
    const char* name;
    std::size_t rows;
  } tables[] = {{"gemm.csv", 18648 + 4810}, {"mla_context.csv", 2352}, {"mla_generation.csv", 4124}, {"moe_context.csv", 323},
                {"moe_generation.csv", 198}, {"nccl.csv", 672}, {"deepep_normal.csv", 2 * 2484}, {"deepep_low_latency.csv", 2 * 176}};
  for (const auto& t : tables) {
    CAPTURE(t.name);
    const std::string path = reference_file(std::string("data/measured_h100/") + t.name);
    const auto begin = std::chrono::steady_clock::now();
    const Measurements m = read_measurements(path);
    CHECK(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() < 2.0);   // a loaded machine; alone some tens of ms
    CHECK(m.rows.size() == t.rows);
    CHECK(m.notes.empty());
  }
}

TEST_CASE("train.json gives 963 kernels in families, with the shapes that profile_train.md infers") {
  const std::string path = reference_file("data/train.json");
  const auto begin = std::chrono::steady_clock::now();
  const Measurements m = read_measurements(path);
  CHECK(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() < 2.0);
  CHECK(m.rows.size() + m.others.size() == 963);

  const struct {
    const char* label;
    std::size_t kernels;
    double n, k, low_us, high_us;   // compute.md 4.1
  } gemms[] = {
      {"attn(F) q_a", 4, 1536, 7168, 101, 105},           {"attn(F) kv_a", 4, 576, 7168, 50, 57},
      {"attn(F) q_b", 4, 24576, 1536, 362, 380},          {"attn(F) kv_b", 4, 32768, 512, 241, 249},
      {"attn(F) o", 4, 7168, 16384, 885, 930},            {"attn(F) router", 4, 256, 7168, 44, 52},
      {"mlp(B) shared_down_dgrad", 4, 2048, 7168, 123, 130}, {"mlp(B) shared_gateup_dgrad", 4, 7168, 4096, 234, 247},
      {"mlp(F) shared_gateup", 4, 4096, 7168, 255, 266},  {"mlp(F) shared_down", 4, 7168, 2048, 132, 142},
      {"attn(B) router_dgrad", 4, 7168, 256, 39, 41},     {"attn(B) o_dgrad", 4, 16384, 7168, 923, 935},
      {"attn(B) q_b_recompute", 4, 24576, 1536, 367, 378}, {"attn(B) kv_b_recompute", 4, 32768, 512, 239, 249},
      {"attn(B) q_b_dgrad", 4, 1536, 24576, 319, 340},    {"attn(B) kv_b_dgrad", 4, 512, 32768, 211, 226},
      {"attn(B) kv_a_dgrad", 4, 7168, 576, 61, 67},       {"attn(B) q_a_dgrad", 4, 7168, 1536, 105, 116},
      {"mlp(B) routed_down_dgrad", 4, 2048, 7168, 770, 927}, {"mlp(B) routed_gateup_dgrad", 4, 7168, 4096, 1648, 2159},
      {"mlp(F) routed_gateup", 4, 4096, 7168, 1739, 2126}, {"mlp(F) routed_down", 4, 7168, 2048, 946, 1186},
      {"attn(B) router_wgrad", 4, 7168, 4096, 46, 48},    {"attn(W) o_wgrad", 4, 16384, 4096, 1466, 1517},
      {"attn(W) kv_b_wgrad", 4, 512, 4096, 217, 224},     {"attn(W) q_b_wgrad", 4, 1536, 4096, 450, 480},
      {"attn(W) kv_a_wgrad", 4, 7168, 4096, 68, 72},      {"attn(W) q_a_wgrad", 4, 7168, 4096, 134, 140},
  };
  for (const auto& g : gemms) {
    CAPTURE(g.label);
    std::size_t kernels = 0;
    double low = 1e9, high = 0;
    for (const Measurement& r : m.rows) {
      if (r.label != g.label) continue;
      ++kernels;
      CHECK(r.shape.at("n") == g.n);
      CHECK(r.shape.at("k") == g.k);
      CHECK(r.shape.at("sms") == 112);
      low = std::min(low, r.time_us);
      high = std::max(high, r.time_us);
    }
    CHECK(kernels == g.kernels);
    CHECK(low == g.low_us);
    CHECK(high == g.high_us);
  }
}

TEST_CASE("train.json's routed experts have the rows of compute.md: forward 31104, 30976, 36864, 31104, backward 34688, 32512, 32896, 28416") {
  const Measurements m = read_measurements(reference_file("data/train.json"));
  std::vector<double> forward, backward;
  for (const Measurement& r : m.rows) {
    if (r.label == "mlp(F) routed_gateup") forward.push_back(r.shape.at("groups") * r.shape.at("m"));
    if (r.label == "mlp(B) routed_down_dgrad") backward.push_back(r.shape.at("groups") * r.shape.at("m"));
  }
  CHECK(forward == std::vector<double>{31104, 30976, 36864, 31104});
  CHECK(backward == std::vector<double>{34688, 32512, 32896, 28416});
}

TEST_CASE("train.json's kernels by family: times as the summary of the trace has them") {
  const Measurements m = read_measurements(reference_file("data/train.json"));
  std::map<std::string, std::pair<int, double>> sums;
  for (const auto* list : {&m.rows, &m.others}) {
    for (const Measurement& r : *list) {
      ++sums[r.family].first;
      sums[r.family].second += r.time_us;
    }
  }
  using Sum = std::pair<int, double>;
  CHECK(sums["grouped_gemm"] == Sum{16, 22926});
  CHECK(sums["attention_forward"] == Sum{4, 4948});
  CHECK(sums["attention_backward"] == Sum{4, 15115});
  CHECK(sums["deepep_combine"] == Sum{8, 49448});
  CHECK(sums["deepep_dispatch"] == Sum{8, 17383 + 13621});
  CHECK(sums["gemm_wgrad"].first == 60 + 4);
  CHECK(sums["gemm"].first == 64 + 8);
}

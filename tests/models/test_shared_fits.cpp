// How well fits predict shapes that they have not seen, on $WEFT_REFERENCE: DeepSeek's training, and NVIDIA's tables of MLA, experts, DeepEP
// and NCCL by halves of their shape families. Skipped without that folder. Where a bound is below what is asked for, it lies a little above what
// is reached, so that a later loss is seen.
#include <doctest/doctest.h>

#include "tests/models/shared_halves.h"

using namespace weft;
using namespace weft::models;
using namespace weft::models::test;

namespace {

std::map<std::string, ErrorStatistics> worse_of(const char* table) {
  return worse_of_halves(read_measurements(reference_file(std::string("data/measured_h100/") + table)).rows, gpu("h100"));
}

}  // namespace

TEST_CASE("forward GEMMs of DeepSeek's training predict its input gradients: mean at most 4 % (C060)") {
  const std::vector<Measurement> rows = read_measurements(reference_file("data/train.json")).rows;
  const auto fp8 = [](const Measurement& m) { return (m.family == "gemm" || m.family == "grouped_gemm") && m.variant != "bfloat16"; };
  std::vector<Measurement> forward, gradients;
  for (const Measurement& m : rows) {
    if (!fp8(m)) continue;
    if (has(m.label, "dgrad")) gradients.push_back(m);
    if (has(m.label, "(F)")) forward.push_back(m);
  }
  CHECK(forward.size() == 36);     // 7 dense and 2 grouped kinds in 4 layers
  CHECK(gradients.size() == 36);
  for (const Fidelity f : {Fidelity::fitted, Fidelity::measured}) {
    const ErrorStatistics e = error_statistics(predicted(forward, gradients, gpu(), f)[""]);
    MESSAGE(to_text(f) << ": mean " << e.mean_pct << " %, p90 " << e.p90_pct << " %, max " << e.max_pct << " %");
    CHECK(e.mean_pct <= 4);
    CHECK(e.mean_pct <= 3.6);
  }
}

TEST_CASE("MLA decode and prefill: median at most 5 % of all rows, the worse of both halves") {
  auto decode = worse_of("mla_generation.csv");
  CHECK(decode[""].median_pct <= 5);
  CHECK(decode[""].median_pct <= 2.1);
  CHECK(decode[""].p90_pct <= 13.5);
  auto prefill = worse_of("mla_context.csv");
  CHECK(prefill[""].median_pct <= 5);
  CHECK(prefill[""].median_pct <= 3.5);
  CHECK(prefill[""].p90_pct <= 15);
}

TEST_CASE("NCCL: median at most 5 % of all rows, the worse of both halves") {
  auto e = worse_of("nccl.csv");
  CHECK(e.size() == 5);
  CHECK(e[""].median_pct <= 5);
  CHECK(e[""].median_pct <= 4.8);   // reached: 4.35; the formula's ranges were chosen with both halves in sight
  CHECK(e[""].p90_pct <= 17);
}

TEST_CASE("expert blocks: median at most 7.5 % in context, 3.5 % in generation, the worse of both halves") {
  CHECK(worse_of("moe_context.csv")[""].median_pct <= 7.5);
  CHECK(worse_of("moe_generation.csv")[""].median_pct <= 3.5);
}

TEST_CASE("DeepEP: median at most 4.2 % normal and 3.5 % low latency, the worse of both halves") {
  CHECK(worse_of("deepep_normal.csv")[""].median_pct <= 4.2);
  CHECK(worse_of("deepep_low_latency.csv")[""].median_pct <= 3.5);
}

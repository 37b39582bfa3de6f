// Grouped GEMM: one weight matrix per expert, tokens sorted by expert (contiguous) or in padded slots (masked).
#include "models/kernels/gemm_forms.h"
#include "models/kernels/support.h"

namespace weft::models {
namespace {

GemmShape read_grouped(const KernelCall& c, const Gpu& gpu) {
  GemmShape s;
  s.groups = c.get("groups");
  s.m = c.get("m");
  s.n = c.get("n");
  s.k = c.get("k");
  s.sms = sms_of(c, gpu);
  s.input_bytes = c.variant == "bfloat16" ? 2 : 1;
  s.peak = peak_of(c.variant, gpu);
  s.all_sms = gpu.sms.value;
  s.contiguous = c.variant != "fp8_masked";
  s.masked = c.variant == "fp8_masked";
  return s;
}

std::vector<Demand> demands(const KernelCall& c, const Gpu& gpu) {
  return gemm_demands(read_grouped(c, gpu), gpu, cores_of(c.variant, gpu));
}

}  // namespace

std::vector<KernelFamily> grouped_gemm_families() {
  KernelFamily f;
  f.name = "grouped_gemm";
  f.title = "Grouped matrix multiplication (experts)";
  f.summary = "One n x k weight a group. fp8_contiguous: rows sorted by expert and padded to 128 (training, prefill); fp8_masked: fixed slots (decode).";
  f.source = "tile rules: DeepGEMM (github.com/deepseek-ai/DeepGEMM)";
  f.variants = {"fp8_contiguous", "fp8_masked", "bfloat16"};
  f.fields = {{"groups", "experts", -1, true, 1e6},
              {"m", "rows per group, mean", -1, false, 1e9, 3},
              {"n", "columns of the output", -1, true, 1e9},
              {"k", "inner length", -1, true, 1e9},
              sms_field()};
  f.shape_family = {"n", "k"};
  f.demands = demands;
  f.forms = GemmForms<read_grouped>::all();
  f.group = [](const std::string& variant) { return "matrix multiplication, " + std::string(variant == "bfloat16" ? "bfloat16" : "fp8_block"); };
  return {f};
}

}  // namespace weft::models

// Dense GEMM (one weight matrix, all tokens) and the weight-gradient GEMM of training.
#include "models/kernels/gemm_forms.h"
#include "models/kernels/support.h"

namespace weft::models {
namespace {

GemmShape read_gemm(const KernelCall& c, const Gpu& gpu) {
  GemmShape s;
  s.m = c.get("m");
  s.n = c.get("n");
  s.k = c.get("k");
  s.sms = sms_of(c, gpu);
  s.input_bytes = c.variant == "bfloat16" ? 2 : 1;
  s.peak = peak_of(c.variant, gpu);
  s.all_sms = gpu.sms.value;
  s.casts = c.variant == "fp8_block";
  return s;
}

GemmShape read_wgrad(const KernelCall& c, const Gpu& gpu) {
  GemmShape s = read_gemm(c, gpu);
  s.output_bytes = 8;   // FP32, read and written: gradients are accumulated in place
  s.contiguous = true;  // rows of 128 always
  s.casts = false;
  return s;
}

template <ReadGemm Read>
std::vector<Demand> demands(const KernelCall& c, const Gpu& gpu) {
  return gemm_demands(Read(c, gpu), gpu, cores_of(c.variant, gpu));
}

std::vector<ShapeField> gemm_fields(const char* m, const char* n, const char* k) {
  return {{"m", m, -1, true, 1e9, 3}, {"n", n, -1, true, 1e9}, {"k", k, -1, true, 1e9}, sms_field()};
}

}  // namespace

std::vector<KernelFamily> gemm_families() {
  KernelFamily gemm;
  gemm.name = "gemm";
  gemm.title = "Dense matrix multiplication";
  gemm.summary = "m tokens times an n x k weight, BF16 out. fp8_block: E4M3 with scales per 1x128 of the activation and 128x128 of the weight; "
                 "fp8: one scale per tensor.";
  gemm.source = "tile rules: DeepGEMM (github.com/deepseek-ai/DeepGEMM)";
  gemm.variants = {"fp8_block", "fp8", "bfloat16"};
  gemm.fields = gemm_fields("rows of the activation (tokens)", "columns of the output", "inner length");
  gemm.shape_family = {"n", "k"};
  gemm.demands = demands<read_gemm>;
  gemm.forms = GemmForms<read_gemm>::all();
  gemm.group = [](const std::string& variant) { return "matrix multiplication, " + variant; };
  KernelFamily wgrad;
  wgrad.name = "gemm_wgrad";
  wgrad.title = "Weight-gradient matrix multiplication";
  wgrad.summary = "The gradient of an m x n weight over k tokens, accumulated in place in FP32.";
  wgrad.source = "shapes: DeepSeek profile-data";
  wgrad.variants = {"fp8_block", "bfloat16"};
  wgrad.fields = gemm_fields("rows of the weight", "columns of the weight", "tokens");
  wgrad.shape_family = {"m", "n"};
  wgrad.demands = demands<read_wgrad>;
  wgrad.forms = GemmForms<read_wgrad>::all();
  wgrad.forms.pop_back();   // the forward kernel's own effects
  for (KernelForm& f : wgrad.forms) {   // scales along both sides of a block of 128 tokens: its least time is longer
    for (FormParameter& p : f.parameters) p.high = p.name == "tau" ? 2 : p.high;
  }
  return {gemm, wgrad};
}

}  // namespace weft::models

// The kineto reader: kernels go into families, shapes come from phase, order and shared memory, broken traces are refused.
#include <doctest/doctest.h>

#include <algorithm>

#include <fmt/format.h>

#include "tests/models/reading_measurements.h"

using namespace weft;
using namespace weft::models;

namespace {

/// A trace event by event; each kernel is launched when it is written down.
class TraceText {
 public:
  int world_size = 64;

  void annotate(const std::string& name, double begin, double duration) {
    add(fmt::format(R"({{"ph":"X","cat":"user_annotation","name":"{}","ts":{},"dur":{},"args":{{}}}})", name, begin, duration));
  }
  /// Launched at `launch`, runs a thousand microseconds later.
  void kernel(const std::string& name, double launch, double duration, const std::string& grid = "1,1,1", int shared = 0, int stream = 7) {
    ++correlation_;
    add(fmt::format(R"({{"ph":"X","cat":"cuda_runtime","name":"cudaLaunchKernel","ts":{},"dur":2,"args":{{"correlation":{}}}}})", launch, correlation_));
    add(fmt::format(R"({{"ph":"X","cat":"kernel","name":"{}","ts":{},"dur":{},"args":{{"device":0,"stream":{},"correlation":{},"shared memory":{},"grid":[{}],"block":[128,1,1]}}}})",
                    name, launch + 1000, duration, stream, correlation_, shared, grid));
  }
  void add(const std::string& event) { events_ += (events_.empty() ? "" : ",\n") + event; }
  std::string text(const std::string& devices = R"({"id":0,"name":"NVIDIA H800","numSms":132})") const {
    return fmt::format("{{\"schemaVersion\":1,\"deviceProperties\":[{}],\"distributedInfo\":{{\"backend\":\"nccl\",\"rank\":0,\"world_size\":{}}},\"traceEvents\":[{}]}}", devices, world_size, events_);
  }

 private:
  std::string events_;
  int correlation_ = 0;
};

const std::string kGemm = "void cutlass::device_kernel<dpsk::grouped_gemm::cuda::fp8_ptp128c::GemmKernel>(Params)";
const std::string kGrouped = "void cutlass::device_kernel<dpsk::grouped_gemm::cuda::m_grouped_fp8_ptp128c::GemmKernel>(Params)";
const std::string kWgrad = "void cutlass::device_kernel<dpsk::grouped_gemm::cuda::fp8_dptp128c_acc::GemmKernel>(Params)";
const std::string kBf16 = "sm90_xmma_gemm_bf16f32_bf16f32_f32_tn_n_tilesize128x128x64_cublas";
const std::string kBf16Wgrad = "sm90_xmma_gemm_bf16f32_bf16f32_f32_nt_n_tilesize128x128x64_cublas";
const std::string kCast = "void cuda::per_token_cast_to_fp8_with_channels<__nv_bfloat16, 128, false, 128, false>(int)";

/// Shared memory of an FP8 GEMM of this K: 217604 bytes and 4 for each 64 of K.
int shared_for(int k) { return 217604 + k / 16; }

/// One layer of DeepSeek-V3's training with 2,048 tokens and 20,480 rows of routed experts. `k_of_o` breaks a GEMM.
TraceText layer(int k_of_o = 16384) {
  TraceText t;
  t.annotate("ProfilerStep#1", 0, 10000);
  double now = 100;
  const auto phase = [&](const char* name) { t.annotate(name, now += 100, 99); };
  const auto next = [&] { return now += 1; };
  phase("attn(F)");
  t.kernel(kCast, next(), 22, "2048,1,1");
  for (const int k : {7168, 7168, 1536, 512, k_of_o}) t.kernel(kGemm, next(), 50, "112,1,1", shared_for(k));
  t.kernel("void flash::compute_attn_ws<Flash_fwd_kernel_traits<192, 128, 128>>(int)", next(), 300, "16,128,1");
  t.kernel(kBf16, next(), 30, "16,2,1");
  phase("mlp(B)");
  t.kernel(kCast, next(), 22, "20480,1,1");
  t.kernel(kGemm, next(), 60, "2,56,1", shared_for(7168));
  t.kernel(kGrouped, next(), 500, "1,112,1", shared_for(7168));
  t.kernel(kGrouped, next(), 900, "1,112,1", shared_for(4096));
  t.kernel(kGemm, next(), 120, "112,1,1", shared_for(4096));
  phase("dispatch(F)");
  t.kernel("void dpsk::ep::internode::dispatch<false, 8, false, 8>(int4*)", next(), 4000, "20,1,1", 332, 27);
  phase("mlp(W)");
  for (int i = 0; i < 10; ++i) t.kernel(kWgrad, next(), 100 + i, "112,1,1", 203776, i % 2 == 0 ? 7 : 23);
  phase("mlp(F)");
  t.kernel(kGemm, next(), 130, "112,1,1", shared_for(7168));
  t.kernel("void cuda::swiglu_forward_with_weight_and_per_token_cast_to_fp8_with_channels_impl<__nv_bfloat16, true>(int)", next(), 80, "18432,1,1");
  t.kernel(kGrouped, next(), 900, "1,112,1", shared_for(7168));
  t.kernel(kGrouped, next(), 500, "1,112,1", shared_for(2048));
  t.kernel(kGemm, next(), 70, "112,1,1", shared_for(2048));
  phase("attn(B)");
  t.kernel(kBf16, next(), 20, "28,4,1");
  t.kernel(kBf16Wgrad, next(), 20, "112,1,1");
  for (const int k : {7168, 1536, 512, 24576, 32768, 576, 1536}) t.kernel(kGemm, next(), 50, "112,1,1", shared_for(k));
  phase("attn(W)");
  for (int i = 0; i < 5; ++i) t.kernel(kWgrad, next(), 200 + i, "112,1,1", 203776);
  // A name that misleads: the gradients are sent with a dispatch kernel.
  phase("combine(B)");
  t.kernel("void dpsk::ep::internode::cached_notify<false>(int)", next(), 1000, "20,1,1", 0, 27);
  t.kernel("void dpsk::ep::internode::dispatch<false, 8, true, 8>(int4*)", next(), 3000, "20,1,1", 332, 27);
  return t;
}

const Measurement* labelled(const Measurements& m, const std::string& label) {
  for (const Measurement& r : m.rows) {
    if (r.label == label) return &r;
  }
  return nullptr;
}

bool noted(const Measurements& m, const std::string& part) {
  return std::any_of(m.notes.begin(), m.notes.end(), [&](const std::string& n) { return says(n, part); });
}

using Shape = std::map<std::string, double>;

}  // namespace

TEST_CASE("GEMMs of a known training get their shapes from phase, order and shared memory") {
  const Measurements m = measurements_in(layer().text());
  // 132 SMs less the 20 of the communication kernels; tokens by the smallest grid of the casts.
  REQUIRE(labelled(m, "attn(F) o"));
  CHECK(labelled(m, "attn(F) o")->shape == Shape{{"m", 2048}, {"n", 7168}, {"k", 16384}, {"sms", 112}});
  CHECK(labelled(m, "attn(F) o")->device == "NVIDIA H800");
  CHECK(labelled(m, "attn(F) router")->variant == "bfloat16");
  CHECK(labelled(m, "attn(F) router")->shape.at("n") == 256);
  CHECK(labelled(m, "attn(B) kv_b_dgrad")->shape == Shape{{"m", 2048}, {"n", 512}, {"k", 32768}, {"sms", 112}});
  CHECK(labelled(m, "attn(W) q_b_wgrad")->family == "gemm_wgrad");
  CHECK(labelled(m, "attn(W) q_b_wgrad")->shape == Shape{{"m", 24576}, {"n", 1536}, {"k", 2048}, {"sms", 112}});
  CHECK(labelled(m, "attn(B) router_wgrad")->shape == Shape{{"m", 256}, {"n", 7168}, {"k", 2048}, {"sms", 112}});
}

TEST_CASE("rows of the routed experts are told by the grids of their phase, four experts a rank of 64") {
  const Measurements m = measurements_in(layer().text());
  CHECK(labelled(m, "mlp(B) routed_down_dgrad")->shape == Shape{{"groups", 4}, {"m", 5120}, {"n", 2048}, {"k", 7168}, {"sms", 112}});
  CHECK(labelled(m, "mlp(F) routed_down")->shape == Shape{{"groups", 4}, {"m", 4608}, {"n", 7168}, {"k", 2048}, {"sms", 112}});
  TraceText half = layer();
  half.world_size = 32;
  CHECK(labelled(measurements_in(half.text()), "mlp(F) routed_down")->shape.at("groups") == 8);
}

TEST_CASE("weight gradients of routed experts have no shape: the trace does not say how many rows each has") {
  const Measurements m = measurements_in(layer().text());
  int unknown = 0;
  for (const Measurement& r : m.others) unknown += r.label.starts_with("mlp(W) expert_");
  CHECK(unknown == 8);
  CHECK(labelled(m, "mlp(W) shared_gateup_wgrad")->time_us == 109);
}

TEST_CASE("combine(B) launches a dispatch kernel, and the name of the kernel decides") {
  const Measurements m = measurements_in(layer().text());
  const Measurement* r = labelled(m, "combine(B) dispatch kernel");
  REQUIRE(r);
  CHECK(r->family == "deepep_dispatch");
  CHECK(r->shape == Shape{{"nodes", 8}, {"hidden", 7168}, {"tokens", 2048}, {"topk", 8}, {"experts", 256}, {"sms", 20}});
}

TEST_CASE("attention is told by its grid: blocks of 128 queries by heads") {
  const Measurements m = measurements_in(layer().text());
  REQUIRE(labelled(m, "attn(F) attention"));
  CHECK(labelled(m, "attn(F) attention")->shape == Shape{{"batch", 1}, {"heads", 128}, {"kv_heads", 128}, {"seq", 2048}, {"d_qk", 192}, {"d_v", 128}, {"causal", 1}, {"sms", 112}});
}

TEST_CASE("bytes of a cast come from the GEMM that it feeds: two bytes read, one written, a scale for each 128") {
  const Measurements m = measurements_in(layer().text());
  const Measurement* r = labelled(m, "attn(F) cuda::per_token_cast_to_fp8_with_channels");
  REQUIRE(r);
  CHECK(r->family == "elementwise");
  CHECK(r->variant == "cast");
  CHECK(r->shape.at("bytes") == doctest::Approx(2048.0 * 7168 * (2 + 1 + 4.0 / 128)).epsilon(1e-12));
}

TEST_CASE("a phase whose K does not fit the known order stays without shapes and is told") {
  const Measurements m = measurements_in(layer(8192).text());
  CHECK(labelled(m, "attn(F) o") == nullptr);
  CHECK(labelled(m, "attn(F) q_a") == nullptr);
  CHECK(labelled(m, "attn(B) o_dgrad") != nullptr);
  bool told = false;
  for (const std::string& n : m.notes) told = told || says(n, "attn(F): shapes unknown: o: K is 8192 by its shared memory, 16384 was expected");
  CHECK(told);
}

TEST_CASE("a foreign trace keeps its kernels in families; shapes are unknown, counted and told") {
  TraceText t;
  t.kernel("nvjet_tst_128x256_64x4_2x1_v_bz_coopA_TNT", 1, 10);
  t.kernel("void at::native::vectorized_elementwise_kernel<4, at::native::FillFunctor<float>>(int)", 2, 1);
  t.kernel("ncclDevKernel_AllReduce_Sum_bf16_RING_LL(int)", 3, 5);
  t.kernel("my_kernel", 4, 0);
  const Measurements m = measurements_in(t.text());
  CHECK(m.rows.empty());
  REQUIRE(m.others.size() == 4);
  CHECK(m.others[0].family == "gemm");
  CHECK(m.others[1].family == "elementwise");
  CHECK(m.others[2].family == "nccl");
  CHECK(m.others[2].variant == "all_reduce");
  CHECK(m.others[3].family == "other");
  CHECK(m.others[3].label == "my_kernel");
  REQUIRE(m.notes.size() == 3);
  CHECK(says(m.notes[0], "3 kernels of unknown shape, in no fit: 1 elementwise, 1 gemm, 1 nccl"));
  CHECK(says(m.notes[1], "no training that weft knows"));
  CHECK(says(m.notes[2], "1 kernel of 0 us, in no fit"));
}

TEST_CASE("a kernel that lasts 0 us is no unknown shape: it is in no fit and told apart") {
  TraceText t = layer();
  t.annotate("attn(F)", 9000, 99);
  for (const int k : {7168, 7168, 1536, 512, 16384}) t.kernel(kGemm, 9001, k == 512 ? 0 : 50, "112,1,1", shared_for(k));
  t.kernel(kBf16, 9002, 30, "16,2,1");
  const Measurements m = measurements_in(t.text()), whole = measurements_in(layer().text());
  CHECK(m.rows.size() == whole.rows.size() + 5);
  CHECK(m.others.size() == whole.others.size() + 1);
  CHECK(noted(m, "1 kernel of 0 us, in no fit"));
  CHECK(noted(m, fmt::format("{} kernels of unknown shape", whole.others.size())));
  CHECK_FALSE(noted(whole, "of 0 us"));
}

TEST_CASE("a kernel without a duration or a start that is a number is refused, not taken for 0 us") {
  const auto kernel = [](const std::string& times) {
    return refusal(R"([{"ph":"X","cat":"kernel","name":"first","ts":1,"dur":2},{"ph":"X","cat":"kernel","name":"mine",)" + times + R"("args":{}}])");
  };
  CHECK(kernel(R"("ts":5,"dur":2,)") == "");
  CHECK(says(kernel(R"("ts":5,)"), "/traceEvents/1: \"mine\" has no number \"dur\""));
  CHECK(says(kernel(R"("ts":5,"dur":"5",)"), "/traceEvents/1: \"mine\" has no number \"dur\""));
  CHECK(says(kernel(R"("ts":5,"dur":null,)"), "/traceEvents/1: \"mine\" has no number \"dur\""));
  CHECK(says(kernel(R"("dur":5,)"), "/traceEvents/1: \"mine\" has no number \"ts\""));
  // Events of the host may well be open at the end of a recording.
  CHECK(refusal(R"([{"ph":"X","cat":"user_annotation","name":"step","ts":1},{"ph":"X","cat":"kernel","name":"k","ts":5,"dur":2}])") == "");
}

TEST_CASE("without the SMs of the GPU no kernel has a shape: 0 SMs would be all of them") {
  for (const char* devices : {"", R"({"id":0,"name":"NVIDIA H800"})"}) {
    CAPTURE(devices);
    const Measurements m = measurements_in(layer().text(devices));
    CHECK(m.rows.empty());
    CHECK(noted(m, "shapes unknown: the trace does not say how many SMs its GPU has (deviceProperties, numSms)"));
    CHECK_FALSE(noted(m, "computing kernels on"));
  }
  // The communication kernels run on 20 SMs.
  const Measurements few = measurements_in(layer().text(R"({"id":0,"name":"NVIDIA H800","numSms":20})"));
  CHECK(few.rows.empty());
  CHECK(noted(few, "shapes unknown: the trace says that its GPU has 20 SMs, and communication kernels alone run on 20"));
  CHECK(labelled(measurements_in(layer().text(R"({"id":0,"name":"NVIDIA H800","numSms":21})")), "attn(F) o")->shape.at("sms") == 1);
}

TEST_CASE("trainings are known from the data that the caller names, and from nothing else") {
  const TextFile file(layer().text());
  CHECK_FALSE(read_measurements(file.path(), {}, DataPlaces::standard()).rows.empty());
  const Measurements m = read_measurements(file.path(), {}, DataPlaces({std::filesystem::path(file.path()).parent_path()}));
  CHECK(m.rows.empty());
  CHECK(noted(m, "no training that weft knows"));
}

TEST_CASE("copies and fills are told apart from kernels; a bare list of events is a trace too") {
  const std::string events = R"([{"ph":"X","cat":"kernel","name":"k","ts":1.5,"dur":2.25,"args":{"stream":7}},
    {"ph":"X","cat":"gpu_memcpy","name":"Memcpy DtoD","ts":4,"dur":1,"args":{"bytes":8}},{"ph":"X","cat":"gpu_memset","name":"Memset","ts":6,"dur":0,"args":{"bytes":4}}])";
  const Measurements m = measurements_in(events);
  REQUIRE(m.others.size() == 1);
  CHECK(m.others[0].time_us == 2.25);
  CHECK(says(m.notes.back(), "1 copies and 1 fills"));
}

TEST_CASE("broken traces are refused in words") {
  TraceText none;
  none.add(R"({"ph":"X","cat":"cpu_op","name":"aten::mm","ts":1,"dur":2})");
  CHECK(says(refusal(none.text()), "the trace holds no GPU kernel (1 cpu_op)"));
  CHECK(says(refusal(none.text()), "ProfilerActivity.CUDA"));

  TraceText negative;
  negative.kernel("backwards", 1, -5);
  CHECK(says(refusal(negative.text()), "/traceEvents/1: \"backwards\" lasts -5 us"));

  const std::string whole = layer().text();
  for (const std::size_t cut : {whole.size() - 1, whole.size() / 2, whole.size() / 3}) {
    CAPTURE(cut);
    CHECK(says(refusal(whole.substr(0, cut), "kineto"), "cut off"));
  }
  CHECK(says(refusal(R"({"traceEvents": [1, }]})"), "this is not JSON"));
  CHECK(says(refusal(R"({"events": []})", "kineto"), "no list \"traceEvents\""));

  TraceText mixed;
  mixed.kernel("k", 1, 5);
  mixed.add(R"({"ph":"X","cat":"kernel","name":"l","ts":9,"dur":2,"args":{"device":1}})");
  CHECK(says(refusal(mixed.text(R"({"id":0,"name":"NVIDIA H800","numSms":132},{"id":1,"name":"NVIDIA A100","numSms":108})")), "kernels of different GPUs in one file: NVIDIA A100, NVIDIA H800"));
}

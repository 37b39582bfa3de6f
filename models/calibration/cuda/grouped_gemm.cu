// Grouped GEMM as a batch: one cuBLASLt product a group, side by side on a few streams, replayed as one CUDA graph.
#include "models/calibration/cuda/gemm.h"

namespace weft::cuda {
namespace {

constexpr std::size_t most_streams = 8;

class GroupedGemm final : public Kernel {
 public:
  GroupedGemm(Device& device, const MatmulSpec& spec, std::int64_t groups, std::int64_t padded_rows) : fp8_(spec.fp8) {
    const auto lt = cublas_of(device);
    for (std::int64_t g = 0; g < groups; ++g) {
      gemms_.push_back(std::make_unique<Gemm>(lt, spec, padded_rows, 100 * static_cast<std::uint64_t>(g + 1)));
    }
    const std::size_t lanes = std::min(gemms_.size(), most_streams);
    check(cudaEventCreateWithFlags(&fork_, cudaEventDisableTiming), "cudaEventCreate");
    for (std::size_t i = 0; i < lanes; ++i) {
      lanes_.emplace_back();
      check(cudaStreamCreateWithFlags(&lanes_.back().stream, cudaStreamNonBlocking), "cudaStreamCreate");
      check(cudaEventCreateWithFlags(&lanes_.back().join, cudaEventDisableTiming), "cudaEventCreate");
      lanes_.back().workspace = Memory(Matmul::workspace_bytes);
    }
  }

  ~GroupedGemm() override {
    for (Lane& lane : lanes_) {
      if (lane.join != nullptr) cudaEventDestroy(lane.join);
      if (lane.stream != nullptr) cudaStreamDestroy(lane.stream);
    }
    if (fork_ != nullptr) cudaEventDestroy(fork_);
  }

  void launch(cudaStream_t stream) override {
    check(cudaEventRecord(fork_, stream), "cudaEventRecord");
    for (const Lane& lane : lanes_) check(cudaStreamWaitEvent(lane.stream, fork_, 0), "cudaStreamWaitEvent");
    for (std::size_t g = 0; g < gemms_.size(); ++g) {
      const Lane& lane = lanes_[g % lanes_.size()];
      gemms_[g]->run(lane.workspace.as<void>(), lane.stream);
    }
    for (const Lane& lane : lanes_) {
      check(cudaEventRecord(lane.join, lane.stream), "cudaEventRecord");
      check(cudaStreamWaitEvent(stream, lane.join, 0), "cudaStreamWaitEvent");
    }
  }

  weft_measure_verification verify(cudaStream_t stream) override {
    Comparison c(Gemm::rule, Gemm::tolerance(fp8_));
    for (const auto& gemm : gemms_) gemm->compare([&] { launch(stream); }, 4, c);
    return c.result();
  }

 private:
  struct Lane {
    cudaStream_t stream = nullptr;
    cudaEvent_t join = nullptr;
    Memory workspace;
  };
  bool fp8_;
  std::vector<std::unique_ptr<Gemm>> gemms_;
  std::vector<Lane> lanes_;
  cudaEvent_t fork_ = nullptr;
};

}  // namespace

std::unique_ptr<Kernel> make_grouped_gemm(Device& device, const std::string& variant, const std::vector<double>& at) {
  MatmulSpec s;
  const auto groups = static_cast<std::int64_t>(at[0]);
  s.m = static_cast<std::int64_t>(at[1]);
  s.n = static_cast<std::int64_t>(at[2]);
  s.k = static_cast<std::int64_t>(at[3]);
  s.fp8 = variant != "bfloat16";
  if (s.fp8) {
    s.a_scales = Scales::vec128;
    s.b_scales = Scales::blk128;
  }
  s.sms = at[4] > 0 ? device.limit(at[4]) : 0;
  if (groups > 256) throw Refused("groups: at most 256 are run side by side");
  // A masked kernel's buffer has room for more rows than are there.
  return std::make_unique<GroupedGemm>(device, s, groups, variant == "fp8_masked" ? 2 * s.m : s.m);
}

}  // namespace weft::cuda

// The top-k router (streams.h).
#include <algorithm>
#include <cmath>

#include "models/calibration/cuda/device.h"
#include "models/calibration/cuda/reference/rows.h"
#include "models/calibration/cuda/streams.h"

namespace weft::cuda {
namespace {

constexpr int threads = 256;

template <int per_lane>
__global__ void __launch_bounds__(threads) router_kernel(const float* logits, const float* bias, std::int32_t* chosen, float* weights, std::int64_t tokens,
                                                         int topk) {
  router_body<per_lane>(OnDevice{}, logits, bias, chosen, weights, tokens, topk);
}

using RouterKernel = void (*)(const float*, const float*, std::int32_t*, float*, std::int64_t, int);

RouterKernel kernel_for(std::int64_t experts) {
  switch (experts) {
    case 32: return router_kernel<1>;
    case 64: return router_kernel<2>;
    case 96: return router_kernel<3>;
    case 128: return router_kernel<4>;
    case 160: return router_kernel<5>;
    case 192: return router_kernel<6>;
    case 224: return router_kernel<7>;
    case 256: return router_kernel<8>;
    default: throw Refused("experts: multiples of 32 up to 256 are written");
  }
}

class Router final : public Kernel {
 public:
  Router(Device& device, std::int64_t tokens, std::int64_t experts, std::int64_t topk)
      : tokens_(tokens), experts_(experts), topk_(topk), kernel_(kernel_for(experts)),
        blocks_(static_cast<int>(std::min<std::int64_t>(blocks_of(tokens, threads / 32), 8 * device.sms))), logits_(tokens * experts * 4),
        bias_(experts * 4), chosen_(tokens * topk * 4), weights_(tokens * topk * 4) {
    if (topk > 32 || topk > experts) throw Refused("topk: at most 32 and at most the experts");
    fill_floats(logits_, tokens * experts, 1, -4, 4);
    fill_floats(bias_, experts, 2, -0.1f, 0.1f);
  }
  void launch(cudaStream_t stream) override {
    kernel_<<<blocks_, threads, 0, stream>>>(logits_.as<float>(), bias_.as<float>(), chosen_.as<std::int32_t>(), weights_.as<float>(), tokens_,
                                             static_cast<int>(topk_));
    check(cudaGetLastError(), "the router kernel");
  }
  weft_measure_verification verify(cudaStream_t stream) override {
    launch(stream);
    Comparison c("difference of a weight, or of the score of what was chosen", 1e-4);
    const std::vector<float> bias = bias_.read<float>(0, experts_);
    for (const std::int64_t token : some_of(tokens_, 64, 41)) {
      const std::vector<float> logits = logits_.read<float>(token * experts_, experts_);
      const Routed wanted = route(logits, bias, static_cast<int>(topk_));
      const auto got = chosen_.read<std::int32_t>(token * topk_, topk_);
      const auto weights = weights_.read<float>(token * topk_, topk_);
      for (std::size_t j = 0; j < got.size(); ++j) {
        // Two experts whose scores differ by less than the device's exp may change places.
        c.add(std::abs(ranked(logits, bias, got[j]) - ranked(logits, bias, wanted.experts[j])));
        c.add(std::abs(weights[j] - wanted.weights[j]));
      }
    }
    return c.result();
  }

 private:
  double ranked(const std::vector<float>& logits, const std::vector<float>& bias, std::int32_t expert) const {
    if (expert < 0 || expert >= experts_) return HUGE_VAL;
    const auto e = static_cast<std::size_t>(expert);
    return 1 / (1 + std::exp(-static_cast<double>(logits[e]))) + bias[e];
  }

  std::int64_t tokens_, experts_, topk_;
  RouterKernel kernel_;
  int blocks_;
  Memory logits_, bias_, chosen_, weights_;
};

}  // namespace

std::unique_ptr<Kernel> make_router(Device& device, const std::string&, const std::vector<double>& at) {
  return std::make_unique<Router>(device, static_cast<std::int64_t>(at[0]), static_cast<std::int64_t>(at[1]), static_cast<std::int64_t>(at[2]));
}

}  // namespace weft::cuda

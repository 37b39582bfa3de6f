// MLA decode attention over a paged cache: weft's own kernel (mla.h).
#include <algorithm>
#include <cmath>

#include "models/calibration/cuda/device.h"
#include "models/calibration/cuda/mla.h"
#include "models/calibration/cuda/reference/mla.h"

namespace weft::cuda {
namespace {

constexpr int join_threads = 256;

__global__ void __launch_bounds__(mla_threads, 1) mla_kernel(MlaShape shape, const std::uint16_t* queries, const std::uint16_t* cache,
                                                             const std::int32_t* table, std::uint16_t* out, float* part, float* part_log) {
  mla_body(OnDevice{}, shape, queries, cache, table, out, part, part_log);
}

__global__ void __launch_bounds__(join_threads) mla_join_kernel(MlaShape shape, const float* part, const float* part_log, std::uint16_t* out) {
  mla_join_body(OnDevice{}, shape, part, part_log, out);
}

class MlaDecode final : public Kernel {
 public:
  MlaDecode(Device& device, const std::vector<double>& at) {
    shape_.requests = static_cast<std::int64_t>(at[0]);
    shape_.rows = static_cast<std::int64_t>(at[1]) * static_cast<std::int64_t>(at[2]);
    shape_.kv = static_cast<std::int64_t>(at[3]);
    shape_.pages = blocks_of(shape_.kv, mla_page);
    shape_.scale = static_cast<float>(1 / std::sqrt(128.0 + 64.0));
    const std::int64_t sms = device.limit(at[4]);
    shape_.splits = mla_splits(shape_, sms);
    grid_ = static_cast<int>(std::min<std::int64_t>(shape_.work(), sms));   // its shared memory lets one block on an SM
    join_grid_ = static_cast<int>(std::min<std::int64_t>(shape_.requests * shape_.rows, 8 * sms));

    const std::int64_t rows = shape_.requests * shape_.rows, pages = shape_.requests * shape_.pages;
    if (pages > (std::int64_t{1} << 31) - 1) throw Refused("the table of pages has too many entries");
    queries_ = Memory(rows * mla_key * 2);
    cache_ = Memory(pages * mla_page * mla_key * 2);
    table_ = Memory(pages * 4);
    out_ = Memory(rows * mla_value * 2);
    part_ = Memory(shape_.splits > 1 ? shape_.splits * rows * mla_value * 4 : 0);
    part_log_ = Memory(shape_.splits > 1 ? shape_.splits * rows * 4 : 0);
    fill_bf16(queries_, rows * mla_key, 1);
    fill_bf16(cache_, pages * mla_page * mla_key, 2);
    pages_ = random_order(pages, 3);
    table_.write(pages_);
    check(cudaFuncSetAttribute(mla_kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, MlaShared::bytes), "cudaFuncSetAttribute");
  }

  void launch(cudaStream_t stream) override {
    mla_kernel<<<grid_, mla_threads, MlaShared::bytes, stream>>>(shape_, queries_.as<std::uint16_t>(), cache_.as<std::uint16_t>(),
                                                                 table_.as<std::int32_t>(), out_.as<std::uint16_t>(), part_.as<float>(),
                                                                 part_log_.as<float>());
    if (shape_.splits > 1) {
      mla_join_kernel<<<join_grid_, join_threads, 0, stream>>>(shape_, part_.as<float>(), part_log_.as<float>(), out_.as<std::uint16_t>());
    }
    check(cudaGetLastError(), "the MLA kernel");
  }

  weft_measure_verification verify(cudaStream_t stream) override {
    launch(stream);
    // Weights and results are rounded to BF16 (8 bits): a few parts in 2^9 of the result's own spread.
    Comparison c("|difference| / root of the mean square of the row", 0.03);
    for (const std::int64_t request : some_of(shape_.requests, 3, 21)) {
      const std::vector<std::vector<std::uint16_t>> keys = keys_of(request);
      for (const std::int64_t row : some_of(shape_.rows, 4, 22)) {
        const std::int64_t at = request * shape_.rows + row;
        const std::vector<double> wanted = attention_row(queries_.read<std::uint16_t>(at * mla_key, mla_key), keys, mla_value, shape_.scale);
        const std::vector<std::uint16_t> got = out_.read<std::uint16_t>(at * mla_value, mla_value);
        double squares = 0;
        for (const double v : wanted) squares += v * v;
        const double size = std::sqrt(squares / mla_value);
        for (int i = 0; i < mla_value; ++i) c.add(std::abs(from_bf16(got[static_cast<std::size_t>(i)]) - wanted[static_cast<std::size_t>(i)]) / size);
      }
    }
    return c.result();
  }

 private:
  std::vector<std::vector<std::uint16_t>> keys_of(std::int64_t request) const {
    std::vector<std::vector<std::uint16_t>> keys;
    for (std::int64_t p = 0; p < shape_.pages; ++p) {
      const std::int64_t page = pages_[static_cast<std::size_t>(request * shape_.pages + p)];
      const std::vector<std::uint16_t> tokens = cache_.read<std::uint16_t>(page * mla_page * mla_key, mla_page * mla_key);
      for (std::int64_t t = 0; t < mla_page && p * mla_page + t < shape_.kv; ++t) {
        keys.emplace_back(tokens.begin() + t * mla_key, tokens.begin() + (t + 1) * mla_key);
      }
    }
    return keys;
  }

  MlaShape shape_{};
  int grid_ = 1, join_grid_ = 1;
  Memory queries_, cache_, table_, out_, part_, part_log_;
  std::vector<std::int32_t> pages_;
};

}  // namespace

std::unique_ptr<Kernel> make_mla_decode(Device& device, const std::string&, const std::vector<double>& at) {
  return std::make_unique<MlaDecode>(device, at);
}

}  // namespace weft::cuda

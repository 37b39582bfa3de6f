// Between GPUs: a copy from one to the next, and NCCL's collectives in one process; both need two GPUs or more.
#include <algorithm>
#include <cmath>

#include "models/calibration/cuda/device.h"
#include "models/calibration/cuda/library.h"
#include "models/calibration/cuda/numbers.h"

namespace weft::cuda {
namespace {

void need_gpus(const Device& device, int gpus) {
  if (device.gpus < gpus) throw Refused("this needs " + std::to_string(gpus) + " GPUs, " + std::to_string(device.gpus) + " can be seen");
}

/// Makes a GPU current for a while.
class On {
 public:
  explicit On(int gpu) { check(cudaSetDevice(gpu), "cudaSetDevice"); }
  ~On() { cudaSetDevice(0); }
  On(const On&) = delete;
  On& operator=(const On&) = delete;
};

class PeerCopy final : public Kernel {
 public:
  PeerCopy(Device& device, std::int64_t bytes) : bytes_(bytes) {
    need_gpus(device, 2);
    int reachable = 0;
    check(cudaDeviceCanAccessPeer(&reachable, 0, 1), "cudaDeviceCanAccessPeer");
    if (reachable == 0) throw Refused("GPU 0 cannot reach GPU 1's memory");
    const cudaError_t status = cudaDeviceEnablePeerAccess(1, 0);
    if (status != cudaErrorPeerAccessAlreadyEnabled) check(status, "cudaDeviceEnablePeerAccess");
    cudaGetLastError();
    from_ = Memory(bytes);
    fill_e4m3(from_, bytes, 1);
    check(cudaDeviceSynchronize(), "filling an operand");
    const On other(1);
    to_ = Memory(bytes);
  }
  void launch(cudaStream_t stream) override {
    check(cudaMemcpyPeerAsync(to_.as<void>(), 1, from_.as<void>(), 0, static_cast<std::size_t>(bytes_), stream), "cudaMemcpyPeerAsync");
  }
  weft_measure_verification verify(cudaStream_t stream) override {
    launch(stream);
    check(cudaStreamSynchronize(stream), "the copy");
    Comparison c("bytes that differ", 0);
    const std::int64_t some = std::min<std::int64_t>(bytes_, 4096);
    for (const std::int64_t at : {std::int64_t{0}, bytes_ - some}) {
      const std::vector<std::uint8_t> wanted = from_.read<std::uint8_t>(at, some);
      const On other(1);
      const std::vector<std::uint8_t> got = to_.read<std::uint8_t>(at, some);
      for (std::size_t i = 0; i < got.size(); ++i) c.add(wanted[i] == got[i] ? 0 : 1);
    }
    return c.result();
  }

 private:
  std::int64_t bytes_;
  Memory from_, to_;
};

// What is used of NCCL's API, as its manual gives it (version 2.28; the numbers have not changed since 2.10).
using Communicator = void*;
constexpr int nccl_bytes = 1, nccl_bf16 = 9, nccl_sum = 0;   // ncclUint8, ncclBfloat16, ncclSum

class Nccl {
 public:
  Nccl() : library_({"libnccl.so.2", "/usr/local/cuda/lib64/libnccl.so.2"}, "a collective") {
    library_.find(text_, "ncclGetErrorString");
    library_.find(init_all, "ncclCommInitAll");
    library_.find(destroy, "ncclCommDestroy");
    library_.find(group_start, "ncclGroupStart");
    library_.find(group_end, "ncclGroupEnd");
    library_.find(all_reduce, "ncclAllReduce");
    library_.find(all_gather, "ncclAllGather");
    library_.find(reduce_scatter, "ncclReduceScatter");
    library_.find(send, "ncclSend");
    library_.find(receive, "ncclRecv");
  }
  void check(int status, const char* what) const {
    if (status != 0) throw std::runtime_error(std::string(what) + ": " + text_(status));
  }

  int (*init_all)(Communicator*, int, const int*) = nullptr;
  int (*destroy)(Communicator) = nullptr;
  int (*group_start)() = nullptr;
  int (*group_end)() = nullptr;
  int (*all_reduce)(const void*, void*, std::size_t, int, int, Communicator, cudaStream_t) = nullptr;
  int (*all_gather)(const void*, void*, std::size_t, int, Communicator, cudaStream_t) = nullptr;
  int (*reduce_scatter)(const void*, void*, std::size_t, int, int, Communicator, cudaStream_t) = nullptr;
  int (*send)(const void*, std::size_t, int, int, Communicator, cudaStream_t) = nullptr;
  int (*receive)(void*, std::size_t, int, int, Communicator, cudaStream_t) = nullptr;

 private:
  Library library_;
  const char* (*text_)(int) = nullptr;
};

enum class Collective { all_reduce, all_gather, reduce_scatter, all_to_all };

/// `bytes` as nccl-tests counts "size": of the larger of a rank's two buffers; each holds BF16.
class NcclCollective final : public Kernel {
 public:
  NcclCollective(Collective what, int gpus, std::int64_t bytes) : what_(what), gpus_(gpus), values_(bytes / 2) {
    if (bytes % (2 * gpus) != 0) throw Refused("bytes: they have to be a multiple of " + std::to_string(2 * gpus));
    std::vector<int> all(static_cast<std::size_t>(gpus));
    for (int g = 0; g < gpus; ++g) all[static_cast<std::size_t>(g)] = g;
    ranks_.resize(all.size());
    for (int g = 0; g < gpus; ++g) {
      const On here(g);
      Rank& r = ranks_[static_cast<std::size_t>(g)];
      r.from = Memory(2 * from_count());
      r.to = Memory(2 * to_count());
      std::vector<std::uint16_t> values(static_cast<std::size_t>(from_count()));
      for (std::size_t i = 0; i < values.size(); ++i) values[i] = to_bf16(value(g, static_cast<std::int64_t>(i)));
      r.from.write(values);
      if (g > 0) check(cudaStreamCreateWithFlags(&r.stream, cudaStreamNonBlocking), "cudaStreamCreate");
    }
    std::vector<Communicator> comms(all.size());
    nccl_.check(nccl_.init_all(comms.data(), gpus, all.data()), "ncclCommInitAll");
    for (std::size_t g = 0; g < comms.size(); ++g) ranks_[g].comm = comms[g];
    check(cudaSetDevice(0), "cudaSetDevice");
  }
  ~NcclCollective() override {
    for (std::size_t g = 0; g < ranks_.size(); ++g) {
      const On here(static_cast<int>(g));
      cudaDeviceSynchronize();
      nccl_.destroy(ranks_[g].comm);
      if (ranks_[g].stream != nullptr) cudaStreamDestroy(ranks_[g].stream);
      ranks_[g].from = Memory();
      ranks_[g].to = Memory();
    }
  }

  bool can_capture() const override { return false; }

  void settle() override {
    for (int g = 0; g < gpus_; ++g) {
      const On here(g);
      check(cudaDeviceSynchronize(), "waiting for a GPU");
    }
  }

  void launch(cudaStream_t stream) override {
    nccl_.check(nccl_.group_start(), "ncclGroupStart");
    for (int g = 0; g < gpus_; ++g) enqueue(ranks_[static_cast<std::size_t>(g)], g == 0 ? stream : ranks_[static_cast<std::size_t>(g)].stream);
    nccl_.check(nccl_.group_end(), "ncclGroupEnd");
  }

  weft_measure_verification verify(cudaStream_t stream) override {
    settle();
    launch(stream);
    settle();
    Comparison c("values that differ: all are small whole numbers", 0);
    for (int g = 0; g < gpus_; ++g) {
      const On here(g);
      for (const std::int64_t at : some_of(to_count(), 64, 61)) {
        c.add(from_bf16(ranks_[static_cast<std::size_t>(g)].to.read<std::uint16_t>(at, 1)[0]) == wanted(g, at) ? 0 : 1);
      }
    }
    return c.result();
  }

 private:
  struct Rank {
    Memory from, to;
    cudaStream_t stream = nullptr;
    Communicator comm = nullptr;
  };

  std::int64_t part() const { return values_ / gpus_; }
  std::int64_t from_count() const { return what_ == Collective::all_gather ? part() : values_; }
  std::int64_t to_count() const { return what_ == Collective::reduce_scatter ? part() : values_; }
  static float value(std::int64_t rank, std::int64_t i) { return static_cast<float>((i + 3 * rank) % 8); }   // sums of 8 stay below 64: exact

  float wanted(int rank, std::int64_t at) const {
    if (what_ == Collective::all_gather) return value(at / part(), at % part());
    if (what_ == Collective::all_to_all) return value(at / part(), rank * part() + at % part());
    const std::int64_t i = what_ == Collective::reduce_scatter ? rank * part() + at : at;
    float sum = 0;
    for (int g = 0; g < gpus_; ++g) sum += value(g, i);
    return sum;
  }

  void enqueue(const Rank& r, cudaStream_t stream) const {
    const auto all = static_cast<std::size_t>(values_), one = static_cast<std::size_t>(part());
    if (what_ == Collective::all_reduce) {
      nccl_.check(nccl_.all_reduce(r.from.as<void>(), r.to.as<void>(), all, nccl_bf16, nccl_sum, r.comm, stream), "ncclAllReduce");
    } else if (what_ == Collective::all_gather) {
      nccl_.check(nccl_.all_gather(r.from.as<void>(), r.to.as<void>(), one, nccl_bf16, r.comm, stream), "ncclAllGather");
    } else if (what_ == Collective::reduce_scatter) {
      nccl_.check(nccl_.reduce_scatter(r.from.as<void>(), r.to.as<void>(), one, nccl_bf16, nccl_sum, r.comm, stream), "ncclReduceScatter");
    } else {
      for (int peer = 0; peer < gpus_; ++peer) {
        const std::size_t offset = static_cast<std::size_t>(peer) * one;
        nccl_.check(nccl_.send(r.from.as<std::uint16_t>() + offset, 2 * one, nccl_bytes, peer, r.comm, stream), "ncclSend");
        nccl_.check(nccl_.receive(r.to.as<std::uint16_t>() + offset, 2 * one, nccl_bytes, peer, r.comm, stream), "ncclRecv");
      }
    }
  }

  Nccl nccl_;
  Collective what_;
  int gpus_;
  std::int64_t values_;
  std::vector<Rank> ranks_;
};

}  // namespace

std::unique_ptr<Kernel> make_peer_copy(Device& device, const std::string&, const std::vector<double>& at) {
  return std::make_unique<PeerCopy>(device, static_cast<std::int64_t>(at[0]));
}

std::unique_ptr<Kernel> make_nccl(Device& device, const std::string& variant, const std::vector<double>& at) {
  const Collective what = variant == "all_reduce"       ? Collective::all_reduce
                          : variant == "all_gather"     ? Collective::all_gather
                          : variant == "reduce_scatter" ? Collective::reduce_scatter
                                                        : Collective::all_to_all;
  if (at[0] < 2) throw Refused("gpus: at least 2");
  need_gpus(device, static_cast<int>(at[0]));   // before the library is looked for
  return std::make_unique<NcclCollective>(what, static_cast<int>(at[0]), static_cast<std::int64_t>(at[1]));
}

}  // namespace weft::cuda

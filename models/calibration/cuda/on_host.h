// Runs a kernel's body on the host: each CUDA thread is a thread, barriers are barriers, asynchronous copies happen when they are
// waited for and not before. For tests; slow.
#pragma once

#include <barrier>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#include "models/calibration/cuda/here.h"

namespace weft::cuda {

/// What the threads of one block share.
struct HostBlock {
  struct Warp {
    std::barrier<> barrier{32};
    std::uint32_t words[32][8] = {};   // what each lane shows the others
  };

  HostBlock(int threads, std::size_t shared_bytes) : barrier(threads), shared(shared_bytes / sizeof(Words4) + 1) {
    for (int w = 0; w < threads / 32; ++w) warps.push_back(std::make_unique<Warp>());
  }

  std::barrier<> barrier;
  std::vector<std::unique_ptr<Warp>> warps;
  std::vector<Words4> shared;
};

class OnHost {
 public:
  OnHost(HostBlock& shared, int thread, int threads, std::int64_t block, std::int64_t blocks)
      : state_(shared), warp_state_(*shared.warps[static_cast<std::size_t>(thread / 32)]), thread_(thread), threads_(threads), block_(block),
        blocks_(blocks) {}

  int thread() const { return thread_; }
  int threads() const { return threads_; }
  std::int64_t block() const { return block_; }
  std::int64_t blocks() const { return blocks_; }
  int lane() const { return thread_ & 31; }
  int warp() const { return thread_ >> 5; }
  void sync() const { state_.barrier.arrive_and_wait(); }
  void sync_warp() const { warp_state_.barrier.arrive_and_wait(); }
  unsigned char* shared() const { return reinterpret_cast<unsigned char*>(state_.shared.data()); }

  float shuffle_xor(float v, int mask) const { return float_of_bits(exchange(bits_of_float(v), lane() ^ mask)); }
  int shuffle_xor(int v, int mask) const { return static_cast<int>(exchange(static_cast<std::uint32_t>(v), lane() ^ mask)); }
  float exp(float v) const { return std::exp(v); }
  float log(float v) const { return std::log(v); }
  float rsqrt(float v) const { return 1 / std::sqrt(v); }
  std::uint8_t to_e4m3(float v) const { return cuda::to_e4m3(v); }

  void copy_async(void* to_shared, const void* from) const { open_.push_back({to_shared, from}); }
  void commit() const {
    groups_.push_back(std::move(open_));
    open_.clear();
  }
  template <int pending>
  void wait() const {
    while (groups_.size() > pending) {
      for (const Copy& c : groups_.front()) std::memcpy(c.to, c.from, 16);
      groups_.erase(groups_.begin());
    }
  }

  void mma(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]) const {
    std::uint32_t* const mine = warp_state_.words[lane()];
    std::memcpy(mine, a, sizeof a);
    std::memcpy(mine + 4, b, sizeof b);
    sync_warp();
    const int g = lane() / 4, t = lane() % 4;
    for (int i = 0; i < 4; ++i) {
      const int row = g + (i / 2) * 8, column = 2 * t + i % 2;
      for (int k = 0; k < 16; ++k) d[i] += element_a(row, k) * element_b(k, column);
    }
    sync_warp();
  }

 private:
  std::uint32_t exchange(std::uint32_t v, int from) const {
    warp_state_.words[lane()][0] = v;
    sync_warp();
    const std::uint32_t theirs = warp_state_.words[from][0];
    sync_warp();
    return theirs;
  }
  static float half_of(std::uint32_t word, int which) { return which == 0 ? low_bf16(word) : high_bf16(word); }
  float element_a(int row, int k) const {
    return half_of(warp_state_.words[(row % 8) * 4 + (k % 8) / 2][row / 8 + 2 * (k / 8)], k % 2);
  }
  float element_b(int k, int column) const { return half_of(warp_state_.words[column * 4 + (k % 8) / 2][4 + k / 8], k % 2); }

  struct Copy {
    void* to;
    const void* from;
  };

  HostBlock& state_;
  HostBlock::Warp& warp_state_;
  int thread_, threads_;
  std::int64_t block_, blocks_;
  mutable std::vector<Copy> open_;                  // asked for, not yet in a group
  mutable std::vector<std::vector<Copy>> groups_;   // not yet waited for, oldest first
};

/// Runs `body(here)` for every thread of every block, block after block. `threads` is a multiple of 32.
template <class Body>
void run_on_host(std::int64_t blocks, int threads, std::size_t shared_bytes, const Body& body) {
  for (std::int64_t block = 0; block < blocks; ++block) {
    HostBlock shared(threads, shared_bytes);
    std::vector<std::thread> all;
    for (int t = 0; t < threads; ++t) all.emplace_back([&, t] { body(OnHost(shared, t, threads, block, blocks)); });
    for (std::thread& t : all) t.join();
  }
}

}  // namespace weft::cuda

// LiveRequests: what a server knows of the requests that it has; a finished one gives its slot to the next.
#pragma once

#include <cstdint>
#include <vector>

namespace weft::workloads::inference::serving {

struct LiveRequest {
  std::uint32_t number = 0;                ///< in order of arrival
  std::uint32_t prompt = 0, output = 0;
  std::uint32_t cached = 0;                ///< of the context, that need not be computed
  std::uint32_t context = 0;               ///< tokens that prefill has to bring into the cache: the prompt; after a preemption, the answer so far too
  std::uint32_t prefilled = 0;             ///< of the context, cached ones included
  std::uint32_t delivered = 0;             ///< of the answer
  std::uint32_t prefill_unit = 0, prefill_group = 0;
  std::uint32_t decode_group = 0;          ///< counted over all units
  std::uint8_t open = 0;                   ///< its last pass and its transfer, as far as they have not ended
  bool counted = true;                     ///< came after the warm-up
  bool sent = false;                       ///< its cache is on its way to decode, or there
  double arrival = 0, started = 0, prefill_end = 0, placed = 0, first_token = 0, last_token = 0;   ///< seconds
};

class LiveRequests {
 public:
  LiveRequest& operator[](std::uint32_t slot) { return all_[slot]; }
  const LiveRequest& operator[](std::uint32_t slot) const { return all_[slot]; }
  std::size_t size() const { return all_.size() - free_.size(); }

  std::uint32_t add(const LiveRequest& r) {
    if (free_.empty()) {
      all_.push_back(r);
      return static_cast<std::uint32_t>(all_.size() - 1);
    }
    const std::uint32_t slot = free_.back();
    free_.pop_back();
    all_[slot] = r;
    return slot;
  }
  void remove(std::uint32_t slot) { free_.push_back(slot); }

 private:
  std::vector<LiveRequest> all_;
  std::vector<std::uint32_t> free_;
};

}  // namespace weft::workloads::inference::serving

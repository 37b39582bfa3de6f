// FlowStore: what is known of each flow, in parallel arrays.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "sim/engine/fluid/blocks.h"
#include "sim/engine/fluid/free_ids.h"

namespace weft::engine {

/// A flow exists from the emission of its transfer until it is destroyed; ids are used again.
class FlowStore {
 public:
  static constexpr std::uint32_t none = ~std::uint32_t{0};

  /// `owner` is the caller's.
  std::uint32_t create(double bytes, double weight, double cap, double latency, std::uint32_t owner,
                       std::span<const std::uint32_t> pieces) {
    std::uint32_t f = static_cast<std::uint32_t>(bytes_.size());
    if (!free_.empty()) {
      f = free_.take();
    } else {
      for (auto* v : {&bytes_, &weight_, &cap_, &latency_}) v->push_back(0);
      for (auto* v : {&owner_, &index_, &next_of_owner, &next_in_class, &class_of, &first_, &count_}) v->push_back(none);
    }
    bytes_[f] = bytes;
    weight_[f] = weight;
    cap_[f] = cap;
    latency_[f] = latency;
    owner_[f] = owner;
    next_of_owner[f] = next_in_class[f] = class_of[f] = none;
    put_pieces(f, pieces);
    return f;
  }
  void destroy(std::uint32_t f) {
    blocks_.give_back(first_[f], count_[f]);
    free_.give_back(f);
  }
  void set_pieces(std::uint32_t f, std::span<const std::uint32_t> pieces) {
    blocks_.give_back(first_[f], count_[f]);
    put_pieces(f, pieces);
  }

  /// One past the largest id in use.
  std::uint32_t extent() const { return static_cast<std::uint32_t>(bytes_.size()); }
  std::span<const std::uint32_t> pieces(std::uint32_t f) const { return {pieces_.data() + first_[f], count_[f]}; }
  double bytes(std::uint32_t f) const { return bytes_[f]; }   ///< to go when it began, or was re-routed
  void set_bytes(std::uint32_t f, double b) { bytes_[f] = b; }
  double weight(std::uint32_t f) const { return weight_[f]; }
  double cap(std::uint32_t f) const { return cap_[f]; }       ///< highest rate; infinite for none
  double latency(std::uint32_t f) const { return latency_[f]; }
  void set_latency(std::uint32_t f, double l) { latency_[f] = l; }
  std::uint32_t owner(std::uint32_t f) const { return owner_[f]; }
  std::uint32_t index(std::uint32_t f) const { return index_[f]; }   ///< among the flows of its transfer
  void set_index(std::uint32_t f, std::uint32_t index) { index_[f] = index; }

 private:
  void put_pieces(std::uint32_t f, std::span<const std::uint32_t> pieces) {
    count_[f] = static_cast<std::uint32_t>(pieces.size());
    first_[f] = blocks_.take(count_[f]);
    if (pieces_.size() < blocks_.extent()) pieces_.resize(std::max<std::size_t>(blocks_.extent(), pieces_.size() * 3 / 2));
    std::copy(pieces.begin(), pieces.end(), pieces_.begin() + first_[f]);
  }

  std::vector<double> bytes_, weight_, cap_, latency_;
  std::vector<std::uint32_t> owner_, index_, first_, count_, pieces_;
  FreeIds free_;
  Blocks blocks_;

 public:
  std::vector<std::uint32_t> next_of_owner;   ///< flows of one transfer, chained
  std::vector<std::uint32_t> next_in_class;   ///< members of one class, chained
  std::vector<std::uint32_t> class_of;        ///< none while it does not move
};

}  // namespace weft::engine

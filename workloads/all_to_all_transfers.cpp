#include "workloads/all_to_all_transfers.h"

#include <algorithm>
#include <limits>

#include "sim/core/error.h"

namespace weft::workloads {
namespace {

constexpr std::uint32_t nobody = ~std::uint32_t{0};

/// The node that a block of node a leads to.
std::uint32_t node_of_block(std::uint32_t a, std::uint32_t block) {
  if (block == 0) return a;
  return block - 1 < a ? block - 1 : block;
}

}  // namespace

std::uint64_t all_to_all_transfers(std::uint64_t nodes, std::uint64_t per_node, bool pxn) {
  return nodes * (per_node * (per_node - 1) + (nodes - 1) * (pxn ? per_node : per_node * per_node));
}

AllToAllTransfers::AllToAllTransfers(AllToAllJob job) : job_(std::move(job)) {
  const std::uint32_t g = job_.per_node;
  inside_ = g * (g - 1);
  between_ = job_.pxn ? g : g * g;
  std::uint64_t all = all_to_all_transfers(job_.nodes, g, job_.pxn);
  if (job_.rails && !job_.rails->keep_apart()) {
    all = 0;
    first_of_.reserve(std::size_t{job_.nodes} * job_.nodes);
    for (std::uint32_t a = 0; a < job_.nodes; ++a)
      for (std::uint32_t block = 0; block < job_.nodes; ++block) {
        first_of_.push_back(static_cast<std::uint32_t>(all));
        all += in_block(a, block);
      }
  }
  WEFT_CHECK(all < nobody, "an all-to-all has more transfers than ids");
  size_ = static_cast<std::uint32_t>(all);
  if (size_ > 0) seek(0);
}

std::uint32_t AllToAllTransfers::in_block(std::uint32_t a, std::uint32_t block) const {
  if (block == 0) return inside_;
  if (!job_.rails || job_.rails->keep_apart()) return between_;
  std::uint32_t carrying = 0;
  for (std::uint32_t via = 0; via < job_.per_node; ++via)
    carrying += !job_.rails->carried(a, node_of_block(a, block), via).empty();
  return carrying;
}

/// What a rail carries between two nodes, in units of what one rail is due.
double AllToAllTransfers::load(const Position& p) const {
  double sum = 0;
  for (const Rails::Share& due : job_.rails->carried(p.a, p.d, p.i)) sum += due.share;
  return sum;
}

void AllToAllTransfers::seek(std::uint32_t k) {
  WEFT_CHECK(k < size_, "a batch was asked for a transfer that it does not have");
  number_ = k;
  std::uint32_t rest = k;
  if (rails_differ()) {
    // The last block that begins at k or before: blocks without transfers begin where the next one does.
    const auto after = std::upper_bound(first_of_.begin(), first_of_.end(), k);
    const auto block = static_cast<std::uint32_t>(after - first_of_.begin()) - 1;
    at_.a = block / job_.nodes;
    at_.block = block % job_.nodes;
    rest -= first_of_[block];
  } else {
    const std::uint32_t of_node = inside_ + (job_.nodes - 1) * between_;
    at_.a = rest / of_node;
    rest %= of_node;
    at_.block = rest < inside_ ? 0 : 1 + (rest - inside_) / between_;
    if (at_.block > 0) rest = (rest - inside_) % between_;
  }
  open_block();
  if (at_.block == 0) {
    at_.i = rest / (job_.per_node - 1);
    at_.j = rest % (job_.per_node - 1);
    at_.j += at_.j >= at_.i;
  } else if (!job_.pxn) {
    at_.i = rest / job_.per_node;
    at_.j = rest % job_.per_node;
  } else if (rails_differ()) {
    for (; rest > 0; --rest) step();
    number_ = k;
  } else {
    at_.i = rest;
  }
}

/// Stands on the first transfer of the block, which has one.
void AllToAllTransfers::open_block() {
  at_.d = node_of_block(at_.a, at_.block);
  at_.i = 0;
  at_.j = at_.block == 0 ? 1 : 0;
  if (at_.block > 0 && rails_differ())
    while (load(at_) == 0) ++at_.i;
}

void AllToAllTransfers::step() {
  ++number_;
  const std::uint32_t g = job_.per_node;
  if (at_.block > 0 && job_.pxn) {
    do ++at_.i;
    while (rails_differ() && at_.i < g && load(at_) == 0);
  } else {
    ++at_.j;
    if (at_.block == 0 && at_.j == at_.i) ++at_.j;
    if (at_.j >= g) at_.j = 0, ++at_.i;
  }
  if (at_.i >= g && number_ < size_) next_block();
}

void AllToAllTransfers::next_block() {
  do {
    if (++at_.block == job_.nodes) at_.block = 0, ++at_.a;
  } while (in_block(at_.a, at_.block) == 0);
  open_block();
}

void AllToAllTransfers::read(std::uint32_t k, Transfer& out) {
  if (k != number_) seek(k);
  out.kernel = KernelId(0);
  out.extra_latency = job_.model.start_up.value;
  out.latency_mode = LatencyMode::wire;
  out.rate_cap.reset();
  if (at_.block > 0 && job_.pxn) use_rail(out);
  else use_pair(out);
  const std::uint64_t from = std::uint64_t{at_.a} * job_.per_node + at_.i;
  const std::uint64_t to = std::uint64_t{at_.d} * job_.per_node + (at_.block > 0 && job_.pxn ? at_.i : at_.j);
  out.flow_key = from << 32 | to;
  step();
}

void AllToAllTransfers::use_pair(Transfer& out) {
  if (legs_node_ != nobody || legs_.size() != 1) {
    legs_.assign(1, Leg{});
    legs_node_ = nobody;
  }
  legs_[0] = {gpu_at(at_.a, at_.i), gpu_at(at_.d, at_.j), 1};
  out.legs = legs_;
  out.bytes = job_.per_pair;
  out.weight = 1;
}

/// The GPUs of node a hand what is due at GPU (d, via) to their GPU `via`, whose NIC sends it in one transfer, which shares
/// links as their messages would.
void AllToAllTransfers::use_rail(Transfer& out) {
  const std::uint32_t g = job_.per_node;
  if (rails_differ()) {
    const double carried = load(at_);
    rerouted_legs(carried);
    out.legs = legs_;
    out.weight = g * carried;
  } else {
    if (legs_node_ != at_.a) own_rail_legs();
    const std::span<Leg> legs(legs_.data() + std::size_t{at_.i} * g, g);
    legs.back().to.node = NodeId(at_.d);
    out.legs = legs;
    out.weight = g;
  }
  out.bytes = job_.per_pair * out.weight;
}

/// All legs of node a's rails but for the node that they lead to: they are the same for every one.
void AllToAllTransfers::own_rail_legs() {
  legs_.clear();
  legs_node_ = at_.a;
  for (std::uint32_t via = 0; via < job_.per_node; ++via) {
    for (std::uint32_t i = 0; i < job_.per_node; ++i)
      if (i != via) legs_.push_back({gpu_at(at_.a, i), gpu_at(at_.a, via), 1.0 / job_.per_node});
    legs_.push_back({gpu_at(at_.a, via), gpu_at(at_.d, via), 1});
  }
}

/// Where a rail is lost, `via` carries a part of that rail's bytes too, which NVLink delivers on the far side.
void AllToAllTransfers::rerouted_legs(double load) {
  legs_.clear();
  const std::uint32_t via = at_.i;
  for (std::uint32_t i = 0; i < job_.per_node; ++i)
    if (i != via) legs_.push_back({gpu_at(at_.a, i), gpu_at(at_.a, via), 1.0 / job_.per_node});
  legs_.push_back({gpu_at(at_.a, via), gpu_at(at_.d, via), 1});
  for (const Rails::Share& due : job_.rails->carried(at_.a, at_.d, via))
    if (due.rail != via) legs_.push_back({gpu_at(at_.d, via), gpu_at(at_.d, due.rail), due.share / load});
}

}  // namespace weft::workloads

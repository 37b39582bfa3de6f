#include "sim/engine/fluid/paths.h"

#include <algorithm>
#include <bit>

#include "sim/core/error.h"
#include "sim/core/random.h"

namespace weft::engine {
namespace {

constexpr std::uint32_t no_piece = ~std::uint32_t{0};

}  // namespace

Paths::Paths(const topology::Router& router, std::span<const workloads::CommKernel> kernels, const LinkOrbits* orbits)
    : router_(router), kernels_(kernels), orbits_(orbits),
      whole_(kernels.size() + 1) {
  const auto links = router.fabric().links();
  physical_ = static_cast<std::uint32_t>(links.size());
  for (std::uint32_t l = 0; l < physical_; ++l) {
    const double links = orbits_ != nullptr && orbits_->representative[l] == l ? orbits_->size[l] : 1;
    add_link(router.capacity(LinkId(l)).value() * links);
  }
}

LinkId Paths::standing_for(LinkId link) const {
  return orbits_ == nullptr ? link : LinkId(orbits_->representative[link.value]);
}

void Paths::add_link(double capacity) {
  capacity_.push_back(capacity);
  cover_.push_back(unseen);
  by_link_.push_back(0);
}

void Paths::set_capacity(std::uint32_t link, double rate) {
  if (capacity_[link] == rate) return;
  capacity_[link] = rate;
  for (std::uint32_t l = 0; l < link_count(); ++l) {
    if (l == link || cover_[l] == link) uncover(l);
  }
}

void Paths::uncover(std::uint32_t link) {
  if (cover_[link] == unseen) return;   // nothing crosses it yet
  if (covered(link)) uncovered_.push_back(link);
  cover_[link] = no_cover;
}

// Saturates at a lower level of any flow over both; of two alike, the first, so that links never cover each other in a ring.
bool Paths::tighter(const Load& a, const Load& b) const {
  const double x = a.coefficient * capacity_[b.link], y = b.coefficient * capacity_[a.link];
  return x > y || (x == y && a.link < b.link);
}

void Paths::cover_links_of(std::span<const Load> loads) {
  if (loads.empty()) return;
  Load tightest = loads[0];
  for (const Load& l : loads) {
    by_link_[l.link] = l.coefficient;
    if (tighter(l, tightest)) tightest = l;
  }
  for (const Load& l : loads) {
    std::uint32_t& cover = cover_[l.link];
    if (cover == unseen) cover = l.link == tightest.link ? no_cover : tightest.link;
    if (!covered(l.link)) continue;
    const Load by{cover, by_link_[cover]};
    if (by.coefficient == 0 || !tighter(by, l)) uncover(l.link);
  }
  for (const Load& l : loads) by_link_[l.link] = 0;
}

bool Paths::piece_crosses(std::uint32_t p, std::uint32_t link) const {
  const auto loads = piece(p);
  return std::any_of(loads.begin(), loads.end(), [&](const Load& l) { return l.link == link; });
}

std::size_t Paths::KeyHash::operator()(const Key& k) const {
  return hash_with(std::uint64_t{k.segment} << 32 | k.kernel, std::bit_cast<std::uint64_t>(k.share));
}

std::uint32_t Paths::piece_of(SegmentId segment, KernelId kernel, double share) {
  WEFT_CHECK(!kernel.valid() || kernel.value < kernels_.size(), "a transfer names a kernel that its program does not list");
  std::uint32_t* known = nullptr;
  if (share == 1) {
    auto& table = whole_[kernel.valid() ? kernel.value + 1 : 0];
    if (segment.value >= table.size()) table.resize(std::max<std::size_t>(segment.value + 1, table.size() * 2), no_piece);
    known = &table[segment.value];
  } else {
    known = &partial_.try_emplace({segment.value, kernel.value, share}, no_piece).first->second;
  }
  if (*known == no_piece) {
    scratch_.clear();
    expand(segment, kernel, share, scratch_);
    *known = add_piece(scratch_);
  }
  return *known;
}

void Paths::expand(SegmentId segment, KernelId kernel, double share, std::vector<Load>& out) {
  const std::size_t begin = out.size();
  for (const topology::Hop& hop : router_.segment(segment)) {
    const double coefficient = share * hop.share;
    if (coefficient <= 0) continue;
    const LinkId link = standing_for(hop.link);
    out.push_back({link.value, coefficient});
    if (!kernel.valid()) continue;
    const workloads::CommKernel& k = kernels_[kernel.value];
    switch (router_.fabric().link(hop.link).cable) {
      case topology::CableClass::endpoint:   // hop shares of the network count packet headers; a kernel's rate does not
        if (const auto limit = k.nic_limit(router_.fabric().link(hop.link).rate))
          out.push_back({virtual_link(link, kernel, *limit), coefficient * router_.fabric().transport(hop.link).wire_efficiency()});
        break;
      case topology::CableClass::nvlink:
        if (k.nvlink_rate) out.push_back({virtual_link(link, kernel, *k.nvlink_rate), coefficient});
        break;
      case topology::CableClass::pcie:
      case topology::CableClass::long_haul:
      case topology::CableClass::local: break;
    }
  }
  if (orbits_ != nullptr) out.resize(begin + add_up({out.data() + begin, out.size() - begin}));
  cover_links_of({out.data() + begin, out.size() - begin});
}

// Adds up the loads of each link, in order of the first of each; returns how many are left.
std::size_t Paths::add_up(std::span<Load> loads) {
  std::size_t n = 0;
  for (const Load& l : loads) {
    double& place = by_link_[l.link];   // 1 + where in loads it stands
    if (place == 0) {
      loads[n] = l;
      place = static_cast<double>(++n);
    } else {
      loads[static_cast<std::size_t>(place) - 1].coefficient += l.coefficient;
    }
  }
  for (std::size_t i = 0; i < n; ++i) by_link_[loads[i].link] = 0;
  return n;
}

std::uint32_t Paths::virtual_link(LinkId link, KernelId kernel, BytesPerSecond rate) {
  const auto [it, fresh] = virtual_.try_emplace(std::uint64_t{kernel.value} << 32 | link.value, link_count());
  if (fresh) {
    add_link(rate.value() * (orbits_ != nullptr ? orbits_->size[link.value] : 1));
    virtual_links_.push_back({link, kernel});
  }
  return it->second;
}

std::uint32_t Paths::add_piece(std::vector<Load>& loads) {
  const auto count = static_cast<std::uint32_t>(add_up(loads));
  std::uint32_t p = piece_count();
  if (free_pieces_.empty()) {
    pieces_.emplace_back();
  } else {
    p = free_pieces_.back();
    free_pieces_.pop_back();
  }
  pieces_[p] = {blocks_.take(count), count, 0};
  if (loads_.size() < blocks_.extent()) loads_.resize(std::max<std::size_t>(blocks_.extent(), loads_.size() * 3 / 2));
  std::copy_n(loads.begin(), count, loads_.begin() + pieces_[p].first);
  return p;
}

std::uint32_t Paths::add_passing_piece(std::vector<Load>& loads) {
  const std::uint32_t p = add_piece(loads);
  pieces_[p].users = 1;
  return p;
}

void Paths::forget(std::uint32_t p) {
  blocks_.give_back(pieces_[p].first, pieces_[p].count);
  pieces_[p] = {};
  free_pieces_.push_back(p);
}

}  // namespace weft::engine

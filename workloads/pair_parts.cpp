#include "workloads/pair_parts.h"

#include <algorithm>

namespace weft::workloads {
namespace {

bool counts(const Leg& l) { return l.from != l.to && l.share > 0; }

/// NICs of one node talk to each other over the network.
bool inside_a_node(const Leg& l) {
  return in_same_machine(l.from, l.to) && !(l.from.kind == Endpoint::Kind::nic && l.to.kind == Endpoint::Kind::nic);
}

/// Whether nothing branches: no endpoint sends or receives over two legs, so no port carries two of them.
bool is_chain(std::span<const Leg> legs) {
  for (std::size_t i = 0; i < legs.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (counts(legs[i]) && counts(legs[j]) && (legs[i].from == legs[j].from || legs[i].to == legs[j].to)) return false;
    }
  }
  return true;
}

/// What rounding leaves of shares that were meant to fill a stretch exactly.
constexpr double crumb = 1e-12;

}  // namespace

std::span<const PairParts::Part> PairParts::take_apart(std::span<const Leg> legs) {
  inside_.clear();
  network_.clear();
  parts_.clear();
  legs_.clear();
  double share = -1;
  bool alike = true;
  for (const Leg& l : legs) {
    if (!counts(l)) continue;
    if (share < 0) share = l.share;
    alike = alike && l.share == share;
    if (inside_a_node(l)) inside_.push_back({&l, l.share});
    else network_.push_back(&l);
  }
  if (alike && is_chain(legs)) {
    parts_.push_back({share < 0 ? 1 : share, 0, 0});
    for (const Leg& l : legs) {
      if (counts(l)) legs_.push_back({l.from, l.to, 1});
    }
    parts_.back().count = legs_.size();
    return parts_;
  }
  for (const Leg* net : network_) {
    lay(*net, true, before_);
    lay(*net, false, after_);
    std::size_t b = 0, a = 0;
    for (double at = 0; at < net->share;) {
      const double end = std::min(before_[b].end, after_[a].end);
      if (end > at) add(end - at, {before_[b].leg, net, after_[a].leg});
      at = end;
      if (before_[b].end <= at) ++b;
      if (after_[a].end <= at) ++a;
    }
  }
  for (const Rest& r : inside_) {
    if (r.left > 0) add(r.left, {r.leg});
  }
  return parts_;
}

// Fills `pieces` from 0 to the share of the network leg; nothing lies on the last piece when there is room left.
void PairParts::lay(const Leg& network, bool before, std::vector<Piece>& pieces) {
  pieces.clear();
  double at = 0;
  for (Rest& r : inside_) {
    if (at >= network.share) break;
    if (r.left <= 0 || (before ? r.leg->to != network.from : r.leg->from != network.to)) continue;
    double taken = std::min(r.left, network.share - at);
    if (r.left - taken <= crumb * r.leg->share) taken = r.left;
    at = network.share - at - taken <= crumb * network.share ? network.share : at + taken;
    r.left -= taken;
    pieces.push_back({r.leg, at});
  }
  if (at < network.share) pieces.push_back({nullptr, network.share});
}

void PairParts::add(double share, std::initializer_list<const Leg*> chain) {
  Part p{share, legs_.size(), 0};
  for (const Leg* l : chain) {
    if (l != nullptr) legs_.push_back({l->from, l->to, 1});
  }
  p.count = legs_.size() - p.first;
  parts_.push_back(p);
}

}  // namespace weft::workloads

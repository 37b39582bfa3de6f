#include "workloads/rails.h"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

namespace weft::workloads {

RailOptions read_rail_options(Parameters& p) {
  RailOptions o;
  const std::string policy = p.word("on_lost_nic", {"error", "neighbour", "rebalance"}, "error");
  if (policy == "neighbour") o.on_lost_nic = OnLostNic::neighbour;
  if (policy == "rebalance") o.on_lost_nic = OnLostNic::rebalance;
  o.weights = p.numbers("rail_weights", 0, 1e6);
  if (!o.weights.empty() && std::accumulate(o.weights.begin(), o.weights.end(), 0.0) <= 0)
    p.where().fail_at("rail_weights", "expected one weight above zero, got none");
  if (!o.weights.empty() && o.on_lost_nic == OnLostNic::neighbour)
    p.where().fail_at("rail_weights", "weights spread the bytes over all rails, a neighbour takes them alone",
                      "set on_lost_nic to \"rebalance\"");
  return o;
}

std::vector<ColumnDoc> rail_parameter_docs() {
  return {{"on_lost_nic",
           "when a NIC has no path to its rail: \"error\" (default), \"neighbour\" (the next NIC of the node carries "
           "both) or "
           "\"rebalance\" (all others share its bytes, reached over NVLink)"},
          {"rail_weights",
           "list of what each rail can carry, relative to the others: bytes are spread in proportion, through NVLink; "
           "default: all alike"}};
}

Rails::Rails(const ClusterView& cluster, std::uint32_t nodes, std::uint32_t rails, const RailOptions& options)
    : nodes_(nodes), rails_(rails) {
  if (!options.weights.empty() && options.weights.size() != rails)
    throw UserError("/rail_weights", fmt::format("{} weights for {} rails", options.weights.size(), rails),
                    "one for each NIC of a node");
  std::vector<std::vector<bool>> masks;
  for (std::uint32_t node = 0; node < nodes; ++node) {
    const std::vector<bool> alive = alive_rails(cluster, node);
    const auto lost = std::find(alive.begin(), alive.end(), false);
    if (lost != alive.end() && options.on_lost_nic == OnLostNic::error)
      throw UserError("/on_lost_nic",
                      fmt::format("NIC {} of node {} has no path to its rail", lost - alive.begin(), node),
                      "set on_lost_nic to \"rebalance\" or \"neighbour\" to use the node's other NICs");
    const auto known = std::find(masks.begin(), masks.end(), alive);
    mask_of_.push_back(static_cast<std::uint32_t>(known - masks.begin()));
    if (known == masks.end()) masks.push_back(alive);
  }
  index_plans(masks, options);
}

std::vector<bool> Rails::alive_rails(const ClusterView& cluster, std::uint32_t node) const {
  std::vector<bool> alive(rails_, nodes_ == 1);
  for (std::uint32_t rail = 0; rail < rails_; ++rail)
    for (std::uint32_t step = 1; step < nodes_ && !alive[rail]; ++step)
      alive[rail] = cluster.reachable(nic_at(node, rail), nic_at((node + step) % nodes_, rail));
  return alive;
}

void Rails::index_plans(const std::vector<std::vector<bool>>& masks, const RailOptions& options) {
  masks_ = masks.size();
  std::vector<std::vector<bool>> seen;
  for (const auto& a : masks)
    for (const auto& d : masks) {
      std::vector<bool> both(rails_);
      for (std::uint32_t k = 0; k < rails_; ++k) both[k] = a[k] && d[k];
      const auto known = std::find(seen.begin(), seen.end(), both);
      plan_of_.push_back(static_cast<std::uint32_t>(known - seen.begin()));
      if (known != seen.end()) continue;
      seen.push_back(both);
      plans_.push_back(make_plan(both, options));
      for (std::uint32_t k = 0; k < rails_; ++k) {
        const std::vector<Share>& by = plans_.back().carriers[k];
        keep_apart_ = keep_apart_ && by.size() == 1 && by[0].rail == k && by[0].share == 1;
      }
    }
}

Rails::Plan Rails::make_plan(const std::vector<bool>& alive, const RailOptions& options) const {
  std::vector<double> moved(rails_ * rails_, 0.0);  // [due][via]
  std::vector<double> weight(rails_);
  for (std::uint32_t k = 0; k < rails_; ++k)
    weight[k] = alive[k] ? (options.weights.empty() ? 1.0 : options.weights[k]) : 0.0;
  const double sum = std::accumulate(weight.begin(), weight.end(), 0.0);
  if (sum <= 0)
    throw UserError("/on_lost_nic", "two nodes of the job have no rail left in common",
                    "leave these nodes out of the job");
  if (options.on_lost_nic == OnLostNic::neighbour) {
    for (std::uint32_t due = 0; due < rails_; ++due) {
      std::uint32_t via = due;
      while (!alive[via]) via = (via + 1) % rails_;
      moved[due * rails_ + via] = 1;
    }
  } else {
    // Each rail is due 1 and bears rails * weight / sum; what it does not bear goes to those that bear more.
    std::vector<double> bears(rails_), spare(rails_);
    for (std::uint32_t k = 0; k < rails_; ++k)
      bears[k] = rails_ * weight[k] / sum, spare[k] = std::max(0.0, bears[k] - 1);
    const double spares = std::accumulate(spare.begin(), spare.end(), 0.0);
    for (std::uint32_t due = 0; due < rails_; ++due) {
      moved[due * rails_ + due] = std::min(1.0, bears[due]);
      for (std::uint32_t via = 0; via < rails_; ++via)
        if (spare[via] > 0 && bears[due] < 1) moved[due * rails_ + via] += (1 - bears[due]) * spare[via] / spares;
    }
  }
  Plan plan{std::vector<std::vector<Share>>(rails_), std::vector<std::vector<Share>>(rails_)};
  for (std::uint32_t due = 0; due < rails_; ++due)
    for (std::uint32_t via = 0; via < rails_; ++via)
      if (const double share = moved[due * rails_ + via]; share > 0) {
        plan.carriers[due].push_back({via, share});
        plan.carried[via].push_back({due, share});
      }
  return plan;
}

void Rails::append_legs(std::uint32_t a, std::uint32_t d, std::uint32_t rail, double share,
                        std::vector<Leg>& legs) const {
  for (const Share& way : carriers(a, d, rail)) {
    const double part = share * way.share;
    if (way.rail != rail) legs.push_back({gpu_at(a, rail), gpu_at(a, way.rail), part});
    legs.push_back({gpu_at(a, way.rail), gpu_at(d, way.rail), part});
    if (way.rail != rail) legs.push_back({gpu_at(d, way.rail), gpu_at(d, rail), part});
  }
}

}  // namespace weft::workloads

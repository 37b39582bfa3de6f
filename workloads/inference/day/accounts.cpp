#include "workloads/inference/day/accounts.h"

#include <algorithm>
#include <cmath>

#include "sim/core/error.h"
#include "workloads/inference/day/queue.h"

namespace weft::workloads::inference {
namespace {

constexpr double kSecondsOfHour = 3600;

void add(StageAccount& to, const StageAccount& later) {
  to.node_hours += later.node_hours;
  to.arrived += later.arrived;
  to.served += later.served;
  to.backlog = later.backlog;
  to.longest_wait_s = std::max(to.longest_wait_s, later.longest_wait_s);
  to.busy_hours += later.busy_hours;
  to.overloaded_h += later.overloaded_h;
  to.highest_load = std::max(to.highest_load, later.highest_load);
}

/// What `queue` did in its last pass, on so many nodes.
void note_pass(StageAccount& a, const FluidQueue& queue, double nodes, double hours) {
  StageAccount one;
  one.node_hours = nodes * hours;
  one.arrived = queue.arrived();
  one.served = queue.served();
  one.backlog = queue.backlog();
  one.longest_wait_s = queue.longest_wait();
  one.busy_hours = nodes * queue.busy_seconds() / kSecondsOfHour;
  one.overloaded_h = queue.grows() ? hours : 0;
  one.highest_load = queue.load();
  add(a, one);
}

double energy_of(const ProductionDay& d, const Account& a) {
  const auto joules = [&](const StageAccount& s, double part) {
    const double busy = s.node_hours > 0 ? s.busy_hours / s.node_hours : 0;
    return d.power.draw(d.gpus_per_node, part, busy).value() * s.node_hours * kSecondsOfHour;
  };
  return joules(a.prefill, d.power.prefill.value) + joules(a.decode, d.power.decode.value);
}

/// Plays spans of the day in which load and cells stay the same.
class Player {
 public:
  Player(const ProductionDay& day, const TokenRates& node_capacity, const StepCurve& cells)
      : day_(day), capacity_(node_capacity), cells_(cells), most_nodes_(day.cell.nodes(cells.highest())) {
    const TokenRates mean = day.mean_rates();
    const double level = day.load.value.mean();
    of_level_ = {mean.input / level, mean.output / level};
    output_per_input_ = mean.output / mean.input;
  }

  Account span(double from_h, double to_h, FirstOverload& first) {
    Account a;
    a.from_h = from_h;
    a.to_h = to_h;
    const double hours = to_h - from_h, cells = cells_.at(from_h);
    const double prefill_nodes = day_.cell.prefill_nodes(cells), decode_nodes = day_.cell.decode_nodes(cells);
    const auto out = prefill_.pass(of_level_.input * day_.load.value.at(from_h), capacity_.input * prefill_nodes, hours * kSecondsOfHour);
    note_pass(a.prefill, prefill_, prefill_nodes, hours);
    if (prefill_.grows() && first.prefill_h < 0) first.prefill_h = from_h;
    double at_h = from_h;
    for (const OutFlow& piece : out) {
      decode_.pass(piece.rate * output_per_input_, capacity_.output * decode_nodes, piece.seconds);
      note_pass(a.decode, decode_, decode_nodes, piece.seconds / kSecondsOfHour);
      if (decode_.grows() && first.decode_h < 0) first.decode_h = at_h;
      at_h += piece.seconds / kSecondsOfHour;
    }
    a.freed_node_hours = (most_nodes_ - prefill_nodes - decode_nodes) * hours;
    a.energy_J = energy_of(day_, a);
    return a;
  }

 private:
  const ProductionDay& day_;
  TokenRates capacity_, of_level_;
  const StepCurve& cells_;
  double most_nodes_, output_per_input_ = 0;
  FluidQueue prefill_, decode_;
};

StepCurve cells_over(const ProductionDay& day, const TokenRates& node_capacity, const FollowRule& rule) {
  if (!day.nodes) {
    WEFT_CHECK(std::isfinite(node_capacity.input) && std::isfinite(node_capacity.output), "cells that follow the load need capacities");
    const TokenRates mean = day.mean_rates();
    const double level = day.load.value.mean();
    return follow_load(day.cell, day.load.value, {mean.input / level, mean.output / level}, node_capacity, rule);
  }
  StepCurve cells = day.nodes->value;
  for (double& level : cells.levels) level = *day.cell.cells_of(level);
  return cells;
}

}  // namespace

void Account::add(const Account& later) {
  to_h = later.to_h;
  inference::add(prefill, later.prefill);
  inference::add(decode, later.decode);
  freed_node_hours += later.freed_node_hours;
  energy_J += later.energy_J;
}

DayAccounts accounts_of(const ProductionDay& day, const TokenRates& node_capacity, const FollowRule& rule) {
  DayAccounts all;
  all.cells = cells_over(day, node_capacity, rule);
  Player player(day, node_capacity, all.cells);
  const std::vector<double> edges = common_edges({&day.load.value, &all.cells});
  for (std::size_t i = 0; i + 1 < edges.size(); ++i) {
    const Account span = player.span(edges[i], edges[i + 1], all.first);
    const bool new_hour = span.from_h == std::floor(span.from_h);
    if (new_hour) all.hours.push_back(span);
    else all.hours.back().add(span);
    if (i == 0) all.day = span;
    else all.day.add(span);
  }
  return all;
}

Money money_of(const ProductionDay& day, const Account& a) {
  constexpr double kMillion = 1e6;
  Money m;
  m.cost = day.gpu_price.value * (a.node_hours() * day.gpus_per_node);
  const double input_millions = a.prefill.served / kMillion;
  m.income = day.cached_price.value * (input_millions * day.cached_share()) + day.input_price.value * (input_millions * (1 - day.cached_share())) +
             day.output_price.value * (a.decode.served / kMillion);
  return m;
}

CacheTraffic cache_traffic(const ProductionDay& day, const Account& a, Bytes kv_per_token) {
  const double seconds = a.hours() * kSecondsOfHour;
  const auto rate = [&](double tokens) { return BytesPerSecond(kv_per_token.value() * tokens / seconds); };
  return {rate(a.prefill.served * day.cached_share()), rate(a.prefill.served * (1 - day.cached_share()) + a.decode.served), rate(a.prefill.served)};
}

}  // namespace weft::workloads::inference

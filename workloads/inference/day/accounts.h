// The accounts of a day: hour by hour what came, what was worked through and waited, on how many nodes, for which money and energy.
#pragma once

#include <limits>
#include <vector>

#include "workloads/inference/day/cells.h"
#include "workloads/inference/day/production_day.h"

namespace weft::workloads::inference {

/// Of one stage in some time.
struct StageAccount {
  double node_hours = 0;
  double arrived = 0, served = 0;   ///< tokens: into prefill, out of decode
  double backlog = 0;               ///< tokens at the end
  double longest_wait_s = 0;
  double busy_hours = 0;            ///< node-hours at full speed
  double overloaded_h = 0;          ///< time in which more comes than can be done
  double highest_load = 0;          ///< what comes over what can be done, at the worst
};

struct Account {
  double from_h = 0, to_h = 0;
  StageAccount prefill, decode;
  double freed_node_hours = 0;      ///< below the most nodes of the day
  double energy_J = 0;

  double hours() const { return to_h - from_h; }
  double node_hours() const { return prefill.node_hours + decode.node_hours; }
  void add(const Account& later);
};

/// Where a queue began to grow for the first time; both -1: nowhere.
struct FirstOverload {
  double prefill_h = -1, decode_h = -1;
};

struct DayAccounts {
  StepCurve cells;                  ///< over the day
  std::vector<Account> hours;       ///< 24
  Account day;
  FirstOverload first;
};

/// `node_capacity`: tokens a second of a node; infinite: nothing waits, and nodes draw power as if they always worked. Work that prefill
/// finishes becomes output in the day's proportion of output to input. Queues begin empty. Without nodes of its own the day's cells follow the load by `rule`,
/// which needs finite capacities.
DayAccounts accounts_of(const ProductionDay& day, const TokenRates& node_capacity, const FollowRule& rule);

inline constexpr TokenRates kNoLimit{std::numeric_limits<double>::infinity(), std::numeric_limits<double>::infinity()};

/// Money of an account.
struct Money {
  Dollars cost, income;
  double margin_pct() const { return 100 * ((income - cost) / cost); }   ///< profit in parts of the cost
};
Money money_of(const ProductionDay& day, const Account& account);

/// Traffic of keys and values at these tokens in so many seconds.
struct CacheTraffic {
  BytesPerSecond read;       ///< from disk: prefix hits
  BytesPerSecond write;      ///< to disk: misses and output, nothing left out
  BytesPerSecond transfer;   ///< from prefill to decode nodes: whole prompts
};
CacheTraffic cache_traffic(const ProductionDay& day, const Account& account, Bytes kv_per_token);

}  // namespace weft::workloads::inference

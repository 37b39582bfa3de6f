#include "workloads/moe/balance_question.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "workloads/moe/expert_loads.h"

namespace weft::workloads::moe {
namespace {

constexpr const char* kPolicies[] = {"none", "random", "global", "hierarchical", "eplb", "together"};
constexpr const char* kPopularities[] = {"uniform", "lognormal", "zipf"};
constexpr double kMostSpread = 10;   // e^10 = 22,000 times as popular; far above anything seen, and nothing overflows
constexpr double kMostUneven = 1e6;   // more than any number of GPUs
constexpr int kAges = 8;

/// Loads, popularity and drift of the object at `balance`.
void read_object(JsonReader& r, BalanceQuestion& q, Json& resolved) {
  if (r.has("loads")) {
    LoadsReading how;
    how.experts = q.experts;
    resolved["loads"] = r.string("loads");
    if (r.has("half_life")) how.half_life = r.number("half_life", 1e-9, 1e9), resolved["half_life"] = *how.half_life;
    for (const char* made : {"popularity", "sigma", "exponent"}) {
      if (r.has(made)) r.fail_at(made, "recorded loads have a popularity of their own", "leave it out, or \"loads\"");
    }
    try {
      q.recorded = std::make_shared<const ExpertLoads>(read_expert_loads(resolved["loads"].get<std::string>(), how).loads);
    } catch (const UserError& e) {
      for (const Problem& p : e.problems()) r.fail_at("loads", fmt::format("{}{}{}: {}", p.file, p.place.empty() ? "" : ": ", p.place, p.message), p.hint);
    }
  } else {
    if (r.has("half_life")) r.fail_at("half_life", "weighs the steps of recorded loads", "it goes with \"loads\"");
    const std::string kind = r.one_of("popularity", {std::begin(kPopularities), std::end(kPopularities)}, "lognormal");
    q.popularity.kind = static_cast<PopularityKind>(std::find(std::begin(kPopularities), std::end(kPopularities), kind) - std::begin(kPopularities));
    resolved["popularity"] = kind;
    const auto spread = [&](const char* key, PopularityKind of, double& value) {
      if (q.popularity.kind == of) value = r.number_or(key, value, 0, kMostSpread), resolved[key] = value;
      else if (r.has(key)) r.fail_at(key, fmt::format("says nothing of a {} popularity", kind), "leave it out");
    };
    spread("sigma", PopularityKind::lognormal, q.popularity.sigma);
    spread("exponent", PopularityKind::zipf, q.popularity.exponent);
  }
  const std::string policy = r.one_of("policy", placement_policy_names(), "eplb");
  if (const auto names = placement_policy_names(); std::find(names.begin(), names.end(), policy) != names.end()) q.policy = placement_policy(policy);
  resolved["policy"] = policy;
  q.drift = r.number_or("drift", q.drift, 0, kMostSpread);
  resolved["drift"] = q.drift;
  q.drift_time = r.quantity_or<Seconds>("drift_time", q.drift_time);
  resolved["drift_time"] = fmt::format("{} s", q.drift_time.value());
  if (r.has("rebalance_period")) {
    q.rebalance_period = r.quantity<Seconds>("rebalance_period");
    resolved["rebalance_period"] = fmt::format("{} s", q.rebalance_period->value());
  }
  const double oldest = q.rebalance_period ? q.rebalance_period->value() : q.drift_time.value();
  if (q.drift_time.value() > 0 && q.drift * std::sqrt(oldest / q.drift_time.value()) > kMostSpread) {
    r.fail_at("drift", fmt::format("popularity would change by e^{:.3g} until a placement is made anew", q.drift * std::sqrt(oldest / q.drift_time.value())),
              fmt::format("at most e^{:g}: less drift, a longer drift_time or a shorter rebalance_period", kMostSpread));
  }
  r.done();
}

std::uint32_t nodes_of(std::uint32_t ep, std::uint32_t gpus_per_node) {
  if (ep == 0 || gpus_per_node == 0) throw UserError("/ep", "expected at least one GPU", "");
  if (ep <= gpus_per_node) return 1;
  if (ep % gpus_per_node != 0) throw UserError("/ep", fmt::format("{} GPUs are no whole nodes of {}", ep, gpus_per_node), fmt::format("a multiple of {}", gpus_per_node));
  return ep / gpus_per_node;
}

/// Mean of a number over the layers.
template <class Of>
double mean_of_layers(const ExpertLoads& loads, Of of) {
  double sum = 0;
  for (std::uint32_t l = 0; l < loads.layers; ++l) sum += of(l);
  return sum / loads.layers;
}

/// Of one GPU that has `most`, and the others alike.
std::vector<double> shares_of(double most, std::uint32_t gpus) {
  std::vector<double> shares(gpus, gpus > 1 ? (gpus - most) / (gpus - 1) : 1);
  shares[0] = most;
  return shares;
}

BalanceResult fixed_balance(double most, std::uint32_t ep) {
  if (most > ep) throw UserError("/balance", fmt::format("one GPU of {} has at most {} times the mean", ep, ep), "a smaller number");
  BalanceResult r;
  r.gpus = {most, most};
  r.expert_max_over_mean = most;
  r.shares = shares_of(most, ep);
  return r;
}

/// Of the layer whose imbalance is nearest to `mean`.
std::vector<double> typical_shares(const ExpertLoads& loads, const ExpertPlacement& placement, double mean) {
  const std::vector<double> all = gpu_loads(loads, placement), layers = max_over_means(all, placement.gpus);
  std::size_t nearest = 0;
  for (std::size_t l = 1; l < layers.size(); ++l) {
    if (std::abs(layers[l] - mean) < std::abs(layers[nearest] - mean)) nearest = l;
  }
  std::vector<double> shares(all.begin() + static_cast<std::ptrdiff_t>(nearest * placement.gpus), all.begin() + static_cast<std::ptrdiff_t>((nearest + 1) * placement.gpus));
  const double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
  for (double& s : shares) s = sum > 0 ? s / sum * placement.gpus : 1;
  return shares;
}

}  // namespace

std::string to_text(PlacementPolicy policy) { return kPolicies[static_cast<int>(policy)]; }
std::vector<std::string> placement_policy_names() { return {std::begin(kPolicies), std::end(kPolicies)}; }
PlacementPolicy placement_policy(const std::string& name) {
  const auto at = std::find(std::begin(kPolicies), std::end(kPolicies), name);
  WEFT_CHECK(at != std::end(kPolicies), name);
  return static_cast<PlacementPolicy>(at - std::begin(kPolicies));
}

BalanceQuestion read_balance(Parameters& p, const std::string& key, std::uint32_t experts, std::uint32_t groups) {
  BalanceQuestion q;
  q.experts = experts;
  q.groups = groups;
  Json resolved = Json::object();
  if (!p.where().has(key) || (p.where().at(key).is_string() && p.where().at(key).value() == "even")) {
    q.fixed = 1;
  } else if (JsonReader r = p.where().at(key); r.is_number()) {
    q.fixed = r.as_number(1, kMostUneven);
  } else if (r.is_object() && r.has("max_over_mean")) {
    q.fixed = r.number("max_over_mean", 1, kMostUneven);
    r.done();
  } else if (r.is_object()) {
    read_object(r, q, resolved);
  } else {
    r.fail("expected \"even\", how much the fullest GPU has over the mean, or an object", "such as 1.15, or {\"popularity\": \"lognormal\", \"policy\": \"eplb\"}");
  }
  if (q.fixed) resolved["max_over_mean"] = *q.fixed;
  p.remember(key, std::move(resolved));
  return q;
}

std::vector<ColumnDoc> balance_parameter_docs(const std::string& key) {
  return {{key, "how evenly experts' work falls on GPUs: \"even\", the fullest GPU's over the mean (1.15), or an object; default \"even\", as in DeepSeek's profiles"},
          {key + "/popularity", "uniform, lognormal (default) or zipf"},
          {key + "/sigma", "lognormal: sigma of the logarithm; default 0.6, of the one layer with published loads (sglang#5524)"},
          {key + "/exponent", "zipf: rank^-exponent; default 0.5, which has the same Gini as that layer (0.33)"},
          {key + "/loads", "a file of recorded loads in place of these (formats: workloads/moe/README.md)"},
          {key + "/half_life", "of recorded steps, in steps: older ones weigh less; default: all alike"},
          {key + "/policy", "where copies lie: none (in order, and in order again), random, global, hierarchical, eplb (default: hierarchical where groups divide over nodes, else global), together (popular ones side by side, copies of the least popular)"},
          {key + "/drift", "sigma of the logarithm of the factor by which an expert's load changes in drift_time; default 0. Nobody has published it"},
          {key + "/drift_time", "default \"1 h\"; drift grows as the square root of time"},
          {key + "/rebalance_period", "placements are made anew so often, and their mean age counts; default: placements are drift_time old"}};
}

ExpertLoads loads_for(const BalanceQuestion& q, std::uint32_t layers, std::uint64_t seed) {
  return q.recorded ? *q.recorded : loads_of(q.popularity, layers, q.experts, seed);
}

double drift_at(const BalanceQuestion& q, Seconds age) { return q.drift * std::sqrt(age / q.drift_time); }

ExpertPlacement placement_for(const BalanceQuestion& q, const ExpertLoads& loads, std::uint32_t ep, std::uint32_t gpus_per_node, std::uint32_t redundant,
                              std::uint64_t seed) {
  const std::uint32_t nodes = nodes_of(ep, gpus_per_node), slots = q.experts + redundant;
  if (slots % ep != 0) {
    throw UserError("/redundant", fmt::format("{} experts and {} redundant copies do not divide over {} GPUs", q.experts, redundant, ep),
                    fmt::format("{} copies would do", (q.experts + ep - 1) / ep * ep - q.experts));
  }
  if (q.policy == PlacementPolicy::none) return in_order(loads.layers, q.experts, slots, ep);
  if (q.policy == PlacementPolicy::random) return at_random(loads.layers, q.experts, slots, ep, seed);
  if (q.policy == PlacementPolicy::together) return popular_together(loads, slots, ep);
  if (q.policy == PlacementPolicy::hierarchical && q.groups % nodes != 0) {
    throw UserError("/balance/policy", fmt::format("{} groups of experts do not divide over {} nodes", q.groups, nodes), "\"eplb\" then takes the global policy");
  }
  const EplbPolicy policy = q.policy == PlacementPolicy::eplb ? EplbPolicy::by_shape
                            : q.policy == PlacementPolicy::global ? EplbPolicy::global : EplbPolicy::hierarchical;
  return rebalance(loads, {slots, q.groups, nodes, ep}, policy).experts;
}

Imbalance imbalance_over(const BalanceQuestion& q, const ExpertLoads& loads, const ExpertPlacement& placement, Seconds period, std::uint64_t seed) {
  if (q.drift == 0) return imbalance_of(loads, placement);
  Imbalance all{0, 1};
  for (int i = 0; i < kAges; ++i) {
    const Imbalance now = imbalance_of(drifted(loads, drift_at(q, period * ((i + 0.5) / kAges)), seed), placement);
    all.mean += now.mean / kAges;
    all.worst = std::max(all.worst, now.worst);
  }
  return all;
}

BalanceResult balance_of(const BalanceQuestion& q, std::uint32_t ep, std::uint32_t gpus_per_node, std::uint32_t redundant, std::uint32_t layers, std::uint64_t seed) {
  const std::uint32_t nodes = nodes_of(ep, gpus_per_node);
  if (q.fixed) return fixed_balance(*q.fixed, ep);
  const ExpertLoads loads = loads_for(q, std::max(1u, layers), seed);
  const ExpertPlacement placement = placement_for(q, loads, ep, gpus_per_node, redundant, seed);
  BalanceResult r;
  const Seconds age = q.rebalance_period ? *q.rebalance_period * 0.5 : q.drift_time;
  const ExpertLoads now = drifted(loads, drift_at(q, age), seed);
  r.gpus = q.rebalance_period ? imbalance_over(q, loads, placement, *q.rebalance_period, seed) : imbalance_of(now, placement);
  r.expert_max_over_mean = mean_of_layers(loads, [&](std::uint32_t l) { return max_over_mean(loads.of_layer(l)); });
  r.gini = mean_of_layers(loads, [&](std::uint32_t l) { return gini(loads.of_layer(l)); });
  r.hottest_copies = mean_of_layers(loads, [&](std::uint32_t l) {
    const auto first = placement.copies.begin() + static_cast<std::ptrdiff_t>(std::size_t{l} * placement.experts);
    return static_cast<double>(*std::max_element(first, first + placement.experts));
  });
  r.most_copies = *std::max_element(placement.copies.begin(), placement.copies.end());
  r.groups_stay = q.policy == PlacementPolicy::hierarchical || (q.policy == PlacementPolicy::eplb && q.groups % nodes == 0);
  r.shares = typical_shares(now, placement, r.gpus.mean);
  return r;
}

}  // namespace weft::workloads::moe

// Every NIC sends to one other at line rate: what routing makes of it, seen in the first allocation of rates.
#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "sim/core/random.h"
#include "workloads/basic_workload.h"
#include "workloads/rails.h"
#include "workloads/static_program.h"

namespace weft::workloads {
namespace {

using Nics = std::vector<Endpoint>;

/// A random permutation of 0..n-1 that sends every NIC to another leaf: a shuffle, then swaps of the pairs that stayed.
std::vector<std::uint32_t> cross_leaf_permutation(const std::vector<std::uint32_t>& leaf, Draws& draws) {
  const auto n = static_cast<std::uint32_t>(leaf.size());
  std::vector<std::uint32_t> to(n);
  std::iota(to.begin(), to.end(), 0u);
  for (std::uint32_t i = n - 1; i > 0; --i) std::swap(to[i], to[draws.below(i + 1)]);
  for (std::uint32_t i = 0; i < n; ++i)
    for (int tries = 0; leaf[to[i]] == leaf[i]; ++tries) {
      if (tries == 100000)
        throw UserError("/pattern", "too many NICs hang on one leaf to send each to another leaf",
                        "use more nodes or a shift");
      const auto j = static_cast<std::uint32_t>(draws.below(n));
      if (leaf[to[j]] != leaf[i] && leaf[to[i]] != leaf[j]) std::swap(to[i], to[j]);
    }
  return to;
}

struct Plan {
  std::vector<Nics> sets;                          ///< NICs that are permuted among themselves
  std::vector<std::vector<std::uint32_t>> leaves;  ///< of each
  bool random = true;
  std::uint32_t by = 1;
  std::uint64_t seed = 0;
};

std::unique_ptr<StaticProgram> permutation_program(const Plan& plan, std::size_t trial) {
  auto program = std::make_unique<StaticProgram>();
  StaticProgram::TransferOptions options;
  for (std::size_t s = 0; s < plan.sets.size(); ++s) {
    const Nics& nics = plan.sets[s];
    std::vector<std::uint32_t> to(nics.size());
    for (std::uint32_t i = 0; i < nics.size(); ++i) to[i] = (i + plan.by) % nics.size();
    if (plan.random) {
      Draws draws(plan.seed, "permutation", trial, s);
      to = cross_leaf_permutation(plan.leaves[s], draws);
    }
    for (std::uint32_t i = 0; i < nics.size(); ++i) {
      const Leg leg{nics[i], nics[to[i]], 1};
      options.flow_key = hash_with(hash_with(mix64(trial), s), i);
      program->add_transfer(Bytes(1 << 30), std::span(&leg, 1), options);
    }
  }
  return program;
}

void fill(BytesPerSecond nic_rate, std::span<const Outcome> outcomes, Row& row) {
  double mean = 0, min = 0, slowdown = 0;
  for (const Outcome& o : outcomes) {
    double sum = 0, least = o.first_rate.front() / nic_rate, slowest = o.first_slowest.front() / nic_rate;
    for (const BytesPerSecond r : o.first_rate) sum += r / nic_rate, least = std::min(least, r / nic_rate);
    for (const BytesPerSecond r : o.first_slowest) slowest = std::min(slowest, r / nic_rate);
    mean += sum / static_cast<double>(o.first_rate.size());
    min += least;
    slowdown += 1 / slowest;
  }
  const auto trials = static_cast<double>(outcomes.size());
  row.set("mean_rate_GBps", gigabytes_per_second(nic_rate * (mean / trials))).set("mean_share", mean / trials);
  row.set("min_share", min / trials).set("slowest_sub_flow_slowdown", slowdown / trials);
}

class PermutationWorkload final : public BasicWorkload {
 public:
  PermutationWorkload(const Parameters& p, bool random, bool across_rails, std::int64_t gpus, std::int64_t by,
              std::int64_t trials)
      : BasicWorkload(p),
        random_(random),
        across_rails_(across_rails),
        gpus_(gpus),
        by_(by),
        trials_(trials),
        seed_(p.seed()) {}

  std::vector<Case> cases(const ClusterView& cluster) const override {
    Plan plan = plan_of(cluster);
    if (across_rails_ && cluster.placement.gpus_per_node() > 1 &&
        !cluster.reachable(plan.sets[0].front(), nic_at(1, 1)))
      throw UserError("/across_rails", "NIC 0 of node 0 has no path to NIC 1 of node 1: planes of an MPFT do not meet",
                      "set across_rails to false");
    Case c;
    c.labels.set("pattern", std::string(random_ ? "random" : "shift"))
        .set("nics", static_cast<std::int64_t>(plan.sets.size() * plan.sets[0].size()));
    c.labels.set("trials", trials_);
    c.trials = static_cast<std::size_t>(trials_);
    c.observe = Observe::first_rates;
    c.program = [plan = std::move(plan)](std::size_t trial) -> std::unique_ptr<Program> {
      return permutation_program(plan, trial);
    };
    c.fill = [rate = cluster.nic_rate](std::span<const Outcome> outcomes, Row& row) { fill(rate, outcomes, row); };
    return {c};
  }

 private:
  Plan plan_of(const ClusterView& cluster) const {
    const std::uint32_t rails = cluster.placement.gpus_per_node();
    const std::int64_t gpus = gpus_ == 0 ? cluster.placement.ranks() : gpus_;
    require_gpus(cluster, gpus, "/gpus");
    const auto nodes = static_cast<std::uint32_t>(gpus / rails);
    if (nodes < 2) throw UserError("/gpus", "a permutation needs two nodes", "ask for more GPUs");
    WEFT_CHECK(static_cast<bool>(cluster.attached_switch), "a permutation across leaves needs to know the leaves");
    Plan plan;
    plan.random = random_;
    plan.by = static_cast<std::uint32_t>(by_);
    plan.seed = seed_;
    plan.sets.resize(across_rails_ ? 1 : rails);
    plan.leaves.resize(plan.sets.size());
    for (std::uint32_t a = 0; a < nodes; ++a)
      for (std::uint32_t k = 0; k < rails; ++k) {
        const std::size_t s = across_rails_ ? 0 : k;
        plan.sets[s].push_back(nic_at(a, k));
        plan.leaves[s].push_back(cluster.attached_switch(nic_at(a, k)));
      }
    if (!random_ && by_ % static_cast<std::int64_t>(plan.sets[0].size()) == 0)
      throw UserError("/by", fmt::format("a shift by {} of {} NICs goes nowhere", by_, plan.sets[0].size()),
                      "choose another distance");
    return plan;
  }

  bool random_, across_rails_;
  std::int64_t gpus_, by_, trials_;
  std::uint64_t seed_;
};

}  // namespace

WorkloadKind permutation_kind() {
  WorkloadKind k;
  k.name = "permutation";
  k.title = "permutation of the NICs";
  k.summary =
      "Every NIC sends to exactly one other without end; the first max-min allocation shows what routing costs. Random "
      "permutations "
      "send every NIC to another leaf. Sub-flows (queue pairs) of a connection share its NIC without limits of their "
      "own.";
  k.parameters = {{"pattern", "\"random\" (default) or \"shift\""},
                  {"by", "distance of the shift, in NICs of a set; default 1"},
                  {"across_rails", "false (default): each rail is permuted by itself; true: all NICs together"},
                  {"gpus", "number of GPUs, whole nodes; default: the whole cluster"},
                  {"trials", "permutations (and ECMP hashes) drawn, averaged; default 10"}};
  k.columns = {
      {"pattern", "random or shift"},
      {"nics", "NICs that send, and receive"},
      {"trials", "runs averaged"},
      {"mean_rate_GBps", "rate of a NIC, mean"},
      {"mean_share", "rate of a NIC over its wire rate, mean"},
      {"min_share", "slowest NIC's rate over its wire rate, mean over trials"},
      {"slowest_sub_flow_slowdown",
       "wire rate over the rate that a NIC has if it waits for its slowest sub-flow; worst NIC, mean over trials"}};
  k.read = [](JsonReader& where, const WorkloadContext& context) -> std::unique_ptr<Workload> {
    Parameters p(where, context);
    const bool random = p.word("pattern", {"random", "shift"}, "random") == "random";
    const std::int64_t by = p.integer("by", 1, 1, 1u << 30);
    const bool across = p.boolean("across_rails", false);
    const std::int64_t gpus = p.integer("gpus", 0, 0), trials = p.integer("trials", 10, 1, 100000);
    return std::make_unique<PermutationWorkload>(p, random, across, gpus, by, trials);
  };
  return k;
}

}  // namespace weft::workloads

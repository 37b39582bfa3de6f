#include "workloads/moe/moe_parameters.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "workloads/basic_workload.h"
#include "workloads/moe/token_format.h"

namespace weft::workloads::moe {

namespace {

/// Selections that each rank strikes out: DeepEP's test takes 10, a rank with fewer selections keeps one.
std::int64_t read_masked(Parameters& p, const MoeParameters& m, bool tokens_are_good) {
  const std::int64_t most = m.tokens * m.topk - 1;
  const std::int64_t masked = p.integer("masked", std::min<std::int64_t>(10, most), 0);
  if (tokens_are_good && masked > most)
    p.where().fail_at("masked", fmt::format("{} selections to strike out, but a rank has {} tokens * {} experts = {} selections",
                                            masked, m.tokens, m.topk, most + 1),
                      fmt::format("at most {}: one has to be left", most));
  return std::min(masked, most);
}

}  // namespace

MoeParameters read_moe_parameters(Parameters& p, const MoeDefaults& defaults) {
  MoeParameters m;
  const std::size_t before = p.where().problems().list().size();
  m.ep = p.integers("ep", {}, 2);
  m.tokens = p.integer("tokens", defaults.tokens, 1, 1u << 20);
  m.hidden = p.integer("hidden", 7168, 1, 1u << 24);
  m.topk = p.integer("topk", 8, 1, 1024);
  m.experts_up_to = defaults.experts_up_to;
  m.experts = p.integer("experts", 0, 0, 1u << 20);
  m.rule = gate_rule(p.word("gate", gate_rule_names(), "deepep_test"));
  m.groups = p.integer("n_groups", 0, 0, 1u << 20);
  m.chosen_groups = p.integer("topk_groups", 0, 0, 1u << 20);
  if (defaults.masks) m.masked = read_masked(p, m, p.where().problems().list().size() == before);
  m.sampled = p.word("draw", {"sampled", "expected"}, defaults.draw) == "sampled";
  m.seed = p.seed();
  return m;
}

std::vector<ColumnDoc> moe_parameter_docs(const MoeDefaults& defaults) {
  std::vector<ColumnDoc> docs = {
      {"ep", "number of ranks (GPUs) or a list (due); whole nodes, from node 0"},
      {"tokens", fmt::format("tokens of each rank; default {}", defaults.tokens)},
      {"hidden", "hidden size; default 7168"},
      {"topk", "experts of a token; default 8"},
      {"experts",
       fmt::format("number of experts, a multiple of ep; default 0: the largest one up to {}", defaults.experts_up_to)},
      {"gate",
       "\"deepep_test\" (default; groups are nodes, min(nodes, 4) of them by best score), \"v3\" (8 groups, 4 by the "
       "sum of their "
       "two best) or \"unrestricted\""},
      {"n_groups", "groups of experts; default 0: as the gate says"},
      {"topk_groups", "groups that a token may use; default 0: as the gate says"}};
  if (defaults.masks)
    docs.push_back(
        {"masked", "selections of each rank that are struck out at random, fewer than tokens * topk; default 10, as in DeepEP's "
                   "test, or all but one where a rank has no more than 10"});
  docs.push_back(
      {"draw",
       fmt::format("\"sampled\": every token draws its experts; \"expected\": all ranks get the mean; default \"{}\"",
                   defaults.draw)});
  return docs;
}

namespace {

Gate gate_for(const MoeParameters& m, std::uint32_t ranks, std::uint32_t nodes) {
  const std::int64_t experts = m.experts != 0 ? m.experts : m.experts_up_to / ranks * ranks;
  if (experts == 0 || experts % ranks != 0)
    throw UserError(
        "/experts",
        fmt::format("{} experts do not divide over {} ranks", experts == 0 ? m.experts_up_to : experts, ranks),
        fmt::format("a multiple of {} would do", ranks));
  Gate g;
  g.rule = m.rule;
  g.experts = static_cast<std::uint32_t>(experts);
  g.topk = static_cast<std::uint32_t>(m.topk);
  if (m.rule == GateRule::deepep_test) g.groups = nodes, g.chosen_groups = std::min(nodes, 4u);
  if (m.rule == GateRule::unrestricted) g.groups = 1, g.chosen_groups = 1;
  if (m.groups != 0)
    g.groups = static_cast<std::uint32_t>(m.groups), g.chosen_groups = std::min(g.chosen_groups, g.groups);
  if (m.chosen_groups != 0) g.chosen_groups = static_cast<std::uint32_t>(m.chosen_groups);
  if (g.experts % g.groups != 0)
    throw UserError("/n_groups", fmt::format("{} experts do not divide into {} groups", g.experts, g.groups),
                    "choose a divisor of the experts");
  if (g.chosen_groups > g.groups)
    throw UserError("/topk_groups", fmt::format("{} of {} groups", g.chosen_groups, g.groups),
                    "at most all groups can be chosen");
  if (g.topk > g.chosen_groups * g.group_size())
    throw UserError(
        "/topk", fmt::format("top-{} of the {} experts that a token may use", g.topk, g.chosen_groups * g.group_size()),
        "more experts or groups, or a smaller topk");
  return g;
}

}  // namespace

RoutingTable routing_for(const MoeParameters& m, std::size_t i, const ClusterView& cluster) {
  require_gpus(cluster, m.ep[i], fmt::format("/ep/{}", i));
  Group group;
  group.ranks = static_cast<std::uint32_t>(m.ep[i]);
  group.per_node = std::min(group.ranks, cluster.placement.gpus_per_node());
  group.tokens = static_cast<std::uint32_t>(m.tokens);
  group.masked = static_cast<std::uint32_t>(m.masked);
  const Gate gate = gate_for(m, group.ranks, group.nodes());
  return m.sampled ? sample_routing(gate, group, m.seed) : expected_routing(gate, group, m.seed);
}

Bytes fp8_copy_on_wire(std::int64_t hidden, std::int64_t topk) {
  const double whole = token_format("fp8").copy(hidden).value() + 8 + 8.0 * static_cast<double>(topk);
  return Bytes(16 * std::ceil(whole / 16));
}

}  // namespace weft::workloads::moe

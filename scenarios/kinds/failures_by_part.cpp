// What a job loses with each kind of part of the network: played on the engine with parts failed, for each way to do without a lost NIC.
#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "scenarios/analysis_kind.h"
#include "scenarios/failures/network_losses.h"

namespace weft::scenarios {
namespace {

/// What changes by less nobody would call slower.
constexpr double kUnchanged = 1.001;

struct PartsQuestion {
  std::vector<std::string> parts;      ///< empty: all that the cluster has
  std::vector<LostNic> policies;
  std::vector<std::int64_t> lost;      ///< how many parts of the kind at once
  PlayedTraffic traffic;
  DataPlaces data;
  Json resolved;
};

const char* job_of(const NetworkLoss& loss) {
  if (loss.job_lost) return "lost";
  if (loss.nodes_cut > 0) return "stops";
  if (!loss.why_not.empty()) return "unknown";
  return std::max(loss.uniform.value_or(1), loss.shift.value_or(1)) > kUnchanged ? "slower" : "unchanged";
}

class FailuresByPart final : public Analysis {
 public:
  explicit FailuresByPart(PartsQuestion q) : q_(std::move(q)) {}

  std::vector<Row> rows(const Cluster& cluster) const override {
    NetworkLosses losses(cluster, q_.data, q_.traffic);
    std::vector<Row> rows;
    for (const NetworkParts& parts : network_parts(cluster)) {
      const std::string part = models::to_text(parts.part);
      if (!q_.parts.empty() && std::find(q_.parts.begin(), q_.parts.end(), part) == q_.parts.end()) continue;
      for (const std::int64_t lost : q_.lost) {
        const std::vector<std::size_t> which = parts.working(cluster.fabric(), static_cast<std::size_t>(lost));
        if (which.size() < static_cast<std::size_t>(lost)) continue;
        for (const LostNic policy : q_.policies) rows.push_back(row_of(losses, parts, which, policy));
      }
    }
    return rows;
  }

  std::vector<std::string> notes(const Cluster&) const override {
    return {"each row is a run of the engine with the first part (or parts) of the kind failed, over one with nothing failed but what is from the start: rail-aligned traffic of the whole cluster at line rate. "
            "With \"rebalance\" the bytes of a lost NIC are spread over the node's others, and rails with fewer cables left get less",
            "a job stops where nodes are cut off: it can start again without them. It is lost where no two nodes reach each other"};
  }
  Json resolved() const override { return q_.resolved; }

 private:
  static Row row_of(NetworkLosses& losses, const NetworkParts& parts, const std::vector<std::size_t>& lost, LostNic policy) {
    std::vector<std::string> names;
    for (const std::size_t i : lost) names.insert(names.end(), parts.names[i].begin(), parts.names[i].end());
    const NetworkLoss loss = losses.without(names, policy);
    Row r;
    r.set("part", models::to_text(parts.part)).set("lost", static_cast<std::int64_t>(lost.size())).set("on_lost_nic", lost_nic_words()[static_cast<std::size_t>(policy)]);
    r.set("parts", static_cast<std::int64_t>(parts.count())).set("first", parts.called(lost.front()));
    r.set("job", job_of(loss));
    if (loss.why_not.empty()) r.set("survives", loss.survives());
    else r.set("why_unknown", loss.why_not);
    r.set("nodes_cut", loss.nodes_cut).set("nodes_slowed", loss.nodes_slowed);
    if (loss.uniform) r.set("uniform_slowdown", *loss.uniform);
    if (loss.shift) r.set("shift_slowdown", *loss.shift);
    return r;
  }

  PartsQuestion q_;
};

/// A word or a list of words out of `known`.
std::vector<std::string> words(JsonReader& where, const char* key, const std::vector<std::string>& known, std::vector<std::string> fallback) {
  if (!where.has(key)) return fallback;
  JsonReader at = where.at(key);
  std::vector<JsonReader> items = at.is_array() ? at.items() : std::vector<JsonReader>{at};
  if (items.empty()) at.fail("the list is empty");
  std::vector<std::string> all;
  for (const JsonReader& item : items) {
    all.push_back(item.as_string());
    if (item.is_string() && std::find(known.begin(), known.end(), all.back()) == known.end()) {
      item.fail(fmt::format("unknown word \"{}\"", all.back()), unknown_name_hint(all.back(), known));
    } else if (std::find(all.begin(), all.end() - 1, all.back()) != all.end() - 1) {
      item.fail(fmt::format("\"{}\" stands twice in the list", all.back()), "name each once: two rows of one name cannot be told apart");
    }
  }
  return all;
}

std::unique_ptr<Analysis> read_parts(JsonReader& where, const AnalysisContext& context) {
  static const std::vector<std::string> kParts = {"nic", "nic_link", "link", "leaf", "spine", "core", "plane"};
  const std::size_t before = where.problems().list().size();
  PartsQuestion q{.data = context.data};
  q.parts = words(where, "parts", kParts, {});
  const auto policies = words(where, "on_lost_nic", lost_nic_words(), {"error", "neighbour", "rebalance"});
  const auto traffic = words(where, "traffic", {"uniform", "shift"}, {"uniform", "shift"});
  const auto plays = [&](const char* word) { return std::find(traffic.begin(), traffic.end(), word) != traffic.end(); };
  q.traffic = {plays("uniform"), plays("shift")};
  if (!where.has("lost")) q.lost = {1};
  else if (JsonReader at = where.at("lost"); !at.is_array()) q.lost = {at.as_integer(1, 1'000'000)};
  else for (const JsonReader& item : at.items()) {
    q.lost.push_back(item.as_integer(1, 1'000'000));
    if (std::find(q.lost.begin(), q.lost.end() - 1, q.lost.back()) != q.lost.end() - 1) item.fail(fmt::format("{} stands twice in the list", q.lost.back()), "name each once");
  }
  if (q.lost.empty()) where.fail_at("lost", "the list is empty");
  if (where.problems().list().size() != before) return nullptr;
  for (const std::string& word : policies) {
    q.policies.push_back(static_cast<LostNic>(std::find(lost_nic_words().begin(), lost_nic_words().end(), word) - lost_nic_words().begin()));
  }
  q.resolved = {{"on_lost_nic", policies}, {"traffic", traffic}, {"lost", q.lost}};
  if (!q.parts.empty()) q.resolved["parts"] = q.parts;
  return std::make_unique<FailuresByPart>(std::move(q));
}

}  // namespace

AnalysisKind analysis_failures_by_part() {
  AnalysisKind k;
  k.name = "failures_by_part";
  k.title = "What a job loses with each part of the network";
  k.summary = "A row for each kind of part and each way to do without a lost NIC: whether the job survives, how many nodes are cut off or lose a NIC, and how much longer an all-to-all "
              "of the whole cluster and a shift across leaves take. A plane is all switches that cables join: one of several in an MPFT, elsewhere the whole network.";
  k.found_by = "traffic played on the engine with parts failed";
  k.parameters = {{"parts", "nic, nic_link, link (between switches), leaf, spine, core, plane: one or a list; default: all that the cluster has"},
                  {"on_lost_nic", "\"error\", \"neighbour\" (the next NIC of the node carries both), \"rebalance\" (the others share): one or a list; default: all three"},
                  {"traffic", "\"uniform\" (an all-to-all of the whole cluster; costly to play above 2,048 GPUs), \"shift\", or a list; default: both"},
                  {"lost", "parts of the kind that fail at once, one number or a list; default 1"}};
  k.label_columns = {{"part", "what fails"}, {"lost", "how many of them"}, {"on_lost_nic", "what a GPU does whose NIC has no path"}};
  k.columns = {{"parts", "how many the cluster has"},
               {"first", "which one failed; of several the first", true},
               {"job", "unchanged, slower, stops (nodes are cut off), lost (no two nodes reach each other) or unknown (the traffic could not be played)"},
               {"why_unknown", "why it could not be played"},
               {"survives", "whether the job goes on"},
               {"nodes_cut", "nodes that can take no part any more: all outside the largest group that is connected"},
               {"nodes_slowed", "nodes that have lost a NIC and go on"},
               {"uniform_slowdown", "time of an all-to-all over that with nothing lost"},
               {"shift_slowdown", "the same of a shift across leaves"}};
  k.read = read_parts;
  return k;
}

}  // namespace weft::scenarios

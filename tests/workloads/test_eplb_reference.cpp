// EPLB against the reference files: checks C092 to C094 and all records of reference/eplb.json.
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <map>

#include <nlohmann/json.hpp>

#include "sim/core/json.h"
#include "workloads/moe/eplb.h"

using namespace weft;
using namespace weft::workloads::moe;

namespace {

Json reference(const char* file) {
  const char* folder = std::getenv("WEFT_REFERENCE");
  const std::filesystem::path path = std::filesystem::path(folder == nullptr ? "" : folder) / file;
  if (!std::filesystem::exists(path)) std::exit(77);
  return read_json_file(path.string());
}

ExpertLoads loads_in(const Json& weight) {
  ExpertLoads l{static_cast<std::uint32_t>(weight.size()), static_cast<std::uint32_t>(weight[0].size()), {}};
  for (const Json& row : weight) {
    for (const Json& w : row) l.load.push_back(w.get<double>());
  }
  return l;
}

EplbShape shape_in(const Json& record) {
  return {record["num_replicas"].get<std::uint32_t>(), record["num_groups"].get<std::uint32_t>(), record["num_nodes"].get<std::uint32_t>(), record["num_gpus"].get<std::uint32_t>()};
}

template <class T>
Json rows_of(const std::vector<T>& flat, std::size_t width) {
  Json rows = Json::array();
  for (std::size_t at = 0; at < flat.size(); at += width) rows.push_back(std::vector<T>(flat.begin() + static_cast<std::ptrdiff_t>(at), flat.begin() + static_cast<std::ptrdiff_t>(at + width)));
  return rows;
}

}  // namespace

TEST_CASE("C092, C093 and C094 are met exactly") {
  std::map<std::string, Json> checks;
  for (const Json& c : reference("spec/compute_checks.json")) checks[c["id"].get<std::string>()] = c;
  const Json& example = checks["C092"];
  const ExpertLoads loads = loads_in(example["inputs"]["weight"]);
  const EplbPlacement p = rebalance(loads, shape_in(example["inputs"]));
  CHECK(rows_of(p.experts.expert_of_slot, 16) == example["expected"]);
  const Json got = rows_of(gpu_loads(loads, p.experts), 8);
  for (std::size_t l = 0; l < 2; ++l) {
    for (std::size_t g = 0; g < 8; ++g) CHECK(got[l][g].get<double>() == doctest::Approx(checks["C093"]["expected"][l][g].get<double>()).epsilon(1e-9));
  }
  const Json& global = checks["C094"];
  const EplbPlacement q = rebalance(loads_in(global["inputs"]["weight"]), shape_in(global["inputs"]));
  CHECK(!q.hierarchical);
  CHECK(rows_of(q.experts.expert_of_slot, 16) == global["expected"]["phy2log"]);
  CHECK(rows_of(q.experts.copies, 12) == global["expected"]["logcnt"]);
}

TEST_CASE("the records of reference/eplb.json are met: placements, replica ranks, log2phy, counts, loads, balancedness") {
  std::map<std::string, Json> records;
  const Json file = reference("reference/eplb.json");
  for (const Json& r : file["records"]) records[r["id"].get<std::string>()] = r;
  const Json& input = records["example/input"];
  const ExpertLoads loads = loads_in(input["weight"]);
  const EplbPlacement p = rebalance(loads, shape_in(input));
  CHECK(rows_of(p.experts.expert_of_slot, 16) == records["example/output"]["phy2log"]);
  const std::uint32_t most = p.most_copies();
  const Json slots = rows_of(p.slots_of_experts(), std::size_t{12} * most);
  for (std::uint32_t l = 0; l < 2; ++l) {
    const Json& due = records["example/derived"]["layers"][l];
    CHECK(rows_of(p.experts.expert_of_slot, 16)[l] == due["phy2log"]);
    CHECK(rows_of(p.replica_of_slot, 16)[l] == due["replica_rank"]);
    CHECK(rows_of(p.experts.copies, 12)[l] == due["logcnt"]);
    CHECK(rows_of(slots[l].get<std::vector<std::int32_t>>(), most) == due["log2phy"]);
    const std::vector<double> of_gpus = gpu_loads(loads, p.experts);
    for (std::size_t g = 0; g < 8; ++g) CHECK(of_gpus[l * 8 + g] == doctest::Approx(due["gpu_loads"][g].get<double>()).epsilon(1e-12));
    CHECK(1 / max_over_means(of_gpus, 8)[l] == doctest::Approx(due["balancedness_mean_over_max"].get<double>()).epsilon(1e-12));
  }
  EplbShape three = shape_in(input);
  three.groups = 3;   // 3 % 2 != 0
  const EplbPlacement global = rebalance(loads, three);
  for (std::uint32_t l = 0; l < 2; ++l) {
    const Json& due = records["example/global_policy"]["layers"][l];
    CHECK(rows_of(global.experts.expert_of_slot, 16)[l] == due["phy2log"]);
    CHECK(rows_of(global.experts.copies, 12)[l] == due["logcnt"]);
    for (std::size_t g = 0; g < 8; ++g) CHECK(gpu_loads(loads, global.experts)[l * 8 + g] == doctest::Approx(due["gpu_loads"][g].get<double>()).epsilon(1e-12));
  }
}

// weft eplb LOADS: places experts and redundant copies by EPLB, shows how even the GPUs get, and writes the placement for an engine.
#include <algorithm>
#include <numeric>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/cli/app.h"
#include "sim/core/error.h"
#include "workloads/moe/eplb.h"
#include "workloads/moe/expert_loads.h"

namespace weft::cli {
namespace {

using namespace workloads::moe;

struct Options {
  Common common;
  std::string file, placement, policy = "eplb";
  LoadsReading reading;
  EplbShape shape;
};

/// "[1, 2, 3]".
template <class T>
std::string list_text(const T* first, std::size_t n) {
  return fmt::format("[{}]", fmt::join(first, first + n, ", "));
}

/// A line a layer, as text: as JSON values a large placement would take gigabytes.
template <class Line>
std::string layers_text(std::uint32_t layers, Line line) {
  std::string text = "[";
  for (std::uint32_t l = 0; l < layers; ++l) text += (l > 0 ? ",\n    " : "\n    ") + line(l);
  return text + "\n  ]";
}

/// What EPLB's rebalance_experts returns, as JSON.
std::string placement_json(const EplbPlacement& p) {
  const ExpertPlacement& e = p.experts;
  const std::size_t most = p.most_copies();
  constexpr std::size_t kMostNumbers = 100'000'000;
  if (std::size_t{e.layers} * e.experts * most > kMostNumbers) {
    throw UserError("--replicas", fmt::format("one expert has {} copies: log2phy of {} layers and {} experts, padded to that, would be too long to write", most, e.layers, e.experts),
                    "without --placement and --json the balance alone is shown");
  }
  const std::vector<std::int32_t> slots = p.slots_of_experts();
  const auto log2phy = [&](std::uint32_t l) {
    std::string text = "[";
    for (std::uint32_t x = 0; x < e.experts; ++x) text += (x > 0 ? ", " : "") + list_text(&slots[(std::size_t{l} * e.experts + x) * most], most);
    return text + "]";
  };
  return fmt::format("{{\n  \"layers\": {}, \"experts\": {}, \"replicas\": {}, \"gpus\": {}, \"policy\": \"{}\",\n", e.layers, e.experts, e.slots, e.gpus,
                     p.hierarchical ? "hierarchical" : "global") +
         "  \"phy2log\": " + layers_text(e.layers, [&](std::uint32_t l) { return list_text(&e.expert_of_slot[std::size_t{l} * e.slots], e.slots); }) +
         ",\n  \"log2phy\": " + layers_text(e.layers, log2phy) +
         ",\n  \"expert_count\": " + layers_text(e.layers, [&](std::uint32_t l) { return list_text(&e.copies[std::size_t{l} * e.experts], e.experts); }) + "\n}\n";
}

reports::Table layers_table(const ExpertLoads& loads, const EplbPlacement& p) {
  const ExpertPlacement& e = p.experts;
  reports::Table t;
  t.id = "layers";
  t.title = fmt::format("{} experts on {} slots of {} GPUs, {} policy", e.experts, e.slots, e.gpus, p.hierarchical ? "hierarchical" : "global");
  t.columns = {{"layer", "in the order of the file"},
               {"expert_max_over_mean", "most popular expert over the mean"},
               {"before_max_over_mean", "fullest GPU over the mean with experts in order (and in order again where there are more slots)"},
               {"max_over_mean", "the same as placed"},
               {"balancedness", "mean over fullest as placed"},
               {"hottest_expert", "the expert with most copies"},
               {"hottest_copies", "how many"}};
  const std::vector<double> before = max_over_means(gpu_loads(loads, in_order(e.layers, e.experts, e.slots, e.gpus)), e.gpus);
  const std::vector<double> after = max_over_means(gpu_loads(loads, e), e.gpus);
  for (std::uint32_t l = 0; l < e.layers; ++l) {
    const auto copies = std::span(e.copies).subspan(std::size_t{l} * e.experts, e.experts);
    const auto hottest = std::max_element(copies.begin(), copies.end(), [&](const std::uint32_t& a, const std::uint32_t& b) {   // of several the most popular
      return a != b ? a < b : loads.at(l, static_cast<std::uint32_t>(&a - copies.data())) < loads.at(l, static_cast<std::uint32_t>(&b - copies.data()));
    });
    Row r;
    r.set("layer", std::int64_t{l}).set("expert_max_over_mean", max_over_mean(loads.of_layer(l))).set("before_max_over_mean", before[l]);
    r.set("max_over_mean", after[l]).set("balancedness", 1 / after[l]).set("hottest_expert", static_cast<std::int64_t>(hottest - copies.begin()));
    t.rows.push_back(std::move(r.set("hottest_copies", std::int64_t{*hottest})));
  }
  return t;
}

/// Means over the layers, in words.
std::string summary(const reports::Table& t) {
  const auto mean = [&](const char* column) {
    double sum = 0;
    for (const Row& r : t.rows) sum += r.number(column);
    return sum / static_cast<double>(t.rows.size());
  };
  return fmt::format("mean over {} layers: fullest GPU over the mean {:.4f} before, {:.4f} as placed; balancedness {:.4f}", t.rows.size(), mean("before_max_over_mean"),
                     mean("max_over_mean"), mean("balancedness"));
}

void place(const Options& o) {
  check_output(o.common);
  if (!o.placement.empty()) {
    Common other;
    other.format = "json";
    other.output = o.placement;
    check_output(other);
    const bool same = o.placement != "-" ? o.placement == o.common.output : o.common.output.empty() || o.common.output == "-";
    if (same) throw UserError("--placement", "the result goes to the same place", "-o FILE for one of them; --json holds both");
  }
  const RecordedLoads recorded = read_expert_loads(o.file, o.reading);
  const EplbPolicy policy = o.policy == "hierarchical" ? EplbPolicy::hierarchical : o.policy == "global" ? EplbPolicy::global : EplbPolicy::by_shape;
  const EplbPlacement placed = rebalance(recorded.loads, o.shape, policy);
  reports::Listing listing;
  listing.tables.push_back(layers_table(recorded.loads, placed));
  listing.notes = {"loads: " + recorded.format, summary(listing.tables[0])};
  for (const std::string& n : recorded.notes) listing.notes.push_back(n);
  if (!o.placement.empty()) {
    Common other = o.common;
    other.output = o.placement;
    emit_text(placement_json(placed), other);
  }
  if (format_of(o.common) != "json") return emit(listing, o.common);
  std::string text = reports::render(listing, "json", {});   // the placement goes in before its closing brace
  text.resize(text.rfind('}'));
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  emit_text(text + ",\n  \"placement\": " + placement_json(placed) + "}\n", o.common);
}

}  // namespace

void add_eplb(CLI::App& app) {
  auto o = std::make_shared<Options>();
  CLI::App* sub = app.add_subcommand("eplb", "place experts and redundant copies on GPUs by their loads, as DeepSeek's EPLB does");
  sub->footer("Loads, recognised by shape: [layers][experts] numbers; {\"logical_count\": [steps][layers][experts]}, what SGLang records; [tokens][layers][k] ids of\n"
              "the experts that tokens chose (with --experts); CSV with the columns layer,... or token,layer,...\n"
              "--placement (or --json, under \"placement\") writes phy2log, log2phy and expert_count, the three results of EPLB's rebalance_experts.\n"
              "\nExamples:\n  weft eplb loads.json --replicas 288 --groups 8 --nodes 18 --gpus 144\n  weft eplb loads.json --replicas 288 --groups 8 --nodes 4 --gpus 32 --placement placement.json\n"
              "  weft eplb topk.csv --experts 256 --replicas 320 --groups 8 --nodes 40 --gpus 320 -o balance.csv\n"
              "  weft eplb - --half-life 4 --replicas 288 --groups 8 --nodes 18 --gpus 144 --json < recorded.json");
  sub->add_option("LOADS", o->file, "recorded loads, JSON or CSV; - is standard input")->required();
  const auto count = [&](const char* name, std::uint32_t& to, const char* text) { sub->add_option(name, to, text)->required()->check(CLI::Range(1, 65536))->type_name("N"); };
  count("--replicas", o->shape.replicas, "physical experts: slots of all GPUs together, redundant ones included");
  count("--groups", o->shape.groups, "groups of experts, as the gate has them (DeepSeek-V3: 8)");
  count("--nodes", o->shape.nodes, "nodes of the group of GPUs");
  count("--gpus", o->shape.gpus, "GPUs of all these nodes together");
  sub->add_option("--experts", o->reading.experts, "experts of a layer; due where LOADS has expert ids")->check(CLI::Range(1, 65536))->type_name("N");
  sub->add_option("--half-life", o->reading.half_life, "of recorded steps: a step that many steps before the last counts half (default: all alike)")->type_name("STEPS");
  sub->add_option("--policy", o->policy, "eplb (hierarchical where groups divide over nodes, else global), hierarchical or global")
      ->check(CLI::IsMember({"eplb", "hierarchical", "global"}))->capture_default_str();
  sub->add_option("--placement", o->placement, "write the placement to FILE as JSON; - is stdout")->type_name("FILE");
  add_common(*sub, o->common);
  sub->callback([o] { place(*o); });
}

}  // namespace weft::cli

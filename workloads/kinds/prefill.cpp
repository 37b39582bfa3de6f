// Prefill on a unit of GPUs: a pass over prompts with every exchange on the network.
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "workloads/inference/layer_workload.h"

namespace weft::workloads {
namespace {

using namespace inference;

struct PrefillParameters {
  std::vector<std::int64_t> prompt;
  std::int64_t tokens = 0;
  double cached = 0;   ///< part of each prompt
};

class Prefill final : public LayerWorkload {
 public:
  Prefill(const Parameters& p, LayerSetup setup, PrefillParameters q, std::uint32_t periods, bool check_memory)
      : LayerWorkload(p, std::move(setup), periods, check_memory), q_(std::move(q)) {}

 private:
  std::vector<LayerCase> layer_cases() const override {
    std::vector<LayerCase> all;
    for (std::size_t i = 0; i < q_.prompt.size(); ++i) {
      const double prompt = static_cast<double>(q_.prompt[i]), cached = std::floor(prompt * q_.cached), fresh = prompt - cached;
      const double tokens = static_cast<double>(q_.tokens) * setup()->deployment.tp, prompts = tokens / fresh;
      LayerCase c;
      label_unit(*setup(), c.labels);
      c.labels.set("prompt", q_.prompt[i]).set("tokens_per_gpu", q_.tokens);
      c.setup = setup();
      if (q_.cached > 0) c.labels.set("cached", static_cast<std::int64_t>(cached));
      PrefillLoad load;
      load.tokens = tokens;
      load.pairs = prompts * (fresh * cached + fresh * (fresh + 1) / 2);
      load.cached = prompts * cached;
      load.prompts = prompts;
      c.batch = micro_batch_of(*c.setup, load);
      c.held_tokens = prompts * prompt;
      c.context = prompt;
      c.add_rates = [per_gpu = static_cast<double>(q_.tokens), prompt, fresh](Seconds pass, Seconds, std::uint32_t per_node, Row& row) {
        const double rate = per_gpu / pass.value();
        row.set("tokens_per_s_gpu", rate).set("tokens_per_s_node", rate * per_node);
        if (fresh < prompt) row.set("prompt_tokens_per_s_node", rate * per_node * prompt / fresh);
      };
      c.place = "/tokens_per_gpu";
      all.push_back(std::move(c));
    }
    return all;
  }

  PrefillParameters q_;
};

}  // namespace

WorkloadKind prefill_kind() {
  WorkloadKind k;
  k.name = "prefill";
  k.title = "Prefill";
  k.summary = "A pass of a unit over prompts: attention by groups of GPUs, experts over all of them. Some layers are played on the engine with their exchanges; two "
              "micro-batches hide these behind each other's kernels. One row a length of prompts.";
  k.parameters = layer_parameter_docs(Stage::prefill);
  k.parameters.push_back({"prompt", "tokens of each prompt, one number or a list; default 4096"});
  k.parameters.push_back({"tokens_per_gpu", "new tokens of a GPU in a pass, of all micro-batches; default 16384"});
  k.parameters.push_back({"cached", "part of each prompt that comes from the prefix cache; default 0"});
  for (ColumnDoc& d : layer_case_parameter_docs()) k.parameters.push_back(std::move(d));
  k.columns = layer_column_docs(Stage::prefill);
  std::vector<ColumnDoc> labels = unit_label_docs();
  for (const ColumnDoc& d : std::vector<ColumnDoc>{{"prompt", "tokens of a prompt"}, {"tokens_per_gpu", "new tokens of a GPU in a pass"}, {"cached", "tokens of a prompt from the prefix cache"}}) {
    labels.push_back(d);
  }
  k.columns.insert(k.columns.begin(), labels.begin(), labels.end());
  for (const ColumnDoc& d : std::vector<ColumnDoc>{
           {"tokens_per_s_gpu", "new tokens of a GPU"},
           {"tokens_per_s_node", "new tokens of a node"},
           {"prompt_tokens_per_s_node", "those from the cache counted too"}})
    k.columns.push_back(d);
  for (const ColumnDoc& d : memory_column_docs()) k.columns.push_back(d);
  k.read = [](JsonReader& where, const WorkloadContext& context) -> std::unique_ptr<Workload> {
    Parameters p(where, context);
    PrefillParameters q;
    q.prompt = p.integers("prompt", {4096}, 1);
    q.tokens = p.integer("tokens_per_gpu", 16384, 1, 1 << 24);
    q.cached = where.number_or("cached", 0, 0, 0.9999);
    p.remember("cached", Json(q.cached));
    const auto periods = static_cast<std::uint32_t>(p.integer("layers", 4, 2, 1000));
    const bool check = p.boolean("check_memory", true);
    auto setup = read_layer_setup(p, context, Stage::prefill);
    if (!setup) return nullptr;
    require_lengths(where, "prompt", q.prompt, setup->model);
    return std::make_unique<Prefill>(p, std::move(*setup), std::move(q), periods, check);
  };
  return k;
}

}  // namespace weft::workloads

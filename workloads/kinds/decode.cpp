// Decoding on a unit of GPUs: a step of continuous batching with every exchange on the network, and what users see of it.
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "workloads/inference/layer_workload.h"
#include "workloads/inference/mtp.h"

namespace weft::workloads {
namespace {

using namespace inference;

struct DecodeParameters {
  std::vector<std::int64_t> requests, context;
  double acceptance = 0;
};

void add_rates(const Deployment& d, double requests, double acceptance, Seconds step, Seconds without, std::uint32_t per_node, Row& row) {
  const double tokens = mtp_tokens(d.mtp, acceptance), rate = requests * tokens / step.value() / d.tp;   // of a GPU
  row.set("tpot_ms", step.value() * 1e3 / tokens).set("user_tokens_per_s", tokens / step.value());
  row.set("tokens_per_s_gpu", rate).set("tokens_per_s_node", rate * per_node);
  if (d.mtp == 0) return;
  const double cost = step / without;
  row.set("tokens_per_step", tokens).set("mtp_cost", cost).set("mtp_speedup", tokens / cost).set("mtp_pays", tokens > cost);
  if (const auto least = mtp_break_even(d.mtp, cost)) row.set("mtp_break_even", *least);
}

class Decode final : public LayerWorkload {
 public:
  Decode(const Parameters& p, LayerSetup setup, DecodeParameters d, std::uint32_t periods, bool check_memory)
      : LayerWorkload(p, std::move(setup), periods, check_memory), d_(std::move(d)) {}

 private:
  std::vector<LayerCase> layer_cases() const override {
    std::vector<LayerCase> all;
    for (std::size_t i = 0; i < d_.requests.size(); ++i) {
      for (const std::int64_t context : d_.context) {
        const auto requests = static_cast<double>(d_.requests[i]), each = static_cast<double>(context);
        LayerCase c;
        label_unit(*setup(), c.labels);
        c.labels.set("requests", d_.requests[i]).set("context", context);
        c.setup = requests > 1 ? setup() : undivided(*setup());
        c.batch = micro_batch_of(*c.setup, DecodeLoad{requests, requests * each});
        c.held_tokens = requests * each;
        c.context = each;
        c.add_rates = [d = setup()->deployment, requests, acceptance = d_.acceptance](Seconds step, Seconds without, std::uint32_t per_node, Row& row) {
          add_rates(d, requests, acceptance, step, without, per_node, row);
        };
        c.place = fmt::format("/requests/{}", i);
        all.push_back(std::move(c));
      }
    }
    return all;
  }

  DecodeParameters d_;
};

}  // namespace

WorkloadKind decode_kind() {
  WorkloadKind k;
  k.name = "decode";
  k.title = "Decode";
  k.summary = "A step of a unit that decodes: attention by groups of GPUs, experts over all of them. Some layers are played on the engine with their exchanges; two "
              "micro-batches hide these behind each other's kernels. One row a number of requests and length.";
  k.parameters = layer_parameter_docs(Stage::decode);
  k.parameters.push_back({"requests", "of a group of GPUs (with tp 1: of a GPU) in a step, one number or a list; default 128"});
  k.parameters.push_back({"context", "tokens of each in the cache, one number or a list; default 4096"});
  k.parameters.push_back({"acceptance", "with mtp: part of first draft tokens that are accepted; default 0.85 (arXiv:2505.09343 2.3.3: 80-90 %)"});
  for (ColumnDoc& d : layer_case_parameter_docs()) k.parameters.push_back(std::move(d));
  k.columns = layer_column_docs(Stage::decode);
  std::vector<ColumnDoc> labels = unit_label_docs();
  labels.push_back({"requests", "of a group (with tp 1: of a GPU); a single one makes one micro-batch"});
  labels.push_back({"context", "tokens of a request in the cache"});
  k.columns.insert(k.columns.begin(), labels.begin(), labels.end());
  for (const ColumnDoc& d : std::vector<ColumnDoc>{
           {"tpot_ms", "time per output token of a user: a step over its tokens"},
           {"user_tokens_per_s", "what a user sees"},
           {"tokens_per_s_gpu", "output tokens of a GPU"},
           {"tokens_per_s_node", "output tokens of a node"},
           {"tokens_per_step", "tokens of a request in a step: one, and the drafts that are accepted"},
           {"mtp_cost", "a step with drafts over one without, at the same batch"},
           {"mtp_speedup", "tokens of a step over its cost: of latency and throughput alike"},
           {"mtp_pays", "whether that is above one"},
           {"mtp_break_even", "acceptance at which drafts neither help nor hurt (none when even 1 is too little)"}})
    k.columns.push_back(d);
  for (const ColumnDoc& d : memory_column_docs()) k.columns.push_back(d);
  k.read = [](JsonReader& where, const WorkloadContext& context) -> std::unique_ptr<Workload> {
    Parameters p(where, context);
    DecodeParameters d;
    d.requests = p.integers("requests", {128}, 1);
    d.context = p.integers("context", {4096}, 1);
    const auto periods = static_cast<std::uint32_t>(p.integer("layers", 4, 2, 1000));
    const bool check = p.boolean("check_memory", true);
    d.acceptance = where.number_or("acceptance", kAcceptance, 0, 1);
    auto setup = read_layer_setup(p, context, Stage::decode);
    if (!setup) return nullptr;
    require_lengths(where, "context", d.context, setup->model);
    require_at_most(where, "requests", d.requests, kMostRequests);
    if (setup->deployment.mtp > 0) p.remember("acceptance", Json(d.acceptance));
    else if (where.has("acceptance")) where.fail_at("acceptance", "no draft tokens are made", "\"mtp\": 1");
    return std::make_unique<Decode>(p, std::move(*setup), std::move(d), periods, check);
  };
  return k;
}

}  // namespace weft::workloads

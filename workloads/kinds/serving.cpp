// A stream of requests served by units of prefill and units of decode, request by request.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "workloads/basic_workload.h"
#include "workloads/inference/serving/reading.h"
#include "workloads/inference/serving/serving_program.h"

namespace weft::workloads {
namespace {

using namespace inference;
using namespace inference::serving;

/// What it means that a token takes more bytes in the cache of one stage than in that of the other; empty: it does not.
std::string unlike_caches(const ServingSetup& s) {
  const Bytes prefill = s.prefill.unit.kv_per_token, decode = s.decode.unit.kv_per_token;
  if (prefill == decode) return {};
  std::string text = fmt::format("a token has {:.0f} B in the cache of prefill and {:.0f} B in that of decode; the larger is moved", prefill.value(), decode.value());
  if (prefill < decode && s.decode.unit.drafts > s.prefill.unit.drafts) {
    text += "; prefill does not fill the cache of decode's MTP module: give prefill \"mtp\" too (beside \"times\": \"kv_per_token\")";
  }
  return text;
}

class Serving final : public BasicWorkload {
 public:
  Serving(const Parameters& p, ServingInput in) : BasicWorkload(p), in_(std::move(in)) {}

  std::vector<Case> cases(const ClusterView& cluster) const override {
    const auto setup = prepare_serving(in_, cluster);
    const auto told = told_;
    // Each program that is made has metrics of its own; rows are those of the last.
    const auto metrics = std::make_shared<std::shared_ptr<ServingMetrics>>();
    Case c;
    c.labels.set("part", std::string("all"));
    c.program = [setup, metrics](std::size_t) {
      *metrics = std::make_shared<ServingMetrics>(*setup);
      return std::make_unique<ServingProgram>(setup, *metrics);
    };
    c.bound_program = [setup](std::size_t) { return until_last_arrival(*setup); };
    c.fill = [metrics, told](std::span<const Outcome>, Row& row) {
      const Row all = (*metrics)->summary();
      for (const auto& [name, cell] : all.cells()) row.set(name, cell);
      *told = (*metrics)->warnings();
    };
    c.more_rows = [metrics](std::span<const Outcome>) {
      std::vector<Row> rows;
      for (const Row& r : (*metrics)->series()) {
        rows.emplace_back().set("part", std::string("interval"));
        for (const auto& [name, cell] : r.cells()) rows.back().set(name, cell);
      }
      return rows;
    };
    return {c};
  }

  std::vector<ConstantUsed> constants() const override {
    std::vector<ConstantUsed> all = BasicWorkload::constants();
    for (auto more : {in_.constants, in_.prefill->constants(), in_.decode->constants(), in_.requests->constants()}) all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  std::vector<std::string> notes() const override {
    std::vector<std::string> all = {
        "the first token of an answer is told once its cache has come to the decode unit; percentiles are of the requests that ended, the least value that as many do not exceed",
        "bound_us is the last arrival: a server cannot end before it",
        "passes and steps take what the stage's model says; transfers of caches share the network with each other, not with the exchanges inside passes and steps"};
    for (auto more : {in_.prefill->notes(), in_.decode->notes(), in_.requests->notes()}) all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  std::vector<std::string> warnings() const override {
    std::vector<std::string> all = *told_;
    if (std::string text = unlike_caches(in_.setup); !text.empty()) all.push_back(std::move(text));
    for (auto more : {in_.prefill->warnings(), in_.decode->warnings()}) all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  const models::CostModel* cost_model() const override {
    return in_.decode->cost_model() != nullptr ? in_.decode->cost_model() : in_.prefill->cost_model();
  }

 private:
  ServingInput in_;
  std::shared_ptr<std::vector<std::string>> told_ = std::make_shared<std::vector<std::string>>();   // by the run
};

}  // namespace

WorkloadKind serving_kind() {
  WorkloadKind k;
  k.name = "serving";
  k.title = "Serving requests";
  k.summary = "Requests come one after the other, are prefilled by some units of GPUs, go over the network and are decoded by others, with batches that they join and leave at every "
              "step. One row for all of it, then one an interval: latencies, rates, use of units and memory, queues.";
  k.parameters = serving_parameter_docs();
  k.columns = serving_column_docs();
  k.read = [](JsonReader& where, const WorkloadContext& context) -> std::unique_ptr<Workload> {
    Parameters p(where, context);
    auto in = read_serving(p, context);
    if (!in) return nullptr;
    return std::make_unique<Serving>(p, std::move(*in));
  };
  return k;
}

}  // namespace weft::workloads

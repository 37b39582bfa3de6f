// A stage whose unit and times are worked out: from a language model, its deployment, kernel models and exchanges on the cluster.
#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "workloads/inference/layer_times.h"
#include "workloads/inference/stage_model.h"

namespace weft::workloads::inference {
namespace {

constexpr std::int64_t kGpusPerNode = 8;

class LlmStage final : public StageModel {
 public:
  LlmStage(const Parameters& p, LayerSetup setup, std::uint32_t gpus_per_node)
      : setup_(std::make_shared<const LayerSetup>(std::move(setup))), gpus_per_node_(gpus_per_node), resolved_(p.resolved()), constants_(p.constants()) {}

  Unit unit() const override { return unit_of(*setup_, gpus_per_node_); }

  std::shared_ptr<const StepTimes> times(const ClusterView& cluster) const override {
    if (cluster.placement.gpus_per_node() != gpus_per_node_) {
      throw UserError("/gpus_per_node", fmt::format("the cluster's nodes have {} GPUs, not {}", cluster.placement.gpus_per_node(), gpus_per_node_));
    }
    auto times = std::make_shared<LayerTimes>(setup_, cluster);
    // What the cluster cannot do is told before a run of hours begins.
    if (setup_->stage() == Stage::decode) times->decode({1, 1});
    else times->prefill({1, 1, 0, 1});
    return times;
  }

  Json resolved() const override { return *resolved_; }

  std::vector<ConstantUsed> constants() const override {
    std::vector<ConstantUsed> all = constants_;
    for (ConstantUsed& c : constants_of(*setup_)) all.push_back(std::move(c));
    for (ConstantUsed& c : models::constants_of(*setup_->costs, calls_of(*setup_, usual()))) all.push_back(std::move(c));
    return all;
  }

  std::vector<std::string> notes() const override {
    const Deployment& d = setup_->deployment;
    return {fmt::format("{}: {} on {} GPUs, EP{}{}: a layer's exchanges are played on the network once for a size and its time follows from its pieces; unlike loads of a unit's GPUs count as the largest of them",
                        setup_->stage() == Stage::decode ? "decode" : "prefill", setup_->model.name, d.gpus, d.ep, d.tp > 1 ? fmt::format(", heads shared by {}", d.tp) : "")};
  }
  std::vector<std::string> warnings() const override { return kernel_warnings(*setup_->costs, calls_of(*setup_, usual())); }
  const models::CostModel* cost_model() const override { return setup_->costs.get(); }
  std::uint32_t context() const override { return static_cast<std::uint32_t>(setup_->model.context); }

 private:
  /// A middling batch, whose kernels stand for those of the run.
  MicroBatch usual() const {
    if (setup_->stage() == Stage::decode) return micro_batch_of(*setup_, DecodeLoad{64, 64 * 4096});
    return micro_batch_of(*setup_, PrefillLoad{16384, 4 * 4096.0 * 4097 / 2, 0, 4});
  }

  std::shared_ptr<const LayerSetup> setup_;
  std::uint32_t gpus_per_node_;
  std::shared_ptr<const Json> resolved_;
  std::vector<ConstantUsed> constants_;
};

std::unique_ptr<StageModel> read_llm_stage(JsonReader& where, const WorkloadContext& context, Stage stage) {
  Parameters p(where, context);
  const auto per_node = static_cast<std::uint32_t>(p.integer("gpus_per_node", kGpusPerNode, 1, 1024));
  auto setup = read_layer_setup(p, context, stage);
  where.done();
  if (!setup) return nullptr;
  if (const std::string text = does_not_fit(setup->model, setup->deployment, {setup->gpu.memory.value, 1, 1}); !text.empty()) {
    where.fail(text);
    return nullptr;
  }
  return std::make_unique<LlmStage>(p, std::move(*setup), per_node);
}

}  // namespace

StageModelKind llm_stage_kind() {
  StageModelKind k;
  k.key = "model";
  k.parameters = {{"model", "a language model: unit and times are worked out. All keys of the kinds `prefill` and `decode` that describe a unit hold (weft show collective prefill, decode), with their defaults"},
                  {"gpus_per_node", "of the cluster's nodes; default 8"}};
  k.read = read_llm_stage;
  return k;
}

}  // namespace weft::workloads::inference

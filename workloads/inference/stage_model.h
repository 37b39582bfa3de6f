// A StageModel says what a unit of prefill or decode is and how long its passes or steps take: where a server gets both from.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sim/core/json.h"
#include "sim/core/provenance.h"
#include "workloads/inference/deployment.h"
#include "workloads/inference/step_times.h"
#include "workloads/workload.h"

namespace weft::workloads::inference {

class StageModel {
 public:
  virtual ~StageModel() = default;
  virtual Unit unit() const = 0;
  /// For a unit on this cluster; may be kept as long as the cluster. Throws UserError (place below the stage's own object: "/ep") when
  /// the cluster cannot do it.
  virtual std::shared_ptr<const StepTimes> times(const ClusterView& cluster) const = 0;
  /// Its keys with their defaults; read again it is the same model.
  virtual Json resolved() const = 0;
  virtual std::vector<ConstantUsed> constants() const { return {}; }
  virtual std::vector<std::string> notes() const { return {}; }
  virtual std::vector<std::string> warnings() const { return {}; }
  /// What gives its kernel times; null: it has none.
  virtual const models::CostModel* cost_model() const { return nullptr; }
  /// Tokens of prompt and answer together that the language model takes; zero: no limit.
  virtual std::uint32_t context() const { return 0; }
};

/// A way to describe a stage: an object that has this key is read by it.
struct StageModelKind {
  std::string key;                   ///< "times"
  std::vector<ColumnDoc> parameters;
  std::function<std::unique_ptr<StageModel>(JsonReader& where, const WorkloadContext&, Stage)> read;
};

/// All of them: given_times_kind() and what else there is.
const std::vector<StageModelKind>& stage_model_kinds();

/// Reads a stage's object but for the keys that the caller has asked for already ("units"), up to done(). Problems are recorded with
/// their place; null then.
std::unique_ptr<StageModel> read_stage_model(JsonReader& where, const WorkloadContext& context, Stage stage);

/// Times as linear formulas whose factors stand in the scenario: {"times": {"base": "10 ms", ...}, "nodes": 4, "groups": 32, ...}.
StageModelKind given_times_kind();
/// Worked out from a language model and the cluster: {"model": "deepseek-v3", "ep": 144, ...}, the keys of `prefill` and `decode`.
StageModelKind llm_stage_kind();

}  // namespace weft::workloads::inference

// A ServedStage is a stage of a service as a question holds it: its model as the scenario describes it, for one or several imbalances of the experts.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "scenarios/analysis_kind.h"
#include "workloads/inference/day/capacity.h"
#include "workloads/inference/stage_model.h"

namespace weft::scenarios {

class ServedStage {
 public:
  /// Reads the object at `where`. With imbalances it is read once for each, with "balance" set to it: for ways to describe a stage that
  /// know this key.
  /// Problems are recorded; then nothing may be asked.
  static ServedStage read(const JsonReader& where, const AnalysisContext& context, workloads::inference::Stage stage, const std::vector<double>& imbalances = {});

  /// On this cluster, for the imbalance of this number. Throws UserError with the place below the workload.
  workloads::inference::TimedUnit timed(const workloads::ClusterView& cluster, std::size_t imbalance = 0) const;
  const workloads::inference::StageModel& model(std::size_t imbalance = 0) const { return *models_.at(imbalance); }
  std::size_t size() const { return models_.size(); }
  /// The object with its defaults; of several imbalances, that of the first without the key.
  Json resolved() const;
  std::vector<ConstantUsed> constants() const;
  std::vector<std::string> notes() const;
  std::vector<std::string> warnings() const;

 private:
  std::string key_;
  bool band_ = false;
  std::vector<std::shared_ptr<const workloads::inference::StageModel>> models_;
};

}  // namespace weft::scenarios

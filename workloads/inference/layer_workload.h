// What the kinds `prefill` and `decode` share: layers of a unit played on the engine, and the pass that they come to.
#pragma once

#include <functional>
#include <vector>

#include "workloads/basic_workload.h"
#include "workloads/inference/layer_costs.h"

namespace weft::workloads::inference {

/// One case: what a group holds in a pass, and what a row says of it before and after it has been played.
struct LayerCase {
  Row labels;
  std::shared_ptr<const LayerSetup> setup;
  MicroBatch batch;
  double held_tokens = 0;      ///< of the cache, of a group; checked against its memory
  std::string place;           ///< "/requests/0": where a user is told that it does not fit
  double context = 0;          ///< of one request, for how many fit
  /// Columns of throughput and latency, from the time of a pass. `without_drafts`: the same batch without MTP (zero unless there is MTP).
  std::function<void(Seconds pass, Seconds without_drafts, std::uint32_t gpus_per_node, Row& row)> add_rates;
};

class LayerWorkload : public BasicWorkload {
 public:
  LayerWorkload(const Parameters& p, LayerSetup setup, std::uint32_t periods, bool check_memory)
      : BasicWorkload(p), setup_(std::make_shared<const LayerSetup>(std::move(setup))), periods_(periods), check_memory_(check_memory) {}

  std::vector<Case> cases(const ClusterView& cluster) const override;
  std::vector<ConstantUsed> constants() const override;
  const models::CostModel* cost_model() const override { return setup_->costs.get(); }
  std::vector<std::string> notes() const override;
  std::vector<std::string> warnings() const override;

 protected:
  virtual std::vector<LayerCase> layer_cases() const = 0;
  const std::shared_ptr<const LayerSetup>& setup() const { return setup_; }

 private:
  Case case_of(const LayerCase& c, const ClusterView& cluster) const;
  void tell(const std::string& warning) const;

  std::shared_ptr<const LayerSetup> setup_;
  std::uint32_t periods_;
  bool check_memory_;
  std::shared_ptr<std::vector<std::string>> told_ = std::make_shared<std::vector<std::string>>();   ///< what only the cluster shows
};

constexpr std::int64_t kMostRequests = 10'000'000, kMostTokens = 1'000'000'000;
/// Records a problem at each entry above `most`.
void require_at_most(JsonReader& where, const std::string& key, const std::vector<std::int64_t>& values, std::int64_t most);
/// The same above what the model takes, or above a limit where it does not say.
void require_lengths(JsonReader& where, const std::string& key, const std::vector<std::int64_t>& tokens, const models::Llm& model);

/// Labels of a unit: GPUs and how experts lie on them.
void label_unit(const LayerSetup& s, Row& labels);

/// Of every row, apart from labels and rates.
std::vector<ColumnDoc> layer_column_docs(Stage stage);
std::vector<ColumnDoc> unit_label_docs();
/// Room in memory and what is taken of it.
std::vector<ColumnDoc> memory_column_docs();
/// "layers" and "check_memory".
std::vector<ColumnDoc> layer_case_parameter_docs();

}  // namespace weft::workloads::inference

// Questions that need no Program: what a topology counts to and costs, how long its paths are, what a model counts to.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "scenarios/cluster.h"
#include "scenarios/kernel_times.h"
#include "sim/core/row.h"

namespace weft::scenarios {

/// One such question with its parameters.
class Analysis {
 public:
  virtual ~Analysis() = default;
  /// Rows with the kind's columns. Throws UserError (place relative to the workload, or /cluster/...).
  virtual std::vector<Row> rows(const Cluster& cluster) const = 0;
  virtual std::vector<std::string> notes(const Cluster&) const { return {}; }
  virtual std::vector<ConstantUsed> constants(const Cluster&) const { return {}; }
  virtual Json resolved() const;
  /// Labels of this one beyond those of its kind: the fields of its kernel family.
  virtual std::vector<ColumnDoc> labels() const { return {}; }
  /// What gives its kernel times; null: it has none.
  virtual const models::CostModel* cost_model() const { return nullptr; }
  /// What the user should be told at once, beside the notes.
  virtual std::vector<std::string> warnings() const { return {}; }
};

/// Everything a reader of an analysis may use.
struct AnalysisContext {
  const DataPlaces& data;
  const KernelTimes& kernels;
  std::optional<KernelDraw> draw;   ///< kernel times are those of this draw
  std::uint64_t seed = 1;           ///< of the run

  /// As KernelTimes::model, of the draw.
  std::shared_ptr<const models::CostModel> model(const models::Gpu& gpu, const KernelChoice& choice, const std::string& place) const;
  /// model() as a function; valid as long as this.
  models::CostModelSource source() const;
};

struct AnalysisKind {
  std::string name, title, summary;
  std::vector<ColumnDoc> parameters;
  std::vector<ColumnDoc> label_columns, columns;
  std::function<std::unique_ptr<Analysis>(JsonReader& where, const AnalysisContext& context)> read;
  bool uses_cluster = true;   ///< false: the answer is the same whatever the cluster
  std::string found_by = "arithmetic on constants";   ///< what gives the answer, in a few words
  /// Why the answer is what it is, a sentence out of its rows; none: the rows say all that is known.
  std::function<std::string(const std::vector<Row>& rows)> why;
};

/// All kinds, in the order of scenarios/meson.build.
const std::vector<AnalysisKind>& analysis_kinds();

}  // namespace weft::scenarios

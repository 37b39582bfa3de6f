// Questions that need no Program: what a topology counts to and costs, how long its paths are, what a model counts to.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "scenarios/cluster.h"
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
};

struct AnalysisKind {
  std::string name, title, summary;
  std::vector<ColumnDoc> parameters;
  std::vector<ColumnDoc> label_columns, columns;
  std::function<std::unique_ptr<Analysis>(JsonReader& where, const DataPlaces& data)> read;
  bool uses_cluster = true;   ///< false: the answer is the same whatever the cluster
};

/// All kinds, in the order of scenarios/meson.build.
const std::vector<AnalysisKind>& analysis_kinds();

}  // namespace weft::scenarios

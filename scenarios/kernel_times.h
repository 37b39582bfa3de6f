// KernelTimes: the cost models of a run, one a GPU, made from what the user chose and from the calibrations that weft ships.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "models/kernel_use.h"
#include "sim/core/files.h"

namespace weft::scenarios {

/// How long kernels take, as the user wants it.
struct KernelOptions {
  models::Fidelity cost_model = models::Fidelity::measured;
  std::vector<std::string> calibrations;   ///< names or paths; earlier ones win, and all win over shipped ones
  bool force = false;                      ///< take calibrations of another GPU; the result marks them
};

using models::KernelChoice;

/// As models::read_calibration, with what is wrong with the name told at `place` and what is wrong with a file in that file.
models::Calibration read_calibration_at(const std::string& name, const DataPlaces& data, const std::string& place);

class KernelTimes {
 public:
  KernelTimes(DataPlaces data, KernelOptions options) : data_(std::move(data)), options_(std::move(options)) {}

  /// The model for a GPU: the choice's calibrations, the run's, then the shipped ones of that GPU by name. Safe to call from several
  /// threads. Throws UserError: at --calibration or, for the choice's, at `place`.
  std::shared_ptr<const models::CostModel> model(const models::Gpu& gpu, const KernelChoice& choice, const std::string& place) const;
  const KernelOptions& options() const { return options_; }

 private:
  const models::Calibration& read(const std::string& name, const std::string& place) const;
  std::shared_ptr<const models::CostModel> make(const models::Gpu& gpu, const KernelChoice& choice, const std::string& place) const;

  DataPlaces data_;
  KernelOptions options_;
  mutable std::mutex reading_;
  mutable std::map<std::string, models::Calibration> read_;
  mutable std::map<std::string, std::shared_ptr<const models::CostModel>> models_;   ///< by GPU (name and constants) and choice
};

/// One draw of a run's kernel times from the regions in which they lie; see CostModel::drawn.
struct KernelDraw {
  std::uint64_t seed = 0, number = 0;
};

/// Columns that say why a time may be believed (cost_model, calibration, outside), and their cells.
std::vector<ColumnDoc> reason_columns();
void add_reasons(Row& row, const models::KernelTime& time);

}  // namespace weft::scenarios

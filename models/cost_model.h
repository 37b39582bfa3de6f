// A CostModel: how long a kernel takes on a GPU, by its roofline, by a fitted formula or by measured neighbours; each answer says which.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "models/calibration/calibration.h"

namespace weft::models {

/// From the coarsest to the finest. `measured` falls back to `fitted`, and that to `roofline`, where there is no data.
enum class Fidelity { roofline, fitted, measured };

std::string to_text(Fidelity f);
/// Throws UserError (place `place`) that names the three.
Fidelity fidelity_named(const std::string& name, const std::string& place);
std::vector<std::string> fidelity_names();

/// How long, and why one may believe it.
struct KernelTime {
  Seconds time{};
  Seconds roofline{};            ///< never above `time`
  bool memory = false;           ///< whether HBM is what makes the roofline
  Fidelity fidelity = Fidelity::roofline;
  std::string calibration;       ///< id of the calibration used; empty for the roofline
  std::string form;              ///< name of its formula
  std::string outside;           ///< "m 65536 is above 32768": beyond what was measured; empty: inside
  bool clamped = false;          ///< the formula was below the roofline
};

/// What is to be said of a forced calibration, by its name in CostModel::names().
std::string forced_caution(const std::string& name);

class CostModel {
 public:
  /// `calibrations`: earlier ones win. Throws UserError (place `place`) for one of another GPU unless `force`.
  CostModel(Gpu gpu, std::vector<Calibration> calibrations, Fidelity wanted, bool force, const std::string& place);

  /// Throws UserError for a shape or number of SMs that the GPU cannot have, and as roofline().
  KernelTime time(const KernelCall& call) const;
  const Gpu& gpu() const { return gpu_; }
  Fidelity wanted() const { return wanted_; }
  const std::vector<Calibration>& calibrations() const { return *calibrations_; }
  /// Ids; "h800_inference (of h800, forced)" for those of another GPU.
  std::vector<std::string> names() const;
  /// A sentence for each calibration of another GPU, for whoever reads the result.
  std::vector<std::string> cautions() const;
  /// The entry that answers for a call; nullptr: the roofline does.
  const CalibrationEntry* entry_for(const KernelCall& call, std::string* id = nullptr) const;

  /// The same with parameters drawn from their confidence region and, per shape family, an error: at a measured shape as large as the fit's
  /// own, at the distance of left-out families as large as there, beyond it larger (its variance is linear in the distance in doublings).
  /// Draw number 0, 1, ... of a seed; the same draw gives the same times.
  CostModel drawn(std::uint64_t seed, std::uint64_t draw) const;
  /// For what a calibration does not hold: in a draw a standard normal of `what`'s own, the same whenever asked; else zero.
  double normal_of(const std::string& what) const;

 private:
  struct Table {
    const CalibrationEntry* entry;
    std::string id;
    const KernelForm* form;
    std::vector<double> parameters;
    bool foreign = false;            ///< of another GPU, forced
    Transfer transfer;
    std::vector<double> low, high;   ///< of each field
    std::shared_ptr<const Transfer> measured;   ///< where the points lie
    double typical = 1;              ///< from a point to the nearest one of another shape family, in doublings (median)
  };
  const Table* table_for(const KernelCall& call) const;
  double shape_error(const Table& t, const KernelCall& call, const std::vector<double>& place) const;

  Gpu gpu_;
  std::shared_ptr<const std::vector<Calibration>> calibrations_;   ///< shared by copies: tables point into it
  Fidelity wanted_;
  bool drawn_ = false;
  std::uint64_t seed_ = 0, draw_ = 0;
  std::map<std::pair<std::string, std::string>, std::shared_ptr<const Table>> tables_;
};

}  // namespace weft::models

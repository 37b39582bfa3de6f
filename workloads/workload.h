// A Workload: what a scenario asks of a cluster, as cases; each case is a Program and the columns read off its outcome.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "models/kernel_use.h"
#include "sim/core/files.h"
#include "sim/core/json.h"
#include "sim/core/placement.h"
#include "sim/core/row.h"
#include "workloads/program.h"

namespace weft::workloads {

/// The storage nodes beside a cluster, on a network of their own with the nodes' storage NICs.
struct StorageView {
  std::uint32_t nodes = 0;                 ///< zero: there are none
  std::uint32_t nics_per_node = 0, ssds_per_node = 0;
  BytesPerSecond nic_rate;                 ///< of each NIC of a storage node
  BytesPerSecond ssd_read, ssd_write;      ///< of each SSD
  double ssd_read_iops = 0;                ///< small random reads a second of each SSD
  BytesPerSecond client_rate;              ///< of a node's storage NIC
};

/// What a workload may know of the cluster it will run on.
struct ClusterView {
  Placement placement;
  /// Two GPUs on different nodes whose NICs are related so: "same_leaf", "cross_leaf", "cross_rail", "same_node",
  /// "farthest"; empty when the fabric has no such pair.
  std::function<std::optional<std::pair<Rank, Rank>>(std::string_view relation)> pair;
  /// Whether a path exists.
  std::function<bool(const Endpoint&, const Endpoint&)> reachable;
  BytesPerSecond nic_rate;
  BytesPerSecond nvlink_rate;
  Seconds nvlink_latency;         ///< CPU side
  Seconds nvlink_store_latency;   ///< GPU side
  bool storage_nic = false;       ///< whether every node has one
  /// A number for the switch that a NIC is attached to: equal numbers, same leaf (or router).
  std::function<std::uint32_t(const Endpoint& nic)> attached_switch;
  StorageView storage;
  /// How long a program takes alone on this cluster as it is at the start, by the fluid engine. For workloads whose steps are made of such
  /// programs; each may be asked once and kept.
  std::function<Seconds(Program&)> play;
};

/// What the engine tells about one run of a Program.
struct Outcome {
  Seconds makespan;                      ///< last finish
  std::vector<Seconds> then;             ///< makespans of the programs that followed, in order
  std::vector<Seconds> start, finish;    ///< by OpId; only when the case observes op_times
  std::vector<BytesPerSecond> first_rate;  ///< by OpId, sum over sub-flows at the first allocation; observes first_rates
  std::vector<BytesPerSecond> first_slowest;  ///< by OpId: slowest sub-flow's rate times their number
};

enum class Observe { makespan, op_times, first_rates };

/// A program that begins when another has ended.
struct Following {
  std::function<std::unique_ptr<Program>(std::size_t trial)> program;
  std::function<std::unique_ptr<Program>(std::size_t trial)> bound_program;   ///< as Case::bound_program; may be null
};

struct Case {
  Row labels;                            ///< gpus, size_B, ... shown before the results
  std::size_t trials = 1;                ///< programs to run; `fill` sees all outcomes
  std::function<std::unique_ptr<Program>(std::size_t trial)> program;
  Observe observe = Observe::makespan;
  std::function<void(std::span<const Outcome>, Row&)> fill;  ///< adds result columns
  /// Programs that follow, each when all of the one before has ended: their times add up.
  std::vector<Following> then;
  /// Times of the result that no program has, after the last one (an optimiser's step): what they are called, and how long.
  std::function<std::vector<std::pair<std::string, Seconds>>(std::span<const Outcome>)> beyond;
  /// A program that cannot take longer than the first and is cheaper to walk (some of its operations, with some of their dependencies);
  /// the bound is that of this one then. Null: of the program itself.
  std::function<std::unique_ptr<Program>(std::size_t trial)> bound_program;
  /// Rows beyond the one that `fill` completes, with labels of their own after the case's.
  std::function<std::vector<Row>(std::span<const Outcome>)> more_rows;
};

class Workload {
 public:
  virtual ~Workload() = default;
  /// Throws UserError (place relative to the workload, e.g. "/gpus/3") when the cluster cannot do it.
  virtual std::vector<Case> cases(const ClusterView& cluster) const = 0;
  /// Constants it uses (kernel caps), for the result.
  virtual std::vector<ConstantUsed> constants() const { return {}; }
  virtual Json resolved() const = 0;
  /// What gives its kernel times; null: it has none.
  virtual const models::CostModel* cost_model() const { return nullptr; }
  /// What a reader of its results has to know, and what the user should be told at once beside that.
  virtual std::vector<std::string> notes() const { return {}; }
  virtual std::vector<std::string> warnings() const { return {}; }
};

/// Everything a reader of a workload may use.
struct WorkloadContext {
  const DataPlaces* data = nullptr;
  std::uint64_t seed = 0;
  models::CostModelSource cost_model;
};

struct WorkloadKind {
  std::string name;                  ///< "all_to_all"
  std::string title;
  std::string summary;
  std::vector<ColumnDoc> parameters; ///< with defaults
  std::vector<ColumnDoc> columns;    ///< of its rows
  std::function<std::unique_ptr<Workload>(JsonReader& where, const WorkloadContext&)> read;
};

/// All kinds, in the order of workloads/meson.build.
const std::vector<WorkloadKind>& workload_kinds();

}  // namespace weft::workloads

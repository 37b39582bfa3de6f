// FailureRates: how often parts of a cluster fail, by cause, as somebody published it; from data files with a source per number.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sim/core/files.h"
#include "sim/core/json.h"
#include "sim/core/provenance.h"
#include "sim/core/row.h"
#include "sim/core/units.h"

namespace weft::models {

/// What a failure takes down. `link` is a cable between switches, `nic_link` the one from a NIC to its leaf, `plane` what one subnet manager looks after,
/// `network` any cable or switch, `silent` a corruption that nobody notices at once, `flap` a link that is away for seconds.
enum class FailedPart { gpu, hbm, node, software, silent, nic, nic_link, link, leaf, spine, core, plane, network, flap };

std::string to_text(FailedPart part);
/// In the order of FailedPart.
const std::vector<std::string>& failed_part_names();
/// Whether the scale-out network is what suffers.
bool in_network(FailedPart part);

/// What a rate is counted by: GPUs or nodes of the job, parts of the kind in the cluster, or the job as a whole.
enum class RatePer { gpu, node, part, job };

struct FailureCause {
  std::string name;            ///< "GPU HBM3 memory"
  FailedPart part = FailedPart::node;
  RatePer per = RatePer::job;
  Sourced<double> per_hour;    ///< failures an hour, of one GPU, node, part or of the job
  std::string stated;          ///< as the source counts: "72 in 1296 h on 16384 GPUs"
};

/// A number that stands beside rates in a publication and enters no rate.
struct FailureFact {
  std::string name;
  Sourced<double> number;
};

struct FailureRates {
  std::string name, title;
  std::vector<FailureCause> causes;
  std::vector<FailureFact> also_published;
};

/// What a cluster has of what rates are counted by.
struct Exposure {
  double gpus = 0, nodes = 0, parts = 1;
};
/// Failures an hour of a cause on so much.
double per_hour(const FailureCause& cause, const Exposure& exposure);

/// A file of models/data/failures by its name, a path to one, or an object (which may say "extends"). A cause says how often in one of four ways: `count` of the file's
/// `gpus` and `duration`; `monthly_pct` of the parts (a month is a twelfth of 365.25 days); `per_1000_node_days`; `mtbf` with `per` (default: the job). Problems are
/// recorded; then the rates must not be used.
FailureRates read_failure_rates(JsonReader where, const DataPlaces& data);
std::vector<ConstantUsed> constants_of(const FailureRates& rates);
std::vector<ColumnDoc> failure_rate_docs();

}  // namespace weft::models

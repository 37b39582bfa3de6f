// What the drawings of a page get: a NetworkPicture, a TimelinePicture and the heat map of an Explanation as JSON in few bytes.
#pragma once

#include "reports/page/page.h"
#include "sim/core/json.h"

namespace weft::reports {

/// {title, nodes, nics_per_node, failed: [names],
///  switches: [[name, tier, group, endpoints, endpoints_down, members, failed (0 or 1), out, in]...], bundles: [[from, to, cables, failed, up, down]...]}.
Json network_data(const NetworkPicture& n);

/// {unit_ns, left_out, tracks: [[rank, name]...], names, slices: [[since the end of the one before, length, 2 * name + (1 for a transfer), parts, ...]...]}: a
/// list of numbers a track, times in units of unit_ns nanoseconds, a power of ten that leaves a hundred-millionth of the whole to be seen.
Json timeline_data(const TimelinePicture& t);

/// {total_us, groups: [{name, utilisation: [...]}...]}.
Json heatmap_data(const analysis::Explanation& why);

}  // namespace weft::reports

// Making a NetworkPicture: the switches of a fabric and the bundles of cables between them, small enough for a page.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "reports/page/page.h"
#include "topology/fabric.h"

namespace weft::scenarios {

/// Parallel cables are one bundle. Where there are more than `most_bundles` of them, neighbouring switches of a tier and group are drawn as one
/// (Switch::members says how many), and where that is not enough neighbouring groups too; switches that have failed stay by themselves.
/// `use` is Explanation::link_use of this fabric; `failed` names parts that are down. Precondition: most_bundles > 0.
reports::NetworkPicture network_picture(const topology::Fabric& fabric, const std::vector<std::string>& failed,
                                        std::span<const analysis::Explanation::LinkUse> use, std::size_t most_bundles = 2500);

}  // namespace weft::scenarios
